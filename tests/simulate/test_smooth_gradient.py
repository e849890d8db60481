"""The smooth derivative against finite differences of matrices with smooth phases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.smooth_gradient import smooth_gradient
from tests.simulate.crystals import polarised
from tests.simulate.spring_crystals import triclinic

STEP = 1e-5  # Å⁻¹
SOME_Q = np.array([[0.11, -0.23, 0.35], [1.3, 0.4, -0.7], [0.02, 0.01, -0.01]])
POLAR = polarised(replace(triclinic(), supercell=np.diag([3, 2, 2])))


def smooth_matrices(crystal: ForceConstants, q: np.ndarray) -> np.ndarray:
    """D with the phases of the atoms' places, written out."""
    lattice = DynamicalMatrix.of(crystal).at(q)
    phase = np.repeat(np.exp(2j * np.pi * q @ crystal.positions.T), 3, axis=1)
    return np.asarray(phase.conj()[:, :, None] * lattice * phase[:, None, :])


@pytest.mark.parametrize("crystal", [triclinic(), POLAR], ids=["plain", "polar"])
def test_it_is_the_slope_of_the_smooth_matrix_seen_with_lattice_phases(
    crystal: ForceConstants,
) -> None:
    places = crystal.positions @ crystal.vectors
    matrices, gradient = smooth_gradient(DynamicalMatrix.of(crystal), places, SOME_Q)
    np.testing.assert_allclose(matrices, DynamicalMatrix.of(crystal).at(SOME_Q), atol=1e-9)
    phase = np.repeat(np.exp(2j * np.pi * SOME_Q @ crystal.positions.T), 3, axis=1)
    for axis in range(3):
        step = STEP * np.eye(3)[axis] @ crystal.vectors.T / (2 * np.pi)
        up, down = (smooth_matrices(crystal, SOME_Q + sign * step) for sign in (1, -1))
        numeric = phase[:, :, None] * (up - down) / (2 * STEP) * phase.conj()[:, None, :]
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradient[:, axis], numeric, atol=1e-6 * scale)


@pytest.mark.parametrize("crystal", [triclinic(), POLAR], ids=["plain", "polar"])
def test_it_is_the_derivative_of_the_matrix_and_the_commutator_with_the_places(
    crystal: ForceConstants,
) -> None:
    matrix = DynamicalMatrix.of(crystal)
    q = np.vstack([SOME_Q, np.zeros(3)])
    places = crystal.positions @ crystal.vectors
    apart = np.repeat(places, 3, axis=0).T
    expected = (
        matrix.gradient(q) + 1j * (apart[:, None, :] - apart[:, :, None]) * matrix.at(q)[:, None]
    )
    _, gradient = smooth_gradient(matrix, places, q)
    np.testing.assert_allclose(gradient, expected, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(gradient, gradient.conj().swapaxes(2, 3), atol=1e-9)
