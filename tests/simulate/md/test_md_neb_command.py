"""`ixs md neb` on a vacancy of copper."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from tests.ixs_reduce.command import run


@pytest.fixture
def copper(tmp_path: Path) -> Path:
    path = tmp_path / "POSCAR"
    write(path, bulk("Cu", "fcc", a=3.6, cubic=True), format="vasp")
    return path


ASKED = ("--potential", "emt", "--element", "Cu", "--supercell", "2 2 2")


def test_a_vacancy_of_copper(copper: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = copper.parent
    options = ("--images", "1", "--force", "0.05", "--one-ion", "--direction", "1 1 0")
    files = ("-o", folder / "images.csv", "--figure", folder / "neb.png")
    code, out, err = run(capsys, "md", "neb", copper, *ASKED, *options, *files, "--json")
    assert code == 0, err
    record = json.loads(out)
    (jump,) = record["jumps"]
    assert jump["jump_angstrom"] == pytest.approx(3.6 / 2**0.5)
    # Both ends are the same by symmetry, and so the saddle is half way.
    assert jump["barrier_mev"] == pytest.approx(jump["reverse_mev"], abs=5)
    assert 300 < jump["barrier_mev"] < 800
    assert jump["images"][0]["energy_mev"] == 0
    assert jump["converged"] is True
    # The ion is at its minimum: no linear term.
    potential = record["one_ion"]["1 1 0"]
    assert potential["order"] == 4
    assert potential["coefficients_mev_angstrom"][1] == pytest.approx(0, abs=1e-6)
    assert record["crystal"]["moved_angstrom"] < 0.1
    rows = list(csv.DictReader((folder / "images.csv").open(encoding="utf-8")))
    assert [float(row["energy_mev"]) for row in rows] == pytest.approx(
        [image["energy_mev"] for image in jump["images"]], rel=1e-4
    )
    assert (folder / "neb.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--direction", "sideways"), "--direction"),
        (("--direction", "0 0 0"), "no direction"),
        (("--direction", "x", "--element", "Ag"), "no such element"),
        (("--direction", "x", "--supercell", "1 1 1"), "too small"),
        (("--direction", "x", "-o", "neb.txt"), "--output"),
        (("--direction", "x", "-o", "none/neb.json"), "no such folder"),
        (("--direction", "x", "--figure", "neb.doc"), "--figure"),
        (("--direction", "x", "--images", "0"), "images"),
        (("--direction", "x", "--force", "0"), "--force"),
        (("--direction", "x", "--potential", "none"), "no such calculator"),
    ],
)
def test_what_goes_wrong_is_said_in_a_line(
    copper: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(capsys, "md", "neb", copper, *ASKED, *arguments)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
