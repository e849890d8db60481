"""Posteriors: a closed form, covariance errors where they hold, overdamped modes, bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gamma

from ixs_core.errors import InputError
from ixs_core.jobs import Cancelled, CancelToken
from ixs_core.units import HBAR_MEV_PS
from ixs_reduce import Spectrum, SpectrumModel, fit_spectrum
from ixs_reduce.posterior import LONG_ENOUGH, Quantiles, sample_posterior
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)

ENERGY = np.linspace(-8.0, 13.0, 50)
MODEL = SpectrumModel(pseudo_voigt(), 300.0, modes=1, background="constant")


def fitted(model, truth, energy=ENERGY, seed=5, fixed=()):
    parameters = model.parameters()
    for name, value in truth.items():
        parameters[name].set(value=value, vary=name not in fixed)
    spectrum = counted(expected_spectrum(model, truth, energy), np.random.default_rng(seed))
    return fit_spectrum(spectrum, model, parameters, starts=1)


def well_determined(fixed=(), width=1.5, peak=2000.0):
    truth = true_parameters(
        MODEL, [(6.0, width, peak)], elastic_peak=peak, background=(50.0, 0.0), zero=0.1
    )
    return fitted(MODEL, truth, fixed=fixed)


def overdamped():
    """About 8000 counts in a mode three times wider than its energy, an elastic line beside."""
    truth = {
        "mode1_energy": 5.0,
        "mode1_fwhm": 15.0,
        "mode1_amplitude": 250.0,
        "elastic": 200.0,
        "background_c0": 4.0,
        "zero": 0.0,
    }
    return fitted(MODEL, truth, np.linspace(-20.0, 25.0, 60), seed=2)


def test_constant_background_alone():
    """One parameter: with n counts the posterior of the sum is gamma(n + 1), whatever n."""
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=0, elastic=False, background="constant")
    parameters = model.parameters()
    parameters["zero"].set(vary=False)
    counts = np.array([1.0, 0, 0, 2, 0, 1, 0, 0, 1, 0])
    spectrum = Spectrum(np.arange(10.0), counts, np.full(10, 3.0))
    fit = fit_spectrum(spectrum, model, parameters, starts=1)
    result = sample_posterior(fit, steps=1500, seed=1)
    expected = gamma(counts.sum() + 1, scale=1 / 30.0).ppf([0.025, 0.16, 0.5, 0.84, 0.975])
    assert result.sampled == ("background_c0",)
    np.testing.assert_allclose(result.quantiles["background_c0"], expected, rtol=0.06)
    assert result.warnings == ()


def test_agrees_with_the_covariance_of_a_well_determined_fit():
    fit = well_determined()
    result = sample_posterior(fit, steps=700, seed=1)
    assert result.sampled == fit.parameter_names
    for name in fit.parameter_names:
        best, found = fit.value(name), result.quantiles[name]
        assert found.half_width == pytest.approx(best.stderr, rel=0.15)
        assert found.median == pytest.approx(best.value, abs=0.25 * best.stderr)
        assert (found.q97_5 - found.q2_5) / 3.92 == pytest.approx(best.stderr, rel=0.15)
    ours = np.corrcoef([result.samples[n] for n in fit.parameter_names])
    error = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(ours, fit.covariance / error[:, None] / error, atol=0.15)
    mode = fit.modes[0]
    assert result.quantiles["mode1_overdamping"].half_width == pytest.approx(
        mode.overdamping.stderr, rel=0.15
    )
    assert result.quantiles["mode1_lifetime_ps"].half_width == pytest.approx(
        mode.lifetime_ps.stderr, rel=0.15
    )
    np.testing.assert_allclose(
        result.samples["mode1_lifetime_ps"], HBAR_MEV_PS / result.samples["mode1_fwhm"]
    )
    assert 0.1 < result.acceptance < 0.7
    assert result.effective_samples.min() > 200


def test_overdamped_mode():
    """W²/G is known several times better than W or G: the ridge that the samples follow."""
    fit = overdamped()
    assert fit.modes[0].overdamped
    result = sample_posterior(fit, steps=600, seed=3)
    spread = {n: q.half_width / q.median for n, q in result.quantiles.items()}
    print({name: round(value, 3) for name, value in spread.items()})
    assert spread["mode1_fwhm"] > 1.5 * spread["mode1_energy"]
    assert spread["mode1_overdamping"] < 0.5 * spread["mode1_energy"]
    assert spread["mode1_overdamping"] < 0.25 * spread["mode1_fwhm"]
    within = result.quantiles["mode1_overdamping"]
    assert within.q2_5 < 25 / 15 < within.q97_5
    correlation = np.corrcoef(
        np.log(result.samples["mode1_energy"]), np.log(result.samples["mode1_fwhm"])
    )
    assert correlation[0, 1] > 0.9


def test_the_prior_is_flat_in_width_and_energy_of_a_damped_mode():
    """The same posterior whether the mode moves by logarithms or, with W fixed, by G itself.

    The reference is quadrature over G of the likelihood.
    """
    truth = {
        "mode1_energy": 5.0,
        "mode1_fwhm": 15.0,
        "mode1_amplitude": 15.0,
        "elastic": 0.0,
        "background_c0": 1.0,
        "zero": 0.0,
    }
    fixed = ("mode1_amplitude", "elastic", "background_c0", "zero")
    fit = fitted(MODEL, truth, np.linspace(-20.0, 25.0, 40), seed=2, fixed=fixed)
    assert fit.modes[0].fwhm.value > 1.5 * fit.modes[0].energy.value
    result = sample_posterior(fit, steps=700, seed=4)
    energy, fwhm = np.linspace(2.0, 10.0, 61), np.linspace(2.0, 45.0, 81)
    counts, best = fit.spectrum.counts, dict(truth)
    log_likelihood = np.array(
        [
            [
                np.sum(counts * np.log(expected) - expected)
                for g in fwhm
                for expected in [
                    MODEL.evaluate(
                        best | {"mode1_energy": w, "mode1_fwhm": g}, fit.spectrum.energy_mev
                    )
                ]
            ]
            for w in energy
        ]
    )
    density = np.exp(log_likelihood - log_likelihood.max())
    for name, axis, marginal in (
        ("mode1_energy", energy, density.sum(axis=1)),
        ("mode1_fwhm", fwhm, density.sum(axis=0)),
    ):
        below = np.cumsum(marginal) / marginal.sum()
        expected = np.interp([0.16, 0.5, 0.84], below, axis + 0.5 * (axis[1] - axis[0]))
        found = result.quantiles[name]
        half = 0.5 * (expected[2] - expected[0])
        np.testing.assert_allclose([found.q16, found.median, found.q84], expected, atol=0.2 * half)


def test_a_width_at_its_bound():
    """Samples stay at or above zero; the 95 % quantile is like the profile's upper limit."""
    fits = (
        fitted(
            MODEL,
            true_parameters(MODEL, [(6.0, 1e-6, 200.0)], elastic_peak=300, background=(10.0, 0.0)),
            seed=seed,
        )
        for seed in range(30)
    )
    fit = next(f for f in fits if f.modes[0].fwhm.at_bound)
    result = sample_posterior(fit, steps=500, seed=1)
    width = result.samples["mode1_fwhm"]
    assert width.min() >= 0
    assert (width < 0.1).mean() > 0.05
    assert result.quantiles["mode1_fwhm"].q97_5 < 1.5
    for name in ("mode1_amplitude", "elastic"):
        assert result.samples[name].min() >= 0


def test_fixed_and_tied_parameters():
    fit = well_determined(fixed=("zero", "elastic"))
    parameters = fit.start_parameters.copy()
    parameters["background_c0"].set(expr="mode1_amplitude / 20")
    fit = fit_spectrum(fit.spectrum, MODEL, parameters, starts=1)
    result = sample_posterior(fit, steps=60, seed=1)
    assert result.sampled == ("mode1_energy", "mode1_fwhm", "mode1_amplitude")
    assert "zero" not in result.samples
    np.testing.assert_allclose(
        result.samples["background_c0"], result.samples["mode1_amplitude"] / 20
    )


def test_a_short_chain_is_warned_about():
    result = sample_posterior(well_determined(), steps=40, seed=1)
    assert any(f"{LONG_ENOUGH} autocorrelation times" in text for text in result.warnings)


def test_a_bound_that_decides_is_warned_about():
    fit = well_determined(fixed=("zero", "elastic", "background_c0"))
    parameters = fit.start_parameters.copy()
    best = fit.value("mode1_fwhm")
    parameters["mode1_fwhm"].set(max=best.value + 0.5 * best.stderr)
    result = sample_posterior(replace(fit, start_parameters=parameters), steps=100, seed=1)
    assert result.samples["mode1_fwhm"].max() <= parameters["mode1_fwhm"].max
    assert any("mode1_fwhm reaches its upper bound" in text for text in result.warnings)


def test_modes_keep_their_order():
    """Two modes within the resolution: samples do not exchange them."""
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=2, background="constant", elastic=False)
    truth = {
        "mode1_energy": 5.5,
        "mode1_fwhm": 0.8,
        "mode1_amplitude": 100.0,
        "mode2_energy": 6.5,
        "mode2_fwhm": 0.8,
        "mode2_amplitude": 100.0,
        "background_c0": 3.0,
        "zero": 0.0,
    }
    fit = fitted(model, truth, fixed=("zero",))
    result = sample_posterior(fit, steps=60, seed=1)
    assert (result.samples["mode2_energy"] >= result.samples["mode1_energy"]).all()


def test_same_seed_same_samples():
    fit = well_determined()
    one, two = (sample_posterior(fit, steps=20, seed=7) for _ in range(2))
    other = sample_posterior(fit, steps=20, seed=8)
    assert one.samples["zero"].tobytes() == two.samples["zero"].tobytes()
    assert one.samples["zero"].tobytes() != other.samples["zero"].tobytes()
    assert one.samples["zero"].shape == (20 * one.walkers,)


def test_progress_and_cancel():
    fit, token, seen = well_determined(), CancelToken(), []

    def progress(done, total, text):
        seen.append((done, total))
        if done == 5:
            token.cancel()

    with pytest.raises(Cancelled):
        sample_posterior(fit, steps=40, progress=progress, cancel=token)
    assert seen == [(k, 50) for k in range(1, 6)]


def test_unusable_arguments():
    fit = well_determined()
    with pytest.raises(InputError, match="walkers"):
        sample_posterior(fit, walkers=7)
    with pytest.raises(InputError, match="steps"):
        sample_posterior(fit, steps=1)
    with pytest.raises(InputError, match="Poisson"):
        sample_posterior(replace(fit, objective="chi2"))
    with pytest.raises(InputError, match="no parameter is free"):
        sample_posterior(all_fixed(fit))


def all_fixed(fit):
    parameters = fit.start_parameters.copy()
    for name in fit.parameter_names:
        parameters[name].set(vary=False)
    return replace(fit, start_parameters=parameters)


def test_half_width():
    assert Quantiles(0.0, 1.0, 2.0, 4.0, 6.0).half_width == 1.5
