"""The dipole part against electrostatics, a plain sum, and what it must leave unchanged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV
from simulate.phonons.dipole import DipoleSum, atom_pairs
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.scratch import Scratch
from simulate.phonons.short_range import commensurate_q
from tests.simulate.crystals import from_phonopy, phonopy_example, polarised
from tests.simulate.spring_crystals import triclinic

CRYSTAL = polarised(replace(triclinic(), supercell=np.array([[3, 0, 0], [1, 2, 0], [0, -1, 3]])))
SOME_Q = np.array([[0.1, -0.2, 0.15], [0.4, 0.3, -0.05], [0.0, 0.0, 1e-3], [-0.02, 0.45, 0.3]])


def test_blocks_are_the_plain_sum_over_reciprocal_vectors() -> None:
    dipole = DipoleSum.of(CRYSTAL)
    blocks = dipole.blocks(SOME_Q, None, Scratch()).reshape(len(SOME_Q), -1, 3, 3)
    lattice = np.concatenate([dipole.half, -dipole.half, np.zeros((1, 3))])
    for one, found in zip(SOME_Q, blocks, strict=True):
        k = one @ dipole.reciprocal + lattice
        squared = np.einsum("ka,ab,kb->k", k, dipole.dielectric, k)
        weight = np.exp(-dipole.damping * squared) / squared
        for (i, j), block in zip(atom_pairs(4).T, found, strict=True):
            phase = np.exp(1j * (k @ (dipole.positions[i] - dipole.positions[j])))
            left, right = k @ dipole.charges[i], k @ dipole.charges[j]
            expected = np.einsum("k,ka,kb->ab", weight * phase, left, right)
            np.testing.assert_allclose(block, expected, atol=1e-9 * np.abs(blocks).max())


def test_the_supercells_own_wave_vectors_keep_what_was_calculated() -> None:
    q = commensurate_q(CRYSTAL.supercell)[1:]  # Γ apart
    polar = DynamicalMatrix.of(CRYSTAL).at(q)
    plain = DynamicalMatrix.of(replace(CRYSTAL, polar=None)).at(q)
    np.testing.assert_allclose(polar, plain, atol=1e-9 * np.abs(plain).max())


def test_away_from_them_the_dipole_term_matters() -> None:
    polar = DynamicalMatrix.of(CRYSTAL).at(SOME_Q)
    assert np.abs(polar - DynamicalMatrix.of(replace(CRYSTAL, polar=None)).at(SOME_Q)).max() > 1


def test_gamma_along_a_direction_is_the_limit_from_there() -> None:
    matrix = DynamicalMatrix.of(CRYSTAL)
    for direction in np.array([[1.0, 0, 0], [0.2, -0.7, 0.4]]):
        at_gamma = matrix.at(np.zeros((1, 3)), direction)
        nearby = matrix.at(1e-7 * direction[None])
        np.testing.assert_allclose(nearby, at_gamma, atol=1e-3)
        elsewhere = matrix.at(np.array([[4.0, -2, 7]]), 9 * direction)
        np.testing.assert_allclose(elsewhere, at_gamma, atol=1e-9)
    assert np.abs(matrix.at(np.zeros((1, 3))) - at_gamma).max() > 1


def test_lo_to_splitting_of_nacl(shared_data: Path) -> None:
    crystal = from_phonopy(phonopy_example(shared_data, "NaCl"))
    polar = crystal.polar
    assert polar is not None
    matrix = DynamicalMatrix.of(crystal)
    analytic, _ = matrix.modes(np.zeros((1, 3)))
    np.testing.assert_allclose(analytic[0, 3:], analytic[0, 3], atol=1e-6)
    reduced_mass = 1 / (1 / crystal.masses).sum()
    charge_squared = polar.born[0, 0, 0] ** 2 * polar.coulomb * 1e3
    splitting = (  # E_LO² - E_TO² = ħ² 4π e² Z² / (V ε μ)
        4 * np.pi * charge_squared * HBAR2_PER_AMU_A2_MEV
        / (crystal.volume * polar.dielectric[0, 0] * reduced_mass)
    )  # fmt: skip
    for direction in ([1, 0, 0], [1, 1, 2], [0.3, -0.7, 0.1]):
        energy, _ = matrix.modes(np.zeros((1, 3)), np.array(direction, dtype=float))
        np.testing.assert_allclose(energy[0, :3], 0, atol=1e-4)
        np.testing.assert_allclose(energy[0, 3:5], analytic[0, 3], rtol=1e-9)
        assert energy[0, 5] ** 2 - energy[0, 4] ** 2 == pytest.approx(splitting, rel=1e-9)


def test_atoms_without_charge_see_no_field() -> None:
    assert CRYSTAL.polar is not None
    neutral = replace(CRYSTAL.polar, born=np.zeros_like(CRYSTAL.polar.born))
    matrix = DynamicalMatrix.of(replace(CRYSTAL, polar=neutral))
    plain = DynamicalMatrix.of(replace(CRYSTAL, polar=None))
    np.testing.assert_allclose(matrix.at(SOME_Q), plain.at(SOME_Q), atol=1e-10)


def test_a_dielectric_tensor_must_be_positive() -> None:
    assert CRYSTAL.polar is not None
    wrong = replace(CRYSTAL.polar, dielectric=np.diag([3.0, 3.0, -3.0]))
    with pytest.raises(InputError, match="dielectric tensor"):
        DynamicalMatrix.of(replace(CRYSTAL, polar=wrong))


def test_a_crystal_without_charges_is_refused() -> None:
    with pytest.raises(ValueError, match="no Born charges"):
        DipoleSum.of(triclinic())
