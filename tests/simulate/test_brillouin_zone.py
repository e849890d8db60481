"""The first zone against a search over many reciprocal lattice vectors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulate.phonons.brillouin_zone import FirstZone

MANY = np.array(list(itertools.product(range(-6, 7), repeat=3)))

cells = arrays(float, (3, 3), elements=st.floats(-1, 1).map(lambda x: round(x, 3)))
points = arrays(float, (4, 3), elements=st.floats(-9, 9))


@given(cells, points)
def test_no_equivalent_point_is_shorter_even_in_skew_cells(cell: np.ndarray, q: np.ndarray) -> None:
    vectors = 4 * np.eye(3) + 3 * cell
    lengths = np.linalg.norm(vectors, axis=1)
    assume(abs(np.linalg.det(vectors)) > 0.15 * lengths.prod())
    reduced, g = FirstZone.of(vectors).reduce(q)
    np.testing.assert_allclose(reduced + g, q, atol=1e-14)
    reciprocal = 2 * np.pi * np.linalg.inv(vectors).T
    others = np.linalg.norm((reduced[:, None] + MANY) @ reciprocal, axis=2)
    assert (np.linalg.norm(reduced @ reciprocal, axis=1) <= others.min(axis=1) + 1e-9).all()


def test_taking_whole_vectors_off_is_exact() -> None:
    zone = FirstZone.of(np.array([[4.0, 0, 0], [3.7, 1.9, 0], [-3.5, 2.0, 6.0]]))
    q = np.array([[0.125, -0.25, 0.0625]])  # exact in binary
    for g in ([0, 0, 0], [666, -666, 666], [3, 17, -5]):
        np.testing.assert_array_equal(zone.reduce(q + g)[0], zone.reduce(q)[0])


def test_corners_of_the_fcc_zone_are_those_of_the_truncated_octahedron() -> None:
    a = 5.0
    zone = FirstZone.of(a / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    corners = zone.corners() * a / (2 * np.pi)
    expected = {
        tuple(sign * x for sign, x in zip(signs, place, strict=True))
        for place in itertools.permutations((0.0, 0.5, 1.0))
        for signs in itertools.product((1, -1), repeat=3)
    }
    assert len(corners) == 24
    assert {tuple(c) for c in (np.round(corners, 9) + 0.0).tolist()} == {
        tuple(x + 0.0 for x in c) for c in expected
    }


@pytest.mark.parametrize("angle", [60.0, 90.0, 120.0])
def test_zone_has_the_volume_of_the_reciprocal_cell(angle: float) -> None:
    from ase.cell import Cell
    from scipy.spatial import ConvexHull

    vectors = np.array(Cell.fromcellpar([3.0, 4.0, 5.0, 80.0, 95.0, angle]))
    hull = ConvexHull(FirstZone.of(vectors).corners())
    assert hull.volume == pytest.approx((2 * np.pi) ** 3 / abs(np.linalg.det(vectors)))
