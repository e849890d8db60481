"""The viewer: the first window, and a project of two thousand scans."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.timing import Measurement
from ixs_core.project import Project
from ixs_core.provenance import Provenance
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import write_spectra

SCANS, ANALYZERS, POINTS = 2000, 28, 101
_PROGRAM = """
import sys, time
from pathlib import Path
from gui.app import make_application
from gui.screenshots import wait_until
from gui.settings import Settings
from gui.theme import LIGHT
from gui.window import MainWindow
path = Path(sys.argv[1])
started = time.process_time()
application = make_application(LIGHT)
window = MainWindow(Settings(path / "viewer.ini"), LIGHT)
window.show()
window.grab()
print(time.process_time() - started)
if len(sys.argv) > 2:
    started = time.process_time()
    window.take(Path(sys.argv[2]))
    wait_until(lambda: window.page.ready and not window.runner.busy)
    window.grab()
    print(time.process_time() - started)
"""


def run() -> list[Measurement]:
    """CPU seconds of a fresh process, imports apart."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "many.h5"
        write_many_scans(project)
        first, opening = _seconds(Path(folder), project)
    return [
        Measurement("first window after import", first, "limit", 1.5, "> 1"),
        Measurement(f"opening a project of {SCANS} scans, shown", opening, "limit", 2.0, "> 1"),
    ]


def write_many_scans(path: Path, scans: int = SCANS) -> None:
    """A project of as many scans of 28 spectra; all are copies of one."""
    generator = np.random.default_rng(0)
    energy = np.linspace(-10.0, 20.0, POINTS)
    spectra = [
        Spectrum(
            energy,
            generator.poisson(20.0, POINTS).astype(float),
            np.full(POINTS, 1e5),
            q_hkl=(7.0, 7.0 - 0.01 * i, 0.0),
            q_abs=4.0,
            temperature_k=300.0,
            analyzer=f"a{i + 3:02d}",
            scan="1",
            file="many.spec",
        )
        for i in range(ANALYZERS)
    ]
    with Project(path).writing() as h5:
        write_spectra(h5, "many_1", spectra, Provenance("benchmark"))
        home = h5["entry/spectra"]
        for number in range(2, scans + 1):
            h5.copy(home["many_1"], home, name=f"many_{number}")


def _seconds(folder: Path, project: Path) -> list[float]:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder), str(project)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    return [float(line) for line in ended.stdout.split()]
