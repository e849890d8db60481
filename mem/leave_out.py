"""Choice of the target of χ² and of the weights d^p by reflections that are left out.

As the free R factor does for a refinement (A. T. Brünger, Nature 355, 472 (1992)): a random share
of the reflections takes no part in the reconstruction, which then has to predict them.

What it can and cannot tell:

- A reconstruction predicts reflections among others that it has, not those beyond all of them;
  strong ones it has never seen it predicts badly, whatever the settings, so that the free R is
  far above R, and settings are compared only.
- |F| is tested along the phase of the refined model, which has seen the reflections left out.
- With fewer reflections the best settings need not be those for all of them; a choice within the
  error of the comparison is a choice of the simplest.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from mem.coarse_solution import CoarseSolver, Settings, structure_factors_of
from mem.reconstruction import InfeasibleTarget
from mem.reflections import Reflections

_FEWEST_LEFT_OUT = 5


@dataclass(frozen=True)
class FreeScore:
    """How one pair of settings predicts the reflections that were left out.

    Parameters
    ----------
    target, weighting : float
    r_free : float
        Σ||F| - |F_o||/Σ|F_o| over all that were left out, over all folds.
    chi2_free : float
        Mean of (ΔF/σ)² over them; a few strong reflections decide it.
    r_work : float
        R of those that were used, mean over the folds.
    r_free_folds : (folds,) array
        r_free of each fold; NaN where the target could not be reached.
    note : str
        Why folds are missing, else empty.
    """

    target: float
    weighting: float
    r_free: float
    chi2_free: float
    r_work: float
    r_free_folds: FloatArray
    note: str = ""


@dataclass(frozen=True)
class SettingsChoice:
    """The settings that predict best, and the table they were chosen from.

    Parameters
    ----------
    target, weighting : float
        The choice: of all settings whose r_free is above the lowest by less than the standard
        error of that difference between the folds, the one with the lowest power, then with the
        target nearest to 1.
    scores : tuple of FreeScore
        By power, then target.
    lowest : FreeScore
        With the smallest r_free.
    left_out : tuple of (m,) int arrays
        Indices of the reflections that each fold left out.
    sentence : str
    """

    target: float
    weighting: float
    scores: tuple[FreeScore, ...]
    lowest: FreeScore
    left_out: tuple[IntArray, ...]
    sentence: str


@dataclass(frozen=True)
class _Fold:
    """One reconstruction without some of the reflections."""

    r_work: float
    difference: FloatArray  # |F - F_o| of those left out
    observed: FloatArray
    sigma: FloatArray


def choose_settings(
    reflections: Reflections,
    targets: Sequence[float] = (0.5, 1.0, 2.0),
    powers: Sequence[float] = (0.0, 2.0, 4.0),
    *,
    fraction: float = 0.08,
    folds: int = 4,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **settings: Unpack[Settings],
) -> SettingsChoice:
    """Compare targets of χ² and powers of the weights d^p by reflections that are left out.

    Parameters
    ----------
    reflections : Reflections
    targets, powers : sequences of float
        Every pair is tried.
    fraction : float
        Share of the reflections that each fold leaves out; folds do not overlap.
    folds : int
        2 or more; folds × pairs reconstructions on the coarse grid.
    seed : int
        Of the choice of the reflections.
    workers, scheduler, progress, cancel
        As `parallel_map` takes them.
    **settings
        grid_step, prior, moments, solver as `reconstruct` takes them; reconstructions are done on
        its coarse grid, or on one of `grid_step` if that is wider.

    Returns
    -------
    SettingsChoice

    Raises
    ------
    InputError
        No targets or powers, too few reflections for the folds, or no pair can be reconstructed.
    Cancelled
    """
    if not targets or not powers:
        raise InputError("nothing to choose from", key="targets, powers", found=(targets, powers))
    left_out = _draw(len(reflections), fraction, folds, seed)
    pairs = sorted(itertools.product(powers, targets))
    work = partial(_without, CoarseSolver.of(reflections, settings), reflections, left_out, cancel)
    jobs = [(power, target, fold) for power, target in pairs for fold in range(folds)]
    outcomes = parallel_map(
        work, jobs, workers=workers, scheduler=scheduler, progress=progress, cancel=cancel
    )
    scores = tuple(
        _score(target, power, outcomes[i * folds : (i + 1) * folds])
        for i, (power, target) in enumerate(pairs)
    )
    return _choice(scores, left_out, reflections)


def _draw(count: int, fraction: float, folds: int, seed: int) -> tuple[IntArray, ...]:
    """Folds of different reflections."""
    size = round(fraction * count)
    if folds < 2 or not 0 < fraction < 1 or size < _FEWEST_LEFT_OUT or size * folds > count:
        raise InputError(
            "the folds do not suit the number of reflections",
            key="fraction, folds",
            found=f"{folds} folds of {size} reflections out of {count}",
            expected=f"2 folds or more, each of {_FEWEST_LEFT_OUT} or more, no reflection in two",
        )
    order = np.random.default_rng(seed).permutation(count)
    return tuple(np.sort(order[i * size : (i + 1) * size]) for i in range(folds))


def _without(
    solver: CoarseSolver,
    reflections: Reflections,
    left_out: tuple[IntArray, ...],
    cancel: CancelToken | None,
    job: tuple[float, float, int],
) -> _Fold | str:
    """Reconstruct without a fold and predict it; or why that could not be."""
    power, target, fold = job
    free = np.zeros(len(reflections), dtype=bool)
    free[left_out[fold]] = True
    used = replace(
        reflections,
        hkl=reflections.hkl[~free],
        f=reflections.f[~free],
        sigma=reflections.sigma[~free],
    )
    try:
        density = solver.solve(used, cancel=cancel, weighting=power, target=target)
    except InfeasibleTarget as error:
        return str(error)
    report = density.report
    if report is None or not report.converged:
        return (report.stopped if report else "") or "not converged"
    difference = np.abs(structure_factors_of(density, reflections.hkl[free]) - reflections.f[free])
    return _Fold(report.r_factor, difference, np.abs(reflections.f[free]), reflections.sigma[free])


def _score(target: float, power: float, outcomes: list[_Fold | str]) -> FreeScore:
    done = [fold for fold in outcomes if not isinstance(fold, str)]
    failed = [fold for fold in outcomes if isinstance(fold, str)]
    by_fold = [
        np.nan if isinstance(fold, str) else fold.difference.sum() / fold.observed.sum()
        for fold in outcomes
    ]
    note = f"{len(failed)} of {len(outcomes)} folds are missing: {failed[0]}" if failed else ""
    if not done:
        return FreeScore(target, power, np.inf, np.inf, np.nan, np.array(by_fold), note)
    difference, observed, sigma = (
        np.concatenate([getattr(fold, name) for fold in done])
        for name in ("difference", "observed", "sigma")
    )
    return FreeScore(
        target=target,
        weighting=power,
        r_free=float(difference.sum() / observed.sum()),
        chi2_free=float(np.mean((difference / sigma) ** 2)),
        r_work=float(np.mean([fold.r_work for fold in done])),
        r_free_folds=np.array(by_fold),
        note=note,
    )


def _choice(
    scores: tuple[FreeScore, ...], left_out: tuple[IntArray, ...], reflections: Reflections
) -> SettingsChoice:
    # With a fold missing the others are an unfair sample of the reflections.
    complete = [score for score in scores if not score.note]
    if not complete:
        raise InputError(
            "no pair of settings could be reconstructed in every fold",
            file=reflections.source or None,
            key="targets",
            found=scores[0].note,
            expected="a target that can be reached",
        )
    lowest = min(complete, key=lambda score: score.r_free)
    good = [score for score in complete if _as_good(score, lowest)]
    best = min(good, key=lambda score: (score.weighting, abs(np.log(score.target))))
    count = sum(len(fold) for fold in left_out)
    sentence = (
        f"Of {len(scores)} pairs of settings, target {best.target:g} with weights "
        f"d^{best.weighting:g} is the simplest that predicts {count} left-out reflections as well "
        f"as the best within its error: R_free {best.r_free:.3f} (lowest {lowest.r_free:.3f} with "
        f"target {lowest.target:g}, d^{lowest.weighting:g})."
    )
    return SettingsChoice(best.target, best.weighting, scores, lowest, left_out, sentence)


def _as_good(score: FreeScore, lowest: FreeScore) -> bool:
    """Within one standard error of the lowest, the folds compared one by one."""
    excess = score.r_free_folds - lowest.r_free_folds
    error = excess.std(ddof=1) / np.sqrt(len(excess))
    return bool(score is lowest or score.r_free - lowest.r_free <= error)
