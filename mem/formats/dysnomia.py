"""Dysnomia's .mem, and PRIMA's .fos of the same layout.

K. Momma, T. Ikeda, A. A. Belik and F. Izumi, Powder Diffr. 28, 184 (2013). The lines of a .mem:

1. a title of up to 80 characters
2. the cell, 6F10.5: a b c in Å, α β γ in degrees
3. a line that is not used here (of RIETAN-FP: preferred orientation and lattice type)
4. 5I5: number of the space group, of its setting, and the grid points nx ny nz
5. the number of electrons per cell and the Lagrangian multiplier to begin with
6. N_F, then N_F lines 3I5, 3F10.3: h k l F_re F_im σ, in electrons
7. N_G, then N_G groups of overlapped reflections: a line that begins with #, the number of
   reflections m, then 3I5, 2F10.3, I5: h k l G σ multiplicity, and m - 1 lines 4I5: h k l
   multiplicity
8. the number of reflections that were not measured, and their indices; not used here

From 7 on all may be missing. The numbers of settings that are known stand in
`mem.formats.dysnomia_settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.formats.dysnomia_settings import known_settings
from mem.formats.phased import PhasedList, phased_reflections, phased_row
from mem.formats.text_file import (
    TextFile,
    decimal_number,
    free_or_fixed,
    miller_index,
    read_text_file,
    whole_number,
)
from mem.reflections import ReflectionGroup, Reflections
from mem.wording import are

ROW = (5, 5, 5, 10, 10, 10)
GROUP_HEAD = (5, 5, 5, 10, 10, 5)
GROUP_ROW = (5, 5, 5, 5)
_STRAIN = 0.02  # relative change of length that no cell of the group shows


@dataclass(frozen=True)
class _Header:
    """The lines above the reflections."""

    lattice: Lattice
    number: int
    setting: int
    electrons: float


def looks_like_mem(text: TextFile) -> bool:
    """Whether line 2 holds a cell and line 4 five whole numbers."""
    if len(text.lines) < 6:
        return False
    cell = [decimal_number(value) for value in text.lines[1].split()]
    group = [whole_number(value) for value in free_or_fixed(text.lines[3], (5,) * 5)]
    return len(cell) == 6 and None not in cell and None not in group


def read_mem(path: str | Path | TextFile, structure: Crystal | None = None) -> Reflections:
    """Structure factors of a .mem or .fos file.

    Parameters
    ----------
    path : str, Path or TextFile
    structure : Crystal, optional
        The refined model; its symmetry is used instead of the file's number and setting.

    Raises
    ------
    InputError
        A line is not what the layout has there, the setting is unknown, or the reflections
        contradict the symmetry.
    """
    text = path if isinstance(path, TextFile) else read_text_file(path)
    header = _header(text)
    symmetry = structure.symmetry if structure else _symmetry(text, header)
    notes = []
    if structure and structure.symmetry.number not in (None, header.number):
        notes.append(
            f"the file has space group No. {header.number}, the structure No. "
            f"{structure.symmetry.number}: the structure's is used"
        )
    count = _count(text, 6, "the number of reflections N_F")
    numbers = range(7, 7 + count)
    rows = [phased_row(text, number, ROW) for number in numbers]
    groups, group_notes = _groups(text, 7 + count)
    listed = PhasedList(
        text=text,
        lattice=header.lattice,
        symmetry=symmetry,
        hkl=np.array([row[0] for row in rows], dtype=np.int64).reshape(-1, 3),
        f=np.array([row[1] for row in rows], dtype=complex),
        sigma=np.array([row[2] for row in rows], dtype=float),
        lines=np.array(numbers, dtype=np.int64),
        electrons=header.electrons,
        groups=groups,
        notes=(*notes, *group_notes),
    )
    return phased_reflections(listed, structure)


def _header(text: TextFile) -> _Header:
    lines = text.lines
    if len(lines) < 6:
        raise text.error("ends before its reflections", len(lines), expected="a .mem file")
    cell = [decimal_number(value) for value in free_or_fixed(lines[1], (10,) * 6)]
    values = [value for value in cell if value is not None]
    if len(values) != 6:
        raise text.error("not a cell", 2, expected="a b c in Å and α β γ in degrees")
    try:
        lattice = Lattice.from_cell(values)
    except InputError as error:
        raise text.error(error.message, 2, found=values, expected=error.expected) from error
    group = [whole_number(value) for value in free_or_fixed(lines[3], (5,) * 5)]
    whole = [value for value in group if value is not None]
    if len(whole) != 5 or not 1 <= whole[0] <= 230:
        raise text.error(
            "not a space group with a grid", 4, expected="number (1-230) setting nx ny nz"
        )
    electrons = [decimal_number(value) for value in lines[4].split()]
    if len(electrons) == 3:
        raise text.error(
            "a density of both signs cannot be read",
            5,
            expected="the number of electrons and a multiplier",
        )
    if len(electrons) not in (1, 2) or electrons[0] is None or electrons[0] <= 0:
        raise text.error("not a number of electrons", 5, expected="electrons per cell, above 0")
    return _Header(lattice, whole[0], whole[1], electrons[0])


def _symmetry(text: TextFile, header: _Header) -> Symmetry:
    settings = known_settings(header.number)
    if not 1 <= header.setting <= len(settings):
        raise text.error(
            "the number of the setting is not known",
            4,
            found=f"space group No. {header.number}, setting {header.setting}",
            expected=f"setting 1 to {len(settings)}" if len(settings) > 1 else "setting 1",
            hint="give the structure: its symmetry is used",
        )
    symmetry = Symmetry.from_name(settings[header.setting - 1].xhm())
    if symmetry.strain(header.lattice) > _STRAIN:
        raise text.error(
            "the cell does not have the symmetry of the space group",
            4,
            found=f"{symmetry.name} with the cell {header.lattice.cell}",
            hint="give the structure if the setting is numbered in another way",
        )
    return symmetry


def _count(text: TextFile, number: int, what: str) -> int:
    words = text.lines[number - 1].split() if number <= len(text.lines) else []
    value = whole_number(words[0]) if words else None
    if value is None or value < 0:
        raise text.error(f"not {what}", number, expected="a whole number")
    if value > len(text.lines) - number:
        raise text.error(
            "the file ends before all its lines",
            number,
            found=f"{value} announced, {len(text.lines) - number} lines left",
        )
    return value


def _groups(text: TextFile, number: int) -> tuple[tuple[ReflectionGroup, ...], list[str]]:
    """The groups that begin at a line, and what is to be said about the lines after them."""
    rest = iter(range(number, len(text.lines) + 1))
    if not any(line.strip() for line in text.lines[number - 1 :]):
        return (), []
    groups = [
        _group(text, rest) for _ in range(_count(text, next(rest), "the number of groups N_G"))
    ]
    remaining = [i for i in rest if text.lines[i - 1].strip()]
    if not remaining:
        return tuple(groups), []
    unmeasured = _count(text, remaining[0], "the number of unmeasured reflections")
    for i in remaining[1:]:
        if [miller_index(value) for value in free_or_fixed(text.lines[i - 1], (5,) * 3)].count(
            None
        ):
            raise text.error("not an unmeasured reflection", i, expected="h k l")
    notes = [f"{are(unmeasured)} listed as not measured"] if unmeasured else []
    return tuple(groups), notes


def _group(text: TextFile, rest: Iterator[int]) -> ReflectionGroup:
    number = next(rest, len(text.lines) + 1)
    if number <= len(text.lines) and text.lines[number - 1].lstrip().startswith("#"):
        number = next(rest, len(text.lines) + 1)
    size = _count(text, number, "the number of reflections in a group")
    if size < 1:
        raise text.error("the group is empty", number, expected="one reflection or more")
    hkl, multiplicity, amplitude, sigma = [], [], 0.0, 0.0
    for i in range(size):
        number = next(rest, len(text.lines) + 1)
        line = text.lines[number - 1] if number <= len(text.lines) else ""
        fields = free_or_fixed(line, GROUP_ROW if i else GROUP_HEAD)
        indices = [index for index in map(miller_index, fields[:3]) if index is not None]
        values = [value for value in map(decimal_number, fields[3:]) if value is not None]
        if len(indices) != 3 or len(values) != (1 if i else 3):
            expected = "h k l multiplicity" if i else "h k l G σ multiplicity"
            raise text.error("not a reflection of a group", number, expected=expected)
        if not i:
            amplitude, sigma = values[:2]
        if values[-1] <= 0 or amplitude < 0 or sigma <= 0:
            raise text.error("not a group", number, expected="multiplicity and σ above 0, G ≥ 0")
        hkl.append(indices)
        multiplicity.append(values[-1])
    return ReflectionGroup(np.array(hkl), np.array(multiplicity), amplitude, sigma)
