"""`ixs info` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ixs_core.cli import main
from tests.ixs_reduce.command import run as ixs
from tests.ixs_reduce.diamond import CONFIG
from tests.ixs_reduce.spec_text import GOOD, HEADER, energies, row, scan


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of `ixs info …`."""
    try:
        main(["info", *map(str, arguments)])
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_real_file_as_json(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, shared_data / "ixs" / "CdOsO.spec", "--json")
    (file,) = json.loads(out)["files"]
    assert code == 0
    assert file["kind"] == "spec"
    assert len(file["scans"]) == 74
    energy = [s for s in file["scans"] if s["kind"] == "energy"]
    assert len(energy) == 33
    complete = [
        s["number"]
        for s in energy
        if s["command"] == "ascan herixE -15 30 90 30" and s["points"] == 91
    ]
    assert complete == list(range(58, 70))
    for s in energy:
        if 58 <= s["number"] <= 69:
            dead = [a["name"] for a in s["analyzers"] if not a["alive"]]
            assert dead == ["Ana1", "Ana2", "Ana9"]
            assert s["energy_range_mev"] == pytest.approx([-15, 30], abs=0.02)
        if s["number"] in (57, 70):
            assert any(flag.startswith("aborted") for flag in s["flags"])
    assert "energy scans -15..30 meV: 58-69 complete (91 points); 57, 70 aborted" in file["summary"]


def test_real_resolution_file_as_a_table(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, shared_data / "ixs" / "plexiglas_1.spec")
    assert code == 0
    (ten,) = [text for text in out.splitlines() if text.split()[:1] == ["10"]]
    assert "Ana5" in ten
    assert "at most 2188 counts, where scan 20 has 61794" in ten
    assert "T_sample shows 1.45 K" in out
    assert max(map(len, out.splitlines())) <= 160


def test_unreadable_scans_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.spec"
    bad = scan([row(0), row(1, ("nan", 1))])
    path.write_text(HEADER + bad + scan(energies(0, 1), number=2))
    code, out, _ = run(capsys, path)
    assert code == 0
    assert "not read:" in out
    assert "'Ana4'" in out.replace("\n", " ")
    _, out, _ = run(capsys, path, "--json")
    (file,) = json.loads(out)["files"]
    assert [s["number"] for s in file["scans"]] == [2]
    assert len(file["problems"]) == 1


def test_one_bad_file_does_not_hide_the_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(GOOD)
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    code, out, err = run(capsys, bad, good, "--json")
    assert code == 1
    assert [f["path"] for f in json.loads(out)["files"]] == [str(good)]
    assert "PNG image" in err
    assert len(err.strip().splitlines()) == 1


def test_scan_without_points_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.spec"
    path.write_text(HEADER + scan([]))
    code, out, _ = run(capsys, path, "--json")
    (shown,) = json.loads(out)["files"][0]["scans"]
    assert code == 0
    assert shown["points"] == 0
    assert shown["energy_range_mev"] is None
    assert run(capsys, path)[0] == 0


def test_own_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, project = tmp_path / "a.spec", tmp_path / "p.h5"
    experiment, table = tmp_path / "exp.toml", tmp_path / "gpi.hkl_pos"
    source.write_text(HEADER + scan(energies(*range(12))))
    assert ixs(capsys, "reduce", source, "-o", project)[0] == 0
    assert ixs(capsys, "init", experiment)[0] == 0
    table.write_text('hkl_a03 = "(0.958, 0.954, 0.994)"\n')
    config = tmp_path / "sixcircle.conf"
    config.write_text(CONFIG)
    code, out, err = run(capsys, project, experiment, table, config, "--json")
    assert (code, err) == (0, "")
    files = json.loads(out)["files"]
    kinds = [file["kind"] for file in files]
    assert kinds == ["project", "experiment", "hkl-positions", "beamline-config"]
    assert [s["points"] for s in files[0]["scans"]] == [12]
    assert files[0]["results"]["spectra"] == ["a_1"]
    assert "cell 3.567 3.567 3.567 90 90 90" in files[3]["summary"][0]
    code, out, _ = run(capsys, project)
    assert code == 0
    assert "1 scans, 1 spectra" in out


def test_project_cut_in_half_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, project = tmp_path / "a.spec", tmp_path / "p.h5"
    source.write_text(HEADER + scan(energies(*range(12))))
    assert ixs(capsys, "reduce", source, "-o", project)[0] == 0
    project.write_bytes(project.read_bytes()[: project.stat().st_size // 2])
    code, _, err = run(capsys, project)
    assert code == 1
    assert "cut off" in err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "ixs info CdOsO.spec" in out
