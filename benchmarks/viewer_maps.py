"""Redrawing the maps of the tab Dispersion: 500 spectra of 500 points, without a screen."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.timing import Measurement, best_seconds

_SPECTRA, _POINTS = 500, 500
_SIZE = (900, 700)
_LIMIT_S = 0.040


def run() -> list[Measurement]:
    """All measurements of this file."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from gui.app import make_application
    from gui.models.column_grid import column_grid
    from gui.plots.axes import make_canvas, make_plot
    from gui.plots.column_map import ColumnMap
    from gui.plots.map_plot import default_levels
    from gui.theme import LIGHT

    if QApplication.instance() is None:
        make_application(LIGHT)
    random = np.random.default_rng(7)
    position = np.cumsum(random.uniform(0.01, 0.03, _SPECTRA))
    energy = np.linspace(-20, 30, _POINTS)
    energies = [energy + shift for shift in random.uniform(-0.2, 0.2, _SPECTRA)]
    values = [random.poisson(20.0, _POINTS) + 1.0 for _ in energies]
    grid = column_grid(position, energies, values)
    canvas = make_canvas(LIGHT)
    canvas.resize(*_SIZE)
    plot = make_plot(LIGHT, "ξ (r.l.u.)", "Energy transfer (meV)")
    canvas.addItem(plot)
    columns = ColumnMap()
    columns.set_colors("viridis")
    plot.addItem(columns, ignoreBounds=True)
    left, right, low, high = grid.bounds
    plot.setRange(xRange=(left, right), yRange=(low, high), padding=0)
    canvas.show()
    levels = default_levels(grid.all_values, "log")
    steps = iter(range(1_000_000))

    def other_numbers() -> None:
        columns.set_grid(grid, "log", levels)
        canvas.grab()

    def zoomed() -> None:
        shift = 1e-3 * (next(steps) % 7)
        plot.setRange(xRange=(left + shift, right), yRange=(low, high), padding=0)
        canvas.grab()

    measured = []
    for name, redraw in (("other numbers", other_numbers), ("other range", zoomed)):
        redraw()
        measured.append(
            Measurement(
                f"redraw a map of {_SPECTRA} × {_POINTS} uneven cells, {name}",
                best_seconds(redraw),
                "limit",
                _LIMIT_S,
                "below the limit",
            )
        )
    canvas.close()
    return measured
