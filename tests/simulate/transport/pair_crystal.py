"""A crystal of pair potentials: derivatives of any order written down, forces, and their files."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure

# φ = A exp(-d²/w): wells that pull at all distances used here, so that the crystal is stable.
STRENGTH = {"CuCu": -20.0, "CuI": -60.0, "ICu": -60.0, "II": -30.0}  # eV
WIDTH = 60.0  # Å²
MASSES = {"Cu": 63.546, "I": 126.904}


@dataclass(frozen=True)
class PairCrystal:
    """Atoms that pull on each other within a radius (Å), as they stand at rest."""

    structure: CrystalStructure
    radius: float

    def bonds(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Atom, atom, cell of the second; in both directions."""
        n = len(self.structure.symbols)
        found = []
        for a, b in itertools.product(range(n), repeat=2):
            for cell in itertools.product(range(-4, 5), repeat=3):
                length = np.linalg.norm(self.arm(a, b, cell))
                if 1e-6 < length < self.radius:
                    found.append((a, b, cell))
        return found

    def arm(self, a: int, b: int, cell: Sequence[int]) -> np.ndarray:
        """From atom a at home to atom b in a cell."""
        x = self.structure.positions
        return np.asarray((x[b] + np.array(cell) - x[a]) @ self.structure.vectors)

    def strength(self, a: int, b: int) -> float:
        """A of the potential in eV."""
        return STRENGTH[self.structure.symbols[a] + self.structure.symbols[b]]

    def constants(self, order: int) -> ClusterConstants:
        """Derivatives of ½ Σ φ by the displacements of `order` atoms."""
        blocks: dict[tuple[Any, ...], np.ndarray] = {}
        for a, b, cell in self.bonds():
            value = self.strength(a, b) * derivative(self.arm(a, b, cell), order) / 2
            places = ((a, (0, 0, 0)), (b, cell))
            for choice in itertools.product((0, 1), repeat=order):
                atoms = tuple(places[c][0] for c in choice)
                cells = np.array([places[c][1] for c in choice])
                key = (atoms, tuple(map(tuple, (cells - cells[0])[1:].tolist())))
                sign = (-1) ** (order - sum(choice))
                blocks[key] = blocks.get(key, 0.0) + sign * value
        keys = sorted(blocks)
        return ClusterConstants(
            np.array([atoms for atoms, _ in keys]),
            np.array([cells for _, cells in keys]),
            np.array([blocks[key] for key in keys]),
        )

    def forces(self, positions: np.ndarray, at_rest: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """(N, 3) forces in eV/Å in a supercell, between the neighbours that they have at rest."""
        forces = np.zeros_like(positions)
        symbols = self.supercell_symbols(len(positions))
        to_cell = np.linalg.inv(cell)
        images = np.array(list(itertools.product((-1, 0, 1), repeat=3))) @ cell
        for i, j in itertools.product(range(len(positions)), repeat=2):
            rest = at_rest[j] - at_rest[i]
            rest = rest - np.rint(rest @ to_cell) @ cell + images
            near = rest[(np.linalg.norm(rest, axis=1) < self.radius)]
            for arm in near[np.linalg.norm(near, axis=1) > 1e-6]:
                moved = arm + (positions[j] - at_rest[j]) - (positions[i] - at_rest[i])
                scale = STRENGTH[symbols[i] + symbols[j]] * np.exp(-moved @ moved / WIDTH)
                forces[i] -= 2 / WIDTH * scale * moved  # F_i = +∂φ/∂d
        return forces

    def supercell_symbols(self, count: int) -> list[str]:
        """Of the atoms as phonopy orders them."""
        repeats = count // len(self.structure.symbols)
        return [symbol for symbol in self.structure.symbols for _ in range(repeats)]

    def second_order(self, repeats: int) -> ForceConstants:
        """As the loaders would give them, of a supercell that holds all."""
        pairs = self.constants(2)
        n = len(self.structure.symbols)
        cells = np.unique(pairs.cells[:, 0], axis=0)
        matrices = np.zeros((len(cells), n, 3, n, 3))
        for (a, b), (cell,), value in zip(pairs.atoms, pairs.cells, pairs.values, strict=True):
            where = int(np.flatnonzero((cells == cell).all(axis=1))[0])
            matrices[where, a, :, b, :] = value
        return ForceConstants(
            vectors=self.structure.vectors,
            positions=self.structure.positions,
            symbols=self.structure.symbols,
            masses=np.array([MASSES[symbol] for symbol in self.structure.symbols]),
            translations=cells,
            matrices=matrices.reshape(-1, 3 * n, 3 * n),
            supercell=repeats * np.eye(3, dtype=int),
            conventional=np.eye(3),
            source="springs",
        )


def derivative(arm: np.ndarray, order: int) -> np.ndarray:
    """Derivatives of exp(-d²/w) by the components of d, by contraction of Hermite's recursion.

    f_ab…z = -(2/w) (d_z f_ab… + Σ δ_az f_b… ), each index once with z.
    """
    if order == 0:
        return np.asarray(np.exp(-arm @ arm / WIDTH))
    lower = derivative(arm, order - 1)
    total = np.multiply.outer(lower, arm)
    if order >= 2:
        least = derivative(arm, order - 2)
        for axis in range(order - 1):
            term = np.multiply.outer(least, np.eye(3))  # …, a, z
            total = total + np.moveaxis(term, -2, axis)
    return np.asarray(-2 / WIDTH * total)


def low_symmetry() -> PairCrystal:
    """Six atoms in a centred pair of each: P-1, no site like another."""
    cell = np.array([[4.9, 0.2, -0.3], [0.5, 5.6, 0.4], [-0.6, 0.3, 5.2]])
    half = np.array([[0.11, 0.22, 0.06], [0.33, 0.71, 0.43], [0.39, 0.17, 0.78]])
    positions = np.vstack([half[:1], 1 - half[:1], half[1:], 1 - half[1:]])
    return PairCrystal(
        CrystalStructure(cell, positions, ("Cu", "Cu", "I", "I", "I", "I")), radius=4.6
    )


def zincblende(edge: float = 5.4) -> PairCrystal:
    """Two atoms, F-43m; bonds to nearest and second nearest neighbours."""
    cell = edge / 2 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    positions = np.array([[0, 0, 0], [0.25, 0.25, 0.25]])
    return PairCrystal(CrystalStructure(cell, positions, ("Cu", "I")), radius=0.75 * edge)


def write_control(path: Path, structure: CrystalStructure) -> Path:
    """CONTROL, as a user would write it."""
    kinds = list(dict.fromkeys(structure.symbols))
    lines = ["&allocations", f" nelements={len(kinds)}, natoms={len(structure.symbols)}"]
    lines += [" ngrid(:)=3 3 3", "&end", "&crystal", " lfactor=0.1"]
    lines += [
        f" lattvec(:,{k})={' '.join(f'{x:.12f}' for x in row)}"
        for k, row in enumerate(structure.vectors, start=1)
    ]
    lines += [" elements=" + " ".join(f'"{kind}"' for kind in kinds)]
    lines += [" types=" + " ".join(str(kinds.index(s) + 1) for s in structure.symbols)]
    lines += [
        f" positions(:,{k})={' '.join(f'{x:.12f}' for x in row)}"
        for k, row in enumerate(structure.positions, start=1)
    ]
    path.write_text("\n".join([*lines, " scell(:)=3 3 3", "&end"]) + "\n", encoding="utf-8")
    return path
