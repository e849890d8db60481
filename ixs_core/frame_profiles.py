"""Numbers of a frame: along a line, in a box, around the beam, how often each value occurs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError

Point = tuple[float, float]

_MOST_COUNTED = 1 << 22  # whole numbers below are counted one by one


class Profile(NamedTuple):
    """Values along something: positions (n,), values (n,) with NaN where nothing is known."""

    position: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class BoxSum:
    """What is in a box.

    Parameters
    ----------
    total : float
        Of all known pixels.
    pixels, missing : int
        Known ones, and those that are gaps.
    mean, largest : float
        NaN when no pixel is known.
    place : (int, int)
        x and y of the largest.
    """

    total: float
    pixels: int
    missing: int
    mean: float
    largest: float
    place: tuple[int, int]


class Histogram(NamedTuple):
    """How often values occur: edges (n + 1,) and numbers of pixels (n,).

    `whole` says whether they are whole numbers; lowest and highest are those of all values.
    """

    edges: FloatArray
    pixels: IntArray
    whole: bool
    lowest: float
    highest: float


def line_profile(
    values: NDArray[Any], mask: BoolArray, start: Point, end: Point, width: float = 1.0
) -> Profile:
    """Mean counts per pixel along a line.

    Sampled once per pixel along the line and across its width, linear between the centres of
    pixels; what touches a gap or lies outside is left out of the mean.

    Parameters
    ----------
    values : (ny, nx) array
    mask : (ny, nx) bool array
        Gaps.
    start, end : (x, y)
        In pixels; the first pixel's centre is (0, 0).
    width : float
        In pixels, across.

    Returns
    -------
    Profile
        Position in pixels from the start.

    Raises
    ------
    InputError
        The line has no length.
    """
    from scipy.ndimage import map_coordinates

    along = np.subtract(end, start)
    length = float(np.hypot(*along))
    if not length > 0:
        raise InputError("the line has no length", found=f"{start} to {end}")
    position = np.linspace(0.0, length, max(2, round(length) + 1))
    number = max(1, round(width))
    across = np.arange(number) - (number - 1) / 2
    unit = along / length
    x = start[0] + position * unit[0] - across[:, None] * unit[1]
    y = start[1] + position * unit[1] + across[:, None] * unit[0]
    part, known, (left, top) = _around(values, mask, x, y)
    places = (y - top, x - left)
    share = map_coordinates(known, places, order=1, mode="constant", cval=0.0)
    sampled = map_coordinates(part, places, order=1, mode="constant", cval=0.0)
    # Gaps are zero in `part`: a sample counts when none of its weight is on one.
    return Profile(position, _mean(np.where(share > 1 - 1e-9, sampled, np.nan)))


def _around(
    values: NDArray[Any], mask: BoolArray, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, tuple[int, int]]:
    """The part of the image that holds these points, 0 in gaps; 1 where known; its corner."""
    ny, nx = values.shape
    left, right = (int(np.clip(v, 0, nx - 1)) for v in (np.floor(x.min()), np.ceil(x.max())))
    top, bottom = (int(np.clip(v, 0, ny - 1)) for v in (np.floor(y.min()), np.ceil(y.max())))
    where = (slice(top, bottom + 1), slice(left, right + 1))
    known = ~mask[where]
    part = np.where(known, values[where], 0).astype(float)
    return part, known.astype(float), (left, top)


def _mean(sampled: FloatArray) -> FloatArray:
    """Of what is known, over the first axis; NaN where nothing is."""
    known = np.isfinite(sampled)
    number = known.sum(axis=0)
    total = np.where(known, sampled, 0.0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def box_sum(values: NDArray[Any], mask: BoolArray, corner: Point, other: Point) -> BoxSum:
    """What is in the box between two corners (x, y), in pixels.

    A pixel belongs to it when its centre does.

    Raises
    ------
    InputError
        There is no pixel in it.
    """
    ny, nx = values.shape
    left, right = sorted((corner[0], other[0]))
    top, bottom = sorted((corner[1], other[1]))
    x0, x1 = max(0, math.ceil(left)), min(nx - 1, math.floor(right))
    y0, y1 = max(0, math.ceil(top)), min(ny - 1, math.floor(bottom))
    if x1 < x0 or y1 < y0:
        raise InputError("there is no pixel in this box", found=f"{corner} to {other}")
    part, gaps = values[y0 : y1 + 1, x0 : x1 + 1], mask[y0 : y1 + 1, x0 : x1 + 1]
    known = part[~gaps]
    missing = int(gaps.sum())
    if not known.size:
        return BoxSum(0.0, 0, missing, math.nan, math.nan, (x0, y0))
    total = float(known.sum(dtype=np.float64 if part.dtype.kind == "f" else np.int64))
    low = np.where(gaps, known.min(), part)
    row, column = np.unravel_index(int(np.argmax(low)), part.shape)
    return BoxSum(
        total=total,
        pixels=int(known.size),
        missing=missing,
        mean=total / known.size,
        largest=float(known.max()),
        place=(x0 + int(column), y0 + int(row)),
    )


def radial_profile(values: NDArray[Any], mask: BoolArray, center: Point) -> Profile:
    """Mean counts per pixel around a point, in rings one pixel wide.

    Parameters
    ----------
    values : (ny, nx) array
    mask : (ny, nx) bool array
    center : (x, y)
        In pixels.

    Returns
    -------
    Profile
        Position is the radius in pixels: ring r holds those from r - ½ to r + ½.
    """
    ny, nx = values.shape
    dx, dy = np.arange(nx) - center[0], np.arange(ny) - center[1]
    ring = np.rint(np.sqrt((dx**2)[None, :] + (dy**2)[:, None])).astype(np.int64)
    known = ~mask
    number = np.bincount(ring[known])
    total = np.bincount(ring[known], weights=values[known].astype(float))
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    first = int(np.argmax(number > 0)) if number.size else 0
    return Profile(np.arange(first, mean.size, dtype=float), mean[first:])


def value_histogram(values: NDArray[Any], mask: BoolArray, bins: int = 200) -> Histogram:
    """How often values occur, in bins of about equal ratio; the first holds all that is below.

    Parameters
    ----------
    values : (ny, nx) array
    mask : (ny, nx) bool array
        Gaps, which are not counted.
    bins : int
        At most so many.

    Returns
    -------
    Histogram
        Of whole numbers the first bin (0.25 to 0.5) is zero, and the others end halfway
        between two numbers; others begin at a millionth of the largest, or at the smallest
        positive one when that is more.
    """
    known = values[~mask]
    whole = values.dtype.kind in "iu"
    if not known.size:
        return Histogram(np.array([0.25, 0.5]), np.zeros(1, dtype=np.int64), whole, 0.0, 0.0)
    lowest, high = float(known.min()), float(known.max())
    if whole:
        ends = np.ceil(np.geomspace(1.0, max(high, 1.0) + 1.0, bins)) - 0.5
        edges = np.append(0.25, np.unique(ends))
    else:
        positive = known[known > 0]
        low = max(high * 1e-6, float(positive.min())) if positive.size else 0.25
        edges = np.geomspace(low, max(high, 2 * low), bins + 1)
        edges[-1] = np.nextafter(edges[-1], np.inf)
    return Histogram(edges, _numbers(known, edges), whole, lowest, high)


def value_at_share(histogram: Histogram, share: float) -> float:
    """The value that a share (0 to 1) of all pixels does not exceed, to within a bin.

    Of whole numbers it is the largest whole number of its bin.
    """
    total = int(histogram.pixels.sum())
    if total == 0:
        return 0.0
    up_to = np.cumsum(histogram.pixels)
    place = int(np.searchsorted(up_to, share * total - 0.5))
    place = min(place, len(histogram.pixels) - 1)
    end = float(histogram.edges[place + 1])
    return float(np.floor(end)) if histogram.whole else end


def _numbers(known: NDArray[Any], edges: FloatArray) -> IntArray:
    """How many values are in each bin; those below the first edge are in the first bin."""
    if known.dtype.kind in "iu" and known.max() < _MOST_COUNTED:
        # Whole numbers are counted one by one, which is many times faster than sorting.
        up_to = np.cumsum(np.bincount(np.maximum(known, 0).astype(np.int64)))
        below = up_to[np.minimum(np.floor(edges[1:]).astype(np.int64), up_to.size - 1)]
        return np.asarray(np.diff(below, prepend=0))
    place = np.searchsorted(edges[1:-1], known, side="right")
    return np.bincount(place, minlength=edges.size - 1)
