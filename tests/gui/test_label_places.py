"""Labels beside points: none on another, none on a point, near where there is room."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from gui.plots.axes import make_canvas, make_plot
from gui.plots.expected_spectra import ExpectedSpectraGrid
from gui.plots.label_places import label_places
from gui.plots.setting_marks import SettingMarks
from gui.theme import LIGHT
from simulate.planning import ExpectedPanel

POINT = 9.0
DISTANCES = (2.0, 14.0, 30.0)


def test_a_lone_label_is_right_of_its_point() -> None:
    (centre,) = label_places(
        np.array([[50.0, 50.0]]), np.array([[20.0, 16.0]]), (100, 100), POINT, DISTANCES
    )
    assert centre == pytest.approx([50 + 4.5 + 2 + 10, 50])


def test_at_the_right_edge_it_is_left_of_its_point() -> None:
    (centre,) = label_places(
        np.array([[95.0, 50.0]]), np.array([[20.0, 16.0]]), (100, 100), POINT, DISTANCES
    )
    assert centre == pytest.approx([95 - 4.5 - 2 - 10, 50])


def test_what_is_not_seen_has_no_label() -> None:
    points = np.array([[-5.0, 50.0], [50.0, 120.0]])
    centres = label_places(points, np.full((2, 2), 10.0), (100, 100), POINT, DISTANCES)
    assert np.isnan(centres).all()


@pytest.mark.parametrize("seed", range(20))
def test_no_label_lies_on_another_or_on_a_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Clusters, as settings of a plan are, with points on the very same place among them.
    points = np.repeat(rng.uniform(40, 360, (6, 2)), 5, axis=0) + rng.normal(0, 8, (30, 2))
    points[1] = points[0]
    sizes = np.column_stack((rng.uniform(12, 24, 30), np.full(30, 16.0)))
    centres = label_places(points, sizes, (400, 400), POINT, DISTANCES)
    placed = np.isfinite(centres[:, 0])
    assert placed.sum() >= 15
    boxes = [QRectF(*(c - s / 2), *s) for c, s in zip(centres[placed], sizes[placed], strict=True)]
    rims = [QRectF(*(p - POINT / 2), POINT, POINT) for p in points]
    assert all(QRectF(0, 0, 400, 400).contains(box) for box in boxes)
    for number, box in enumerate(boxes):
        assert not any(box.intersects(other) for other in boxes[number + 1 :])
        assert not any(box.intersects(rim) for rim in rims)


def test_numbers_on_a_plot_are_apart_and_come_back_on_zooming(qtbot: QtBot) -> None:
    canvas = make_canvas(LIGHT)
    qtbot.addWidget(canvas)
    plot = make_plot(LIGHT, "x", "y")
    canvas.addItem(plot)
    marks = SettingMarks(plot, LIGHT)
    canvas.resize(500, 400)
    canvas.show()
    plot.setRange(xRange=(0, 10), yRange=(0, 10), padding=0)
    rng = np.random.default_rng(3)
    places = 5 + rng.normal(0, 0.15, (40, 2))
    marks.set_settings(places, [str(i + 1) for i in range(40)])

    def boxes() -> list[QRectF]:
        return [
            label.mapRectToScene(label.boundingRect())
            for label in marks.labels
            if label.isVisible()
        ]

    def apart() -> None:
        found = boxes()
        for number, box in enumerate(found):
            shrunk = box.adjusted(0.5, 0.5, -0.5, -0.5)
            assert not any(shrunk.intersects(other) for other in found[number + 1 :])

    crowded = len(boxes())
    assert 0 < crowded < 40
    apart()
    plot.setRange(xRange=(4.5, 5.5), yRange=(4.5, 5.5), padding=0)
    assert len(boxes()) > crowded
    apart()


def _panel(name: str) -> ExpectedPanel:
    energy = np.linspace(-5, 10, 31)
    return ExpectedPanel(
        name,
        np.array([-10.34, 17.66, -0.13]),
        energy,
        100 + 10 * np.cos(energy),
        np.array([1.9, 4.7, 6.1]),
        np.array([0.03, 0.13, 0.1]),
        ("1", "2+3", "4"),
        1.5,
    )


@pytest.mark.parametrize("before", [200, 2000])
@pytest.mark.parametrize(("width", "columns"), [(300, 1), (560, 2), (1400, 4)])
def test_no_title_of_an_expected_spectrum_is_cut(
    qtbot: QtBot, width: int, columns: int, before: int
) -> None:
    grid = ExpectedSpectraGrid(LIGHT)
    qtbot.addWidget(grid)
    grid.resize(before, 500)
    grid.show()
    panels = [_panel(f"a{i:02d}") for i in range(1, 12)]
    grid.show_panels(panels, wanted=("a07",))
    qtbot.wait(50)
    grid.resize(width, 500)
    qtbot.wait(50)
    grid.show_panels(())
    grid.show_panels(panels, wanted=("a07",))
    qtbot.waitUntil(lambda: grid.columns == columns, timeout=5_000)
    qtbot.waitUntil(lambda: abs(grid.canvas.ci.geometry().width() - width) < 40, timeout=5_000)
    plots = list(grid.canvas.ci.items)
    titles = [plot.titleLabel.item for plot in plots]
    boxes = [title.mapRectToScene(title.boundingRect()) for title in titles]
    for number, box in enumerate(boxes):
        assert box.right() <= grid.canvas.width()
        assert not any(box.intersects(other) for other in boxes[number + 1 :])
    # All panels share the room: none is left for columns and rows that are no more.
    rows = -(-len(plots) // columns)
    for plot in plots:
        size = plot.geometry()
        assert size.width() == pytest.approx(width / columns, abs=40)
        assert size.height() == pytest.approx(grid.canvas.height() / rows, abs=20)
