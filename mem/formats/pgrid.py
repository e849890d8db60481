"""The binary grids of VESTA and the RIETAN family: `.pgrid` (periodic) and `.ggrid` (general).

Layout, little-endian, as the manuals of VESTA and ERIS describe it:

====== =========================================================================================
bytes  content
====== =========================================================================================
0      int32[4] version, 3 0 0 0
16     char[80] title
96     int32 gType: 1 periodic grid (point n is point 0 of the next cell, and is left out), 0
       general grid (both ends are there: n + 1 points for n steps)
100    int32 fType: 0 all values, 1 pairs of index and value of the symmetry-independent points
104    int32 number of values of a point; 108 int32 number of dimensions, 3
112    int32[3] nx ny nz; 124 int32 number of points in the file (independent ones for fType 1)
128    float32[6] cell in Å and degrees
152    fType 0: float32 values, x fastest
152    fType 1: int32 number of operators, centrosymmetric (1: only half of the operators are
       listed), number of lattice points; per operator int32[9] the rotation and int32[3] the
       translation in grid points; per lattice point int32[3] in grid points; then per
       independent point int32 index x + nx (y + ny z) and float32 value
====== =========================================================================================

Descriptions do not agree on whether the rotations of fType 1 go by rows or by columns. The
operators that keep the lengths of the cell and fill the grid without contradiction are taken:
columns first, then rows.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.atomic import atomic_write
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density

HEADER_BYTES = 152
MOST_POINTS = 2**31 - 1
"""More points than an int32 index counts are refused."""

_VERSION = (3, 0, 0, 0)
_METRIC_ERROR = 5e-3  # a cell is often written with the errors of its measurement
_PERIODIC_ERROR = 1e-3  # of the largest value; ends of a general grid may differ by rounding


@dataclass(frozen=True)
class _Header:
    order: str  # of the bytes: "<" or ">"
    title: str
    periodic: bool
    indexed: bool
    shape: tuple[int, int, int]  # as in the file
    stored: int
    cell: tuple[float, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def read_pgrid(path: str | Path) -> tuple[tuple[float, ...], FloatArray, str]:
    """Cell (6), values (nx, ny, nz) in e/Å³ and title of a `.pgrid` or `.ggrid` file.

    The repeated end points of a general grid are left out of the values.

    Raises
    ------
    InputError
        The file is no such grid, is shorter or longer than its header says, is a general grid
        that does not repeat itself, or its operators do not fill the grid.
    """
    file = Path(path)
    content = _content(file)
    header = _header(content, file)
    body = memoryview(content)[HEADER_BYTES:]
    if header.indexed:
        flat = _from_independent(body, header, file)
    else:
        _require_bytes(len(body), 4 * header.size, file, f"{_times(header.shape)} float32 values")
        flat = np.frombuffer(body, header.order + "f4", header.size)
    values = flat.astype(float).reshape(header.shape[::-1]).transpose()
    if not np.isfinite(values).all():
        bad = int(values.size - np.isfinite(values).sum())
        raise InputError("some values are not finite", file=file, found=f"{bad} of {values.size}")
    if not header.periodic:
        values = _without_ends(values, file)
    return header.cell, np.ascontiguousarray(values), header.title


def write_pgrid(density: Density, path: str | Path) -> None:
    """Write all values of a density as a periodic grid (fType 0).

    Values and cell are rounded to float32. Errors as in `atomic_write`.
    """
    nx, ny, nz = density.shape
    title = (density.source or "electron density, e/A^3").encode("ascii", "replace")[:79]
    header = struct.pack("<4i80s4i3ii", *_VERSION, title, 1, 0, 1, 3, nx, ny, nz, nx * ny * nz)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(header + struct.pack("<6f", *density.cell))
        for plane in np.moveaxis(density.values, 2, 0):
            file.write(np.asarray(plane.T, dtype="<f4").tobytes())


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error


def _header(content: bytes, file: Path) -> _Header:
    if len(content) < HEADER_BYTES:
        raise InputError(
            "too short for a VESTA grid",
            file=file,
            found=f"{len(content)} bytes",
            expected=f"a header of {HEADER_BYTES} bytes",
        )
    order = next((o for o in "<>" if struct.unpack_from(o + "4i", content) == _VERSION), None)
    if order is None:
        raise InputError(
            "not a VESTA grid",
            file=file,
            found=f"first bytes {content[:16].hex(' ')}",
            expected="version 3 0 0 0 as int32 (VESTA 3)",
        )
    fields = struct.unpack_from(order + "80s8i6f", content, 16)
    title, general, kind, per_point, dimensions, nx, ny, nz, stored = fields[:9]
    for key, found, allowed in (
        ("gType", general, (0, 1)),
        ("fType", kind, (0, 1)),
        ("nVal", per_point, (1,)),
        ("nDim", dimensions, (3,)),
    ):
        if found not in allowed:
            expected = " or ".join(map(str, allowed))
            raise InputError("cannot be read", file=file, key=key, found=found, expected=expected)
    least = 1 if general else 2
    if min(nx, ny, nz) < least or nx * ny * nz > MOST_POINTS:
        raise InputError(
            "not the size of a grid",
            file=file,
            key="nx ny nz",
            found=_times((nx, ny, nz)),
            expected=f"at least {least} along each axis, {MOST_POINTS} in all at most",
        )
    # The shortest decimals that are this float32: 10.617, not 10.616999626159668.
    cell = tuple(float(str(np.float32(value))) for value in fields[9:])
    text = title.split(b"\0")[0].decode("latin-1").strip()
    return _Header(order, text, general == 1, kind == 1, (nx, ny, nz), stored, cell)


def _require_bytes(found: int, expected: int, file: Path, what: str) -> None:
    if found != expected:
        raise InputError(
            "truncated" if found < expected else "longer than its header says",
            file=file,
            found=f"{found + HEADER_BYTES} bytes",
            expected=f"{expected + HEADER_BYTES} bytes for {what}",
        )


def _times(shape: tuple[int, int, int]) -> str:
    return " × ".join(map(str, shape))


def _without_ends(values: FloatArray, file: Path) -> FloatArray:
    scale = float(np.abs(values).max())
    for axis in range(3):
        apart = float(np.abs(values.take(0, axis) - values.take(-1, axis)).max())
        if apart > _PERIODIC_ERROR * scale:
            raise InputError(
                f"the general grid does not repeat itself along {'abc'[axis]}: it is no cell of a "
                "crystal",
                file=file,
                found=f"ends differ by {apart:g}",
            )
    return values[:-1, :-1, :-1]


def _from_independent(body: memoryview, header: _Header, file: Path) -> FloatArray:
    """All values, x fastest, from the independent points and the operators of the file."""
    if not header.periodic:
        raise InputError("a general grid of independent points cannot be read", file=file)
    if len(body) < 12:
        _require_bytes(len(body), 12, file, "the operators")
    n_operators, centred, n_points = struct.unpack_from(header.order + "3i", body)
    if not (0 < n_operators <= 192 and centred in (0, 1) and 0 < n_points <= 4):
        raise InputError(
            "the operators cannot be read",
            file=file,
            found=f"{n_operators} operators, centrosymmetric {centred}, {n_points} lattice points",
            expected="1 to 192, 0 or 1, 1 to 4",
        )
    start = 12 + 48 * n_operators + 12 * n_points
    if not 0 < header.stored <= header.size:
        raise InputError(
            "not a number of independent points", file=file, key="nAsym", found=header.stored
        )
    _require_bytes(
        len(body), start + 8 * header.stored, file, f"{header.stored} independent points"
    )
    integer = header.order + "i4"
    operators = np.frombuffer(body, integer, 12 * n_operators, 12).reshape(-1, 12).astype(int)
    lattice = np.frombuffer(body, integer, 3 * n_points, 12 + 48 * n_operators).reshape(-1, 3)
    pairs = np.frombuffer(body, [("i", integer), ("v", header.order + "f4")], offset=start)
    if pairs["i"].min() < 0 or pairs["i"].max() >= header.size:
        raise InputError(
            "an index lies outside the grid",
            file=file,
            found=f"{pairs['i'].min()} to {pairs['i'].max()}",
            expected=f"0 to {header.size - 1}",
        )
    rotations = operators[:, :9].reshape(-1, 3, 3)
    for turned in (rotations.swapaxes(1, 2), rotations):
        if not _fit_cell(turned, header.cell):
            continue
        operations = (turned, operators[:, 9:], lattice, centred)
        flat = _filled(header.shape, pairs["i"], pairs["v"], *operations)
        if flat is not None:
            return flat
    raise InputError(
        "the operators of the file do not make the whole grid of its independent points",
        file=file,
        found=f"{n_operators} operators, {n_points} lattice points",
        hint="export all values (fType 0)",
    )


def _fit_cell(rotations: IntArray, cell: tuple[float, ...]) -> bool:
    """Whether rotations of fractional coordinates keep all lengths: Rᵀ G R = G."""
    try:
        vectors = cell_vectors(Lattice.from_cell(cell))
    except InputError:
        return False  # said by who asks for the density
    metric = vectors @ vectors.T
    turned = rotations.swapaxes(1, 2) @ metric @ rotations
    return bool(np.abs(turned - metric).max() < _METRIC_ERROR * np.abs(metric).max())


def _filled(
    shape: tuple[int, int, int],
    index: IntArray,
    value: FloatArray,
    rotations: IntArray,
    translations: IntArray,
    lattice: IntArray,
    centred: int,
) -> FloatArray | None:
    """The grid, x fastest; None when points stay empty or are given different values."""
    nx, ny, nz = shape
    points = np.stack([index % nx, index // nx % ny, index // (nx * ny)], axis=1).astype(int)
    flat = np.full(nx * ny * nz, np.nan, dtype=np.float32)
    for rotation, translation in zip(rotations, translations, strict=True):
        # Rotations mix axes in fractions of the cell, which are steps of another length.
        scaled = rotation * np.array(shape)[:, None] / np.array(shape)
        if np.any(scaled != np.round(scaled)):
            return None
        image = points @ np.round(scaled).astype(int).T + translation
        for sign in (1, -1)[: 1 + centred]:
            for shift in lattice:
                x, y, z = ((sign * image + shift) % shape).T
                target = x + nx * (y + ny * z)
                if not np.all(np.isnan(flat[target]) | np.isclose(flat[target], value, 1e-3)):
                    return None
                flat[target] = value
    return None if np.isnan(flat).any() else flat
