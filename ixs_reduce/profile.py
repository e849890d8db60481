"""Likelihood profiles of a fit: asymmetric errors, and upper limits at bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import brentq

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.counts_problem import CountsProblem, counts_problem
from ixs_reduce.fitting import SpectrumFit

# Rise of the deviance at the end of a 68 % two-sided and a 95 % one-sided interval.
ONE_SIGMA = 1.0
UPPER_95 = 2.706

RESOLVABLE = 0.1
"""Widths below this share of the FWHM of R are given as upper limits."""

# A profile point may be this far from its minimum (in the deviance), an end of an interval
# this far off (in steps, about standard errors).
_PROFILE_TOLERANCE = 1e-4
_END_TOLERANCE = 0.02


def profile_deviance(fit: SpectrumFit, name: str, value: float) -> float:
    """Deviance with one parameter fixed and all others fitted again, less the minimum."""
    return _Profile.of(fit, name).rise(value)


def profile_interval(fit: SpectrumFit, name: str, rise: float = ONE_SIGMA) -> tuple[float, float]:
    """Interval of a parameter in which the profile deviance rises by less than `rise`.

    Returns lower and upper end, to 2 % of the standard error or better; an end that meets the
    parameter's bound is the bound.

    Raises
    ------
    InputError
        When the parameter is fixed or tied, or not one of the fit's.
    """
    step = _first_step(fit, name)
    return _end(fit, name, -step, rise), _end(fit, name, step, rise)


def upper_limit(fit: SpectrumFit, name: str, rise: float = UPPER_95) -> float:
    """Upper end of a parameter's profile interval, 95 % one-sided by default.

    Errors as for `profile_interval`. For a parameter on its lower bound this is where the
    deviance has risen by 2.706 above its value at the bound; the limit then covers with 95 %
    or more (W. A. Rolke et al., Nucl. Instrum. Methods A 551 (2005) 493).
    """
    return _end(fit, name, _first_step(fit, name), rise)


def with_width_limits(fit: SpectrumFit) -> SpectrumFit:
    """The fit with 95 % upper limits of all widths that are not resolved (see `unresolved`)."""
    # No limit is better than the knowledge of R.
    floor = RESOLVABLE * fit.model.resolution.fwhm_mev
    limits = [
        (f"mode{i + 1}_fwhm", max(upper_limit(fit, f"mode{i + 1}_fwhm"), floor))
        for i in range(len(fit.modes))
        if unresolved(fit, i)
    ]
    return replace(fit, upper_limits=tuple(limits))


def unresolved(fit: SpectrumFit, mode: int) -> bool:
    """Whether the width of a mode (0-based) is no more than an upper limit.

    It is when it ended at zero, when zero is within the 95 % interval, and when it is below a
    tenth of the FWHM of R, which is not known better than that from one run to the next. The
    width of a strongly damped mode is none: there W²/G counts.
    """
    found = fit.modes[mode]
    name = f"mode{mode + 1}_fwhm"
    parameter = fit.start_parameters[name]
    if found.amplitude.at_bound or found.amplitude.value <= 0:
        return False
    if parameter.expr or not parameter.vary or found.strongly_damped:
        return False
    width = found.fwhm
    if width.at_bound or width.value < RESOLVABLE * fit.model.resolution.fwhm_mev:
        return True
    return width.value < 2 * width.stderr and profile_deviance(fit, name, 0.0) < UPPER_95


@dataclass
class _Profile:
    """The profile of one parameter; each point starts from the others' values at the last."""

    fit: SpectrumFit
    index: int
    problem: CountsProblem
    values: FloatArray
    known: dict[float, float] = field(default_factory=dict)

    @classmethod
    def of(cls, fit: SpectrumFit, name: str) -> _Profile:
        given = fit.start_parameters.copy()
        index = fit.parameter_names.index(name)
        given[name].set(value=fit.parameters[index], vary=False, min=-np.inf, max=np.inf)
        problem = counts_problem(fit.spectrum, fit.model, given, fit.parameters)
        return cls(fit, index, problem, fit.parameters)

    def rise(self, value: float) -> float:
        """Deviance above the minimum of the fit."""
        if value not in self.known:
            base = self.values.copy()
            base[self.index] = value
            coordinates = replace(self.problem.coordinates, base=base)
            optimum = replace(self.problem, coordinates=coordinates).minimise(
                coordinates.point(base), self.fit.objective, _PROFILE_TOLERANCE
            )
            self.values = coordinates.parameters(optimum.point)[0]
            self.known[value] = optimum.objective - self.fit.deviance
        return self.known[value]


def _first_step(fit: SpectrumFit, name: str) -> float:
    """About one standard error of a parameter that has a profile."""
    if name not in fit.parameter_names:
        raise InputError("no such parameter", key=name, expected=", ".join(fit.parameter_names))
    parameter = fit.start_parameters[name]
    if parameter.expr or not parameter.vary:
        raise InputError("a fixed or tied parameter has no profile", key=name)
    error = fit.value(name).stderr
    if np.isfinite(error) and error > 0:
        return error
    if name.endswith(("energy", "fwhm", "zero")):
        return 0.2 * fit.model.resolution.fwhm_mev
    value = abs(fit.value(name).value)
    if value > 0:
        return 0.1 * value
    return 0.01 * float(fit.spectrum.counts.sum() / fit.spectrum.exposure.sum())


def _end(fit: SpectrumFit, name: str, step: float, rise: float) -> float:
    """Where the profile has risen by `rise` on the side of `step`, or the parameter's bound.

    The square root of the rise is nearly linear in the parameter, so its zero is found in few
    points; the first is where a parabola with the standard error would end.
    """
    profile = _Profile.of(fit, name)
    best = float(fit.value(name).value)
    parameter = fit.start_parameters[name]
    bound = float(parameter.max if step > 0 else parameter.min)
    profile.known[best] = 0.0

    def excess(value: float) -> float:
        return float(np.sqrt(max(profile.rise(value), 0.0)) - np.sqrt(rise))

    return _crossing(excess, best, step, bound, np.sqrt(rise))


def _crossing(
    excess: Callable[[float], float], best: float, step: float, bound: float, reach: float
) -> float:
    """Where `excess` changes sign on one side of the best value, or the bound.

    step : signed standard error; reach : standard errors to the first point tried.
    """
    inside, outside = best, best + reach * step
    for _ in range(40):
        if (outside - bound) * step >= 0:
            outside = bound
        if np.isfinite(outside) and excess(outside) >= 0:
            return float(
                brentq(excess, inside, outside, xtol=_END_TOLERANCE * abs(step), rtol=1e-9)
            )
        if outside == bound:
            return bound
        # Past the end that a straight line through this point foretells, within limits.
        risen = max(excess(outside) + reach, 0.0)
        factor = float(np.clip(1.05 * reach / max(risen, 1e-9), 1.1, 2.5))
        inside, outside = outside, best + factor * (outside - best)
    return float("inf") if step > 0 else float("-inf")
