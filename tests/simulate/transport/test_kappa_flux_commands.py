"""`ixs kappa green-kubo`, `power-law` and `materials` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.ixs_reduce.command import run
from tests.simulate.transport.flux_series import autoregressive, exact_kappa


def flux_file(folder: Path, seed: int = 0, rows: int = 40000) -> Path:
    path = folder / f"flux{seed}.dat"
    np.savetxt(path, autoregressive((0.9,), rows, seed), header="Jx Jy Jz", fmt="%.6g")
    return path


GIVEN = ("--dt", 1, "--volume", 1000, "--temperature", 100)


def test_green_kubo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, project = flux_file(tmp_path), tmp_path / "p.h5"
    figure, table = tmp_path / "gk.png", tmp_path / "gk.csv"
    more = ("-o", project, "--figure", figure, "--csv", table, "--json")
    code, out, err = run(capsys, "kappa", "green-kubo", file, *GIVEN, *more)
    assert code == 0, err
    record = json.loads(out)
    assert {"kappa", "stderr", "per_axis", "parts", "plateau"} <= set(record)
    wide = record["cepstral"]["stderr_with_choice"]
    assert record["kappa"] == pytest.approx(exact_kappa((0.9,)), abs=4 * wide)
    assert record["plateau"]["kappa"] == pytest.approx(exact_kappa((0.9,)), rel=0.2)
    assert figure.stat().st_size > 10_000
    assert table.read_text().startswith("time_ps,correlation_x")
    assert project.exists()


def test_green_kubo_of_several_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [flux_file(tmp_path, seed, 3000) for seed in range(4)]
    code, out, err = run(capsys, "kappa", "green-kubo", *files, *GIVEN, "--anisotropic")
    assert code == 0, err
    assert "cepstral" in out
    assert "plateau" in out
    assert "flux3.dat: 3000 rows" in err


def test_green_kubo_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = flux_file(tmp_path, rows=500)
    for given, wanted in (((), "dt_fs"), (("--dt", 1), "volume_A3"), (GIVEN[:4], "temperature_k")):
        code, _, err = run(capsys, "kappa", "green-kubo", file, *given)
        assert code == 1
        assert wanted in err
    code, _, err = run(capsys, "kappa", "green-kubo", file, *GIVEN, "--units", "lj")
    assert code == 1
    assert "metal, real, gpumd" in err
    code, _, err = run(capsys, "kappa", "green-kubo", file, *GIVEN, "--csv", "gk.txt")
    assert code == 1
    assert ".csv" in err


def test_power_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kelvin = np.array([200.0, 300.0, 450.0, 600.0])
    for name, share in (("a.dat", 0.25), ("b.dat", 0.75)):
        kappa = share * np.column_stack([(kelvin / 300) ** n for n in (-1.0, -0.5, 0.5)])
        np.savetxt(tmp_path / name, np.column_stack([kelvin, kappa]), header="T xx yy zz")
    tables = (tmp_path / "a.dat", tmp_path / "b.dat")
    figure = tmp_path / "law.png"
    more = ("--json", "--figure", figure, "-o", tmp_path / "p.h5", "--window", "250:700")
    code, out, err = run(capsys, "kappa", "power-law", *tables, *more)
    assert code == 0, err
    record = json.loads(out)
    for name, n in (("xx", -1.0), ("yy", -0.5), ("zz", 0.5)):
        assert record[name]["n"] == pytest.approx(n, abs=1e-6)
        assert record[name]["a"] == pytest.approx(1.0, abs=1e-6)
        assert record[name]["temperature_k"] == [300, 450, 600]
    assert figure.exists()
    code, out, _ = run(capsys, "kappa", "power-law", *tables)
    assert code == 0
    assert "n of windows" in out
    code, _, _ = run(capsys, "kappa", "power-law", *tables, "--window", "x")
    assert code == 2


CSV = """material,temperature_k,kappa_w_mk,sigma_s_cm,kind,source
# invented
A,300,0.3,1e-5,ionic,a test
B,300,,1e-1,ionic,a test
C,300,2,10,mixed,a test
"""


def test_materials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, figure = tmp_path / "m.csv", tmp_path / "m.png"
    file.write_text(CSV, encoding="utf-8")
    code, out, err = run(capsys, "kappa", "materials", file, "--figure", figure, "--json")
    assert code == 0, err
    rows = json.loads(out)["materials"]
    assert [row["kappa_w_mk"] for row in rows] == [0.3, None, 2.0]
    assert "1 without κ or σ" in err
    assert figure.exists()
    new = tmp_path / "new.csv"
    assert run(capsys, "kappa", "materials", new, "--template")[0] == 0
    code, _, err = run(capsys, "kappa", "materials", new)
    assert code == 1
    assert "holds no material" in err
    code, _, err = run(capsys, "kappa", "materials", new, "--template")
    assert code == 1
    assert "exists" in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("material,kappa_w_mk\nA,1\n", "missing: temperature_k"),
        (CSV.replace("0.3", "x"), "line 3, 'kappa_w_mk'"),
        (CSV.replace("C,300", "C,-1"), "line 5, 'temperature_k'"),
        (CSV.replace("mixed,a test", "mixed,"), "line 5, 'source'"),
    ],
)
def test_materials_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = tmp_path / "m.csv"
    file.write_text(text, encoding="utf-8")
    code, _, err = run(capsys, "kappa", "materials", file)
    assert code == 1
    assert message in err
