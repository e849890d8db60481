"""`ixs md run` on copper: conserved energy, equipartition, and going on with a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write

from simulate.md.reading import read_trajectory
from tests.ixs_reduce.command import run

SHORT = ("--equilibration", "0.2", "--step", "4", "--every", "5", "--temperature", "300")


@pytest.fixture
def copper(tmp_path: Path) -> Path:
    path = tmp_path / "POSCAR"
    write(path, bulk("Cu", "fcc", a=3.6, cubic=True), format="vasp")
    return path


def test_a_short_run(copper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copper.parent / "run.h5"
    asked = ("md", "run", copper, "-o", store, "--potential", "emt", "--supercell", "2 2 2")
    code, out, err = run(capsys, *asked, *SHORT, "--production", "0.4", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert (record["atoms"], record["frames"], record["dt_fs"]) == (32, 21, 20.0)
    assert record["finished"] is True
    assert abs(record["drift_mev_atom"]) < 0.5
    trajectory = read_trajectory(store)
    assert (trajectory.n_atoms, trajectory.n_frames, trajectory.dt_fs) == (32, 21, 20.0)
    # The temperature is that of the stored velocities: kT = m⟨v²⟩/3.
    block = trajectory.read()
    assert block.velocities is not None
    in_ase = block.velocities / (1000 * units.fs)
    kelvin = 63.546 * np.mean(np.sum(in_ase**2, axis=-1)) / (3 * units.kB)
    assert record["temperature_k"] == pytest.approx(kelvin, rel=1e-3)
    # The forces beside the positions are those of the potential.
    last = read(record["frames_file"])
    stored = last.get_forces()  # type: ignore[union-attr]
    last.calc = EMT()  # type: ignore[union-attr]
    np.testing.assert_allclose(stored, last.get_forces(), atol=1e-6)  # type: ignore[union-attr]

    code, out, _ = run(capsys, *asked, *SHORT, "--production", "0.5")
    assert code == 0
    assert "26 frames" in out
    again = read_trajectory(store).read(0, 21)
    np.testing.assert_allclose(again.positions, block.positions, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--potential", "none"), "no such calculator"),
        (("--potential", "emt", "--supercell", "2 2"), "--supercell"),
        (("--potential", "emt", "--supercell", "2 2 0.5"), "--supercell"),
        (("--potential", "emt", "--production", "-1"), "production_ps"),
        (("--potential", "emt", "-o", "run.txt"), "--output"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    copper: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    store = copper.parent / "run.h5"
    code, _, err = run(capsys, "md", "run", copper, "-o", store, *SHORT, *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert not store.exists()


def test_partly_occupied_sites_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "alloy.cif"
    file.write_text(
        "data_alloy\n_cell_length_a 3.6\n_cell_length_b 3.6\n_cell_length_c 3.6\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        "_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "_atom_site_occupancy\nCu1 Cu 0 0 0 0.7\nAu1 Au 0.5 0.5 0.5 1\n",
        encoding="utf-8",
    )
    code, _, err = run(
        capsys, "md", "run", file, "-o", tmp_path / "run.h5", "--potential", "emt", *SHORT
    )
    assert code == 1
    assert "Cu 0.7" in err


def test_what_is_no_structure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("nothing\n", encoding="utf-8")
    code, _, err = run(
        capsys, "md", "run", file, "-o", tmp_path / "run.h5", "--potential", "emt", *SHORT
    )
    assert code == 1
    assert "notes.txt" in err
    assert "Traceback" not in err
