"""Goodness: true refits, enumerated runs, uniform p-values, defects that must be seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import kstest

from ixs_core.errors import InputError
from ixs_reduce import Resolution, Spectrum, SpectrumModel, fit_spectrum
from ixs_reduce.fitting import fit_from
from ixs_reduce.goodness import first_order_refits, goodness, pairs_apart, runs_score
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)

ENERGY = np.linspace(-10.0, 16.0, 101)
MODEL = SpectrumModel(pseudo_voigt(), 300.0, modes=1)


def clean(peak, model=MODEL, modes=((6.0, 1.0),)):
    truth = true_parameters(
        model,
        [(w, g, peak) for w, g in modes],
        elastic_peak=2 * peak,
        background=(0.05 * peak, 0.0),
        zero=0.1,
    )
    return expected_spectrum(model, truth, ENERGY)


def draw(spectrum, seed):
    return counted(spectrum, np.random.default_rng(seed))


def with_counts(fit, counts):
    return Spectrum(fit.spectrum.energy_mev, counts, fit.spectrum.exposure)


def refit(fit, counts):
    """Fit other counts from the parameters of a fit."""
    return fit_from(
        with_counts(fit, counts), fit.model, fit.start_parameters, [fit.parameters], fit.objective
    )


def slopes(fit):
    """Derivatives of the expected counts with all parameters by central differences."""
    best = dict(zip(fit.parameter_names, fit.parameters, strict=True))

    def expected(name, step):
        return fit.model.evaluate(best | {name: best[name] + step}, fit.spectrum.energy_mev)

    steps = {name: 1e-4 * max(abs(best[name]), 0.1) for name in best}
    return np.array([(expected(n, s) - expected(n, -s)) / (2 * s) for n, s in steps.items()])


# --- the refit to first order ----------------------------------------------------------------


@pytest.mark.parametrize(("peak", "allowed"), [(400.0, 0.5), (10.0, 1.5)])
def test_first_order_refits_stand_for_true_ones(peak, allowed):
    """Against 50 true refits; the deviance itself scatters by 14."""
    fit = fit_spectrum(draw(clean(peak), 5), MODEL)
    assert not fit.held
    generator = np.random.default_rng(1)
    draws = generator.poisson(fit.expected_counts, (50, ENERGY.size)).astype(float)
    first, _ = first_order_refits(slopes(fit), draws, fit.expected_counts, "poisson")
    true = np.array([refit(fit, counts).deviance for counts in draws])
    print(
        f"first order less true at {peak:.0f} counts:", (first - true).mean(), (first - true).std()
    )
    assert abs(first - true).mean() < allowed
    assert np.corrcoef(first, true)[0, 1] > 0.995


@pytest.mark.parametrize("objective", ["poisson", "chi2"])
def test_linear_model(objective):
    """Elastic line and background at a fixed zero: χ² refits are exact, also their counts."""
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=0)
    truth = true_parameters(model, [], elastic_peak=800.0, background=(60.0, 0.5))
    parameters = model.parameters()
    for name, value in truth.items():
        parameters[name].set(value=value, vary=name != "zero")
    spectrum = draw(expected_spectrum(model, truth, ENERGY), 2)
    fit = fit_spectrum(spectrum, model, parameters, starts=1, objective=objective)
    draws = np.random.default_rng(3).poisson(fit.expected_counts, (20, ENERGY.size)).astype(float)
    minimum, moved = first_order_refits(slopes(fit)[:-1], draws, fit.expected_counts, objective)
    true = [refit(fit, counts) for counts in draws]
    exact = objective == "chi2"
    np.testing.assert_allclose(
        minimum, [f.deviance for f in true], rtol=1e-6 if exact else 0, atol=0 if exact else 0.2
    )
    np.testing.assert_allclose(
        moved, [f.expected_counts for f in true], rtol=1e-4 if exact else 0.02
    )


def test_simulated_deviance_has_its_degrees_of_freedom():
    """At many counts per point the deviance is χ² with mean dof and variance 2 dof."""
    fit = fit_spectrum(draw(clean(40000.0), 1), MODEL)
    result = goodness(fit, simulations=2000)
    assert result.simulated_mean == pytest.approx(fit.dof, abs=4 * np.sqrt(2 * fit.dof / 2000))
    assert result.simulated_std == pytest.approx(np.sqrt(2 * fit.dof), rel=0.07)


# --- p-values --------------------------------------------------------------------------------


@pytest.mark.parametrize("peak", [300.0, 8.0])
def test_p_values_are_uniform(peak):
    """80 fits of simulated spectra with the true model."""
    spectrum = clean(peak)
    start = fit_spectrum(spectrum, MODEL)
    p, runs, correlation = [], [], []
    for seed in range(80):
        fit = refit(start, draw(spectrum, 500 + seed).counts)
        result = goodness(fit, simulations=200, seed=seed)
        p.append(result.p_value)
        runs.append(result.runs.p_value)
        correlation.append(result.autocorrelation.significance)
    print("KS p-values:", kstest(p, "uniform").pvalue, kstest(correlation, "norm").pvalue)
    assert kstest(p, "uniform").pvalue > 0.01
    assert kstest(correlation, "norm").pvalue > 0.01
    # Runs are few whole numbers: no more small p-values than their share, within noise.
    for level in (0.05, 0.2):
        assert np.mean(np.array(runs) <= level) < level + 3 * np.sqrt(level * (1 - level) / 80)


# --- runs and correlation --------------------------------------------------------------------


@pytest.mark.parametrize(("plus", "minus"), [(4, 3), (2, 6), (5, 5)])
def test_runs_score_by_enumeration(plus, minus):
    """Mean and variance over all arrangements of the signs."""
    n = plus + minus
    found = []
    for places in combinations(range(n), plus):
        signs = np.isin(np.arange(n), places)
        runs, expected, score = runs_score(signs)
        assert runs == 1 + sum(signs[k] != signs[k + 1] for k in range(n - 1))
        found.append((runs, score))
    runs, scores = np.array(found).T
    assert runs.mean() == pytest.approx(expected)
    assert scores.mean() == pytest.approx(0, abs=1e-12)
    assert scores.std() == pytest.approx(1)


def test_runs_of_one_sign():
    assert runs_score(np.ones(10, dtype=bool)) == (1, 1.0, 0.0)


def test_pairs_on_an_even_scan():
    first, second = pairs_apart(np.arange(20) * 0.25, 1.5)
    assert (second - first == 6).all()
    assert first.size == 14


def test_pairs_on_an_uneven_scan():
    energy = np.concatenate((np.arange(0, 5, 0.1), np.arange(5, 20, 0.5), [40.0]))
    first, second = pairs_apart(energy, 1.6)
    distance = energy[second] - energy[first]
    assert np.abs(distance - 1.6).max() <= 0.25 + 1e-9
    assert (second > first).all()
    assert 40.0 not in energy[second]
    assert first.size > 60


# --- defects ---------------------------------------------------------------------------------


def test_a_good_fit_is_said_to_be_good():
    result = goodness(fit_spectrum(draw(clean(300.0), 11), MODEL))
    assert 0.01 < result.p_value < 0.99
    assert len(result.words) == 1
    assert "within counting noise" in result.words[0]
    assert result.outliers == ()


def test_a_missing_mode_is_seen():
    two = SpectrumModel(pseudo_voigt(), 300.0, modes=2)
    spectrum = draw(clean(300.0, two, ((5.0, 0.5), (10.0, 0.5))), 3)
    result = goodness(fit_spectrum(spectrum, MODEL))
    assert result.p_value == pytest.approx(1 / 501)
    assert "does not describe" in result.words[0]
    assert "or less" in result.words[0]
    assert result.runs.p_value < 0.01
    assert result.runs.score < -2


def test_a_wrong_resolution_is_seen_as_correlation():
    """R without its tails and 10 % too narrow: what is left is correlated over its width."""
    narrow = Resolution.from_components([("gaussian", 1.0, 0.0, 1.35)])
    model = SpectrumModel(narrow, 300.0, modes=1)
    result = goodness(fit_spectrum(draw(clean(4000.0), 4), model))
    assert result.p_value < 0.01
    assert abs(result.autocorrelation.significance) > 3
    assert any("line shape is not fully described" in words for words in result.words)
    assert result.autocorrelation.lag_mev == pytest.approx(1.35)


def test_outliers_are_listed():
    fit = fit_spectrum(draw(clean(300.0), 11), MODEL)
    counts = fit.spectrum.counts.copy()
    place = int(np.searchsorted(ENERGY, 12.0))
    counts[place] += 60
    result = goodness(refit(fit, counts))
    assert [energy for energy, _ in result.outliers] == [ENERGY[place]]
    assert result.outliers[0][1] > 4
    assert any("1 point lies more than 4σ off" in words for words in result.words)


def test_smoothed_counts_are_noticed():
    fit = fit_spectrum(clean(300.0), MODEL)
    result = goodness(fit)
    assert result.p_value == pytest.approx(1.0)
    assert "smoothed" in result.words[0]


def test_points_without_exposure_do_not_count():
    spectrum = draw(clean(300.0), 11)
    exposure = spectrum.exposure.copy()
    counts = spectrum.counts.copy()
    exposure[10:14] = 0
    counts[10:14] = 0
    fit = fit_spectrum(Spectrum(ENERGY, counts, exposure), MODEL)
    result = goodness(fit)
    assert 0.01 < result.p_value < 0.99
    assert np.isfinite(result.autocorrelation.significance)


def test_a_scan_shorter_than_the_resolution_has_no_correlation():
    model = SpectrumModel(pseudo_voigt(8.0), 300.0, modes=0, background="constant")
    energy = np.linspace(-2, 2, 21)
    truth = {"elastic": 900.0, "background_c0": 5.0, "zero": 0.0}
    spectrum = draw(expected_spectrum(model, truth, energy), 1)
    result = goodness(fit_spectrum(spectrum, model))
    assert np.isnan(result.autocorrelation.value)
    assert result.words


def test_chi2_fits_are_judged_by_chi2():
    fit = fit_spectrum(draw(clean(3000.0), 7), MODEL, objective="chi2")
    result = goodness(fit, simulations=200)
    assert result.deviance == fit.deviance
    assert 0.005 < result.p_value <= 1


def test_same_seed_same_result():
    fit = fit_spectrum(draw(clean(300.0), 11), MODEL)
    assert goodness(fit, 100, seed=4) == goodness(replace(fit), 100, seed=4)
    assert goodness(fit, 100, seed=4).simulated_mean != goodness(fit, 100, seed=5).simulated_mean


def test_too_few_simulations():
    fit = fit_spectrum(draw(clean(300.0), 11), MODEL, starts=1)
    with pytest.raises(InputError, match="too few simulations"):
        goodness(fit, simulations=5)
