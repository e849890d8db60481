"""Third order in a supercell: forces of pair potentials, other cells of the crystal, phono3py."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.crystal_match import on_crystal
from simulate.transport.force_constant_clusters import read_force_constant_clusters
from simulate.transport.third_order_supercell import (
    SupercellThirdOrder,
    smallest_supercell,
    third_order_in_supercell,
    write_third_order,
)
from tests.simulate.transport.pair_crystal import PairCrystal, low_symmetry, zincblende

SHARED = Path(os.environ.get("IXS_SHARED", "../shared")) / "data"
CSCU2I3 = SHARED / "cscu2i3/force_constants"


def cells_of(structure: CrystalStructure, repeats: Any) -> Phonopy:
    unit = PhonopyAtoms(
        list(structure.symbols),
        cell=structure.vectors.tolist(),
        scaled_positions=structure.positions.tolist(),
    )
    return Phonopy(unit, np.diag(repeats), primitive_matrix="P", log_level=0)


def folded(crystal: PairCrystal, repeats: Any) -> tuple[SupercellThirdOrder, Any]:
    phonon = cells_of(crystal.structure, repeats)
    found = third_order_in_supercell(
        crystal.constants(3), crystal.structure, phonon.supercell, phonon.primitive
    )
    return found, phonon


@pytest.mark.parametrize("make", [zincblende, low_symmetry])
def test_forces_of_second_order_in_displacements(make: Any) -> None:
    """F_i = -½ Σ Φ_ijk u_j u_k against forces of the potential itself, displaced by ±u."""
    crystal = make()
    repeats = smallest_supercell(crystal.constants(3), crystal.structure)
    found, phonon = folded(crystal, repeats)
    assert (found.shared, found.far) == (0, 0)
    assert found.notes() == ()
    assert found.sum_rule < 1e-12
    cell = phonon.supercell
    rest = np.array(cell.positions)
    u = np.random.default_rng(3).standard_normal(rest.shape)
    step = 2e-3
    plus, none, minus = (
        crystal.forces(rest + scale * u, rest, np.array(cell.cell)) for scale in (step, 0, -step)
    )
    direct = (plus - 2 * none + minus)[found.home] / 2 / step**2
    ours = -np.einsum("ijkabc,jb,kc->ia", found.values, u, u) / 2
    np.testing.assert_allclose(ours, direct, atol=2e-5 * np.abs(direct).max())
    assert np.abs(direct).max() > 0.01


def test_small_supercells_are_told() -> None:
    crystal = zincblende()
    found, _ = folded(crystal, (2, 2, 2))
    # Second neighbours across half of the cell have several images as near.
    assert found.shared > 0
    assert any("equally near" in note for note in found.notes())
    assert found.sum_rule < 1e-12
    found, _ = folded(crystal, (1, 1, 1))
    assert found.far + found.shared > 0


def test_smallest_supercell_is_just_large_enough() -> None:
    for crystal in (zincblende(), low_symmetry()):
        constants = crystal.constants(3)
        repeats = smallest_supercell(constants, crystal.structure)
        heights = 1 / np.linalg.norm(np.linalg.inv(crystal.structure.vectors), axis=0)
        farthest = max(np.linalg.norm(crystal.arm(*bond)) for bond in crystal.bonds())
        assert (repeats * heights > 2 * farthest).all()
        assert ((repeats - 1) * heights <= 2 * farthest).all()


def test_fourth_order_and_huge_supercells_are_refused() -> None:
    crystal = zincblende()
    phonon = cells_of(crystal.structure, (2, 2, 2))
    with pytest.raises(InputError, match=r"third order; found order 4"):
        third_order_in_supercell(
            crystal.constants(4), crystal.structure, phonon.supercell, phonon.primitive
        )
    huge = SimpleNamespace(positions=np.zeros((5488, 3)))
    with pytest.raises(InputError, match=r"too large.*GB"):
        third_order_in_supercell(crystal.constants(3), crystal.structure, huge, phonon.primitive)


TURN = np.array([[1, 0, 0], [1, 1, 0], [0, -1, 1]])


def other_description(structure: CrystalStructure) -> tuple[CrystalStructure, np.ndarray]:
    """Other primitive vectors, another order of atoms, other cells, places 0.02 Å off."""
    rng = np.random.default_rng(8)
    order = rng.permutation(len(structure.symbols))
    positions = structure.positions @ np.linalg.inv(TURN)
    positions = positions[order] + rng.integers(-2, 3, positions.shape)
    vectors = TURN @ structure.vectors
    noise = rng.uniform(-0.012, 0.012, positions.shape) @ np.linalg.inv(vectors)
    symbols = tuple(structure.symbols[k] for k in order)
    return CrystalStructure(vectors, positions + noise, symbols), order


def arms(constants: ClusterConstants, structure: CrystalStructure, k: int) -> np.ndarray:
    """Å, from the first atom of each block to another."""
    x = structure.positions[constants.atoms]
    return np.asarray((x[:, k] + constants.cells[:, k - 1] - x[:, 0]) @ structure.vectors)


def test_other_description_of_the_crystal() -> None:
    """Each block stays between the same places in space."""
    crystal = low_symmetry()
    own = crystal.structure
    constants = crystal.constants(3)
    other, order = other_description(own)
    carried, distance = on_crystal(constants, own, other)
    assert 0.001 < distance < 0.022
    np.testing.assert_array_equal(order[carried.atoms], constants.atoms)
    for k in (1, 2):
        np.testing.assert_allclose(arms(constants, own, k), arms(carried, other, k), atol=0.05)
    back, _ = on_crystal(carried, other, own)
    np.testing.assert_array_equal(back.atoms, constants.atoms)
    np.testing.assert_array_equal(back.cells, constants.cells)


def test_different_crystals_are_refused() -> None:
    own = low_symmetry().structure
    constants = low_symmetry().constants(3)
    with pytest.raises(InputError, match=r"different primitive cells.*same axes"):
        on_crystal(constants, own, replace(own, vectors=1.1 * own.vectors))
    with pytest.raises(InputError, match="different primitive cells"):
        on_crystal(constants, own, replace(own, vectors=np.diag([2, 1, 1]) @ own.vectors))
    with pytest.raises(InputError, match=r"different crystals.*Å from its place"):
        on_crystal(constants, own, replace(own, positions=own.positions + np.array([0.25, 0, 0])))
    with pytest.raises(InputError, match="Cu2 I4 and Cu3 I3"):
        on_crystal(constants, own, replace(own, symbols=("Cu", "Cu", "Cu", "I", "I", "I")))


def test_file_is_that_of_phono3py(tmp_path: Path) -> None:
    file_io = pytest.importorskip("phono3py.file_IO")
    found, _ = folded(zincblende(), (2, 2, 2))
    write_third_order(tmp_path / "fc3.hdf5", found)
    read = file_io.read_fc3_from_hdf5(tmp_path / "fc3.hdf5", p2s_map=found.home)
    np.testing.assert_array_equal(read, found.values)
    with h5py.File(tmp_path / "fc3.hdf5") as h5:
        assert h5["p2s_map"][()].tolist() == found.home.tolist()
    with pytest.raises(InputError, match="folder does not exist"):
        write_third_order(tmp_path / "none/fc3.hdf5", found)


@pytest.mark.skipif(not CSCU2I3.exists(), reason="IXS_SHARED is not there")
def test_large_supercell_needs_little_memory() -> None:
    """324 atoms: the array itself (272 MB), and hardly more."""
    third = read_force_constant_clusters(CSCU2I3 / "FORCE_CONSTANTS_3RD")
    phonon = cells_of(third.structure, (3, 3, 3))
    tracemalloc.start()
    found = third_order_in_supercell(
        third.constants, third.structure, phonon.supercell, phonon.primitive
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.values.shape == (12, 324, 324, 3, 3, 3)
    assert peak < 1.3 * found.values.nbytes
    assert (found.shared, found.far) == (0, 0)
    assert found.sum_rule < 1e-9
    total = ClusterConstants(third.constants.atoms, third.constants.cells, third.constants.values)
    assert np.abs(found.values).sum() == pytest.approx(np.abs(total.values).sum(), rel=1e-12)
