"""The near-grid ascent of Bader's basins, compiled.

Tang, Sanville & Henkelman, J. Phys. Condens. Matter 21, 084204 (2009), section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ixs_core.arrays import BoolArray, FloatArray, IntArray

_MOST_ROUNDS = 500  # of moving boundaries by a grid point; they come to rest much earlier


def assign_basins(
    heights: FloatArray, maxima: IntArray, inverse_metric: FloatArray, lengths: FloatArray
) -> IntArray:
    """Basin of every grid point.

    Every point first takes the basin of the first labelled point that the path up from it
    meets. Then paths start anew from the points at a boundary and go on until they are inside a
    basin, and from those that boundaries reach by this, until none changes.

    Parameters
    ----------
    heights : (nx, ny, nz) array
        What is ascended.
    maxima : (m, 3) int array
        Its maxima: no point without a higher neighbour, or a later one of equal height, is
        missing.
    inverse_metric : (3, 3) array
        Inverse of s_i·s_j, s the edges of a voxel in Å: turns differences along the grid into
        steps of the grid.
    lengths : (3, 3, 3) array
        Å from a point to its neighbours.

    Returns
    -------
    (nx, ny, nz) int32 array
        Row of `maxima`.
    """
    labels = np.full(heights.shape, -1, dtype=np.int32)
    labels[tuple(maxima.T)] = np.arange(len(maxima))
    _first_pass(heights, inverse_metric, lengths, labels)
    is_maximum = np.zeros(heights.shape, dtype=np.bool_)
    is_maximum[tuple(maxima.T)] = True
    waiting = _boundary(labels)
    seen = np.zeros(heights.shape, dtype=np.int32)
    for number in range(1, _MOST_ROUNDS + 1):
        if not len(waiting):
            break
        anew = _anew(heights, inverse_metric, lengths, labels, is_maximum, waiting)
        waiting = _relabelled(labels, is_maximum, waiting, anew, seen, number)
    return labels


def _compiled(function: Any) -> Any:
    return njit(cache=True, nogil=True)(function)


@_compiled
def _wrapped(i: int, n: int) -> int:
    if i >= n:
        return i - n
    return i + n if i < 0 else i


@_compiled
def _steepest(
    heights: FloatArray, x: int, y: int, z: int, lengths: FloatArray
) -> tuple[int, int, int]:
    """The neighbour up the steepest slope; the later of two equal heights counts as higher."""
    nx, ny, nz = heights.shape
    here, number = heights[x, y, z], (x * ny + y) * nz + z
    best, slope = (x, y, z), -1.0
    for i in range(-1, 2):
        for j in range(-1, 2):
            for k in range(-1, 2):
                u, v, w = _wrapped(x + i, nx), _wrapped(y + j, ny), _wrapped(z + k, nz)
                rise = heights[u, v, w] - here
                if rise > 0 or (rise == 0 and (u * ny + v) * nz + w > number):
                    rise /= lengths[i + 1, j + 1, k + 1]
                    if rise > slope:
                        best, slope = (u, v, w), rise
    return best


@_compiled
def _uphill(
    heights: FloatArray, x: int, y: int, z: int, m: FloatArray
) -> tuple[float, float, float]:
    """The step of the grid along the gradient, its longest component 1; 0 where it is flat."""
    nx, ny, nz = heights.shape
    gx = heights[_wrapped(x + 1, nx), y, z] - heights[_wrapped(x - 1, nx), y, z]
    gy = heights[x, _wrapped(y + 1, ny), z] - heights[x, _wrapped(y - 1, ny), z]
    gz = heights[x, y, _wrapped(z + 1, nz)] - heights[x, y, _wrapped(z - 1, nz)]
    u = m[0, 0] * gx + m[0, 1] * gy + m[0, 2] * gz
    v = m[1, 0] * gx + m[1, 1] * gy + m[1, 2] * gz
    w = m[2, 0] * gx + m[2, 1] * gy + m[2, 2] * gz
    largest = max(abs(u), abs(v), abs(w))
    if largest == 0.0:
        return 0.0, 0.0, 0.0
    return u / largest, v / largest, w / largest


@_compiled
def _rounded(step: float, off: float) -> tuple[int, float]:
    """Whole part of a step with what rounding left so far, and what is left then."""
    whole = round(step)
    off += step - whole
    correction = round(off)
    # Two steps along an axis would leave the neighbourhood; the rest waits.
    moved = max(-1, min(1, int(whole + correction)))
    return moved, off - (moved - whole)


@_compiled
def _first_pass(
    heights: FloatArray, inverse_metric: FloatArray, lengths: FloatArray, labels: IntArray
) -> None:
    nx, ny, nz = heights.shape
    path = np.empty((heights.size, 3), dtype=np.int32)
    on_path = np.zeros(heights.shape, dtype=np.bool_)
    for start_x in range(nx):
        for start_y in range(ny):
            for start_z in range(nz):
                x, y, z = start_x, start_y, start_z
                a = b = c = 0.0
                length = 0
                while labels[x, y, z] < 0:
                    if not on_path[x, y, z]:
                        path[length, 0], path[length, 1], path[length, 2] = x, y, z
                        length += 1
                        on_path[x, y, z] = True
                    u, v, w = _uphill(heights, x, y, z, inverse_metric)
                    i, a = _rounded(u, a)
                    j, b = _rounded(v, b)
                    k, c = _rounded(w, c)
                    p, q, r = _wrapped(x + i, nx), _wrapped(y + j, ny), _wrapped(z + k, nz)
                    if on_path[p, q, r]:
                        # Back on its own way: the steepest slope cannot turn in circles.
                        a = b = c = 0.0
                        p, q, r = _steepest(heights, x, y, z, lengths)
                    x, y, z = p, q, r
                for n in range(length):
                    labels[path[n, 0], path[n, 1], path[n, 2]] = labels[x, y, z]
                    on_path[path[n, 0], path[n, 1], path[n, 2]] = False


@_compiled
def _is_inside(labels: IntArray, x: int, y: int, z: int) -> bool:
    """Whether the six nearest neighbours are in the same basin."""
    nx, ny, nz = labels.shape
    own = labels[x, y, z]
    return (
        labels[_wrapped(x + 1, nx), y, z] == own
        and labels[_wrapped(x - 1, nx), y, z] == own
        and labels[x, _wrapped(y + 1, ny), z] == own
        and labels[x, _wrapped(y - 1, ny), z] == own
        and labels[x, y, _wrapped(z + 1, nz)] == own
        and labels[x, y, _wrapped(z - 1, nz)] == own
    )


@_compiled
def _boundary(labels: IntArray) -> IntArray:
    """(n, 3) the points with a neighbour in another basin."""
    found = np.zeros(labels.shape, dtype=np.bool_)
    nx, ny, nz = labels.shape
    for x in range(nx):
        for y in range(ny):
            for z in range(nz):
                found[x, y, z] = not _is_inside(labels, x, y, z)
    return np.stack(np.nonzero(found), axis=1)


@_compiled
def _basin_uphill(
    heights: FloatArray,
    inverse_metric: FloatArray,
    lengths: FloatArray,
    labels: IntArray,
    is_maximum: BoolArray,
    x: int,
    y: int,
    z: int,
) -> int:
    """Basin of the first point inside one, or of the maximum, on the way up."""
    nx, ny, nz = heights.shape
    a = b = c = 0.0
    start, steps = heights[x, y, z], 0
    while not is_maximum[x, y, z]:
        u, v, w = _uphill(heights, x, y, z, inverse_metric)
        i, a = _rounded(u, a)
        j, b = _rounded(v, b)
        k, c = _rounded(w, c)
        p, q, r = _wrapped(x + i, nx), _wrapped(y + j, ny), _wrapped(z + k, nz)
        steps += 1
        if heights[p, q, r] <= start or steps > nx + ny + nz:
            # Not going up, as it may be near a maximum or where it is flat.
            a = b = c = 0.0
            p, q, r = _steepest(heights, x, y, z, lengths)
        x, y, z = p, q, r
        if _is_inside(labels, x, y, z):
            break
    return labels[x, y, z]


@_compiled
def _anew(
    heights: FloatArray,
    inverse_metric: FloatArray,
    lengths: FloatArray,
    labels: IntArray,
    is_maximum: BoolArray,
    waiting: IntArray,
) -> IntArray:
    """Labels of the points that wait, all by the labels before."""
    anew = np.empty(len(waiting), dtype=np.int32)
    for n in range(len(waiting)):
        x, y, z = waiting[n]
        anew[n] = _basin_uphill(heights, inverse_metric, lengths, labels, is_maximum, x, y, z)
    return anew


@_compiled
def _relabelled(
    labels: IntArray,
    is_maximum: BoolArray,
    waiting: IntArray,
    anew: IntArray,
    seen: IntArray,
    number: int,
) -> IntArray:
    """Give points their new labels; the points at a boundary near those that changed.

    `seen` holds for every point the number of the last round that looked at it.
    """
    nx, ny, nz = labels.shape
    changed = np.zeros(len(waiting), dtype=np.bool_)
    for n in range(len(waiting)):
        x, y, z = waiting[n]
        changed[n] = anew[n] != labels[x, y, z]
        labels[x, y, z] = anew[n]
    near = np.empty((27 * changed.sum(), 3), dtype=np.int64)
    count = 0
    for n in range(len(waiting)):
        if not changed[n]:
            continue
        for i in range(-1, 2):
            for j in range(-1, 2):
                for k in range(-1, 2):
                    x = _wrapped(waiting[n, 0] + i, nx)
                    y = _wrapped(waiting[n, 1] + j, ny)
                    z = _wrapped(waiting[n, 2] + k, nz)
                    if seen[x, y, z] == number:
                        continue
                    seen[x, y, z] = number
                    if not (is_maximum[x, y, z] or _is_inside(labels, x, y, z)):
                        near[count, 0], near[count, 1], near[count, 2] = x, y, z
                        count += 1
    return near[:count]
