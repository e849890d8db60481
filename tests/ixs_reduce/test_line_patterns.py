"""Folded modes and unresolved members of modes in the model, its derivatives and records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce import Resolution, SpectrumModel, convolved_dho, fit_spectrum
from ixs_reduce.fit_curves import fit_curves
from ixs_reduce.fit_record import fit_of, identical, record_of, rerun
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.line_sets import FoldedLine
from tests.ixs_reduce.small_fits import R, small_fit, small_spectrum

ENERGY = np.linspace(-12.0, 16.0, 71)
KELVIN = 250.0
FOLDED = ((6.0, 0.4, 2.0, "3"), (11.0, 0.0, 5.0, "7+8"))
MEMBERS = (((0.9, 2.0), (1.1, 1.0, 2.0)), ((1.0, 1.0),))
TRUTH = {
    "mode1_energy": 4.0,
    "mode1_fwhm": 0.5,
    "mode1_amplitude": 30.0,
    "mode2_energy": 9.0,
    "mode2_fwhm": 1.5,
    "mode2_amplitude": 20.0,
    "elastic": 40.0,
    "qe_amplitude": 7.0,
    "qe_fwhm": 3.0,
    "folded_scale": 1.7,
    "background_c0": 2.0,
    "background_c1": 0.05,
    "zero": 0.3,
}


def tabulated() -> Resolution:
    axis = np.arange(-9.0, 9.01, 0.1)
    gaussians = Resolution.from_components([("gaussian", 0.8, 0.1, 1.4), ("gaussian", 0.2, 0, 2)])
    return Resolution.from_table(axis, gaussians(axis))


def full_model(resolution: Resolution = R, **more: Any) -> SpectrumModel:
    options = {"folded": FOLDED, "members": MEMBERS, "quasielastic": True} | more
    return SpectrumModel(resolution, KELVIN, modes=2, **options)


def dho_sum(resolution: Resolution, lines: list[tuple[float, float, float]]) -> np.ndarray:
    energy = ENERGY - TRUTH["zero"]
    return np.sum([convolved_dho(energy, e, g, KELVIN, resolution, a) for e, g, a in lines], axis=0)


def test_the_scale_stands_after_the_quasielastic_line() -> None:
    assert full_model().parameter_names == tuple(TRUTH)
    assert "folded_scale" not in full_model(folded=()).parameter_names
    parameters = full_model().parameters()
    assert parameters["folded_scale"].min == 0
    assert parameters["folded_scale"].value == 1


@pytest.mark.parametrize("resolution", [R, tabulated()], ids=["components", "table"])
def test_terms_are_sums_of_single_lines(resolution: Resolution) -> None:
    terms = full_model(resolution).components(TRUTH, ENERGY)
    tolerance = {"rtol": 0.0, "atol": 1e-3 if resolution.numeric else 1e-11}
    weak = dho_sum(resolution, [(e, g, 1.7 * a) for e, g, a, _ in FOLDED])
    np.testing.assert_allclose(terms["folded"], weak, **tolerance)
    double = dho_sum(resolution, [(3.6, 0.5, 20.0), (4.4, 1.0, 10.0)])
    np.testing.assert_allclose(terms["mode1"], double, **tolerance)
    whole = full_model(resolution).evaluate(TRUTH, ENERGY)
    np.testing.assert_allclose(np.sum(list(terms.values()), axis=0), whole, rtol=1e-12)


@pytest.mark.parametrize("resolution", [R, tabulated()], ids=["components", "table"])
def test_derivatives_are_those_of_the_value(resolution: Resolution) -> None:
    prepared = full_model(resolution).prepare(ENERGY)
    theta = np.array(list(TRUTH.values()))
    _, jacobian = prepared(theta)
    for i, name in enumerate(TRUTH):
        step = 1e-5
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] += step
        behind[i] -= step
        slope = (prepared(ahead)[0] - prepared(behind)[0]) / (2 * step)
        np.testing.assert_allclose(
            jacobian[i], slope, rtol=0, atol=2e-6 * max(np.abs(slope).max(), 1e-3), err_msg=name
        )


def test_shares_add_up_to_one() -> None:
    first, second = full_model().members
    assert [member.share for member in first] == pytest.approx([2 / 3, 1 / 3])
    assert full_model(members=full_model().members).members == full_model().members
    assert [member.fwhm_ratio for member in second] == [1.0]
    assert full_model().folded_lines[1] == FoldedLine(11.0, 0.0, 5.0, "7+8")


def test_a_model_of_folded_modes_alone() -> None:
    model = SpectrumModel(R, KELVIN, modes=0, elastic=False, background="none", folded=FOLDED)
    found = model.evaluate({"folded_scale": 1.7, "zero": 0.3}, ENERGY)
    np.testing.assert_allclose(found, dho_sum(R, [(e, g, 1.7 * a) for e, g, a, _ in FOLDED]))


@pytest.mark.parametrize(
    "change",
    [
        {"folded": [(0.0, 1.0, 1.0)]},
        {"folded": [(1.0, -1.0, 1.0)]},
        {"folded": [(1.0, 1.0, np.nan)]},
        {"members": [[(1.0, 1.0)]]},
        {"members": [[(1.0, 0.0)], [(1.0, 1.0)]]},
        {"members": [[(-1.0, 1.0)], [(1.0, 1.0)]]},
        {"members": [[(1.0, 1.0, 0.0)], [(1.0, 1.0)]]},
    ],
)
def test_what_is_no_line_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        full_model(**change)


def patterned_fit() -> SpectrumFit:
    model = SpectrumModel(R, 300.0, modes=2, folded=FOLDED, members=MEMBERS)
    return fit_spectrum(small_spectrum(), model, [5.0, 9.0], starts=2)


def test_a_saved_fit_runs_again_bit_for_bit() -> None:
    fit = patterned_fit()
    assert fit.folded_scale is not None
    back = fit_of(json.loads(json.dumps(record_of(fit), allow_nan=False)), fit.spectrum)
    assert back.model == fit.model
    assert identical(rerun(back), fit)


def test_records_of_before_are_read() -> None:
    fit = small_fit(starts=1)
    record = record_of(fit)
    record["format"] = 1
    del record["model"]["folded"], record["model"]["members"]
    back = fit_of(record, fit.spectrum)
    assert back.model == fit.model
    assert identical(rerun(back), fit)


def test_curves_of_a_fit_hold_the_folded_modes() -> None:
    curves = fit_curves(patterned_fit())
    np.testing.assert_allclose(
        np.sum(list(curves.components.values()), axis=0), curves.total, rtol=1e-12
    )
    assert "folded" in curves.components


def test_integrated_intensity_is_that_of_all_members() -> None:
    """∫ S dE by quadrature of the model without elastic line and background."""
    fit = patterned_fit()
    values = dict(zip(fit.parameter_names, fit.parameters.tolist(), strict=True))
    axis = np.linspace(-400, 400, 400_001)
    curve = fit.model.components(values, axis)["mode1"]
    assert fit.modes[0].integrated_intensity.value == pytest.approx(
        np.trapezoid(curve, axis), rel=2e-3
    )
    assert replace(fit, branches=("3+4", "9")).modes[0].branch == "3+4"
