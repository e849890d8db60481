"""How uncertain a density is: resampled noise, and the same method where the answer is known.

Noise. The parametric bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap (1993),
section 6.5): the reconstruction's own structure factors F̂ take the place of the unknown true
ones, new data F̂ + σ ε are drawn and reconstructed with the same settings, and the spread of
these densities is that of the reconstruction about its mean. The data themselves would be a
worse centre: they hold the noise of the measurement already, F + σ ε' + σ ε has twice its
variance, and the constraint χ² = 1 then fits noise. Measured on known truths in
docs/density-uncertainty.md.

Bias. What the constraint on χ² smooths away is the same in every sample, so no resampling shows
it. `null_profile` does: it reconstructs structure factors that are calculated from the refined
model, whose density is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken, Progress, parallel_each
from mem.coarse_solution import CoarseSolver, Settings, structure_factors_of
from mem.density import Density, Multipliers
from mem.model_structure import structure_factors
from mem.prior import procrystal_at
from mem.profile import Profile
from mem.profile import path_points as points_along
from mem.reconstruct import InfeasibleTarget
from mem.reflections import ReflectionGroup, Reflections

Centre = Literal["reconstruction", "data"]
"""About which structure factors the noise is drawn."""

_FEWEST = 2
"""Samples without which there is no standard deviation."""


@dataclass(frozen=True)
class Bootstrap:
    """A profile with the spread of its reconstructions from resampled noise.

    Parameters
    ----------
    profile : Profile
        ρ of the data as they are; sigma is the standard deviation of the samples about their mean.
    samples : (n, m) array
        ρ in e/Å³ at the m points, of every sample that was reconstructed.
    asked : int
        Number of samples that was asked for.
    density : Density
        The reconstruction of the data as they are, on the coarse grid.
    notes : tuple of str
        What was left out or stopped early, and how many.
    """

    profile: Profile
    samples: FloatArray
    asked: int
    density: Density
    notes: tuple[str, ...] = ()

    @property
    def peak_index(self) -> int:
        """Where along the path the density of the data as they are is highest."""
        return int(np.argmax(self.profile.density))

    def relative(self) -> Profile:
        """The profile divided by its highest density.

        The sigma is that of the ratio: every sample is divided by its own density at the point
        of the peak, so that what both have in common cancels.
        """
        peak = self.peak_index
        ratios = self.samples / self.samples[:, peak, None]
        scaled = self.profile.normalised(float(self.profile.density[peak]))
        return replace(scaled, sigma=_spread(ratios))


@dataclass(frozen=True)
class NullProfile:
    """What the method makes of the refined model, of which the true density is known.

    Parameters
    ----------
    profile : Profile
        ρ reconstructed from the model's structure factors without noise, with the same hkl, σ
        and settings; sigma is the spread of `samples`, NaN without them.
    model : Profile
        The model's own density.
    samples : (n, m) array
        ρ reconstructed from the model's structure factors with noise.
    anharmonic : bool
        The model is taken with its Gram-Charlier terms.
    notes : tuple of str
    """

    profile: Profile
    model: Profile
    samples: FloatArray
    anharmonic: bool = True
    notes: tuple[str, ...] = ()

    @property
    def bias(self) -> FloatArray:
        """(m,) reconstruction minus model, e/Å³."""
        return np.asarray(self.profile.density - self.model.density)

    def relative(self) -> Profile:
        """The reconstructed profile divided by its highest density, sigma as in `Bootstrap`."""
        peak = int(np.argmax(self.profile.density))
        scaled = self.profile.normalised()
        return replace(scaled, sigma=_spread(self.samples / self.samples[:, peak, None]))

    @property
    def relative_bias(self) -> FloatArray:
        """(m,) difference of both profiles, each divided by its own highest density."""
        return np.asarray(self.profile.normalised().density - self.model.normalised().density)


def bootstrap(
    reflections: Reflections,
    n: int,
    points: ArrayLike,
    *,
    path_points: int = 201,
    centre: Centre = "reconstruction",
    seed: int = 0,
    start: Multipliers | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **settings: Unpack[Settings],
) -> Bootstrap:
    """ρ along a path with its standard uncertainty from resampled noise.

    Every sample draws |F̂| + σ ε for every reflection, along the phase of F̂, and starts from the
    multipliers of the data as they are. Phases, scale and σ are taken as they are: their
    uncertainty is not in the result, and neither is the method's bias (`null_profile`).

    Parameters
    ----------
    reflections : Reflections
    n : int
        Samples, 2 or more. The relative error of the standard deviation is about 1/√(2n).
    points : (k, 3) array
        Fractional coordinates of the path's corners.
    path_points : int
        Points along the path.
    centre : "reconstruction" or "data"
        About what the noise is drawn (see above).
    seed : int
        Sample i depends on this and i only, not on the number of workers.
    start : Multipliers, optional
        Of a reconstruction of the same data, to begin from.
    workers, scheduler
        As `parallel_map` takes them.
    progress, cancel
        A cancelled bootstrap keeps the samples that are done if they are 2 or more, and says so.
    **settings
        grid_step, prior, weighting, moments, target, solver as `reconstruct` takes them; the
        samples are done on its coarse grid, or on one of `grid_step` if that is wider.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InputError
        Fewer than 2 samples were asked for or came out, the path is none, or as `reconstruct`.
    Cancelled
        Before two samples were done.
    """
    _require_samples(n)
    along = points_along(reflections.lattice, points, path_points)
    solver = CoarseSolver.of(reflections, settings)
    base = solver.solve(reflections, start, workers, cancel)
    about = centred_on(reflections, base) if centre == "reconstruction" else reflections
    work = partial(_one_sample, solver, about, along[0], base.multipliers, seed, cancel)
    samples, notes = _samples(work, n, workers, scheduler, progress, cancel)
    density = solver.at(base, along[0])
    profile = Profile(along[0], along[1], density, _spread(samples), along[2])
    return Bootstrap(profile, samples, n, base, notes)


def null_profile(
    reflections: Reflections,
    points: ArrayLike,
    n: int = 0,
    *,
    path_points: int = 201,
    anharmonic: bool = True,
    seed: int = 0,
    start: Multipliers | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **settings: Unpack[Settings],
) -> NullProfile:
    """What the same data and settings show along a path in a crystal that is the refined model.

    The model's structure factors (without dispersion) replace the measured ones; hkl, σ and
    settings stay. Without noise, the difference from the model's own density is the bias.

    A refinement stretches its displacement parameters to describe atoms between the sites as far
    as it can, Gram-Charlier terms most of all: with them (`anharmonic`), the null is the best
    description without an atom in between, and what exceeds it is beyond a skewed vibration; but
    part of a true hop may be in it already. Without them it is the plain ellipsoids.

    Parameters
    ----------
    reflections : Reflections
        With `structure`.
    points, path_points, seed, start, workers, scheduler, progress, cancel, **settings
        As `bootstrap`.
    n : int
        Reconstructions with noise for the spread of the null: 0 for none, else 2 or more.
    anharmonic : bool
        The model with its Gram-Charlier terms.

    Returns
    -------
    NullProfile

    Raises
    ------
    InputError
        There is no structure, or as `bootstrap`.
    Cancelled
        Before the reconstruction without noise, or two samples, were done.
    """
    if n:
        _require_samples(n)
    along = points_along(reflections.lattice, points, path_points)
    null = null_reflections(reflections, anharmonic)
    solver = CoarseSolver.of(null, settings)
    base = solver.solve(null, start, workers, cancel)
    samples: FloatArray = np.empty((0, len(along[0])))
    notes: tuple[str, ...] = ()
    if n:
        work = partial(_one_sample, solver, null, along[0], base.multipliers, seed, cancel)
        samples, notes = _samples(work, n, workers, scheduler, progress, cancel)
    density = solver.at(base, along[0])
    profile = Profile(along[0], along[1], density, _spread(samples), along[2])
    true = procrystal_at(_structure(reflections), along[0], anharmonic=anharmonic)
    model = replace(profile, density=true, sigma=np.zeros_like(true))
    return NullProfile(profile, model, samples, anharmonic, notes)


def null_reflections(reflections: Reflections, anharmonic: bool = True) -> Reflections:
    """The reflections with the refined model's structure factors; σ and the rest stay.

    Raises
    ------
    InputError
        There is no structure.
    """
    crystal = _structure(reflections)

    def model(hkl: IntArray) -> ComplexArray:
        return structure_factors(crystal, hkl, dispersion=False, anharmonic=anharmonic)

    return _with_structure_factors(reflections, model(reflections.hkl), model)


def centred_on(reflections: Reflections, density: Density) -> Reflections:
    """The reflections with the structure factors of a reconstruction; σ and the rest stay."""
    if density.report is None:
        raise ValueError("the density is not a reconstruction")
    transform = partial(structure_factors_of, density)
    return _with_structure_factors(reflections, density.report.f, transform)


def resampled(reflections: Reflections, random: np.random.Generator) -> Reflections:
    """The reflections with normal noise of standard deviation σ added along their phases."""
    amplitude = np.abs(reflections.f)
    phase = np.ones(len(amplitude), dtype=complex)
    np.divide(reflections.f, amplitude, out=phase, where=amplitude > 0)
    noise = reflections.sigma * random.standard_normal(len(amplitude))
    groups = tuple(
        replace(group, amplitude=abs(group.amplitude + group.sigma * random.standard_normal()))
        for group in reflections.groups
    )
    return replace(reflections, f=reflections.f + noise * phase, groups=groups)


def _with_structure_factors(
    reflections: Reflections, f: ComplexArray, at: Callable[[IntArray], ComplexArray]
) -> Reflections:
    groups = tuple(
        replace(group, amplitude=_group_amplitude(group, at(group.hkl)))
        for group in reflections.groups
    )
    return replace(reflections, f=f, groups=groups)


def _group_amplitude(group: ReflectionGroup, f: ComplexArray) -> float:
    weights = group.multiplicity / group.multiplicity.sum()
    return float(np.sqrt(np.sum(weights * np.abs(f) ** 2)))


def _structure(reflections: Reflections) -> Crystal:
    if reflections.structure is None:
        raise InputError(
            "there is no refined model to compare with",
            file=reflections.source or None,
            key="structure",
            hint="give the refinement's CIF as the structure",
        )
    return reflections.structure


def _require_samples(n: int) -> None:
    if n < _FEWEST:
        raise InputError(
            "too few samples for a standard deviation", key="n", found=n, expected="2 or more"
        )


def _spread(samples: FloatArray) -> FloatArray:
    if len(samples) < _FEWEST:
        return np.full(samples.shape[1], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1))


def _samples(
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
        if sum(not isinstance(result, str) for result in done.values()) < _FEWEST:
            raise
        notes.append(f"the resampling was cancelled after {len(done)} of {n} samples")
    failed = [result for _, result in sorted(done.items()) if isinstance(result, str)]
    densities = [result for _, result in sorted(done.items()) if not isinstance(result, str)]
    if failed:
        notes.append(f"{len(failed)} of {len(done)} samples are left out: {failed[0]}")
    if len(densities) < _FEWEST:
        raise InputError(
            "the resampled data could not be reconstructed",
            found=failed[0] if failed else None,
            hint="a larger target, or σ that fit the scatter of the data, may help",
        )
    return np.array(densities), tuple(notes)


def _one_sample(
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
