"""Series of frames: the numbered files beside one, the files of a folder, the frames in a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import BoolArray
from ixs_core.errors import InputError
from ixs_core.frame_header import FrameInfo
from ixs_core.frames import FRAME_SUFFIXES, Frame, read_frame
from ixs_core.jobs import CancelToken, Progress

# "run_1_0042.cbf.gz": all before the last number, the number, the ending; or "image.0042".
_NUMBERED = re.compile(r"^(.*?)(\d+)(\.[^.]*(?:\.(?:gz|bz2))?)$")
_NUMBER_LAST = re.compile(r"^(.*\.)(\d+)()$")


class FrameRef(NamedTuple):
    """Where a frame is: a file, and its number in it from 0."""

    path: Path
    number: int


@dataclass(frozen=True)
class FrameSeries:
    """Frames in their order.

    Parameters
    ----------
    frames : tuple of FrameRef
    name : str
        For people: "run_1_####.cbf (5 frames)".
    """

    frames: tuple[FrameRef, ...]
    name: str

    def __len__(self) -> int:
        return len(self.frames)

    def place_of(self, path: Path) -> int:
        """The number, from 0, of the first frame of a file; 0 when it is not among them."""
        names = [ref.path.name for ref in self.frames]
        return names.index(path.name) if path.name in names else 0


def frame_series(path: str | Path, n_frames: int | None = None) -> FrameSeries:
    """The series that a file or folder belongs to.

    A file with several frames is a series of its own; one that has a number in its name is one
    of all files of this folder with the same name but for the number, in the order of the
    numbers; a folder gives its files of known endings, in the order of names and numbers.

    Parameters
    ----------
    path : path
    n_frames : int, optional
        How many frames the file has, when it was read already; it is read to know otherwise.

    Raises
    ------
    InputError
        There is no such file, the folder has no frames, or the file cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():
        raise InputError("there is no such file", file=path)
    if n_frames is None:
        n_frames = read_frame(path).n_frames
    if n_frames > 1:
        refs = tuple(FrameRef(path, index) for index in range(n_frames))
        return FrameSeries(refs, f"{path.name} ({n_frames} frames)")
    beside = _numbered_beside(path)
    if len(beside) < 2:
        return FrameSeries((FrameRef(path, 0),), path.name)
    return FrameSeries(tuple(FrameRef(p, 0) for p in beside), _name_of(path, len(beside)))


def sum_frames(
    series: FrameSeries,
    start: int = 0,
    stop: int | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    read: Callable[[FrameRef], Frame] | None = None,
) -> Frame:
    """The sum of frames start to stop - 1, pixel by pixel.

    A pixel that is missing in any of them is missing in the sum: its exposure is another.

    Parameters
    ----------
    series : FrameSeries
    start, stop : int
        From 0; by default all.
    progress, cancel : optional
        As for all long functions.
    read : callable, optional
        In place of `read_frame` (a cache).

    Returns
    -------
    Frame
        Whole numbers stay whole (int64, missing ones -1); header, path and index are those of
        the first, the exposure is the sum, the turn goes from the first to the last.

    Raises
    ------
    InputError
        The range is empty, a frame cannot be read, or has another size.
    Cancelled
    """

    def add(total: NDArray[Any], gaps: BoolArray, frame: Frame) -> None:
        total += frame.values
        gaps |= frame.mask

    return _combined(series, start, stop, add, progress, cancel, read, exposure=True)


def max_frames(
    series: FrameSeries,
    start: int = 0,
    stop: int | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    read: Callable[[FrameRef], Frame] | None = None,
) -> Frame:
    """The largest value of each pixel in frames start to stop - 1; as for `sum_frames`.

    A pixel is missing where it is missing in all of them.
    """

    def take_larger(total: NDArray[Any], gaps: BoolArray, frame: Frame) -> None:
        known = ~frame.mask
        larger = known & (gaps | (frame.values > total))
        total[larger] = frame.values[larger]
        gaps &= frame.mask

    return _combined(series, start, stop, take_larger, progress, cancel, read, exposure=False)


def _combined(
    series: FrameSeries,
    start: int,
    stop: int | None,
    take: Callable[[NDArray[Any], BoolArray, Frame], None],
    progress: Progress | None,
    cancel: CancelToken | None,
    read: Callable[[FrameRef], Frame] | None,
    exposure: bool,
) -> Frame:
    read = read or (lambda ref: read_frame(*ref))
    stop = len(series) if stop is None else stop
    refs = series.frames[start:stop]
    if not refs:
        raise InputError("there are no frames in this range", found=f"{start + 1} to {stop}")
    first = last = None
    total: NDArray[Any] = np.zeros(0)
    gaps: BoolArray = np.zeros(0, dtype=bool)
    for number, ref in enumerate(refs, start=1):
        if cancel is not None:
            cancel.check()
        last = read(ref)
        if first is None:
            first = last
            total = last.values.astype(np.int64 if last.values.dtype.kind in "iu" else np.float64)
            gaps = last.mask.copy()
        else:
            _require_same_size(first, last)
            take(total, gaps, last)
        if progress is not None:
            progress(number, len(refs), ref.path.name)
    assert first is not None
    assert last is not None
    total[gaps] = -1 if total.dtype.kind == "i" else np.nan
    return replace(first, values=total, mask=gaps, info=_joined(first, last, len(refs), exposure))


def _joined(first: Frame, last: Frame, number: int, exposure: bool) -> FrameInfo:
    """What is understood of a header, for several frames as one."""
    info = first.info
    if exposure and info.exposure_s is not None:
        info = replace(info, exposure_s=info.exposure_s * number)
    start, end, step = info.start_deg, last.info.start_deg, last.info.step_deg
    if start is None or end is None or step is None:
        return info
    whole = end + step - start
    orientation = info.orientation
    if orientation is not None:
        orientation = replace(orientation, step_deg=whole)
    return replace(info, step_deg=whole, orientation=orientation)


def _require_same_size(first: Frame, other: Frame) -> None:
    if first.shape != other.shape:
        raise InputError(
            "this frame has another size than the first",
            file=other.path,
            found="{1} × {0} pixels".format(*other.shape),
            expected="{1} × {0}".format(*first.shape),
        )


def _numbered_beside(path: Path) -> list[Path]:
    """All files of the folder whose names differ from this one's only in the number."""
    own = _parts(path.name)
    if own is None:
        return [path]
    found = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            parts = _parts(entry.name)
            if parts is not None and (parts[0], parts[2]) == (own[0], own[2]) and entry.is_file():
                found.append((int(parts[1]), entry.name))
    return [path.parent / name for _, name in sorted(found)]


def _parts(name: str) -> tuple[str, str, str] | None:
    match = _NUMBERED.match(name) or _NUMBER_LAST.match(name)
    return (match.group(1), match.group(2), match.group(3)) if match else None


def _name_of(path: Path, number: int) -> str:
    parts = _parts(path.name)
    assert parts is not None
    return f"{parts[0]}{'#' * len(parts[1])}{parts[2]} ({number} frames)"


def _of_folder(folder: Path) -> FrameSeries:
    try:
        names = [
            entry.name
            for entry in os.scandir(folder)
            if entry.name.lower().endswith(FRAME_SUFFIXES) and entry.is_file()
        ]
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=folder) from error
    if not names:
        raise InputError(
            "the folder has no detector frames",
            file=folder,
            expected="files that end in " + ", ".join(FRAME_SUFFIXES[:9]) + " …",
        )
    if len(names) == 1:
        return frame_series(folder / names[0])
    refs = tuple(FrameRef(folder / name, 0) for name in sorted(names, key=_natural))
    return FrameSeries(refs, f"{folder.name}/ ({len(refs)} frames)")


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Numbers in a name count as numbers."""
    return tuple(
        (0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name)
    )
