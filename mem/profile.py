"""ρ along a polyline through the cell, as one draws it from site to site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.interpolation import density_values, fractional_points

MOST_POINTS = 1_000_000
"""Along a path: a thousand times finer than any density shows."""


@dataclass(frozen=True)
class Profile:
    """A density along a polyline.

    Parameters
    ----------
    points : (n, 3) array
        Fractional coordinates.
    distance : (n,) array
        In Å along the polyline, from its first point.
    density, sigma : (n,) arrays
        In e/Å³, or in units of `peak` when that is not None; sigma is NaN where it is unknown.
    corners : (m,) array
        Distances in Å of the given points; each is one of `distance`.
    peak : float or None
        The density in e/Å³ by which the profile was divided.
    """

    points: FloatArray
    distance: FloatArray
    density: FloatArray
    sigma: FloatArray
    corners: FloatArray
    peak: float | None = None

    def __len__(self) -> int:
        return len(self.distance)

    def normalised(self, to: float | None = None) -> Profile:
        """The profile divided by a peak: `to` (e/Å³), or its own maximum.

        The uncertainty of the peak is not in the sigma of the result, which is that of the
        density divided by the same number.

        Raises
        ------
        InputError
            The peak is not positive.
        """
        peak = float(np.max(self.density)) if to is None else float(to)
        if not (np.isfinite(peak) and peak > 0):
            raise InputError(
                "a profile cannot be divided by this peak",
                key="peak",
                found=peak,
                expected="a density above 0",
            )
        return replace(
            self,
            density=self.density / peak,
            sigma=self.sigma / peak,
            peak=peak * (1.0 if self.peak is None else self.peak),
        )


def path_points(
    lattice: Lattice, points: ArrayLike, n: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """n points along a polyline, the given ones among them.

    Every stretch has points at equal distances, as near as whole numbers allow to those of the
    other stretches.

    Parameters
    ----------
    lattice : Lattice
    points : (m, 3) array
        Fractional coordinates of the corners, m ≥ 2; the line goes straight from one to the
        next, so that a corner in a neighbour cell is given with its coordinates outside 0..1.
    n : int
        Points in all, at least m and at most `MOST_POINTS`.

    Returns
    -------
    points (n, 3) : fractional
    distance (n,) : Å
    corners (m,) : Å

    Raises
    ------
    InputError
        Fewer than two corners, two equal ones in a row, or n no whole number from m to
        `MOST_POINTS`.
    """
    corners = fractional_points(points)
    if corners.ndim != 2 or len(corners) < 2:
        raise InputError(
            "a path needs two points or more",
            key="points",
            found=corners.tolist(),
            expected="[[x, y, z], [x, y, z], …]",
        )
    lengths = np.linalg.norm(np.diff(corners, axis=0) @ cell_vectors(lattice), axis=1)
    if lengths.min() < 1e-6:
        raise InputError(
            "two points of the path in a row are the same",
            key="points",
            found=corners[int(lengths.argmin())].tolist(),
        )
    _check_number(n, len(corners))
    steps = _shared_steps(lengths, n - 1)
    ends = np.concatenate([[0], np.cumsum(steps)])
    at_corners = np.concatenate([[0.0], np.cumsum(lengths)])
    number = np.arange(n)
    along = np.stack([np.interp(number, ends, corners[:, i]) for i in range(3)], axis=1)
    return along, np.interp(number, ends, at_corners), at_corners


def _check_number(n: int, corners: int) -> None:
    whole = isinstance(n, Integral)
    if not (whole and corners <= n <= MOST_POINTS):
        few = whole and n < corners
        raise InputError(
            "too few points along the path" if few else "not a number of points for the path",
            key="n",
            found=n,
            expected=f"a whole number from {corners}, the given points, to {MOST_POINTS:.0e}",
        )


def profile(density: Density, points: ArrayLike, n: int = 201) -> Profile:
    """ρ along a polyline of fractional points, from the grid; sigma is unknown (NaN).

    Parameters
    ----------
    density : Density
    points : (m, 3) array
    n : int

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        As `path_points`.
    """
    along, distance, corners = path_points(density.lattice, points, n)
    return Profile(
        points=along,
        distance=distance,
        density=density_values(density, along),
        sigma=np.full(len(along), np.nan),
        corners=corners,
    )


def _shared_steps(lengths: FloatArray, steps: int) -> FloatArray:
    """Whole numbers of steps, one at least for every stretch, near to its share of the length."""
    # One step after the other to the stretch of the longest steps; the first are these anyway.
    first = np.ceil((steps - len(lengths)) * lengths / lengths.sum())
    given = np.maximum(1, first).astype(int)
    for _ in range(steps - int(given.sum())):
        given[np.argmax(lengths / given)] += 1
    return given
