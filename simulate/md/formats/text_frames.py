"""Frames on demand out of a text file whose tables of atoms have been found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.formats import number_kernel as kernel
from simulate.md.formats.file_bytes import FileBytes
from simulate.md.trajectory import FrameBlock

_BYTES_AT_ONCE = 1 << 21

_FAULTS = {
    kernel.ENDS_EARLY: ("the table of atoms ends early", "one row per atom"),
    kernel.NO_NUMBER: ("this is not a number", "numbers in every column that is read"),
    kernel.NOT_FINITE: ("positions or velocities are not finite", "numbers"),
    kernel.UNKNOWN_ATOM: ("an atom that the first frame does not have", "the same atoms"),
    kernel.TWICE: ("an atom stands twice in a frame", "every atom once"),
    kernel.TOO_FEW: ("the row has too few columns", "as many as the header names"),
}


class TableError(InputError):
    """A table of atoms that cannot be read, with what is wrong about it."""

    fault: int = kernel.DONE


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Parameters
    ----------
    positions : three column numbers
    scaled : bool
        Fractions of the cell instead of Å.
    images : three column numbers, or None
        Whole cells to add.
    velocities : three column numbers, or None
    identity : int or None
        The column that names the atom.
    count : int
        Number of columns.
    """

    positions: tuple[int, int, int]
    count: int
    scaled: bool = False
    images: tuple[int, int, int] | None = None
    velocities: tuple[int, int, int] | None = None
    identity: int | None = None

    @property
    def targets(self) -> IntArray:
        """For every column its place in the parsed row: positions, images, velocities."""
        targets = np.full(self.count, kernel.SKIP, dtype=np.int64)
        wanted = (*self.positions, *(self.images or ()), *(self.velocities or ()))
        targets[list(wanted)] = np.arange(len(wanted))
        if self.identity is not None:
            targets[self.identity] = kernel.IDENTITY
        return targets

    @property
    def width(self) -> int:
        """Numbers kept of a row."""
        return 3 + 3 * (self.images is not None) + 3 * (self.velocities is not None)


@dataclass(frozen=True)
class TextFrames:
    """A FrameSource on a text file.

    Parameters
    ----------
    content : FileBytes
    starts, stops : (f,) int arrays
        Where the table of each frame begins, and where the next frame does.
    cells : (f, 3, 3) array
        Rows a, b, c in Å.
    corners : (f, 3) array
        Of the cell; positions are counted from it.
    columns : Columns
    n_atoms : int
    slots : int array
        Row of the arrays for each identity (see `parse_table`).
    to_angstrom_per_ps : float
        What the file's velocities are multiplied by.
    """

    content: FileBytes
    starts: IntArray
    stops: IntArray
    cells: FloatArray
    corners: FloatArray
    columns: Columns
    n_atoms: int
    slots: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    to_angstrom_per_ps: float = 1.0

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all.

        Raises
        ------
        TableError
            A row is wrong; names its line.
        """
        chosen = np.arange(self.n_atoms) if atoms is None else np.asarray(atoms)
        positions = np.empty((stop - start, len(chosen), 3))
        velocities = np.empty_like(positions) if self.columns.velocities else None
        for frame, rows in self._tables(start, stop):
            kept = rows if atoms is None else rows[chosen]
            positions[frame - start] = self._cartesian(kept, frame)
            if velocities is not None:
                np.multiply(kept[:, -3:], self.to_angstrom_per_ps, out=velocities[frame - start])
        return FrameBlock(start, positions, velocities, self.cells[start:stop])

    def _tables(self, start: int, stop: int) -> Iterator[tuple[int, FloatArray]]:
        """Frame number and parsed rows (reused from frame to frame)."""
        targets = self.columns.targets
        rows = np.empty((self.n_atoms, self.columns.width))
        frame = start
        while frame < stop:
            behind = frame + 1
            base = int(self.starts[frame])
            while behind < stop and self.stops[behind] - base <= _BYTES_AT_ONCE:
                behind += 1
            data = self.content.read(base, int(self.stops[behind - 1]))
            for number in range(frame, behind):
                begin = int(self.starts[number]) - base
                table = data[: int(self.stops[number]) - base]
                fault, place = kernel.parse_table(table, begin, targets, self.slots, rows)
                if fault != kernel.DONE:
                    raise self._error(fault, base + place, number)
                yield number, rows
            frame = behind

    def _cartesian(self, rows: FloatArray, frame: int) -> FloatArray:
        cell = self.cells[frame]
        given = rows[:, :3]
        moved = given @ cell if self.columns.scaled else given - self.corners[frame]
        if self.columns.images is not None:
            moved += rows[:, 3:6] @ cell
        return moved

    def _error(self, fault: int, place: int, frame: int) -> TableError:
        message, expected = _FAULTS[fault]
        error = TableError(
            f"{message} (frame {frame}, from 0)",
            file=self.content.path,
            line=self.content.line_of(place),
            found=_line_text(self.content.read(place, place + 200)) or "the end of the frame",
            expected=expected,
        )
        error.fault = fault
        return error


def complete_frames(frames: TextFrames) -> tuple[int, str]:
    """Number of frames without a last one that is cut off, and a note when there is one.

    Raises
    ------
    InputError
        The last frame is wrong in another way, or no frame is complete.
    """
    count = len(frames.starts)
    try:
        frames.read(count - 1, count)
        return count, _left_over(frames)
    except TableError as error:
        if error.fault not in (kernel.ENDS_EARLY, kernel.TOO_FEW):
            raise
        if count == 1:
            raise InputError("not one frame is complete", file=frames.content.path) from error
    return count - 1, "the last frame is cut off and was dropped"


def _left_over(frames: TextFrames) -> str:
    """A note when something stands behind the last frame."""
    data = frames.content.read(int(frames.starts[-1]), int(frames.stops[-1]))
    end = int(np.flatnonzero(data == 10)[frames.n_atoms - 1]) + 1
    rest = len(data[end:].tobytes().strip())
    if not rest:
        return ""
    return f"{rest} bytes behind the last frame, perhaps of one that is cut off, were left out"


def slots_of(identities: IntArray) -> IntArray:
    """For every identity its place in ascending order, -1 for numbers that name no atom."""
    slots = np.full(int(identities.max()) + 1, -1, dtype=np.int64)
    slots[np.sort(identities)] = np.arange(len(identities))
    return slots


def table_words(
    data: NDArray[np.uint8], n_rows: int, columns: tuple[int, ...]
) -> list[tuple[str, ...]]:
    """Some columns of the first rows as text, for what is no number; once per file."""
    text = data.tobytes().decode("utf-8", errors="replace")
    words: list[tuple[str, ...]] = []
    pick = itemgetter(*columns, columns[0])  # one more, so that it is always a tuple
    for line in text.split("\n", n_rows)[:n_rows]:
        parts = line.split()
        if len(parts) <= max(columns):
            break
        words.append(pick(parts))
    return words


def _line_text(data: NDArray[np.uint8]) -> str:
    return data.tobytes().split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()[:80]
