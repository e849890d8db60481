"""The dynamical matrix against closed forms, symmetry, phonopy and Euphonic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV, THZ_IN_MEV
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.scratch import Scratch
from tests.simulate.crystals import (
    diatomic_chain,
    from_phonopy,
    phonopy_example,
    polarised,
    simple_cubic,
)
from tests.simulate.spring_crystals import triclinic

SCALE = 1e3 * HBAR2_PER_AMU_A2_MEV  # of eV/Å²/amu in meV²
EXAMPLES = ["Si", "NaCl", "Zr3N4", "eff300K", "harmonic0K"]
POLAR = polarised(replace(triclinic(), supercell=np.diag([4, 3, 3])))

wave_vectors = arrays(float, (3, 3), elements=st.floats(-3, 3))


@pytest.fixture(scope="module")
def polar_triclinic() -> DynamicalMatrix:
    return DynamicalMatrix.of(POLAR)


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest, shared_data: Path) -> tuple[Any, DynamicalMatrix]:
    phonon = phonopy_example(shared_data, request.param)
    return phonon, DynamicalMatrix.of(from_phonopy(phonon))


@given(wave_vectors)
def test_simple_cubic_lattice_has_its_closed_form(q: np.ndarray) -> None:
    stiffness = np.array([[5.0, 2.0, 1.0], [1.5, 4.0, 0.7], [0.4, 1.1, 3.0]])
    energy, _ = DynamicalMatrix.of(simple_cubic(stiffness, 50.0)).modes(q)
    squared = SCALE / 50.0 * 2 * (1 - np.cos(2 * np.pi * q)) @ stiffness
    np.testing.assert_allclose(energy**2, np.sort(squared, axis=1), atol=1e-9)


@given(st.floats(-3, 3), st.floats(1, 200), st.floats(1, 200))
def test_diatomic_chain_has_its_closed_form(qz: float, mass_a: float, mass_b: float) -> None:
    crystal = diatomic_chain(3.0, (mass_a, mass_b))
    energy, _ = DynamicalMatrix.of(crystal).modes(np.array([[0.3, -0.1, qz]]))
    total = 1 / mass_a + 1 / mass_b
    root = np.sqrt(max(total**2 - 4 * np.sin(np.pi * qz) ** 2 / (mass_a * mass_b), 0.0))
    squared = 3.0 * SCALE * np.array([total - root, total + root]).repeat(3)
    np.testing.assert_allclose(energy[0] ** 2, squared, atol=1e-9 * SCALE)


def test_imaginary_modes_are_negative() -> None:
    stiffness = np.array([[1.0, -0.5, 2.0]] * 3)
    energy, _ = DynamicalMatrix.of(simple_cubic(stiffness, 10.0)).modes(np.full((1, 3), 0.5))
    expected = np.sqrt(12 * SCALE / 10 * np.abs(stiffness[0])) * np.sign(stiffness[0])
    np.testing.assert_allclose(energy[0], np.sort(expected))


@settings(max_examples=25, deadline=None)
@given(wave_vectors)
def test_matrices_are_hermitian_and_know_no_arrow_of_time(
    polar_triclinic: DynamicalMatrix, q: np.ndarray
) -> None:
    matrices = polar_triclinic.at(q)
    np.testing.assert_array_equal(matrices, matrices.conj().swapaxes(1, 2))
    np.testing.assert_allclose(
        polar_triclinic.at(-q), matrices.conj(), atol=1e-10 * np.abs(matrices).max()
    )


@settings(max_examples=25, deadline=None)
@given(wave_vectors, arrays(int, 3, elements=st.integers(-700, 700)))
def test_matrices_are_periodic(
    polar_triclinic: DynamicalMatrix, q: np.ndarray, g: np.ndarray
) -> None:
    q = np.round(q, 6) + 0.05  # Γ is not for this test: rounding would move it off or onto itself
    np.testing.assert_allclose(polar_triclinic.at(q + g), polar_triclinic.at(q), atol=1e-7)


def test_modes_solve_the_matrices(polar_triclinic: DynamicalMatrix) -> None:
    q = np.random.default_rng(2).uniform(-1, 1, (300, 3))  # more than a chunk
    matrices = polar_triclinic.at(q)
    energy, vectors = polar_triclinic.modes(q)
    squared = energy * np.abs(energy)
    np.testing.assert_allclose(matrices @ vectors, vectors * squared[:, None], atol=1e-9)
    np.testing.assert_allclose(np.diff(energy, axis=1) >= 0, True)


def test_kept_work_arrays_change_nothing(polar_triclinic: DynamicalMatrix) -> None:
    q = np.random.default_rng(3).uniform(-1, 1, (150, 3))
    scratch = Scratch()
    whole = polar_triclinic.modes(q)
    parts = [polar_triclinic.modes(q[part], None, scratch) for part in np.split(range(150), [70])]
    for one, two in zip(whole, zip(*parts, strict=True), strict=True):
        np.testing.assert_allclose(np.abs(np.concatenate(two)), np.abs(one), atol=1e-9)


def test_broken_reciprocity_is_refused() -> None:
    crystal = simple_cubic(np.ones((3, 3)))
    broken = crystal.matrices.copy()
    broken[0, 0, 1] += 0.1
    with pytest.raises(InputError, match="seen from the other one"):
        DynamicalMatrix.of(replace(crystal, matrices=broken))
    with pytest.raises(InputError, match="without its opposite"):
        DynamicalMatrix.of(
            replace(crystal, translations=crystal.translations[1:], matrices=crystal.matrices[1:])
        )


def test_energies_are_those_of_phonopy(example: tuple[Any, DynamicalMatrix]) -> None:
    phonon, matrix = example
    q = np.random.default_rng(1).uniform(-4, 4, (200, 3))
    inside, _ = matrix.zone.reduce(q)  # phonopy's dipole sum does not reach far outside
    phonon.run_qpoints(inside)
    theirs = phonon.qpoints.frequencies * THZ_IN_MEV
    energy, _ = matrix.modes(q)
    # phonopy's constants differ by 2e-8 from CODATA's.
    np.testing.assert_allclose(energy, theirs, atol=1.5e-5)


def test_energies_repeat_in_every_zone_to_1e_10_thz(
    example: tuple[Any, DynamicalMatrix],
) -> None:
    _, matrix = example
    generator = np.random.default_rng(4)
    q = generator.uniform(-0.5, 0.5, (200, 3))
    energy, _ = matrix.modes(q)
    g = generator.integers(-20, 21, q.shape)
    g[0] = 666
    assert np.abs(matrix.modes(q + g)[0] - energy).max() < 1e-10 * THZ_IN_MEV


def test_nothing_jumps_on_the_border_of_the_zone(example: tuple[Any, DynamicalMatrix]) -> None:
    _, matrix = example
    corners = matrix.zone.corners() @ np.linalg.inv(matrix.to_cartesian(np.eye(3)))
    between = (corners[:, None] + corners[None]).reshape(-1, 3) / 2
    on_border = between[np.abs(between).max(axis=1) > 0.2]
    inside, outside = on_border * (1 - 3e-15), on_border * (1 + 3e-15)
    assert (matrix.zone.reduce(inside)[1] != matrix.zone.reduce(outside)[1]).any()
    jump = matrix.modes(inside)[0] - matrix.modes(outside)[0]
    assert np.abs(jump).max() < 1e-10 * THZ_IN_MEV


def test_translations_cost_nothing(example: tuple[Any, DynamicalMatrix]) -> None:
    phonon, matrix = example
    squared, _ = np.linalg.eigh(matrix.at(np.zeros((1, 3)))[0])
    assert np.sort(np.abs(squared))[2] < 1e-8
    shift = np.kron(np.sqrt(phonon.primitive.masses)[:, None], np.eye(3))
    assert np.abs(matrix.at(np.zeros((1, 3)))[0] @ shift).max() < 1e-6


def test_imaginary_modes_of_harmonic_cscu2i3(shared_data: Path) -> None:
    matrix = DynamicalMatrix.of(from_phonopy(phonopy_example(shared_data, "harmonic0K")))
    energy, _ = matrix.modes(np.array([[0, 0, 0], [-0.5, 0.5, 0]]))
    np.testing.assert_allclose(energy[0, :2], [-5.51, -5.29], atol=0.01)
    assert energy[1, 0] == pytest.approx(-6.10, abs=0.01)


@pytest.mark.parametrize("name", ["Si", "eff300K"])
def test_energies_are_those_of_euphonic(shared_data: Path, tmp_path: Path, name: str) -> None:
    from euphonic import ForceConstants

    phonon = phonopy_example(shared_data, name)
    phonon.save(tmp_path / "phonopy.yaml", settings={"force_constants": True})
    peer = ForceConstants.from_phonopy(path=tmp_path, summary_name="phonopy.yaml")
    q = np.random.default_rng(5).uniform(-3, 3, (50, 3))
    theirs = peer.calculate_qpoint_phonon_modes(q, asr=None, n_threads=1).frequencies
    energy, _ = DynamicalMatrix.of(from_phonopy(phonon)).modes(q)
    np.testing.assert_allclose(energy, np.sort(theirs.to("meV").magnitude, axis=1), atol=1e-9)


@pytest.mark.parametrize(("name", "within"), [("NaCl", 1e-8), ("Zr3N4", 1e-5)])
def test_polar_energies_are_those_of_euphonic(
    shared_data: Path, tmp_path: Path, name: str, within: float
) -> None:
    """Euphonic has the whole Ewald sum; ours tends to it with the number of points."""
    from euphonic import ForceConstants, ureg

    phonon = phonopy_example(shared_data, name)
    crystal = from_phonopy(phonon)
    assert crystal.polar is not None
    # Its reader takes the charges transposed and not neutral: they are given by hand.
    phonon.nac_params = None
    phonon.save(tmp_path / "phonopy.yaml", settings={"force_constants": True})
    plain = ForceConstants.from_phonopy(path=tmp_path, summary_name="phonopy.yaml")
    dielectric = crystal.polar.dielectric / crystal.polar.coulomb * ureg("e^2/(angstrom*eV)")
    peer = ForceConstants.from_total_fc_with_dipole(
        plain.crystal,
        plain.force_constants,
        plain.sc_matrix,
        plain.cell_origins,
        crystal.polar.born * ureg("e"),
        dielectric.to("e^2/(bohr*hartree)"),
    )
    q = np.random.default_rng(5).uniform(-0.5, 0.5, (50, 3))
    theirs = peer.calculate_qpoint_phonon_modes(q, asr=None, n_threads=1).frequencies
    energy, _ = DynamicalMatrix.of(crystal, ewald_points=3000).modes(q)
    np.testing.assert_allclose(energy, np.sort(theirs.to("meV").magnitude, axis=1), atol=within)
