"""`ixs md density` as a user types it, on CsCu2I3 and on what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mem.formats.densities import read_density
from tests.ixs_reduce.command import run


@pytest.fixture
def small(shared_data: Path) -> Path:
    return shared_data / "cscu2i3" / "md" / "md_300K_small.h5"


@pytest.fixture
def cif(shared_data: Path) -> Path:
    return shared_data / "cscu2i3" / "structure" / "300K.cif"


def test_density_on_the_measured_crystals_origin(
    small: Path, cif: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / name for name in ("d.ccp4", "d.pgrid", "p.h5", "folder")]
    arguments = [word for path in outputs for word in ("-o", path)]
    code, out, _ = run(
        capsys, "md", "density", small, "--structure", cif, "--grid-step", "0.2", "--json",
        "--plane", "0 1 0", "--path", "Cu", "--blocks", "4", *arguments,
    )  # fmt: skip
    assert code == 0
    record = json.loads(out)
    assert record["electrons"] == pytest.approx(4 * 55 + 8 * 29 + 12 * 53, abs=1e-6)
    assert record["shift"] == pytest.approx([0, 0, -0.5], abs=2e-3) or record[
        "shift"
    ] == pytest.approx([0, 0, 0.5], abs=2e-3)
    assert [peak["label"] for peak in record["peaks"]] == ["i01", "i002", "cs00", "cu04"]
    copper = record["peaks"][3]
    # The simulated Cu stands at x = 0.3699, the refined one at 0.3502.
    assert copper["position"][0] == pytest.approx(0.3699, abs=2e-3)
    assert {path["name"].split()[-1] for path in record["paths"]} == {"a", "c"}
    assert all(0 < path["middle"]["ratio"] < 0.02 for path in record["paths"])
    assert all(path["middle"]["sigma"] > 0 for path in record["paths"])
    written = read_density(outputs[0])
    assert written.symmetry.number == 63
    assert written.electrons == pytest.approx(1088, rel=1e-5)
    np.testing.assert_allclose(read_density(outputs[1]).values, written.values, rtol=1e-5)
    names = {path.name for path in outputs[3].iterdir()}
    assert {"md_300K_small.ccp4", "section_1.png", "section_1.pdf"} <= names
    assert "md_300K_small_profile_cu04-cu04-along-c.csv" in names


def test_beside_another_density_on_its_grid(
    small: Path, cif: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, figure = tmp_path / "p.h5", tmp_path / "f.png"
    shared = ("md", "density", small, "--structure", cif, "--blocks", "2")
    assert run(capsys, *shared, "--grid-step", "0.3", "-o", project)[0] == 0
    code, out, err = run(
        capsys, *shared, "--against", f"{project}:md_300K_small", "--path", "Cu1 : Cu1"
    )
    assert code == 1
    assert "no such site" in err
    code, out, err = run(
        capsys, *shared, "--against", project, "--path", "cu04 : i01", "--figure", figure
    )
    assert code == 0
    assert figure.is_file()
    assert "0.0 % of the electrons are elsewhere; correlation 1.0000" in out
    assert "grid 36×48×24" in out
    assert "moved by" in err


def test_without_a_structure(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "md", "density", small, "--supercell", "2 2 3", "--grid-step", "0.3", "--symmetry",
        "sites", "--path", "0.37 0.5 0 : 0.37 0.5 0.5", "--frames", "50:150", "--blocks", "1",
        "--d-min", "0.8", "--ions", "Cs1+,Cu1+,I1-",
    )  # fmt: skip
    assert code == 0
    assert "1088 electrons" in out
    assert "100 frames" in out
    assert "cut at d = 0.8 Å" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--supercell", "2 2"], "3 numbers"),
        (["--supercell", "2 2 4", "--structure", "CIF"], "another cell"),
        (["--supercell", "2 2 4"], "does not repeat"),
        (["--cell", "5 5 5"], "no multiple of the lattice"),
        (["--frames", "a:b"], "these are not frames"),
        (["--plane", "0 1"], "not a plane"),
        (["--plane", "0 1 0", "--through", "Ag"], "neither a point nor a site"),
        (["--path", "Cu"], "labels need a structure"),
        (["-o", "d.xyz"], "ending names no format"),
        (["-o", "/nowhere/d.ccp4"], "no such folder"),
        (["--figure", "d.bmp", "--path", "0 0 0 : 0 0 1"], "names no picture"),
        (["--against", "none.ccp4"], "cannot be read"),
        (["--ions", "Ag1+"], "not one of an element"),
        (["--symmetry", "structure"], "there is no structure"),
    ],
)
def test_what_goes_wrong_is_said(
    small: Path,
    cif: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(cif) if word == "CIF" else word for word in arguments]
    code, _, err = run(
        capsys, "md", "density", small, "--grid-step", "0.4", "--blocks", "1", *words
    )
    assert code == 1
    assert message in err


def test_options_that_need_another(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "md", "density", small, "--through", "Cu")[0] == 2
    assert run(capsys, "md", "density", small, "--figure", "a.png")[0] == 2
    assert run(capsys, "md", "density", small, "--cell", "5 5 5", "--supercell", "1 1 1")[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lowest"), [("300K", 0.0005), ("600K", 0.002)])
def test_heat_fills_the_way_between_copper_sites(
    shared_data: Path, cif: Path, name: str, lowest: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """No completed hop in 16 ps; at 600 K the tails between the sites are far higher."""
    file = shared_data / "cscu2i3" / "md" / f"md_{name}_2x2x3.h5"
    out = run(
        capsys, "md", "density", file, "--structure", cif, "--json",
        "--path", "0.3699 0.5 0 : 0.3699 0.5 0.5",
    )[1]  # fmt: skip
    record = json.loads(out)
    path = record["paths"][0]
    assert lowest < path["middle"]["ratio"] < 0.01
    assert record["density_min"] > 0
