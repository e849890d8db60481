"""Columns of a map: spectra side by side, each with its own place in Q and its own energies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray

_USUAL_STEPS, _SHARE = 1.5, 0.05  # how far a column reaches at most: steps, share of the map
_SAME = 1e-6  # positions closer than this share of the usual step are one


@dataclass(frozen=True)
class ColumnGrid:
    """A map of columns.

    Parameters
    ----------
    left, right : (n,) arrays
        Edges of the columns, ascending; a gap between two columns holds nothing.
    energy_edges : tuple of (m + 1,) arrays
        Edges of the cells of each column, ascending, in meV.
    values : tuple of (m,) arrays
        NaN where nothing is known.
    """

    left: FloatArray
    right: FloatArray
    energy_edges: tuple[FloatArray, ...]
    values: tuple[FloatArray, ...]

    @property
    def empty(self) -> bool:
        """Whether no column holds a number."""
        return not any(np.isfinite(column).any() for column in self.values)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, right, lowest and highest energy of all columns; zeros without any."""
        edges = [edge for edge in self.energy_edges if edge.size]
        if not edges:
            return (0.0, 0.0, 0.0, 0.0)
        low, high = min(edge[0] for edge in edges), max(edge[-1] for edge in edges)
        return float(self.left[0]), float(self.right[-1]), float(low), float(high)

    @property
    def all_values(self) -> FloatArray:
        """All numbers in a row."""
        return np.concatenate(self.values) if self.values else np.zeros(0)

    def column_at(self, position: float) -> int | None:
        """The column over a position, None in a gap or outside."""
        column = int(np.searchsorted(self.left, position, side="right")) - 1
        return column if column >= 0 and position < self.right[column] else None

    def value_at(self, position: float, energy_mev: float) -> float:
        """The number under a point; NaN where there is none."""
        column = self.column_at(position)
        if column is None:
            return float("nan")
        edges = self.energy_edges[column]
        row = int(np.searchsorted(edges, energy_mev, side="right")) - 1
        return float(self.values[column][row]) if 0 <= row < edges.size - 1 else float("nan")


def column_grid(
    position: FloatArray, energies: Sequence[FloatArray], values: Sequence[FloatArray]
) -> ColumnGrid:
    """Columns at rising positions (n,), cells at ascending energies: edges lie half-way.

    The first and last cell are as wide beyond their centre as towards their neighbour. Where the
    next column is far (more than three usual steps and a tenth of the map) a gap stays open;
    columns at the same position share its width, first to last.
    """
    left, right = column_edges(position)
    return ColumnGrid(left, right, tuple(half_way(energy) for energy in energies), tuple(values))


def half_way(centers: FloatArray) -> FloatArray:
    """Edges (n + 1,) of bins with these (n,) ascending centres; empty without centres."""
    if centers.size < 2:
        return np.array([c + side for c in centers for side in (-0.5, 0.5)])
    middle = (centers[1:] + centers[:-1]) / 2
    first, last = 2 * centers[0] - middle[0], 2 * centers[-1] - middle[-1]
    return np.concatenate(([first], middle, [last]))


def column_edges(position: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left and right edges (n,) of columns at rising positions (n,)."""
    if not position.size:
        return np.zeros(0), np.zeros(0)
    steps = np.diff(position)
    apart = steps[steps > 0]
    usual = float(np.median(apart)) if apart.size else 1.0
    starts = np.concatenate(([0], np.flatnonzero(steps > _SAME * usual) + 1, [position.size]))
    centers = position[starts[:-1]]
    gaps = np.diff(centers)
    farthest = max(_USUAL_STEPS * usual, _SHARE * float(position[-1] - position[0]))
    reach = np.minimum(gaps / 2, farthest)
    before = np.concatenate((reach[:1], reach)) if reach.size else np.array([usual / 2])
    after = np.concatenate((reach, reach[-1:])) if reach.size else np.array([usual / 2])
    left, right = np.empty(position.size), np.empty(position.size)
    for k, (first, last) in enumerate(itertools.pairwise(starts)):
        edges = np.linspace(centers[k] - before[k], centers[k] + after[k], last - first + 1)
        left[first:last], right[first:last] = edges[:-1], edges[1:]
    return left, right
