"""`ixs reduce` as a user runs it, also when files, disks and other programs misbehave."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project, list_history, read_provenance
from ixs_core.provenance import sha256_of
from ixs_reduce.store import (
    read_resolutions,
    read_scan,
    read_spectra,
    scan_keys,
    spectra_keys,
)
from tests.ixs_reduce.command import open_folder, ordinary_user, run
from tests.ixs_reduce.spec_text import HEADER, row, scan


def spec_file(
    path: Path, factor: int = 1, temperatures: tuple[float, ...] = (300.5, 300.5)
) -> Path:
    """Energy scans 1, 2, … of 41 points and a motor scan 9; counts rise by point and scan."""
    blocks = []
    for number, temperature in enumerate(temperatures, start=1):
        rows = [row(e / 2, (factor * (e + 21), 5), 1000) for e in range(-20, 21)]
        values = f"{temperature} {temperature}"
        blocks.append(
            scan(rows, number, "ascan  herixE -10 10  40 10", values=values).replace(
                "300.0 10", f"{temperature} 10"
            )
        )
    motor = scan([row(e) for e in range(12)], 9, "ascan  phi 0 1  11 1").replace(
        "HerixE  ", "phi  "
    )
    path.write_text(HEADER + "".join(blocks) + motor)
    return path


def test_real_scans_are_reduced(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = shared_data / "ixs" / "CdOsO.spec", tmp_path / "p.h5"
    code, out, err = run(capsys, "reduce", source, "-o", output, "--scans", "58-69", "--json")
    assert (code, err) == (0, "")
    described = json.loads(out)
    assert described["project"] == str(output)
    assert [item["key"] for item in described["spectra"]] == [f"CdOsO_{n}" for n in range(58, 70)]
    for item in described["spectra"]:
        assert item["points"] == 91
        assert item["temperature_k"] == pytest.approx(298.5, abs=0.5)
        living = [a["name"] for a in item["analyzers"] if a["alive"]]
        assert living == ["Ana3", "Ana4", "Ana5", "Ana6", "Ana7", "Ana8"]
    with Project(output).reading() as h5:
        assert spectra_keys(h5) == scan_keys(h5) == [f"CdOsO_{n}" for n in range(58, 70)]
        raw = read_scan(h5, "CdOsO_61")
        spectra = read_spectra(h5, "CdOsO_61")
        made = read_provenance(h5, "spectra", "CdOsO_61")
    assert made.function == "ixs reduce"
    assert made.sources == (("CdOsO.spec", sha256_of(source)),)
    assert made.parents == ("scans/CdOsO_61",)
    assert made.settings["profile"] == {"CdOsO.spec": "herix30id"}
    assert made.versions["ixs-suite"]
    for spectrum, counts in zip(spectra, raw.counts, strict=True):
        assert spectrum.counts.sum() == counts.sum()
    # The file's own line of scan 61, first point: nothing was scaled or shifted.
    line = next(
        text
        for text in source.read_text().split("#S 61 ")[1].splitlines()
        if text and text[0] in "-0123456789"
    )
    assert next(s.counts[0] for s in spectra if s.analyzer == "Ana5") in map(float, line.split())


def test_default_selection_says_what_was_left_out(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared_data / "ixs" / "CdOsO.spec"
    code, out, err = run(capsys, "reduce", source, "-o", tmp_path / "p.h5", "--json")
    described = json.loads(out)
    assert code == 0
    assert len(described["spectra"]) + len(described["left_out"]) == 74
    assert len(described["spectra"]) == 30
    assert "left out: CdOsO.spec scan 70: 3 points" in err
    assert "not an energy scan (chi)" in err
    code, out, _ = run(capsys, "reduce", source, "-o", tmp_path / "p.h5")
    assert code == 0
    assert "nearly dead: Ana1 Ana2 Ana9" in out
    assert f"written to {tmp_path / 'p.h5'}" in out.replace("\n", "")


def test_repeats_are_merged_and_others_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = spec_file(tmp_path / "run.spec", temperatures=(300.5, 300.6, 100.0))
    code, _, err = run(
        capsys, "reduce", source, "-o", tmp_path / "p.h5", "--merge", "--scans", "1-3"
    )
    assert code == 0
    assert "differ in temperature" in err
    with Project(tmp_path / "p.h5").reading() as h5:
        assert spectra_keys(h5) == ["run_1+2", "run_3"]
        assert scan_keys(h5) == ["run_1", "run_2", "run_3"]
        merged, _ = read_spectra(h5, "run_1+2")
        single, _ = read_spectra(h5, "run_3")
        assert read_provenance(h5, "spectra", "run_1+2").parents == ("scans/run_1", "scans/run_2")
    assert merged.scan == "1+2"
    np.testing.assert_array_equal(merged.counts, 2 * single.counts)
    np.testing.assert_array_equal(merged.exposure, 2 * single.exposure)


def test_bins_keep_all_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = spec_file(tmp_path / "run.spec")
    assert run(capsys, "reduce", source, "-o", tmp_path / "p.h5", "--bin", "2")[0] == 0
    with Project(tmp_path / "p.h5").reading() as h5:
        first, _ = read_spectra(h5, "run_1")
        assert first.counts.sum() == read_scan(h5, "run_1").counts[0].sum()
    assert np.median(np.diff(first.energy_mev)) == pytest.approx(2, abs=0.01)


def test_seconds_as_exposure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = spec_file(tmp_path / "run.spec")
    code, _, _ = run(capsys, "reduce", source, "-o", tmp_path / "p.h5", "--monitor", "seconds")
    assert code == 0
    with Project(tmp_path / "p.h5").reading() as h5:
        assert set(read_spectra(h5, "run_1")[0].exposure) == {10.0}


def test_experiment_file_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = spec_file(tmp_path / "run.spec")
    spec_file(tmp_path / "empty_can.spec", factor=3)
    experiment = tmp_path / "exp.toml"
    experiment.write_text(
        '[analyzers]\nmask = ["Ana5"]\nefficiency = {Ana4 = 0.5}\nzero_mev = {Ana4 = 0.2}\n'
        '[reduction]\nbackground = [{file = "empty_can.spec", transmission = 0.4}]\n'
    )
    code, _, err = run(
        capsys, "reduce", source, "-o", tmp_path / "p.h5", "--experiment", experiment
    )
    assert code == 0, err
    with Project(tmp_path / "p.h5").reading() as h5:
        (spectrum,) = read_spectra(h5, "run_1")
        made = read_provenance(h5, "spectra", "run_1")
    assert spectrum.zero_mev == 0.2
    np.testing.assert_array_equal(spectrum.exposure, np.full(41, 500.0))
    # Expected background counts: 0.4 of three times the sample's counts, at equal exposure.
    np.testing.assert_allclose(
        spectrum.background_rate * spectrum.exposure, 0.4 * 3 * spectrum.counts, rtol=1e-12
    )
    assert "masked" in {flag.code for flag in spectrum.flags}
    assert [name for name, _ in made.sources] == ["run.spec", "exp.toml", "empty_can.spec"]


def test_resolutions_of_the_experiment_file_come_into_the_project(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = tmp_path / "exp.toml"
    experiment.write_text('[analyzers]\nresolution = "R.h5"\n')
    data, output = shared_data / "ixs", tmp_path / "p.h5"
    arguments = ["reduce", data / "CdOsO.spec", "-o", output, "--scans", "61"]
    arguments += ["--experiment", experiment]
    code, _, err = run(capsys, *arguments)
    assert code == 0
    assert "no resolution is put into the project" in err  # R.h5 is not there yet
    run(capsys, "resolution", data / "plexiglas_1.spec", "--scans", "6", "-o", tmp_path / "R.h5")
    for _ in range(2):  # the second time they are there already
        assert run(capsys, *arguments)[0] == 0
    assert read_resolutions(output) == read_resolutions(tmp_path / "R.h5")
    with Project(output).reading() as h5:
        assert list_history(h5, "resolutions", "Ana7") == []
    wanted = ["--analyzers", "Ana7", "--modes", "1", "--json"]
    assert run(capsys, "fit", output, *wanted)[0] == 0


def test_second_run_appends_and_stores_raw_data_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = spec_file(tmp_path / "run.spec"), tmp_path / "p.h5"
    run(capsys, "reduce", source, "-o", output)
    run(capsys, "reduce", source, "-o", output, "--bin", "1")
    with Project(output).reading() as h5:
        assert list_history(h5, "scans", "run_1") == []
        assert list_history(h5, "spectra", "run_1") == [1]
        assert len(read_spectra(h5, "run_1")[0].counts) < 41
        assert len(read_spectra(h5, "run_1", version=1)[0].counts) == 41


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scans", "5"], "scan 5 is not among those read"),
        (["--scans", "9"], "no energy scan to work on"),
        (["--scans", "1-"], "cannot be read"),
        (["--monitor", "nope"], "nope"),
        (["--bin", "-1"], "'bin_mev'"),
        (["--profile", "nope"], "no such profile"),
        (["--experiment", "nope.toml"], "no such experiment file"),
    ],
)
def test_bad_settings_are_one_line_and_write_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    source, output = spec_file(tmp_path / "run.spec"), tmp_path / "p.h5"
    code, out, err = run(capsys, "reduce", source, "-o", output, *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not output.exists()


def test_misspelt_analyzer_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, experiment = spec_file(tmp_path / "run.spec"), tmp_path / "exp.toml"
    experiment.write_text('[analyzers]\nmask = ["Ana55"]\n')
    code, _, err = run(
        capsys, "reduce", source, "-o", tmp_path / "p.h5", "--experiment", experiment
    )
    assert code == 1
    assert "did you mean Ana5?" in err


def test_two_files_of_one_name_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    one, two = spec_file(tmp_path / "run.spec"), spec_file(tmp_path / "b" / "run.spec")
    code, _, err = run(capsys, "reduce", one, two, "-o", tmp_path / "p.h5")
    assert code == 1
    assert "same name in the project" in err


def test_unreadable_scan_is_reported_and_the_others_reduced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = spec_file(tmp_path / "run.spec")
    source.write_text(source.read_text().replace(" 41 5\n", " nan 5\n", 1))
    code, out, err = run(capsys, "reduce", source, "-o", tmp_path / "p.h5", "--json")
    assert code == 0
    assert [item["key"] for item in json.loads(out)["spectra"]] == ["run_2"]
    assert "not read: " in err
    assert len(json.loads(out)["problems"]) == 1


def test_output_of_another_kind_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = spec_file(tmp_path / "run.spec")
    before = source.read_bytes()
    code, _, err = run(capsys, "reduce", source, "-o", source)
    assert code == 1
    assert "not an HDF5 file" in err
    assert source.read_bytes() == before


def test_output_is_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "reduce", spec_file(tmp_path / "run.spec"))[0] == 2


def test_project_cut_in_half_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = spec_file(tmp_path / "run.spec"), tmp_path / "p.h5"
    run(capsys, "reduce", source, "-o", output)
    whole = output.read_bytes()
    output.write_bytes(whole[: len(whole) // 2])
    code, _, err = run(capsys, "reduce", source, "-o", output)
    assert code == 1
    assert "cut off" in err
    assert output.read_bytes() == whole[: len(whole) // 2]


def test_project_that_another_program_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = spec_file(tmp_path / "run.spec"), tmp_path / "p.h5"
    run(capsys, "reduce", source, "-o", output)
    before = output.read_bytes()
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("ixs_core.project.time.monotonic", lambda: float(next(clock)))
    descriptor = os.open(tmp_path / ".p.h5.lock", os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.pwrite(descriptor, b"4711 elsewhere 03:00:00", 0)
        code, _, err = run(capsys, "reduce", source, "-o", output, "--bin", "1")
    finally:
        os.close(descriptor)
    assert code == 1
    assert "another program is writing this project; found process 4711 on elsewhere" in err
    assert output.read_bytes() == before


def test_read_only_folder_leaves_earlier_results(capsys: pytest.CaptureFixture[str]) -> None:
    with open_folder() as folder:
        source, output = spec_file(folder / "run.spec"), folder / "p.h5"
        run(capsys, "reduce", source, "-o", output, "--scans", "1")
        before = output.read_bytes()
        (folder / ".p.h5.lock").unlink()
        with ordinary_user(folder):
            code, out, err = run(capsys, "reduce", source, "-o", output, "--scans", "1,2")
        assert output.read_bytes() == before
    assert (code, out) == (1, "")
    assert "no permission to write" in err
    assert len(err.strip().splitlines()) == 1


ON_A_FULL_DISK = """
import resource, signal, sys
from ixs_core.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
main(sys.argv[1:])
"""


def test_full_disk_leaves_earlier_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = spec_file(tmp_path / "run.spec"), tmp_path / "p.h5"
    run(capsys, "reduce", source, "-o", output, "--scans", "1")
    before = output.read_bytes()
    arguments = ["reduce", source, "-o", output, "--scans", "1,2"]
    ended = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert output.read_bytes() == before
    with Project(output).reading() as h5:
        assert len(read_spectra(h5, "run_1")) == 2
