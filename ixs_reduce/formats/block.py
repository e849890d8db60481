"""What a reader hands over before roles are known: one scan as labelled columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray
from ixs_reduce.scan import Flag

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """One scan of a file as labelled columns, nothing interpreted.

    Parameters
    ----------
    number, occurrence : int
        Number in the file; 1 for the first scan of that number, 2 for the next.
    command : str
        The command as typed.
    labels : tuple of str
        Labels of the columns, in the order of the file; a label may stand twice.
    columns : (n_labels, n_points) array
        The numbers, in measured order.
    line : int
        1-based line where the scan begins.
    label_line : int or None
        Line of the labels.
    data_lines : (n_points,) array or None
        Line of every point; None where the file has no lines.
    motors : mapping
        Motor name -> position at the start.
    header : mapping
        Name -> value of the scan's header fields.
    lattice : six floats or None
        a, b, c (Å), alpha, beta, gamma (degrees).
    comments : tuple of str
    flags : tuple of Flag
        What the reader noticed and mended.
    """

    number: int
    command: str
    labels: tuple[str, ...]
    columns: FloatArray
    line: int = 1
    occurrence: int = 1
    label_line: int | None = None
    data_lines: IntArray | None = None
    motors: Mapping[str, float] = field(default_factory=dict)
    header: Mapping[str, float] = field(default_factory=dict)
    lattice: tuple[float, float, float, float, float, float] | None = None
    comments: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def points(self) -> int:
        """Number of measured points."""
        return int(self.columns.shape[1])

    @property
    def label(self) -> str:
        """The scan's name within its file: "61", or "1.2" for the second scan numbered 1."""
        return str(self.number) if self.occurrence == 1 else f"{self.number}.{self.occurrence}"

    def column(self, label: str) -> FloatArray | None:
        """The first column of that label, (n_points,); None when there is none."""
        return self.columns[self.labels.index(label)] if label in self.labels else None

    def line_of(self, point: int) -> int | None:
        """Line of a point in the file."""
        return None if self.data_lines is None else int(self.data_lines[point])
