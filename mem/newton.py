"""Proximal Newton method for the penalised dual D(b) = ln Z - a·f_o + h(b).

A step minimises the second-order model of ln Z - a·f_o together with the **whole** penalty

    g·d + ½ d·C d + h(b + d),      g = -(F_o - F)/σ,  C the covariance at b.

h is the support function of the set K of allowed residuals (`mem.penalty`), not smooth at b = 0
nor, for moments above χ², smoothly curved where a component vanishes; its conjugate side is: the
minimum is at the y in K and μ ≥ 0 with

    y + g + C (b' - b) = 0,    b' = μ ∇φ(y),    φ(y) = Σ w P(|y|) = 1   (or b' = 0 inside K),

polynomials in y. Newton's method for (y, ln μ) has the Jacobian I + C W, W = μ ∇²φ ≥ 0, whose
eigenvalues are all ≥ 1 for any y: no component that goes through zero makes it singular, and one
Cholesky decomposition of I + W^{1/2} C W^{1/2} (or conjugate gradients with it) solves it. Near
the solution the outer steps converge quadratically, as Newton's do.

If no density has residuals in K, D falls without end. As min D = max S ≥ -L, L the largest
divergence ⟨p ln(p/τ)⟩ possible on the grid, D < -L proves it (weak duality).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ixs_core.arrays import FloatArray
from mem.entropy import EntropyDual, Point
from mem.penalty import Constraint, Curvature

Watch = Callable[[Point], None]
"""Called at every point that a solver reaches; raises Cancelled to stop it."""

_MODEL_STEPS = 60
_ARMIJO = 1e-4
_LARGEST_CHANGE = 3.0  # of ln μ in one step
_EXCESS = 1e-11  # of ln φ in the model


class WorkSpent(Exception):
    """A linear model has used up the work that it was allowed."""


class LinearModel(Protocol):
    """The covariance at a point, as the model's Newton steps need it.

    `precision`: how well a model need be minimised, as a share of the gradient at its point;
    0 for as well as numbers allow.
    """

    @property
    def precision(self) -> float: ...

    def times(self, direction: FloatArray) -> FloatArray:
        """C v."""

    def solver(self, curvature: Curvature, factor: float) -> Callable[[FloatArray], FloatArray]:
        """A function that solves (I + W^{1/2} C W^{1/2}) x = right-hand side, W = factor · ∇²φ."""


@dataclass(frozen=True)
class ExplicitModel:
    """The covariance as a matrix (k, k)."""

    matrix: FloatArray
    precision: float = 0.0

    def times(self, direction: FloatArray) -> FloatArray:
        """C v."""
        return np.asarray(self.matrix @ direction)

    def solver(self, curvature: Curvature, factor: float) -> Callable[[FloatArray], FloatArray]:
        """By Cholesky decomposition."""
        half = curvature.root_times(self.matrix, factor)
        system = curvature.root_times(half.T, factor)
        decomposed = _decomposed(system)
        return lambda right: np.asarray(cho_solve(decomposed, right, check_finite=False))


def _decomposed(system: FloatArray) -> tuple[FloatArray, bool]:
    """Cholesky factors of I + system, positive semidefinite but for rounding.

    Where ρ is all but zero outside a few points, the covariance is nearly singular, and rounding
    can give it negative eigenvalues: the diagonal is raised until they are gone.
    """
    diagonal = np.diag_indices_from(system)
    raised = 0.0
    while True:
        trial = system.copy()
        trial[diagonal] += 1.0 + raised
        try:
            return cho_factor(trial, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:
            raised = max(100 * raised, 1e-15 * float(np.abs(system).max()))


@dataclass(frozen=True)
class Solution:
    """Where a solver ended on one grid.

    Parameters
    ----------
    point : Point
    mu : float
        Multiplier of the constraint φ = 1; 0 if it is not active.
    iterations : int
    gradient : float
        Largest |∂D/∂b|: residual against that which the penalty asks for at b, in units of σ.
    converged : bool
    unbounded : bool
        D < -L: no density on this grid fulfils the constraint.
    """

    point: Point
    mu: float
    iterations: int
    gradient: float
    converged: bool
    unbounded: bool = False


def minimise(
    dual: EntropyDual,
    constraint: Constraint,
    b: FloatArray,
    model_at: Callable[[EntropyDual, Point], LinearModel],
    *,
    tolerance: float = 1e-7,
    iterations: int = 200,
    watch: Watch | None = None,
    fixed_mu: float | None = None,
) -> Solution:
    """Minimise D from b (k,) on the dual's grid.

    Parameters
    ----------
    dual, constraint
    b : (k,) array
        Start; zeros for ρ = τ, which is also taken where the start is worse.
    model_at : callable
        Gives the covariance at a point.
    tolerance : float
        For the largest |∂D/∂b| (units of σ) and for |φ - 1|.
    iterations : int
        At most; fewer where the model raises `WorkSpent`.
    watch : callable, optional
    fixed_mu : float, optional
        Instead of the constraint, add μ φ(y) to the divergence: h is its conjugate then, and
        there always is a solution.
    """
    penalty_at = _penalty(constraint, fixed_mu)
    point = dual.at(b)
    penalty, y, mu = penalty_at(b)
    if b.any() and point.value + penalty > 0:  # worse than b = 0, where D = 0: no use as a start
        point = dual.at(np.zeros_like(b))
        penalty, y, mu = penalty_at(point.b)
    floor = -dual.largest_divergence - 1e-6
    step = 0
    while True:
        if watch is not None:
            watch(point)
        if fixed_mu is None:
            gradient = _gradient(constraint, point, y)
            converged = gradient <= tolerance and _met(constraint, point, tolerance)
            unbounded = point.value + penalty < floor
        else:
            gradient = float(np.abs(point.residual - y).max())
            converged, unbounded = gradient <= tolerance, False
        if converged or unbounded or step == iterations:
            return Solution(point, mu, step, gradient, converged, unbounded)
        step += 1
        model, fixed = model_at(dual, point), fixed_mu is not None
        try:
            target, target_y, target_mu = model_minimum(
                model, constraint, point.residual, point.b, y, mu, fixed
            )
        except WorkSpent:
            return Solution(point, mu, step - 1, gradient, False)
        found = _line_search(dual, penalty_at, point, penalty, target)
        if found is None:  # not even the shortest step lowers D: rounding
            return Solution(point, mu, step, gradient, gradient <= 100 * tolerance)
        point, penalty, length = found
        if length == 1.0:
            y, mu = target_y, target_mu  # more accurate than from b, where b_j = μ w y^(n-1)
        else:
            _, y, mu = penalty_at(point.b)


def _penalty(
    constraint: Constraint, fixed_mu: float | None
) -> Callable[[FloatArray], tuple[float, FloatArray, float]]:
    """The penalty at b, the y that belongs to it, and μ."""
    if fixed_mu is None:
        return constraint.support
    mu = fixed_mu
    return lambda b: (*constraint.conjugate(b, mu), mu)


def model_minimum(
    model: LinearModel,
    constraint: Constraint,
    residual: FloatArray,
    b: FloatArray,
    y: FloatArray,
    mu: float,
    fixed: bool = False,
) -> tuple[FloatArray, FloatArray, float]:
    """b', y and μ where the model with the whole penalty is smallest.

    Parameters
    ----------
    model : LinearModel
    constraint : Constraint
    residual : (k,) array
        -g.
    b : (k,) array
    y, mu
        To start from; μ = 0 if nothing is known.
    fixed : bool
        μ is given, φ(y) free.
    """
    wanted = residual + model.times(b)  # = -g + C b: y = wanted - C b'
    if not fixed and constraint.value(wanted) <= 1:
        return np.zeros_like(b), wanted, 0.0
    if mu <= 0:
        y, mu = _first_guess(model, constraint, wanted)
    log_mu = float(np.log(mu))
    state = _ModelState.at(model, constraint, wanted, y, log_mu, fixed)
    small = max(
        1e-11 * (1 + float(np.abs(wanted).max())),
        model.precision * float(np.abs(residual - y).max()),
    )
    for _ in range(_MODEL_STEPS):
        if np.abs(state.error).max() <= small and abs(state.excess) <= max(
            1e-11, model.precision * 1e-3
        ):
            break
        change_y, change_mu = _model_step(model, constraint, state, fixed)
        length = 1.0
        trial = state
        while length > 1e-6:
            trial_y, trial_mu = state.y + length * change_y, state.log_mu + length * change_mu
            trial = _ModelState.at(model, constraint, wanted, trial_y, trial_mu, fixed)
            if trial.merit <= (1 - 1e-4 * length) * state.merit:
                break
            length /= 2
        else:
            break
        state = trial
    return state.b, state.y, float(np.exp(state.log_mu))


@dataclass(frozen=True)
class _ModelState:
    """Trial y and ln μ in the model's equations, and what is left of these."""

    y: FloatArray
    log_mu: float
    b: FloatArray
    error: FloatArray
    excess: float

    @classmethod
    def at(
        cls,
        model: LinearModel,
        constraint: Constraint,
        wanted: FloatArray,
        y: FloatArray,
        log_mu: float,
        fixed: bool,
    ) -> _ModelState:
        b = np.exp(log_mu) * constraint.slope(y)
        # The logarithm is nearly straight in ln μ, however far from the solution.
        excess = 0.0 if fixed else float(np.log(constraint.value(y)))
        return cls(y, log_mu, b, y - wanted + model.times(b), excess)

    @property
    def merit(self) -> float:
        return float(self.error @ self.error / len(self.error) + self.excess**2)


def _model_step(
    model: LinearModel, constraint: Constraint, state: _ModelState, fixed: bool
) -> tuple[FloatArray, float]:
    """Newton's step for y and ln μ.

    With db = W dy + b dν: dy = -r - C db, and db = W^{1/2} q + b dν gives
    (I + W^{1/2} C W^{1/2}) q = -W^{1/2} (r + C b dν); the constraint then fixes dν.
    """
    curvature, factor = constraint.curvature(state.y), float(np.exp(state.log_mu))
    solve = model.solver(curvature, factor)
    at_mu = _root_solved(solve, curvature, factor, state.error)
    dy_fixed = -state.error + model.times(at_mu)
    if fixed:
        return dy_fixed, 0.0
    of_mu = model.times(state.b)
    moving = _root_solved(solve, curvature, factor, of_mu)
    dy_moving = -of_mu + model.times(moving)
    slope = constraint.slope(state.y) / constraint.value(state.y)
    change_mu = (-state.excess - float(slope @ dy_fixed)) / float(slope @ dy_moving)
    change_mu = min(max(change_mu, -_LARGEST_CHANGE), _LARGEST_CHANGE)
    return dy_fixed + change_mu * dy_moving, change_mu


def _root_solved(
    solve: Callable[[FloatArray], FloatArray],
    curvature: Curvature,
    factor: float,
    right: FloatArray,
) -> FloatArray:
    """W^{1/2} (I + W^{1/2} C W^{1/2})^{-1} W^{1/2} v."""
    return curvature.root_times(solve(curvature.root_times(right, factor)), factor)


def _first_guess(
    model: LinearModel, constraint: Constraint, wanted: FloatArray
) -> tuple[FloatArray, float]:
    """y along the wanted residuals on the boundary of K, and the μ that is best there."""
    low, high = 0.0, 1.0  # the value along a ray increases: halve the interval
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if constraint.value(middle * wanted) < 1 else (low, middle)
    y = high * wanted
    slope = constraint.slope(y)
    return y, float(slope @ (wanted - y)) / float(slope @ model.times(slope))


def _line_search(
    dual: EntropyDual,
    penalty_at: Callable[[FloatArray], tuple[float, FloatArray, float]],
    point: Point,
    penalty: float,
    target: FloatArray,
) -> tuple[Point, float, float] | None:
    direction = target - point.b
    expected = float(-point.residual @ direction) + penalty_at(target)[0] - penalty
    length = 1.0
    rounding = 1e-13 * (1 + abs(point.value) + penalty)
    while length > 1e-8:
        trial_b = target if length == 1.0 else point.b + length * direction
        trial = dual.at(trial_b)
        trial_penalty = penalty_at(trial_b)[0]
        change = trial.value + trial_penalty - point.value - penalty
        if change <= _ARMIJO * length * expected + rounding:
            return trial, trial_penalty, length
        length *= 0.5 if length > 0.2 else 0.25
    return None


def _gradient(constraint: Constraint, point: Point, y: FloatArray) -> float:
    """Largest |residual - y|, y being where h has its slope; 0 if b = 0 is the solution."""
    if not point.b.any():
        return 0.0 if constraint.value(point.residual) <= 1 else float(np.abs(point.residual).max())
    return float(np.abs(point.residual - y).max())


def _met(constraint: Constraint, point: Point, tolerance: float) -> bool:
    value = constraint.value(point.residual)
    return value <= 1 + tolerance and (not point.b.any() or value >= 1 - tolerance)
