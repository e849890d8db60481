"""Smaller copies of a frame for the screen, on which a spot of a single pixel stays visible."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import BoolArray

Float32Array = NDArray[np.float32]

_NOTHING: Float32Array = np.zeros((0, 0), np.float32)


def reduced_copies(
    values: NDArray[Any], mask: BoolArray, smallest: int = 256
) -> tuple[Float32Array, ...]:
    """Copies in which a pixel is the largest of 2 × 2, 4 × 4, … pixels.

    Parameters
    ----------
    values : (ny, nx) array
    mask : (ny, nx) bool array
        Gaps: NaN in the copies where a whole block is missing.
    smallest : int
        No further copy once the longer edge has so many pixels or less.

    Returns
    -------
    tuple of float32 arrays
        Copy i has ceil(n / 2^(i+1)) pixels along an edge; empty for small frames.
    """
    copies: list[Float32Array] = []
    present = shown_values(values, mask) if max(values.shape) > smallest else _NOTHING
    while max(present.shape) > smallest:
        present = _halved(present)
        copies.append(present)
    return tuple(copies)


def shown_values(values: NDArray[Any], mask: BoolArray) -> Float32Array:
    """Values as float32, NaN in gaps."""
    shown = values.astype(np.float32)
    shown[mask] = np.nan
    return shown


def _halved(values: Float32Array) -> Float32Array:
    """The largest of every 2 × 2, of what there is at odd edges; NaN only where all are NaN."""
    rows = values[0::2].copy()
    below = values[1::2]
    np.fmax(rows[: len(below)], below, out=rows[: len(below)])
    largest = rows[:, 0::2].copy()
    beside = rows[:, 1::2]
    part = largest[:, : beside.shape[1]]
    np.fmax(part, beside, out=part)
    return largest
