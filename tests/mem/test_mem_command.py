"""`ixs mem` as a user types it: on simulated structure factors, and on what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ixs_core.cli import main
from ixs_core.errors import InputError
from ixs_core.project import Project
from mem.density import Density
from mem.formats.densities import read_density
from mem.reflections import Reflections
from mem.store import list_densities, read_density_result, read_stored_density
from sample_data.simulate_structure_factors import write_structure_factors

COARSE = ("--grid-step", "0.2")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Simulated CsCu2I3 at 300 and 500 K."""
    return write_structure_factors(tmp_path_factory.mktemp("simulated"))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    """Output and messages of `ixs` with a command that succeeds."""
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured.err
    return captured.out, captured.err


def fail(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which `ixs mem` refuses."""
    with pytest.raises(SystemExit) as stop:
        main(["mem", *map(str, arguments)])
    assert stop.value.code in (1, 2)
    return " ".join(capsys.readouterr().err.split())


def test_one_density_with_its_numbers(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    map_file = tmp_path / "density.ccp4"
    out, err = run(capsys, "mem", simulated[0], *COARSE, "-o", map_file, "--json")
    record: dict[str, Any] = json.loads(out)
    for key in ("chi2", "r_factor", "wr_factor", "entropy", "iterations", "seconds", "grid"):
        assert key in record
    assert record["chi2"] == pytest.approx(1, abs=2e-3)
    assert record["converged"] is True
    assert record["electrons"] == pytest.approx(1088, rel=1e-9)
    assert {peak["label"] for peak in record["peaks"]} == {"Cs1", "Cu1", "I1", "I2"}
    assert any("not measured" in note for note in record["repairs"])
    density = read_density(map_file)
    assert list(density.shape) == record["grid"]
    assert density.electrons == pytest.approx(1088, rel=1e-5)
    assert f"written: {map_file}" in err


def test_a_series_in_a_folder_and_a_project(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, project = tmp_path / "maps", tmp_path / "p.h5"
    options = ("--plane", "0 1 0", "--path", "Cu", "--bootstrap", "3", "--points", "41")
    out, _ = run(capsys, "mem", *simulated, *COARSE, *options, "-o", folder, "-o", project)
    assert "may be claimed" in out
    names = {path.name for path in folder.iterdir()}
    for stem in (path.stem for path in simulated):
        assert {f"{stem}.ccp4", f"{stem}_section_0-1-0-at-y-0-5.csv"} <= names
        assert f"{stem}_profile_cu1-cu1-along-a.csv" in names
    assert {"section_1.png", "section_1.pdf", "profile_cu1-cu1-along-c.png"} <= names
    with Project(project).reading() as h5:
        keys = list_densities(h5)
        assert keys == [path.stem for path in simulated]
        result = read_density_result(h5, keys[1])
        density = read_stored_density(h5, keys[1])
        assert h5[f"/entry/densities/{keys[1]}"].attrs["signal"] == "density"
    along_a = next(path for path in result.paths if path.kind.endswith("along a"))
    assert along_a.band is not None
    assert np.all(along_a.band >= along_a.profile.sigma)
    table = np.genfromtxt(
        folder / f"{simulated[1].stem}_profile_cu1-cu1-along-a.csv", delimiter=",", names=True
    )
    np.testing.assert_allclose(table["density_e_per_A3"], along_a.profile.density, rtol=1e-7)
    np.testing.assert_allclose(table["sigma_e_per_A3"], along_a.profile.sigma, rtol=1e-7)
    # The stored density, its structure included, gives the stored section again.
    section = density.section([0, 1, 0], origin=[0, 0.5, 0])
    np.testing.assert_allclose(section.values, result.sections[0].section.values, rtol=1e-3)
    assert density.structure is not None
    assert {label for label, _, _ in result.sections[0].sites} == {"Cu1"}


def test_the_report_page_shows_the_densities(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.h5"
    run(capsys, "mem", simulated[1], *COARSE, "--plane", "0 1 0", "--path", "Cu", "-o", project)
    run(capsys, "report", project, "-o", tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "Electron density" in page
    assert "simulated_CsCu2I3_500K" in page
    assert (tmp_path / "report" / "figures" / "density-section-1.pdf").is_file()
    with h5py.File(project) as h5:
        group = h5["/entry/densities/simulated_CsCu2I3_500K"]
        assert group["density"].attrs["units"] == "e/angstrom^3"


def test_input_for_dysnomia(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "mem", simulated[0], *COARSE, "-o", tmp_path / "a.mem")
    assert (tmp_path / "a.prf").is_file()
    out, _ = run(capsys, "mem", tmp_path / "a.mem", *COARSE, "--json")
    again = json.loads(out)
    # Three decimals of an electron: the same reconstruction but for rounding.
    assert again["chi2"] == pytest.approx(1, abs=2e-3)
    assert again["reflections"] == 630


def test_choosing_settings(simulated: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, "mem", simulated[0], "--grid-step", "0.3", "--choose", "--json")
    record = json.loads(out)
    assert {score["target"] for score in record["scores"]} == {0.5, 1.0, 2.0}
    assert all(0 < score["r_free"] < 0.5 for score in record["scores"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--path", "Ag"), "no such site or element"),
        (("--plane", "0 1"), "not a plane"),
        (("--plane", "0 1 0", "--through", "Zn"), "neither a point nor a site"),
        (("--prior", "flat"), "flat"),
        (("--moments", "3"), "3"),
        (("--moments", "x"), "not a list of moments"),
        (("--target", "-1"), "target"),
        (("--solver", "simplex"), "simplex"),
        (("--weights", "some"), "--weights"),
        (("--temperature", "100,200"), "--temperature"),
        (("--bootstrap", "1", "--path", "Cu"), "2 or more"),
        (("--bootstrap", "2"), "no path is asked for"),
        (("--path", "Cu", "--points", "2"), "'points'"),
        (("--seed", "-1"), "'seed'"),
        (("--plane", "0 0 0"), "Miller indices"),
        (("--through", "Cu"), "--plane"),
        (("--temperature", "inf"), "--temperature"),
        (("-o", "absent/map.ccp4"), "no such folder"),
        (("-o", "map.xyz"), "names no format"),
        (("--structure", "absent.cif"), "absent.cif"),
        (("--dysnomia", "absent-program"), "absent-program"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    simulated: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = options if "--grid-step" in options else (*COARSE, *options)
    assert says in fail(capsys, simulated[0], *arguments)


def test_one_map_cannot_hold_a_series(
    simulated: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    message = fail(capsys, *simulated, "-o", "all.ccp4")
    assert "one file cannot hold a series of 2" in message
    assert "folder" in message


def test_a_profile_is_relative_to_the_peak_it_names(
    simulated: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Iodine is higher than copper: the path from copper to it is relative to iodine."""
    out, _ = run(capsys, "mem", simulated[0], *COARSE, "--path", "Cu : I", "--no-null", "--json")
    record = json.loads(out)
    (path,) = record["paths"]
    peaks = {peak["label"]: peak["density"] for peak in record["peaks"]}
    density = np.array(path["density_e_per_A3"])
    assert density[0] == pytest.approx(peaks["Cu1"], rel=0.05)
    assert path["peak_e_per_A3"] == pytest.approx(density.max())
    assert path["sigma_e_per_A3"] is None
    out, _ = run(capsys, "mem", simulated[0], *COARSE, "--path", "Cu : I", "--no-null")
    assert "ρ / ρ(I2)" in out


def test_nothing_overwrites_what_the_same_run_wrote(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names that differ in a sign only would be the same file."""
    paths = ("--path", "0 0 0 : 1 0 0", "--path", "0 0 0 : -1 0 0", "--no-null")
    _, err = run(capsys, "mem", simulated[0], *COARSE, *paths, "-o", tmp_path / "out")
    written = [line.split(": ", 1)[1] for line in err.splitlines() if line.startswith("written:")]
    assert len(written) == len(set(written)) == len(list((tmp_path / "out").iterdir()))


def test_what_fails_after_the_reconstruction_does_not_cost_it(
    simulated: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target that the flat prior meets: no maxima, no basins, still a map."""
    map_file = tmp_path / "flat.ccp4"
    out, _ = run(capsys, "mem", simulated[0], *COARSE, "--target", "1e6", "-o", map_file, "--json")
    record = json.loads(out)
    assert map_file.is_file()
    assert record["density_max"] == pytest.approx(record["density_min"])
    assert any("no electrons per atom" in note for note in record["repairs"])


def test_one_output_that_fails_leaves_the_others(
    simulated: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*arguments: object) -> None:
        raise InputError("no space left", file="p.h5")

    monkeypatch.setattr("mem.store.write_density_result", full)
    message = fail(
        capsys,
        simulated[0],
        *COARSE,
        *("-o", tmp_path / "p.h5", "-o", tmp_path / "map.ccp4", "--json"),
    )
    assert "no space left" in message
    assert (tmp_path / "map.ccp4").is_file()


def test_one_of_a_series_that_fails_leaves_the_others(
    simulated: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mem import analysis

    whole = analysis.reconstruct

    def only_500_k(reflections: Reflections, **settings: Any) -> Density:
        if reflections.temperature_k == 300:
            raise InputError("no positive density agrees", key="target")
        return whole(reflections, **settings)

    monkeypatch.setattr(analysis, "reconstruct", only_500_k)
    message = fail(capsys, *simulated, *COARSE, "-o", tmp_path / "maps")
    assert "no positive density agrees" in message
    assert f"not reconstructed: {simulated[0].name}" in message
    assert (tmp_path / "maps" / f"{simulated[1].stem}.ccp4").is_file()
