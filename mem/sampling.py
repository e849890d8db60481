"""Draw samples of the noise, reconstruct each, and gather their densities along paths."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken, Progress, parallel_each
from mem.coarse_solution import CoarseSolver
from mem.density import Multipliers
from mem.reconstruction import InfeasibleTarget
from mem.reflections import Reflections
from mem.resampling import resampled

FEWEST = 2
"""Samples without which there is no standard deviation."""


def require_samples(n: int) -> None:
    """InputError for what is not a number of samples with a standard deviation."""
    whole = isinstance(n, Integral)
    if not whole or n < FEWEST:
        raise InputError(
            "too few samples for a standard deviation" if whole else "not a number of samples",
            key="n",
            found=n,
            expected="a whole number, 2 or more",
        )


def spread(samples: FloatArray) -> FloatArray:
    """(m,) standard deviation of (n, m) samples; NaN of fewer than two."""
    if len(samples) < FEWEST:
        return np.full(samples.shape[1], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1))


def sampled(
    work: Callable[[int], FloatArray | str],
    n: int,
    workers: int | None,
    scheduler: str | None,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> tuple[FloatArray, tuple[str, ...]]:
    """(n, m) densities of the samples, by their numbers, and what is to be said about them."""
    done: dict[int, FloatArray | str] = {}
    notes = []
    try:
        parallel_each(
            work,
            range(n),
            done.__setitem__,
            workers=workers,
            scheduler=scheduler,
            progress=progress,
            cancel=cancel,
        )
    except Cancelled:
        if sum(not isinstance(result, str) for result in done.values()) < FEWEST:
            raise
        notes.append(f"the resampling was cancelled after {len(done)} of {n} samples")
    failed = [result for _, result in sorted(done.items()) if isinstance(result, str)]
    densities = [result for _, result in sorted(done.items()) if not isinstance(result, str)]
    if failed:
        notes.append(f"{len(failed)} of {len(done)} samples are left out: {failed[0]}")
    if len(densities) < FEWEST:
        raise InputError(
            "the resampled data could not be reconstructed",
            found=failed[0] if failed else None,
            hint="a larger target, or σ that fit the scatter of the data, may help",
        )
    return np.array(densities), tuple(notes)


def one_sample(
    solver: CoarseSolver,
    centre: Reflections,
    points: FloatArray,
    start: Multipliers | None,
    seed: int,
    cancel: CancelToken | None,
    index: int,
) -> FloatArray | str:
    """ρ at the points from the data of one sample, or why there is none."""
    data = resampled(centre, np.random.default_rng([seed, index]))
    # With a good prior the multipliers are small, and those of other data are no better than 0.
    near = start if solver.prior is None else None
    try:
        density = solver.solve(data, near, cancel=cancel)
    except InfeasibleTarget as error:
        return str(error)
    if density.report is not None and not density.report.converged:
        return density.report.stopped or "not converged"
    return solver.at(density, points)
