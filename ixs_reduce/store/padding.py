"""Columns of unequal length as one rectangular array, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.arrays import FloatArray


def padded(columns: Sequence[FloatArray | None], n_points: int) -> FloatArray:
    """Columns as rows of an array (n_columns, n_points), NaN behind the end of the shorter ones.

    A column that is None becomes a row of NaN.
    """
    rows = np.full((len(columns), n_points), np.nan)
    for row, column in zip(rows, columns, strict=True):
        if column is not None:
            row[: column.size] = column
    return rows


def number_or_nan(value: float | None) -> float:
    """NaN where there is no number, for a column of an array."""
    return np.nan if value is None else float(value)


def number_or_none(value: float) -> float | None:
    """The way back from `number_or_nan`."""
    return None if np.isnan(value) else float(value)


def vectors_or_nan(vectors: Sequence[tuple[float, float, float] | None]) -> FloatArray:
    """(n, 3) array of vectors, NaN where there is none."""
    return np.array([v if v is not None else (np.nan,) * 3 for v in vectors]).reshape(-1, 3)


def vector_or_none(row: FloatArray) -> tuple[float, float, float] | None:
    """The way back from a row of `vectors_or_nan`."""
    if np.isnan(row).any():
        return None
    h, k, l = (float(value) for value in row)  # noqa: E741
    return h, k, l


def plotted_axis(energy_mev: FloatArray) -> FloatArray:
    """One energy axis (n_points,) for viewers, the mean over analyzers of (n_analyzers, n_points).

    Analyzers may stand at slightly different energies; a viewer draws all against one axis.
    Numbers for work are in the full array.
    """
    known = np.isfinite(energy_mev)
    total = np.where(known, energy_mev, 0.0).sum(axis=0)
    return np.divide(
        total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(axis=0)
    )
