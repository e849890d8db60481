"""CCP4/MRC maps: Cheng et al., J. Struct. Biol. 192, 146 (2015), through gemmi.

Values are float32 (mode 2) in e/Å³ over the whole cell; the operators of the space group stand
in the extended header.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import gemmi
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from ixs_core.symmetry import Symmetry
from mem.density import Density

HEADER_BYTES = 1024
MOST_POINTS = 2**31 - 1

_BYTES_PER_VALUE = {0: 1, 1: 2, 2: 4, 6: 2}  # mode of the header
_RECORD = 80  # bytes of one operator in the extended header


def read_ccp4(path: str | Path) -> tuple[tuple[float, ...], FloatArray, Symmetry]:
    """Cell (6), values (nx, ny, nz) and symmetry of a CCP4 map.

    Axes in any order and any start are brought to a, b, c from 0; a map of the asymmetric unit
    (or more) is completed by its operators.

    Raises
    ------
    InputError
        The file is no map, is shorter than its header says, or covers too little of the cell.
    """
    file = Path(path)
    _check_header(file)
    try:
        ccp4 = gemmi.read_ccp4_map(str(file))
        symmetry = _symmetry(ccp4, file)
        ccp4.setup(math.nan)
    except (RuntimeError, ValueError, MemoryError, OverflowError) as error:
        raise InputError(f"not a map that can be read: {error}", file=file) from error
    values = np.array(ccp4.grid.array, dtype=float, order="C")
    missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        raise InputError(
            "the map does not give the whole cell, also with its symmetry",
            file=file,
            found=f"{missing} of {values.size} points without a value",
            expected="a map of the cell or of an asymmetric unit",
            hint="extend the map to the cell when you export it",
        )
    cell = ccp4.grid.unit_cell.parameters
    return tuple(float(str(np.float32(value))) for value in cell), values, symmetry


def write_ccp4(density: Density, path: str | Path) -> None:
    """Write a density over the whole cell, rounded to float32; errors as in `atomic_write`.

    A space group in a setting that gemmi does not know is written as P 1: no value is lost, as
    the whole cell is in the file.
    """
    grid = gemmi.FloatGrid(np.asarray(density.values, dtype=np.float32))
    grid.set_unit_cell(gemmi.UnitCell(*density.cell))
    grid.spacegroup = _gemmi_group(density.symmetry) or gemmi.SpaceGroup("P 1")
    ccp4 = gemmi.Ccp4Map()
    ccp4.grid = grid
    ccp4.update_ccp4_header(2, True)
    ccp4.set_header_i32(56, 1)
    ccp4.set_header_str(57, "electron density, e/A^3".ljust(80))
    with atomic_write(path) as temporary:
        ccp4.write_ccp4_map(str(temporary))


def _gemmi_group(symmetry: Symmetry) -> gemmi.SpaceGroup | None:
    operators = gemmi.GroupOps([gemmi.Op(triplet) for triplet in symmetry.triplets])
    return gemmi.find_spacegroup_by_ops(operators)


def _symmetry(ccp4: gemmi.Ccp4Map, file: Path) -> Symmetry:
    """The operators of the extended header, else those of the space group's number.

    The number alone does not tell the setting; the grid gets the group of the operators, too,
    by which gemmi completes a map.
    """
    triplets = _triplets(file)
    if triplets:
        symmetry = Symmetry.from_triplets(triplets)
        group = _gemmi_group(symmetry)
        if group is not None:
            ccp4.grid.spacegroup = group
        return symmetry
    group = ccp4.grid.spacegroup
    return Symmetry.from_triplets(
        [operator.triplet() for operator in group.operations()] if group else ["x,y,z"]
    )


def _triplets(file: Path) -> list[str]:
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
        order = _byte_order(header)
        length = struct.unpack_from(order + "i", header, 92)[0]
        records = stream.read(length)
    texts = [records[i : i + _RECORD] for i in range(0, len(records), _RECORD)]
    triplets = [text.decode("latin-1").strip("\0 ") for text in texts]
    # Other programs keep other things there.
    return triplets if all(t.count(",") == 2 and "*" not in t for t in triplets) else []


def _check_header(file: Path) -> None:
    """Sizes before anything is allocated; gemmi trusts the header."""
    try:
        with file.open("rb") as stream:
            header = stream.read(HEADER_BYTES)
        length = file.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error
    if len(header) < HEADER_BYTES or header[208:211] != b"MAP":
        raise InputError(
            "not a CCP4 map",
            file=file,
            found=f"{len(header)} bytes, byte 208 {header[208:212].hex(' ') or 'missing'}",
            expected=f'a header of {HEADER_BYTES} bytes with "MAP" at byte 208',
        )
    order = _byte_order(header)
    words = struct.unpack(order + "10i6f3i3f2i", header[:96])
    size, mode, sampling, axes = words[:3], words[3], words[7:10], words[16:19]
    extended = words[23]
    _require(mode in _BYTES_PER_VALUE, file, "MODE", mode, "0, 1, 2 or 6")
    for key, counts in (("NX NY NZ", size), ("MX MY MZ", sampling)):
        found = " × ".join(map(str, counts))
        possible = min(counts) > 0 and math.prod(counts) <= MOST_POINTS
        _require(possible, file, key, found, f"1 to {MOST_POINTS} points")
    _require(sorted(axes) == [1, 2, 3], file, "MAPC MAPR MAPS", axes, "1, 2, 3 in any order")
    _require(0 <= extended <= length, file, "NSYMBT", extended, f"0 to {length}")
    # A map may run beyond the cell, or be a small part of it, but not to the point of nonsense.
    for axis, count in zip(axes, size, strict=True):
        _require(count <= 16 * sampling[axis - 1], file, "NX NY NZ", size, f"near {sampling}")
    nonsense = math.prod(sampling) > 4096 * math.prod(size)
    _require(not nonsense, file, "MX MY MZ", sampling, f"near {size}")
    cell = words[10:16]
    possible = all(math.isfinite(value) and value > 0 for value in cell)
    _require(possible, file, "cell", cell, "lengths and angles above 0")
    expected = HEADER_BYTES + extended + _BYTES_PER_VALUE[mode] * math.prod(size)
    if length < expected:
        raise InputError(
            "truncated", file=file, found=f"{length} bytes", expected=f"{expected} bytes"
        )


def _byte_order(header: bytes) -> str:
    """By the machine stamp."""
    return ">" if header[212:214] == b"\x11\x11" else "<"


def _require(holds: bool, file: Path, key: str, found: object, expected: str) -> None:
    if not holds:
        raise InputError(
            "the header of the map cannot be", file=file, key=key, found=found, expected=expected
        )
