"""Pairs of atoms within a distance, in any periodic cell: numba, bins of fractional coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class NeighbourPairs:
    """All pairs i, j (both ways, images of an atom with itself included), ordered by i.

    Parameters
    ----------
    start : (n + 1,) int array
        Pairs start[i] … start[i + 1] - 1 are those of atom i.
    other : (p,) int array
        j of every pair.
    shift : (p, 3) array
        Å: r_ij = position[j] + shift - position[i].
    distance : float
        Å, up to which pairs are listed.
    """

    start: IntArray
    other: IntArray
    shift: FloatArray
    distance: float


def neighbour_pairs(
    positions: FloatArray, cell: FloatArray, periodic: BoolArray, distance: float
) -> NeighbourPairs:
    """Pairs nearer than `distance`, also where that is longer than the cell.

    Parameters
    ----------
    positions : (n, 3) array
        Å, wrapped or not.
    cell : (3, 3) array
        Rows, of full rank, also along directions that are not periodic.
    periodic : (3,) bool array
    distance : float
        Å.
    """
    inverse = np.linalg.inv(cell)
    heights = 1 / np.linalg.norm(inverse, axis=0)
    # No finer than leaves some atoms in each: empty bins would cost more than they save.
    most = max(1, round(len(positions) ** (1 / 3)))
    bins = np.clip((heights / distance).astype(np.int64), 1, most)
    reach = np.ceil(distance / (heights / bins)).astype(np.int64)
    fractional = positions @ inverse
    whole = np.where(periodic, np.floor(fractional), 0.0)
    inside = fractional - whole
    place = np.clip((inside * bins).astype(np.int64), 0, bins - 1)
    flat = (place[:, 0] * bins[1] + place[:, 1]) * bins[2] + place[:, 2]
    order = np.argsort(flat, kind="stable")
    bounds = np.searchsorted(flat[order], np.arange(int(bins.prod()) + 1))
    wrapped = positions - whole @ cell
    arguments = (wrapped, whole @ cell, cell, periodic, place, bins, reach, order, bounds)
    counts = np.zeros(len(positions), np.int64)
    nothing, no_shift = np.empty(0, np.int64), np.empty((0, 3))
    _scan(*arguments, distance, counts, counts, nothing, no_shift)
    start = np.concatenate([[0], np.cumsum(counts)])
    other, shift = np.empty(start[-1], np.int64), np.empty((start[-1], 3))
    _scan(*arguments, distance, counts, start, other, shift)
    return NeighbourPairs(start, other, shift, distance)


@numba.njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]  # numba infers the types
    wrapped,
    home,
    cell,
    periodic,
    place,
    bins,
    reach,
    order,
    bounds,
    distance,
    counts,
    start,
    other,
    shift,
):
    """Counts the pairs of every atom and, where `other` has room, writes them."""
    limit = distance * distance
    fill = len(other) > 0
    image = np.zeros(3, np.int64)
    bin_ = np.zeros(3, np.int64)
    offset = np.zeros(3)
    for i in range(len(wrapped)):
        found = 0
        for step0 in range(-reach[0], reach[0] + 1):
            for step1 in range(-reach[1], reach[1] + 1):
                for step2 in range(-reach[2], reach[2] + 1):
                    bin_[0] = place[i, 0] + step0
                    bin_[1] = place[i, 1] + step1
                    bin_[2] = place[i, 2] + step2
                    outside = False
                    for axis in range(3):
                        image[axis] = bin_[axis] // bins[axis]
                        bin_[axis] -= image[axis] * bins[axis]
                        if image[axis] != 0 and not periodic[axis]:
                            outside = True
                    if outside:
                        continue
                    for k in range(3):
                        offset[k] = (
                            image[0] * cell[0, k] + image[1] * cell[1, k] + image[2] * cell[2, k]
                        )
                    flat = (bin_[0] * bins[1] + bin_[1]) * bins[2] + bin_[2]
                    for at in range(bounds[flat], bounds[flat + 1]):
                        j = order[at]
                        if i == j and image[0] == 0 and image[1] == 0 and image[2] == 0:
                            continue
                        x = wrapped[j, 0] + offset[0] - wrapped[i, 0]
                        y = wrapped[j, 1] + offset[1] - wrapped[i, 1]
                        z = wrapped[j, 2] + offset[2] - wrapped[i, 2]
                        if x * x + y * y + z * z < limit:
                            if fill:
                                for k in range(3):
                                    shift[start[i] + found, k] = offset[k] - home[j, k] + home[i, k]
                                other[start[i] + found] = j
                            found += 1
        counts[i] = found
