"""Degenerate groups, and sums over them that do not depend on the basis."""

from __future__ import annotations

import numpy as np
from scipy.stats import unitary_group

from simulate.phonons.degeneracy import degenerate_groups, group_means, group_sums

ENERGY = np.array([[0.0, 5.0, 5.00005, 7.0], [1.0, 1.0002, 1.00025, 1.0003], [-2.0, 0, 3.0, 9.0]])


def test_neighbours_within_the_tolerance_belong_together() -> None:
    expected = [[0, 1, 1, 2], [0, 1, 1, 1], [0, 1, 2, 3]]
    np.testing.assert_array_equal(degenerate_groups(ENERGY), expected)
    assert degenerate_groups(ENERGY, 1e-2)[1].tolist() == [0, 0, 0, 0]


def test_sums_and_means_stay_within_their_q_and_group() -> None:
    values = np.array([[1.0, 2.0, 4.0, 8.0]] * 3)
    groups = degenerate_groups(ENERGY)
    sums = [[1, 6, 6, 8], [1, 14, 14, 14], [1, 2, 4, 8]]
    np.testing.assert_allclose(group_sums(values, groups), sums)
    np.testing.assert_allclose(group_means(values, groups)[0], [1, 3, 3, 8])


def test_sums_do_not_depend_on_the_basis() -> None:
    generator = np.random.default_rng(1)
    vectors = unitary_group.rvs(4, random_state=generator)
    groups = np.array([[0, 1, 1, 1]])
    turned = vectors.copy()
    turned[:, 1:] = vectors[:, 1:] @ unitary_group.rvs(3, random_state=generator)
    probe = generator.normal(size=4) + 1j * generator.normal(size=4)
    one, two = (np.abs(probe @ basis)[None] ** 2 for basis in (vectors, turned))
    assert np.abs(one - two).max() > 0.1
    np.testing.assert_allclose(group_sums(one, groups), group_sums(two, groups))
