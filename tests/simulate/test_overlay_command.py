"""`ixs overlay` on counts drawn from known predictions, through the whole command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project, list_results
from ixs_core.provenance import provenance_of
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import write_spectra
from simulate.md.density_sums import density_modes
from simulate.md.measured_overlay import through_resolution
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.md.store import write_store
from simulate.overlay_figures import overlay_figure, scans_of
from simulate.overlay_store import overlay_key, read_overlays
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
        overlays, notes = read_overlays(h5, overlay_key(run_file.name))
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
