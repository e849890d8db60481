"""Scans in the viewer: spectra drawn anew at fixed ranges: 28 with curves; one of 10⁶ points."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import numpy as np

from benchmarks.timing import Measurement, best_seconds

PANELS, POINTS, CURVE_POINTS = 28, 400, 240
LIMIT_S = 0.1
MANY_POINTS = 1_000_000
_SIZE = (1130, 430)  # pixels of the grid in a window of usual size


def run() -> list[Measurement]:
    """Measure the grid, offscreen, in CPU seconds."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return [_redraw(log=False), _redraw(log=True), _many_points()]


def _redraw(*, log: bool) -> Measurement:
    """New counts in every panel, and all of it painted."""
    scale = "logarithmic" if log else "linear"
    return Measurement(
        f"redraw of {PANELS} panels of {POINTS} points, {scale}",
        _seconds(PANELS, POINTS, log=log),
        "limit",
        LIMIT_S,
        "> 1",
    )


def _many_points() -> Measurement:
    """What a very long spectrum costs: bounded by the width of its panel, but for looking at all
    its points once."""
    return Measurement(
        f"redraw of a panel of {MANY_POINTS} points",
        _seconds(1, MANY_POINTS, log=False, sets=4),
        f"a panel of {POINTS} points",
        _seconds(1, POINTS, log=False),
        "> 0.02: 2500 times the points, less than 50 times the time",
    )


def _seconds(panels: int, points: int, *, log: bool, sets: int = 12) -> float:
    """Shortest time to show other counts in so many panels and paint them."""
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtGui import QImage, QPainter

    from gui.app import make_application
    from gui.models.grid_scale import CountScale
    from gui.models.scan_grid import PanelData, panel_of
    from gui.plots.spectra_grid import SpectraGrid
    from gui.theme import LIGHT
    from ixs_reduce.spectrum import Spectrum

    make_application(LIGHT)
    energy, fine = np.linspace(-20, 20, points), np.linspace(-20, 20, CURVE_POINTS)
    generator = np.random.default_rng(1)
    expected = 400 * np.exp(-((energy / 1.5) ** 2)) + 20 * np.exp(-(((energy - 9) / 2) ** 2)) + 3

    def measured() -> list[PanelData]:
        counts = generator.poisson(expected, (panels, points)).astype(float)
        exposure = np.ones(points)
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
    shown = [measured() for _ in range(sets)]
    turn = itertools.cycle(shown)

    def draw() -> None:
        grid.show_panels(next(turn))
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
    return seconds
