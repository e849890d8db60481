"""Profiles: lmfit as peer, the parabola's multiples, limits at bounds, coverage."""

from __future__ import annotations

from dataclasses import replace
from math import erf, sqrt

import lmfit
import numpy as np
import pytest

import ixs_reduce.counts_problem
from ixs_core.errors import InputError
from ixs_reduce import SpectrumModel, fit_spectrum
from ixs_reduce.lmfit_bridge import lmfit_minimizer
from ixs_reduce.profile import (
    UPPER_95,
    profile_deviance,
    profile_interval,
    upper_limit,
    with_width_limits,
)
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)

ENERGY = np.linspace(-10.0, 16.0, 105)
MODEL = SpectrumModel(pseudo_voigt(), 300.0, modes=1)


def fitted(width, peak, seed, starts=1):
    truth = true_parameters(
        MODEL, [(6.0, width, peak)], elastic_peak=2 * peak, background=(0.05 * peak, 0.0), zero=0.1
    )
    spectrum = counted(expected_spectrum(MODEL, truth, ENERGY), np.random.default_rng(seed))
    return fit_spectrum(spectrum, MODEL, starts=starts)


def fit_at_bound(peak=300.0):
    """A spectrum of an undamped mode whose best width is exactly zero."""
    fits = (fitted(1e-6, peak, seed) for seed in range(40))
    return next(fit for fit in fits if fit.modes[0].fwhm.at_bound)


@pytest.fixture(scope="module")
def strong():
    """So many counts that the likelihood is a parabola."""
    return fitted(1.2, 40000.0, 1)


@pytest.fixture(scope="module")
def at_bound():
    return fit_at_bound()


@pytest.mark.parametrize("name", ["mode1_energy", "mode1_fwhm", "mode1_amplitude", "zero"])
def test_parabola(strong, name):
    """±1σ where the deviance rises by 1, 1.645σ where it rises by 1.645² = 2.706."""
    best = strong.value(name)
    lower, upper = profile_interval(strong, name)
    assert (upper - best.value) / best.stderr == pytest.approx(1.0, rel=0.03)
    assert (best.value - lower) / best.stderr == pytest.approx(1.0, rel=0.03)
    limit = upper_limit(strong, name)
    assert (limit - best.value) / best.stderr == pytest.approx(1.6449, rel=0.03)
    rise = profile_deviance(strong, name, best.value - 2 * best.stderr)
    assert rise == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("seed", [3, 4])
def test_agrees_with_lmfit_conf_interval(seed):
    """At 30 counts per peak, where intervals are lopsided; lmfit by its own minimizer."""
    fit = fitted(1.5, 30.0, seed, starts=4)
    minimizer = lmfit_minimizer(fit)
    result = minimizer.minimize(method="leastsq")
    names = ["mode1_energy", "mode1_fwhm", "mode1_amplitude"]
    theirs = lmfit.conf_interval(
        minimizer,
        result,
        p_names=names,
        sigmas=[1],
        # The deviance has a known scale: no F test with an estimated one.
        prob_func=lambda best, new: erf(sqrt(max(new.chisqr - best.chisqr, 0.0) / 2)),
    )
    for name in names:
        (_, low), _, (_, high) = theirs[name]
        step = 0.5 * (high - low)
        lower, upper = profile_interval(fit, name)
        assert lower == pytest.approx(low, abs=0.03 * step)
        assert upper == pytest.approx(high, abs=0.03 * step)


def test_limit_of_a_width_at_its_bound(at_bound):
    """lmfit with the width fixed at the limit finds a deviance 2.706 above its value at 0."""
    limit = upper_limit(at_bound, "mode1_fwhm")
    minimizer = lmfit_minimizer(at_bound)
    deviance = {}
    for width in (0.0, limit):
        minimizer.params["mode1_fwhm"].set(value=width, vary=False)
        deviance[width] = minimizer.minimize(method="leastsq").chisqr
    assert deviance[0.0] == pytest.approx(at_bound.deviance, abs=1e-3)
    assert deviance[limit] - deviance[0.0] == pytest.approx(UPPER_95, abs=0.1)
    assert 0 < limit < MODEL.resolution.fwhm_mev


def test_limits_are_no_better_than_r_is_known(at_bound):
    """A tenth of the FWHM of R at many counts, the profile's own end at few."""
    floor = 0.1 * MODEL.resolution.fwhm_mev
    assert upper_limit(at_bound, "mode1_fwhm") < floor
    assert with_width_limits(at_bound).upper_limit("mode1_fwhm") == pytest.approx(floor)
    few = fit_at_bound(5.0)
    own = upper_limit(few, "mode1_fwhm")
    assert own > floor
    assert with_width_limits(few).upper_limits == (("mode1_fwhm", own),)


def test_interval_ends_at_the_bound(at_bound):
    lower, upper = profile_interval(at_bound, "mode1_fwhm", UPPER_95)
    assert lower == 0.0
    assert upper == pytest.approx(upper_limit(at_bound, "mode1_fwhm"), rel=1e-6)


def test_no_end_short_of_an_upper_bound(strong):
    parameters = strong.start_parameters.copy()
    best = strong.value("mode1_fwhm")
    parameters["mode1_fwhm"].set(max=best.value + 0.3 * best.stderr)
    bounded = replace(strong, start_parameters=parameters)
    assert upper_limit(bounded, "mode1_fwhm") == parameters["mode1_fwhm"].max


def test_only_unresolved_widths_get_limits(strong):
    assert with_width_limits(strong).upper_limits == ()


def test_a_limit_costs_few_fits(at_bound, monkeypatch):
    calls = []
    original = ixs_reduce.counts_problem.minimise
    monkeypatch.setattr(
        ixs_reduce.counts_problem, "minimise", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    with_width_limits(at_bound)
    assert 1 <= len(calls) <= 8


def test_profile_is_continuous(at_bound):
    """The same number whichever way the profile was walked."""
    limit = upper_limit(at_bound, "mode1_fwhm")
    assert profile_deviance(at_bound, "mode1_fwhm", limit) == pytest.approx(UPPER_95, abs=0.1)


def test_unusable_parameters(strong):
    with pytest.raises(InputError, match="no such parameter"):
        upper_limit(strong, "mode7_fwhm")
    parameters = strong.start_parameters.copy()
    parameters["zero"].set(vary=False)
    with pytest.raises(InputError, match="fixed or tied"):
        profile_interval(replace(strong, start_parameters=parameters), "zero")


def test_tied_parameters_follow_the_profile(strong):
    """With the amplitude tied to the width, moving one moves the other."""
    parameters = strong.start_parameters.copy()
    ratio = strong.value("mode1_amplitude").value / strong.value("mode1_fwhm").value
    parameters["mode1_amplitude"].set(expr=f"{ratio!r} * mode1_fwhm")
    tied = fit_spectrum(strong.spectrum, MODEL, parameters, starts=1)
    best = tied.value("mode1_fwhm")
    _, upper = profile_interval(tied, "mode1_fwhm")
    assert best.stderr < 0.9 * strong.value("mode1_fwhm").stderr
    assert (upper - best.value) / best.stderr == pytest.approx(1.0, rel=0.05)


def covers(fit, width):
    """Whether the reported limit, or else the 95 % interval, holds the true width."""
    limited = with_width_limits(fit)
    limit = limited.upper_limit("mode1_fwhm")
    if limit is not None:
        return limit > width
    lower, upper = profile_interval(fit, "mode1_fwhm", 3.841)
    return lower <= width <= upper


@pytest.mark.slow
@pytest.mark.parametrize("peak", [30.0, 300.0])
def test_coverage(peak):
    """200 spectra each of an unresolved and a barely resolved mode."""
    width = 0.3 * MODEL.resolution.fwhm_mev
    limits = []
    for seed in range(200):
        fit = with_width_limits(fitted(1e-6, peak, 1000 + seed))
        limits.append(fit.upper_limit("mode1_fwhm"))
        if limits[-1] is None:
            # Noise made a width that zero does not explain, as for 5 of 100 spectra.
            best = fit.modes[0].fwhm
            certain = profile_deviance(fit, "mode1_fwhm", 0.0) >= UPPER_95
            assert certain or best.value > 2 * best.stderr
    found = [limit for limit in limits if limit is not None]
    assert len(found) >= 185
    assert min(found) > 0
    share = np.mean([covers(fitted(width, peak, 2000 + seed), width) for seed in range(200)])
    print(f"coverage of a width of 0.3 FWHM of R at {peak:.0f} counts: {share:.3f}")
    assert share >= 0.9
