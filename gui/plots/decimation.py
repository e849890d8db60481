"""Many points as few that draw the same picture: the extremes of each column of pixels. Qt-free.

Where a hundred points share a pixel, their bars make one stroke: from the lowest end to the
highest. That stroke is kept, and the lowest and the highest point, so that no peak and no
outlier vanishes. What is drawn grows with the width of the picture, not with the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray

MOST_EXACT = 5000  # so many points in view are drawn as they are, every one


@dataclass(frozen=True)
class Points:
    """Points with bars, from left to right.

    Parameters
    ----------
    x, y : (n,) arrays
        The points.
    bar_x, lower, upper : (m,) arrays
        The bars; as many as points, and at these, where nothing is left out.
    """

    x: FloatArray
    y: FloatArray
    bar_x: FloatArray
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def exact(cls, x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray) -> Points:
        """Every point with its bar."""
        return cls(x, y, x, lower, upper)


def in_order(
    x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The same points by ascending x, as `in_view` takes them."""
    if np.any(np.diff(x) < 0):
        order = np.argsort(x, kind="stable")
        x, y, lower, upper = x[order], y[order], lower[order], upper[order]
    return x, y, lower, upper


def in_view(
    x: FloatArray,
    y: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    view: tuple[float, float],
    columns: int,
    most: int = MOST_EXACT,
) -> Points:
    """What is to be drawn of points between two x: all of them, or the extremes of each column.

    Parameters
    ----------
    x, y, lower, upper : (n,) arrays
        Points and ends of their bars, by ascending x, without NaN in x and y.
    view : (low, high)
        The ends of what is seen.
    columns : int
        Into how many columns of equal width that is divided; at least one.
    most : int
        So many points are drawn exactly.

    Returns
    -------
    Points
        With at most `most` bars, or one bar and two points for each column: the bar from the
        lowest to the highest end, the lowest and the highest point where they are.
    """
    first, last = np.searchsorted(x, view[0], "left"), np.searchsorted(x, view[1], "right")
    x, y, lower, upper = (v[first:last] for v in (x, y, lower, upper))
    if x.size <= most:
        return Points.exact(x, y, lower, upper)
    starts = _column_starts(x, view, columns)
    sizes = np.diff(starts, append=x.size)
    lowest = _first_equal(y, np.minimum.reduceat(y, starts), starts, sizes)
    highest = _first_equal(y, np.maximum.reduceat(y, starts), starts, sizes)
    # A column of one point, or of equal ones, has one extreme.
    chosen = np.union1d(lowest, highest)
    return Points(
        x[chosen],
        y[chosen],
        x[highest],
        np.fmin.reduceat(lower, starts),
        np.fmax.reduceat(upper, starts),
    )


def _column_starts(x: FloatArray, view: tuple[float, float], columns: int) -> IntArray:
    """Where the columns that hold points begin."""
    edges = np.linspace(view[0], view[1], max(columns, 1) + 1)[:-1]
    starts = np.searchsorted(x, edges, "left")
    starts[0] = 0
    # An empty column begins where the next one does.
    return np.unique(starts[starts < x.size])


def _first_equal(
    values: FloatArray, wanted: FloatArray, starts: IntArray, sizes: IntArray
) -> IntArray:
    """Index of the first point of each column that has the column's wanted value."""
    equal = np.flatnonzero(values == np.repeat(wanted, sizes))
    return equal[np.searchsorted(equal, starts)]
