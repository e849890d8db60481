"""`ixs plan` as a user types it, on the force constants of the demonstration."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from simulate.planning.store import plan_keys, read_plan_result
from tests.ixs_reduce.command import run

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
FORCE_CONSTANTS = SAMPLES / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
EXPERIMENT = SAMPLES / "cscu2i3_experiment.toml"
SMALL = ("--target", "q=(0,0.3,0) branch=1,3", "--zone", "0 8 0", "--zone", "7 7 0")


def plan(capsys: pytest.CaptureFixture[str], *options: object) -> tuple[int, str, str]:
    return run(capsys, "plan", FORCE_CONSTANTS, "--experiment", EXPERIMENT, *options)


def test_plan_names_settings_that_the_angle_calculator_confirms(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = plan(capsys, *SMALL, "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["settings"]
    assert record["total_hours"] >= record["lower_bound_hours"] * (1 - 1e-9)
    wanted = {1, 3}
    for setting in record["settings"]:
        hkl = " ".join(str(x) for x in setting["hkl"])
        code, out, _ = run(capsys, "angles", EXPERIMENT, "--hkl", hkl, "--json")
        angles = json.loads(out)
        for name, value in setting["angles"].items():
            assert angles["angles"][name] == pytest.approx(value, abs=2e-3)
        seen = {a["name"]: np.array(a["q_hkl"]) for a in angles["analyzers"]}
        for target in setting["targets"]:
            assert target["sigma_energy_mev"] <= 0.1 * (1 + 1e-6)
            np.testing.assert_allclose(seen[target["analyzer"]], target["hkl"], atol=1e-3)
            wanted.discard(target["branch"])
        assert setting["mv"].startswith("mv tth ")
    assert wanted == {u["branch"] for u in record["unmeasured"]}


def test_plan_goes_to_files_and_comes_back_from_a_project(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("plan.csv", "plan.mac", "plan.h5"):
        pictures = ("--figure", tmp_path / "s.png", "--map", tmp_path / "m.png")
        code, out, err = plan(
            capsys, *SMALL, "-o", tmp_path / name, *(pictures if name == "plan.h5" else ())
        )
        assert code == 0, err
    rows = list(csv.DictReader((tmp_path / "plan.csv").open()))
    lines = (tmp_path / "plan.mac").read_text().splitlines()
    typed = [line for line in lines if not line.startswith("#")]
    assert len(typed) == len({row["rank"] for row in rows})
    assert all(line in out for line in typed)
    with Project(tmp_path / "plan.h5").reading() as h5:
        assert plan_keys(h5) == ["plan"]
        stored = read_plan_result(h5, "plan")
    assert len(stored.record["settings"]) == len(typed)
    assert any(zone.placement.reachable for zone in stored.pictures.zones)
    picture = stored.pictures.settings[0]
    assert len(picture.panels) == 28
    assert picture.panels[0].counts.shape == picture.panels[0].energy_mev.shape
    used = [t for t in stored.record["settings"][0]["targets"] if t["assigned"]]
    panel = next(p for p in picture.panels if p.analyzer == used[0]["analyzer"])
    line = panel.branches.index(used[0]["line"])
    assert panel.sigma_energy_mev[line] == pytest.approx(used[0]["sigma_energy_mev"], rel=1e-6)
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


def test_report_shows_a_stored_plan_and_a_calculated_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = tmp_path / "p.h5"
    assert plan(capsys, *SMALL, "-o", project)[0] == 0
    path = ("--path", "7 7 0 : 7 6 0 : 5", "-o", project)
    assert run(capsys, "sqe", FORCE_CONSTANTS, *path)[0] == 0
    code, _, err = run(capsys, "report", project, "-o", tmp_path / "report")
    assert code == 0, err
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Calculated S(Q,E)" in page
    assert "mv tth " in page
    assert page.count("data:image") >= 3


def test_hours_of_a_setting_scale_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    sigmas = []
    for hours in (1, 4):
        code, out, err = plan(capsys, "--setting", "7 6.3 0", "--hours", hours, "--json")
        assert code == 0, err
        (setting,) = json.loads(out)["settings"]
        assert len(setting["analyzers"]) == 28
        sigmas.append(setting["analyzers"][3]["lines"][0]["sigma_energy_mev"])
    assert sigmas[0] / sigmas[1] == pytest.approx(2, rel=1e-6)


def test_zones_of_a_mode_are_ranked_and_excluded_ones_keep_their_reason(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one = ("--target", "q=(0,0.3,0) branch=1", "--zones", "--json")
    code, out, err = plan(capsys, *one, "--map", tmp_path / "map.png")
    assert code == 0, err
    zones = json.loads(out)["zones"]
    hours = [z["hours"] for z in zones if z["hours"] is not None]
    assert len(hours) > 20
    assert hours == sorted(hours)
    assert any(z["excluded"] for z in zones)
    code, out, err = plan(capsys, "--target", "q=(0,0.3,0) branch=3", "--contrast", "1", "--json")
    assert code == 0, err
    assert all(z["contrast"] is None or z["contrast"] >= 5 for z in json.loads(out)["zones"])


def test_eigenvector_and_decision_views(
    capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    mode = ("--target", "q=(0,0.3,0) branch=1", "--eigenvector", "3")
    code, out, err = plan(capsys, *mode, "--json")
    assert code == 0, err
    assert len(json.loads(out)["hkl"]) == 3
    other = shared_data / "cscu2i3/force_constants/phonopy_params_harmonic0K.yaml.xz"
    code, out, err = plan(capsys, "--setting", "7 6.3 0", "--against", other, "--json")
    assert code == 0, err
    assert "Debye-Waller factors of phonopy_params_eff300K.yaml.xz for both" in err
    decisions = json.loads(out)["decisions"]
    assert len(decisions) == 28
    hours = [d["hours"] for d in decisions]
    assert hours == sorted(hours)
    code, out, _ = plan(capsys, "--setting", "7 6.3 0", "--against", FORCE_CONSTANTS, "--json")
    # a calculation cannot be told from itself
    assert all(d["hours"] is None for d in json.loads(out)["decisions"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "TA please"), "not understood.*q=\\(0,0.3,0\\)"),
        (("--target", "q=(0,0.3,0) branch=99"), "no such branch.*1 to 36"),
        (("--target", "q=(0,0.3,0) energy=80-90"), "no real mode"),
        (("--target", "q=(0,0.3,0) branch=1", "--zone", "7 6 0"), "not a reciprocal lattice"),
        (("--target", "q=(0,0.3,0) branch=1", "--zone", "40 40 0"), "near reach"),
        (("--target", "q=(0,0.3,0) branch=1", "--sigma-energy", "0"), "precision"),
        (("--target", "q=(0,0.3,0) branch=1-2", "--zones"), "takes one mode"),
        (("--target", "q=(0,0.3,0) branch=1", "--contrast", "99"), "--contrast.*1 to 36"),
        (("--target", "q=(0,0.3,0) branch=1", "--contrast", "0"), "--contrast.*1 to 36"),
        (("--target", "q=(0,0.3,0) branch=1", "--eigenvector", "0"), "--eigenvector"),
        (("--target", "q=(0,0.3,0) branch=1", "--map", "plan.gif"), "--map.*no picture"),
        (("--setting", "7 7 0", "--temperature", "0"), "--temperature"),
        (("--target", "q=(0,0.3,0) branch=1", "-o", "plan.doc"), "names no format"),
        (("--setting", "40 0 0"), "cannot be reached"),
        (("--setting", "7 7 0", "--hours", "0"), "--hours"),
        (("--setting", "7 7 0", "--linewidth", "x"), "--linewidth"),
    ],
)
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    code, _, err = plan(capsys, *options)
    last = err.strip().splitlines()[-1]
    assert code == 1, err
    assert last.startswith("ixs: ")
    assert "internal error" not in last
    assert re.search(words, last), last


def test_masked_analyzers_must_be_in_the_array(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = EXPERIMENT.read_text("utf-8")
    (tmp_path / "e.toml").write_text(text + '\n[analyzers]\nmask = ["zz9"]\n', "utf-8")
    arguments = ("plan", FORCE_CONSTANTS, "--experiment", tmp_path / "e.toml", *SMALL)
    code, _, err = run(capsys, *arguments)
    assert code == 1
    assert "zz9" in err
    code, _, err = run(capsys, "plan", FORCE_CONSTANTS, "--experiment", "missing.toml", *SMALL)
    assert code == 1
    assert "missing.toml" in err
    assert "Errno" not in err


def test_a_sharp_resolution_gets_a_finer_scan(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = plan(capsys, *SMALL, "--fwhm", "0.3", "--json")
    assert code == 0, err
    scan = json.loads(out)["scan"]
    step = (scan["to_mev"] - scan["from_mev"]) / (scan["points"] - 1)
    assert step == pytest.approx(0.1, abs=1e-4)
