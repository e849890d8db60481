"""Force constants of any order as blocks by atoms and cells, as transport codes list them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray

_NOTHING = 1e-10  # eV/Å^n: a block that symmetry makes zero


@dataclass(frozen=True)
class ClusterConstants:
    """Derivatives of the energy by displacements of n atoms, of which the first is in cell 0.

    Parameters
    ----------
    atoms : (m, n) int array
        Numbers of the atoms in the primitive cell.
    cells : (m, n - 1, 3) int array
        Cells of the second, third … atom in primitive lattice vectors.
    values : (m, 3, …, 3) array
        eV/Å^n.
    """

    atoms: IntArray
    cells: IntArray
    values: FloatArray

    @property
    def order(self) -> int:
        """How many atoms a block has."""
        return int(self.atoms.shape[1])

    def __len__(self) -> int:
        return len(self.atoms)

    def sum_rule_residual(self) -> float:
        """Largest |Σ over the last atom| in eV/Å^n: zero when nothing pulls on the whole."""
        totals: dict[tuple[int, ...], FloatArray] = {}
        for atoms, cells, value in zip(self.atoms, self.cells, self.values, strict=True):
            key = (*atoms[:-1].tolist(), *cells[:-1].ravel().tolist())
            totals[key] = totals.get(key, 0.0) + value
        return max((float(np.abs(total).max()) for total in totals.values()), default=0.0)

    def in_supercell(self, supercell: Any, primitive: Any) -> FloatArray:
        """As a compact array (p, N, …, N, 3, …, 3) of a phonopy supercell.

        Blocks whose atoms fall on the same supercell atoms are added.

        Parameters
        ----------
        supercell, primitive : phonopy's, whose primitive atoms are those of the blocks
        """
        places = primitive.scaled_positions
        repeats = np.round(supercell.cell @ np.linalg.inv(primitive.cell)).astype(int)
        inverse = np.linalg.inv(repeats)
        number = _numbers(supercell, primitive, places, inverse)
        n, order = len(supercell.positions), self.order
        full = np.zeros((len(places), *[n] * (order - 1), *[3] * order))
        for atoms, cells, value in zip(self.atoms, self.cells, self.values, strict=True):
            others = (
                number[int(atom), _home(cell, repeats, inverse)]
                for atom, cell in zip(atoms[1:], cells, strict=True)
            )
            full[(int(atoms[0]), *others)] += value
        return full


def _numbers(
    supercell: Any, primitive: Any, places: FloatArray, inverse: FloatArray
) -> dict[tuple[int, tuple[int, ...]], int]:
    """Number in the supercell of each primitive atom in each of its cells."""
    atom_of = [primitive.p2p_map[index] for index in primitive.s2p_map]
    repeats = np.round(np.linalg.inv(inverse)).astype(int)
    fractional = supercell.positions @ np.linalg.inv(primitive.cell)
    cells = np.round(fractional - places[atom_of]).astype(int)
    return {
        (int(atom), _home(cell, repeats, inverse)): index
        for index, (atom, cell) in enumerate(zip(atom_of, cells, strict=True))
    }


def _home(cell: IntArray, repeats: IntArray, inverse: FloatArray) -> tuple[int, ...]:
    """The cell of the supercell that a cell is an image of."""
    away = np.floor(cell @ inverse + 1e-6).astype(int)
    return tuple((cell - away @ repeats).tolist())


def cluster_constants(
    blocks: Mapping[tuple[int, ...], FloatArray], supercell: Any, primitive: Any
) -> ClusterConstants:
    """From blocks by atoms of a supercell, each of which has its atoms within half of it.

    Parameters
    ----------
    blocks : mapping
        Of the atoms' numbers, in one of their orders, to the derivatives.
    supercell, primitive : phonopy's
    """
    atom_of = np.array([primitive.p2p_map[index] for index in primitive.s2p_map])
    home = {int(index) for index in primitive.p2s_map}
    inverse = np.linalg.inv(primitive.cell)
    to_cell = np.linalg.inv(supercell.cell)
    fractional = supercell.positions @ inverse
    cells = np.round(fractional - primitive.scaled_positions[atom_of]).astype(int)
    atoms_found, cells_found, values = [], [], []
    for cluster, block in blocks.items():
        if home.isdisjoint(cluster) or np.abs(block).max() < _NOTHING:
            continue
        seen = set()
        for order in permutations(range(len(cluster))):
            members = tuple(cluster[k] for k in order)
            if members[0] not in home or members in seen:
                continue
            seen.add(members)
            apart = supercell.positions[list(members[1:])] - supercell.positions[members[0]]
            whole = np.round(apart @ to_cell) @ supercell.cell @ inverse
            atoms_found.append(atom_of[list(members)])
            cells_found.append(
                cells[list(members[1:])] - cells[members[0]] - np.round(whole).astype(int)
            )
            values.append(np.transpose(block, order))
    return ClusterConstants(np.array(atoms_found), np.array(cells_found), np.array(values))


def shengbte_text(constants: ClusterConstants, lattice: FloatArray) -> str:
    """The text of FORCE_CONSTANTS_3RD (ShengBTE) or FORCE_CONSTANTS_4TH (FourPhonon).

    Values in eV/Å³ or eV/Å⁴, cells as vectors in Å.

    Parameters
    ----------
    constants : ClusterConstants
    lattice : (3, 3) array
        Rows of the primitive cell in Å.
    """
    order = constants.order
    indices = list(product(range(3), repeat=order))
    names = [" ".join(str(index + 1) for index in row) for row in indices]
    lines = [str(len(constants)), ""]
    for number, (atoms, cells, value) in enumerate(
        zip(constants.atoms, constants.cells, constants.values, strict=True), start=1
    ):
        lines.append(f"{number:5d}")
        lines.extend(" ".join(f"{x:16.10f}" for x in cell) for cell in cells @ lattice)
        lines.append(" ".join(f"{atom + 1:4d}" for atom in atoms))
        lines.extend(
            f" {name} {value[row]:20.12f}" for name, row in zip(names, indices, strict=True)
        )
        lines.append("")
    return "\n".join(lines)
