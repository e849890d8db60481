"""Displacement and velocity correlations by FFT against the plain sums over all origins."""

from __future__ import annotations

import numpy as np

from benchmarks.timing import Measurement, best_seconds
from simulate.md.correlation import autocorrelation_sum, squared_displacement_sum

ROWS = 3 * 12
FRAMES = 4000


def run() -> list[Measurement]:
    """All measurements of this file."""
    generator = np.random.default_rng(1)
    speeds = generator.normal(size=(ROWS, FRAMES))
    paths = np.cumsum(speeds, axis=1)
    return [_displacements(paths), _velocities(speeds)]


def _displacements(paths: np.ndarray) -> Measurement:
    if not np.allclose(squared_displacement_sum(paths), _plain_displacement(paths), rtol=1e-9):
        raise RuntimeError("the two displacements do not agree")
    return Measurement(
        f"mean square displacement, {ROWS // 3} atoms × {FRAMES} frames, all lags",
        best_seconds(lambda: squared_displacement_sum(paths)),
        "plain sums over all origins",
        best_seconds(lambda: _plain_displacement(paths), 2),
        "20 times faster",
    )


def _velocities(speeds: np.ndarray) -> Measurement:
    if not np.allclose(autocorrelation_sum(speeds), _plain_correlation(speeds), atol=1e-9 * ROWS):
        raise RuntimeError("the two correlations do not agree")
    return Measurement(
        f"velocity autocorrelation, {ROWS // 3} atoms × {FRAMES} frames, all lags",
        best_seconds(lambda: autocorrelation_sum(speeds)),
        "plain sums over all origins",
        best_seconds(lambda: _plain_correlation(speeds), 2),
        "20 times faster",
    )


def _plain_displacement(rows: np.ndarray) -> np.ndarray:
    frames = rows.shape[1]
    sums = np.empty(frames)
    for lag in range(frames):
        moved = rows[:, lag:] - rows[:, : frames - lag]
        sums[lag] = np.einsum("rt,rt->", moved, moved) / (frames - lag)
    return sums


def _plain_correlation(rows: np.ndarray) -> np.ndarray:
    frames = rows.shape[1]
    sums = np.empty(frames)
    for lag in range(frames):
        sums[lag] = np.einsum("rt,rt->", rows[:, lag:], rows[:, : frames - lag]) / (frames - lag)
    return sums
