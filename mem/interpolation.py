"""ρ between the points of the grid: periodic cubic B-splines, of ln ρ where ρ is positive.

Only the neighbourhood of the wanted points is looked at. An interpolating cubic spline needs all
grid values in principle, but their influence dies off by √3 - 2 = -0.268 per grid point, so that
`MARGIN` points around a block give it to 1e-7 (Unser, IEEE Signal Process. Mag. 16(6), 22 (1999)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from mem.density import Density

MARGIN = 12
"""Grid points around a block whose values still matter for its spline."""

_REACH = 2  # coefficients on each side that a cubic spline is made of
_FEW = 8  # points that are not worth splitting any more


def density_values(density: Density, points: ArrayLike) -> FloatArray:
    """ρ in e/Å³ at fractional points, from the grid.

    ln ρ is interpolated where the whole density is positive, as that of a maximum-entropy
    reconstruction is (it is smoother than ρ, and the result stays positive); otherwise ρ.

    Parameters
    ----------
    density : Density
    points : (…, 3) array
        Fractional, in any cell.

    Returns
    -------
    (…) array

    Raises
    ------
    InputError
        The last axis is not three coordinates, or they are not finite.
    """
    positions = fractional_points(points)
    logarithmic = is_positive(density)
    index = positions.reshape(-1, 3) * density.shape
    result = np.empty(len(index))
    for part in _blocks(index, np.arange(len(index)), np.array(density.shape)):
        block, coordinates = _block(density.values, index[part])
        coefficients = block if not logarithmic else np.log(block)
        result[part] = _spline(coefficients, coordinates)
    if logarithmic:
        np.exp(result, out=result)
    return result.reshape(positions.shape[:-1])


def local_log_density(
    density: Density, points: FloatArray, around: int
) -> Callable[[FloatArray], FloatArray]:
    """ln ρ as a function of fractional points near given ones, for many evaluations.

    Parameters
    ----------
    density : Density
        Positive everywhere.
    points : (n, 3) array
        Fractional; later points lie within `around` grid steps of the box that holds these.
    around : int
    """
    index = points.reshape(-1, 3) * density.shape
    low, high = _extent(index)
    low, high = low - around, high + around
    axes = [np.arange(a, b + 1) % n for a, b, n in zip(low, high, density.shape, strict=True)]
    block = np.log(np.asarray(density.values[np.ix_(*axes)], dtype=float))
    coefficients = ndimage.spline_filter(block, order=3, mode="mirror")

    def values(where: FloatArray) -> FloatArray:
        flat = (where.reshape(-1, 3) * density.shape - low).T
        result = ndimage.map_coordinates(
            coefficients, flat, order=3, mode="mirror", prefilter=False
        )
        return np.asarray(result.reshape(where.shape[:-1]))

    return values


def fractional_points(points: ArrayLike, key: str = "points") -> FloatArray:
    """Points (…, 3) as an array of finite numbers.

    Raises
    ------
    InputError
        They are not.
    """
    try:
        positions = np.asarray(points, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(
            "the points are not numbers", key=key, found=points, expected="x, y, z of each"
        ) from error
    if positions.ndim == 0 or positions.shape[-1] != 3 or not np.isfinite(positions).all():
        raise InputError(
            "not fractional coordinates",
            key=key,
            found=f"shape {positions.shape}" if positions.size > 12 else positions.tolist(),
            expected="three finite numbers x, y, z for every point",
        )
    return positions


def is_positive(density: Density) -> bool:
    """Whether ρ > 0 on the whole grid, so that ln ρ can stand for it."""
    return bool(density.values.min() > 0)


def _blocks(index: FloatArray, part: IntArray, shape: IntArray) -> Iterator[IntArray]:
    """The points in parts, each in a block of the grid that is small for what it serves."""
    middle = len(part) // 2
    if len(part) > _FEW:
        first, second = part[:middle], part[middle:]
        split = _volume(index[first], shape) + _volume(index[second], shape)
        if split < 0.9 * _volume(index[part], shape):
            yield from _blocks(index, first, shape)
            yield from _blocks(index, second, shape)
            return
    if len(part):
        yield part


def _extent(index: FloatArray) -> tuple[IntArray, IntArray]:
    """First and last grid point that the spline at these points needs, margin included."""
    low = np.floor(index.min(axis=0)).astype(int) - MARGIN
    high = np.floor(index.max(axis=0)).astype(int) + 1 + MARGIN
    return low, high


def _volume(index: FloatArray, shape: IntArray) -> float:
    low, high = _extent(index)
    return float(np.minimum(high - low + 1, shape + 2 * _REACH + 1).prod(dtype=float))


def _block(values: FloatArray, index: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The grid around points given in grid units, and the points in units of that block.

    Along an axis where the block would be as long as the cell, the whole period is taken, with
    `MARGIN` points of its images on both sides.
    """
    low, high = _extent(index)
    shape = np.array(values.shape)
    whole = high - low + 1 >= shape + 2 * MARGIN
    low = np.where(whole, -MARGIN, low)
    high = np.where(whole, shape + MARGIN, high)
    axes = [np.arange(a, b + 1) % n for a, b, n in zip(low, high, shape, strict=True)]
    coordinates = np.where(whole, np.mod(index, shape), index) - low
    return np.asarray(values[np.ix_(*axes)], dtype=float), np.asarray(coordinates.T, dtype=float)


def _spline(block: FloatArray, coordinates: FloatArray) -> FloatArray:
    coefficients = ndimage.spline_filter(block, order=3, mode="mirror")
    return np.asarray(
        ndimage.map_coordinates(coefficients, coordinates, order=3, mode="mirror", prefilter=False)
    )
