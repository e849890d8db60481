"""Supercells: their wave vectors, their cells, and who shares a force constant with whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simulate.phonons.short_range import (
    commensurate_q,
    lattice_points,
    nearest_images,
    to_real_space,
)

supercells = arrays(int, (3, 3), elements=st.integers(-2, 2)).map(
    lambda m: m + 2 * np.eye(3, dtype=int)
)


@given(supercells)
def test_cells_and_wave_vectors_of_a_supercell_are_complete(supercell: np.ndarray) -> None:
    size = abs(round(float(np.linalg.det(supercell))))
    assume(1 <= size <= 40)
    points, q = lattice_points(supercell), commensurate_q(supercell)
    assert points.shape == q.shape == (size, 3)
    np.testing.assert_allclose(q @ supercell.T, np.rint(q @ supercell.T), atol=1e-9)
    # Complete and without repetition: the plane waves are orthogonal.
    waves = np.exp(2j * np.pi * points @ q.T)
    np.testing.assert_allclose(waves @ waves.conj().T, size * np.eye(size), atol=1e-7 * size)


@given(supercells)
def test_real_space_and_back(supercell: np.ndarray) -> None:
    assume(1 <= abs(round(float(np.linalg.det(supercell)))) <= 20)
    cells, q = lattice_points(supercell), commensurate_q(supercell)
    constants = np.random.default_rng(1).normal(size=(len(cells), 2, 2))
    matrices = np.tensordot(np.exp(2j * np.pi * (q @ cells.T)), constants, axes=1)
    np.testing.assert_allclose(to_real_space(matrices, q, supercell), constants, atol=1e-12)


def test_images_half_a_supercell_away_share() -> None:
    cells, member, share = nearest_images(3 * np.eye(3), np.zeros((1, 3)), 2 * np.eye(3, dtype=int))
    # Of the 27 neighbours within one cell, those at a face, edge, corner share in 2, 4, 8.
    around = np.array(list(np.ndindex(3, 3, 3))) - 1
    expected = {tuple(c): 0.5 ** np.abs(c).sum() for c in around.tolist()}
    assert {tuple(c): s for c, s in zip(cells.tolist(), share[:, 0, 0], strict=True)} == expected
    np.testing.assert_array_equal(np.bincount(member), [1, 2, 2, 4, 2, 4, 4, 8])


@pytest.mark.parametrize("seed", range(3))
def test_images_are_the_nearest_in_skew_cells(seed: int) -> None:
    generator = np.random.default_rng(seed)
    vectors = 4 * np.eye(3) + generator.normal(size=(3, 3))
    vectors[2] += 3 * vectors[0]
    positions = generator.uniform(size=(2, 3))
    supercell = np.array([[2, 0, 1], [0, 2, 0], [-1, 1, 3]])
    cells, member, share = nearest_images(vectors, positions, supercell)
    classes = lattice_points(supercell)
    far = np.array(list(np.ndindex(11, 11, 11))) - 5
    for cell, which, parts in zip(cells, member, share, strict=True):
        for i, j in np.argwhere(parts > 0):
            start = positions[j] - positions[i]
            all_images = (start + classes[which] + far @ supercell) @ vectors
            nearest = np.linalg.norm(all_images, axis=1).min()
            assert np.linalg.norm((start + cell) @ vectors) == pytest.approx(nearest)
    for which in range(len(classes)):
        np.testing.assert_allclose(share[member == which].sum(axis=0), 1)
