"""`ixs fit --modes predicted` on a project, merged scans too, and the page that comes of it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from ixs_core.report import FigureStore
from ixs_reduce import Resolution
from ixs_reduce.mode_merging import branch_text
from ixs_reduce.report import measured_sections, read_measured
from ixs_reduce.store import read_fits, write_predictions, write_spectra
from tests.ixs_reduce.command import run
from tests.ixs_reduce.predicted_sets import Case, Crystal, case

MADE = provenance_of("ixs sqe", {})
R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)])


def cases(scan: str, k: float) -> list[Case]:
    """Three analyzers of an invented crystal of 12 branches, through the nominal resolution."""
    generator = np.random.default_rng(7)
    crystal = Crystal.invented(7, 12)
    return [
        case(
            crystal, np.array([1.3 + 0.1 * i, k, 0.2]), f"a{i}", generator, scan=scan, resolution=R
        )
        for i in range(3)
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan and a merged set; the last analyzer of the merged set has no prediction."""
    path = tmp_path_factory.mktemp("predicted") / "p.h5"
    with Project(path).writing() as h5:
        for scan, k in (("7", 0.4), ("2+3", 0.7)):
            made = cases(scan, k)
            key = f"array_{scan}"
            write_spectra(h5, key, [c.spectrum for c in made], MADE)
            known = made if scan == "7" else made[:2]
            write_predictions(h5, key, [c.predicted for c in known], MADE)
    return path


def test_modes_carry_their_branches(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "modes.csv"
    arguments = ["fit", project, "--modes", "predicted", "--fwhm", "1.5", "--csv", table, "--json"]
    code, out, err = run(capsys, *arguments)
    assert code == 0, err
    printed = json.loads(out)
    assert [(fit["scan"], fit["analyzer"]) for fit in printed["fits"]] == [
        ("2+3", "a0"),
        ("2+3", "a1"),
        ("7", "a0"),
        ("7", "a1"),
        ("7", "a2"),
    ]
    (left,) = printed["left_out"]
    assert (left["scan"], left["analyzer"]) == ("2+3", "a2")
    assert "ixs sqe FC --at" in left["reason"]
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for fit in printed["fits"]:
        own = [r for r in rows if (r["scan"], r["analyzer"]) == (fit["scan"], fit["analyzer"])]
        assert [row["branch"] for row in own] == fit["branches"]
        assert all(number.isdecimal() for row in own for number in row["branch"].split("+"))
    folded = [fit["folded"] for fit in printed["fits"] if fit["folded"]]
    assert folded
    assert {"branch", "energy_mev", "amplitude"} == set(folded[0]["modes"][0])
    assert any("merged" in row["flags"] for row in rows)


def test_fits_tell_what_made_them_and_run_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "fit", project, "--modes", "predicted", "--fwhm", "1.5")
    assert code == 0, err
    assert "[" in out
    assert "branches of the calculation" in out
    with Project(project).reading() as h5:
        fits = read_fits(h5, "array_2+3")
        record = json.loads(h5["entry/fits/array_2+3/provenance/record"].asstr()[()])
    assert fits[0].branches
    assert record["parents"] == ["spectra/array_2+3", "predictions/array_2+3"]
    code, out, err = run(capsys, "fit", project, "--rerun")
    assert code == 0, err
    assert "identical bit for bit" in out


def test_scans_without_predictions(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bare.h5"
    with Project(path).writing() as h5:
        write_spectra(h5, "array_7", [c.spectrum for c in cases("7", 0.4)], MADE)
    code, _, err = run(capsys, "fit", path, "--modes", "predicted", "--fwhm", "1.5")
    assert code == 1
    assert "the project holds no predicted modes" in err
    assert "ixs sqe FC --at bare.h5" in err
    code, _, err = run(capsys, "fit", path, "--modes", "many", "--fwhm", "1.5")
    assert code == 1
    assert "0 to 20, auto, or predicted" in err


def test_a_new_reduction_at_another_q_is_not_fitted_with_old_modes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "moved.h5"
    made = cases("7", 0.4)
    with Project(path).writing() as h5:
        moved = [replace(c.spectrum, q_hkl=(9.0, 9.0, 9.0)) for c in made]
        write_spectra(h5, "array_7", [made[0].spectrum, *moved[1:]], MADE)
        write_predictions(h5, "array_7", [c.predicted for c in made], MADE)
    code, out, err = run(capsys, "fit", path, "--modes", "predicted", "--fwhm", "1.5", "--json")
    assert code == 0, err
    printed = json.loads(out)
    assert [fit["analyzer"] for fit in printed["fits"]] == ["a0"]
    assert all("another Q" in item["reason"] for item in printed["left_out"])


def test_the_page_puts_measured_and_calculated_side_by_side(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "fit", project, "--modes", "predicted", "--fwhm", "1.5")
    measured = read_measured(Project(project))
    assert len(measured.predictions) == 5
    made = measured_sections(measured, FigureStore(tmp_path / "figures"))
    found = {section.anchor: section for section in made}
    body = str(found["calculated"].html)
    assert found["calculated"].order == 45
    assert "one free scale for each scan" in body
    assert "invented" in body
    assert (tmp_path / "figures" / "measured-and-calculated-modes.pdf").stat().st_size > 0
    labels = {label for fit in measured.fits for label in fit.branches}
    assert all(branch_text(label) in body for label in labels)
    assert "calculated modes" in str(found["fits"].html)
    plain = replace(measured, predictions=())
    assert "calculated" not in {
        s.anchor for s in measured_sections(plain, FigureStore(tmp_path / "plain"))
    }
