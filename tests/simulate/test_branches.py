"""Branches through crossings whose course is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.units import HBAR2_PER_AMU_A2_MEV
from simulate.phonons.branches import matched_modes, track_branches
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from tests.simulate.crystals import crossing_chain, from_phonopy, phonopy_example
from tests.simulate.spring_crystals import zincblende

SCALE = 1e3 * HBAR2_PER_AMU_A2_MEV


def by_branch(energy: np.ndarray, branch: np.ndarray) -> np.ndarray:
    return np.take_along_axis(energy, np.argsort(branch, axis=1), axis=1)


@pytest.mark.parametrize("points", [50, 61])  # 61 meet the crossing sin² = ¼ exactly
def test_uncoupled_chains_cross(points: int) -> None:
    stiffness, on_site = 1.0, (1.0, 1.0, 2.5)
    crystal = crossing_chain(on_site, stiffness)
    qz = np.linspace(0.0, 0.5, points)
    q = np.column_stack([np.zeros((points, 2)), qz])
    energy, vectors = DynamicalMatrix.of(crystal).modes(q)
    found = by_branch(energy, track_branches(q, energy, vectors, crystal.positions))
    acoustic = 4 * stiffness * np.array([1.0, 1.3, 1.7]) * np.sin(np.pi * qz[:, None]) ** 2
    flat = np.tile(np.array(on_site), (points, 1))
    np.testing.assert_allclose(found**2, SCALE * np.hstack([acoustic, flat]), atol=1e-6)


def test_numbers_do_not_depend_on_which_cell_an_atom_is_counted_to() -> None:
    crystal = zincblende()
    q = np.linspace(0.02, 0.98, 30)[:, None] * np.array([0.5, 0.31, 0.12])
    energy, vectors = DynamicalMatrix.of(crystal).modes(q)
    moved = crystal.positions + np.array([[0, 0, 0], [3, -2, 1]])
    # u ∝ e exp(2πi q·L): with the atom counted to another cell, e takes the phase of that L.
    phase = np.exp(-2j * np.pi * q @ np.array([3, -2, 1]))
    other = vectors.copy()
    other[:, 3:] *= phase[:, None, None].conj()
    np.testing.assert_array_equal(
        track_branches(q, energy, other, 2 * crystal.positions - moved),
        track_branches(q, energy, vectors, crystal.positions),
    )


def test_numbers_do_not_depend_on_phases_and_bases() -> None:
    crystal = zincblende()
    q = np.linspace(0, 1, 41)[:, None] * np.array([0, 0.5, 0.5])
    energy, vectors = DynamicalMatrix.of(crystal).modes(q)
    turned = vectors * np.exp(1j * np.random.default_rng(1).uniform(0, 6, (41, 1, 6)))
    turned[:, :, :2] = turned[:, :, :2] @ np.array([[0.6, 0.8j], [0.8j, 0.6]])  # the TA doublet
    one, two = (
        by_branch(energy, track_branches(q, energy, v, crystal.positions))
        for v in (vectors, turned)
    )
    # Squares: the energies of the translations at Γ are square roots of rounding.
    np.testing.assert_allclose(one**2, two**2, atol=1e-9)


def test_silicon_along_gamma_x_gamma(shared_data: Path) -> None:
    """LA runs smoothly through X into LO of the next zone, and LO crosses TO on its way."""
    crystal = from_phonopy(phonopy_example(shared_data, "Si"))
    q = np.linspace(0, 1, 41)[:, None] * np.array([0.0, 1, 1])
    energy, vectors = DynamicalMatrix.of(crystal).modes(q)
    branches = by_branch(energy, track_branches(q, energy, vectors, crystal.positions))
    np.testing.assert_allclose(branches[::-1, 2], branches[:, 5], atol=1e-5)
    np.testing.assert_allclose(branches[[0, -1], 2], [0, energy[0, 5]], atol=1e-5)
    assert (np.diff(branches[:, 2]) > 0).all()
    assert np.abs(np.diff(branches, 2, axis=0)).max() < 0.2  # meV: no kink anywhere
    transverse = branches[:, 3:5]
    assert branches[1, 5] > transverse[1].max()
    assert branches[20, 5] < transverse[20].min()


def test_modes_nearby_are_matched_in_the_order_of_the_reference() -> None:
    crystal = crossing_chain((1.0, 1.1, 2.5), 1.0)
    matrix = DynamicalMatrix.of(crystal)
    before, after = np.array([[0, 0, 0.12]]), np.array([[0, 0, 0.12], [0, 0, 0.25]])
    energy, vectors = matrix.modes(before)
    others = matrix.modes(after)
    modes = matched_modes(vectors[0], others[1])
    np.testing.assert_array_equal(modes[0], np.arange(6))
    carried = np.take_along_axis(others[0], modes, axis=1)[1]
    acoustic = energy[0] < 0.99 * np.sqrt(SCALE)
    assert acoustic.sum() == 3
    np.testing.assert_allclose(carried[~acoustic], energy[0, ~acoustic])
