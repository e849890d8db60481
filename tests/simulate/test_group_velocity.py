"""Slopes against finite differences, closed forms and the known sound of CsCu2I3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.units import HBAR2_PER_AMU_A2_MEV, MEV_ANGSTROM_IN_KM_PER_S
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.group_velocity import group_velocities, sound_velocities
from tests.simulate.crystals import (
    crossing_chain,
    from_phonopy,
    phonopy_example,
    polarised,
    simple_cubic,
)
from tests.simulate.spring_crystals import triclinic, zincblende

STEP = 1e-5  # Å⁻¹
SOME_Q = np.array([[0.11, -0.23, 0.35], [1.3, 0.4, -0.7], [0.02, 0.01, -0.01]])
POLAR = polarised(replace(triclinic(), supercell=np.diag([3, 2, 2])))


def shifted(matrix: DynamicalMatrix, q: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    step = STEP * np.eye(3)[axis] @ matrix.vectors.T / (2 * np.pi)
    return q + step, q - step


@pytest.mark.parametrize("crystal", [triclinic(), POLAR], ids=["plain", "polar"])
def test_derivative_of_the_matrix_is_that_of_finite_differences(crystal: object) -> None:
    matrix = DynamicalMatrix.of(crystal)  # type: ignore[arg-type]
    gradient = matrix.gradient(SOME_Q)
    for axis in range(3):
        up, down = shifted(matrix, SOME_Q, axis)
        numeric = (matrix.at(up) - matrix.at(down)) / (2 * STEP)
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(gradient[:, axis], numeric, atol=1e-6 * scale)


def test_derivative_at_gamma_is_that_along_the_direction() -> None:
    matrix = DynamicalMatrix.of(POLAR)
    direction = np.array([0.3, -0.5, 0.2])
    along = matrix.to_cartesian(direction) / np.linalg.norm(matrix.to_cartesian(direction))
    gradient = np.tensordot(along, matrix.gradient(np.zeros((1, 3)), direction)[0], axes=1)
    step = STEP * along @ matrix.vectors.T / (2 * np.pi)
    numeric = (matrix.at(step) - matrix.at(-step))[0] / (2 * STEP)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6 * np.abs(gradient).max())


def test_velocities_are_slopes_of_the_energies() -> None:
    matrix = DynamicalMatrix.of(POLAR)
    velocity = group_velocities(matrix, SOME_Q[:2])
    for axis in range(3):
        up, down = (matrix.modes(q)[0] for q in shifted(matrix, SOME_Q[:2], axis))
        numeric = (up - down) / (2 * STEP) * MEV_ANGSTROM_IN_KM_PER_S
        np.testing.assert_allclose(velocity[:, :, axis], numeric, atol=1e-6)


def test_degenerate_modes_part_along_the_direction() -> None:
    # The doublet on a cube's diagonal splits linearly across it: one slope up, one down.
    matrix = DynamicalMatrix.of(zincblende())
    q = np.full((1, 3), 0.2)
    direction = np.array([1.0, -1.0, 0.0])
    energy, _ = matrix.modes(q)
    assert energy[0, 1] - energy[0, 0] < 1e-6
    along = matrix.to_cartesian(direction) / np.linalg.norm(matrix.to_cartesian(direction))
    slopes = (group_velocities(matrix, q, direction)[0] @ along)[:2]
    step = STEP * along @ matrix.vectors.T / (2 * np.pi)
    numeric = (matrix.modes(q + step)[0] - energy)[0, :2] / STEP * MEV_ANGSTROM_IN_KM_PER_S
    np.testing.assert_allclose(np.sort(slopes), np.sort(numeric), atol=5e-4)


def test_an_imaginary_branch_that_softens_goes_down() -> None:
    matrix = DynamicalMatrix.of(simple_cubic(np.array([[-1.0, 2.0, 3.0]] * 3), 40.0))
    velocity = group_velocities(matrix, np.array([[0.1, 0.1, 0.1]]))
    assert (velocity[0, 0] < 0).all()
    assert (velocity[0, 1:] > 0).all()


def test_acoustic_modes_at_gamma_have_no_velocity_optical_ones_do() -> None:
    velocity = group_velocities(DynamicalMatrix.of(zincblende()), np.zeros((1, 3)))
    assert np.isnan(velocity[0, :3]).all()
    np.testing.assert_allclose(velocity[0, 3:], 0, atol=1e-6)


def test_sound_of_a_cubic_lattice_of_springs() -> None:
    stiffness = np.array([[5.0, 2.0, 1.0], [2.0, 5.0, 1.0], [2.0, 2.0, 4.0]])
    matrix = DynamicalMatrix.of(simple_cubic(stiffness, 50.0))
    expected = 3.0 * np.sqrt(1e3 * HBAR2_PER_AMU_A2_MEV * stiffness[0] / 50.0)  # a √(k/M) ħ
    found = sound_velocities(matrix, np.array([7.0, 0, 0]))
    np.testing.assert_allclose(found, np.sort(expected) * MEV_ANGSTROM_IN_KM_PER_S, rtol=1e-5)


def test_sound_is_told_from_flat_modes_below_it() -> None:
    matrix = DynamicalMatrix.of(crossing_chain((-0.1, 0.2, 0.3), 2.0))
    found = sound_velocities(matrix, np.array([0, 0, 1.0]))
    expected = 3.0 * np.sqrt(1e3 * HBAR2_PER_AMU_A2_MEV * 2.0 * np.array([1.0, 1.3, 1.7]))
    np.testing.assert_allclose(found, expected * MEV_ANGSTROM_IN_KM_PER_S, rtol=1e-5)


def test_sound_of_cscu2i3_along_gamma_y(shared_data: Path) -> None:
    matrix = DynamicalMatrix.of(from_phonopy(phonopy_example(shared_data, "eff300K")))
    direction = np.array([-0.5, 0.5, 0.0])
    np.testing.assert_allclose(sound_velocities(matrix, direction), [0.86, 0.90, 1.89], atol=0.006)
    velocity = group_velocities(matrix, 0.01 * direction[None])[0, :3]
    along = matrix.to_cartesian(direction) / np.linalg.norm(matrix.to_cartesian(direction))
    np.testing.assert_allclose(velocity @ along, [0.86, 0.90, 1.89], atol=0.006)


@pytest.mark.parametrize("name", ["NaCl", "Zr3N4"])
def test_velocities_are_those_of_phonopy(shared_data: Path, name: str) -> None:
    phonon = phonopy_example(shared_data, name)
    matrix = DynamicalMatrix.of(from_phonopy(phonon))
    q = np.array([[0.1, 0.25, -0.2], [0.31, -0.12, 0.07]])
    phonon.run_qpoints(q, with_group_velocities=True)
    theirs = phonon.qpoints.group_velocities * 0.1  # THz Å = 0.1 km/s
    np.testing.assert_allclose(group_velocities(matrix, q), theirs, atol=1e-4)
