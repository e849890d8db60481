"""From a problem to its solution on the final grid, by the solver that was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import Cancelled
from ixs_core.jobs import CancelToken, Progress
from mem.entropy import EntropyDual, Point
from mem.grid import Shape
from mem.infeasible import smallest_constraint
from mem.lbfgs import minimise_lbfgs
from mem.newton import ExplicitModel, LinearModel, Solution, minimise
from mem.newton_cg import Products
from mem.prior_grid import PriorSource
from mem.problem import Problem
from mem.sakata_sato import sakata_sato
from mem.steps import OnStep, SolverStep
from mem.transform import Transform

EXPLICIT_UNKNOWNS = 1200
"""Up to so many unknowns "auto" sets up the Hessian and decomposes it."""

_TOLERANCE = 1e-6  # of the gradient in σ, and of the constraint
_GROUP_TOLERANCE = 1e-6  # of the directions, whose components are at most 1
_GROUP_ROUNDS = 100

_PRODUCTS = 10_000
"""Products with the covariance after which "newton-cg" leaves the rest to another method; real
data took 6000 to 8000 (CsCu2I3, 630 reflections)."""

_PRODUCTS_ALONE = 100_000  # where no other method can take over


@dataclass(frozen=True)
class Ended:
    """The state in which the work ended, on the final grid.

    Parameters
    ----------
    problem : Problem
        With the last directions of its groups.
    dual : EntropyDual
    point : Point
    iterations : int
    gradient : float
    stopped : str
        Empty when it converged.
    infeasible : bool
        No density meets the constraint; this one comes nearest.
    """

    problem: Problem
    dual: EntropyDual
    point: Point
    iterations: int
    gradient: float
    stopped: str = ""
    infeasible: bool = False


class Watch:
    """Follows the points of a solver: reports them, stops on request, remembers the last."""

    def __init__(
        self,
        problem: Problem,
        label: str,
        progress: Progress | None,
        cancel: CancelToken | None,
        on_step: OnStep | None = None,
    ) -> None:
        self.last: Point | None = None
        self.problem = problem
        self.steps = 0
        self._label = label
        self._progress = progress
        self._cancel = cancel
        self._on_step = on_step

    def __call__(self, point: Point) -> None:
        if self.steps:  # the first point is the prior, or the start that was given
            self.last = point
        if self._progress is not None:
            chi2 = self.problem.chi2(point.residual)
            self._progress(self.steps, 0, f"χ² {chi2:.4g}, {self._label} step {self.steps}")
        if self._on_step is not None:
            chi2, r_factor = self.problem.chi2(point.residual), self.problem.r_factor(point.f)
            self._on_step(SolverStep(self.steps, chi2, r_factor, self._label))
        if self._cancel is not None:
            self._cancel.check()
        self.steps += 1


@dataclass
class Run:
    """One reconstruction.

    "newton-cg" may do `_PRODUCTS` products. What is left to do then, and whether the target can
    be reached at all, is up to "newton" for few unknowns, or to "lbfgs" for a χ² constraint.

    Parameters
    ----------
    problem : Problem
    source : PriorSource
    method : str
        "newton", "lbfgs", "newton-cg" or "sakata-sato".
    watch : Watch
    workers : int or None
    """

    problem: Problem
    source: PriorSource
    method: str
    watch: Watch
    workers: int | None = None
    iterations: int = 0
    products: Products = field(init=False)

    def __post_init__(self) -> None:
        self.products = Products(_PRODUCTS if self._relief else _PRODUCTS_ALONE)

    @property
    def _relief(self) -> str:
        """The method that takes over from "newton-cg", if one can."""
        if self.problem.unknowns <= EXPLICIT_UNKNOWNS:
            return "newton"
        return "lbfgs" if self.problem.constraint.quadratic else ""

    def solve(self, coarse: Shape, fine: Shape, b: FloatArray) -> Ended:
        """From b (k,) to the solution on the fine grid, by way of the coarse one.

        Raises
        ------
        Cancelled
            Before there was any density.
        """
        try:
            return self._solved(coarse, fine, b)
        except Cancelled:
            if self.watch.last is None:
                raise
            dual = self._dual(fine)
            point = dual.at(self.watch.last.b)
            return self._ended(dual, point, self._gradient(point), "cancelled")

    def _solved(self, coarse: Shape, fine: Shape, b: FloatArray) -> Ended:
        if self.method == "sakata-sato":
            return self._sakata_sato(fine)
        if coarse != fine:
            solution, _ = self._solve_on(coarse, b)
            # A coarse grid may lack the sharp peaks that data ask for: the fine one decides.
            b = np.zeros_like(b) if solution.unbounded else solution.point.b
        solution, dual = self._solve_on(fine, b)
        if solution.converged:
            return self._ended(dual, solution.point, solution.gradient)
        nearest = self._if_infeasible(dual, solution)
        if nearest is not None:
            return nearest
        stopped = f"not converged after {self.iterations} steps"
        return self._ended(dual, solution.point, solution.gradient, stopped)

    def _ended(self, dual: EntropyDual, point: Point, gradient: float, stopped: str = "") -> Ended:
        return Ended(self.problem, dual, point, self.iterations, gradient, stopped)

    def _gradient(self, point: Point) -> float:
        _, y, _ = self.problem.constraint.support(point.b)
        return float(np.abs(point.residual - y).max())

    def _dual(self, shape: Shape) -> EntropyDual:
        log_prior = self.source.log_values(shape)
        transform = Transform(self.problem.basis, shape, log_prior, self.workers)
        return EntropyDual(transform, self.problem.data)

    def _solve_on(self, shape: Shape, b: FloatArray) -> tuple[Solution, EntropyDual]:
        dual = self._dual(shape)
        if self.problem.groups:
            return self._solve_groups(dual, b)
        return self._minimised(dual, b), dual

    def _minimised(self, dual: EntropyDual, b: FloatArray) -> Solution:
        constraint = self.problem.constraint
        if self.method == "lbfgs":
            solution = minimise_lbfgs(dual, constraint, b, watch=self.watch)
        else:
            model = explicit_model if self.method == "newton" else self.products
            solution = minimise(dual, constraint, b, model, tolerance=_TOLERANCE, watch=self.watch)
        self.iterations += solution.iterations
        spent = self.method == "newton-cg" and self.products.spent == self.products.limit
        if spent and self._relief and not solution.converged:
            self._hand_over()
            return self._minimised(dual, solution.point.b)
        return solution

    def _hand_over(self) -> None:
        note = (
            f"newton-cg left the rest to {self._relief} after {self.products.limit} products "
            "with the covariance"
        )
        self.method = self._relief
        self.problem = replace(self.problem, notes=(*self.problem.notes, note))

    def _solve_groups(self, dual: EntropyDual, b: FloatArray) -> tuple[Solution, EntropyDual]:
        """Repeat with the directions of the groups' structure factors from the density so far.

        A group's G = [Σ m |F|²/Σm]^{1/2} is not linear in ρ; with fixed directions it is, and
        never above the true one. Where directions and density agree, the gradients of both are
        the same, and ρ is stationary for the true constraint: one of possibly several.
        """
        point = dual.at(b)
        if b.any():
            self._redirect(dual, point)
        for _ in range(_GROUP_ROUNDS):
            dual = EntropyDual(dual.transform, self.problem.data)
            solution = self._minimised(dual, point.b)
            point = solution.point
            if solution.unbounded or self._redirect(dual, point) < _GROUP_TOLERANCE:
                return solution, dual
        return Solution(point, solution.mu, 0, solution.gradient, False), dual

    def _redirect(self, dual: EntropyDual, point: Point) -> float:
        factors = dual.transform.structure_factors(point.spectrum)
        self.problem, moved = self.problem.redirected(factors)
        self.watch.problem = self.problem
        return moved

    def _sakata_sato(self, fine: Shape) -> Ended:
        found = sakata_sato(self._dual(fine), self.problem, watch=self.watch)
        self.problem, self.iterations = found.problem, found.iterations
        dual = EntropyDual(found.transform, found.problem.data)
        gradient = self._gradient(found.point)
        if found.stopped:
            solution = Solution(found.point, 0.0, found.iterations, gradient, False)
            nearest = self._if_infeasible(dual, solution)
            if nearest is not None:
                return nearest
        return self._ended(dual, found.point, gradient, found.stopped)

    def _if_infeasible(self, dual: EntropyDual, solution: Solution) -> Ended | None:
        """The density nearest to the target if none on the grid reaches it, else None."""
        explicit = self.problem.unknowns <= EXPLICIT_UNKNOWNS
        nearest = smallest_constraint(
            dual,
            self.problem.constraint,
            explicit_model if explicit else Products(_PRODUCTS),
            self.watch,
        )
        self.iterations += nearest.iterations
        if not solution.unbounded and nearest.lower_bound <= 1:
            return None
        return Ended(
            self.problem, dual, nearest.point, self.iterations, 0.0, "infeasible", infeasible=True
        )


def explicit_model(dual: EntropyDual, point: Point) -> LinearModel:
    """The covariance as a matrix."""
    return ExplicitModel(dual.covariance(point))
