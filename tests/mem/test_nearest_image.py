"""Shortest images against all images of many cells around."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ixs_core.crystal import cell_vectors
from ixs_core.lattice import Lattice
from mem.nearest_image import nearest_distance, nearest_image

CELLS = [
    (10.0, 13.0, 6.0, 90, 90, 90),
    (5.0, 5.0, 8.0, 90, 90, 120),
    (9.0, 9.0, 9.0, 33, 33, 33),
    (9.0, 9.0, 9.0, 118, 118, 118),
    (20.0, 4.0, 7.0, 90, 25, 90),
    (6.0, 7.0, 8.0, 40, 65, 95),
    (30.0, 3.0, 4.0, 80, 30, 70),
]


@pytest.mark.parametrize("cell", CELLS)
def test_no_image_is_nearer(cell: tuple[float, ...]) -> None:
    vectors = cell_vectors(Lattice(*cell))
    apart = np.random.default_rng(1).uniform(-2, 2, (60, 3))
    reach = range(-14, 15)
    images = (apart - np.round(apart))[:, None] + np.array(list(product(reach, repeat=3)))
    expected = np.linalg.norm(images @ vectors, axis=2).min(axis=1)
    np.testing.assert_allclose(nearest_distance(apart, vectors), expected, rtol=1e-12)
    moved = nearest_image(apart, vectors) - apart
    np.testing.assert_allclose(moved, np.round(moved), atol=1e-9)


def test_any_shape_of_differences() -> None:
    vectors = cell_vectors(Lattice.cubic(4.0))
    assert nearest_distance(np.array([0.9, 0, 0]), vectors) == pytest.approx(0.4)
    assert nearest_distance(np.zeros((2, 5, 3)), vectors).shape == (2, 5)
    assert nearest_distance(np.zeros((0, 3)), vectors).shape == (0,)
