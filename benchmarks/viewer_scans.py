"""Scans in the viewer: 28 small spectra with their curves drawn anew at fixed ranges."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from benchmarks.timing import Measurement, best_seconds

PANELS, POINTS, CURVE_POINTS = 28, 400, 240
LIMIT_S = 0.1
_SIZE = (1130, 430)  # pixels of the grid in a window of usual size


def run() -> list[Measurement]:
    """Measure the grid, offscreen, in CPU seconds."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return [_redraw(log=False), _redraw(log=True)]


def _redraw(*, log: bool) -> Measurement:
    """New counts in every panel, and all of it painted."""
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtGui import QImage, QPainter

    from gui.app import make_application
    from gui.models.grid_scale import CountScale
    from gui.models.scan_grid import PanelData, panel_of
    from gui.plots.spectra_grid import SpectraGrid
    from gui.theme import LIGHT
    from ixs_reduce.spectrum import Spectrum

    make_application(LIGHT)
    energy, fine = np.linspace(-20, 20, POINTS), np.linspace(-20, 20, CURVE_POINTS)
    generator = np.random.default_rng(1)
    expected = 400 * np.exp(-((energy / 1.5) ** 2)) + 20 * np.exp(-(((energy - 9) / 2) ** 2)) + 3

    def measured() -> list[PanelData]:
        counts = generator.poisson(expected, (PANELS, POINTS)).astype(float)
        exposure = np.ones(POINTS)
        curve = (fine, np.interp(fine, energy, expected))
        return [
            replace(
                panel_of(Spectrum(energy, n, exposure, analyzer=f"a{i:02d}"), None), curve=curve
            )
            for i, n in enumerate(counts, start=1)
        ]

    grid = SpectraGrid(LIGHT)
    grid.resize(*_SIZE)
    grid.set_scale(CountScale(log=log, common=True))
    grid.show()
    image = QImage(*_SIZE, QImage.Format.Format_RGB32)
    sets = iter([measured() for _ in range(12)])

    def draw() -> None:
        grid.show_panels(next(sets))
        painter = QPainter(image)
        grid.render(painter)
        painter.end()

    for _ in range(3):
        draw()
        loop = QEventLoop()  # what was put off until the loop runs is not part of the next draw
        QTimer.singleShot(0, loop.quit)
        loop.exec()
    seconds = best_seconds(draw)
    grid.deleteLater()
    scale = "logarithmic" if log else "linear"
    return Measurement(
        f"redraw of {PANELS} panels of {POINTS} points, {scale}",
        seconds,
        "limit",
        LIMIT_S,
        "> 1",
    )
