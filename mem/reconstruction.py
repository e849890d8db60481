"""The maximum-entropy electron density of a set of structure factors.

ρ = (F(000)/V) τ exp(Σ_H a_H exp(-2πi H·r))/Z, one real multiplier per centric unique reflection
and two per acentric one. The dual problem is solved on a coarse grid, on which exp and Fourier
transforms cost little; as multipliers do not depend on the grid, its solution is nearly that on
the fine grid, where at most a few more steps are taken. See `mem.newton` for the method and
`mem.penalty` for the constraint.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from mem.density import Density, MemReport, Multipliers
from mem.grid import (
    Shape,
    checked_grid,
    compatible_grid,
    default_coarse_step,
    refinement_notes,
)
from mem.infeasible import InfeasibleTarget, infeasible_target, worst_residuals
from mem.penalty import checked_moments
from mem.point_density import density_at
from mem.prior_grid import PriorSource
from mem.problem import Problem
from mem.reflections import Reflections
from mem.solving import EXPLICIT_UNKNOWNS, Ended, Run, Watch
from mem.steps import SOLVERS, OnStep

__all__ = ["InfeasibleTarget", "density_at", "reconstruct"]

_MOMENTS_SHOWN = (2, 4, 6, 8)

_SHARP = 0.8
"""Factor on the coarse spacing for priors with peaks narrower than the data resolve."""


def reconstruct(
    reflections: Reflections,
    grid_step: float = 0.05,
    prior: str | Density = "uniform",
    weighting: float = 0,
    moments: Mapping[int, float] | None = None,
    target: float = 1.0,
    solver: str = "auto",
    *,
    grid: Sequence[int] | None = None,
    coarse_step: float | None = None,
    start: Multipliers | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    on_step: OnStep | None = None,
) -> Density:
    """The density of largest entropy whose structure factors agree with the measured ones.

    S = -∫ p ln(p/τ) is largest under Σ_n λ_n C_n = 0, C_n = 1/(N M_n) Σ_j w_j |ΔF_j/σ_j|^n -
    target: eq. (1) of Li et al., Adv. Mater. (2025), doi:10.1002/adma.202513381.

    Parameters
    ----------
    reflections : Reflections
        Phased, on absolute scale, without dispersion; every group counts as one: N = N_F + N_G.
    grid_step : float
        Largest spacing of the grid in Å along a, b and c; the sizes suit the space group.
    prior : "uniform", "procrystal" or Density
        τ: constant, the density of the refined atoms (`reflections.structure`), or any other of
        this cell.
    weighting : float
        p of the weights w_j ∝ d_j^p of mean 1 (de Vries, Briels & Feil, Acta Cryst. A50, 383
        (1994)); 0 for none, 4 is usual.
    moments : mapping, optional
        Order n (2, 4, 6, 8) -> λ_n ≥ 0 (Palatinus & van Smaalen, Acta Cryst. A58, 559 (2002));
        {2: 1.0}, which is χ², by default.
    target : float
        Value of C_n + target to be reached.
    solver : "auto", "newton", "lbfgs", "newton-cg" or "sakata-sato"
        The first four end in the same density; "auto" chooses by the number of unknowns, "lbfgs"
        is for χ² only. "sakata-sato" is the classical iteration, which ends elsewhere.
    grid : three int, optional
        Sizes instead of `grid_step`.
    coarse_step : float, optional
        Spacing in Å of the first grid; min(0.15 Å, d_min/5) by default.
    start : Multipliers, optional
        Of a similar problem.
    workers : int, optional
        Threads; the result does not depend on them.
    progress, cancel : optional
        A cancelled run returns the last density with `report.converged` False and
        `report.stopped` "cancelled".
    on_step : callable, optional
        Takes a `mem.steps.SolverStep` at every step.

    Returns
    -------
    Density
        With `report` and `multipliers`.

    Raises
    ------
    InputError
        Something among the data or settings is not possible.
    InfeasibleTarget
        No positive density reaches the target.
    Cancelled
        Before there was a density.
    """
    started = time.perf_counter()
    orders = checked_moments({2: 1.0} if moments is None else moments)
    problem = Problem.of(reflections, weighting, orders, target)
    method = _method(solver, problem)
    if grid is None:
        problem = replace(problem, notes=problem.notes + _grid_notes(problem, grid_step))
    source = PriorSource.of(prior, reflections)
    grids = _grids(problem, grid_step, grid, coarse_step, source.sharp)
    watch = Watch(problem, method, progress, cancel, on_step)
    run = Run(problem, source, method, watch, workers)
    ended = run.solve(*grids, problem.start(start))
    density = _density(source, ended, method, weighting, grids, started)
    if ended.infeasible:
        worst = worst_residuals(ended.problem, ended.point.residual)
        raise infeasible_target(density, target, ended.problem.chi2(ended.point.residual), worst)
    return density


def _method(solver: str, problem: Problem) -> str:
    if solver not in SOLVERS:
        raise InputError("unknown solver", key="solver", found=solver, expected=", ".join(SOLVERS))
    if solver != "auto":
        return solver
    if problem.unknowns <= EXPLICIT_UNKNOWNS:
        return "newton"
    return "lbfgs" if problem.constraint.quadratic else "newton-cg"


def _grids(
    problem: Problem,
    grid_step: float,
    grid: Sequence[int] | None,
    coarse_step: float | None,
    sharp: bool,
) -> tuple[Shape, Shape]:
    """The coarse grid and the final one; the same where a coarse one would save nothing."""
    lattice, symmetry = problem.reflections.lattice, problem.reflections.symmetry
    hkl = problem.basis.orbits.hkl
    if grid is None:
        fine = compatible_grid(lattice, symmetry, grid_step, hkl)
    else:
        fine = checked_grid(grid, symmetry, hkl)
    if coarse_step is None:
        d_min = float(np.min(lattice.d_spacing(problem.basis.hkl)))
        coarse_step = default_coarse_step(d_min) * (_SHARP if sharp else 1.0)
    coarse = compatible_grid(lattice, symmetry, coarse_step, hkl)
    if any(n > m for n, m in zip(coarse, fine, strict=True)):
        coarse = fine
    return coarse, fine


def _grid_notes(problem: Problem, grid_step: float) -> tuple[str, ...]:
    lattice, symmetry = problem.reflections.lattice, problem.reflections.symmetry
    shape = compatible_grid(lattice, symmetry, grid_step, problem.basis.orbits.hkl)
    return refinement_notes(lattice, symmetry, grid_step, shape)


def _density(
    source: PriorSource,
    ended: Ended,
    method: str,
    weighting: float,
    grids: tuple[Shape, Shape],
    started: float,
) -> Density:
    """What the user gets of the state in which the work ended."""
    problem, point = ended.problem, ended.point
    reflections = problem.reflections
    values = ended.dual.density(point)
    values *= reflections.electrons / reflections.lattice.volume
    a = point.b / problem.data.sigma
    multipliers = Multipliers(
        problem.basis.orbits.hkl,
        problem.basis.coefficients(problem.data.to_basis(a)),
        point.log_z,
        a,
    )
    report = _report(source, ended, method, weighting, grids, time.perf_counter() - started)
    return Density(
        reflections.lattice,
        values,
        reflections.symmetry,
        structure=reflections.structure,
        report=report,
        multipliers=multipliers,
        temperature_k=reflections.temperature_k,
        source=reflections.source,
    )


def _report(
    source: PriorSource,
    ended: Ended,
    method: str,
    weighting: float,
    grids: tuple[Shape, Shape],
    seconds: float,
) -> MemReport:
    problem, point = ended.problem, ended.point
    data = problem.reflections
    n = len(data)
    f = data.electrons * ended.dual.transform.structure_factors(point.spectrum)[:n]
    size, fo = np.abs(f), np.abs(data.f)
    unit = np.divide(data.f, fo, out=np.ones(n, complex), where=fo > 0)
    relative = (size - fo) / data.sigma
    constraint = problem.constraint
    return MemReport(
        chi2=problem.chi2(point.residual),
        r_factor=float(np.abs(size - fo).sum() / (fo.sum() or np.inf)),
        wr_factor=float(np.sqrt((relative**2).sum() / (((fo / data.sigma) ** 2).sum() or np.inf))),
        entropy=point.log_z - float(point.b @ (point.f / problem.data.sigma)),
        iterations=ended.iterations,
        seconds=seconds,
        solver=method,
        prior=source.name,
        weighting=weighting,
        moments=dict(constraint.moments),
        target=constraint.target,
        constraint={
            k: problem.constraint_value(point.residual, k)
            for k in sorted({*_MOMENTS_SHOWN, *constraint.moments})
        },
        converged=not ended.stopped,
        gradient=ended.gradient,
        stopped=ended.stopped,
        grid=grids[1],
        coarse_grid=grids[1] if method == "sakata-sato" else grids[0],
        f=f,
        residual=((f - data.f) * unit.conj()).real / data.sigma,
        notes=problem.notes + source.notes + _notes(ended),
    )


def _notes(ended: Ended) -> tuple[str, ...]:
    problem, notes = ended.problem, []
    if not ended.point.b.any():
        value = problem.constraint.value(ended.point.residual) * problem.constraint.target
        notes.append(
            f"the prior agrees with the data better than the target asks ({value:.3g} ≤ "
            f"{problem.constraint.target:g}): it is the result"
        )
    if problem.groups:
        notes.append(
            f"{len(problem.groups)} grouped structure factors: the result is stationary, but need "
            "not be the only such density"
        )
    return tuple(notes)
