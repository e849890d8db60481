"""The main job on real scans of Cd2Os2O7: from the file to fitted modes, nothing set by hand.

The numbers that must come out were found by hand and by an independent program (the project's
design notes), not by this code.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ixs_core.project import Project
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.store import fit_keys, read_fits

pytestmark = pytest.mark.slow  # all the fits of twelve scans


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`ixs …` in a process of its own."""
    command = [sys.executable, "-c", "from ixs_core.cli import main; main()"]
    command += [str(argument) for argument in arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True)


ALIVE = [f"Ana{i}" for i in range(3, 9)]


@dataclass(frozen=True)
class Done:
    """What the commands left: fits by (scan, analyzer), the JSON they printed, the CSV rows."""

    fits: dict[tuple[str, str], SpectrumFit]
    printed: dict[str, Any]
    rows: list[dict[str, str]]
    project: Path


@pytest.fixture(scope="module")
def done(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("measured")
    project, resolutions, table = folder / "p.h5", folder / "R.h5", folder / "modes.csv"
    scans = "2,4,6,8,12,14,16,18,20"
    plexiglas = shared_data / "ixs" / "plexiglas_1.spec"
    run("resolution", plexiglas, "--scans", scans, "-o", resolutions)
    run("reduce", shared_data / "ixs" / "CdOsO.spec", "-o", project, "--scans", "58-69")
    arguments = ["--resolution", resolutions, "--csv", table, "--json"]
    printed = json.loads(run("fit", project, *arguments).stdout)
    with Project(project).reading() as h5:
        fits = [fit for key in fit_keys(h5) for fit in read_fits(h5, key)]
    by_name = {(str(f.spectrum.scan), str(f.spectrum.analyzer)): f for f in fits}
    with open(table, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return Done(by_name, printed, rows, project)


def test_every_living_analyzer_of_every_scan_is_fitted(done: Done) -> None:
    expected = {(str(scan), name) for scan in range(58, 70) for name in ALIVE}
    assert set(done.fits) == expected
    left_out = {(item["scan"], item["analyzer"]) for item in done.printed["left_out"]}
    dead = ("Ana1", "Ana2", "Ana9")
    assert left_out == {(str(scan), name) for scan in range(58, 70) for name in dead}
    assert all("nearly dead" in item["reason"] for item in done.printed["left_out"])


@pytest.mark.parametrize(("analyzer", "zero"), [("Ana7", 7.43), ("Ana8", 6.25)])
def test_zeros_of_scan_61(done: Done, analyzer: str, zero: float) -> None:
    assert done.fits["61", analyzer].zero.value == pytest.approx(zero, abs=0.15)


@pytest.mark.parametrize(
    ("analyzer", "energy", "within"), [("Ana7", 3.93, 0.05), ("Ana8", 4.66, 0.1)]
)
def test_first_modes_of_scan_61(done: Done, analyzer: str, energy: float, within: float) -> None:
    assert done.fits["61", analyzer].modes[0].energy.value == pytest.approx(energy, abs=within)


def test_the_split_of_the_first_mode_is_reported_not_accepted(done: Done) -> None:
    fit = done.fits["61", "Ana7"]
    assert len(fit.modes) == 2
    assert any(remark.startswith("possible: 3 modes") for remark in fit.remarks)


def test_zeros_drift_together(done: Done) -> None:
    """The drift from scan to scan is the monochromator's: all analyzers show the same."""
    zeros = np.array(
        [[done.fits[str(s), a].zero.value for s in range(58, 70)] for a in ("Ana6", "Ana7", "Ana8")]
    )
    drift = zeros - zeros.mean(axis=1, keepdims=True)
    assert np.abs(drift - drift.mean(axis=0)).max() < 0.2
    assert np.ptp(drift.mean(axis=0)) > 0.4


def test_fits_describe_the_spectra(done: Done) -> None:
    reduced = {key: fit.reduced_deviance for key, fit in done.fits.items()}
    assert np.median(list(reduced.values())) <= 2.0
    for key, value in reduced.items():
        if value > 4:
            reasons = [r for r in done.fits[key].remarks if r.startswith("poor")]
            assert "Bragg" in reasons[0]
    assert all(fit.converged for fit in done.fits.values())


def test_widths_below_the_resolution_are_upper_limits(done: Done) -> None:
    rows = [row for row in done.rows if (row["scan"], row["analyzer"]) == ("61", "Ana7")]
    first = rows[0]
    assert float(first["energy_mev"]) == pytest.approx(3.93, abs=0.05)
    assert 0 < float(first["fwhm_upper"]) < 1.6
    limited = [row for row in done.rows if row["fwhm_upper"]]
    assert len(limited) > len(done.rows) / 4
    assert all(float(row["fwhm_upper"]) > 0 for row in limited)


def test_the_table_has_a_row_for_every_mode(done: Done) -> None:
    assert len(done.rows) == sum(len(fit.modes) for fit in done.fits.values())
    assert list(done.rows[0])[:8] == [
        "scan", "analyzer", "h", "k", "l", "q_abs", "temperature_k", "mode",
    ]  # fmt: skip


def test_noise_bursts_are_left_out_and_said(done: Done) -> None:
    flags = done.fits["67", "Ana4"].spectrum.flags
    burst = next(flag for flag in flags if flag.code == "burst-left-out")
    assert {5, 10, 11} <= set(burst.points)


def test_stored_fits_run_again_bit_for_bit(done: Done) -> None:
    from ixs_reduce.fit_record import identical, rerun

    for key in (("61", "Ana7"), ("64", "Ana5"), ("69", "Ana6")):
        assert identical(done.fits[key], rerun(done.fits[key]))


def test_lead_telluride_from_recovered_counts(shared_data: Path, tmp_path: Path) -> None:
    """The reduced 12-column file: whole counts, 300 K, and the modes that its author found.

    Of three sister analyzers the author lists LO energies of 13.55, 14.25 and 14.24 meV
    (PbTe_result.csv). The strongest peak of the file is the TO phonon, not the elastic line.
    """
    project = tmp_path / "PbTe.h5"
    run("reduce", shared_data / "ixs" / "PbTe_sq_GL711_p0p55_RT_1", "-o", project)
    run("fit", project, "--fwhm", "1.5", "--modes", "3", "--json")
    with Project(project).reading() as h5:
        (fit,) = read_fits(h5, fit_keys(h5)[0])
    counts = fit.spectrum.counts
    np.testing.assert_allclose(counts, np.round(counts), atol=0.05)
    assert fit.model.temperature_k == pytest.approx(300.0, abs=0.1)
    assert fit.objective == "poisson"
    assert fit.modes[-1].energy.value == pytest.approx(13.9, abs=0.6)
    strongest = fit.spectrum.energy_mev[np.argmax(counts)] - fit.zero.value
    assert strongest > 4
    assert fit.reduced_deviance < 2
