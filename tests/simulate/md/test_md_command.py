"""`ixs md` as a user types it, on the small CsCu2I3 trajectories and on what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.hop_statistics import HopRate
from simulate.md.project_results import md_results
from simulate.md.scattering_spectrum import DynamicStructureFactor
from simulate.md.vibrational_states import PhononDos
from tests.ixs_reduce.command import run


@pytest.fixture
def small(shared_data: Path) -> Path:
    return shared_data / "cscu2i3" / "md" / "md_300K_small.h5"


def test_info(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "md", "info", small, "--json")
    record = json.loads(out)
    assert code == 0
    assert (record["atoms"], record["frames"], record["dt_fs"]) == (288, 200, 40.0)
    assert record["species"] == {"Cs": 48, "Cu": 96, "I": 144}
    assert record["has_velocities"] is True


def test_convert_keeps_what_is_said_of_the_trajectory(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "run.h5"
    assert run(capsys, "md", "convert", small, "-o", store)[0] == 0
    records = [json.loads(run(capsys, "md", "pdos", f, "--json")[1]) for f in (small, store)]
    assert records[0]["temperature_k"] == pytest.approx(records[1]["temperature_k"], rel=1e-5)
    assert records[0]["temperature_k"] == pytest.approx(286, rel=0.03)
    states = np.array(records[1]["dos"]["Cu"]).sum() * np.diff(records[1]["energy_mev"])[0]
    assert states == pytest.approx(3 * 96, rel=0.05)


def test_a_caged_ion_has_a_limit_and_no_coefficient(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "msd.png"
    code, out, _ = run(capsys, "md", "msd", small, "--framework", "Cs,I", "--figure", figure)
    assert code == 0
    assert figure.is_file()
    copper = next(line.split() for line in out.splitlines() if line.startswith("Cu"))
    assert copper[2:4] == ["–", "–"]
    assert float(copper[4]) > 0
    record = json.loads(run(capsys, "md", "msd", small, "--json")[1])["species"]["Cu"]
    assert {"D_cm2_s", "stderr", "upper_limit", "axes"} <= record.keys()


def test_no_hop_is_a_limit_of_the_rate(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads(run(capsys, "md", "hops", small, "--element", "Cu", "--json")[1])
    assert record["hops"] == 0
    assert record["rate_upper_limit_per_ps"] > 0


@pytest.mark.parametrize("command", ["info", "msd", "pdos", "hops"])
def test_what_is_no_trajectory_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no trajectory\n", encoding="utf-8")
    code, _, err = run(capsys, "md", command, file)
    assert code == 1
    assert "notes.txt" in err
    assert "Traceback" not in err


def test_an_element_that_is_not_there(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "md", "msd", small, "--framework", "Xe")
    assert code == 1
    assert "Xe" in err


def test_mean_square_amplitudes_of_copper(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Against the known amplitudes of this run."""
    record = json.loads(run(capsys, "md", "msd", small, "--json")[1])
    amplitudes = record["species"]["Cu"]["mean_square_A2"]
    np.testing.assert_allclose(amplitudes, [0.029, 0.034, 0.065], rtol=0.15)


def test_paths_and_van_hove_are_drawn(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths, displaced = tmp_path / "paths.png", tmp_path / "van_hove.svg"
    asked = ("md", "hops", small, "--figure", paths, "--ions", "2", "--van-hove", displaced)
    assert run(capsys, *asked, "--times", "1 2")[0] == 0
    assert paths.stat().st_size > 1000
    assert displaced.read_text(encoding="utf-8").count("<path") > 10
    code, _, err = run(capsys, "md", "hops", small, "--figure", paths, "--ions", "0")
    assert (code, "no ions" in err) == (1, True)


def test_results_are_kept_in_a_project_and_reported(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.h5"
    for command in (
        ("msd", small, "--framework", "Cs,I", "--window", "0.12:0.48"),
        ("pdos", small, "--resolution", "2"),
        ("hops", small),
        ("sqw", small, "--q", "7 6.5 0", "--supercell", "2 2 3"),
    ):
        assert run(capsys, "md", *command, "-o", project)[0] == 0
    with Project(project).reading() as h5:
        states = md_results(h5, PhononDos)["md_300K_small"]
        displaced = md_results(h5, MeanSquareDisplacement)["md_300K_small"]
        spectra = md_results(h5, DynamicStructureFactor)
        assert md_results(h5, HopRate)["md_300K_small Cu"].count == 0
    assert states.dos.shape[:2] == (3, 3)
    assert displaced.elements == ("Cs", "Cu", "I")
    assert [one.q_hkl.tolist() for one in spectra.values()] == [[[7.0, 6.5, 0.0]]]
    assert run(capsys, "report", project, "-o", tmp_path / "report")[0] == 0
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    for words in ("Molecular dynamics", "0.12 to 0.48", "Completed hops", "95 % limits"):
        assert words.lower() in page.lower()
    code, _, err = run(capsys, "md", "msd", small, "-o", tmp_path / "result.csv")
    assert (code, "names no project" in err) == (1, True)
