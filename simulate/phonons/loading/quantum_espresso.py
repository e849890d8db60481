"""Force constants of Quantum ESPRESSO's q2r.x (also ShengBTE's espresso.ifc2).

The file is in Rydberg atomic units: lengths in the lattice parameter, force constants in
Ry/Bohr², masses in units of two electron masses. A block "i j a b" holds, for the cells m, the
force constants between atom a of cell m (along i) and atom b of the home cell (along j). With
Born charges, [direction of the field, direction of displacement], the dipole part is left out;
q2r.x takes it away with Λ = 2π/alat and K·ε·K/4Λ² up to 14.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import integers, lattice_vectors, numbers
from simulate.phonons.loading.file_content import FileContent
from simulate.phonons.loading.file_units import (
    BOHR_ANGSTROM,
    COULOMB_EV_ANGSTROM,
    FORCE_CONSTANT_RYDBERG,
    RYDBERG_MASS_AMU,
)
from simulate.phonons.loading.missing_dipoles import with_dipole_part
from simulate.phonons.loading.supercell_model import SupercellModel, cell_numbers
from simulate.phonons.loading.yaml_text import text_numbers

EXPONENT_AT_END = 14.0

_WORD = re.compile(r"'([^']*)'|(\S+)")
_FIRST_LINE = re.compile(r"\s*\d+\s+\d+\s+-?\d+(\s+[-+\d.eEdD]+){6}\s*$")


@dataclass
class _Lines:
    """The header's lines, taken one by one."""

    content: FileContent
    lines: list[str]
    number: int = 0

    def words(self, count: int, expected: str) -> list[str]:
        """The words of the next line, at least `count` of them."""
        line = self.lines[self.number] if self.number < len(self.lines) else ""
        self.number += 1
        words = [quoted or plain for quoted, plain in _WORD.findall(line)]
        if len(words) < count:
            self.refuse(line, expected)
        return words

    def numbers(self, count: int, expected: str) -> FloatArray:
        """The first `count` numbers of the next line."""
        words = self.words(count, expected)[:count]
        return numbers(
            [word.replace("D", "E") for word in words],
            (count,),
            file=self.content.path,
            key=f"line {self.number}",
        )

    def integers(self, count: int, expected: str) -> list[int]:
        """The first `count` whole numbers of the next line."""
        values = self.numbers(count, expected)
        key = f"line {self.number}"
        return [int(v) for v in integers(values, (count,), file=self.content.path, key=key)]

    def refuse(self, line: str, expected: str) -> NoReturn:
        raise InputError(
            "this is not a file of q2r.x",
            file=self.content.path,
            line=self.number,
            found=repr(line.strip()[:60]),
            expected=expected,
        )


def is_q2r(text: str) -> bool:
    """Whether a text starts as a file of q2r.x."""
    return _FIRST_LINE.match(text.lstrip().split("\n", 1)[0]) is not None


def model_from_q2r(content: FileContent) -> SupercellModel:
    """Read a force-constant file of q2r.x.

    Raises
    ------
    InputError
        Naming the line that is wrong, or how many blocks are missing.
    """
    lines = _Lines(content, content.text.splitlines())
    n_types, n, ibrav = lines.integers(3, "numbers of species and atoms, ibrav, celldm(1-6)")
    lines.number -= 1
    celldm = lines.numbers(9, "numbers of species and atoms, ibrav, celldm(1-6)")[3:]
    if n_types < 1 or n < 1 or celldm[0] <= 0:
        lines.refuse(lines.lines[0], "species and atoms, at least one each, and alat")
    alat = celldm[0] * BOHR_ANGSTROM
    vectors = _vectors(lines, ibrav, celldm) * alat
    species = {}
    for _ in range(n_types):
        words = lines.words(3, "number, symbol and mass of a species")
        key = f"line {lines.number}"
        mass = float(numbers(words[2], (), file=content.path, key=key))
        species[words[0]] = (words[1].strip(), mass * RYDBERG_MASS_AMU)
    kinds, places = [], []
    for _ in range(n):
        row = lines.words(5, "number, species and place of an atom")
        if row[1] not in species:
            lines.refuse(" ".join(row), f"a species of {', '.join(species)}")
        kinds.append(species[row[1]])
        places.append(numbers(row[2:5], (3,), file=content.path, key=f"line {lines.number}"))
    polar = _polar(lines, n)
    sizes = lines.integers(3, "sizes of the grid of cells")
    if min(sizes) < 1:
        lines.refuse(" ".join(map(str, sizes)), "sizes of at least 1")
    model = SupercellModel(
        vectors=vectors,
        positions=np.array(places) * alat @ np.linalg.inv(vectors),
        symbols=tuple(symbol for symbol, _ in kinds),
        masses=np.array([mass for _, mass in kinds]),
        supercell=np.diag(sizes).astype(np.int64),
        blocks=_blocks(lines, n, sizes),
        polar=polar,
    )
    if polar is None:
        return model
    return with_dipole_part(
        model, polar, inverse_range=2 * np.pi / alat, exponent_at_end=EXPONENT_AT_END
    )


def _vectors(lines: _Lines, ibrav: int, celldm: FloatArray) -> FloatArray:
    """Rows in units of alat; the lattices of pw.x by their number (ibrav)."""
    if ibrav == 0:
        rows = [lines.numbers(3, "a lattice vector in units of alat") for _ in range(3)]
        return lattice_vectors(rows, file=lines.content.path, key="lattice")
    b, c = celldm[1], celldm[2]
    known = {
        1: np.eye(3),
        2: np.array([[-1, 0, 1], [0, 1, 1], [-1, 1, 0]]) / 2,
        3: np.array([[1, 1, 1], [-1, 1, 1], [-1, -1, 1]]) / 2,
        4: np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, c]]),
        6: np.diag([1, 1, c]),
        7: np.array([[1, -1, c], [1, 1, c], [-1, -1, c]]) / 2,
        8: np.diag([1, b, c]),
        9: np.array([[1, b, 0], [-1, b, 0], [0, 0, 2 * c]]) / 2,
        10: np.array([[1, 0, c], [1, b, 0], [0, b, c]]) / 2,
        11: np.array([[1, b, c], [-1, b, c], [-1, -b, c]]) / 2,
    }
    if ibrav not in known:
        raise InputError(
            "this lattice is not read",
            file=lines.content.path,
            line=1,
            found=f"ibrav {ibrav}",
            expected="0 (vectors in the file) or " + ", ".join(map(str, known)),
        )
    return lattice_vectors(known[ibrav], file=lines.content.path, key="celldm")


def _polar(lines: _Lines, n: int) -> PolarTerms | None:
    word = lines.words(1, "T or F: whether Born charges follow")[0].strip(".").upper()
    if word not in ("T", "F", "TRUE", "FALSE"):
        lines.refuse(word, "T or F: whether Born charges follow")
    if word.startswith("F"):
        return None
    dielectric = np.array([lines.numbers(3, "a row of the dielectric tensor") for _ in range(3)])
    born = []
    for _ in range(n):
        lines.words(1, "the number of an atom")
        born.append([lines.numbers(3, "a row of Born charges") for _ in range(3)])
    return PolarTerms(np.array(born).transpose(0, 2, 1), dielectric, COULOMB_EV_ANGSTROM)


def _blocks(lines: _Lines, n: int, sizes: list[int]) -> FloatArray:
    """(n, n_cells, n, 3, 3) in eV/Å²."""
    n_cells = int(np.prod(sizes))
    body = "\n".join(lines.lines[lines.number :]).replace("D", "E").replace("d", "e")
    values = text_numbers(body)
    expected = 9 * n * n * (1 + n_cells)
    if values is None or values.size != 4 * expected or not np.isfinite(values).all():
        raise InputError(
            "the force constants are not complete",
            file=lines.content.path,
            found="something that is no number" if values is None else f"{values.size / 4:g} lines",
            expected=f"{expected} lines for {n} atoms and {n_cells} cells",
            hint="the file may have been cut off",
        )
    table = values.reshape(9 * n * n, 1 + n_cells, 4)
    path = lines.content.path
    head = integers(table[:, 0], (9 * n * n, 4), file=path, key="indices") - 1
    cells = integers(table[:, 1:, :3], (9 * n * n, n_cells, 3), file=path, key="cells") - 1
    if (cells != cells[:1]).any() or head.min() < 0 or head.max() >= max(3, n):
        raise InputError("the blocks are not in order", file=lines.content.path)
    order = cell_numbers(cells[0], np.diag(sizes))
    blocks = np.full((n, n_cells, n, 3, 3), np.nan)
    i, j, far, home = head.T
    # Across and down the pair: the home atom and its direction first.
    blocks[home[:, None], order[None, :], far[:, None], j[:, None], i[:, None]] = table[:, 1:, 3]
    if np.isnan(blocks).any():
        raise InputError("a block stands there twice", file=lines.content.path)
    return blocks * FORCE_CONSTANT_RYDBERG
