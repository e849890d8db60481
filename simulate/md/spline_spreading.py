"""Points spread on a periodic grid by B-splines, so that one Fourier transform sums their phases.

A centred B-spline of order p around each point, sampled on N grid points along an axis, has the
transform exp(-2πi h x) sinc^p(h/N), and the same of h + N, h - N, …, which the grid cannot tell
apart (Essmann et al., J. Chem. Phys. 103, 8577 (1995), whose splines these are). Divided by
sinc^p(h/N), the sum over points at any place in the voxels is left, and of the alias h - N its
own sum times (h/(N - h))^p: at |h| = N/4, the largest used, 3⁻⁶ = 0.0014 of it for order 6, and
far less at smaller h.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ixs_core.arrays import FloatArray, IntArray

ORDER = 6
"""Of the splines; even, so that a point has as many grid points on its left as on its right."""

OVERSAMPLING = 4
"""Grid points for each period of the largest |h| used."""


@njit(cache=True, nogil=True, error_model="numpy")
def spread(points: FloatArray, grid: FloatArray) -> None:
    """Add the splines around all points to a grid; the sum over the grid grows by one for each.

    Parameters
    ----------
    points : (m, 3) array
        Fractional, in any cell, finite.
    grid : (n1, n2, n3) array
    """
    weights = np.empty((3, ORDER))
    index = np.empty((3, ORDER), np.int64)
    for point in range(points.shape[0]):
        for axis in range(3):
            _spline(points[point, axis], grid.shape[axis], weights[axis], index[axis])
        for i in range(ORDER):
            for j in range(ORDER):
                row = grid[index[0, i], index[1, j]]
                weight = weights[0, i] * weights[1, j]
                for k in range(ORDER):
                    row[index[2, k]] += weight * weights[2, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _spline(x: float, n: int, weights: FloatArray, index: IntArray) -> None:
    """Values of the centred spline at the grid points within its reach, and which these are."""
    place = (x - np.floor(x)) * n
    first = np.floor(place)
    t = place - first
    weights[0], weights[1] = 1.0 - t, t
    # The recursion from order k - 1 to k, in place, from the right.
    for k in range(3, ORDER + 1):
        weights[k - 1] = t * weights[k - 2] / (k - 1)
        for j in range(k - 2, 0, -1):
            rising, falling = t + (k - 1 - j), (1.0 - t) + j
            weights[j] = (rising * weights[j - 1] + falling * weights[j]) / (k - 1)
        weights[0] = (1.0 - t) * weights[0] / (k - 1)
    start = int(first) - ORDER // 2 + 1
    for j in range(ORDER):
        index[j] = (start + j) % n


def spline_transform(index: IntArray, n: int) -> FloatArray:
    """sinc^p(h/N): what the spline makes of exp(-2πi h x) on n points along an axis."""
    return np.asarray(np.sinc(index / n) ** ORDER)
