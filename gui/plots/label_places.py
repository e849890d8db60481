"""Where the labels of points go so that none lies on another or on a point. Qt-free."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray

_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1))


def label_places(
    points: FloatArray,
    sizes: FloatArray,
    bounds: tuple[float, float],
    point_size: float,
    distances: tuple[float, ...],
) -> FloatArray:
    """Centres of labels beside their points, in pixels.

    The points are taken in their order; each label goes to the first place that is free: to the
    right, to the left, above, below, at the corners, then the same further off.

    Parameters
    ----------
    points : (n, 2) array
        Right and down, in pixels.
    sizes : (n, 2) array
        Width and height of the labels.
    bounds : (float, float)
        Width and height of what is seen; points outside get no label.
    point_size : float
        Diameter of the points.
    distances : tuple of float
        From the rim of a point to its label, the nearest first.

    Returns
    -------
    (n, 2) array
        NaN where no place is free.
    """
    centres = np.full(points.shape, np.nan)
    seen = np.all((points >= 0) & (points <= bounds), axis=1)
    radius = np.full(points[seen].shape, point_size / 2)
    low, high = points[seen] - radius, points[seen] + radius
    for index in np.flatnonzero(seen):
        half = sizes[index] / 2
        for centre in _candidates(points[index], half, point_size / 2, distances):
            inside = np.all(centre - half >= 0) and np.all(centre + half <= bounds)
            if inside and not _overlaps(centre - half, centre + half, low, high).any():
                centres[index] = centre
                low, high = np.vstack([low, centre - half]), np.vstack([high, centre + half])
                break
    return centres


def _candidates(
    point: FloatArray, half: FloatArray, radius: float, distances: tuple[float, ...]
) -> Iterator[FloatArray]:
    for distance in distances:
        for direction in _DIRECTIONS:
            yield point + np.array(direction) * (radius + distance + half)


def _overlaps(low: FloatArray, high: FloatArray, lows: FloatArray, highs: FloatArray) -> BoolArray:
    """Which boxes share more than a rim with one box."""
    return np.asarray(np.all((lows < high) & (highs > low), axis=1))
