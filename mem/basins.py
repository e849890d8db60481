"""Bader basins: the regions from which the steepest ascent of ρ leads to the same maximum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from mem.density import Density
from mem.interpolation import fractional_points, is_positive
from mem.nearest_image import nearest_distance
from mem.peaks import grid_maxima

ATOM_ANGSTROM = 0.5
"""A maximum within this distance of an atom is the atom's."""

_DIGITS = 10


@dataclass(frozen=True)
class Basins:
    """The cell divided into the basins of the maxima of ρ.

    Parameters
    ----------
    labels : (nx, ny, nz) int32 array
        Number of the basin of every grid point.
    attractors : (m, 3) array
        Fractional coordinates of the grid points of the maxima, highest first.
    density : (m,) array
        ρ there in e/Å³.
    electrons : (m,) array
        ∫ρ dV over each basin; their sum is that of the cell.
    volume : (m,) array
        In Å³.
    sites, elements : tuple of m str
        Label and element of the atom within `ATOM_ANGSTROM` of each maximum; "" for a maximum
        that is none's.
    """

    labels: IntArray
    attractors: FloatArray
    density: FloatArray
    electrons: FloatArray
    volume: FloatArray
    sites: tuple[str, ...]
    elements: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.attractors)

    def basin_at(self, position: ArrayLike) -> int:
        """Number of the basin of a fractional position: that of the nearest grid point.

        Raises
        ------
        InputError
            It is not one point.
        """
        point = fractional_points(position, "position")
        if point.shape != (3,):
            raise InputError("not one point", key="position", found=f"shape {point.shape}")
        index = np.round(point * self.labels.shape).astype(int) % self.labels.shape
        return int(self.labels[tuple(index)])

    def electrons_of(self, position: ArrayLike) -> float:
        """Electrons of the basin of a fractional position; errors as in `basin_at`."""
        return float(self.electrons[self.basin_at(position)])

    def mask(self, names: tuple[str, ...]) -> np.ndarray:
        """(nx, ny, nz) bool: the points in basins of these sites or elements.

        Raises
        ------
        InputError
            No maximum belongs to one of the names.
        """
        known = set(self.sites) | set(self.elements)
        for name in names:
            if name not in known:
                raise InputError(
                    "no basin is that of this site or element",
                    key="mask",
                    found=name,
                    expected=", ".join(sorted(known - {""})) or "a density with a structure",
                )
        chosen = [
            site in names or element in names
            for site, element in zip(self.sites, self.elements, strict=True)
        ]
        return np.asarray(np.array(chosen)[self.labels])


def basins(density: Density) -> Basins:
    """Divide the cell into basins by the near-grid ascent.

    From every grid point a path goes up the gradient of ln ρ (of ρ where the density is not
    positive everywhere), step by step to the neighbour nearest to the true path, the rounding
    being carried along and corrected; the points at the boundaries of the basins are gone over
    again until none changes. Without the correction basins would be biased towards the
    directions of the grid.

    Parameters
    ----------
    density : Density

    Returns
    -------
    Basins

    Raises
    ------
    InputError
        The density is not finite.

    References
    ----------
    Tang, Sanville & Henkelman, J. Phys. Condens. Matter 21, 084204 (2009).
    """
    from mem.basin_ascent import assign_basins

    values = np.ascontiguousarray(density.values, dtype=float)
    if not np.isfinite(values).all():
        raise InputError("the density is not finite", file=density.source or None)
    heights = _heights(density)
    shape = np.array(values.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    maxima = grid_maxima(heights, -np.inf)
    maxima = maxima[np.argsort(-heights[tuple(maxima.T)], kind="stable")]
    labels = assign_basins(heights, maxima, np.linalg.inv(steps @ steps.T), _lengths(steps))
    voxel = density.lattice.volume / values.size
    count = np.bincount(labels.ravel(), minlength=len(maxima))
    held = np.bincount(labels.ravel(), weights=values.ravel(), minlength=len(maxima))
    attractors = maxima / shape
    sites, elements = _owners(density, attractors)
    return Basins(
        labels=labels,
        attractors=attractors,
        density=values[tuple(maxima.T)],
        electrons=held * voxel,
        volume=count * voxel,
        sites=sites,
        elements=elements,
    )


def atomic_basins(density: Density, fine: Basins | None = None) -> Basins:
    """Divide the cell among the atoms: basins without an atom go to that beyond their best pass.

    A reconstruction has shallow maxima between the atoms. From the highest pass downwards, two
    basins that meet there become one unless both have an atom; so every point goes to the atom
    that it is joined to by the densest way. Atoms without a maximum of their own have no basin.
    Between equivalent atoms equal passes leave the choice to rounding: electrons and volumes are
    therefore means over the atoms of a site, which keeps their sums.

    Parameters
    ----------
    density : Density
        With a structure.
    fine : Basins, optional
        Of all maxima, where they are known already.

    Returns
    -------
    Basins

    Raises
    ------
    InputError
        There is no structure, no maximum is near an atom of it, or as `basins`.
    """
    fine = basins(density) if fine is None else fine
    if not any(fine.sites):
        raise InputError(
            "no basin can be given to an atom",
            file=density.source or None,
            found="no structure" if density.structure is None else "no maximum near an atom",
            expected=f"a maximum within {ATOM_ANGSTROM} Å of an atom",
        )
    owner = _owning_basins(fine, *_passes(_heights(density), fine.labels))
    kept, renumbered = np.unique(owner, return_inverse=True)
    renumbered = renumbered.astype(np.int32)
    sites = tuple(fine.sites[i] for i in kept)
    return Basins(
        labels=renumbered[fine.labels],
        attractors=fine.attractors[kept],
        density=fine.density[kept],
        electrons=_site_means(sites, _sums(renumbered, fine.electrons)),
        volume=_site_means(sites, _sums(renumbered, fine.volume)),
        sites=sites,
        elements=tuple(fine.elements[i] for i in kept),
    )


def _heights(density: Density) -> FloatArray:
    """What is ascended: ln ρ, or ρ, in whole levels a ten-billionth of its range or less apart.

    Equivalent points differ by the rounding of Fourier transforms, which is another with another
    number of threads: on levels they are equal, and the order of the grid decides.
    """
    values = np.ascontiguousarray(density.values, dtype=float)
    heights = np.log(values) if is_positive(density) else values
    spread = float(np.ptp(heights))
    if spread == 0:
        return heights
    level = 10.0 ** (math.floor(math.log10(spread)) - _DIGITS)
    return np.asarray(np.round(heights / level) * level)


def _sums(number: IntArray, values: FloatArray) -> FloatArray:
    return np.bincount(number, weights=values).astype(float)


def _site_means(sites: tuple[str, ...], values: FloatArray) -> FloatArray:
    _, number = np.unique(np.array(sites), return_inverse=True)
    return np.asarray((_sums(number, values) / np.bincount(number))[number])


def _passes(values: FloatArray, labels: IntArray) -> tuple[IntArray, FloatArray]:
    """(n, 2) pairs of basins that meet, and the greatest height (n,) at which they do."""
    count = int(labels.max()) + 1
    keys, heights = [], []
    for axis in range(3):
        other = np.roll(labels, -1, axis)
        meet = np.nonzero(labels != other)
        first, second = labels[meet].astype(np.int64), other[meet]
        keys.append(np.minimum(first, second) * count + np.maximum(first, second))
        heights.append(np.minimum(values[meet], np.roll(values, -1, axis)[meet]))
    pairs, number = np.unique(np.concatenate(keys), return_inverse=True)
    highest = np.full(len(pairs), -np.inf)
    np.maximum.at(highest, number, np.concatenate(heights))
    return np.stack(np.divmod(pairs, count), axis=1), highest


def _owning_basins(fine: Basins, pairs: IntArray, heights: FloatArray) -> IntArray:
    """(m,) for every basin the one with an atom that it is joined to; itself if there is none."""
    parent = list(range(len(fine)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs[np.argsort(-heights, kind="stable")].tolist():
        a, b = root(i), root(j)
        if a != b and not (fine.sites[a] and fine.sites[b]):
            a, b = (a, b) if fine.sites[a] or not fine.sites[b] else (b, a)
            parent[b] = a  # the root is the one with the atom
    return np.array([root(i) for i in range(len(fine))])


def _lengths(steps: FloatArray) -> FloatArray:
    """(3, 3, 3) length in Å of the steps to all neighbours; 1 for the middle."""
    moves = np.array(list(product((-1, 0, 1), repeat=3)))
    lengths = np.linalg.norm(moves @ steps, axis=1)
    lengths[len(moves) // 2] = 1.0
    return np.asarray(lengths.reshape(3, 3, 3))


def _owners(density: Density, attractors: FloatArray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Label and element of the atom that each maximum belongs to."""
    structure = density.structure
    nobody = ("",) * len(attractors)
    if structure is None or not structure.sites:
        return nobody, nobody
    atoms, vectors = structure.atoms, cell_vectors(density.lattice)
    sites, elements = list(nobody), list(nobody)
    for i, attractor in enumerate(attractors):
        distance = nearest_distance(atoms.position - attractor, vectors)
        nearest = int(distance.argmin())
        if distance[nearest] < ATOM_ANGSTROM:
            sites[i] = structure.sites[atoms.site[nearest]].label
            elements[i] = atoms.elements[nearest]
    return tuple(sites), tuple(elements)
