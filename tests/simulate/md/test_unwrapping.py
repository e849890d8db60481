"""Unwrapping by the shortest way."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from simulate.md.formats.raw_trajectory import HeldFrames
from simulate.md.unwrapping import LargeStepWarning, UnwrappedFrames, cell_shifts

SKEWED = np.array([[4.0, 0.0, 0.0], [1.9, 3.0, 0.0], [-1.9, 1.4, 3.5]])


def test_nearest_image_in_a_skewed_cell() -> None:
    """Against the shortest of 7³ images, where rounding fractions alone goes wrong."""
    rng = np.random.default_rng(3)
    before, after = rng.random((2, 4000, 3))
    shifts, _ = cell_shifts(before, after, SKEWED)
    cells = np.array(list(itertools.product(range(-3, 4), repeat=3)))
    steps = (after - before)[:, None] + cells
    shortest = np.linalg.norm(steps @ SKEWED, axis=2).min(axis=1)
    ours = np.linalg.norm((after - before + shifts) @ SKEWED, axis=1)
    np.testing.assert_allclose(ours, shortest, atol=1e-9)
    rounded = (after - before) - np.rint(after - before)
    assert np.linalg.norm(rounded @ SKEWED, axis=1).max() > shortest.max() + 0.1


def walk(steps: float) -> tuple[np.ndarray, np.ndarray]:
    """A random walk in the skewed cell, and the same wrapped."""
    rng = np.random.default_rng(4)
    truth = np.cumsum(rng.normal(size=(700, 20, 3)) * steps, axis=0)
    fractions = truth @ np.linalg.inv(SKEWED)
    truth -= np.floor(fractions[0]) @ SKEWED
    fractions -= np.floor(fractions)
    return truth, fractions @ SKEWED


def frames(positions: np.ndarray) -> HeldFrames:
    return HeldFrames(positions, None, np.broadcast_to(SKEWED, (len(positions), 3, 3)))


def test_walk_is_unwrapped_from_any_frame() -> None:
    truth, wrapped = walk(0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = UnwrappedFrames(frames(wrapped))
        for start, stop in ((600, 610), (0, 700), (255, 257), (256, 260), (513, 514)):
            np.testing.assert_allclose(
                source.read(start, stop).positions, truth[start:stop], atol=1e-9
            )
    assert np.abs(truth[-1] - wrapped[-1]).max() > 5.0
    assert source.large_steps == 0


def test_what_is_unwrapped_stays_as_it_is() -> None:
    truth, _ = walk(0.2)
    np.testing.assert_array_equal(UnwrappedFrames(frames(truth)).read(0, 700).positions, truth)


def test_directions_without_periodicity_are_left_alone() -> None:
    positions = np.zeros((2, 1, 3))
    positions[1, 0] = [3.9, 0.0, 3.4]
    cell = np.diag([4.0, 4.0, 4.0])
    source = UnwrappedFrames(
        HeldFrames(positions, None, np.array([cell, cell])), periodic=(True, True, False)
    )
    np.testing.assert_allclose(source.read(0, 2).positions[1, 0], [-0.1, 0.0, 3.4], atol=1e-12)


def test_large_steps_are_told_once() -> None:
    _, wrapped = walk(0.8)
    source = UnwrappedFrames(frames(wrapped), name="run.dump")
    with pytest.warns(LargeStepWarning, match=r"run\.dump: .*0\.4 of the cell") as told:
        source.read(0, 700)
    assert len(told) == 1
    counted = source.large_steps
    assert counted > 100
    source.read(0, 700)
    assert source.large_steps == counted
