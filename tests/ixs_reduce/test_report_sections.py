"""The page of a small project: every spectrum, the tables, the exports, what is wrong."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.project import Project
from ixs_core.provenance import provenance_of
from ixs_core.report import FigureStore, Section, collect_sections, write_report
from ixs_reduce.fit_words import flags_in_words, number_range, reduced_text
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.report import Measured, measured_sections, read_measured, sections
from ixs_reduce.resolution_fit import ResolutionOptions, fit_resolution
from ixs_reduce.scan import Analyzer, Flag, Scan, Source
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import write_fits, write_resolutions, write_scan, write_spectra
from tests.ixs_core.test_report import Page
from tests.ixs_reduce.small_fits import R, small_fit, small_spectrum

EVIL = "<script>alert(1)</script>"


def spectrum(analyzer: str, scan: str, q: tuple[float, float, float], seed: int) -> Spectrum:
    return replace(
        small_spectrum(seed, analyzer=analyzer), scan=scan, q_hkl=q, flags=(), file="run.spec"
    )


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Two scans of two live analyzers and a dead one."""
    live = [
        spectrum(name, scan, (1.0, 0.2 * k, 0.1 * i), 10 * i + k)
        for i, scan in enumerate(("61", "62"))
        for k, name in enumerate(("a1", "a2"))
    ]
    dead = Flag("dead", "not one count", "a3")
    silent = [
        replace(live[0], analyzer="a3", scan=scan, counts=np.zeros(61), flags=(dead,))
        for scan in ("61", "62")
    ]
    fits = tuple(small_fit(s, starts=1) for s in live)
    energy = np.linspace(-12, 12, 121)
    peak = np.random.default_rng(3).poisson(20000 * R(energy) + 3).astype(float)
    elastic = Spectrum(energy, peak, np.ones(121), analyzer="a1", scan="3", file="pmma.spec")
    resolution = fit_resolution(elastic, ResolutionOptions(max_components=2))
    return Measured((*live, *silent), fits, (resolution,))


def raw_scan(number: int) -> Scan:
    return Scan(
        number=number,
        kind="energy",
        command=f"ascan E -14 14 90 {number}",
        scanned="E",
        energy_mev=np.zeros((1, 61)),
        counts=np.zeros((1, 61)),
        analyzers=(Analyzer("a1"),),
        source=Source(Path("run.spec"), "0" * 64),
        requested_points=91,
    )


@pytest.fixture
def project(measured: Measured, tmp_path: Path) -> Project:
    project = Project(tmp_path / "project.h5")
    made = provenance_of("ixs fit", {"modes": 2})
    with project.writing() as h5:
        write_resolutions(h5, measured.resolutions, made)
        for label in ("61", "62"):
            write_scan(h5, raw_scan(int(label)), made)
            key = f"run_{label}"
            write_spectra(h5, key, [s for s in measured.spectra if s.scan == label], made)
            write_fits(h5, key, [f for f in measured.fits if f.spectrum.scan == label], made)
    return project


def of(measured: Measured, folder: Path) -> dict[str, Section]:
    made = measured_sections(measured, FigureStore(folder / "figures"))
    return {section.anchor: section for section in made}


def with_first(measured: Measured, fit: SpectrumFit) -> Measured:
    return replace(measured, fits=(fit, *measured.fits[1:]))


def test_whole_page_from_a_project(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    found = collect_sections(project, FigureStore(folder / "figures"))
    ours = [s for s in found if s.anchor in ("scans", "resolution", "fits", "dispersion")]
    assert [s.order for s in ours] == [10, 20, 30, 40]
    assert not any(s.anchor.startswith("error") for s in found)
    page = write_report(project.path, folder, found, "Small")
    content = Page(page)
    assert all(source.startswith("data:image/") for source in content.values("src"))
    local = [link for link in content.values("href") if not link.startswith("#")]
    assert {"modes.csv", "modes.json", "figures/001-scan-61.pdf"} <= set(local)
    assert all((folder / link).stat().st_size > 0 for link in local)
    # grid of each scan, each fit, resolution, dispersion, zeros
    assert sum(tag == "img" for tag, _ in content.tags) == 2 + 4 + 3
    assert sum(tag == "details" for tag, _ in content.tags) == 2
    assert "ascan E -14 14 90 61" in content.text
    assert "61 of 91" in content.text


def test_the_project_gives_back_what_was_measured(project: Project, measured: Measured) -> None:
    found = read_measured(project)
    assert len(found.scans) == 2
    assert {(s.scan, s.analyzer) for s in found.spectra} == {
        (s.scan, s.analyzer) for s in measured.spectra
    }
    assert [f.deviance for f in found.fits] == [f.deviance for f in measured.fits]
    assert [r.fwhm_mev for r in found.resolutions] == [r.fwhm_mev for r in measured.resolutions]


def test_exports_hold_all_modes(measured: Measured, tmp_path: Path) -> None:
    of(measured, tmp_path)
    with (tmp_path / "modes.csv").open() as file:
        rows = list(csv.DictReader(file))
    listed = json.loads((tmp_path / "modes.json").read_text())
    energies = [m.energy.value for f in measured.fits for m in f.modes]
    assert [float(row["energy_mev"]) for row in rows] == energies
    assert [row["energy_mev"] for row in listed] == energies


def test_summaries_count(measured: Measured, tmp_path: Path) -> None:
    found = of(measured, tmp_path)
    assert found["scans"].summary == "2 scans, 6 spectra, 2 of them from dead analyzers"
    assert found["fits"].summary.startswith("4 of 4 converged, 8 modes, median deviance/dof ")
    assert found["resolution"].summary.startswith("1 analyzer, FWHM ")
    assert "a3" in str(found["scans"].html)


def test_poor_fits_are_listed_with_reasons(measured: Measured, tmp_path: Path) -> None:
    first = measured.fits[0]
    counts = first.spectrum.counts.copy()
    counts[40] += 4000
    burst = replace(
        first,
        spectrum=replace(first.spectrum, counts=counts, zero_mev=-2.0),
        deviance=9.0 * first.dof,
    )
    html = str(of(with_first(measured, burst), tmp_path)["fits"].html)
    assert "do not describe their data" in html
    assert "9.00" in html
    assert f"half of the misfit is in 1 point of 61, at {counts_energy(burst):.1f} meV" in html
    assert "zero moved" in html
    assert "do not describe their data" not in str(of(measured, tmp_path / "b")["fits"].html)


def counts_energy(fit: SpectrumFit) -> float:
    return float(fit.spectrum.energy_mev[40] - fit.zero.value)


def test_upper_limits_stand_in_the_table(measured: Measured, tmp_path: Path) -> None:
    limited = replace(
        measured.fits[0], held=("mode2_fwhm",), upper_limits=(("mode2_fwhm", 0.8123),)
    )
    html = str(of(with_first(measured, limited), tmp_path)["fits"].html)
    assert '<td class="number">&lt; 0.81</td>' in html


def test_simulated_data_are_called_so_everywhere(measured: Measured, tmp_path: Path) -> None:
    file = "simulated_run.spec"
    spectra = tuple(replace(s, file=file) for s in measured.spectra)
    fits = tuple(replace(f, spectrum=replace(f.spectrum, file=file)) for f in measured.fits)
    found = of(replace(measured, spectra=spectra, fits=fits, resolutions=()), tmp_path)
    for name in ("scans", "fits", "dispersion"):
        assert "imulated" in str(found[name].html).replace(file, "")
    assert "simulated" in found["scans"].summary
    real = of(replace(measured, resolutions=()), tmp_path / "b")
    assert not any("imulated" in str(section.html) for section in real.values())


def test_used_resolutions_without_their_own_scans(measured: Measured, tmp_path: Path) -> None:
    section = of(replace(measured, resolutions=()), tmp_path)["resolution"]
    assert f"{R.fwhm_mev:.3f}" in str(section.html)
    assert section.summary.startswith("2 analyzers")


def test_names_are_escaped(measured: Measured, tmp_path: Path) -> None:
    first = measured.fits[0]
    evil = replace(first, spectrum=replace(first.spectrum, analyzer=EVIL, scan=EVIL, file=EVIL))
    found = of(with_first(measured, evil), tmp_path)
    assert not any(EVIL in str(section.html) for section in found.values())


def test_project_without_measurements_has_no_sections(tmp_path: Path) -> None:
    project = Project(tmp_path / "empty.h5")
    with project.writing():
        pass
    assert sections(project, FigureStore(tmp_path / "figures")) == []


def test_words() -> None:
    flags = [Flag("burst", "1 point", "a1"), Flag("burst", "1 point", "a2"), Flag("x", "whole")]
    assert flags_in_words(flags) == "a1, a2 burst: 1 point; x: whole"
    assert flags_in_words([]) == "–"
    assert number_range([-1.04, 2.0], 1) == "−1.0 … 2.0"
    assert [reduced_text(x) for x in (1.234, 12.34, 123.4)] == ["1.23", "12.3", "123"]
