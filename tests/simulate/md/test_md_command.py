"""`ixs md` as a user types it, on the small CsCu2I3 trajectories and on what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

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
