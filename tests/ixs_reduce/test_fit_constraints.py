"""Bounds, fixed values and ties: respected, reported, and right in the covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_reduce import fit_spectrum
from ixs_reduce.fitting import fit_from
from tests.ixs_reduce.synthetic_spectra import counted, expected_spectrum, true_parameters
from tests.ixs_reduce.two_mode_spectrum import (
    ENERGY,
    MODEL,
    TRUTH,
    errors,
    fisher_covariance,
    noisy,
    start_at_truth,
)


def test_a_users_bound_holds_and_is_reported():
    parameters = start_at_truth()
    parameters["mode2_energy"].set(value=9.0, max=9.2)
    fit = fit_spectrum(noisy(), MODEL, parameters)
    assert fit.held == ("mode2_energy",)
    value = fit.modes[1].energy
    assert value.value == pytest.approx(9.2)
    assert value.at_bound
    assert np.isnan(value.stderr)
    row = fit.parameter_names.index("mode2_energy")
    assert not fit.covariance[row].any()
    assert not fit.modes[0].energy.at_bound
    assert "mode2_energy" in fit.message
    # The others have the errors they have with it fixed there.
    free = [name for name in fit.parameter_names if name != "mode2_energy"]
    keep = [i for i, name in enumerate(fit.parameter_names) if name != "mode2_energy"]
    expected = np.sqrt(np.diag(fisher_covariance(fit, free)))
    np.testing.assert_allclose(errors(fit)[keep], expected, rtol=1e-3)


def test_a_width_without_damping_ends_on_its_bound():
    """Truths of G = 0: about half of the fits end at exactly 0, as limits and not as 0 ± x."""
    truth = true_parameters(
        MODEL,
        [(4.5, 1e-6, 400.0), (9.5, 1.5, 300.0)],
        elastic_peak=900.0,
        background=(20.0, 0.0),
    )
    clean = expected_spectrum(MODEL, truth, ENERGY)
    fits = [fit_spectrum(counted(clean, np.random.default_rng(s)), MODEL) for s in range(12)]
    bound = [fit for fit in fits if fit.modes[0].fwhm.at_bound]
    assert 2 <= len(bound) <= 10
    for fit in bound:
        mode = fit.modes[0]
        assert mode.fwhm.value == 0
        assert np.isnan(mode.fwhm.stderr)
        assert mode.lifetime_ps.at_bound
        assert mode.energy.stderr > 0
        assert mode.integrated_intensity.stderr > 0
        assert fit.converged


def test_fixed_parameters_stay():
    parameters = start_at_truth()
    parameters["mode1_fwhm"].set(value=0.7, vary=False)
    parameters["background_c1"].set(value=0.25, vary=False)
    fit = fit_spectrum(noisy(), MODEL, parameters)
    for name, value in (("mode1_fwhm", 0.7), ("background_c1", 0.25)):
        assert fit.value(name) == (value, 0.0, False)
    assert not fit.held
    assert fit.dof == ENERGY.size - 8
    free = [n for n in fit.parameter_names if n not in ("mode1_fwhm", "background_c1")]
    keep = [fit.parameter_names.index(n) for n in free]
    expected = fisher_covariance(fit, free)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(
        fit.covariance[np.ix_(keep, keep)] / scale, expected / scale, atol=1e-3
    )


def test_tied_parameters_follow():
    """One width for both modes, and an energy that is a function of another."""
    parameters = start_at_truth()
    parameters["mode2_fwhm"].set(expr="1.5 * mode1_fwhm")
    parameters["mode2_energy"].set(expr="sqrt(5) * mode1_energy - 0.5")
    fit = fit_spectrum(noisy(), MODEL, parameters)

    def tied(values):
        return {
            "mode2_fwhm": 1.5 * values["mode1_fwhm"],
            "mode2_energy": np.sqrt(5) * values["mode1_energy"] - 0.5,
        }

    best = dict(zip(fit.parameter_names, fit.parameters, strict=True))
    for name, value in tied(best).items():
        assert best[name] == pytest.approx(value, rel=1e-12)
    free = [n for n in fit.parameter_names if n not in tied(best)]
    keep = [fit.parameter_names.index(n) for n in free]
    expected = fisher_covariance(fit, free, tied)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(
        fit.covariance[np.ix_(keep, keep)] / scale, expected / scale, atol=1e-3
    )
    assert fit.value("mode2_fwhm").stderr == pytest.approx(
        1.5 * fit.value("mode1_fwhm").stderr, rel=1e-6
    )
    assert fit.value("mode2_energy").stderr == pytest.approx(
        np.sqrt(5) * fit.value("mode1_energy").stderr, rel=1e-6
    )
    assert fit.dof == ENERGY.size - 8
    # It is the optimum: the deviance has no slope in the free width.
    unbound = fit_spectrum(noisy(), MODEL)
    assert fit.deviance > unbound.deviance


def test_ties_through_a_helper_parameter():
    parameters = start_at_truth()
    parameters.add("ratio", value=2.0, vary=False)
    parameters["mode2_amplitude"].set(expr="ratio * mode1_amplitude")
    fit = fit_spectrum(noisy(), MODEL, parameters)
    assert fit.value("mode2_amplitude").value == pytest.approx(
        2 * fit.value("mode1_amplitude").value
    )


def test_tied_background():
    parameters = start_at_truth()
    parameters["background_c1"].set(expr="background_c0 / 100")
    fit = fit_spectrum(noisy(), MODEL, parameters)
    assert fit.background[1].value == pytest.approx(fit.background[0].value / 100)


def test_start_parameters_are_the_callers_own():
    """The fit neither changes what it was given nor lets later changes reach its record."""
    spectrum, parameters = noisy(), start_at_truth()
    before = parameters.dumps()
    fit = fit_spectrum(spectrum, MODEL, parameters)
    assert parameters.dumps() == before
    parameters["mode1_energy"].set(value=6.0, vary=False)
    again = fit_from(
        spectrum, MODEL, fit.start_parameters, [np.array(v) for v in fit.start_vectors]
    )
    assert again.parameters.tobytes() == fit.parameters.tobytes()


def test_background_is_never_negative():
    """Even where the data ask for it: a background that falls below zero at one end."""
    truth = TRUTH | {"background_c0": 8.0, "background_c1": -0.4}
    spectrum = counted(expected_spectrum(MODEL, truth, ENERGY), np.random.default_rng(3))
    fit = fit_spectrum(spectrum, MODEL)
    c0, c1 = (b.value for b in fit.background)
    assert (c0 + c1 * ENERGY).min() > -1e-9


def test_a_fixed_value_stays_through_all_starts():
    """Other starts rearrange and scatter the modes, but not what the user fixed."""
    parameters = start_at_truth()
    fixed = parameters["mode1_energy"].value + 0.5
    parameters["mode1_energy"].set(value=fixed, vary=False)
    fit = fit_spectrum(noisy(), MODEL, parameters, starts=8)
    assert fit.value("mode1_energy").value == fixed
    assert fit.value("mode1_energy").stderr == 0


@pytest.mark.parametrize(("low", "high"), [(5.0, 6.0), (2.0, 3.0)])
def test_a_users_bounds_hold_for_a_strongly_damped_mode(low, high):
    model = replace(MODEL, modes=1)
    truth = true_parameters(model, [(4.0, 12.0, 300.0)], elastic_peak=200.0, background=(5.0, 0.0))
    spectrum = counted(expected_spectrum(model, truth, ENERGY), np.random.default_rng(1))
    parameters = model.parameters([4.0])
    parameters["mode1_fwhm"].value = 12.0
    parameters["mode1_energy"].set(value=(low + high) / 2, min=low, max=high)
    fit = fit_spectrum(spectrum, model, parameters)
    assert low <= fit.modes[0].energy.value <= high
    assert fit.modes[0].energy.at_bound
    parameters = model.parameters([4.0])
    parameters["mode1_fwhm"].set(value=15.0, min=14.0, max=16.0)
    fit = fit_spectrum(spectrum, model, parameters)
    assert fit.modes[0].fwhm.value == pytest.approx(14.0)
    assert fit.modes[0].fwhm.at_bound


def test_what_is_tied_to_a_parameter_at_its_bound_is_at_a_bound():
    parameters = start_at_truth()
    parameters["mode1_fwhm"].set(value=0.05, min=0.0, max=0.1)
    parameters["mode2_fwhm"].set(expr="mode1_fwhm")
    fit = fit_spectrum(noisy(), MODEL, parameters, starts=1)
    assert fit.modes[1].fwhm.at_bound
    assert np.isnan(fit.modes[1].fwhm.stderr)


def test_a_background_of_zero_is_a_limit_and_not_zero_with_no_error():
    model = replace(MODEL, modes=0)
    line = expected_spectrum(model, true_parameters(model, [], elastic_peak=900.0), ENERGY)
    # The tails of R are missing: the data push both ends of the background below zero.
    cut = replace(line, counts=np.where(np.abs(ENERGY) < 3, np.round(line.counts), 0.0))
    fit = fit_spectrum(cut, model, starts=1)
    assert fit.background[0].value == 0
    assert fit.background[0].at_bound
