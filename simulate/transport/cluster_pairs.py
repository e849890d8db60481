"""Pairs of atoms in blocks of force constants, and how far apart a crystal puts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure

PLACE_ANGSTROM = 1e-3
"""Distances that differ by less are those of one shell."""


def block_spans(constants: ClusterConstants, structure: CrystalStructure) -> FloatArray:
    """(m,) largest distance between two atoms of each block, Å."""
    places = _places(constants) + structure.positions[constants.atoms]
    apart = [
        np.linalg.norm((places[:, a] - places[:, b]) @ structure.vectors, axis=1)
        for a, b in combinations(range(constants.order), 2)
    ]
    return np.asarray(np.max(apart, axis=0))


def cluster_pairs(constants: ClusterConstants) -> IntArray:
    """(k, 5) every pair of places that some block has: atom, atom, cell of the second.

    Each in both directions, once, without an atom and itself.
    """
    places = _places(constants)
    found = [
        np.column_stack([constants.atoms[:, [a, b]], places[:, b] - places[:, a]])
        for a in range(constants.order)
        for b in range(constants.order)
        if a != b
    ]
    pairs = np.unique(np.concatenate(found), axis=0)
    same = (pairs[:, 0] == pairs[:, 1]) & ~pairs[:, 2:].any(axis=1)
    return np.asarray(pairs[~same])


def _places(constants: ClusterConstants) -> IntArray:
    """(m, n, 3) cells of all atoms, the first at home."""
    home = np.zeros((len(constants), 1, 3), dtype=np.int64)
    return np.concatenate([home, constants.cells], axis=1)


@dataclass(frozen=True)
class NearPairs:
    """All pairs of a crystal within a radius, nearest first.

    Parameters
    ----------
    pairs : (k, 5) int array
        As of `cluster_pairs`.
    distance : (k,) array
        Å, ascending.
    """

    pairs: IntArray
    distance: FloatArray

    @classmethod
    def of(cls, structure: CrystalStructure, radius: float) -> NearPairs:
        """Of a crystal."""
        spread = np.ptp(structure.positions, axis=0)
        heights = 1 / np.linalg.norm(np.linalg.inv(structure.vectors), axis=0)
        reach = np.ceil(radius / heights + spread).astype(int)
        cells = np.indices(tuple(2 * reach + 1)).reshape(3, -1).T - reach
        apart = structure.positions[None] - structure.positions[:, None]
        distance = np.linalg.norm((apart[:, :, None] + cells) @ structure.vectors, axis=-1)
        kept = (distance <= radius + PLACE_ANGSTROM) & (distance > PLACE_ANGSTROM)
        first, second, cell = np.nonzero(kept)
        order = np.argsort(distance[kept], kind="stable")
        pairs = np.column_stack([first, second, cells[cell]])[order]
        return cls(pairs, distance[kept][order])

    def radius_of(self, count: int) -> float:
        """Å within which there are so many pairs: no list of as many is more compact."""
        return float(self.distance[count - 1]) if count else 0.0

    def shells(self, above: float, width: float) -> Iterator[float]:
        """Å, distances from a radius on; one for those that differ by less than a part `width`."""
        found = self.distance[self.distance >= above - PLACE_ANGSTROM]
        while len(found):
            count = int(np.searchsorted(found, (1 + width) * found[0], side="right"))
            yield float(found[count - 1])
            found = found[count:]
