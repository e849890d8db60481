"""Fitted force constants against finite displacements, exact models and the shipped ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from ixs_core.errors import InputError
from ixs_core.units import THZ_IN_MEV
from simulate.md.force_constant_fit import (
    EffectiveForceConstants,
    effective_force_constants,
)
from simulate.md.force_snapshots import ForceSnapshots, read_force_snapshots
from simulate.phonons import load_force_constants
from tests.simulate.md.memory_trajectory import memory_trajectory

pytest.importorskip("symfc")
COPPER = bulk("Cu", "fcc", a=3.60, cubic=True).repeat(2)  # near EMT's own lattice constant
GAMMA_X = np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.0], [0.5, 0.5, 0.5]])  # commensurate


def _displaced(amplitude: float, count: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    return COPPER.positions + amplitude * rng.standard_normal((count, len(COPPER), 3))


def _snapshots(amplitude: float, count: int = 6) -> ForceSnapshots:
    positions = _displaced(amplitude, count)
    forces = []
    for moved in positions:
        atoms = COPPER.copy()
        atoms.positions = moved
        atoms.calc = EMT()
        forces.append(atoms.get_forces())
    return ForceSnapshots(
        tuple(COPPER.get_chemical_symbols()),
        COPPER.cell[:],
        positions,
        np.array(forces),
        COPPER.positions,
        COPPER.positions,
    )


def _energies(phonon: object, q: np.ndarray) -> np.ndarray:
    phonon.run_qpoints(q)  # type: ignore[attr-defined]
    return np.asarray(phonon.qpoints.frequencies) * THZ_IN_MEV  # type: ignore[attr-defined]


def _finite_displacements() -> object:
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    unit = PhonopyAtoms(
        ["Cu"], cell=bulk("Cu", "fcc", a=3.60).cell[:], scaled_positions=[[0, 0, 0]]
    )
    phonon = Phonopy(unit, [[-2, 2, 2], [2, -2, 2], [2, 2, -2]], primitive_matrix=np.eye(3))
    phonon.generate_displacements(distance=0.005)
    forces = []
    for cell in phonon.supercells_with_displacements:
        atoms = Atoms(cell.symbols, cell=cell.cell, positions=cell.positions, pbc=True)
        atoms.calc = EMT()
        forces.append(atoms.get_forces())
    phonon.forces = forces
    phonon.produce_force_constants()
    return phonon


def test_small_displacements_give_the_harmonic_force_constants() -> None:
    fitted = effective_force_constants(_snapshots(0.003), rotational=False)
    assert fitted.reference.space_group == "Fm-3m"
    assert len(fitted.reference.primitive_species) == 1
    assert fitted.quality.r2 > 0.999
    cell = fitted.reference.primitive
    peer = _finite_displacements()
    # The two primitive cells may differ: the same wave vectors in Å⁻¹.
    cartesian = GAMMA_X @ np.linalg.inv(peer.primitive.cell).T  # type: ignore[attr-defined]
    np.testing.assert_allclose(
        _energies(fitted.phonon, cartesian @ cell.T), _energies(peer, GAMMA_X), rtol=0.01
    )


@pytest.fixture(scope="module")
def fitted() -> EffectiveForceConstants:
    return effective_force_constants(_snapshots(0.05))


def test_rotational_rules_hold_and_symmetry_stays(fitted: EffectiveForceConstants) -> None:
    assert max(fitted.residuals) < 1e-10
    assert fitted.quality.r2 <= fitted.quality_before.r2 + 1e-12
    cubic = np.linalg.inv(fitted.reference.primitive).T
    same = np.array([[0.1, 0.03, 0.02], [0.03, 0.1, -0.02], [0.02, -0.03, 0.1]])
    energies = _energies(fitted.phonon, same @ np.linalg.inv(cubic))
    np.testing.assert_allclose(energies[1:], energies[[0, 0]], rtol=1e-8)
    values = np.array(fitted.phonon.force_constants)
    fitted.phonon.symmetrize_force_constants()
    np.testing.assert_allclose(fitted.phonon.force_constants, values, atol=1e-10)


def test_forces_of_a_harmonic_crystal_are_explained_exactly(
    fitted: EffectiveForceConstants, tmp_path: Path
) -> None:
    phonon = fitted.phonon
    rng = np.random.default_rng(8)
    u = 0.1 * rng.standard_normal((8, len(phonon.supercell), 3))
    from phonopy.harmonic.force_constants import compact_fc_to_full_fc

    full = compact_fc_to_full_fc(phonon.primitive, phonon.force_constants)
    sites = phonon.supercell.positions
    again = effective_force_constants(
        ForceSnapshots(
            tuple(phonon.supercell.symbols),
            phonon.supercell.cell,
            sites + u,
            -np.einsum("ijab,fjb->fia", full, u),
            sites,
        )
    )
    assert again.quality.r2 == pytest.approx(1.0, abs=1e-9)
    assert len(again.imaginary) == 0
    q = np.array([[0.1, 0.2, 0.3], [0.5, 0.0, 0.0]])
    np.testing.assert_allclose(
        _energies(
            again.phonon,
            q @ np.linalg.inv(fitted.reference.primitive).T @ again.reference.primitive.T,
        ),
        _energies(phonon, q),
        rtol=1e-6,
    )
    saved = load_force_constants(again.save(tmp_path / "fc.yaml"))
    np.testing.assert_allclose(saved.matrices, again.force_constants.matrices, atol=1e-9)


def test_frames_of_a_trajectory_with_a_calculator() -> None:
    positions = _displaced(0.05, 12)
    trajectory = memory_trajectory(positions, tuple(COPPER.get_chemical_symbols()), COPPER.cell[:])
    found = effective_force_constants(trajectory, EMT(), every=2, tolerance=0.2)
    assert found.snapshots == 6
    assert found.reference.space_group == "Fm-3m"
    with pytest.raises(InputError, match="holds no forces"):
        effective_force_constants(trajectory)


def test_too_few_snapshots_are_refused() -> None:
    snapshots = _snapshots(0.05, 1)
    moved = replace(snapshots, mean_positions=snapshots.positions[0], ideal_positions=None)
    with pytest.raises(InputError, match="do not determine"):
        effective_force_constants(moved, tolerance=1e-3)


def test_snapshots_from_extended_xyz_are_unwrapped(tmp_path: Path) -> None:
    snapshots = _snapshots(0.05, 4)
    images = []
    for positions, forces in zip(snapshots.positions, snapshots.forces, strict=True):
        atoms = Atoms("Cu32", positions, cell=COPPER.cell, pbc=True)
        atoms.wrap()
        atoms.calc = SinglePointCalculator(atoms, forces=forces)
        images.append(atoms)
    file = tmp_path / "run.xyz"
    write(file, images, format="extxyz")
    found = read_force_snapshots(file)
    steps = np.diff(found.positions, axis=0)
    np.testing.assert_allclose(steps, np.diff(snapshots.positions, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.forces, snapshots.forces, atol=1e-6)
    file.write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="no snapshots with forces"):
        read_force_snapshots(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_force_snapshots(tmp_path / "none.xyz")


@pytest.mark.slow
def test_cscu2i3_at_300_k(shared_data: Path) -> None:
    import phonopy

    folder = shared_data / "cscu2i3"
    found = effective_force_constants(
        read_force_snapshots(folder / "md" / "md_300K_2x2x3.h5"), cutoff=8.0
    )
    assert found.reference.space_group == "Cmcm"
    assert len(found.imaginary) == 0
    assert found.snapshots == 83
    shipped = phonopy.load(
        folder / "force_constants" / "phonopy_params_eff300K.yaml.xz", log_level=0
    )
    gamma = np.zeros((1, 3))
    ours, theirs = _energies(found.phonon, gamma)[0], _energies(shipped, gamma)[0]
    np.testing.assert_allclose(ours[3:], theirs[3:], rtol=0.05)
    # Huang's rule: the same elastic constant for (direction, displacement) = (y, z) and (z, y).
    for first, second in ((0, 1), (0, 2), (1, 2)):
        speeds = [_speed(found.phonon, a, b) for a, b in ((first, second), (second, first))]
        assert speeds[0] == pytest.approx(speeds[1], rel=1e-3)


def _speed(phonon: object, along: int, displaced: int) -> float:
    """Energy of the acoustic mode at a short wave vector, over its length."""
    axes = np.eye(3)
    q = 1e-3 * axes[along] @ phonon.primitive.cell.T  # type: ignore[attr-defined]
    phonon.run_qpoints([q], with_eigenvectors=True)  # type: ignore[attr-defined]
    vectors = phonon.qpoints.eigenvectors[0]  # type: ignore[attr-defined]
    masses = np.repeat(np.sqrt(phonon.primitive.masses), 3)  # type: ignore[attr-defined]
    share = np.abs((np.tile(axes[displaced], len(masses) // 3) * masses) @ vectors[:, :3])
    return float(phonon.qpoints.frequencies[0][int(np.argmax(share))])  # type: ignore[attr-defined]
