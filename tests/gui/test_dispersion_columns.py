"""Columns of a map: edges, values under a point, colours on the screen."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from gui.app import make_application
from gui.models.column_grid import ColumnGrid, column_edges, column_grid, half_way
from gui.plots.axes import make_canvas, make_plot
from gui.plots.column_map import ColumnMap
from gui.plots.map_plot import Levels
from gui.theme import LIGHT
from tests.gui.gestures import place_of

UNEVEN = np.array([1.0, 1.1, 1.25, 1.35, 1.5])


def test_edges_lie_half_way_between_neighbours() -> None:
    left, right = column_edges(UNEVEN)
    assert left == pytest.approx([0.95, 1.05, 1.175, 1.30, 1.425])
    assert right == pytest.approx([1.05, 1.175, 1.30, 1.425, 1.575])
    assert half_way(np.array([0.0, 1.0, 3.0])) == pytest.approx([-0.5, 0.5, 2.0, 4.0])


def test_a_gap_stays_open_and_columns_at_one_place_share_it() -> None:
    position = np.array([*np.arange(10) / 10, 5.0])
    left, right = column_edges(position)
    assert right[9] < left[10]
    assert right[9] - 0.9 == pytest.approx(5.0 - left[10])
    left, right = column_edges(np.array([1.0, 2.0, 2.0, 3.0]))
    assert left == pytest.approx([0.5, 1.5, 2.0, 2.5])
    assert right == pytest.approx([1.5, 2.0, 2.5, 3.5])


def test_one_column_and_none_have_a_width() -> None:
    left, right = column_edges(np.array([2.0]))
    assert left[0] < 2.0 < right[0]
    assert column_edges(np.zeros(0))[0].size == 0
    assert column_grid(np.zeros(0), [], []).empty


@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=20, unique=True), st.data())
@settings(max_examples=60, deadline=None)
def test_the_nearest_spectrum_is_under_every_point(
    places: list[float], data: st.DataObject
) -> None:
    position = np.sort(np.round(places, 3))
    if np.diff(position).min() < 2e-3:
        return
    energies = [np.array([-1.0, 0.5, 4.0]) + 0.1 * i for i in range(position.size)]
    values = [np.arange(3.0) + 10 * i for i in range(position.size)]
    grid = column_grid(position, energies, values)
    x = data.draw(st.floats(float(position[0]), float(position[-1])))
    y = data.draw(st.floats(-1.0, 4.0))
    column = grid.column_at(x)
    distance = np.abs(position - x)
    if column is not None:
        assert distance[column] == pytest.approx(distance.min(), abs=1e-9)
        value = grid.value_at(x, y)
        away = np.abs(energies[column] - y)
        assert np.isnan(value) or away[int(value) % 10] == pytest.approx(away.min(), abs=1e-9)


def _shown(qtbot: QtBot, grid: ColumnGrid) -> tuple[pg.GraphicsLayoutWidget, pg.PlotItem]:
    make_application(LIGHT)
    canvas = make_canvas(LIGHT)
    qtbot.addWidget(canvas)
    canvas.resize(500, 400)
    plot = make_plot(LIGHT, "ξ", "E")
    canvas.addItem(plot)
    columns = ColumnMap()
    columns.set_colors("viridis")
    columns.set_grid(grid, "linear", Levels(0.0, 1.0))
    plot.addItem(columns, ignoreBounds=True)
    left, right, low, high = grid.bounds
    plot.setRange(xRange=(left, right), yRange=(low, high), padding=0)
    canvas.show()
    qtbot.waitExposed(canvas)
    return canvas, plot


def _color(canvas: pg.GraphicsLayoutWidget, plot: pg.PlotItem, x: float, y: float) -> QColor:
    return canvas.grab().toImage().pixelColor(place_of(canvas, plot, x, y))


def test_every_cell_has_its_colour_on_the_screen_and_nan_none(qtbot: QtBot) -> None:
    energies = [np.array([0.0, 1.0, 2.0]), np.array([0.3, 1.3, 2.3]), np.array([0.0, 0.5, 2.0])]
    values = [np.array([0.0, 0.5, 1.0]), np.array([1.0, np.nan, 0.0]), np.array([0.5, 0.0, 1.0])]
    grid = column_grid(np.array([0.0, 1.0, 3.0]), energies, values)
    canvas, plot = _shown(qtbot, grid)
    table = pg.colormap.get("viridis").getLookupTable(nPts=256)
    for place, own, column in zip((0.0, 1.0, 3.0), energies, values, strict=True):
        for energy, value in zip(own, column, strict=True):
            seen = _color(canvas, plot, place, energy)
            if np.isnan(value):
                assert seen == QColor(LIGHT.plot)
            else:
                wanted = table[min(int(value * 256), 255)]
                assert [seen.red(), seen.green(), seen.blue()] == wanted.tolist()
    # A pixel or two on either side of an edge belong to different cells.
    left, right = _color(canvas, plot, 0.485, 0.45), _color(canvas, plot, 0.515, 0.45)
    assert left != right


def test_a_map_can_be_cut_at_a_position(qtbot: QtBot) -> None:
    grid = column_grid(np.arange(4.0), [np.arange(3.0)] * 4, [np.full(3, 0.5)] * 4)
    columns = ColumnMap()
    columns.set_colors("viridis")
    columns.set_grid(grid, "linear", Levels(0.0, 1.0))
    x, y = np.array([0.2, 1.4, 1.6, 3.0]), np.array([1.0])
    assert (columns.raster(x, y) > 0).tolist() == [[True, True, True, True]]
    columns.set_limits(high=1.5)
    assert (columns.raster(x, y) > 0).tolist() == [[True, True, False, False]]
    columns.set_limits(low=1.5)
    assert (columns.raster(x, y) > 0).tolist() == [[False, False, True, True]]


def test_zero_counts_are_data_on_a_logarithmic_scale() -> None:
    grid = column_grid(
        np.arange(2.0), [np.arange(2.0)] * 2, [np.array([0.0, 10.0]), np.array([np.nan, 1.0])]
    )
    columns = ColumnMap()
    columns.set_colors("viridis")
    columns.set_grid(grid, "log", Levels(0.1, 10.0))
    seen = columns.raster(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    lowest = columns._colors[0]
    assert seen[0].tolist() == [lowest, 0]
    assert seen[1, 0] == columns._colors[255]
