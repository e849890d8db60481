"""A fit becomes plain JSON and comes back to the bit; run again it gives itself."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce.fit_record import fit_of, identical, record_of, rerun
from ixs_reduce.fitting import SpectrumFit, fit_spectrum
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum_model import SpectrumModel
from tests.ixs_reduce.small_fits import R, decorated, small_fit, small_spectrum


def through_json(fit: SpectrumFit) -> SpectrumFit:
    text = json.dumps(record_of(fit), allow_nan=False)
    return fit_of(json.loads(text), fit.spectrum)


def bits(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.ndarray) else value


def test_every_field_comes_back() -> None:
    fit = decorated(small_fit())
    back = through_json(fit)
    for field in fields(SpectrumFit):
        if field.name not in ("model", "start_parameters"):
            one, two = getattr(fit, field.name), getattr(back, field.name)
            assert bits(one) == bits(two), field.name
            assert type(one) is type(two), field.name
    assert back.model == fit.model
    assert repr(back.modes) == repr(fit.modes)  # NaN is no equal of NaN
    assert back.start_parameters.dumps() == fit.start_parameters.dumps()


def test_numbers_that_are_not_finite_come_back() -> None:
    fit = small_fit()
    matrix = fit.covariance.copy()
    matrix[0, :3] = np.nan, np.inf, -np.inf
    back = through_json(replace(fit, covariance=matrix, deviance=float("nan")))
    np.testing.assert_array_equal(back.covariance, matrix)
    assert np.isnan(back.deviance)


@pytest.mark.parametrize("objective", ["poisson", "chi2"])
def test_saved_fit_runs_again_bit_for_bit(objective: str) -> None:
    fit = small_fit(objective=objective, seed=3)
    again = rerun(through_json(fit))
    assert identical(again, fit)
    np.testing.assert_array_equal(again.expected_counts, fit.expected_counts)
    assert again.held == fit.held
    assert again.message == fit.message


def test_numeric_resolution_and_background_run_again_bit_for_bit() -> None:
    energy = np.linspace(-12, 12, 121)
    table = Resolution.from_table(energy, R(energy), "a")
    spectrum = small_spectrum(background=True)
    fit = fit_spectrum(spectrum, SpectrumModel(table, 300.0, modes=(5.0, 9.0)), starts=2)
    back = through_json(fit)
    assert back.model.modes == (5.0, 9.0)
    assert identical(rerun(back), fit)


def test_ties_fixed_values_and_bounds_run_again_bit_for_bit() -> None:
    model = SpectrumModel(R, 300.0, modes=2, quasielastic=True, background="constant")
    start = model.parameters([5.0, 9.0])
    # The tie speaks of a parameter further down, and of one that the model does not know.
    start.add("ratio", 1.8, vary=False)
    start["mode1_energy"].set(expr="mode2_energy / ratio")
    start["qe_fwhm"].set(value=3.0, vary=False)
    start["mode2_fwhm"].set(min=0.0, max=2.5)
    fit = fit_spectrum(small_spectrum(), model, start, starts=3)
    back = through_json(fit)
    assert back.start_parameters["mode1_energy"].expr == "mode2_energy / ratio"
    assert back.start_parameters["mode2_fwhm"].max == 2.5
    assert identical(rerun(back), fit)
    assert fit.value("mode1_energy").value == pytest.approx(
        fit.value("mode2_energy").value / 1.8, rel=1e-14
    )


def test_identical_sees_a_single_bit() -> None:
    fit = small_fit(starts=1)
    moved = fit.parameters.copy()
    moved[0] = np.nextafter(moved[0], 10)
    assert identical(fit, fit)
    assert not identical(fit, replace(fit, parameters=moved))
    assert not identical(fit, replace(fit, deviance=float(np.nextafter(fit.deviance, 0))))
    assert not identical(fit, replace(fit, parameter_names=fit.parameter_names[::-1]))


def test_other_data_are_refused() -> None:
    record = record_of(small_fit(starts=1))
    with pytest.raises(InputError, match=r"61 a are not those that were fitted.*sha256"):
        fit_of(record, small_spectrum(seed=2))


@pytest.mark.parametrize("key", ["model", "covariance", "start_vectors", "format"])
def test_incomplete_record_is_named(key: str) -> None:
    record = record_of(small_fit(starts=1))
    del record[key]
    with pytest.raises(InputError, match=rf"{key}.*damaged.*fit again"):
        fit_of(record, small_spectrum())


def test_newer_record_is_refused() -> None:
    record = record_of(small_fit(starts=1)) | {"format": 99}
    with pytest.raises(InputError, match="newer version"):
        fit_of(record, small_spectrum())


def test_fit_without_start_points_cannot_run_again() -> None:
    fit = replace(small_fit(starts=1), start_parameters=None, start_vectors=())
    assert through_json(fit).start_parameters is None
    with pytest.raises(InputError, match="no start points"):
        rerun(fit)
