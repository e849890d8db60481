"""Which part of a frame, at which size, is drawn: no more than the screen can show. No Qt here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gui.models.frames_content import LoadedFrame
from ixs_core.arrays import FloatArray
from ixs_core.frame_reduction import Float32Array, shown_values

_FINEST_BLOCK = 0.85  # pixels of the screen: few rows and columns are left out by drawing
_MARGIN = 0.15  # of what is seen, on each side, so that a small pan needs nothing new


@dataclass(frozen=True)
class View:
    """What is seen of a frame: its edges in pixels of the frame, and screen pixels per pixel."""

    left: float
    right: float
    top: float
    bottom: float
    scale: float


@dataclass(frozen=True)
class Crop:
    """A part of a copy of the frame: level 0 is the frame, level n has blocks of 2ⁿ pixels.

    Rows and columns are of blocks: from, to (not included).
    """

    level: int
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def size(self) -> int:
        """Pixels along the edge of a block."""
        return 1 << self.level

    def centres(self) -> tuple[FloatArray, FloatArray]:
        """Centres of the blocks in pixels of the frame, along x and along y."""
        x, y = (
            (np.arange(first, last) + 0.5) * self.size - 0.5
            for first, last in (self.columns, self.rows)
        )
        return x, y


def level_for(loaded: LoadedFrame, scale: float) -> int:
    """The copy whose blocks are about a pixel of the screen or more, or the smallest."""
    wanted = math.ceil(math.log2(_FINEST_BLOCK / scale)) if 0 < scale < _FINEST_BLOCK else 0
    return min(wanted, len(loaded.copies))


def crop_for(loaded: LoadedFrame, view: View) -> Crop:
    """What to draw for a view, with a margin."""
    level = level_for(loaded, view.scale)
    ny, nx = _shape(loaded, level)
    return Crop(
        level,
        _blocks(view.top, view.bottom, 1 << level, ny),
        _blocks(view.left, view.right, 1 << level, nx),
    )


def still_fits(crop: Crop, loaded: LoadedFrame, view: View) -> bool:
    """Whether what is drawn also serves another view."""
    if level_for(loaded, view.scale) != crop.level:
        return False
    ny, nx = _shape(loaded, crop.level)
    ends = ((view.top, view.bottom, crop.rows, ny), (view.left, view.right, crop.columns, nx))
    return all(
        (first == 0 or first <= (low + 0.5) / crop.size)
        and (last == n or last >= (high + 0.5) / crop.size)
        for low, high, (first, last), n in ends
    )


def pixels_of(loaded: LoadedFrame, crop: Crop) -> Float32Array:
    """The values (rows, columns) of a crop, NaN in gaps."""
    where = (slice(*crop.rows), slice(*crop.columns))
    if crop.level == 0:
        frame = loaded.frame
        return shown_values(frame.values[where], frame.mask[where])
    return loaded.copies[crop.level - 1][where]


def _shape(loaded: LoadedFrame, level: int) -> tuple[int, int]:
    ny, nx = loaded.frame.shape if level == 0 else loaded.copies[level - 1].shape
    return ny, nx


def _blocks(low: float, high: float, size: int, n: int) -> tuple[int, int]:
    margin = _MARGIN * (high - low)
    first = math.floor((low - margin + 0.5) / size)
    last = math.ceil((high + margin + 0.5) / size)
    first = min(max(first, 0), n - 1)
    return first, max(min(last, n), first + 1)
