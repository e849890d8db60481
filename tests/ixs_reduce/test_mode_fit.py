"""Strongly damped modes, and what follows from energy, width and amplitude."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.units import BOLTZMANN_MEV_K, HBAR_MEV_PS
from ixs_reduce import SpectrumModel, fit_spectrum
from ixs_reduce.mode_fit import mode_fits
from tests.ixs_reduce.line_quadrature import LONGEST_FLOATS, integral, oscillator
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)
from tests.ixs_reduce.two_mode_spectrum import ENERGY, MODEL, errors, noisy, start_at_truth


def overdamped(counts, seed=None, mode=(3.0, 10.0)):
    """One mode (W, G in meV) under an elastic line, with a number of counts in all."""
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=1, background="constant")
    energy = np.linspace(-20.0, 20.0, 161)
    truth = {
        **true_parameters(model, [(*mode, 1.0)], elastic_peak=0.3),
        "background_c0": 0.01,
    }
    rate = expected_spectrum(model, truth, energy).counts.sum()
    spectrum = expected_spectrum(model, truth, energy, counts / rate)
    if seed is not None:
        spectrum = counted(spectrum, np.random.default_rng(seed))
    return spectrum, model, truth


def test_overdamped_truth_is_recovered():
    spectrum, model, _ = overdamped(80_000)
    fit = fit_spectrum(spectrum, model)
    mode = fit.modes[0]
    assert fit.deviance < 1e-3
    assert mode.overdamped
    assert mode.center is None
    assert mode.energy.value == pytest.approx(3.0, rel=5e-3)
    assert mode.overdamping.value == pytest.approx(0.9, rel=1e-3)


def test_overdamping_is_what_the_data_determine():
    """W and G alone are ill-determined, W²/G is not."""
    spectrum, model, _ = overdamped(8_000, mode=(5.0, 25.0))
    mode = fit_spectrum(spectrum, model).modes[0]
    relative = {
        name: getattr(mode, name).stderr / getattr(mode, name).value
        for name in ("energy", "fwhm", "overdamping")
    }
    print("relative errors at 8000 counts:", relative)
    assert relative["overdamping"] < 0.12
    assert relative["energy"] > 2 * relative["overdamping"]
    assert relative["fwhm"] > 4 * relative["overdamping"]


def test_overdamping_of_noisy_fits_scatters_as_claimed():
    fits = [fit_spectrum(*overdamped(8_000, seed)[:2]) for seed in range(30)]
    values = np.array([fit.modes[0].overdamping.value for fit in fits])
    claimed = np.array([fit.modes[0].overdamping.stderr for fit in fits])
    pull = (values - 0.9) / claimed
    print(f"W²/G: mean pull {pull.mean():.2f}, scatter {pull.std():.2f}")
    assert sum(fit.converged for fit in fits) == 30
    assert all(fit.modes[0].overdamped for fit in fits)
    assert 0.6 < pull.std() < 1.5
    assert abs(pull.mean()) < 0.7


def test_derived_quantities_and_their_errors():
    """Against their formulas, with errors from a numerical gradient and the covariance."""
    fit = fit_spectrum(noisy(), MODEL)
    kt = BOLTZMANN_MEV_K * 300.0
    for i, mode in enumerate(fit.modes):
        block = slice(3 * i, 3 * i + 3)
        covariance = fit.covariance[block, block]

        def area(values):
            shape = oscillator(values[0], values[1], 300.0)
            places = [*shape.poles, 2j * np.pi * kt]
            return values[2] * integral(
                lambda e: shape.parts(e, LONGEST_FLOATS)[0], places, scale=6 * kt
            )

        derived = {
            "overdamping": lambda v: v[0] ** 2 / v[1],
            "center": lambda v: np.sqrt(v[0] ** 2 - v[1] ** 2 / 4),
            "lifetime_ps": lambda v: HBAR_MEV_PS / v[1],
            "integrated_intensity": area,
        }
        best = fit.parameters[block]
        for name, function in derived.items():
            gradient = np.zeros(3)
            for k in range(3):
                step = np.zeros(3)
                step[k] = 1e-5 * best[k]
                gradient[k] = (function(best + step) - function(best - step)) / (2 * step[k])
            found = getattr(mode, name)
            assert found.value == pytest.approx(function(best), rel=1e-8), name
            assert found.stderr == pytest.approx(
                np.sqrt(gradient @ covariance @ gradient), rel=1e-4
            )
        assert not mode.overdamped


def test_critically_damped_mode_has_finite_derived_values():
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=1, elastic=False, background="none")
    mode = mode_fits(np.array([4.0, 8.0, 1.0, 0.0]), np.eye(4) * 1e-4, (), model)[0]
    assert mode.overdamping.value == pytest.approx(2.0)
    assert np.isfinite(mode.integrated_intensity.value)
    assert not mode.overdamped


def test_strong_correlations_are_named():
    """Two modes closer than their widths."""
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=2)
    truth = true_parameters(
        model, [(6.0, 1.5, 300.0), (6.8, 1.5, 300.0)], elastic_peak=300.0, background=(20.0, 0.0)
    )
    fit = fit_spectrum(expected_spectrum(model, truth, ENERGY), model, start_at_truth(model, truth))
    matrix = fit.covariance / np.outer(errors(fit), errors(fit))
    strong = {
        (fit.parameter_names[i], fit.parameter_names[j])
        for i, j in np.argwhere(np.abs(np.triu(matrix, 1)) > 0.95)
    }
    assert strong
    assert {pair[:2] for pair in fit.correlated} == strong
    assert all(abs(pair[2]) <= 1 + 1e-9 for pair in fit.correlated)
