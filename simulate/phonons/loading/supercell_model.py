"""What every reader returns: a primitive cell and the force constants within one supercell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import require_sane_cell
from simulate.phonons.loading.file_units import FileUnits
from simulate.phonons.short_range import lattice_points

PLACE_ANGSTROM = 1e-2
"""A supercell atom further than this from its place in the lattice is misplaced."""


@dataclass(frozen=True)
class SupercellModel:
    """Force constants as a supercell calculation gives them, cell by cell.

    Parameters
    ----------
    vectors : (3, 3) array
        Rows are the primitive lattice vectors in Å.
    positions : (n, 3) array
        Fractional coordinates in the primitive cell.
    symbols : (n,) labels of the atoms as the file has them
    masses : (n,) array
        In atomic mass units; NaN where the file has none.
    supercell : (3, 3) int array
        Rows are the supercell's vectors in units of the primitive ones.
    blocks : (n, n_cells, n, 3, 3) array
        Φ in eV/Å² between atom i of cell zero and atom j of each of the supercell's cells, in
        the order of `lattice_points`, images summed: [i, cell, j, xyz, xyz].
    unit_cell : (3, 3) int array or None
        Rows are the file's own unit cell in units of the primitive vectors.
    polar : PolarTerms or None
        What the file itself says.
    units : FileUnits
        The file's own units, which a BORN file beside it shares.
    notes : tuple of str
    """

    vectors: FloatArray
    positions: FloatArray
    symbols: tuple[str, ...]
    masses: FloatArray
    supercell: IntArray
    blocks: FloatArray
    unit_cell: IntArray | None = None
    polar: PolarTerms | None = None
    units: FileUnits = field(default_factory=FileUnits)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SupercellAtoms:
    """Atoms of a supercell as a file lists them, and the primitive vectors.

    Parameters
    ----------
    primitive : (3, 3) array
        Rows are the primitive lattice vectors in Å.
    vectors : (3, 3) array
        Rows are the supercell's vectors in Å.
    positions : (N, 3) array
        Fractional coordinates in the supercell.
    symbols : (N,) labels
    masses : (N,) array
        NaN where the file has none.
    """

    primitive: FloatArray
    vectors: FloatArray
    positions: FloatArray
    symbols: tuple[str, ...]
    masses: FloatArray


@dataclass(frozen=True)
class LatticeSites:
    """Which atom of which primitive cell each supercell atom is.

    Parameters
    ----------
    supercell : (3, 3) int array
    home : (n,) int array
        Supercell atoms that stand for the primitive cell.
    positions : (n, 3) array
        Their fractional coordinates in the primitive cell, within 0..1.
    atom : (N,) int array
        The primitive atom that each supercell atom is a translation of.
    offset : (N, 3) int array
        Its primitive cell: place = positions[atom] + offset.
    """

    supercell: IntArray
    home: IntArray
    positions: FloatArray
    atom: IntArray
    offset: IntArray


def lattice_sites(
    atoms: SupercellAtoms, home: Sequence[int] | IntArray | None, *, file: str | Path | None
) -> LatticeSites:
    """Find the primitive cell of every atom of a supercell.

    Parameters
    ----------
    atoms : SupercellAtoms
    home : (n,) ints or None
        Supercell atoms that stand for the primitive cell; None: the first of each kind.
    file
        For the message.

    Raises
    ------
    InputError
        The supercell is no whole multiple of the primitive cell, or its atoms are not
        the primitive cell's atoms repeated.
    """
    require_sane_cell(atoms.primitive, atoms.positions, file=file)
    require_sane_cell(atoms.vectors, atoms.positions, file=file)
    ratio = atoms.vectors @ np.linalg.inv(atoms.primitive)
    supercell = np.rint(ratio).astype(np.int64)
    stray = np.abs((ratio - supercell) @ atoms.primitive).max()
    if stray > PLACE_ANGSTROM:
        raise InputError(
            "the supercell is not a whole multiple of the primitive cell",
            file=file,
            found=np.round(ratio, 4).tolist(),
            expected="whole numbers (rows: supercell vectors in primitive ones)",
            hint="check the supercell and primitive matrices",
        )
    n_cells = round(abs(float(np.linalg.det(supercell))))
    total = len(atoms.positions)
    if n_cells < 1 or total % n_cells:
        raise InputError(
            "the supercell's atoms do not fill its primitive cells",
            file=file,
            found=f"{total} atoms in {n_cells} cells",
            expected=f"a multiple of {n_cells} atoms",
        )
    places = atoms.positions @ supercell
    if home is None:
        home = _first_of_each(places, atoms.symbols, atoms.primitive)
    home = np.asarray(home, dtype=np.int64)
    if len(home) * n_cells != total:
        raise InputError(
            "the supercell's atoms are not the primitive cell's atoms repeated",
            file=file,
            found=f"{len(home)} kinds of atom, {n_cells} cells, {total} atoms",
            expected=f"{total // n_cells} atoms in the primitive cell",
            hint="check the primitive matrix",
        )
    positions = places[home] - np.floor(places[home] + 1e-9)
    atom, offset = _match(places, positions, atoms, home, file)
    return LatticeSites(supercell, home, positions, atom, offset)


def _first_of_each(places: FloatArray, symbols: Sequence[str], primitive: FloatArray) -> IntArray:
    """Indices of the first atom of each set that primitive translations connect."""
    found: list[int] = []
    for k, place in enumerate(places):
        if found:
            apart = place - places[found]
            apart -= np.rint(apart)
            near = np.linalg.norm(apart @ primitive, axis=1) < PLACE_ANGSTROM
            if any(near & [symbols[f] == symbols[k] for f in found]):
                continue
        found.append(k)
    return np.array(found, dtype=np.int64)


def _match(
    places: FloatArray,
    positions: FloatArray,
    atoms: SupercellAtoms,
    home: IntArray,
    file: str | Path | None,
) -> tuple[IntArray, IntArray]:
    labels = np.array(atoms.symbols)
    atom = np.full(len(places), -1, dtype=np.int64)
    offset = np.zeros((len(places), 3), dtype=np.int64)
    for i, position in enumerate(positions):
        apart = places - position
        cell = np.rint(apart)
        distance = np.linalg.norm((apart - cell) @ atoms.primitive, axis=1)
        mine = (distance < PLACE_ANGSTROM) & (labels == labels[home[i]])
        atom[mine] = i
        offset[mine] = cell[mine]
    lost = np.flatnonzero(atom < 0)
    counts = np.bincount(atom[atom >= 0], minlength=len(positions))
    if lost.size or len(set(counts.tolist())) > 1:
        which = lost[0] + 1 if lost.size else int(np.argmax(counts)) + 1
        raise InputError(
            "the supercell's atoms are not the primitive cell's atoms repeated",
            file=file,
            found=f"atom {which} ({atoms.symbols[which - 1]}) has no place in the primitive cell"
            if lost.size
            else f"atom {which} of the primitive cell {counts.max()} times",
            expected=f"each within {PLACE_ANGSTROM} Å of a translation of a primitive atom",
            hint="the unit cell, the supercell and the primitive matrix must belong together",
        )
    return atom, offset


def model_of_supercell(
    atoms: SupercellAtoms,
    force_constants: FloatArray,
    *,
    home: Sequence[int] | IntArray | None,
    file: str | Path | None,
) -> SupercellModel:
    """Sort force constants between supercell atoms by primitive cells.

    Parameters
    ----------
    atoms : SupercellAtoms
    force_constants : (n or N, N, 3, 3) array
        In eV/Å²; n rows belong to the atoms `home` in their order.
    home, file
        As in `lattice_sites`.
    Raises
    ------
    InputError
        The force constants do not fit the supercell, or as in `lattice_sites`.
    """
    bad = np.argwhere(~np.isfinite(force_constants))
    if len(bad):
        raise InputError(
            f"{len(bad)} force constants are not finite",
            file=file,
            key=f"row {bad[0][0] + 1}, atom {bad[0][1] + 1}",
            found=force_constants[tuple(bad[0])],
        )
    sites = lattice_sites(atoms, home, file=file)
    n, total = len(sites.home), len(atoms.positions)
    if force_constants.shape not in ((n, total, 3, 3), (total, total, 3, 3)):
        raise InputError(
            "the force constants do not fit the cell",
            file=file,
            found=f"{force_constants.shape[0]}×{force_constants.shape[1]} atoms",
            expected=f"{n}×{total} or {total}×{total} atoms",
            hint="they belong to another supercell",
        )
    rows = force_constants if len(force_constants) == n else force_constants[sites.home]
    blocks = np.full((n, total // n, n, 3, 3), np.nan)
    for i, h in enumerate(sites.home):
        cell = cell_numbers(sites.offset - sites.offset[h], sites.supercell)
        blocks[i, cell, sites.atom] = rows[i]
    if np.isnan(blocks).any():
        raise InputError("two atoms of the supercell sit on one place", file=file)
    return SupercellModel(
        vectors=atoms.primitive,
        positions=sites.positions,
        symbols=tuple(atoms.symbols[h] for h in sites.home),
        masses=atoms.masses[sites.home],
        supercell=sites.supercell,
        blocks=blocks,
    )


def cell_numbers(cells: IntArray, supercell: IntArray) -> IntArray:
    """Which of the supercell's `lattice_points` each lattice translation (m, 3) is equal to."""
    fraction = np.asarray(cells, dtype=float) @ np.linalg.inv(supercell)
    wrapped = cells - np.floor(fraction + 1e-9).astype(np.int64) @ supercell
    number = {tuple(point): k for k, point in enumerate(lattice_points(supercell).tolist())}
    return np.array([number[tuple(cell)] for cell in wrapped.tolist()], dtype=np.int64)
