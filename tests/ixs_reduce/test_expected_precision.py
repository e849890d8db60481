"""Precision foretold from Fisher information: closed forms, and the scatter of real fits."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce import Resolution, Spectrum, SpectrumModel, expected_covariance, expected_errors
from ixs_reduce.fitting import fit_from
from tests.ixs_reduce.synthetic_spectra import counted, expected_spectrum, pseudo_voigt
from tests.ixs_reduce.synthetic_spectra import true_parameters as parameters_of

GAUSSIAN = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])
SIGMA = 1.5 / FWHM_PER_SIGMA
EVERYWHERE = np.arange(0.0, 60.0, 0.1)
LONE = {"mode1_energy": 30.0, "mode1_fwhm": 0.0, "mode1_amplitude": 400.0, "zero": 0.0}


def lone_line() -> SpectrumModel:
    """A sharp mode through a Gaussian at 10 K, where there is no gain side, on nothing."""
    return SpectrumModel(GAUSSIAN, 10.0, modes=1, elastic=False, background="none")


def test_position_of_a_lone_gaussian_is_known_to_sigma_over_root_n() -> None:
    expected = lone_line().evaluate(LONE, EVERYWHERE)
    errors = expected_errors(
        lone_line(), LONE, EVERYWHERE, 1.0, known={"zero": 0.0, "mode1_fwhm": 0.0}
    )
    number = expected.sum()
    assert errors["mode1_energy"] == pytest.approx(SIGMA / np.sqrt(number), rel=1e-3)
    assert errors["mode1_amplitude"] == pytest.approx(400.0 / np.sqrt(number), rel=1e-3)
    assert errors["zero"] == 0.0


def test_four_times_the_exposure_halves_the_errors() -> None:
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=2)
    truth = parameters_of(
        model, [(4.0, 0.5, 60.0), (9.0, 1.0, 30.0)], elastic_peak=90.0, background=(2.0, 0.01)
    )
    energy = np.linspace(-10, 20, 120)
    once = expected_covariance(model, truth, energy, np.full(120, 1.0))
    again = expected_covariance(model, truth, energy, 4.0)
    assert once[0] == model.parameter_names
    np.testing.assert_allclose(again[1], once[1] / 4, rtol=1e-6)
    np.testing.assert_allclose(once[1], once[1].T, rtol=1e-9)
    assert np.linalg.eigvalsh(once[1]).min() > 0


def test_a_zero_known_from_elsewhere_adds_in_quadrature() -> None:
    """On a lone line only the sum of energy and zero is measured."""
    exact = expected_errors(
        lone_line(), LONE, EVERYWHERE, 1.0, known={"zero": 0.0, "mode1_fwhm": 0.0}
    )
    vague = expected_errors(
        lone_line(), LONE, EVERYWHERE, 1.0, known={"zero": 0.07, "mode1_fwhm": 0.0}
    )
    assert vague["mode1_energy"] == pytest.approx(np.hypot(exact["mode1_energy"], 0.07), rel=1e-6)
    alone = expected_errors(lone_line(), LONE, EVERYWHERE, 1.0, known={"mode1_fwhm": 0.0})
    assert alone["mode1_energy"] > 100  # not determined, and not hidden


def test_what_the_counts_do_not_depend_on_is_unknown() -> None:
    absent = LONE | {"mode1_amplitude": 0.0}
    model = SpectrumModel(GAUSSIAN, 10.0, modes=1, elastic=False, background="constant")
    errors = expected_errors(model, absent | {"background_c0": 5.0}, EVERYWHERE, 1.0)
    assert np.isinf(errors["mode1_energy"])
    assert errors["background_c0"] == pytest.approx(np.sqrt(5.0 / EVERYWHERE.size), rel=0.1)


def test_a_measured_background_costs_precision() -> None:
    model = SpectrumModel(GAUSSIAN, 10.0, modes=1, elastic=False, background="none")
    known = {"zero": 0.0, "mode1_fwhm": 0.0}
    bare = expected_errors(model, LONE, EVERYWHERE, 1.0, known=known)
    above = expected_errors(model, LONE, EVERYWHERE, 1.0, known=known, background_rate=50.0)
    assert above["mode1_energy"] > 1.1 * bare["mode1_energy"]


@pytest.mark.parametrize(
    ("energy", "exposure", "known"),
    [
        (EVERYWHERE, -1.0, None),
        (EVERYWHERE, np.ones(3), None),
        (EVERYWHERE, 1.0, {"mode2_energy": 0.1}),
        (EVERYWHERE, 1.0, {"zero": -0.1}),
    ],
)
def test_bad_input(energy: np.ndarray, exposure: object, known: dict[str, float] | None) -> None:
    with pytest.raises(InputError):
        expected_errors(lone_line(), LONE, energy, exposure, known=known)  # type: ignore[arg-type]


CASES = {
    "isolated": ([(9.0, 1.2, 150.0)], ["mode1_energy", "mode1_fwhm"]),
    "overlapping pair": (
        [(8.0, 1.0, 250.0), (10.2, 1.0, 180.0)],
        ["mode1_energy", "mode2_energy", "mode1_fwhm", "mode2_fwhm"],
    ),
    "on the elastic tail": ([(3.0, 0.9, 200.0)], ["mode1_energy", "mode1_fwhm"]),
}


@pytest.mark.parametrize("case", CASES)
def test_errors_foretold_are_the_scatter_of_200_fits(case: str) -> None:
    """Within 15 %, three standard errors of a standard deviation of 200 numbers."""
    modes, names = CASES[case]
    model = SpectrumModel(pseudo_voigt(1.5), 300.0, modes=len(modes))
    truth = parameters_of(model, modes, elastic_peak=800.0, background=(8.0, 0.0), zero=0.1)
    template = expected_spectrum(model, truth, np.arange(-12.0, 20.0, 0.2))
    foretold = expected_errors(model, truth, template.energy_mev, template.exposure)
    generator = np.random.default_rng(5)
    start = model.parameters([mode[0] for mode in modes])
    found = [_fitted(counted(template, generator), model, start, truth) for _ in range(200)]
    for name in names:
        scatter = np.std([values[name] for values in found], ddof=1)
        assert scatter == pytest.approx(foretold[name], rel=0.15), name


def _fitted(
    spectrum: Spectrum, model: SpectrumModel, start: object, truth: dict[str, float]
) -> dict[str, float]:
    vector = np.array([truth[name] for name in model.parameter_names])
    fit = fit_from(spectrum, model, start, [vector])  # type: ignore[arg-type]
    return dict(zip(fit.parameter_names, fit.parameters.tolist(), strict=True))
