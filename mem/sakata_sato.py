"""The classical single-pixel iteration of Sakata & Sato, for comparison.

Sakata & Sato, Acta Cryst. A46, 263 (1990): starting from ρ = τ,

    ρ_{i+1} = ρ_i exp[λ Σ_h w_h (F_o - F_i)(h)/σ(h)² exp(-2πi h·r)/N] / Z

until χ² has come down to the target. Its exponents add up, so ρ_i is always τ exp(Σ a_k c_k)/Z
with a_{i+1} = a_i + λ w (F_o - F_i)/(σ² N): the multipliers are iterated here, with the same
result. (The zeroth-order approximation replaces ρ by ρ_i in the exponent of the solution.)

χ² falls along a path on which λ of the constraint is not the same for all reflections: where the
target is reached first, the entropy is lower than the largest possible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ixs_core.errors import InputError
from mem.entropy import EntropyDual, Point
from mem.newton import Watch
from mem.problem import Problem
from mem.transform import Transform

_FIRST_CHANGE = 0.5  # of ln ρ anywhere in the first step, at most
_FASTER, _SLOWER = 1.05, 0.5
_SMALLEST = 1e-12  # of the first λ: no step lowers χ² any more

_WINDOW = 1000
"""Steps over which the fall of χ² is looked at: it becomes ever slower, about as a power law."""


@dataclass(frozen=True)
class SinglePixelResult:
    """Where the iteration ended.

    Parameters
    ----------
    point : Point
    problem : Problem
        With the groups' directions of the last density.
    transform : Transform
    iterations : int
    stopped : str
        Why χ² has not reached the target; empty if it has.
    """

    point: Point
    problem: Problem
    transform: Transform
    iterations: int
    stopped: str


def sakata_sato(
    dual: EntropyDual,
    problem: Problem,
    *,
    iterations: int = 50_000,
    watch: Watch | None = None,
) -> SinglePixelResult:
    """Iterate from the prior until χ² is at the target; λ halves when χ² rises, else grows by 5 %.

    It also ends where χ², falling on by the share of the last 1000 steps in every further 1000,
    would not be at the target after all the steps: the fall only becomes slower.

    Parameters
    ----------
    dual : EntropyDual
    problem : Problem
    iterations : int
        At most.
    watch : callable, optional
        Called with the point of every iteration.

    Raises
    ------
    InputError
        Moments other than χ² are asked for.
    """
    if not problem.constraint.quadratic:
        raise InputError(
            "the Sakata-Sato iteration is for χ² constraints",
            key="solver",
            found=f"moments {dict(problem.constraint.moments)}",
            expected='"newton" for other moments',
        )
    weight = problem.constraint.weight[problem.data.owner]
    point = dual.at(np.zeros(problem.unknowns))
    value = problem.constraint.value(point.residual)
    change = weight * point.residual
    first = _FIRST_CHANGE / float(np.abs(change / problem.data.sigma).sum() or 1.0)
    length, step, stopped, earlier = first, 0, "", value
    while value > 1 and not stopped:
        if watch is not None:
            watch(point)
        if problem.groups:
            problem, dual, point = _redirected(problem, dual, point)
            value = problem.constraint.value(point.residual)
        trial = dual.at(point.b + length * weight * point.residual)
        trial_value = problem.constraint.value(trial.residual)
        step += 1
        if trial_value < value:
            point, value, length = trial, trial_value, _FASTER * length
        else:
            length *= _SLOWER
        if length < _SMALLEST * first:
            stopped = f"χ² no longer falls after {step} steps"
        elif step % _WINDOW == 0:
            if value * (value / earlier) ** ((iterations - step) / _WINDOW) > 1:
                stopped = f"χ² falls too slowly: {1 - value / earlier:.1%} in {_WINDOW} steps"
            earlier = value
        if step == iterations and value > 1 and not stopped:
            stopped = f"χ² not at its target after {step} steps"
    return SinglePixelResult(point, problem, dual.transform, step, stopped)


def _redirected(
    problem: Problem, dual: EntropyDual, point: Point
) -> tuple[Problem, EntropyDual, Point]:
    """The groups' directions from the density so far.

    Multipliers of the single reflections stay; those of a group keep the functions they had
    only approximately, which the next steps make good.
    """
    factors = dual.transform.structure_factors(point.spectrum)
    sigma = problem.data.sigma
    problem, _ = problem.redirected(factors)
    dual = replace(dual, data=problem.data)
    return problem, dual, dual.at(point.b / sigma * problem.data.sigma)
