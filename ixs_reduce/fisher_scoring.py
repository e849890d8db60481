"""Levenberg-Marquardt on the Poisson likelihood: Fisher scoring with projected bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_reduce.likelihood import Objective, neyman_weights, objective_value

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken

# Expected counts (n,) and their derivatives (n_free, n) at a point.
Evaluate = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Optimum:
    """Where the search ended.

    point : (n_free,) array; expected : (n,) array; objective : float;
    information : (n_free, n_free) Fisher information; gradient : (n_free,) of the log
    likelihood; iterations : int; converged : bool.
    """

    point: FloatArray
    expected: FloatArray
    objective: float
    information: FloatArray
    gradient: FloatArray
    iterations: int
    converged: bool


def minimise(
    evaluate: Evaluate,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    counts: FloatArray,
    objective: Objective = "poisson",
    *,
    tolerance: float = 1e-7,
    max_iterations: int = 200,
    cancel: CancelToken | None = None,
) -> Optimum:
    """Minimise the deviance (or χ²) of counts within box bounds.

    Parameters
    ----------
    evaluate : callable
        point -> expected counts (n,) and derivatives (n_free, n).
    start, lower, upper : (n_free,) arrays
        Start point, moved into the bounds.
    counts : (n,) array
    tolerance : float
        Stop when a full step gains less than this in the objective.
    cancel : CancelToken, optional
        Checked at every iteration; raises Cancelled.

    Notes
    -----
    Fisher scoring replaces the Hessian of -ln L by its expectation J diag(1/μ) Jᵀ, always
    positive; the damping is Marquardt's, relative to its diagonal. Bounds are held by
    leaving out parameters that sit on a bound and are pushed against it.
    """
    floor = 1e-9 * max(float(counts.max(initial=0.0)), 1.0)
    chi2_weight = neyman_weights(counts)

    def state(point: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        expected, jacobian = evaluate(point)
        expected = np.maximum(expected, floor)
        return expected, jacobian, objective_value(objective, counts, expected)

    point = np.clip(start, lower, upper)
    expected, jacobian, value = state(point)
    damping, converged, iteration = 1e-3, False, 0
    while iteration < max_iterations and not converged:
        iteration += 1
        if cancel is not None:
            cancel.check()
        weight = 1 / expected if objective == "poisson" else chi2_weight
        gradient, information = _score(jacobian, weight, counts - expected)
        while True:
            step = _damped_step(information, gradient, lower - point, upper - point, damping)
            trial = np.clip(point + step, lower, upper)
            new = state(trial)
            if new[2] <= value or damping > 1e12:
                break
            damping *= 5
        gain = value - new[2]
        if gain < 0:  # no downhill step exists at any damping
            break
        # A small gain ends the search only when the step was not throttled.
        converged = (gain < tolerance and damping <= 0.1) or np.array_equal(trial, point)
        point, (expected, jacobian, value) = trial, new
        damping = max(damping / 7, 1e-9)
    weight = 1 / expected if objective == "poisson" else chi2_weight
    gradient, information = _score(jacobian, weight, counts - expected)
    return Optimum(point, expected, value, information, gradient, iteration, converged)


def held_at_bounds(optimum: Optimum, lower: FloatArray, upper: FloatArray) -> BoolArray:
    """Which parameters sit on a bound that the data push them against, or have no influence."""
    held = _held(optimum.point, optimum.gradient, lower, upper)
    at_bound = (optimum.point <= lower) | (optimum.point >= upper)
    return held | at_bound | (np.diag(optimum.information) <= 0)


def covariance(optimum: Optimum, held: BoolArray) -> FloatArray:
    """Inverse Fisher information of the parameters that are not held; zero rows for those."""
    n = optimum.point.size
    result = np.zeros((n, n))
    free = np.flatnonzero(~held)
    if free.size:
        block = optimum.information[np.ix_(free, free)]
        scale = 1 / np.sqrt(np.diag(block))
        correlation = block * scale[:, None] * scale
        # A pseudo-inverse keeps a degenerate pair finite instead of failing.
        inverse = np.linalg.pinv(correlation, rcond=1e-12, hermitian=True)
        result[np.ix_(free, free)] = inverse * scale[:, None] * scale
    return result


def _score(
    jacobian: FloatArray, weight: FloatArray, residual: FloatArray
) -> tuple[FloatArray, FloatArray]:
    weighted = jacobian * weight
    return weighted @ residual, weighted @ jacobian.T


def _held(
    point: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray
) -> BoolArray:
    return ((point <= lower) & (gradient <= 0)) | ((point >= upper) & (gradient >= 0))


def _damped_step(
    information: FloatArray,
    gradient: FloatArray,
    lowest: FloatArray,
    highest: FloatArray,
    damping: float,
) -> FloatArray:
    """The step (H + λ diag H) d = g within lowest ≤ d ≤ highest.

    Components that would leave the box are put on its face and the others solved again, so
    that one parameter on its bound does not spoil the direction of the rest.
    """
    diagonal = np.diag(information)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    system = information * scale[:, None] * scale
    system[np.diag_indices(scale.size)] += damping
    right = scale * gradient
    low, high = lowest / scale, highest / scale
    step = np.zeros(scale.size)
    on_face = ((low >= 0) & (gradient <= 0)) | ((high <= 0) & (gradient >= 0))
    while not on_face.all():
        rest = np.flatnonzero(~on_face)
        face = np.flatnonzero(on_face)
        known = right[rest] - system[np.ix_(rest, face)] @ step[face]
        step[rest] = np.linalg.solve(system[np.ix_(rest, rest)], known)
        outside = ~on_face & ((step < low) | (step > high))
        if not outside.any():
            break
        step[outside] = np.clip(step, low, high)[outside]
        on_face |= outside
    return scale * step
