"""XDATCAR of VASP, with a constant or a changing cell, of any size, also compressed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.formats.elements import check_elements
from simulate.md.formats.file_bytes import FileBytes
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.formats.text_frames import Columns, TextFrames, complete_frames

MARKER = b"configuration="
_HEADER_BYTES = 2048


def read_xdatcar(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> RawTrajectory:
    """Find the frames of an XDATCAR; it says nothing of the time between them.

    Raises
    ------
    InputError
        The header is not that of an XDATCAR of VASP 5 or later, or the atoms change.
    """
    content = FileBytes(path)
    starts: list[int] = []
    stops: list[int] = []
    cells: list[FloatArray] = []
    species: tuple[str, ...] = ()
    for place, window, at in content.find(MARKER, _HEADER_BYTES, progress, cancel):
        line_start = window.rfind(b"\n", 0, at) + 1
        line_end = window.find(b"\n", at)
        if len(stops) < len(starts):
            stops.append(place - at + line_start)
        if line_end < 0:
            continue
        if b"Direct" not in window[line_start:at]:
            raise InputError(
                "positions are not fractional",
                file=path,
                line=content.line_of(place),
                expected="Direct configuration=",
            )
        head = _header(window[:line_start])
        if head is not None:
            if species and head[1] != species:
                line = content.line_of(place)
                raise InputError("the atoms change", file=path, line=line)
            cell, species = head
        elif not starts:
            raise InputError(
                "this is no header of an XDATCAR",
                file=path,
                line=1,
                expected="title, scale, three vectors, symbols, numbers of atoms",
            )
        starts.append(place + line_end + 1 - at)
        cells.append(cell)
    if not starts:
        raise InputError("not one frame is complete", file=path)
    stops += [content.size] * (len(starts) - len(stops))
    frames = TextFrames(
        content=content,
        starts=np.array(starts),
        stops=np.array(stops),
        cells=np.array(cells),
        corners=np.zeros((len(cells), 3)),
        columns=Columns(positions=(0, 1, 2), count=3, scaled=True),
        n_atoms=len(species),
    )
    n_frames, cut = complete_frames(frames)
    return RawTrajectory(
        species=check_elements(species, path),
        source=frames,
        n_frames=n_frames,
        cells=frames.cells[:n_frames],
        wrapped=True,
        has_velocities=False,
        interval="an XDATCAR holds POTIM × NBLOCK between frames",
        sha256=content.sha256,
        notes=(cut,) if cut else (),
    )


def _header(before: bytes) -> tuple[FloatArray, tuple[str, ...]] | None:
    """Cell and species from the six lines before a configuration, or None where there are none."""
    lines = before.decode("utf-8", errors="replace").splitlines()[-6:]
    if len(lines) < 6:
        return None
    try:
        scale = float(lines[0])
        cell = np.array([[float(word) for word in line.split()] for line in lines[1:4]])
        symbols = lines[4].split()
        counts = [int(word) for word in lines[5].split()]
    except ValueError:
        return None
    if cell.shape != (3, 3) or len(symbols) != len(counts) or not symbols:
        return None
    # A negative scale is the volume of the cell.
    factor = scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    names = [symbol.split("_")[0].split("/")[0] for symbol in symbols]
    species = tuple(name for name, count in zip(names, counts, strict=True) for _ in range(count))
    return cell * factor, species
