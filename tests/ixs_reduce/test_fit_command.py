"""`ixs fit` on simulated scans whose modes and zeros are known."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from sample_data.simulate_bl43lxu import write_scans
from tests.ixs_reduce.command import run

EXPERIMENT = Path(__file__).parents[2] / "sample_data" / "cscu2i3_experiment.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated scans, their truth, and a project with resolutions and two scans."""
    from ixs_reduce.cli.reduce import reduce
    from ixs_reduce.cli.resolution import resolution

    folder = tmp_path_factory.mktemp("simulated")
    scans = write_scans(folder)
    resolution([scans], folder / "p.h5", scans="1", experiment=EXPERIMENT)
    reduce([scans], folder / "p.h5", scans="2,5", experiment=EXPERIMENT)
    return folder


def test_zeros_and_strongest_lines_are_the_true_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    names = ["a03", "a04", "a15", "a25", "a26"]
    table = folder / "modes.csv"
    arguments = ["--scans", "2", "--analyzers", ",".join(names), "--csv", table, "--json"]
    code, out, err = run(capsys, "fit", folder / "p.h5", *arguments)
    assert code == 0, err
    printed = json.loads(out)
    assert {fit["analyzer"] for fit in printed["fits"]} == set(names)
    (scan,) = [scan for scan in truth["scans"] if scan["number"] == 2]
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(printed["modes"])
    for name in names:
        expected = scan["analyzers"][name]
        own = [row for row in rows if row["analyzer"] == name]
        assert float(own[0]["zero_mev"]) == pytest.approx(expected["zero_mev"], abs=0.15)
        # Of 36 true modes the search finds as many as can be told. The strongest line it finds
        # stands where the scattering within the resolution about it has its centre.
        lines = [(strength(row["amplitude"], row["energy_mev"]), row["energy_mev"]) for row in own]
        energy = float(max(lines)[1])
        near = [m for m in expected["modes"] if abs(m["energy_mev"] - energy) < 0.8]
        weights = [strength(m["amplitude"], m["energy_mev"]) for m in near]
        centre = sum(w * m["energy_mev"] for w, m in zip(weights, near, strict=True)) / sum(weights)
        assert energy == pytest.approx(centre, abs=0.25)


def strength(amplitude: str | float, energy_mev: str | float) -> float:
    """A [n+1] at 300 K (kT = 25.852 meV)."""
    return float(amplitude) / -math.expm1(-float(energy_mev) / 25.852)


def test_overdamped_modes_at_600_k(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The copper mode beyond its damping: described, and by W²/G near the true one."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    names = ["a14", "a15", "a25"]
    arguments = ["--scans", "5", "--analyzers", ",".join(names), "--json"]
    code, out, err = run(capsys, "fit", folder / "p.h5", *arguments)
    assert code == 0, err
    (scan,) = [scan for scan in truth["scans"] if scan["number"] == 5]
    for fit in json.loads(out)["fits"]:
        assert fit["deviance"] / fit["dof"] < 1.8
        assert fit["modes"] >= 1
        expected = scan["analyzers"][fit["analyzer"]]
        assert fit["zero_mev"] == pytest.approx(expected["zero_mev"], abs=0.25)


def test_warm_starts_along_q_give_what_cold_ones_give(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--modes", "3", "--analyzers", "a03,a04,a25", "--json"]
    both = json.loads(run(capsys, "fit", folder / "p.h5", *arguments)[1])["fits"]
    alone = json.loads(run(capsys, "fit", folder / "p.h5", "--scans", "5", *arguments)[1])["fits"]
    for fit in alone:
        (warm,) = [f for f in both if (f["scan"], f["analyzer"]) == (fit["scan"], fit["analyzer"])]
        assert warm["deviance"] == pytest.approx(fit["deviance"], abs=0.2)


def test_stored_fits_run_again_bit_for_bit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "fit", folder / "p.h5", "--modes", "1", "--scans", "2", "--analyzers", "a03")
    code, out, err = run(capsys, "fit", folder / "p.h5", "--rerun")
    assert code == 0, err
    assert "identical bit for bit" in out


def test_processes_give_the_same_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["fit", folder / "p.h5", "--scans", "2", "--analyzers", "a03,a04", "--modes", "1"]
    here = json.loads(run(capsys, *arguments, "--json")[1])["modes"]
    there = json.loads(run(capsys, *arguments, "--scheduler", "local:2", "--json")[1])["modes"]
    assert here == there


def test_a_second_fit_keeps_the_first_in_the_history(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ixs_core.project import Project, list_history
    from ixs_reduce.store import fit_keys, read_fits

    arguments = ["fit", folder / "p.h5", "--scans", "2", "--analyzers", "a03"]
    run(capsys, *arguments, "--modes", "1")
    run(capsys, *arguments, "--modes", "2")
    with Project(folder / "p.h5").reading() as h5:
        key = next(key for key in fit_keys(h5) if key.endswith("_2"))
        versions = list_history(h5, "fits", key)
        now, before = read_fits(h5, key), read_fits(h5, key, versions[-1])
    assert [len(f.modes) for f in now if f.spectrum.analyzer == "a03"] == [2]
    assert [len(f.modes) for f in before if f.spectrum.analyzer == "a03"] == [1]


def test_fitting_one_analyzer_keeps_the_fits_of_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ixs_core.project import Project
    from ixs_reduce.store import fit_keys, read_fits

    arguments = ["fit", folder / "p.h5", "--scans", "2", "--modes", "1", "--analyzers"]
    run(capsys, *arguments, "a03,a04")
    run(capsys, *arguments, "a05")
    with Project(folder / "p.h5").reading() as h5:
        key = next(key for key in fit_keys(h5) if key.endswith("_2"))
        assert {fit.spectrum.analyzer for fit in read_fits(h5, key)} >= {"a03", "a04", "a05"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--modes", "many"], "not a number of modes"),
        (["--modes", "predicted"], "no predicted modes"),
        (["--scans", "77"], "scan 77 is not there"),
        (["--zero", "a99=1"], "no such analyzer"),
        (["--zero", "a03"], "not a zero"),
        (["--objective", "least"], "unknown objective"),
        (["--analyzers", "a03,a99"], "no such analyzer; found a99"),
        (["--zero", "a03=nan"], "not a zero"),
        (["--fwhm", "1e-9"], "not a resolution"),
        (["--starts", "0"], "at least one start"),
        (["--seed", "-1"], "the seed is negative"),
        (["--temperature", "-3"], "not a temperature"),
        (["--csv", "no/such/folder.csv"], "the folder does not exist"),
        (["--resolution", "missing.h5"], "cannot be read"),
    ],
)
def test_bad_settings_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    before = (folder / "p.h5").read_bytes()
    code, out, err = run(capsys, "fit", folder / "p.h5", *arguments)
    assert code == 1
    assert out == ""
    assert words in err
    assert len([line for line in err.splitlines() if line.startswith("ixs: ")]) == 1
    assert (folder / "p.h5").read_bytes() == before


def test_without_any_resolution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = write_scans(tmp_path)
    project = tmp_path / "other.h5"
    run(capsys, "reduce", scans, "-o", project, "--scans", "2", "--experiment", EXPERIMENT)
    code, _, err = run(capsys, "fit", project)
    assert code == 1
    assert "--resolution R.h5" in err
    nominal = ["--fwhm", "1.55", "--modes", "1", "--analyzers", "a03"]
    assert run(capsys, "fit", project, *nominal)[0] == 0
