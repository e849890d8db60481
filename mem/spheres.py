"""Electrons inside a sphere around a point."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from mem.density import Density
from mem.interpolation import fractional_points

_PARTS = 8  # of a voxel along each axis, where the surface cuts it
_SLAB = 200_000  # voxels that are looked at together


def electrons_in_sphere(density: Density, centre: ArrayLike, radius_angstrom: float) -> float:
    """∫ρ dV over a sphere, in electrons.

    Every voxel, a parallelepiped around its grid point, counts whole when it lies inside, with
    its mean of ρ (from the second differences). One that the surface cuts is divided into 8³
    parts, each with ρ of the grid point continued by its first and second differences along the
    axes. So a sphere in a constant density has 4/3 π r³ ρ to about 1e-4 at a radius of ten grid
    steps. A sphere larger than the cell counts electrons as often as the crystal has them.

    Parameters
    ----------
    density : Density
    centre : (3,) array
        Fractional.
    radius_angstrom : float

    Returns
    -------
    float

    Raises
    ------
    InputError
        The radius is not positive, or the centre is no point.
    """
    middle = fractional_points(centre, "centre")
    if middle.shape != (3,):
        raise InputError("not one point", key="centre", found=f"shape {middle.shape}")
    if not (np.isfinite(radius_angstrom) and radius_angstrom > 0):
        raise InputError(
            "not a radius", key="radius", found=radius_angstrom, expected="a length above 0 Å"
        )
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]  # rows: edges of a voxel in Å
    half = max(
        float(np.linalg.norm(np.array(signs) @ steps)) / 2 for signs in product((1, -1), repeat=3)
    )
    total = 0.0
    for index in _slabs(middle * shape, steps, radius_angstrom + half):
        offsets = (index - middle * shape) @ steps
        distance = np.linalg.norm(offsets, axis=1)
        inside = distance <= radius_angstrom - half
        here, _, second = _differences(density.values, index[inside])
        total += float((here + second.sum(axis=1) / 24).sum())
        cut = ~inside & (distance < radius_angstrom + half)
        total += _cut_voxels(density.values, index[cut], offsets[cut], steps, radius_angstrom)
    return total * density.lattice.volume / float(shape.prod())


def _slabs(centre: FloatArray, steps: FloatArray, reach: float) -> Iterator[IntArray]:
    """Grid points (n, 3) of the box around a sphere, some planes at a time."""
    extent = reach * np.linalg.norm(np.linalg.inv(steps), axis=0)
    low = np.floor(centre - extent).astype(int)
    high = np.ceil(centre + extent).astype(int)
    x, y, z = (np.arange(a, b + 1) for a, b in zip(low, high, strict=True))
    planes = max(1, _SLAB // (len(y) * len(z)))
    for first in range(0, len(x), planes):
        block = np.meshgrid(x[first : first + planes], y, z, indexing="ij")
        yield np.stack([axis.ravel() for axis in block], axis=1)


def _differences(values: FloatArray, index: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """ρ (n,) at grid points, its first and second differences (n, 3) along the axes."""
    here = _values(values, index)
    unit = np.eye(3, dtype=int)
    above = np.stack([_values(values, index + e) for e in unit], axis=1)
    below = np.stack([_values(values, index - e) for e in unit], axis=1)
    return here, (above - below) / 2, above + below - 2 * here[:, None]


def _values(values: FloatArray, index: IntArray) -> FloatArray:
    return np.asarray(values[tuple((index % values.shape).T)], dtype=float)


def _cut_voxels(
    values: FloatArray, index: IntArray, offsets: FloatArray, steps: FloatArray, radius: float
) -> float:
    """Sum over voxels of the mean of ρ over each one's volume, ρ being 0 outside the sphere."""
    here, first, second = _differences(values, index)
    part = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    total = 0.0
    for shift in (np.array(s) for s in product(part, repeat=3)):
        inside = np.linalg.norm(offsets + shift @ steps, axis=1) < radius
        local = here[inside] + first[inside] @ shift + second[inside] @ shift**2 / 2
        total += float(local.sum())
    return total / _PARTS**3
