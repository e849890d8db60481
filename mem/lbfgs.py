"""L-BFGS for the penalised dual of a χ² constraint: gradients only, for very many reflections.

The penalty √(N target) ‖b‖ is smooth except at b = 0, which is the solution only when the prior
itself meets the target; the start is elsewhere. Unknowns are scaled by the square root of the
Hessian's diagonal for a uniform density.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from mem.entropy import EntropyDual, Point
from mem.newton import Solution, Watch
from mem.penalty import Constraint

_MEMORY = 40
_RESTARTS = 5
_BEYOND = 0.01  # of the tolerance is tried; rounding in D ends the search before or after


class _Unbounded(Exception):
    """D fell below what any density on the grid could give."""


def minimise_lbfgs(
    dual: EntropyDual,
    constraint: Constraint,
    b: FloatArray,
    *,
    tolerance: float = 1e-4,
    iterations: int = 5000,
    watch: Watch | None = None,
) -> Solution:
    """Minimise D from b (k,); as `mem.newton.minimise`.

    Line searches compare values of D, whose rounding leaves gradients of some 1e-5 σ.

    Raises
    ------
    InputError
        Moments other than χ² are constrained: their penalty is not smooth where a component
        vanishes.
    """
    if not constraint.quadratic:
        raise InputError(
            "L-BFGS is for χ² constraints",
            key="solver",
            found=f"moments {dict(constraint.moments)}",
            expected='"newton" or "newton-cg" for other moments',
        )
    point = dual.at(np.zeros_like(b))
    if constraint.value(point.residual) <= 1:
        return Solution(point, 0.0, 0, 0.0, True)
    run = _Run(dual, constraint, _scale(dual), watch)
    start = b if b.any() and _value(dual, constraint, b) < 0 else run.first(point)
    z = start / run.scale
    for _ in range(_RESTARTS):  # with a fresh memory, should the line search end in rounding
        try:
            found = minimize(
                run.value_and_slope,
                z,
                jac=True,
                method="L-BFGS-B",
                options={
                    "maxcor": _MEMORY,
                    "maxiter": iterations - run.steps,
                    "maxfun": 2 * iterations,
                    "gtol": _BEYOND * tolerance * float(run.scale.min()),
                    "ftol": 0.0,
                },
                callback=run.stepped,
            )
        except _Unbounded:
            return run.solution(unbounded=True)
        z = found.x
        run.value_and_slope(z)
        if run.gradient() <= tolerance or run.steps >= iterations:
            break
    return run.solution(tolerance=tolerance)


class _Run:
    """What one minimisation remembers: the last point, and how many steps there were."""

    def __init__(
        self, dual: EntropyDual, constraint: Constraint, scale: FloatArray, watch: Watch | None
    ) -> None:
        self.scale = scale
        self.steps = 0
        self._dual = dual
        self._constraint = constraint
        self._watch = watch
        self._floor = -dual.largest_divergence - 1e-6
        self._point: Point | None = None

    def first(self, point: Point) -> FloatArray:
        """A short b along the residuals, where D begins to fall."""
        direction = point.residual * self.scale**2
        return np.asarray(direction / np.linalg.norm(direction / self.scale))

    def value_and_slope(self, z: FloatArray) -> tuple[float, FloatArray]:
        point = self._dual.at(z * self.scale)
        self._point = point
        penalty, y, _ = self._constraint.support(point.b)
        if point.value + penalty < self._floor:
            raise _Unbounded
        return point.value + penalty, (y - point.residual) * self.scale

    def stepped(self, _: FloatArray) -> None:
        self.steps += 1
        if self._watch is not None and self._point is not None:
            self._watch(self._point)

    def gradient(self) -> float:
        assert self._point is not None
        _, y, _ = self._constraint.support(self._point.b)
        return float(np.abs(self._point.residual - y).max())

    def solution(self, tolerance: float = 0.0, unbounded: bool = False) -> Solution:
        assert self._point is not None
        gradient = self.gradient()
        _, _, mu = self._constraint.support(self._point.b)
        converged = gradient <= tolerance and not unbounded
        return Solution(self._point, mu, self.steps, gradient, converged, unbounded)


def _value(dual: EntropyDual, constraint: Constraint, b: FloatArray) -> float:
    return dual.at(b).value + constraint.support(b)[0]


def _scale(dual: EntropyDual) -> FloatArray:
    """(k,) σ_k √(size of the orbit): D(b) is about equally curved in all b/scale."""
    basis = dual.transform.basis
    variance = 1.0 / basis.orbits.size[basis.owner]
    if dual.data.combination is not None:
        variance = dual.data.combination.power(2).T @ variance
    return np.asarray(dual.data.sigma / np.sqrt(variance))
