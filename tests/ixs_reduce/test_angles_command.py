"""`ixs angles` as a user runs it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ixs_core.cli import main
from ixs_reduce.beamline_config import read_hkl_positions
from ixs_reduce.instrument import load_instrument
from tests.ixs_reduce import diamond

EXPERIMENT = """\
[sample]
name = "diamond"
cell = [3.567, 3.567, 3.567, 90, 90, 90]
[orientation]
or0 = {hkl = [1, 1, 1], tth = 15.9114, th = 7.9557, chi = 0, phi = 35.2, mu = -0.1719, gam = 0}
or1 = {hkl = [2, 2, 0], tth = 26.1265, th = 13.0633, chi = 1, phi = 0, mu = -0.1719, gam = 0}
[spectrometer]
name = "bl43lxu"
energy_kev = 21.747542
slits_mm = [60, 60]
limits = {chi = [-30, 30]}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sixcircle.conf"
    path.write_text(diamond.CONFIG)
    return path


def run(capsys, *arguments):
    """Exit code, stdout and stderr of a command."""
    code = 0
    try:
        main(["angles", *(str(argument) for argument in arguments)])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def check_golden(found):
    for name, printed in diamond.PRINTED_ANGLES.items():
        assert found["angles"][name] == pytest.approx(printed, abs=1e-4)
    assert set(found["angles"]) == {"tth", "th", "chi", "phi", "mu", "gam"}
    analyzers = {item["name"]: item for item in found["analyzers"]}
    assert len(analyzers) == 28
    for name, hkl in diamond.PRINTED_HKL.items():
        np.testing.assert_allclose(analyzers[name]["q_hkl"], hkl, atol=1e-4)
    for name, length in diamond.PRINTED_Q_PER_NM.items():
        assert analyzers[name]["q_abs"] == pytest.approx(length / 10, abs=1e-4)
    np.testing.assert_allclose(analyzers["a06"]["dq_hkl"], diamond.PRINTED_DQ["a06"], atol=1e-4)


def test_golden_table_from_the_beamline_file(config, capsys):
    code, out, _ = run(capsys, config, "--hkl", "1.1 1.1 1.1", "--slits", "60 60", "--json")
    assert code == 0
    found = json.loads(out)
    check_golden(found)
    assert found["mv"].startswith("mv tth 17.51")
    assert found["mv"].endswith("agaph 60.0 agapv 60.0")


def test_golden_table_from_the_experiment_file(tmp_path, capsys):
    path = tmp_path / "exp.toml"
    path.write_text(EXPERIMENT)
    code, out, _ = run(capsys, path, "--hkl", "1.1, 1.1, 1.1", "--json")
    assert code == 0
    check_golden(json.loads(out))


def test_experiment_file_may_point_to_the_beamline_file(config, tmp_path, capsys):
    path = tmp_path / "exp.toml"
    path.write_text(
        '[orientation]\nconfig = "sixcircle.conf"\n'
        '[spectrometer]\nname = "bl43lxu"\nslits_mm = [60, 60]\n'
    )
    code, out, _ = run(capsys, path, "--hkl", "1.1 1.1 1.1", "--json")
    assert code == 0
    check_golden(json.loads(out))


def test_the_reverse_agrees(config, capsys):
    _, out, _ = run(capsys, config, "--hkl", "1.3 0.7 1.1", "--json")
    forward = json.loads(out)
    text = " ".join(f"{value:.9f}" for value in forward["angles"].values())
    code, out, _ = run(capsys, config, "--angles", text, "--json")
    assert code == 0
    back = json.loads(out)
    np.testing.assert_allclose(back["hkl"], [1.3, 0.7, 1.1], atol=1e-8)
    for key in ("q_hkl", "dq_hkl"):
        assert back["analyzers"][10][key] == pytest.approx(forward["analyzers"][10][key])


def test_mu_and_gam_of_the_reverse_default_to_the_alignment(config, capsys):
    _, out, _ = run(capsys, config, "--angles", "17.5147 8.7573 0.0565 35.2001", "--json")
    assert json.loads(out)["angles"]["mu"] == diamond.TILT


def test_human_table(config, capsys):
    code, out, err = run(capsys, config, "--hkl", "1.1 1.1 1.1", "--slits", "60 60")
    assert code == 0
    lines = out.splitlines()
    assert sum(" a04 " in line for line in lines) == 1
    row = next(line for line in lines if " a06 " in line)
    assert row.split()[-7:-3] == ["1.1000", "1.1000", "1.1000", "3.3561"]
    assert lines[-1].startswith("mv tth")
    assert "bl43lxu" in err  # the assumed spectrometer is said


def test_hkl_pos_is_written(config, tmp_path, capsys):
    path = tmp_path / "gpi.hkl_pos"
    code, _, _ = run(capsys, config, "--hkl", "1.1 1.1 1.1", "--slits", "60 60", "--hkl-pos", path)
    assert code == 0
    assert read_hkl_positions(path).hkl["a03"] == (0.958, 0.954, 0.994)
    code, _, err = run(capsys, config, "--hkl", "1.1 1.1 1.1", "--hkl-pos", path)
    assert code == 1
    assert "--slits" in err


def test_frozen_values_limits_and_wavelength(config, capsys):
    code, out, err = run(
        capsys, config, "--hkl", "1.1 1 1.1", "--set", "mu=-1.576", "--set", "omega=2", "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert found["angles"]["mu"] == -1.576
    assert found["angles"]["th"] == pytest.approx(found["angles"]["tth"] / 2 + 2)
    assert "mu is -1.576" in err
    code, _, err = run(capsys, config, "--hkl", "-1 1 1")
    assert code == 1
    assert "chi -56" in err
    code, _, _ = run(capsys, config, "--hkl", "-1 1 1", "--limit", "chi=-60:60")
    assert code == 0
    _, out, _ = run(capsys, config, "--hkl", "1 1 1", "--order", "12", "--json")
    assert json.loads(out)["energy_kev"] == pytest.approx(23.724, abs=5e-4)


def test_a_position_outside_the_limits_is_said_in_the_reverse(config, capsys):
    code, out, err = run(capsys, config, "--angles", "60 30 0 0", "--json")
    assert code == 0
    assert "tth 60.0000 outside 0.6 .. 52" in err
    assert json.loads(out)["warnings"]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--hkl", "1 1"], 1, "3 numbers"),
        (["--hkl", "1 1 x"], 1, "3 numbers"),
        (["--hkl", "nan 1 1"], 1, "3 numbers"),
        ([], 2, "--hkl"),
        (["--hkl", "1 1 1", "--angles", "1 2 3 4"], 2, "--hkl"),
        (["--hkl", "1 1 1", "--set", "mu"], 1, "mu=0"),
        (["--hkl", "1 1 1", "--limit", "chi=3"], 1, "chi=-30:30"),
        (["--hkl", "1 1 1", "--limit", "kappa=0:1"], 1, "kappa"),
        (["--hkl", "1 1 1", "--frozen", "045"], 1, "length of Q"),
        (["--hkl", "1 1 1", "--slits", "0 60"], 1, "positive"),
        (["--hkl", "1 1 1", "--spectrometer", "herix30id"], 1, "HERIX"),
    ],
)
def test_bad_requests_end_with_one_line(config, capsys, arguments, code, word):
    ended, out, err = run(capsys, config, *arguments)
    assert ended == code
    assert out == ""
    assert word in err
    assert "Traceback" not in err


def test_files_of_other_kinds_are_named(tmp_path, capsys):
    other = tmp_path / "other.dat"
    other.write_text("1 2 3\n")
    code, _, err = run(capsys, other, "--hkl", "1 1 1")
    assert code == 1
    assert "neither" in err
    code, _, err = run(capsys, tmp_path / "missing.conf", "--hkl", "1 1 1")
    assert code == 1
    assert "missing.conf" in err


def test_incomplete_experiment_files_are_named(tmp_path, capsys):
    path = tmp_path / "exp.toml"
    complete = EXPERIMENT.splitlines()
    for dropped, key in (("cell", "sample.cell"), ('name = "bl', "spectrometer.name")):
        kept = [line for line in complete if not line.startswith(dropped)]
        path.write_text("\n".join(kept))
        code, _, err = run(capsys, path, "--hkl", "1 1 1")
        assert code == 1
        assert key in err
    path.write_text('[sample]\ncell = [4, 4, 4, 90, 90, 90]\n[spectrometer]\nname = "bl43lxu"\n')
    code, _, err = run(capsys, path, "--hkl", "1 1 1")
    assert code == 1
    assert "or0" in err


def test_tilt_missing_in_the_experiment_file_is_the_spectrometers(tmp_path):
    path = tmp_path / "exp.toml"
    path.write_text(EXPERIMENT.replace(", mu = -0.1719", ""))
    instrument = load_instrument(path)
    assert instrument.mu == -0.1719
    assert instrument.orientation.or1.angles.mu == -0.1719


def test_own_table_of_analyzers(tmp_path):
    path = tmp_path / "exp.toml"
    own = """
order = 12
[spectrometer.analyzers]
radius_mm = 9000
size_mm = [100, 90]
positions_mm = {Ana1 = [-120, 0], Ana2 = [0, 0]}
"""
    text = EXPERIMENT[: EXPERIMENT.index("energy_kev")].replace("bl43lxu", "herix30id")
    path.write_text(text + own)
    instrument = load_instrument(path)
    table = instrument.analyzer_q(instrument.angles_for((1, 1, 1)))
    assert table.names == ("Ana1", "Ana2")
    np.testing.assert_allclose(table.hkl[1], 1, atol=1e-9)


def test_a_lattice_that_contradicts_the_reflections_is_said(config, capsys):
    config.write_text(diamond.CONFIG.replace("3.567", "3.600"))
    _, _, err = run(capsys, config, "--hkl", "1 1 1", "--json")
    assert "or0: |Q| of its angles is +0.93 % off the lattice" in err
