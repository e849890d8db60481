"""Gaussian cube files: lengths in Bohr and densities in electrons per Bohr³.

Text: two lines of comment, number of atoms and origin, three lines with the number of points and
the step of an axis, a line per atom, then the values with the last axis fastest. The unit of the
values is that of Gaussian's own densities and the one that VESTA takes a cube to be in; Bohr are
those of CODATA.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

import gemmi
import numpy as np
from scipy import constants

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from mem.density import Density

BOHR_ANGSTROM = constants.value("Bohr radius") / constants.angstrom
"""One Bohr in Å."""

MOST_POINTS = 2**31 - 1

_PER_LINE = 6
_SHORTEST_VALUE = 2  # characters, with the blank


def read_cube(path: str | Path) -> tuple[tuple[float, ...], FloatArray, str]:
    """Cell (6) in Å and degrees, values (nx, ny, nz) in e/Å³, and the first comment of a cube.

    Lengths in Å (a negative number of points, as some programs write) are understood; values
    are then taken as e/Å³.

    Raises
    ------
    InputError
        The file is no cube, holds orbitals instead of a density, does not start at the origin
        of the cell, or has too few or too many values.
    """
    file = Path(path)
    try:
        with file.open(encoding="latin-1") as stream:
            return _read(stream, file)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error


def write_cube(density: Density, path: str | Path) -> None:
    """Write a density with nine digits and the atoms of its structure in one cell.

    Errors as in `atomic_write`.
    """
    vectors = cell_vectors(density.lattice) / BOHR_ANGSTROM
    atoms = _atom_lines(density.structure, vectors)
    comment = (density.source or "electron density").splitlines()[0]
    lines = [
        comment,
        "electron density in electrons/Bohr^3, lengths in Bohr, z fastest",
        f"{len(atoms):5d}{0.0:20.12f}{0.0:20.12f}{0.0:20.12f}",
    ]
    for count, vector in zip(density.shape, vectors, strict=True):
        lines.append(f"{count:5d}" + "".join(f"{x:20.12f}" for x in vector / count))
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("\n".join([*lines, *atoms]) + "\n")
        for plane in density.values:
            file.writelines(_value_lines(np.asarray(plane, dtype=float) * BOHR_ANGSTROM**3))


def _atom_lines(structure: Crystal | None, vectors: FloatArray) -> list[str]:
    if structure is None:
        return []
    atoms = structure.atoms
    numbers = [gemmi.Element(element).atomic_number for element in atoms.elements]
    positions = atoms.position @ vectors
    return [
        f"{number:5d}{float(number):14.6f}" + "".join(f"{x:20.12f}" for x in position)
        for number, position in zip(numbers, positions, strict=True)
    ]


def _value_lines(plane: FloatArray) -> Iterator[str]:
    """Rows along the last axis, six to a line; every row starts a new line."""
    rest = plane.shape[1] % _PER_LINE
    row = (" %.8E" * _PER_LINE + "\n") * (plane.shape[1] // _PER_LINE)
    row += " %.8E" * rest + "\n" if rest else ""
    for values in plane.tolist():
        yield row % tuple(values)


def _read(stream: TextIO, file: Path) -> tuple[tuple[float, ...], FloatArray, str]:
    lines = list(islice(stream, 6))
    n_atoms, origin = _count_and_vector(lines, 2, file)
    axes = [_count_and_vector(lines, i, file) for i in (3, 4, 5)]
    counts = [count for count, _ in axes]
    if n_atoms < 0:
        raise InputError(
            "the cube holds orbitals, not a density",
            file=file,
            line=3,
            found=f"{n_atoms} atoms",
            expected="0 or more",
        )
    if 0 in counts or math.prod(map(abs, counts)) > MOST_POINTS or len({c > 0 for c in counts}) > 1:
        raise InputError(
            "not the size of a grid", file=file, line=4, found=counts, expected="numbers of points"
        )
    in_bohr = counts[0] > 0
    unit = BOHR_ANGSTROM if in_bohr else 1.0
    shape = tuple(map(abs, counts))
    vectors = unit * np.array([abs(count) * vector for count, vector in axes])
    if np.linalg.norm(origin) * unit > 1e-3:
        raise InputError(
            "the grid does not start at the origin of the cell",
            file=file,
            line=3,
            found=f"{np.round(origin * unit, 4).tolist()} Å",
            expected="0, 0, 0",
        )
    for _ in islice(stream, n_atoms):
        pass
    values = _values(stream, math.prod(shape), file) / unit**3
    return _cell(vectors, file), values.reshape(shape), lines[0].strip()


def _count_and_vector(lines: list[str], index: int, file: Path) -> tuple[int, FloatArray]:
    try:
        words = lines[index].split()
        count, vector = int(words[0]), np.array([float(word) for word in words[1:4]])
        if len(vector) != 3 or not np.isfinite(vector).all() or abs(count) > MOST_POINTS:
            raise ValueError
    except (IndexError, ValueError) as error:
        raise InputError(
            "not a Gaussian cube",
            file=file,
            line=index + 1,
            found=repr(lines[index].strip()[:60]) if index < len(lines) else "end of file",
            expected="a whole number and three numbers",
        ) from error
    return count, vector


def _values(stream: TextIO, count: int, file: Path) -> FloatArray:
    text = stream.read()
    if len(text) < _SHORTEST_VALUE * count - 1:
        raise InputError(
            "truncated",
            file=file,
            found=f"{len(text)} characters of values",
            expected=f"{count} values",
        )
    try:
        values = np.fromstring(text, sep=" ")
    except ValueError as error:
        raise InputError("some values are not numbers", file=file, found=str(error)) from error
    if len(values) != count or not np.isfinite(values).all():
        raise InputError(
            "not the values that the header promises",
            file=file,
            found=f"{np.isfinite(values).sum()} finite numbers of {len(values)}",
            expected=f"{count}",
        )
    return values


def _cell(vectors: FloatArray, file: Path) -> tuple[float, ...]:
    lengths = np.linalg.norm(vectors, axis=1)
    if lengths.min() <= 0:
        raise InputError("an axis of the grid has no length", file=file, line=4)
    if np.linalg.det(vectors) < 0:
        raise InputError(
            "the axes of the grid are left-handed",
            file=file,
            line=4,
            hint="exchange two of them",
        )
    angles = []
    for i, j in ((1, 2), (0, 2), (0, 1)):
        cosine = float(vectors[i] @ vectors[j] / lengths[i] / lengths[j])
        angles.append(math.degrees(math.acos(min(1.0, max(-1.0, cosine)))))
    # Twelve decimals in the file: what is beyond 1e-7 is rounding.
    return tuple(round(float(value), 7) for value in (*lengths, *angles))
