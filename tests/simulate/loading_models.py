"""A crystal of short springs without any symmetry, and files of it in every format.

Its Φ(L) reach less than half of the supercell, so that a reader must give back exactly them.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SIZES = (3, 3, 2)
BOHR = 0.529177210903
RYDBERG = 13.605693122994
MASS_RYDBERG = 1.09716e-3  # two electron masses in atomic mass units


@dataclass(frozen=True)
class SpringCrystal:
    """Primitive cell and {L: Φ(L)} in eV/Å², rows the home cell, columns cell L."""

    vectors: np.ndarray
    positions: np.ndarray
    symbols: tuple[str, ...]
    masses: np.ndarray
    springs: dict[tuple[int, ...], np.ndarray]

    @property
    def cells(self) -> list[tuple[int, ...]]:
        """The supercell's cells with the first index fastest, as phonopy orders them."""
        return [cell[::-1] for cell in itertools.product(*(range(s) for s in SIZES[::-1]))]

    def block(self, cell: Any) -> np.ndarray:
        """(3n, 3n) Σ of the springs to all images of a cell in the periodic supercell."""
        total = np.zeros((3 * len(self.symbols),) * 2)
        for lattice, matrix in self.springs.items():
            if all((a - b) % s == 0 for a, b, s in zip(lattice, cell, SIZES, strict=True)):
                total += matrix
        return total

    def compact(self) -> np.ndarray:
        """(n, N, 3, 3) force constants, the atom slowest and the cell's first index fastest."""
        n = len(self.symbols)
        blocks = np.array([self.block(cell) for cell in self.cells])
        return blocks.reshape(-1, n, 3, n, 3).transpose(1, 3, 0, 2, 4).reshape(n, -1, 3, 3)

    def full(self) -> np.ndarray:
        """(N, N, 3, 3) force constants in the same order."""
        n, cells = len(self.symbols), self.cells
        result = np.zeros((n, len(cells), n, len(cells), 3, 3))
        for a, first in enumerate(cells):
            for b, second in enumerate(cells):
                block = self.block(np.subtract(second, first)).reshape(n, 3, n, 3)
                result[:, a, :, b] = block.transpose(0, 2, 1, 3)
        return result.reshape(n * len(cells), n * len(cells), 3, 3)

    @property
    def supercell_positions(self) -> np.ndarray:
        """(N, 3) fractional coordinates in the supercell, in the same order."""
        moved = self.positions[:, None] + np.array(self.cells)
        return (moved / SIZES).reshape(-1, 3)


def spring_crystal(seed: int = 7) -> SpringCrystal:
    """Three atoms in a triclinic cell, random springs up to 3.4 Å, acoustic sum rule kept."""
    rng = np.random.default_rng(seed)
    vectors = np.array([[3.1, 0.0, 0.0], [0.4, 3.3, 0.0], [-0.3, 0.5, 4.4]])
    positions = np.array([[0.02, 0.05, 0.03], [0.52, 0.45, 0.35], [0.08, 0.55, 0.71]])
    n = len(positions)
    springs: dict[tuple[int, ...], np.ndarray] = {}
    for cell in itertools.product((-1, 0, 1), repeat=3):
        for i, j in itertools.product(range(n), repeat=2):
            apart = (positions[j] + cell - positions[i]) @ vectors
            if not 0.1 < np.linalg.norm(apart) < 3.4:
                continue
            block = rng.normal(scale=0.4, size=(3, 3)) - 2.0 * np.eye(3)
            opposite = tuple(-x for x in cell)
            for place, value, (a, b) in ((cell, block, (i, j)), (opposite, block.T, (j, i))):
                matrix = springs.setdefault(place, np.zeros((3 * n, 3 * n)))
                matrix[3 * a : 3 * a + 3, 3 * b : 3 * b + 3] = value
    home = springs.setdefault((0, 0, 0), np.zeros((3 * n, 3 * n)))
    # A shift of all atoms must cost nothing. The antisymmetric part of what is left over goes
    # to pairs of the home cell, the symmetric part to each atom's own term.
    left = sum(springs.values()).reshape(n, 3, n, 3).sum(axis=2)
    for i in (1, 2):
        twist = (left[i] - left[i].T) / 2
        home[0:3, 3 * i : 3 * i + 3] += twist
        home[3 * i : 3 * i + 3, 0:3] -= twist
    left = sum(springs.values()).reshape(n, 3, n, 3).sum(axis=2)
    for i in range(n):
        home[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] -= left[i]
    assert np.abs(home - home.T).max() < 1e-12
    masses = np.array([132.905452, 63.546, 126.90447])
    return SpringCrystal(vectors, positions, ("Cs", "Cu", "I"), masses, springs)


def phonopy_object(crystal: SpringCrystal, *, compact: bool = True) -> Any:
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cell = PhonopyAtoms(
        symbols=list(crystal.symbols),
        cell=crystal.vectors,
        scaled_positions=crystal.positions,
        masses=crystal.masses,
    )
    phonon = Phonopy(cell, np.diag(SIZES), primitive_matrix=np.eye(3))
    assert np.allclose(
        (phonon.supercell.scaled_positions - crystal.supercell_positions + 0.5) % 1, 0.5
    )
    phonon.force_constants = crystal.compact() if compact else crystal.full()
    return phonon


def write_phonopy_yaml(
    crystal: SpringCrystal, folder: Path, *, compact: bool = True, inside: bool = True
) -> Path:
    path = folder / "phonopy_params.yaml"
    phonon = phonopy_object(crystal, compact=compact)
    phonon.save(path, settings={"force_constants": inside, "force_sets": False})
    return path


def write_table(path: Path, values: np.ndarray, rows: list[int]) -> Path:
    """FORCE_CONSTANTS; `rows` are the supercell atoms of the first axis, from 0."""
    total = values.shape[1]
    header = f"{total}" if len(rows) == total else f"{len(rows)} {total}"
    lines = [header]
    for i, row in enumerate(rows):
        for j in range(total):
            lines.append(f"{row + 1} {j + 1}")
            lines += [" ".join(f"{x:.16g}" for x in line) for line in values[i, j]]
    path.write_text("\n".join(lines) + "\n")
    return path


def home_rows(crystal: SpringCrystal) -> list[int]:
    return [i * len(crystal.cells) for i in range(len(crystal.symbols))]


def control_text(crystal: SpringCrystal, **extra: str) -> str:
    """CONTROL of ShengBTE, lengths in nm; `extra` replaces or adds to &crystal."""
    entries = {
        "lfactor": "0.1",
        "elements": " ".join(f'"{s}"' for s in crystal.symbols),
        "types": "1 2 3",
        "masses": " ".join(map(repr, crystal.masses.tolist())),
        "scell(:)": " ".join(map(str, SIZES)),
    }
    for i, vector in enumerate(crystal.vectors, start=1):
        entries[f"lattvec(:,{i})"] = " ".join(f"{x:.16g}" for x in vector)
    for i, place in enumerate(crystal.positions, start=1):
        entries[f"positions(:,{i})"] = ", ".join(f"{x:.16g}" for x in place)
    entries.update(extra)
    body = "".join(f"    {key} = {value},\n" for key, value in entries.items())
    return (
        "&allocations\n    nelements=3,\n    natoms=3, ! a remark\n    ngrid(:)=3*4\n&end\n"
        f"&crystal\n{body}&end\n&parameters\n    T=300\n&end\n"
        "&flags\n    nonanalytic=.FALSE.\n    autoisotopes=.false.\n&end\n"
    )


def write_shengbte(crystal: SpringCrystal, folder: Path, **extra: str) -> Path:
    (folder / "CONTROL").write_text(control_text(crystal, **extra))
    full = crystal.full()
    return write_table(folder / "FORCE_CONSTANTS_2ND", full, list(range(len(full))))


def write_q2r(crystal: SpringCrystal, path: Path, born: str = " F\n") -> Path:
    """A force-constant file of q2r.x: atom a of cell m with atom b of the home cell."""
    alat = 5.0
    scale = alat * BOHR
    lines = [f"  3   3   0   {alat} 0.0 0.0 0.0 0.0 0.0"]
    lines += [" ".join(f"{x / scale:.16g}" for x in vector) for vector in crystal.vectors]
    for i, (symbol, mass) in enumerate(zip(crystal.symbols, crystal.masses, strict=True), 1):
        lines.append(f"   {i}  '{symbol} '  {mass / MASS_RYDBERG:.12f}")
    for i, place in enumerate(crystal.positions @ crystal.vectors / scale, start=1):
        lines.append(f"  {i}  {i}  " + " ".join(f"{x:.16g}" for x in place))
    lines.append(born.rstrip("\n"))
    lines.append(" ".join(map(str, SIZES)))
    n = len(crystal.symbols)
    for i, j, a, b in itertools.product(range(3), range(3), range(n), range(n)):
        lines.append(f"  {i + 1} {j + 1} {a + 1} {b + 1}")
        for cell in crystal.cells:
            # Φ between (a, i) of cell m and (b, j) of the home cell.
            value = crystal.block(cell)[3 * b + j, 3 * a + i] / (RYDBERG / BOHR**2)
            lines.append("  {} {} {}  ".format(*np.add(cell, 1)) + f"{value:.16e}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_euphonic(crystal: SpringCrystal, path: Path) -> Path:
    """Euphonic's JSON through Euphonic itself, in its Hartree units."""
    from euphonic import Crystal, ForceConstants, ureg

    cell = Crystal(
        crystal.vectors * ureg("angstrom"),
        crystal.positions,
        np.array(crystal.symbols),
        crystal.masses * ureg("amu"),
    )
    blocks = np.array([crystal.block(cell) for cell in crystal.cells])
    constants = ForceConstants(
        cell, blocks * ureg("eV/angstrom**2"), np.diag(SIZES), np.array(crystal.cells)
    )
    constants.to_json_file(str(path))
    assert json.loads(path.read_text())["__euphonic_class__"] == "ForceConstants"
    return path


def ase_phonons(crystal: SpringCrystal, *, center: bool = False) -> Any:
    from ase import Atoms
    from ase.phonons import Phonons

    atoms = Atoms(
        crystal.symbols, cell=crystal.vectors, scaled_positions=crystal.positions, pbc=True
    )
    atoms.set_masses(crystal.masses)
    phonons = Phonons(atoms, supercell=SIZES, center_refcell=center)
    cells = phonons.compute_lattice_vectors().T
    phonons.C_N = np.array([crystal.block(cell) for cell in cells])
    return phonons


def hiphive_constants(crystal: SpringCrystal) -> Any:
    from ase import Atoms
    from hiphive import ForceConstants

    count = len(crystal.cells)
    supercell = Atoms(
        [symbol for symbol in crystal.symbols for _ in range(count)],
        cell=np.diag(SIZES) @ crystal.vectors,
        scaled_positions=crystal.supercell_positions,
        pbc=True,
    )
    supercell.set_masses(np.repeat(crystal.masses, count))
    return ForceConstants.from_arrays(supercell, fc2_array=crystal.full())


def dynamical_matrix(constants: Any, q: np.ndarray) -> np.ndarray:
    """D(q) of `ForceConstants` in eV/Å²/amu by the plain Fourier sum, primitive q."""
    phases = np.exp(2j * np.pi * constants.translations @ q)
    root = np.sqrt(np.repeat(constants.masses, 3))
    return np.tensordot(phases, constants.matrices, axes=1) / np.outer(root, root)


def with_phonopy_phases(constants: Any, matrix: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The same in phonopy's convention, whose phases count the atoms' places."""
    phase = np.repeat(np.exp(2j * np.pi * constants.positions @ q), 3)
    return phase.conj()[:, None] * matrix * phase
