"""The objectives: deviance, χ² and its bias, Poisson intervals."""

from __future__ import annotations

import lmfit
import numpy as np
import pytest
from scipy.stats import poisson

from ixs_reduce import SpectrumModel, fit_spectrum
from ixs_reduce.likelihood import (
    LowCountsWarning,
    deviance_residuals,
    poisson_deviance,
    poisson_interval,
)
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)
from tests.ixs_reduce.two_mode_spectrum import ENERGY, MODEL, errors, noisy, start_at_truth


def test_deviance_is_twice_the_log_likelihood_ratio():
    fit = fit_spectrum(noisy(), MODEL)
    n, expected = fit.spectrum.counts, fit.expected_counts
    ratio = 2 * np.sum(poisson.logpmf(n, n) - poisson.logpmf(n, expected))
    assert fit.deviance == pytest.approx(ratio, rel=1e-9)
    assert poisson_deviance(n, expected) == pytest.approx(ratio, rel=1e-9)
    residual = deviance_residuals(n, expected)
    assert residual @ residual == pytest.approx(ratio, rel=1e-9)
    assert (np.sign(residual) == np.sign(n - expected)).all()
    assert fit.reduced_deviance == pytest.approx(ratio / fit.dof)


def weak(seed, peak=10.0):
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=2, background="constant")
    truth = {
        **true_parameters(model, [(4.5, 0.8, peak), (9.5, 1.5, peak)], elastic_peak=3 * peak),
        "background_c0": 0.05 * peak,
    }
    spectrum = expected_spectrum(model, truth, ENERGY)
    return counted(spectrum, np.random.default_rng(seed)), model, truth


def test_chi2_warns_at_low_counts_only():
    spectrum, model, _ = weak(1)
    with pytest.warns(LowCountsWarning, match="biased"):
        fit = fit_spectrum(spectrum, model, objective="chi2")
    assert any("χ²" in text for text in fit.warnings)
    assert fit.objective == "chi2"
    assert not fit_spectrum(spectrum, model).warnings
    assert not fit_spectrum(noisy(), MODEL, objective="chi2").warnings


def test_chi2_is_minimised():
    """Against lmfit on the residuals (N - μ)/√max(N, 1)."""
    spectrum = noisy()
    fit = fit_spectrum(spectrum, MODEL, objective="chi2")

    def residuals(parameters):
        expected = MODEL.evaluate(parameters, spectrum.energy_mev)
        return (spectrum.counts - expected) / np.sqrt(np.maximum(spectrum.counts, 1))

    peer = lmfit.Minimizer(residuals, start_at_truth(), scale_covar=False).minimize()
    assert fit.deviance == pytest.approx(peer.chisqr, rel=1e-6)
    theirs = np.array([peer.params[name].value for name in fit.parameter_names])
    assert (np.abs(fit.parameters - theirs) < 1e-2 * errors(fit)).all()


@pytest.mark.filterwarnings("ignore::ixs_reduce.likelihood.LowCountsWarning")
def test_background_bias_of_the_two_objectives():
    """At 10 counts per peak χ² loses much of the background, the Poisson likelihood nothing."""
    bias = {}
    for objective in ("poisson", "chi2"):
        found = []
        for seed in range(60):
            spectrum, model, truth = weak(seed)
            fit = fit_spectrum(spectrum, model, starts=1, objective=objective)
            found.append(fit.background[0].value / truth["background_c0"] - 1)
        bias[objective] = (np.mean(found), np.std(found) / np.sqrt(len(found)))
    print("relative background bias at 10 counts per peak:", bias)
    assert bias["chi2"][0] < -5 * bias["chi2"][1]
    assert bias["chi2"][0] < -0.2
    assert abs(bias["poisson"][0]) < 3 * bias["poisson"][1] < 0.2


@pytest.mark.parametrize(
    ("counts", "lower", "upper"),
    # N. Gehrels, ApJ 303 (1986) 336, tables 1 and 2, S = 1.
    [(0, 0.0, 1.841), (1, 0.1727, 3.300), (4, 2.086, 7.163), (10, 6.891, 14.27)],
)
def test_poisson_interval(counts, lower, upper):
    low, high = poisson_interval(np.array([float(counts)]), 0.8413 * 2 - 1)
    assert low[0] == pytest.approx(lower, abs=1e-3)
    assert high[0] == pytest.approx(upper, abs=5e-3)
