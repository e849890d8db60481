"""The conventional cell in which hkl count: the file's, the standard one, or the experiment's.

Its vectors are whole-number combinations of the primitive ones, in the crystal's own axes:
nothing is rotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from simulate.phonons.loading.checks import integers
from simulate.phonons.short_range import lattice_points

SYMMETRY_ANGSTROM = 1e-3
"""Atoms may be this far from their symmetric places: the digits of many files."""

LENGTH_TOLERANCE = 0.06
ANGLE_TOLERANCE_DEG = 3.0
"""How far a measured cell may be from the computed one."""

NOTED_DIFFERENCE = 0.01

MOST_VECTORS = 5e6

_TIE = 1e-6


@dataclass(frozen=True)
class CrystalStructure:
    """Primitive cell, for its symmetry.

    Parameters
    ----------
    vectors : (3, 3) array
        Rows, Å.
    positions : (n, 3) array
        Fractional.
    symbols : (n,) elements
    """

    vectors: FloatArray
    positions: FloatArray
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class _Symmetry:
    """The standard cell (rows, in primitive vectors), what it is, and proper rotations.

    A rotation R takes the fractional coordinates x (column) to R x.
    """

    standard: IntArray
    name: str
    rotations: IntArray


def conventional_cell(
    structure: CrystalStructure,
    unit_cell: IntArray | None,
    *,
    conventional: ArrayLike | str | None = None,
    cell: Sequence[float] | None = None,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Choose the conventional cell.

    Parameters
    ----------
    structure : CrystalStructure
    unit_cell : (3, 3) int array or None
        Rows: the file's own unit cell in primitive vectors; taken when larger than primitive.
    conventional : "standard", "primitive", (3, 3) array or None
        What the user asks for: the standard setting of the space group, the primitive cell, or
        rows of whole numbers in primitive vectors.
    cell : six numbers, optional
        The experiment's a, b, c (Å), α, β, γ (degrees): chooses the axes that fit it.

    Returns
    -------
    conventional : (3, 3) array
        Rows in primitive vectors.
    notes : tuple of str

    Raises
    ------
    InputError
        The matrix spans no right-handed cell, or no cell of the lattice fits the experiment's.
    """
    if conventional is not None:
        chosen, note = _asked_for(structure, conventional)
        if cell is None:
            return chosen.astype(float), (note,)
        measured = Lattice.from_cell(cell)
        if not same_cell(Lattice.from_vectors(chosen @ structure.vectors), measured):
            raise _no_match(measured, chosen, structure)
        return chosen.astype(float), (note, *_difference(measured, chosen, structure))
    chosen, note = _default(structure, unit_cell)
    if cell is None:
        return chosen.astype(float), (note,)
    return _matching(structure, Lattice.from_cell(cell), chosen)


def _asked_for(structure: CrystalStructure, conventional: ArrayLike | str) -> tuple[IntArray, str]:
    if isinstance(conventional, str):
        if conventional == "primitive":
            return np.eye(3, dtype=np.int64), "hkl count in the primitive cell"
        if conventional == "standard":
            symmetry = _symmetry(structure)
            return symmetry.standard, _standard_note(structure, symmetry)
        raise InputError(
            "this conventional cell is not known",
            key="conventional",
            found=repr(conventional),
            expected="'standard', 'primitive', or a 3×3 matrix of whole numbers",
        )
    matrix = integers(conventional, (3, 3), file=None, key="conventional")
    if np.linalg.det(matrix @ structure.vectors) <= 1e-6:
        raise InputError(
            "these vectors do not span a right-handed cell",
            key="conventional",
            found=matrix.tolist(),
            expected="rows of whole numbers (conventional vectors in primitive ones)",
        )
    cell_text = _cell_text(Lattice.from_vectors(matrix @ structure.vectors))
    return matrix, f"hkl count in the cell that was asked for: {cell_text}"


def _default(structure: CrystalStructure, unit_cell: IntArray | None) -> tuple[IntArray, str]:
    if unit_cell is not None and abs(round(float(np.linalg.det(unit_cell)))) > 1:
        cell_text = _cell_text(Lattice.from_vectors(unit_cell @ structure.vectors))
        return unit_cell, f"hkl count in the unit cell of the file: {cell_text}"
    symmetry = _symmetry(structure)
    return symmetry.standard, _standard_note(structure, symmetry)


def _standard_note(structure: CrystalStructure, symmetry: _Symmetry) -> str:
    cell_text = _cell_text(Lattice.from_vectors(symmetry.standard @ structure.vectors))
    return f"hkl count in {symmetry.name}: {cell_text}"


def _symmetry(structure: CrystalStructure) -> _Symmetry:
    """Standard cell without its rotation; of all standard ones the nearest to x, y, z."""
    found = _dataset(structure)
    basis = np.linalg.inv(found.transformation_matrix).T
    standard = np.rint(basis).astype(np.int64)
    rotations = np.array(found.rotations)
    proper = rotations[np.linalg.det(rotations) > 0]
    name = f"the standard cell of {found.international} (No. {found.number})"
    if np.abs(basis - standard).max() > 1e-3 or not np.linalg.det(standard):
        name = "the primitive cell of the file, within which the crystal repeats"
        return _Symmetry(np.eye(3, dtype=np.int64), name, proper)
    if np.linalg.det(standard @ structure.vectors) < 0:
        standard = -standard
    return _Symmetry(_best_aligned(structure, standard, proper), name, proper)


def _dataset(structure: CrystalStructure) -> Any:
    import spglib
    from ase.data import atomic_numbers

    numbers = [atomic_numbers[symbol] for symbol in structure.symbols]
    # Older versions return None where newer ones raise.
    failure = getattr(spglib, "SpglibError", RuntimeError)
    try:
        found = spglib.get_symmetry_dataset(
            (structure.vectors.tolist(), structure.positions.tolist(), numbers),
            symprec=SYMMETRY_ANGSTROM,
        )
    except failure:
        found = None
    if found is None:
        raise InputError(
            "the crystal's symmetry cannot be found",
            key="conventional",
            hint="give the conventional cell: 'primitive' or a 3×3 matrix",
        )
    return found


def _best_aligned(structure: CrystalStructure, standard: IntArray, rotations: IntArray) -> IntArray:
    """The standard cell whose axes are nearest to x, y, z.

    Rotations of the crystal lead to equivalent cells. Others of the same shape are standard too
    where spglib, given that cell, keeps it (a quarter turn of zincblende, not one of pyrite).
    """
    own = {(standard @ rotation.T).tobytes() for rotation in rotations}
    same_shape = _cells_like(
        structure.vectors,
        Lattice.from_vectors(standard @ structure.vectors),
        {abs(round(float(np.linalg.det(standard))))},
        length_tolerance=1e-4,
        angle_tolerance=0.01,
    )
    axes = np.eye(3)
    ranked = sorted(same_shape, key=lambda rows: -round(_alignment(rows, axes, structure), 9))
    for rows in ranked:
        if rows.tobytes() in own or _is_standard(structure, rows):
            return rows
    return standard


def _is_standard(structure: CrystalStructure, rows: IntArray) -> bool:
    """Whether spglib takes a cell as standard as it is, up to the crystal's own rotations."""
    places = (structure.positions[:, None] + lattice_points(rows)) @ np.linalg.inv(rows)
    repeats = abs(round(float(np.linalg.det(rows))))
    cell = CrystalStructure(
        rows @ structure.vectors,
        places.reshape(-1, 3),
        tuple(symbol for symbol in structure.symbols for _ in range(repeats)),
    )
    found = _dataset(cell)
    turn = np.linalg.inv(found.transformation_matrix)
    return bool(np.abs(np.array(found.rotations) - turn).max(axis=(1, 2)).min() < 1e-3)


def _alignment(rows: IntArray, axes: FloatArray, structure: CrystalStructure) -> float:
    """Σ cos of the angles between a cell's vectors and three unit vectors."""
    vectors = rows @ structure.vectors
    return float((vectors / np.linalg.norm(vectors, axis=1)[:, None] * axes).sum())


def _matching(
    structure: CrystalStructure, measured: Lattice, default: IntArray
) -> tuple[FloatArray, tuple[str, ...]]:
    symmetry = _symmetry(structure)
    sizes = {abs(round(float(np.linalg.det(rows)))) for rows in (default, symmetry.standard)}
    candidates = _cells_like(structure.vectors, measured, sizes)
    if not candidates:
        raise _no_match(measured, default, structure)
    misfits = np.array([_misfit(rows @ structure.vectors, measured) for rows in candidates])
    best = [rows for rows, m in zip(candidates, misfits, strict=True) if m < misfits.min() + _TIE]
    axes = default @ structure.vectors
    axes = axes / np.linalg.norm(axes, axis=1)[:, None]
    chosen = max(best, key=lambda rows: round(_alignment(rows, axes, structure), 9))
    related = {(chosen @ rotation.T).tobytes() for rotation in symmetry.rotations}
    others = [rows for rows in best if rows.tobytes() not in related]
    text = _cell_text(Lattice.from_vectors(chosen @ structure.vectors))
    notes = [f"hkl count in the cell that fits the experiment's: {text}"]
    if others:
        notes.append(
            f"{len(others)} other choices of axes fit the cell as well and the crystal's symmetry "
            "does not relate them; give conventional= to choose"
        )
    notes.extend(_difference(measured, chosen, structure))
    return chosen.astype(float), tuple(notes)


def _cells_like(
    vectors: FloatArray,
    measured: Lattice,
    sizes: set[int],
    length_tolerance: float = LENGTH_TOLERANCE,
    angle_tolerance: float = ANGLE_TOLERANCE_DEG,
) -> list[IntArray]:
    """Right-handed cells of the lattice within tolerance of a measured one, of given volumes."""
    longest = max(measured.cell[:3]) * (1 + length_tolerance)
    bounds = np.floor(longest * np.linalg.norm(np.linalg.inv(vectors), axis=0)).astype(int)
    if np.prod(2.0 * bounds + 1) > MOST_VECTORS:
        raise InputError(
            "this cell has too many vectors to search for its axes",
            key="cell",
            found=_cell_text(measured),
            hint="give the conventional cell: 'primitive' or a 3×3 matrix",
        )
    points = np.indices(tuple(2 * bounds + 1)).reshape(3, -1).T - bounds
    cartesian = points @ vectors
    length = np.linalg.norm(cartesian, axis=1)
    axes = [
        np.flatnonzero(np.abs(length / wanted - 1) <= length_tolerance)
        for wanted in measured.cell[:3]
    ]
    unit = cartesian / np.where(length > 0, length, 1.0)[:, None]
    near = {
        (m, n): np.abs(_angles(unit[axes[m]], unit[axes[n]]) - angle) <= angle_tolerance
        for (m, n), angle in zip(((1, 2), (0, 2), (0, 1)), measured.cell[3:], strict=True)
    }
    cells = []
    for i, j in np.argwhere(near[0, 1]):
        for k in np.flatnonzero(near[0, 2][i] & near[1, 2][j]):
            rows = points[[axes[0][i], axes[1][j], axes[2][k]]]
            if round(float(np.linalg.det(rows))) and np.linalg.det(rows @ vectors) > 0:
                cells.append(rows)
    return [rows for rows in cells if abs(round(float(np.linalg.det(rows)))) in sizes]


def _angles(first: FloatArray, second: FloatArray) -> FloatArray:
    """Between unit vectors, in degrees."""
    return np.asarray(np.degrees(np.arccos(np.clip(first @ second.T, -1.0, 1.0))))


def same_cell(computed: Lattice, measured: Lattice) -> bool:
    """Whether two cells, axis by axis, can be of one crystal (6 % in length, 3° in angle)."""
    lengths = np.array(computed.cell[:3]) / measured.cell[:3]
    angles = np.subtract(computed.cell[3:], measured.cell[3:])
    near = np.abs(lengths - 1).max() <= LENGTH_TOLERANCE
    return bool(near and np.abs(angles).max() <= ANGLE_TOLERANCE_DEG)


def _misfit(vectors: FloatArray, measured: Lattice) -> float:
    """Sum of squared relative differences of lengths and of angles in radian."""
    computed = Lattice.from_vectors(vectors).cell
    lengths = np.array(computed[:3]) / measured.cell[:3] - 1
    angles = np.radians(np.subtract(computed[3:], measured.cell[3:]))
    return float((lengths**2).sum() + (angles**2).sum())


def _difference(
    measured: Lattice, chosen: IntArray, structure: CrystalStructure
) -> tuple[str, ...]:
    computed = Lattice.from_vectors(chosen @ structure.vectors)
    largest = np.abs(np.array(computed.cell[:3]) / measured.cell[:3] - 1).max()
    turned = np.abs(np.subtract(computed.cell[3:], measured.cell[3:])).max()
    if largest <= NOTED_DIFFERENCE and turned <= 1.0:
        return ()
    return (
        f"the cell given ({_cell_text(measured)}) differs from the computed one "
        f"({_cell_text(computed)}) by up to {100 * largest:.1f} % in length and "
        f"{turned:.1f}° in angle: hkl are kept, Q in Å⁻¹ is of the computed cell",
    )


def _no_match(measured: Lattice, chosen: IntArray, structure: CrystalStructure) -> InputError:
    computed = Lattice.from_vectors(chosen @ structure.vectors)
    return InputError(
        "the cell does not fit the crystal of the force constants",
        key="cell",
        found=_cell_text(measured),
        expected=f"{_cell_text(computed)} or another setting of it, "
        f"lengths within {100 * LENGTH_TOLERANCE:.0f} %, angles within {ANGLE_TOLERANCE_DEG:.0f}°",
        hint="check the cell, or that these force constants are of this crystal",
    )


def _cell_text(lattice: Lattice) -> str:
    a, b, c, alpha, beta, gamma = lattice.cell
    lengths = f"{a:.4f} {b:.4f} {c:.4f} Å"
    if max(abs(angle - 90) for angle in (alpha, beta, gamma)) < 0.01:
        return lengths
    return f"{lengths} {alpha:.2f} {beta:.2f} {gamma:.2f}°"
