"""`ixs kappa check` and `ixs kappa linewidths`, as a user runs them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from simulate.transport.force_constant_clusters import read_force_constant_clusters
from simulate.transport.reading import read_linewidths
from simulate.transport.site_search import Relabelling
from tests.ixs_reduce.command import run
from tests.simulate.transport.pair_crystal import low_symmetry, zincblende
from tests.simulate.transport.test_force_constant_clusters import same_constants, written

SHUFFLE = Relabelling(np.array([1, 0, 4, 2, 5, 3]), np.zeros((6, 3), dtype=int))


@pytest.fixture
def shuffled(tmp_path: Path) -> Path:
    crystal = low_symmetry()
    return written(tmp_path, SHUFFLE.apply(crystal.constants(3)), crystal.structure)[0]


def test_check_reports_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shuffled: Path
) -> None:
    out = tmp_path / "FORCE_CONSTANTS_3RD"
    code, text, err = run(capsys, "kappa", "check", shuffled, "-o", out)
    assert code == 0
    assert f"written: {out}" in err
    assert "another order" in text
    assert "NOT PASSED" in text
    constants = low_symmetry().constants(3)
    assert same_constants(read_force_constant_clusters(out).constants, constants)
    code, text, _ = run(capsys, "kappa", "check", out)
    assert code == 0
    assert "NOT PASSED" not in text


def test_check_as_json(capsys: pytest.CaptureFixture[str], shuffled: Path) -> None:
    code, text, _ = run(capsys, "kappa", "check", shuffled, "--json")
    record = json.loads(text)
    assert code == 0
    assert record["order"] == 3
    assert record["passed"]
    assert not record["passed_as_read"]
    assert record["relabelled"]
    assert np.array(record["site"])[SHUFFLE.site].tolist() == [1, 2, 3, 4, 5, 6]
    assert sum(row["blocks"] for row in record["distances"]) == record["blocks"]
    assert {row["name"] for row in record["checks"]} >= {"acoustic sum rule", "space group P-1"}


def test_failed_checks_end_with_one_line(
    capsys: pytest.CaptureFixture[str], shuffled: Path
) -> None:
    code, text, err = run(capsys, "kappa", "check", shuffled, "--cutoff", "3.0")
    assert code == 1
    assert "NOT PASSED" in text
    assert "not all checks are passed; found atoms within the cutoff" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--control", "none"), "cannot be read"),
        (("--cutoff", "-2"), "no distance"),
        (("-o", "FORCE_CONSTANTS_3"), "its own place"),
        (("-o", "none/file"), "folder does not exist"),
    ],
)
def test_wrong_use_of_check_is_said(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    shuffled: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(shuffled.parent)
    code, _, err = run(capsys, "kappa", "check", shuffled, *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err


@pytest.fixture
def harmonic(tmp_path: Path) -> Path:
    """phonopy.yaml of the cubic crystal."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    crystal = zincblende()
    unit = PhonopyAtoms(
        list(crystal.structure.symbols),
        cell=crystal.structure.vectors.tolist(),
        scaled_positions=crystal.structure.positions.tolist(),
    )
    phonon = Phonopy(unit, np.diag([3, 3, 3]), primitive_matrix="P", log_level=0)
    phonon.force_constants = crystal.constants(2).in_supercell(phonon.supercell, phonon.primitive)
    phonon.save(tmp_path / "phonopy.yaml", settings={"force_constants": True})
    return tmp_path / "phonopy.yaml"


@pytest.fixture
def third(tmp_path: Path) -> Path:
    """Without a CONTROL beside it: the crystal of second order is taken."""
    crystal = zincblende()
    file, control = written(tmp_path, crystal.constants(3), crystal.structure)
    control.unlink()
    return file


def test_linewidths_into_every_kind_of_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], harmonic: Path, third: Path
) -> None:
    pytest.importorskip("phono3py")
    common = ("kappa", "linewidths", harmonic, third, "--mesh", "3 3 3")
    project, table, figure = tmp_path / "run.h5", tmp_path / "modes.csv", tmp_path / "tau.png"
    code, text, err = run(
        capsys, *common, "-o", project, "--csv", table, "--figure", figure,
        "--phono3py", tmp_path / "fc",
    )  # fmt: skip
    assert code == 0, err
    assert "κ of phono3py" in text
    assert {path.name for path in (tmp_path / "fc").iterdir()} == {
        "phono3py_params.yaml",
        "fc2.hdf5",
        "fc3.hdf5",
    }
    assert figure.stat().st_size > 1000
    kept = read_linewidths(project)
    assert kept.mesh == (3, 3, 3)
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == kept.energy_mev.size
    file = tmp_path / "kappa-m333.hdf5"
    code, text, _ = run(
        capsys, *common, "-o", file, "--temperature", "100", "--temperature", "300", "--json"
    )
    record = json.loads(text)
    assert code == 0
    assert record["temperature_k"] == 100
    assert np.shape(record["kappa_p"]) == np.shape(record["kappa_c"]) == (3, 3)
    assert np.shape(record["kappa_c_all"]) == (2, 3, 3)
    read = read_linewidths(file, structure=harmonic)
    assert read.temperature_k.tolist() == [100, 300]
    np.testing.assert_allclose(read.processes["3ph"][1], kept.processes["3ph"][0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mesh", "3 3"), "--mesh"),
        (("--mesh", "3 2.5 3"), "mesh"),
        (("--mesh", "3 3 3", "-o", "out.txt"), "neither a project nor a kappa file"),
        (("--mesh", "3 3 3", "--temperature", "-5"), "no temperatures"),
        (("--mesh", "3 3 3", "--supercell", "2 x 2"), "--supercell"),
        (("--mesh", "3 3 3", "--control", "none"), "cannot be read"),
        (("--mesh", "3 3 3", "--figure", "tau.txt"), "figure"),
    ],
)
def test_wrong_use_of_linewidths_is_said(
    capsys: pytest.CaptureFixture[str],
    harmonic: Path,
    third: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    pytest.importorskip("phono3py")
    code, _, err = run(capsys, "kappa", "linewidths", harmonic, third, *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
