"""Extended XYZ, as ASE, GPUMD and others write it, of any size, also compressed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.formats.elements import TypeMap, check_elements
from simulate.md.formats.file_bytes import FileBytes
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.formats.text_frames import Columns, TextFrames, complete_frames, table_words

MARKER = b"attice="
_HEADER_BYTES = 8192
_ITEM = re.compile(r"""([A-Za-z_][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")
_VELOCITIES = ("vel", "velo", "velocities", "velocity")
_POSITIONS = (("unwrapped_position", True), ("pos", False), ("positions", False))

# Velocities in Å/ps: GPUMD writes Å/fs, as do runs in LAMMPS units real.
_TO_ANGSTROM_PER_PS = {"real": 1000.0, "metal": 1.0}


class _Header(NamedTuple):
    n_atoms: int
    items: dict[str, str]
    length: int  # bytes from the marker to the table


def read_extended_xyz(
    path: Path,
    *,
    type_map: TypeMap | None = None,
    units: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RawTrajectory:
    """Find the frames of an extended XYZ file; they are read when they are needed.

    Parameters
    ----------
    path : Path
    type_map : mapping, optional
        Element of each name in the species column that is none.
    units : "real" (Å/fs) or "metal" (Å/ps), optional
        Of the velocities; Å/fs by default, as GPUMD writes them.

    Raises
    ------
    InputError
        A frame has no cell, or atoms or columns change.
    """
    content = FileBytes(path)
    starts: list[int] = []
    stops: list[int] = []
    cells: list[FloatArray] = []
    times: list[str | None] = []
    first: _Header | None = None
    for place, window, at in content.find(MARKER, _HEADER_BYTES, progress, cancel):
        header, begin = _header(content, place, window, at)
        if len(stops) < len(starts):
            stops.append(begin)
        if header is None:
            continue  # the file ends within the line: nothing follows
        first = first or header
        _check_same(content, place, first, header)
        starts.append(place + header.length)
        cells.append(_cell(header.items, content, place))
        times.append(header.items.get("time"))
    if first is None:
        raise InputError(
            "the frames have no cell",
            file=path,
            line=2,
            expected='Lattice="ax ay az bx by bz cx cy cz" in the second line of every frame',
        )
    stops += [content.size] * (len(starts) - len(stops))
    columns, unwrapped, species_column = _columns(first.items, path)
    if units not in (None, *_TO_ANGSTROM_PER_PS):
        raise InputError("these units are not known", key="units", found=units, expected="real")
    frames = TextFrames(
        content=content,
        starts=np.array(starts),
        stops=np.array(stops),
        cells=np.array(cells),
        corners=np.zeros((len(cells), 3)),
        columns=columns,
        n_atoms=first.n_atoms,
        to_angstrom_per_ps=_TO_ANGSTROM_PER_PS[units or "real"],
    )
    n_frames, cut = complete_frames(frames)
    species = _species(frames, species_column, 0, type_map)
    if species != _species(frames, species_column, n_frames - 1, type_map):
        raise InputError("the order of the atoms changes", file=path, hint="sort them by id")
    notes = [cut] if cut else []
    if content.cut_short:
        notes.append("the compressed file ends early")
    if columns.velocities and units is None:
        notes.append("velocities are taken as Å/fs, as GPUMD writes them")
    if columns.velocities is None and ":momenta:" in first.items.get("properties", ""):
        notes.append("momenta are not read: write velocities, or convert ASE's own .traj")
    return RawTrajectory(
        species=species,
        source=frames,
        n_frames=n_frames,
        cells=frames.cells[:n_frames],
        wrapped=not unwrapped,
        has_velocities=columns.velocities is not None,
        dt_fs=_interval(times[:n_frames], path),
        periodic=_periodic(first.items),
        sha256=content.sha256,
        notes=tuple(notes),
    )


def _header(content: FileBytes, place: int, window: bytes, at: int) -> tuple[_Header | None, int]:
    """The two lines before a table (None where the file ends in them), and where they begin."""
    line_start = window.rfind(b"\n", 0, at) + 1
    count_start = window.rfind(b"\n", 0, max(line_start - 1, 0)) + 1
    line_end = window.find(b"\n", at)
    begin = place - at + count_start
    if line_end < 0:
        if len(window) - at < _HEADER_BYTES:
            return None, begin
        raise InputError(
            "the second line of a frame is too long",
            file=content.path,
            line=content.line_of(place),
            expected=f"at most {_HEADER_BYTES} bytes",
        )
    try:
        n_atoms = int(window[count_start:line_start])
    except ValueError as error:
        raise InputError(
            "the number of atoms is missing",
            file=content.path,
            line=max(content.line_of(place) - 1, 1),
            found=window[count_start:line_start].decode(errors="replace").strip()[:60],
        ) from error
    text = window[line_start:line_end].decode("utf-8", errors="replace")
    items = {
        found[1].lower(): next(part for part in found.groups()[1:] if part is not None)
        for found in _ITEM.finditer(text)
    }
    return _Header(n_atoms, items, line_end + 1 - at), begin


def _check_same(content: FileBytes, place: int, first: _Header, now: _Header) -> None:
    for what, here, there in (
        ("the number of atoms changes", now.n_atoms, first.n_atoms),
        ("the columns change", now.items.get("properties"), first.items.get("properties")),
    ):
        if here != there:
            line = content.line_of(place)
            raise InputError(what, file=content.path, line=line, found=here, expected=there)


def _cell(items: dict[str, str], content: FileBytes, place: int) -> FloatArray:
    try:
        cell = np.array(items["lattice"].split(), dtype=float).reshape(3, 3)
    except (KeyError, ValueError):
        cell = np.zeros((3, 3))
    if abs(np.linalg.det(cell)) < 1e-9:
        raise InputError(
            "the cell is not nine numbers that span one",
            file=content.path,
            line=content.line_of(place),
            key="Lattice",
            found=items.get("lattice", "")[:80],
        )
    return cell


def _columns(items: dict[str, str], path: Path) -> tuple[Columns, bool, int]:
    """Columns, whether positions are unwrapped, and the column of the species."""
    parts = items.get("properties", "species:S:1:pos:R:3").split(":")
    places: dict[str, tuple[int, int]] = {}
    column = 0
    try:
        for name, width in zip(parts[::3], parts[2::3], strict=True):
            places[name.lower()] = (column, int(width))
            column += int(width)
    except ValueError as error:
        raise InputError(
            "the list of columns is not name:kind:number, …",
            file=path,
            line=2,
            key="Properties",
            found=":".join(parts)[:80],
        ) from error

    def three(name: str) -> tuple[int, int, int] | None:
        start, width = places.get(name, (0, 0))
        return (start, start + 1, start + 2) if width == 3 else None

    found = [(three(name), unwrapped) for name, unwrapped in _POSITIONS if three(name)]
    if not found or found[0][0] is None or "species" not in places:
        raise InputError(
            "species or positions are missing",
            file=path,
            line=2,
            key="Properties",
            found=":".join(parts)[:80],
            expected="species:S:1 and pos:R:3",
        )
    velocities = next((three(name) for name in _VELOCITIES if three(name)), None)
    columns = Columns(positions=found[0][0], count=column, velocities=velocities)
    return columns, found[0][1], places["species"][0]


def _species(
    frames: TextFrames, column: int, frame: int, type_map: TypeMap | None
) -> tuple[str, ...]:
    data = frames.content.read(int(frames.starts[frame]), int(frames.stops[frame]))
    words = [word[0] for word in table_words(data, frames.n_atoms, (column,))]
    named = {str(key): element for key, element in (type_map or {}).items()}
    return check_elements([named.get(word, word) for word in words], frames.content.path)


def _interval(times: list[str | None], path: Path) -> float | None:
    """Time between frames from `Time=` in fs, as GPUMD writes it."""
    try:
        values = np.array([float(time) for time in times if time is not None])
    except ValueError:
        return None
    if len(values) != len(times) or len(values) < 2:
        return None
    steps = np.diff(values)
    if steps.min() <= 0 or np.ptp(steps) > 1e-3 * steps.mean():
        raise InputError(
            "frames are not equally far apart",
            file=path,
            key="Time",
            found=f"{steps.min():g} to {steps.max():g} fs",
        )
    return float((values[-1] - values[0]) / (len(values) - 1))


def _periodic(items: dict[str, str]) -> tuple[bool, bool, bool]:
    flags = [flag.upper().startswith(("T", "1")) for flag in items.get("pbc", "T T T").split()]
    return (flags[0], flags[1], flags[2]) if len(flags) == 3 else (True, True, True)
