"""How well force constants of third and fourth order keep the symmetries of their crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import SYMMETRY_ANGSTROM, CrystalStructure


class Residual(NamedTuple):
    """How far force constants are from what a symmetry makes of them.

    Parameters
    ----------
    largest : float
        eV/Å^n; a block that is not listed counts as zero.
    missing : int
        Images of blocks that are not listed.
    block : int
        Where the largest is, from 0.
    """

    largest: float
    missing: int
    block: int


@dataclass(frozen=True)
class SiteOperation:
    """One operation of a space group on the sites of a primitive cell.

    Parameters
    ----------
    rotation : (3, 3) int array
        Of fractional coordinates: x' = W x + w.
    turn : (3, 3) array
        The same of Cartesian vectors.
    site : (n,) int array
        Where each site goes,
    cell : (n, 3) int array
        and into which cell.
    """

    rotation: IntArray
    turn: FloatArray
    site: IntArray
    cell: IntArray


@dataclass(frozen=True)
class ClusterIndex:
    """Finds blocks by their atoms and cells.

    Parameters
    ----------
    low, size : (3,) int arrays
        The box of all cells.
    codes : (s,) int array
        Ascending, one for each atom in a cell that is met.
    keys : (m,) int array
        Ascending, one for each block.
    block : (m,) int array
        The block of each key.
    """

    low: IntArray
    size: IntArray
    codes: IntArray
    keys: IntArray
    block: IntArray

    @classmethod
    def of(cls, constants: ClusterConstants) -> ClusterIndex:
        """Of all blocks."""
        low = np.minimum(constants.cells.min(axis=(0, 1)), 0)
        size = np.maximum(constants.cells.max(axis=(0, 1)), 0) - low + 1
        empty = np.zeros(0, dtype=np.int64)
        start = cls(low, size, empty, empty, empty)
        codes = np.unique(start._codes(constants.atoms, constants.cells))
        start = cls(low, size, codes, empty, empty)
        keys = start._keys(constants.atoms, constants.cells)
        order = np.argsort(keys, kind="stable")
        return cls(low, size, codes, keys[order], order)

    @property
    def repeated(self) -> int:
        """How many blocks stand for atoms that an earlier one has already."""
        return int((np.diff(self.keys) == 0).sum())

    def find(self, atoms: IntArray, cells: IntArray) -> IntArray:
        """(k,) numbers of the blocks of (k, n) atoms in (k, n - 1, 3) cells; -1: not listed."""
        wanted = self._keys(atoms, cells)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.block[place], -1)

    def _codes(self, atoms: IntArray, cells: IntArray) -> IntArray:
        """(k, n) one number for an atom in a cell; -1 outside the box."""
        home = np.zeros((len(cells), 1, 3), dtype=np.int64)
        place = np.concatenate([home, cells], axis=1) - self.low
        inside = ((place >= 0) & (place < self.size)).all(axis=-1)
        _, b, c = self.size
        cell = (place[..., 0] * b + place[..., 1]) * c + place[..., 2]
        return np.where(inside, atoms * int(self.size.prod()) + cell, -1)

    def _keys(self, atoms: IntArray, cells: IntArray) -> IntArray:
        codes = self._codes(atoms, cells)
        place = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        known = self.codes[place] == codes
        weights = len(self.codes) ** np.arange(codes.shape[1], dtype=np.int64)
        return np.where(known.all(axis=1), place @ weights, -1)


def space_group(
    structure: CrystalStructure, tolerance: float = SYMMETRY_ANGSTROM
) -> tuple[str, tuple[SiteOperation, ...]]:
    """Symbol and operations of a crystal.

    Parameters
    ----------
    structure : CrystalStructure
    tolerance : float
        Å.

    Raises
    ------
    InputError
        spglib finds none.
    """
    import spglib
    from ase.data import atomic_numbers

    numbers = [atomic_numbers[symbol] for symbol in structure.symbols]
    cell: Any = (structure.vectors, structure.positions, numbers)
    found = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    if found is None:
        raise InputError("no symmetry is found in the crystal", expected="separate atoms")
    operations = [
        _operation(structure, np.asarray(rotation), np.asarray(shift))
        for rotation, shift in zip(found.rotations, found.translations, strict=True)
    ]
    return str(found.international), tuple(operations)


def _operation(structure: CrystalStructure, rotation: IntArray, shift: FloatArray) -> SiteOperation:
    images = structure.positions @ rotation.T + shift
    apart = images[:, None] - structure.positions
    cells = np.rint(apart).astype(np.int64)
    distance = np.linalg.norm((apart - cells) @ structure.vectors, axis=-1)
    symbols = np.array(structure.symbols)
    site = np.where(symbols[:, None] == symbols, distance, np.inf).argmin(axis=1)
    vectors = structure.vectors.T
    return SiteOperation(
        rotation=rotation.astype(np.int64),
        turn=vectors @ rotation @ np.linalg.inv(vectors),
        site=site,
        cell=cells[np.arange(len(site)), site],
    )


def space_group_residual(
    constants: ClusterConstants, operations: Sequence[SiteOperation]
) -> Residual:
    """Largest |Φ(g x) - R…R Φ(x)| of all blocks x and operations g = {R|t}."""
    index = ClusterIndex.of(constants)
    parts = []
    for operation in operations:
        moved = operation.cell[constants.atoms]
        cells = constants.cells @ operation.rotation.T + moved[:, 1:] - moved[:, :1]
        there = index.find(operation.site[constants.atoms], cells)
        parts.append(_residual(constants, there, turned(constants.values, operation.turn)))
    return _worst(parts)


def permutation_residual(constants: ClusterConstants) -> Residual:
    """Largest difference of a block and the one with its atoms in another order."""
    index = ClusterIndex.of(constants)
    home = np.zeros((len(constants), 1, 3), dtype=np.int64)
    places = np.concatenate([home, constants.cells], axis=1)
    parts = []
    for order in permutations(range(constants.order)):
        chosen = places[:, order]
        there = index.find(constants.atoms[:, order], chosen[:, 1:] - chosen[:, :1])
        parts.append(
            _residual(
                constants, there, constants.values.transpose(0, *(axis + 1 for axis in order))
            )
        )
    return _worst(parts)


def turned(values: FloatArray, turn: FloatArray) -> FloatArray:
    """(m, 3, …, 3) tensors in which every index is turned by the (3, 3) rotation."""
    for axis in range(1, values.ndim):
        values = np.moveaxis(np.tensordot(values, turn, axes=(axis, 1)), -1, axis)
    return values


def _residual(constants: ClusterConstants, there: IntArray, expected: FloatArray) -> Residual:
    listed = there >= 0
    found = np.where(
        listed.reshape(-1, *[1] * constants.order), constants.values[np.maximum(there, 0)], 0.0
    )
    errors = np.abs(found - expected).reshape(len(constants), -1).max(axis=1)
    block = int(errors.argmax())
    return Residual(float(errors[block]), int((~listed).sum()), block)


def _worst(parts: Sequence[Residual]) -> Residual:
    largest = max(parts, key=lambda part: part.largest)
    return largest._replace(missing=sum(part.missing for part in parts))
