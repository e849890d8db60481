"""LAMMPS text dumps (`dump atom` and `dump custom`), of any size, also compressed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ixs_core.arrays import IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.formats.elements import TypeMap, check_elements, elements_of_types
from simulate.md.formats.file_bytes import FileBytes
from simulate.md.formats.lammps_header import LammpsHeader, columns_of, parse_header
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.formats.text_frames import (
    Columns,
    TextFrames,
    complete_frames,
    slots_of,
    table_words,
)

MARKER = b"ITEM: TIMESTEP"
_HEADER_BYTES = 2048

# Velocity in Å/ps and time in fs, for the units of LAMMPS in which lengths are Å.
_UNITS = {"metal": (1.0, 1000.0), "real": (1000.0, 1.0)}


@dataclass(frozen=True)
class _Frames:
    """Headers of all frames, and where their tables begin and end."""

    headers: tuple[LammpsHeader, ...]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    notes: tuple[str, ...]


def read_lammps_dump(
    path: Path,
    *,
    type_map: TypeMap | None = None,
    units: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RawTrajectory:
    """Find the frames of a dump; they are read when they are needed.

    Parameters
    ----------
    path : Path
    type_map : mapping, optional
        Element of each type, where the dump has no elements.
    units : "metal" or "real", optional
        Of the run; by default what the dump says, else metal.

    Raises
    ------
    InputError
        The file is no dump, has no elements and no map is given, its frames differ in atoms or
        columns, or are not equally far apart.
    """
    content = FileBytes(path)
    found = _find_frames(content, progress, cancel)
    first = found.headers[0]
    line = content.line_of(found.starts[0]) - 1
    columns, unwrapped = columns_of(first.columns, path, line)
    frames, species, notes = _frames_and_species(content, found, columns, type_map, line)
    system = units or next((h.units for h in found.headers if h.units), "metal")
    if system not in _UNITS:
        raise InputError(
            "lengths of these units are not Å",
            file=path,
            key="units",
            found=system,
            expected="metal or real",
        )
    to_speed, to_fs = _UNITS[system]
    frames = replace(frames, to_angstrom_per_ps=to_speed)
    n_frames, cut = complete_frames(frames)
    notes += (cut,) if cut else ()
    if content.cut_short:
        notes += ("the compressed file ends early",)
    if columns.velocities and units is None and first.units is None:
        notes += ("velocities are taken as Å/ps (LAMMPS units metal)",)
    if np.any(frames.corners):
        notes += ("positions count from the corner of the box",)
    interval, dt_fs = _interval(found.headers[:n_frames], to_fs, path)
    return RawTrajectory(
        species=species,
        source=frames,
        n_frames=n_frames,
        cells=frames.cells[:n_frames],
        wrapped=not unwrapped,
        has_velocities=columns.velocities is not None,
        dt_fs=dt_fs,
        interval=interval,
        periodic=first.periodic,
        sha256=content.sha256,
        notes=found.notes + notes,
    )


def _find_frames(
    content: FileBytes, progress: Progress | None, cancel: CancelToken | None
) -> _Frames:
    headers: list[LammpsHeader] = []
    starts: list[int] = []
    stops: list[int] = []
    broken: list[int] = []
    repeated, last = 0, 0
    for place, window, at in content.find(MARKER, _HEADER_BYTES, progress, cancel):
        last = place
        if len(stops) < len(starts):
            stops.append(place)
        header = parse_header(window[max(at - 200, 0) : at], window[at:])
        if header is None:
            broken.append(place)
        elif headers and header.step == headers[-1].step:
            # A run that goes on from a restart file writes the step again where it began; the
            # earlier frame may have been cut off when the run before was killed.
            repeated += 1
            headers[-1], starts[-1] = header, place + header.length
            stops.pop()
        else:
            if headers:
                _check_same(content, place, headers[0], header)
            headers.append(header)
            starts.append(place + header.length)
    stops += [content.size] * (len(starts) - len(stops))
    notes = [f"{repeated} frames were left out, each followed by one of the same step"] * bool(
        repeated
    )
    if broken and broken[0] == last and headers:
        notes.append("the header of the last frame is cut off: the frame was dropped")
    elif broken or not headers:
        raise InputError(
            "this is no header of a LAMMPS dump",
            file=content.path,
            line=content.line_of(broken[0] if broken else 0),
            expected="ITEM: TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS, ATOMS",
        )
    return _Frames(tuple(headers), tuple(starts), tuple(stops), tuple(notes))


def _check_same(content: FileBytes, place: int, first: LammpsHeader, now: LammpsHeader) -> None:
    for what, here, there in (
        ("the number of atoms changes", now.n_atoms, first.n_atoms),
        ("the columns change", " ".join(now.columns), " ".join(first.columns)),
    ):
        if here != there:
            raise InputError(
                what,
                file=content.path,
                line=content.line_of(place),
                found=f"{here} at step {now.step}",
                expected=there,
            )


def _frames_and_species(
    content: FileBytes, found: _Frames, columns: Columns, type_map: TypeMap | None, line: int
) -> tuple[TextFrames, tuple[str, ...], tuple[str, ...]]:
    """The frames, and the element of every atom by ascending identity."""
    first = found.headers[0]
    names = first.columns
    label = "type" if type_map and "type" in names else "element" if "element" in names else "type"
    if label not in names:
        raise InputError(
            "the dump names neither elements nor types",
            file=content.path,
            line=line,
            found=" ".join(names),
            expected="a column element or type",
        )
    wanted = [label, "id" if "id" in names else label, "type" if "type" in names else label]
    data = content.read(found.starts[0], found.stops[0])
    words = table_words(data, first.n_atoms, tuple(names.index(name) for name in wanted))
    if len(words) < first.n_atoms:
        raise InputError("not one frame is complete", file=content.path, line=line)
    notes: tuple[str, ...] = ()
    if columns.identity is None:
        slots: IntArray = np.empty(0, dtype=np.int64)
        notes += ("the dump has no column id: atoms are taken in the order of the file",)
    else:
        try:
            identities = np.array([int(word[1]) for word in words])
        except ValueError as error:
            raise InputError(
                "an atom's id is no whole number", file=content.path, line=line + 1
            ) from error
        slots = slots_of(identities)
        words = [words[row] for row in np.argsort(identities, kind="stable")]
    kinds = [word[0] for word in words]
    if label == "type":
        species = elements_of_types(kinds, type_map, content.path)
    else:
        species = _elements(kinds, [word[2] for word in words], content.path)
    frames = TextFrames(
        content=content,
        starts=np.array(found.starts),
        stops=np.array(found.stops),
        cells=np.array([header.cell for header in found.headers]),
        corners=np.array([header.corner for header in found.headers]),
        columns=columns,
        n_atoms=first.n_atoms,
        slots=slots,
    )
    return frames, species, notes


def _elements(names: list[str], types: list[str], path: Path) -> tuple[str, ...]:
    """Elements of the column; LAMMPS writes C for every type unless it is told otherwise."""
    if set(names) == {"C"} and len(set(types)) > 1:
        raise InputError(
            "every type is called C, which LAMMPS writes where no elements were given",
            file=path,
            found=f"types {', '.join(sorted(set(types)))}",
            hint='give the elements with type_map={1: "…", …} (--type-map)',
        )
    return check_elements(names, path)


def _interval(
    headers: tuple[LammpsHeader, ...], to_fs: float, path: Path
) -> tuple[str, float | None]:
    """How far frames are apart: in words, and in fs where the dump gives times."""
    if len(headers) < 2:
        return "", None
    steps = np.diff([header.step for header in headers])
    odd = np.flatnonzero(steps != steps[0])
    if len(odd) or steps[0] < 0:
        at = int(odd[0]) if len(odd) else 0
        raise InputError(
            "frames are not equally far apart",
            file=path,
            found=f"steps {headers[at].step} and {headers[at + 1].step} in frames {at}, {at + 1}",
            expected=f"{steps[0]} steps between frames" if steps[0] > 0 else "steps that grow",
            hint="cut the file into parts with equal steps",
        )
    times = [header.time for header in headers]
    text = f"frames are {steps[0]} steps apart"
    if any(time is None for time in times):
        return text, None
    first, last = float(times[0] or 0.0), float(times[-1] or 0.0)
    return text, (last - first) / (len(times) - 1) * to_fs
