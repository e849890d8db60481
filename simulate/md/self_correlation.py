"""Self part of the van Hove correlation function: how far an ion has gone after a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.md.atom_series import (
    atom_blocks,
    chosen_atoms,
    components_along,
    directions_matrix,
    displacement_series,
    drift_of,
    mobile_element,
    require_frames,
)
from simulate.md.trajectory import Trajectory


@dataclass(frozen=True)
class VanHove:
    """Distributions of the displacement of an element's ions after some times.

    Parameters
    ----------
    element : str
    time_ps : (k,) array
    distance_A : (b,) array
        Middles of the bins of |Δr|.
    radial : (k, b) array
        4π r² G_s(r, t) in Å⁻¹: the share of ions per Å; its integral is 1 less `beyond`.
    displacement_A : (2 b,) array
        Middles of the bins of Δr_α.
    along : (k, 3, 2 b) array
        Distribution of the displacement along each direction, in Å⁻¹.
    beyond : (k,) array
        Share of displacements longer than the last bin.
    mean_square_A2 : (k, 3) array
        ⟨Δr_α²⟩.
    non_gaussian : (k,) array
        α₂ = 3⟨r⁴⟩/(5⟨r²⟩²) - 1: 0 for Gaussian motion, above where some ions hop.
    non_gaussian_along : (k, 3) array
        ⟨x⁴⟩/(3⟨x²⟩²) - 1 of each direction.
    directions : (3, 3) array
        Unit vectors in rows.
    samples : (k,) array of int
        Displacements counted.
    """

    element: str
    time_ps: FloatArray
    distance_A: FloatArray
    radial: FloatArray
    displacement_A: FloatArray
    along: FloatArray
    beyond: FloatArray
    mean_square_A2: FloatArray
    non_gaussian: FloatArray
    non_gaussian_along: FloatArray
    directions: FloatArray
    samples: IntArray

    @property
    def density(self) -> FloatArray:
        """G_s(r, t) in Å⁻³, (k, b)."""
        return self.radial / (4 * math.pi * self.distance_A**2)

    def gaussian_along(self) -> FloatArray:
        """Gaussians of the same ⟨Δr_α²⟩, (k, 3, 2 b): what `along` is in the absence of hops."""
        variance = self.mean_square_A2[..., None]
        shape = np.exp(-(self.displacement_A**2) / (2 * variance))
        return np.asarray(shape / np.sqrt(2 * math.pi * variance))


class _Settings(NamedTuple):
    """What a block of atoms needs to know."""

    lags: IntArray
    origin_step: int
    bins: int
    longest_A: float
    directions: FloatArray
    drift: FloatArray


class _Counts(NamedTuple):
    """Sums over a block of atoms."""

    radial: IntArray  # (k, b)
    along: IntArray  # (k, 3, 2 b)
    samples: IntArray  # (k,)
    squares: FloatArray  # (k, 3)
    fourths: FloatArray  # (k, 3)
    whole_fourths: FloatArray  # (k,)


def van_hove(
    trajectory: Trajectory,
    times_ps: Sequence[float],
    element: str | None = None,
    *,
    longest_A: float = 8.0,
    bin_A: float = 0.05,
    origin_step: int = 1,
    framework: Sequence[str] | None = None,
    directions: FloatArray | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> VanHove:
    """Self van Hove function of the ions of an element, radial and along three directions.

    Parameters
    ----------
    trajectory : Trajectory
        In a varying cell, fractional displacements times the mean cell count.
    times_ps : sequence of float
        Each is taken as the nearest multiple of the time between frames.
    element : str, optional
        By default the only one, or the one of Li, Na, Cu, Ag that occurs.
    longest_A, bin_A : float
        Range and width of the bins; what goes farther is reported in `beyond`.
    origin_step : int
        Every how many frames a displacement begins.
    framework : sequence of str, optional
        Elements whose centre of mass is held; see `drift_of` for the default.
    directions : (3, 3) array, optional
        Orthonormal rows; the Cartesian axes by default.

    Raises
    ------
    InputError
        No such ions, times outside the run, or bins of no width.
    Cancelled

    Notes
    -----
    G_s(r, t) = ⟨δ(r - |r_i(t₀+t) - r_i(t₀)|)⟩/(4π r²): van Hove, Phys. Rev. 95, 249 (1954);
    α₂: Rahman, Phys. Rev. 136, A405 (1964).
    """
    require_frames(trajectory, 2, "a van Hove function")
    element = mobile_element(trajectory, element)
    atoms = chosen_atoms(trajectory, [element])
    bins = _bins(longest_A, bin_A, origin_step)
    settings = _Settings(
        _lags(trajectory, times_ps),
        origin_step,
        bins,
        longest_A,
        directions_matrix(directions),
        drift_of(trajectory, framework, cancel=cancel),
    )
    parts = parallel_map(
        partial(_count, trajectory, settings),
        atom_blocks(trajectory, atoms),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    total = _Counts(*(sum(columns[1:], columns[0]) for columns in zip(*parts, strict=True)))
    return _result(trajectory, element, settings, total)


def _bins(longest_A: float, bin_A: float, origin_step: int) -> int:
    for key, value in (("longest_A", longest_A), ("bin_A", bin_A), ("origin_step", origin_step)):
        if not value > 0:
            raise InputError("not positive", key=key, found=value, expected="more than 0")
    return max(round(longest_A / bin_A), 1)


def _lags(trajectory: Trajectory, times_ps: Sequence[float]) -> IntArray:
    lags = np.round(np.asarray(times_ps, dtype=float) * 1000.0 / trajectory.dt_fs).astype(int)
    if not lags.size or lags.min() < 1 or lags.max() >= trajectory.n_frames:
        raise InputError(
            "times outside the run",
            file=trajectory.name or None,
            key="times_ps",
            found=list(times_ps),
            expected=f"{trajectory.dt_fs / 1000.0:g} … {trajectory.duration_ps:g} ps",
        )
    return lags


def _count(trajectory: Trajectory, settings: _Settings, atoms: IntArray) -> _Counts:
    series = components_along(
        settings.directions, displacement_series(trajectory, atoms, settings.drift)
    )
    number, bins, longest = len(settings.lags), settings.bins, settings.longest_A
    radial = np.zeros((number, bins), dtype=np.int64)
    along = np.zeros((number, 3, 2 * bins), dtype=np.int64)
    samples = np.zeros(number, dtype=np.int64)
    squares, fourths = np.zeros((2, number, 3))
    whole_fourths = np.zeros(number)
    for k, lag in enumerate(settings.lags):
        for ion in series:
            moved = ion[:, lag :: settings.origin_step]
            moved = moved - ion[:, : -lag : settings.origin_step]
            lengths = (moved**2).sum(axis=0)
            samples[k] += moved.shape[1]
            squares[k] += (moved**2).sum(axis=1)
            fourths[k] += (moved**4).sum(axis=1)
            whole_fourths[k] += float((lengths**2).sum())
            radial[k] += np.histogram(np.sqrt(lengths), bins, (0, longest))[0]
            for axis in range(3):
                along[k, axis] += np.histogram(moved[axis], 2 * bins, (-longest, longest))[0]
    return _Counts(radial, along, samples, squares, fourths, whole_fourths)


def _result(trajectory: Trajectory, element: str, settings: _Settings, total: _Counts) -> VanHove:
    bins, longest = settings.bins, settings.longest_A
    width = longest / bins
    samples = total.samples
    second = total.squares / samples[:, None]
    whole = second.sum(axis=1)
    return VanHove(
        element=element,
        time_ps=settings.lags * trajectory.dt_fs / 1000.0,
        distance_A=(np.arange(bins) + 0.5) * width,
        radial=total.radial / (samples[:, None] * width),
        displacement_A=(np.arange(2 * bins) + 0.5) * width - longest,
        along=total.along / (samples[:, None, None] * width),
        beyond=1 - total.radial.sum(axis=1) / samples,
        mean_square_A2=second,
        non_gaussian=_excess(total.whole_fourths / samples, whole**2 * 5 / 3),
        non_gaussian_along=_excess(total.fourths / samples[:, None], 3 * second**2),
        directions=settings.directions,
        samples=samples,
    )


def _excess(fourth: FloatArray, gaussian: FloatArray) -> FloatArray:
    """Fourth moment over that of a Gaussian, less 1; 0 where nothing moves."""
    moving = gaussian > 0
    return np.where(moving, fourth / np.where(moving, gaussian, 1.0) - 1, 0.0)
