"""The header of one frame of a LAMMPS text dump: step, time, number of atoms, box, columns."""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.formats.text_frames import Columns

_POSITIONS = (  # columns in order of preference; scaled; unwrapped
    (("xu", "yu", "zu"), False, True),
    (("xsu", "ysu", "zsu"), True, True),
    (("x", "y", "z"), False, False),
    (("xs", "ys", "zs"), True, False),
)


class LammpsHeader(NamedTuple):
    """What stands before a table of atoms.

    `length` is the number of bytes from "ITEM: TIMESTEP" to the table; `time` and `units` are
    None where the dump does not give them.
    """

    step: int
    n_atoms: int
    cell: FloatArray
    corner: FloatArray
    periodic: tuple[bool, bool, bool]
    columns: tuple[str, ...]
    length: int
    time: float | None
    units: str | None


def parse_header(before: bytes, text: bytes) -> LammpsHeader | None:
    """Read a header.

    Parameters
    ----------
    before : bytes
        What stands before it: UNITS and TIME come ahead of the step.
    text : bytes
        From "ITEM: TIMESTEP" on.

    Returns
    -------
    LammpsHeader, or None where it is cut off or is none.
    """
    lines = text.split(b"\n", 20)
    try:
        step = int(lines[1])
        at, n_atoms, box = 2, 0, None
        while not lines[at].startswith(b"ITEM: ATOMS"):
            if lines[at].startswith(b"ITEM: NUMBER OF ATOMS"):
                n_atoms = int(lines[at + 1])
            elif lines[at].startswith(b"ITEM: BOX BOUNDS"):
                box = _box(lines[at], lines[at + 1], lines[at + 2], lines[at + 3])
            at += 1
        if at + 1 >= len(lines) or box is None:  # the line of the columns has no end
            return None
        columns = tuple(lines[at].decode().split()[2:])
    except (ValueError, IndexError, UnicodeDecodeError):
        return None
    length = text.index(b"\n", text.index(b"ITEM: ATOMS")) + 1
    cell, corner, periodic = box
    times = _item(before, b"ITEM: TIME")
    units = _item(before, b"ITEM: UNITS")
    try:
        time = None if times is None else float(times)
    except ValueError:
        time = None
    return LammpsHeader(
        step,
        n_atoms,
        cell,
        corner,
        periodic,
        columns,
        length,
        time,
        None if units is None else units.decode(),
    )


def _item(before: bytes, name: bytes) -> bytes | None:
    """The value of an item among the last lines before a header."""
    lines = before.splitlines()[-4:]
    found = [value for key, value in itertools.pairwise(lines) if key.strip() == name]
    return found[-1].strip() if found else None


@lru_cache(maxsize=4)  # most runs have one box
def _box(head: bytes, *lines: bytes) -> tuple[FloatArray, FloatArray, tuple[bool, bool, bool]]:
    """Cell (rows a, b, c), its corner, and the periodic directions.

    LAMMPS gives the box that encloses a tilted cell: xlo = xlo_bound - min(0, xy, xz, xy + xz),
    and so on (manual, "Triclinic simulation boxes").
    """
    labels = head.split()[3:]
    bounds = [[float(word) for word in line.split()] for line in lines]
    flags = [label for label in labels if len(label) == 2 and label.islower()]
    periodic = [b"p" in flag for flag in flags if flag.strip(b"psfm") == b""][-3:]
    if len(periodic) != 3:
        periodic = [True] * 3
    if labels[:2] == [b"abc", b"origin"]:
        table = np.array([row[:4] for row in bounds])
        return table[:, :3], table[:, 3], (periodic[0], periodic[1], periodic[2])
    xy, xz, yz = (row[2] if len(row) > 2 else 0.0 for row in bounds)
    low = np.array([row[0] for row in bounds])
    high = np.array([row[1] for row in bounds])
    low -= [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high -= [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    x, y, z = high - low
    cell = np.array([[x, 0.0, 0.0], [xy, y, 0.0], [xz, yz, z]])
    return cell, low, (periodic[0], periodic[1], periodic[2])


def columns_of(names: tuple[str, ...], path: Path, line: int) -> tuple[Columns, bool]:
    """What the columns mean, and whether the positions are unwrapped.

    Raises
    ------
    InputError
        There are no positions.
    """

    def three(wanted: tuple[str, ...]) -> tuple[int, int, int] | None:
        if not set(wanted) <= set(names):
            return None
        a, b, c = (names.index(name) for name in wanted)
        return a, b, c

    found = [kind for kind in _POSITIONS if three(kind[0])]
    positions = three(found[0][0]) if found else None
    if positions is None:
        raise InputError(
            "the dump has no positions",
            file=path,
            line=line,
            found=" ".join(names),
            expected="columns xu yu zu, x y z (with ix iy iz), xs ys zs, or xsu ysu zsu",
        )
    _, scaled, unwrapped = found[0]
    images = None if unwrapped else three(("ix", "iy", "iz"))
    columns = Columns(
        positions=positions,
        count=len(names),
        scaled=scaled,
        images=images,
        velocities=three(("vx", "vy", "vz")),
        identity=names.index("id") if "id" in names else None,
    )
    return columns, unwrapped or images is not None
