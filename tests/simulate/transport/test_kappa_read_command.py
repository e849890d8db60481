"""`ixs kappa read` as a user types it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from simulate.transport.linewidths_store import read_stored_linewidths
from simulate.transport.reading import read_linewidths
from simulate.transport.rta import kappa_rta
from tests.ixs_reduce.command import run
from tests.simulate.transport.cosine_crystal import (
    cosine_crystal,
    write_kappa_hdf5,
    write_run,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", cosine_crystal(), (200.0, 300.0))


def test_table_says_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "kappa", "read", folder)
    assert code == 0
    assert "mesh 4×4×4, 10 q-points for 64, 3 branches" in out
    assert "temperatures (K): 200, 300" in out
    isotope = next(line.split() for line in out.splitlines() if line.startswith("isotope"))
    crystal = cosine_crystal()
    widths = crystal.width(300.0, "isotope")[crystal.energy > 1e-3]
    assert isotope[1] == str(len(widths))
    assert float(isotope[3]) == pytest.approx(np.median(widths), rel=1e-3)
    rebuilt = next(line.split() for line in out.splitlines() if line.startswith("300 "))
    assert float(rebuilt[-1]) == pytest.approx(1.0, abs=1e-6)


def test_json(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads(run(capsys, "kappa", "read", folder, "--temperature", "200", "--json")[1])
    expected = cosine_crystal().kappa(200.0, ("3ph", "4ph", "isotope"))
    assert record["temperature_k"] == 200.0
    assert record["kappa_c"] is None
    np.testing.assert_allclose(record["kappa_p"], expected, rtol=1e-8, atol=1e-6)
    file = record["files"][0]
    assert file["mesh"] == [4, 4, 4]
    assert set(file["processes"]) == {"3ph", "4ph", "isotope", "all"}
    kappa = write_kappa_hdf5(tmp_path / "kappa-m444.hdf5", cosine_crystal())
    both = json.loads(run(capsys, "kappa", "read", folder, kappa, "--json")[1])
    assert [entry["branches"] for entry in both["files"]] == [3, 3]


def test_modes_are_written_and_read_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table of modes is itself a file of linewidths, with the κ of its source."""
    table = tmp_path / "modes.csv"
    assert run(capsys, "kappa", "read", folder, "--csv", table)[0] == 0
    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 10 * 3
    one = rows[-1]
    lifetime = 0.6582119569 / float(one["fwhm_mev"])
    assert float(one["tau_ps"]) == pytest.approx(lifetime, rel=1e-6)
    first, again = read_linewidths(folder), read_linewidths(table, structure=folder / "CONTROL")
    np.testing.assert_allclose(kappa_rta(again), kappa_rta(first), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(again.processes["4ph"], first.processes["4ph"], rtol=1e-7)
    run(capsys, "kappa", "read", folder, "--csv", table, "--temperature", "300")
    assert read_linewidths(table).temperature_k.tolist() == [300.0]


def test_project_keeps_them_with_their_history(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.h5"
    assert run(capsys, "kappa", "read", folder, "-o", project)[0] == 0
    first = read_linewidths(folder)
    with Project(project).reading() as h5:
        stored = read_stored_linewidths(h5, "kappa linewidths run")
    for kept in (stored, read_linewidths(project)):
        assert kept.mesh == first.mesh
        assert kept.sources == first.sources
        assert kept.notes == first.notes
        np.testing.assert_array_equal(kept.fwhm_mev, first.fwhm_mev)
        np.testing.assert_array_equal(kept.kappa_stated, first.kappa_stated)
        np.testing.assert_array_equal(kappa_rta(kept), kappa_rta(first))
    write_kappa_hdf5(tmp_path / "kappa-m444.hdf5", cosine_crystal())
    run(capsys, "kappa", "read", tmp_path / "kappa-m444.hdf5", "-o", project)
    code, _, err = run(capsys, "kappa", "read", project)
    assert (code, "several sources" in err) == (1, True)


def test_figures(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, both = tmp_path / "one.svg", tmp_path / "both.svg"
    kappa = write_kappa_hdf5(tmp_path / "kappa-m444.hdf5", cosine_crystal())
    assert run(capsys, "kappa", "read", folder, "--figure", one)[0] == 0
    assert run(capsys, "kappa", "read", folder, kappa, "--figure", both)[0] == 0
    for file in (one, both):
        assert file.read_text(encoding="utf-8").count("<use") > 30


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("none.hdf5",), 1, "there is no such file"),
        (("{run}", "--temperature", "77"), 1, "no linewidths at this temperature"),
        (("{run}", "--figure", "x.txt"), 1, "this ending names no picture"),
        (("{run}", "-o", "x.txt"), 1, "this ending names no project"),
        (("{run}", "{run}", "--csv", "x.csv"), 2, "modes of one source"),
        (("{run}", "--structure", "none.yaml"), 1, "none.yaml"),
    ],
)
def test_mistakes_are_said_in_a_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    asked = [argument.replace("{run}", str(folder)) for argument in arguments]
    found, _, err = run(capsys, "kappa", "read", *asked)
    assert found == code
    assert message in err
    assert "Traceback" not in err
