"""`ixs sqe` as a user types it, on the force constants of the demonstration."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from ixs_core.project import Project
from simulate.phonons import PhononModel
from simulate.sqe_results import json_record, mode_rows, read_sqe, sqe_keys
from tests.ixs_reduce.command import run

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
FORCE_CONSTANTS = SAMPLES / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
EXPERIMENT = SAMPLES / "cscu2i3_experiment.toml"
CHARACTER = ("site_labels", "site_share", "longitudinal_share", "degeneracy", "q_reduced")


def test_energies_at_gamma_are_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "sqe", FORCE_CONSTANTS, "--q", "7 7 0", "--json")
    assert code == 0
    record = json.loads(out)
    known = [2.14, 3.24, 3.78, 3.94, 4.80, 4.80, 5.65]  # of these force constants, meV
    np.testing.assert_allclose(record["energy_mev"][0][3:10], known, atol=0.006)
    assert record["units"]["energy_mev"] == "meV"
    assert record["imaginary"] == 0
    assert "conventional" in err or "hkl count" in err


def test_setting_gives_every_analyzer_its_own_q(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--setting", "7 6.3 0", "--experiment", EXPERIMENT, "--json")
    code, out, _ = run(capsys, "sqe", FORCE_CONSTANTS, *options)
    assert code == 0
    sqe = json.loads(out)
    code, out, _ = run(capsys, "angles", EXPERIMENT, "--hkl", "7 6.3 0", "--json")
    angles = json.loads(out)
    assert sqe["analyzers"] == [a["name"] for a in angles["analyzers"]]
    seen = [a["q_hkl"] for a in angles["analyzers"]]
    np.testing.assert_allclose(sqe["q_hkl"], seen, atol=1e-4)


def test_path_goes_to_csv_project_and_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = "7 7 0 : 7 6 0 : 5 ; 7 6 0 : 7 6 0.5 : 3"
    for name in ("a.csv", "a.h5"):
        options = ("--path", path, "-o", tmp_path / name, "--figure", tmp_path / "a.png")
        code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *options)
        assert code == 0, err
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert len(rows) == 7 * 36
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with Project(tmp_path / "a.h5").reading() as h5:
        assert sqe_keys(h5) == [f"path {path}"]
        stored = read_sqe(h5, f"path {path}")
    assert [label for _, label in stored.ticks] == ["(7, 7, 0)", "(7, 6, 0)", "(7, 6, 0.5)"]
    written = [float(row["energy_mev"]) for row in rows]
    np.testing.assert_array_equal(stored.lines.energy_mev.ravel(), written)


def test_a_path_goes_with_the_character_of_its_modes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = "7 7 0 : 7 6.4 0 : 4"
    for name in ("a.csv", "a.json", "a.h5"):
        options = ("--path", path, "--debye-waller", "none", "-o", tmp_path / name)
        assert run(capsys, "sqe", FORCE_CONSTANTS, *options)[0] == 0
    with Project(tmp_path / "a.h5").reading() as h5:
        lines = read_sqe(h5, f"path {path}").lines
    stored = lines.character
    assert stored is not None
    # Solved on its own: shares of the elements at (7, 6.6, 0), where no modes are degenerate.
    model = PhononModel.load(FORCE_CONSTANTS)
    weights = np.abs(model.modes([7, 6.6, 0]).eigenvectors[0].reshape(12, 3, 36)) ** 2
    assert np.diff(lines.energy_mev[2]).min() > 1e-3
    for element in ("Cs", "Cu", "I"):
        of_element = [symbol == element for symbol in model.force_constants.symbols]
        labelled = [label.split()[0] == element for label in stored.labels]
        expected = weights[of_element].sum(axis=(0, 1))
        np.testing.assert_allclose(stored.shares[2][:, labelled].sum(axis=1), expected, atol=1e-9)
    np.testing.assert_allclose(stored.q_reduced[2], [0, -0.4, 0], atol=1e-12)
    # q is along the second axis of the cell, which is y of the force constants' frame.
    y = model.force_constants.q_cartesian(np.array([0.0, 1, 0]))
    assert y / np.linalg.norm(y) == pytest.approx([0, 1, 0], abs=1e-9)
    np.testing.assert_allclose(stored.longitudinal[2], weights[:, 1].sum(axis=0), atol=1e-9)

    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    columns = list(rows[0])
    assert columns[:9] == [
        *("h", "k", "l", "q_abs", "branch", "group", "energy_mev", "intensity_e2", "imaginary")
    ]
    assert sorted(columns[9:13]) == ["share_Cs", "share_Cu", "share_I_4c", "share_I_8g"]
    assert columns[13:] == ["longitudinal_share"]
    shares = np.array([[float(row[name]) for name in columns[9:13]] for row in rows])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(shares, stored.shares.reshape(-1, 4))
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["site_labels"] == list(stored.labels)
    np.testing.assert_array_equal(record["site_share"], stored.shares)
    np.testing.assert_array_equal(record["longitudinal_share"], stored.longitudinal)


def test_a_path_of_an_earlier_version_opens_without_character(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project, path = tmp_path / "a.h5", "7 7 0 : 7 6 0 : 3"
    options = ("--path", path, "--debye-waller", "none", "-o", project)
    assert run(capsys, "sqe", FORCE_CONSTANTS, *options)[0] == 0
    with h5py.File(project, "r+") as h5:
        group = h5[f"entry/predictions/path {path}"]
        for name in CHARACTER:
            del group[name]
    with Project(project).reading() as h5:
        stored = read_sqe(h5, f"path {path}")
    assert stored.lines.character is None
    assert "longitudinal_share" not in mode_rows(stored)[0]
    assert "site_share" not in json_record(stored)


def test_a_direction_that_is_not_known_is_left_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A leg from Γ to Γ itself has no direction."""
    options = ("--path", "7 7 0 : 7 7 0 : 2", "--debye-waller", "none")
    code, out, _ = run(capsys, "sqe", FORCE_CONSTANTS, *options, "--json")
    assert code == 0
    assert set(json.loads(out)["longitudinal_share"][0]) == {None}
    code, *_ = run(capsys, "sqe", FORCE_CONSTANTS, *options, "-o", tmp_path / "a.csv")
    assert code == 0
    (row, *_) = csv.DictReader((tmp_path / "a.csv").open())
    assert row["longitudinal_share"] == ""


def test_map_obeys_detailed_balance(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--path", "7 7 0.2 : 7 6 0.2 : 3", "--fwhm", "0.2", "--linewidth", "1.5")
    axis = ("--energy", "-8:8:4", "--temperature", "250", "--json")
    code, out, _ = run(capsys, "sqe", FORCE_CONSTANTS, *options, *axis)
    assert code == 0
    record = json.loads(out)
    sqe = np.array(record["sqe"])
    energy = np.array(record["energy_axis_mev"])
    ratio = sqe[:, energy == 8] / sqe[:, energy == -8]
    # R is narrow against kT, and not symmetric about a slope: a few per cent
    np.testing.assert_allclose(ratio, np.exp(8 / (0.0861733 * 250)), rtol=0.05)


def test_grid_streams_to_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ("--grid", "7:7.5:3 6 0:0.5:2", "-o", tmp_path / "grid.h5", "--json")
    code, out, err = run(capsys, "sqe", FORCE_CONSTANTS, *options)
    assert code == 0, err
    assert json.loads(out)["shape"] == [3, 1, 2]
    assert (tmp_path / "grid.h5").stat().st_size > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--q", "7 6.3"), "--q.*3 numbers"),
        (("--q", "7 6.3 0", "--form-factor", "Zr4+"), "does not have.*Zr"),
        (("--q", "7 6.3 0", "--linewidth", "-1"), "--linewidth"),
        (("--q", "7 6.3 0", "--fwhm", "0"), "--fwhm"),
        (("--q", "7 6.3 0", "--energy", "5:1:1", "--fwhm", "1"), "--energy"),
        (("--q", "7 6.3 0", "-o", "modes.xyz"), "names no format.*csv"),
        (("--q", "7 6.3 0", "--figure", "modes.xyz"), "names no picture"),
        (("--path", "7 7 0 : 7 6 0"), "leg 1"),
        (("--setting", "7 6 0"), "--experiment"),
        (("--grid", "0:1:3 0:1:3 0:1:3"), "-o grid.h5"),
        (("--q", "7 6.3 0", "--temperature", "-3"), "temperature"),
        (("--at", "missing.h5"), "no such project"),
    ],
)
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *options)
    last = err.strip().splitlines()[-1]
    assert code == 1, err
    assert last.startswith("ixs: ")
    assert "internal error" not in last
    assert re.search(words, last), last


def test_imaginary_modes_need_a_choice_of_debye_waller(
    capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    unstable = shared_data / "cscu2i3/force_constants/phonopy_params_harmonic0K.yaml.xz"
    code, _, err = run(capsys, "sqe", unstable, "--q", "0 1 0")
    assert code == 1
    assert "imaginary" in err
    assert "--debye-waller none" in err
    options = ("--q", "0 0 0", "--q", "0 1 0", "--debye-waller", "none", "--json")
    code, out, _ = run(capsys, "sqe", unstable, *options)
    assert code == 0
    record = json.loads(out)
    # known for these force constants, meV: two at Γ, the lowest at Y
    np.testing.assert_allclose(record["energy_mev"][0][:2], [-5.51, -5.29], atol=0.006)
    assert record["energy_mev"][1][0] == pytest.approx(-6.10, abs=0.006)
    assert record["imaginary"] >= 3
    energy, intensity = np.array(record["energy_mev"]), np.array(record["intensity"])
    assert (intensity[energy < 0] == 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--q", "7 6.3 0", "--temperature", "0"), "--temperature.*above 0"),
        (("--path", "7 7 0 : 7 6 0 : 3000000000"), "leg 1"),
        (("--grid", "0:1:99999999 0:1:99999999 0", "-o", "g.h5"), "--grid.*too many"),
    ],
)
def test_what_cannot_be_calculated_is_refused_before_it_is_tried(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *options)
    assert code == 1
    assert re.search(words, err.strip().splitlines()[-1]), err


@pytest.mark.parametrize(
    "options",
    [
        ("--at", "p.h5", "--figure", "a.png"),
        ("--at", "p.h5", "-o", "a.csv"),
        ("--q", "7 6 0", "--scans", "3"),
        ("--q", "7 6 0", "--scheduler", "local:2"),
    ],
)
def test_options_that_would_do_nothing_are_a_mistake(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *options)
    assert code == 2
    assert "belongs to" in err


def test_a_grid_never_replaces_a_project(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project, grid = tmp_path / "measured.h5", ("--grid", "7 6 0:0.5:2")
    assert run(capsys, "sqe", FORCE_CONSTANTS, "--q", "7 6 0", "-o", project)[0] == 0
    before = project.read_bytes()
    code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *grid, "-o", project)
    assert code == 1
    assert "not replaced" in err
    assert project.read_bytes() == before
    for _ in range(2):  # an earlier grid may be
        code, _, err = run(capsys, "sqe", FORCE_CONSTANTS, *grid, "-o", tmp_path / "grid.h5")
        assert code == 0, err


def test_acoustic_modes_at_gamma_are_named_and_rounding_is_no_intensity(
    capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    silicon = shared_data / "phonons/Si/phonopy_params_Si.yaml"
    # (4 0 0): the optical mode of the diamond structure does not scatter by symmetry
    code, out, _ = run(capsys, "sqe", silicon, "--q", "4 0 0")
    assert code == 0
    assert "62.495" not in out
    assert re.search(r"3 of them are acoustic at Γ", out)
