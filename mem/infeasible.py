"""When no positive density can agree with the data: how near one comes, and what stands in the way.

Minimising KL(p|τ) + μ φ(p), φ = Σ w P(|ΔF/σ|) the constraint's value, always has a solution p_μ.
With φ* the smallest value of all densities on the grid, and L the largest KL possible there,

    φ(p_μ) - L/μ ≤ φ* ≤ φ(p_μ),

for KL(p_μ) + μ φ(p_μ) ≤ KL(p*) + μ φ* ≤ L + μ φ*. μ is raised until the bounds are 1 % apart,
each solution being the start of the next, or until numbers are no longer accurate enough for the
next (a μ so large that ρ has all but vanished nearly everywhere).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from mem.density import Density
from mem.entropy import EntropyDual, Point
from mem.newton import LinearModel, Watch, minimise
from mem.penalty import Constraint
from mem.problem import Problem

Responsible = list[tuple[tuple[int, int, int], float]]

_GAP = 0.01
_FACTOR = 4.0  # from one μ to the next
_STAGES = 60
_STEPS = 30  # Newton steps for each μ


class InfeasibleTarget(InputError):
    """No positive density has residuals as small as asked for.

    Attributes
    ----------
    chi2_min : float
        Smallest χ² (Σ w |ΔF/σ|²/N) found; for moments other than χ² that of the density which
        comes nearest to them.
    responsible : list of ((h, k, l), residual)
        Reflections with the largest residuals (F - F_o)/σ there, largest first.
    density : Density
        That density.
    """

    chi2_min: float
    responsible: Responsible
    density: Density


@dataclass(frozen=True)
class Nearest:
    """The density whose constraint is smallest.

    Parameters
    ----------
    point : Point
    value, lower_bound : float
        φ of it, and what φ of no density on the grid is below.
    iterations : int
    """

    point: Point
    value: float
    lower_bound: float
    iterations: int


def smallest_constraint(
    dual: EntropyDual,
    constraint: Constraint,
    model_at: Callable[[EntropyDual, Point], LinearModel],
    watch: Watch | None = None,
) -> Nearest:
    """How small φ can become, to 1 %."""
    limit = dual.largest_divergence
    b: FloatArray = np.zeros(len(dual.data))
    mu, steps, best = _weak(dual, constraint, b), 0, None
    for _ in range(_STAGES):
        found = minimise(
            dual,
            constraint,
            b,
            model_at,
            tolerance=0.01,
            iterations=_STEPS,
            watch=watch,
            fixed_mu=mu,
        )
        steps += found.iterations
        b = found.point.b
        value = constraint.value(found.point.residual)
        # Any b bounds the minimum from below: -D(b) ≤ KL + μ φ for every density.
        penalty, _ = constraint.conjugate(b, mu)
        bound = (-(found.point.value + penalty) - limit) / mu
        lower = max(bound, 0.0 if best is None else best.lower_bound)
        if best is None or value < best.value:
            best = Nearest(found.point, value, lower, steps)
        best = replace(best, lower_bound=lower, iterations=steps)
        if value - lower <= _GAP * value or value <= 1 or not found.converged:
            break
        mu *= _FACTOR
    assert best is not None
    return best


def _weak(dual: EntropyDual, constraint: Constraint, b: FloatArray) -> float:
    """A μ with which the data hardly move the prior: about the inverse of the steepest response."""
    residual = dual.at(b).residual
    slope = constraint.slope(residual)
    exponent = float(np.abs(slope / dual.data.sigma).sum())  # of ρ/τ, at most, for μ = 1
    return 0.1 / exponent


def infeasible_target(
    density: Density, target: float, chi2: float, responsible: Responsible
) -> InfeasibleTarget:
    """The error for a density that comes nearest to the target."""
    worst = ", ".join("({} {} {}) {:+.1f} σ".format(*h, r) for h, r in responsible[:5])
    error = InfeasibleTarget(
        "no positive density agrees with the structure factors so well",
        key="target",
        found=f"a smallest χ² of {chi2:.4g}, largest residuals {worst}",
        expected=f"a target of {target:g} that can be reached",
        hint="look at these reflections and at the scale and σ of the data, or raise the target",
    )
    error.chi2_min, error.responsible, error.density = chi2, responsible, density
    return error


def worst_residuals(problem: Problem, residual: FloatArray, count: int = 10) -> Responsible:
    """The reflections of the largest residuals, largest first; of a group, its first member.

    The residual (k,) is (F_o - F)/σ by component; that of a reflection is (F - F_o)/σ along F_o
    for centric ones and groups, |F - F_o|/σ for acentric ones.
    """
    size = problem.constraint.lengths(residual)
    first = np.searchsorted(problem.data.owner, np.arange(len(size)))
    single = np.bincount(problem.data.owner) == 1
    along = np.where(problem.data.f[first] < 0, residual[first], -residual[first])
    signed = np.where(single, along, size)
    members = np.cumsum([0, *(len(group.hkl) for group in problem.groups)])
    place = np.r_[: len(problem.reflections), len(problem.reflections) + members[:-1]].astype(int)
    order = np.argsort(-size, kind="stable")[:count]
    hkl = problem.basis.hkl[place[order]].tolist()
    return [((h[0], h[1], h[2]), float(signed[i])) for h, i in zip(hkl, order, strict=True)]
