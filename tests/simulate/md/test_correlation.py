"""Correlation functions by FFT against the plain sums."""

from __future__ import annotations

import numpy as np
import pytest

from simulate.md.correlation import autocorrelation_sum, squared_displacement_sum


def plain_autocorrelation(rows: np.ndarray) -> np.ndarray:
    frames = rows.shape[1]
    return np.array(
        [(rows[:, : frames - lag] * rows[:, lag:]).mean(axis=1).sum() for lag in range(frames)]
    )


def plain_squared_displacement(rows: np.ndarray) -> np.ndarray:
    frames = rows.shape[1]
    return np.array(
        [
            ((rows[:, lag:] - rows[:, : frames - lag]) ** 2).mean(axis=1).sum()
            for lag in range(frames)
        ]
    )


@pytest.mark.parametrize("frames", [1, 2, 7, 128, 301])
def test_autocorrelation_equals_the_plain_sums(frames: int) -> None:
    rows = np.random.default_rng(1).normal(size=(130, frames))
    np.testing.assert_allclose(
        autocorrelation_sum(rows), plain_autocorrelation(rows), atol=1e-11 * len(rows)
    )


@pytest.mark.parametrize("frames", [1, 2, 7, 128, 301])
def test_squared_displacement_equals_the_plain_sums(frames: int) -> None:
    rows = np.cumsum(np.random.default_rng(2).normal(size=(130, frames)), axis=1)
    np.testing.assert_allclose(
        squared_displacement_sum(rows), plain_squared_displacement(rows), rtol=1e-11
    )


def test_atoms_far_from_the_origin_lose_no_digits() -> None:
    small = np.cumsum(np.random.default_rng(3).normal(size=(4, 200)), axis=1) * 1e-3
    far = small + 1e3
    np.testing.assert_allclose(
        squared_displacement_sum(far), plain_squared_displacement(far), rtol=1e-9
    )


def test_fewer_lags_are_the_beginning_of_all() -> None:
    rows = np.random.default_rng(4).normal(size=(2, 3, 50))
    for function in (autocorrelation_sum, squared_displacement_sum):
        assert np.array_equal(function(rows, 10), function(rows)[:10])
