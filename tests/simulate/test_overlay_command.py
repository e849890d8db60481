"""`ixs overlay` on counts drawn from known predictions, through the whole command."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project, list_results
from ixs_core.provenance import provenance_of
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import write_spectra
from simulate.md.density_sums import density_modes
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.measured_overlay import through_resolution
from simulate.md.project_results import md_results
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.md.store import write_store
from simulate.overlay_figures import overlay_figure, scans_of
from simulate.overlay_store import CONTENT, read_overlays
from simulate.phonons import PhononModel
from simulate.phonons.spectra import line_spectra
from simulate.report import sections
from tests.ixs_reduce.command import run
from tests.simulate.md.harmonic_crystal import HarmonicCrystal

REPOSITORY = Path(__file__).resolve().parents[2]
FORCE_CONSTANTS = REPOSITORY / "sample_data" / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
NOMINAL = [("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)]
R = Resolution.from_components(NOMINAL)
ENERGY = np.arange(-20.0, 20.01, 0.5)
ZERO = 0.4
EXPOSURE = np.full(ENERGY.size, 1000.0)
CRYSTAL = HarmonicCrystal()
SIMULATED_HKL = ((2.5, 0.0, 0.0), (0.0, 2.4, 0.0))


def drawn(shapes: np.ndarray, scales: tuple[float, ...], q_hkl: object, kelvin: float, **more):
    """Spectra of which the counts are Poisson numbers about scale × shape, a line and 0.01."""
    rng = np.random.default_rng(4)
    line = R(ENERGY - ZERO)
    return [
        Spectrum(
            ENERGY,
            rng.poisson(EXPOSURE * (scale * shape + 0.2 * line + 0.01)).astype(float),
            EXPOSURE,
            q_hkl=tuple(float(x) for x in q),
            temperature_k=kelvin,
            analyzer=f"a{i:02d}",
            scan=more.get("scan", "1"),
            file="simulated.spec",
            zero_mev=ZERO,
        )
        for i, (shape, scale, q) in enumerate(zip(shapes, scales, q_hkl, strict=True))
    ]


def project_of(path: Path, *groups: list[Spectrum]) -> Path:
    with Project(path).writing() as h5:
        for group in groups:
            write_spectra(h5, f"simulated_{group[0].scan}", group, provenance_of("test"))
    return path


@pytest.fixture(scope="module")
def phonon_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = PhononModel.load(FORCE_CONSTANTS)
    q = [(7.0, 6.3, 0.0), (0.0, 8.0, -1.8), (6.6, 5.7, 0.2)]
    lines = model.structure_factor(np.array(q), 300.0)
    shapes = line_spectra(lines, ENERGY - ZERO, R, 0.6) / 12
    group = drawn(shapes, (0.01, 0.02, 0.03), q, 300.0)
    return project_of(tmp_path_factory.mktemp("phonons") / "p.h5", group)


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "crystal.h5"
    write_store(CRYSTAL.trajectory(801, 20.0), path)
    return path


@pytest.fixture(scope="module")
def md_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Counts of the simulation itself at 300 K, and of something else at 600 K."""
    modes = density_modes(CRYSTAL.trajectory(801, 20.0), SIMULATED_HKL, lattice=CRYSTAL.repeats)
    found = dynamic_structure_factor(modes, 8.0, temperature_k=300.0)
    shapes = np.array([through_resolution(found, i, R, ENERGY - ZERO).inelastic for i in range(2)])
    groups = (
        drawn(shapes, (0.3, 0.1), SIMULATED_HKL, 300.0),
        drawn(1 + 0 * shapes, (0.3, 0.1), SIMULATED_HKL, 600.0, scan="2"),
    )
    return project_of(tmp_path_factory.mktemp("md") / "p.h5", *groups)


MD = ("--supercell", "6 5 4", "--fwhm", "1.5", "--segment", "8", "--temperature", "300")


def test_phonons_over_their_own_counts(
    phonon_project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, figure = tmp_path / "curves.csv", tmp_path / "fig.pdf"
    asked = ("overlay", phonon_project, FORCE_CONSTANTS, "--fwhm", "1.5", "--linewidth", "0.6")
    code, out, err = run(capsys, *asked, "--csv", table, "-o", figure, "--json")
    assert code == 0, err
    found = json.loads(out)["overlays"]
    for one, scale in zip(found, (0.01, 0.02, 0.03), strict=True):
        assert abs(one["scale"] - scale) < 4 * one["scale_err"]
        assert one["chi2"] == pytest.approx(one["dof"], abs=4 * np.sqrt(2 * one["dof"]))
        assert one["distance"] == 0
    assert figure.read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert len(rows) == 3 * ENERGY.size
    assert float(rows[0]["energy_mev"]) == pytest.approx(ENERGY[0] - ZERO)


def test_a_simulation_over_its_own_counts(
    md_project: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "overlay", md_project, run_file, *MD, "--json")
    assert code == 0, err
    record = json.loads(out)
    assert [one["scan"] for one in record["overlays"]] == ["1", "1"]
    assert any("2 spectra are not within 10 %" in note for note in record["notes"])
    for one, scale, q in zip(record["overlays"], (0.3, 0.1), SIMULATED_HKL, strict=True):
        assert abs(one["scale"] - scale) < 4 * one["scale_err"]
        assert one["chi2"] < 1.5 * one["dof"]
        np.testing.assert_allclose(one["predicted_hkl"], q, atol=1e-9)


def test_stored_overlays_modes_and_report(
    md_project: Path, run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "overlay", md_project, run_file, *MD)
    store = Project(md_project)
    with store.reading() as h5:
        overlays, notes = read_overlays(h5, f"{CONTENT} {run_file.name}")
        kept = list_results(h5, "predictions")
    assert sum(key.startswith("density modes") for key in kept) == 1
    assert any("its own resolution" in note for note in notes)
    assert overlays[0].overlay.expected.size == ENERGY.size
    assert (overlays[0].zero_mev, overlays[0].temperature_k) == (ZERO, 300.0)

    class Figures:
        folder = tmp_path / "figures"

        def add(self, figure):
            return figure.caption

    found = sections(store, Figures())  # type: ignore[arg-type]
    assert [section.title for section in found] == ["Predictions over the data"]
    drawn_figure = overlay_figure(scans_of(overlays)["simulated_1"])
    assert len(drawn_figure.axes) == 2
    assert "simulated" in drawn_figure.texts[0].get_text()


def test_both_over_one_project(
    phonon_project: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A simulation of another crystal is told by its name, not laid over in silence."""
    code, _, err = run(capsys, "overlay", phonon_project, run_file, "--fwhm", "1.5")
    assert code == 1
    assert "does not know the cell in which hkl count" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no.h5",), "no such file"),
        ((REPOSITORY / "README.md",), "README.md"),
        ((FORCE_CONSTANTS, "--analyzers", "a77"), "no such analyzer"),
        ((FORCE_CONSTANTS, "--scans", "9"), "9"),
        ((FORCE_CONSTANTS, "-o", "fig.docx"), "names no picture"),
        ((FORCE_CONSTANTS, "--temperature", "-3"), "not a temperature"),
        ((FORCE_CONSTANTS, "--linewidth", "wide"), "neither a width"),
    ],
)
def test_errors(
    phonon_project: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    message: str,
) -> None:
    code, _, err = run(capsys, "overlay", phonon_project, *arguments, "--fwhm", "1.5")
    assert code == 1
    assert message in err


def test_without_resolution(phonon_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "overlay", phonon_project, FORCE_CONSTANTS)
    assert code == 1
    assert "no resolution function" in err


def test_too_far_from_a_simulated_q(
    md_project: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    near = (*MD, "--within", "0.1")
    assert run(capsys, "overlay", md_project, run_file, *near)[0] == 0
    elsewhere = ("--supercell", "5 5 4", *MD[2:], "--within", "0.01")
    code, out, _ = run(capsys, "overlay", md_project, run_file, *elsewhere, "--scans", "1")
    assert code == 0
    assert "1 spectra are more than 0.01" in out


def test_spectra_that_cannot_be_compared_are_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An analyzer without exposure, and a scan of three points, beside a good one."""
    model = PhononModel.load(FORCE_CONSTANTS)
    q = [(7.0, 6.3, 0.0)] * 3
    lines = model.structure_factor(np.array(q), 300.0)
    good, dark, short = drawn(line_spectra(lines, ENERGY - ZERO, R, 0.6) / 12, (0.01,) * 3, q, 300)
    dark = replace(dark, exposure=0 * dark.exposure, counts=0 * dark.counts)
    short = short.selected(np.arange(ENERGY.size) < 3)
    project = project_of(tmp_path / "p.h5", [good, dark, short])
    code, out, err = run(capsys, "overlay", project, FORCE_CONSTANTS, "--fwhm", "1.5", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert [one["analyzer"] for one in record["overlays"]] == ["a00"]
    assert any("1 a01 left out" in n and "no point of the spectrum" in n for n in record["notes"])
    assert any("1 a02 left out" in n and "too few points" in n for n in record["notes"])


def test_runs_of_one_name_stay_apart(
    md_project: Path, run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / run_file.name
    other.parent.mkdir()
    write_store(CRYSTAL.trajectory(801, 20.0, seed=5), other)
    project = tmp_path / "p.h5"
    project.write_bytes(md_project.read_bytes())
    assert run(capsys, "overlay", project, run_file, other, *MD)[0] == 0
    with Project(project).reading() as h5:
        kept = [key for key in list_results(h5, "predictions") if key.startswith(CONTENT)]
    assert f"{CONTENT} other/{run_file.name}" in kept
    assert run(capsys, "overlay", project, other, *MD)[0] == 0
    for file in (run_file, other):
        assert run(capsys, "md", "msd", file, "-o", project)[0] == 0
    with Project(project).reading() as h5:
        names = set(md_results(h5, MeanSquareDisplacement))
    assert names == {"crystal", "other/crystal"}


def test_nothing_is_written_over_a_project(
    md_project: Path, run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "p.h5"
    project.write_bytes(md_project.read_bytes())
    before = project.read_bytes()
    code, _, err = run(capsys, "md", "convert", run_file, "-o", project)
    assert (code, "is no store of a trajectory" in err) == (1, True)
    assert project.read_bytes() == before


def test_an_ion_of_another_crystal_is_refused(
    md_project: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "overlay", md_project, run_file, *MD, "--form-factor", "Fe3+")
    assert (code, "no element of the simulation" in err) == (1, True)


def test_phonons_of_an_earlier_call_do_not_stay_beside_other_spectra(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulate.md.phonon_comparison import PhononCurves

    project = tmp_path / "p.h5"
    small = FORCE_CONSTANTS.with_name("md_300K_small.h5")
    asked = ("md", "sqw", small, "--q", "7 6.5 0", "--supercell", "2 2 3", "-o", project)
    assert run(capsys, *asked, "--phonons", FORCE_CONSTANTS)[0] == 0
    with Project(project).reading() as h5:
        assert len(md_results(h5, PhononCurves)) == 1
    assert run(capsys, *asked, "--segment", "2")[0] == 0
    with Project(project).reading() as h5:
        assert md_results(h5, PhononCurves) == {}
    assert run(capsys, "report", project, "-o", tmp_path / "report")[0] == 0


def test_the_temperature_is_that_of_the_velocities(capsys: pytest.CaptureFixture[str]) -> None:
    """The run was asked for at 300 K and moves at 286 K."""
    small = FORCE_CONSTANTS.with_name("md_300K_small.h5")
    asked = ("md", "sqw", small, "--q", "7 6.5 0", "--supercell", "2 2 3", "--json")
    _, out, err = run(capsys, *asked)
    assert json.loads(out)["temperature_k"] == pytest.approx(286, rel=0.02)
    assert "which is taken; the file says 300 K" in err
    assert json.loads(run(capsys, *asked, "--temperature", "300")[1])["temperature_k"] == 300
