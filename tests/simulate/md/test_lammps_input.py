"""The LAMMPS data file read back by ASE, and what the script says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from ixs_core.errors import InputError
from simulate.md.lammps_input import lammps_files, write_lammps_files
from simulate.md.run import RunSettings

SETTINGS = RunSettings(300.0, step_fs=4.0, equilibration_ps=10.0, production_ps=16.0, every=5)


@pytest.mark.parametrize(
    "cell",
    [
        np.diag([5.0, 6.0, 7.0]),
        [[5.0, 0.3, 0.1], [-4.0, 6.0, 0.2], [1.0, 2.0, 7.0]],
        [[0.0, 4.0, 0.0], [0.0, 0.0, 5.0], [6.0, 0.0, 0.0]],
    ],
)
def test_ase_reads_the_same_crystal(tmp_path: Path, cell: list[list[float]]) -> None:
    rng = np.random.default_rng(1)
    atoms = Atoms("Cs2CuI3", scaled_positions=rng.random((6, 3)), cell=cell, pbc=True)
    files = lammps_files(atoms, SETTINGS, ("Cs", "Cu", "I"))
    script, data = write_lammps_files(tmp_path, files)
    found = read(data, format="lammps-data", atom_style="atomic")
    assert found.get_chemical_symbols() == atoms.get_chemical_symbols()
    assert found.get_volume() == pytest.approx(atoms.get_volume())
    # Nothing that turning and other lattice vectors change: distances to all images.
    np.testing.assert_allclose(
        found.get_all_distances(mic=True), atoms.get_all_distances(mic=True), atol=1e-9
    )
    text = script.read_text(encoding="utf-8")
    assert "pair_style mlip load_from=mlip.ini\n" in text
    assert "run 2500\n" in text
    assert "run 4000\n" in text
    assert "timestep 0.004\n" in text
    assert "element Cs Cu I sort id" in text
    with pytest.raises(InputError, match="exists"):
        write_lammps_files(tmp_path, files)


def test_faults_are_named() -> None:
    atoms = Atoms("NaCl", [(0, 0, 0), (1, 1, 1)], cell=np.eye(3) * 4, pbc=True)
    with pytest.raises(InputError, match="species"):
        lammps_files(atoms, SETTINGS, ("Na",))
    with pytest.raises(InputError, match="one word"):
        lammps_files(atoms, SETTINGS, ("Na", "Cl"), "a b\nshell rm")
    with pytest.raises(InputError, match="one line"):
        lammps_files(atoms, SETTINGS, ("Na", "Cl"), pair_style="lj\nshell ls")
    atoms.pbc = False
    with pytest.raises(InputError, match="periodic"):
        lammps_files(atoms, SETTINGS, ("Na", "Cl"))
