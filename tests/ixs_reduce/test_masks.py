"""Masked analyzers: kept in the project, left out of fits with a word, told in the report."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest

from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_core.project_notes import read_note, write_note
from ixs_reduce.report import read_measured
from ixs_reduce.store import read_fits, read_masks, write_masks
from sample_data.demo import cd2os2o7_scans
from tests.conftest import REPOSITORY
from tests.ixs_reduce.command import run

RESOLUTION = REPOSITORY / "sample_data" / "herix30id_resolution.json"


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "p.h5"
    assert run(capsys, "reduce", cd2os2o7_scans(), "-o", path, "--scans", "58")[0] == 0
    return path


def fitted(path: Path) -> list[str | None]:
    with Project(path).reading() as h5:
        return [fit.spectrum.analyzer for fit in read_fits(h5, "CdOsO_58")]


FIT = ("--resolution", RESOLUTION, "--modes", "1", "--starts", "1", "--analyzers", "Ana5,Ana6,Ana7")


def test_masks_come_back(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        assert read_masks(h5) == {}
        write_masks(h5, {"a_1": {"Ana2", "Ana1"}, "a_2": set()})
    with project.reading() as h5:
        assert read_masks(h5) == {"a_1": {"Ana1", "Ana2"}}
        assert h5["entry/notes/masks"].attrs["NX_class"] == "NXnote"


def test_notes_are_any_json_and_replace_each_other(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    content = {"path": [[0.5, -0.25, 1e-300]], "name": "µ/Å", "none": None}
    with project.writing() as h5:
        write_note(h5, "view", [1])
        write_note(h5, "view", content)
    with project.reading() as h5:
        assert read_note(h5, "view") == content
        assert read_note(h5, "other") is None


def test_damaged_masks_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path / "p.h5")
    with project.writing() as h5:
        write_note(h5, "masks", ["Ana1"])
    with project.reading() as h5, pytest.raises(InputError, match="masks are damaged"):
        read_masks(h5)
    with h5py.File(project.path, "r+") as h5:
        del h5["entry/notes/masks/data"]
        h5["entry/notes/masks/data"] = "{"
    with project.reading() as h5, pytest.raises(InputError, match="choices are damaged"):
        read_masks(h5)


def test_masked_spectra_are_not_fitted_and_it_is_said(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "fit", project, *FIT)[0] == 0
    assert fitted(project) == ["Ana5", "Ana6", "Ana7"]
    with Project(project).writing() as h5:
        write_masks(h5, {"CdOsO_58": {"Ana6"}})
    code, out, _ = run(capsys, "fit", project, *FIT)
    assert code == 0
    assert "Ana6 in scan 58: masked by the user" in out
    assert fitted(project) == ["Ana5", "Ana7"]
    code, out, _ = run(capsys, "fit", project, *FIT, "--json")
    left_out = {(item["analyzer"], item["reason"]) for item in json.loads(out)["left_out"]}
    assert ("Ana6", "masked by the user") in left_out


def test_the_report_shows_no_masked_fit_and_says_why(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "fit", project, *FIT)[0] == 0
    with Project(project).writing() as h5:
        write_masks(h5, {"CdOsO_58": {"Ana6"}})
    measured = read_measured(Project(project))
    assert {fit.spectrum.analyzer for fit in measured.fits} == {"Ana5", "Ana7"}
    flags = {s.analyzer: [f.code for f in s.flags] for s in measured.spectra}
    assert "masked" in flags["Ana6"]
    assert "masked" not in flags["Ana5"]
    folder = project.parent / "report"
    assert run(capsys, "report", project, "-o", folder)[0] == 0
    assert "masked by the user" in (folder / "index.html").read_text(encoding="utf-8")
