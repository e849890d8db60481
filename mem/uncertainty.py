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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.jobs import CancelToken, Progress
from mem.coarse_solution import CoarseSolver, Settings
from mem.density import Density, Multipliers
from mem.prior import procrystal_at
from mem.profile import Profile
from mem.profile import path_points as points_along
from mem.reflections import Reflections
from mem.resampling import centred_on, null_reflections, refined_model
from mem.sampling import FEWEST, one_sample, require_samples, sampled, spread

Centre = Literal["reconstruction", "data"]
"""About which structure factors the noise is drawn."""


class Resampling(Settings, total=False):
    """What `bootstrap` and `null_profile` take besides their data, path and number of samples."""

    path_points: int
    seed: int
    start: Multipliers | None
    workers: int | None
    scheduler: str | None
    progress: Progress | None
    cancel: CancelToken | None


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
        return replace(scaled, sigma=spread(ratios))


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
        return replace(scaled, sigma=spread(self.samples / self.samples[:, peak, None]))

    @property
    def relative_bias(self) -> FloatArray:
        """(m,) difference of both profiles, each divided by its own highest density."""
        return np.asarray(self.profile.normalised().density - self.model.normalised().density)


def bootstrap(
    reflections: Reflections,
    n: int,
    points: ArrayLike,
    *,
    centre: Centre = "reconstruction",
    **options: Unpack[Resampling],
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
        Points along the path; 201 by default.
    centre : "reconstruction" or "data"
        About what the noise is drawn (see above).
    seed : int
        0 by default. Sample i depends on this and i only, not on the number of workers.
    start : Multipliers, optional
        Of a reconstruction of the same data, to begin from.
    workers, scheduler
        As `parallel_map` takes them.
    progress, cancel
        A cancelled bootstrap keeps the samples that are done if they are 2 or more, and says so.
    **options
        The above by name, and grid_step, prior, weighting, moments, target, solver as
        `reconstruct` takes them; the samples are done on its coarse grid, or on one of
        `grid_step` if that is wider.

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
    (only,) = bootstrap_paths(reflections, n, [points], centre=centre, **options)
    return only


def bootstrap_paths(
    reflections: Reflections,
    n: int,
    paths: Sequence[ArrayLike],
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
) -> tuple[Bootstrap, ...]:
    """`bootstrap` along several paths with the same samples, at the cost of one."""
    require_samples(n)
    lines = _Lines.of(reflections, paths, path_points)
    solver = CoarseSolver.of(reflections, settings)
    base = solver.solve(reflections, start, workers, cancel)
    about = centred_on(reflections, base) if centre == "reconstruction" else reflections
    work = partial(one_sample, solver, about, lines.points, base.multipliers, seed, cancel)
    samples, notes = sampled(work, n, workers, scheduler, progress, cancel)
    densities = solver.at(base, lines.points)
    return tuple(
        Bootstrap(profile, own, n, base, notes) for profile, own in lines.split(densities, samples)
    )


def null_profile(
    reflections: Reflections,
    points: ArrayLike,
    n: int = 0,
    *,
    anharmonic: bool = True,
    **options: Unpack[Resampling],
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
    points, path_points, seed, start, workers, scheduler, progress, cancel, **options
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
    (only,) = null_profiles(reflections, [points], n, anharmonic=anharmonic, **options)
    return only


def null_profiles(
    reflections: Reflections,
    paths: Sequence[ArrayLike],
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
) -> tuple[NullProfile, ...]:
    """`null_profile` along several paths with the same samples, at the cost of one."""
    if n:
        require_samples(n)
    lines = _Lines.of(reflections, paths, path_points)
    null = null_reflections(reflections, anharmonic)
    solver = CoarseSolver.of(null, settings)
    base = solver.solve(null, start, workers, cancel)
    samples: FloatArray = np.empty((0, len(lines.points)))
    notes: tuple[str, ...] = ()
    if n:
        work = partial(one_sample, solver, null, lines.points, base.multipliers, seed, cancel)
        samples, notes = sampled(work, n, workers, scheduler, progress, cancel)
    found = lines.split(solver.at(base, lines.points), samples)
    true = procrystal_at(refined_model(reflections), lines.points, anharmonic=anharmonic)
    models = lines.split(true, np.zeros((FEWEST, len(true))))
    return tuple(
        NullProfile(profile, model, own, anharmonic, notes)
        for (profile, own), (model, _) in zip(found, models, strict=True)
    )


@dataclass(frozen=True)
class _Lines:
    """The points of several paths, one after the other."""

    points: FloatArray
    paths: tuple[tuple[FloatArray, FloatArray, FloatArray], ...]  # points, distances, corners

    @classmethod
    def of(cls, reflections: Reflections, paths: Sequence[ArrayLike], n: int) -> _Lines:
        along = tuple(points_along(reflections.lattice, path, n) for path in paths)
        return cls(np.concatenate([points for points, _, _ in along]), along)

    def split(self, density: FloatArray, samples: FloatArray) -> list[tuple[Profile, FloatArray]]:
        """The profile of each path with the spread of its samples, and these."""
        ends = np.cumsum([len(points) for points, _, _ in self.paths])[:-1]
        parts = zip(
            self.paths, np.split(density, ends), np.split(samples, ends, axis=1), strict=True
        )
        return [
            (Profile(points, distance, values, spread(own), corners), own)
            for (points, distance, corners), values, own in parts
        ]
