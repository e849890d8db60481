"""Positions continuous in time, from positions that jump back into the cell.

Between two frames an atom is taken to have gone the shortest way, which is right as long as it
moves less than half the cell. Only shifts by whole cells are added: what is not wrapped stays
as it is, to the bit.
"""

from __future__ import annotations

import itertools
import threading
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.trajectory import FrameBlock, FrameSource

LARGE_STEP = 0.4
"""A step of this part of the cell is near to half of it, where the way is no longer sure."""

_KEEP_EVERY = 256  # frames between two states kept, so that reading may begin anywhere

_NEIGHBOURS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))


class LargeStepWarning(UserWarning):
    """An atom moves so far between two frames that its way is not sure."""


class _Box(NamedTuple):
    """A cell's inverse, half its smallest height in Å, and the fractions surely below that."""

    inverse: FloatArray
    near: float
    sure: float


@lru_cache(maxsize=4)  # most runs have one cell
def _box(cell: bytes) -> _Box:
    """Of the bytes of a (3, 3) array in double precision."""
    rows = np.frombuffer(cell).reshape(3, 3)
    inverse = np.linalg.inv(rows)
    near = 0.5 / np.linalg.norm(inverse, axis=0).max()
    return _Box(inverse, float(near), float(near / np.linalg.norm(rows, axis=1).sum()))


def cell_shifts(
    before: FloatArray,
    after: FloatArray,
    cell: FloatArray,
    periodic: tuple[bool, bool, bool] = (True, True, True),
) -> tuple[IntArray, int]:
    """Whole cells to add so that each atom goes the shortest way.

    Parameters
    ----------
    before, after : (n, 3) arrays
        Fractional positions in two frames.
    cell : (3, 3) array
        Rows a, b, c in Å.
    periodic : tuple of bool

    Returns
    -------
    shifts : (n, 3) int array
        To be added to `after`.
    large : int
        Atoms whose step exceeds 0.4 of the cell in a periodic direction.
    """
    steps = after - before
    shifts = np.zeros(steps.shape, dtype=np.int32)
    box = _box(cell.tobytes())
    rows = np.unique(np.flatnonzero(np.abs(steps) > box.sure) // 3)
    if len(rows) == 0:
        return shifts, 0
    found = _nearest(steps[rows], cell, np.array(periodic, dtype=int), box.near)
    shifts[rows] = found
    large = np.any((np.abs(steps[rows] + found) > LARGE_STEP) & periodic, axis=1)
    return shifts, int(large.sum())


def _nearest(steps: FloatArray, cell: FloatArray, periodic: IntArray, near: float) -> IntArray:
    """Whole cells that make each fractional step the shortest, first by rounding.

    Shorter than `near`, half the smallest height of the cell, it is; in a tilted cell a longer
    one may have a nearer image round the corner.
    """
    shifts = -np.rint(steps).astype(np.int32) * periodic
    rounded = steps + shifts
    far = np.flatnonzero(np.linalg.norm(rounded @ cell, axis=1) > near)
    if len(far) and np.any(cell != np.diag(np.diag(cell))):
        neighbours = _NEIGHBOURS * periodic
        lengths = np.linalg.norm((rounded[far, None] + neighbours) @ cell, axis=2)
        # The first of equals would depend on rounding errors: the image in the middle goes first.
        lengths[:, len(neighbours) // 2] -= 1e-9
        shifts[far] += neighbours[lengths.argmin(axis=1)]
    return np.asarray(shifts)


@dataclass(frozen=True)
class _State:
    """Fractional positions of a frame as the file has them, and the whole cells added."""

    fractional: FloatArray
    images: IntArray


@dataclass
class UnwrappedFrames:
    """A FrameSource that unwraps another one, frame after frame.

    Reading on where the last reading ended costs one pass; elsewhere it starts again at the
    nearest state kept. Threads take turns.

    Parameters
    ----------
    source : FrameSource
        Wrapped frames of n_atoms atoms.
    periodic : tuple of bool
    name : str
        Of the file, for the warning.
    """

    source: FrameSource
    periodic: tuple[bool, bool, bool] = (True, True, True)
    name: str = ""
    large_steps: int = 0
    _counted: int = field(default=0, repr=False)
    _images: dict[int, IntArray] = field(default_factory=dict, repr=False)
    _behind: tuple[int, _State] | None = field(default=None, repr=False)
    _lock: Any = field(default_factory=threading.RLock, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (UnwrappedFrames, (self.source, self.periodic, self.name))

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all.

        Warns
        -----
        LargeStepWarning
            Once, when a step exceeds 0.4 of the cell.
        """
        with self._lock:
            state = self._state_before(start)
            block, _ = self._unwrap(self.source.read(start, stop), state)
        if atoms is None:
            return block
        speeds = block.velocities
        return FrameBlock(
            start,
            block.positions[:, atoms],
            None if speeds is None else speeds[:, atoms],
            block.cells,
        )

    def _state_before(self, start: int) -> _State | None:
        """The state of frame start - 1."""
        if start == 0:
            return None
        if self._behind is not None and self._behind[0] == start - 1:
            return self._behind[1]
        kept = max((frame for frame in self._images if frame < start), default=None)
        state = None
        at = 0
        if kept is not None:
            frame = self.source.read(kept, kept + 1)
            state = _State(_fractional(frame, 0), self._images[kept])
            at = kept + 1
        while at < start:
            behind = min(at + _KEEP_EVERY, start)
            _, state = self._unwrap(self.source.read(at, behind), state)
            at = behind
        return state

    def _unwrap(self, block: FrameBlock, state: _State | None) -> tuple[FrameBlock, _State | None]:
        """The block with whole cells added, in place, and the state of its last frame."""
        for index in range(len(block)):
            number = block.start + index
            fractional = _fractional(block, index)
            if state is None:
                images: IntArray = np.zeros(fractional.shape, dtype=np.int32)
            else:
                shifts, large = cell_shifts(
                    state.fractional, fractional, block.cells[index], self.periodic
                )
                images = state.images + shifts if shifts.any() else state.images
                self._count(large, number)
            state = _State(fractional, images)
            if images.any():
                block.positions[index] += images @ block.cells[index]
            if number % _KEEP_EVERY == 0:
                self._images[number] = images
        if state is not None:
            self._behind = (block.start + len(block) - 1, state)
        return block, state

    def _count(self, large: int, frame: int) -> None:
        if frame <= self._counted:
            return
        self._counted = frame
        if large and not self.large_steps:
            warnings.warn(
                f"{self.name}: {large} atoms move by more than {LARGE_STEP} of the cell between "
                f"frames {frame - 1} and {frame}: their way is not sure; write frames more often "
                "or unwrapped positions",
                LargeStepWarning,
                stacklevel=4,
            )
        self.large_steps += large


def _fractional(block: FrameBlock, index: int) -> FloatArray:
    return np.asarray(block.positions[index] @ _box(block.cells[index].tobytes()).inverse)
