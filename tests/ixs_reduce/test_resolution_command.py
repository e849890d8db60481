"""`ixs resolution` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project, read_provenance
from ixs_reduce.resolution import Resolution
from ixs_reduce.resolution_choice import choose_resolution_scans
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import read_resolution_fits, read_resolutions
from tests.ixs_reduce.command import open_folder, ordinary_user, run
from tests.ixs_reduce.spec_text import HEADER, row, scan

R = Resolution.from_components([("gaussian", 0.8, 0.0, 1.5), ("lorentzian", 0.2, 0.0, 2.0)])
DESIGNED = {"name", "scan", "kind", "components", "fwhm_mev", "fwhm_err"} | {
    "e_zero_mev",
    "deviance",
    "dof",
    "bic",
}


def elastic_file(path: Path, dead: bool = False) -> Path:
    """Two analyzers that see R at +0.4 and -0.2 meV; no scan is made for one of them."""
    energies = np.linspace(-10, 10, 81)
    rng = np.random.default_rng(4)
    seen = [rng.poisson(20000 * R(energies - zero) + 5) for zero in (0.4, -0.2)]
    if dead:
        seen[1] = np.zeros(81, dtype=int)
    rows = [row(float(e), tuple(counts)) for e, *counts in zip(energies, *seen, strict=True)]
    path.write_text(HEADER + scan(rows, command="ascan  herixE -10 10  80 10"))
    return path


def test_real_file_as_json(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared_data / "ixs" / "plexiglas_1.spec"
    output = tmp_path / "R.h5"
    code, out, err = run(capsys, "resolution", source, "-o", output, "--json")
    assert code == 0
    analyzers = json.loads(out)["analyzers"]
    assert [a["name"] for a in analyzers] == [f"Ana{i}" for i in range(1, 10)]
    assert [a["scan"] for a in analyzers] == ["18", "16", "14", "12", "20", "8", "6", "4", "2"]
    for analyzer in analyzers:
        assert set(analyzer) >= DESIGNED
        assert analyzer["deviance"] / analyzer["dof"] <= 1.4
        assert 1.45 <= analyzer["fwhm_mev"] <= 1.85
        assert sum(c["weight"] for c in analyzer["components"]) == pytest.approx(1)
        assert set(analyzer["components"][0]) == {"kind", "weight", "center_mev", "fwhm_mev"}
    (five,) = (a for a in analyzers if a["name"] == "Ana5")
    assert "10 (mis-set)" in five["others"]
    assert "29 (higher |Q|)" in five["others"]
    assert "19 (fewer counts)" in five["others"]
    stored = read_resolutions(output)
    for analyzer in analyzers:
        again = Resolution.from_components(
            [
                (c["kind"], c["weight"], c["center_mev"], c["fwhm_mev"])
                for c in analyzer["components"]
            ]
        )
        energy = np.linspace(-5, 5, 11)
        np.testing.assert_allclose(stored[analyzer["name"]](energy), again(energy), rtol=1e-12)
    with Project(output).reading() as h5:
        made = read_provenance(h5, "resolutions", "Ana5")
    assert [name for name, _ in made.sources] == ["plexiglas_1.spec"]
    assert "Ana5" not in err  # a sound scan needs no remark


def test_all_living_analyzers_where_the_scan_names_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "R.h5"
    code, out, _ = run(capsys, "resolution", elastic_file(tmp_path / "a.spec"), "-o", output)
    assert code == 0
    assert "2 resolution functions written to" in out
    fits = read_resolution_fits(output)
    assert fits["Ana4"].e_zero_mev == pytest.approx(0.4, abs=0.03)
    assert fits["Ana5"].e_zero_mev == pytest.approx(-0.2, abs=0.03)
    for fit in fits.values():
        assert fit.fwhm_mev == pytest.approx(R.fwhm_mev, abs=0.05)


def test_analyzer_that_cannot_be_fitted_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = elastic_file(tmp_path / "a.spec", dead=True)
    code, out, err = run(capsys, "resolution", path, "--json")
    assert code == 0
    assert [a["name"] for a in json.loads(out)["analyzers"]] == ["Ana4"]
    assert "not fitted: scan 1 Ana5" in err
    assert "nothing was written" in err


def test_numeric_and_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = elastic_file(tmp_path / "a.spec"), tmp_path / "R.h5"
    code, out, _ = run(
        capsys, "resolution", path, "-o", output, "--numeric", "--window=-6:6", "--json"
    )
    assert code == 0
    first = json.loads(out)["analyzers"][0]
    assert first["kind"] == "numeric"
    assert first["components"] == []
    assert len(first["table"][0]) == len(first["table"][1]) == 49
    assert read_resolutions(output)["Ana4"].numeric


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--window", "12"], "--window=-12:12"),
        (["--window=3:12"], "--window=-12:12"),
        (["--tail", "0"], "'--tail'"),
        (["--scans", "9"], "scan 9 is not among those read"),
        (["--profile", "herix"], "no such profile"),
        (["-o", "no/R.h5"], "the folder does not exist"),
    ],
)
def test_bad_settings_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    path = elastic_file(tmp_path / "a.spec")
    code, out, err = run(capsys, "resolution", path, *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_output_of_another_kind_is_refused_before_the_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = elastic_file(tmp_path / "a.spec")
    before = path.read_bytes()
    code, _, err = run(capsys, "resolution", path, "-o", path)
    assert code == 1
    assert "not an HDF5 file" in err
    assert path.read_bytes() == before


def test_scan_without_a_peak_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.spec"
    path.write_text(HEADER + scan([row(e / 4) for e in range(-20, 21)]))
    code, _, err = run(capsys, "resolution", path, "-o", tmp_path / "R.h5")
    assert code == 1
    assert "cannot give a resolution function" in err
    assert not (tmp_path / "R.h5").exists()


def candidate(scan_label: str, q_abs: float | None, total: float, *codes: str) -> Spectrum:
    counts = np.zeros(30)
    counts[15] = total
    return Spectrum(
        np.arange(30.0),
        counts,
        np.ones(30),
        q_abs=q_abs,
        analyzer="a1",
        scan=scan_label,
        file="r.spec",
        flags=tuple(Flag(code, "", "a1") for code in codes),
    )


def test_most_counts_at_the_lower_q_are_chosen() -> None:
    scans = [
        candidate("1", 1.0, 500),
        candidate("2", 1.0, 900),
        candidate("3", 1.5, 5000),
        candidate("4", 0.98, 50, "mis-set"),
        candidate("5", None, 7000),
    ]
    (choice,) = choose_resolution_scans(scans)
    assert choice.spectrum.scan == "2"
    assert choice.others == (
        "1 (fewer counts)",
        "3 (higher |Q|)",
        "4 (mis-set)",
        "5 (|Q| not known)",
    )


def test_only_scan_is_taken_with_its_fault() -> None:
    (choice,) = choose_resolution_scans([candidate("4", 1.0, 50, "mis-set")])
    assert choice.spectrum.scan == "4"
    assert choice.others == ()


def test_files_are_named_when_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = elastic_file(tmp_path / "one.spec"), elastic_file(tmp_path / "two.spec")
    code, out, _ = run(capsys, "resolution", one, two, "--json")
    assert code == 0
    first = json.loads(out)["analyzers"][0]
    assert (first["file"], first["others"]) == ("one.spec", ["two.spec 1 (fewer counts)"])


def test_read_only_folder_is_said_before_the_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as folder:
        source, output = elastic_file(folder / "a.spec"), folder / "R.h5"
        assert run(capsys, "resolution", source, "-o", output)[0] == 0
        before = output.read_bytes()
        monkeypatch.setattr("ixs_reduce.resolution_fit.fit_resolution", None)  # none is begun
        with ordinary_user(folder):
            code, _, err = run(capsys, "resolution", source, "-o", output)
        assert output.read_bytes() == before
    assert code == 1
    assert "no permission to write" in err
