"""Maxima of ρ, and how far they are from the refined sites."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import CellAtoms, Crystal, cell_vectors
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.interpolation import is_positive
from mem.nearest_image import nearest_distance, nearest_image

MERGE_ANGSTROM = 0.1
"""Maxima nearer than this to each other, or to an image of each other, are one."""

_NEIGHBOURS = np.array([d for d in product((-1, 0, 1), repeat=3) if any(d)])


@dataclass(frozen=True)
class Peak:
    """A maximum of ρ and all those that symmetry makes of it.

    Parameters
    ----------
    position : (3,) array
        Fractional, 0 ≤ x < 1; of the equivalent ones the nearest to the site as its file gives
        it, or without a structure the first by x, y, z.
    density : float
        In e/Å³.
    label, element : str
        Of the nearest refined site, however far it is; empty without a structure.
    distance_angstrom : float
        From the nearest atom of that site; NaN without a structure.
    multiplicity : int
        Number of equivalent maxima in the cell.
    """

    position: FloatArray
    density: float
    label: str
    element: str
    distance_angstrom: float
    multiplicity: int


def peaks(density: Density, minimum: float | None = None) -> list[Peak]:
    """Maxima of ρ, one of every set of equivalent ones, highest first.

    A maximum of the periodic grid is refined to the top of the paraboloid through ln ρ (ρ where
    the density is not positive everywhere) at the 27 points around it, one grid step at most.

    Parameters
    ----------
    density : Density
    minimum : float or None
        Lowest peak in e/Å³; None for the mean density of the cell.

    Returns
    -------
    list of Peak
    """
    lowest = density.electrons / density.lattice.volume if minimum is None else minimum
    positions, heights = _maxima(density, lowest)
    vectors = cell_vectors(density.lattice)
    found = []
    pending = np.ones(len(heights), dtype=bool)
    for i in np.argsort(-heights, kind="stable"):
        if not pending[i]:
            continue
        orbit = _orbit(positions[i], density.symmetry, vectors)
        pending[pending] = _distances(positions[pending], orbit, vectors) > MERGE_ANGSTROM
        pending[i] = False
        found.append(_peak(density.structure, orbit, float(heights[i]), vectors))
    return found


def site_peaks(density: Density) -> list[Peak]:
    """For every refined site, in their order, the maximum of ρ nearest to it.

    All maxima are looked at, also those below the mean density. Label and distance are those of
    the site, whatever other site is nearer to the maximum. NaN for a density without maxima; an
    empty list without a structure.
    """
    if density.structure is None:
        return []
    vectors = cell_vectors(density.lattice)
    found = peaks(density, minimum=-np.inf)
    orbits = [_orbit(peak.position, density.symmetry, vectors) for peak in found]
    nothing = Peak(np.full(3, np.nan), np.nan, "", "", np.nan, 0)
    result = []
    for site in density.structure.sites:
        apart = [_distances(orbit, np.asarray(site.position)[None], vectors) for orbit in orbits]
        distance = min((float(distances.min()) for distances in apart), default=np.nan)
        nearest, beside = nothing, nothing.position
        for peak, orbit, distances in zip(found, orbits, apart, strict=True):
            if distances.min() == distance:
                nearest, beside = peak, orbit[distances.argmin()]
        result.append(
            replace(
                nearest,
                position=beside,
                label=site.label,
                element=site.element,
                distance_angstrom=distance,
            )
        )
    return result


def grid_maxima(values: FloatArray, lowest: float) -> IntArray:
    """(n, 3) grid points not lower than any of their 26 neighbours, periodic, from `lowest` up.

    Of neighbours with equal values the last in the order of the grid counts as the higher, so
    that a maximum halfway between grid points is found once.
    """
    shape = np.array(values.shape)
    candidates = np.asarray(values >= lowest)
    for axis, step in product(range(3), (1, -1)):  # leaves few points for the other neighbours
        candidates &= values >= np.roll(values, step, axis)
    index = np.argwhere(candidates).astype(np.int32)
    for step in _NEIGHBOURS:
        here = values[tuple(index.T)]
        other = (index + step) % shape
        there = values[tuple(other.T)]
        later = _before(index, other)
        index = index[(there < here) | ((there == here) & ~later)]
    return index


def _before(index: IntArray, other: IntArray) -> np.ndarray:
    """Whether points of the grid come before others in its order."""
    differs = index != other
    axis = differs.argmax(axis=1)
    rows = np.arange(len(index))
    return np.asarray(index[rows, axis] < other[rows, axis])


def _maxima(density: Density, lowest: float) -> tuple[FloatArray, FloatArray]:
    """Fractional positions (n, 3) and heights (n,) of all maxima of the cell."""
    values = density.values
    index = grid_maxima(values, lowest)
    shape = np.array(values.shape)
    around = (index[:, None] + np.array(list(product((-1, 0, 1), repeat=3)))) % shape
    cubes = np.asarray(values[tuple(np.moveaxis(around, -1, 0))], dtype=float)
    # A flat density has no maximum, though one of its points is the last.
    index, cubes = index[np.ptp(cubes, axis=1) > 0], cubes[np.ptp(cubes, axis=1) > 0]
    logarithmic = is_positive(density)
    shift, height = _paraboloid_tops((np.log(cubes) if logarithmic else cubes).reshape(-1, 3, 3, 3))
    return (index + shift) / shape, np.exp(height) if logarithmic else height


def _paraboloid_tops(cubes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shift in grid steps (n, 3) and value (n,) of the top, from 3 × 3 × 3 values around each.

    Gradient g and Hessian H by central differences: shift -H⁻¹g, value f + g·shift/2. Along a
    direction in which the values do not curve down there is no shift.
    """
    g = np.stack([(np.take(m, 2, -1) - np.take(m, 0, -1)) / 2 for m in _lines(cubes)], axis=-1)
    h = np.empty((len(cubes), 3, 3))
    for i, line in enumerate(_lines(cubes)):
        h[:, i, i] = line[:, 2] - 2 * line[:, 1] + line[:, 0]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        k = 3 - i - j
        face = np.take(cubes, 1, axis=k + 1)
        h[:, i, j] = h[:, j, i] = (
            face[:, 2, 2] - face[:, 2, 0] - face[:, 0, 2] + face[:, 0, 0]
        ) / 4
    curvature, axes = np.linalg.eigh(h)
    along = np.einsum("nij,ni->nj", axes, g)
    down = curvature < 0
    step = np.where(down, -along / np.where(down, curvature, -1.0), 0.0)
    shift = np.clip(np.einsum("nij,nj->ni", axes, step), -1, 1)
    value = cubes[:, 1, 1, 1] + np.einsum("ni,ni->n", g, shift) / 2
    return shift, np.maximum(value, cubes[:, 1, 1, 1])


def _lines(cubes: FloatArray) -> Iterator[FloatArray]:
    """The values along x, y and z through the middle, (n, 3) each."""
    yield cubes[:, :, 1, 1]
    yield cubes[:, 1, :, 1]
    yield cubes[:, 1, 1, :]


def _orbit(position: FloatArray, symmetry: Symmetry, vectors: FloatArray) -> FloatArray:
    """(m, 3) the equivalents of a maximum in the cell; exactly on a special position near it."""
    images = symmetry.images(position)
    apart = nearest_image(images - position, vectors)
    here = np.linalg.norm(apart @ vectors, axis=1) < MERGE_ANGSTROM
    images = symmetry.images(position + apart[here].mean(axis=0)) % 1.0
    images[images > 1 - 1e-9] = 0.0
    distinct: list[FloatArray] = []
    for image in images:
        if not distinct or _distances(image[None], np.array(distinct), vectors)[0] > 1e-3:
            distinct.append(image)
    return np.array(distinct)


def _distances(points: FloatArray, others: FloatArray, vectors: FloatArray) -> FloatArray:
    """(n,) distance in Å of each point from the nearest of others, in any cell."""
    if not len(points):
        return np.empty(0)
    nearest = np.full(len(points), np.inf)
    for other in others:
        np.minimum(nearest, nearest_distance(points - other, vectors), out=nearest)
    return nearest


def _peak(structure: Crystal | None, orbit: FloatArray, height: float, vectors: FloatArray) -> Peak:
    if structure is None or not structure.sites:
        first = orbit[np.lexsort(np.round(orbit, 6).T[::-1])[0]]
        return Peak(first, height, "", "", np.nan, len(orbit))
    atoms: CellAtoms = structure.atoms
    distances = nearest_distance(atoms.position - orbit[0], vectors)
    nearest = int(distances.argmin())
    site = structure.sites[atoms.site[nearest]]
    # Of the equivalents the one beside the coordinates that the user knows from the file.
    beside = int(_distances(orbit, np.asarray(site.position)[None], vectors).argmin())
    return Peak(
        position=orbit[beside],
        density=height,
        label=site.label,
        element=site.element,
        distance_angstrom=float(distances[nearest]),
        multiplicity=len(orbit),
    )
