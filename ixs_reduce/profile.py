"""Likelihood profiles of a fit: asymmetric errors, and upper limits at bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from ixs_core.errors import InputError
from ixs_reduce.fitting import SpectrumFit, fit_from

# Rise of the deviance at the end of a 68 % two-sided and a 95 % one-sided interval.
ONE_SIGMA = 1.0
UPPER_95 = 2.706


def profile_deviance(fit: SpectrumFit, name: str, value: float) -> float:
    """Deviance with one parameter fixed and all others fitted again, less the minimum."""
    given = fit.start_parameters.copy()
    given[name].set(value=value, vary=False, min=-np.inf, max=np.inf)
    start = fit.parameters.copy()
    start[fit.parameter_names.index(name)] = value
    again = fit_from(fit.spectrum, fit.model, given, [start], fit.objective)
    return again.deviance - fit.deviance


def profile_interval(fit: SpectrumFit, name: str, rise: float = ONE_SIGMA) -> tuple[float, float]:
    """Interval of a parameter in which the profile deviance rises by less than `rise`.

    Returns lower and upper end; an end that meets the parameter's bound is the bound.

    Raises
    ------
    InputError
        When the parameter is fixed or tied, or not one of the fit's.
    """
    if name not in fit.parameter_names:
        raise InputError("no such parameter", key=name, expected=", ".join(fit.parameter_names))
    parameter = fit.start_parameters[name]
    if parameter.expr or not parameter.vary:
        raise InputError("a fixed or tied parameter has no profile", key=name)
    best = fit.value(name)
    step = (
        best.stderr if np.isfinite(best.stderr) and best.stderr > 0 else _fallback_step(fit, name)
    )

    def excess(value: float) -> float:
        return profile_deviance(fit, name, value) - rise

    lower = _crossing(excess, best.value, -step, float(parameter.min))
    upper = _crossing(excess, best.value, step, float(parameter.max))
    return lower, upper


def with_width_limits(fit: SpectrumFit) -> SpectrumFit:
    """The fit with 95 % upper limits of all widths that are zero or within 2σ of it."""
    limits = []
    for i, mode in enumerate(fit.modes):
        width = mode.fwhm
        if mode.amplitude.at_bound or mode.amplitude.value <= 0:
            continue
        if width.at_bound or width.value < 2 * width.stderr:
            name = f"mode{i + 1}_fwhm"
            parameter = fit.start_parameters[name]
            if parameter.expr or not parameter.vary:
                continue
            _, upper = profile_interval(fit, name, UPPER_95)
            limits.append((name, upper))
    return replace(fit, upper_limits=tuple(limits))


def _fallback_step(fit: SpectrumFit, name: str) -> float:
    """A first step for a parameter without a standard error."""
    if name.endswith(("energy", "fwhm", "zero")):
        return 0.2 * fit.model.resolution.fwhm_mev
    value = abs(fit.value(name).value)
    return (
        0.1 * value
        if value > 0
        else 0.01 * float(fit.spectrum.counts.sum() / fit.spectrum.exposure.sum())
    )


def _crossing(excess: Callable[[float], float], best: float, step: float, bound: float) -> float:
    """Where `excess` changes sign on one side of the best value, or the bound."""
    inside = best
    for _ in range(40):
        outside = inside + step
        if (outside - bound) * step >= 0:
            outside = bound
        if np.isfinite(outside) and excess(outside) >= 0:
            return float(brentq(excess, inside, outside, xtol=1e-3 * abs(step), rtol=1e-6))
        if outside == bound:
            return bound
        inside, step = outside, 1.6 * step
    return float("inf") if step > 0 else float("-inf")
