"""Lines and boxes dragged over a frame: the numbers against scipy and numpy on fabio's frame."""

from __future__ import annotations

from pathlib import Path

import fabio
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSpinBox, QToolButton
from pytestqt.qtbot import QtBot
from scipy.ndimage import map_coordinates

from gui.views.frames_tab import FramesTab
from gui.window import MainWindow
from sample_data.simulate_frames import write_frames
from tests.gui.gestures import drag, place_of

PATIENCE_MS = 20_000


@pytest.fixture
def tab(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> FramesTab:
    window.take(write_frames(tmp_path)[1])
    found = window.pages["frames"]
    assert isinstance(found, FramesTab)
    settle(found, qtbot)
    return found


def settle(tab: FramesTab, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: tab.ready and not tab.desk.runner.busy, timeout=PATIENCE_MS)


def counts_of(tab: FramesTab) -> np.ndarray:
    assert tab.model.shown is not None
    counts = fabio.open(str(tab.model.shown.frame.path)).data.astype(float)
    counts[counts < 0] = np.nan
    return counts


def choose(tab: FramesTab, qtbot: QtBot, tool: str) -> None:
    found = tab.findChild(QToolButton, f"frames-tool-{tool}")
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)
    assert found.isChecked()


def draw(
    tab: FramesTab, qtbot: QtBot, start: tuple[float, float], end: tuple[float, float]
) -> None:
    canvas, plot = tab.panes.canvas, tab.image.plot
    drag(qtbot, canvas, place_of(canvas, plot, *start), place_of(canvas, plot, *end))
    settle(tab, qtbot)


def test_a_dragged_line_is_its_profile(tab: FramesTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, "line")
    view = tab.image.view()
    draw(tab, qtbot, (120.0, 300.0), (300.0, 520.0))
    assert tab.image.view() == view
    line = tab.measuring.selection
    assert line is not None
    assert np.allclose([*line.start, *line.end], (120, 300, 300, 520), atol=2.0)
    measured = tab.panes.profile.measured
    assert measured is not None
    assert measured.profile is not None
    length = float(np.hypot(*np.subtract(line.end, line.start)))
    x, y = (np.linspace(a, b, round(length) + 1) for a, b in zip(line.start, line.end, strict=True))
    expected = map_coordinates(counts_of(tab), [y, x], order=1)
    assert np.allclose(measured.profile.value, expected)
    assert np.allclose(tab.panes.profile.curve.yData, expected)
    assert measured.profile.position[-1] == pytest.approx(length)


def test_the_width_of_the_line_and_the_next_frame(tab: FramesTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, "line")
    draw(tab, qtbot, (150.0, 400.0), (420.0, 400.0))
    tab.findChild(QSpinBox, "frames-width").setValue(5)
    settle(tab, qtbot)
    for _ in range(2):
        line, measured = tab.measuring.selection, tab.panes.profile.measured
        assert line is not None
        assert measured is not None
        assert measured.profile is not None
        number = measured.profile.position.size
        x, y = (np.linspace(a, b, number) for a, b in zip(line.start, line.end, strict=True))
        unit = np.subtract(line.end, line.start) / np.hypot(*np.subtract(line.end, line.start))
        rows = [
            map_coordinates(counts_of(tab), [y + n * unit[0], x - n * unit[1]], order=1)
            for n in (-2, -1, 0, 1, 2)
        ]
        assert np.allclose(measured.profile.value, np.mean(rows, axis=0))
        qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
        settle(tab, qtbot)
    assert tab.model.place == 3


def test_a_line_over_a_gap_is_broken(tab: FramesTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, "line")
    draw(tab, qtbot, (450.0, 420.0), (530.0, 420.0))
    measured = tab.panes.profile.measured
    assert measured is not None
    assert measured.profile is not None
    missing = np.isnan(measured.profile.value)
    assert 6 <= missing.sum() <= 9
    assert not missing[0]
    assert not missing[-1]


def test_a_dragged_box_is_its_sum(tab: FramesTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, "box")
    draw(tab, qtbot, (470.0, 380.0), (380.0, 470.0))
    box, measured = tab.measuring.selection, tab.panes.profile.measured
    assert box is not None
    assert measured is not None
    assert measured.box is not None
    (x0, x1), (y0, y1) = (sorted(v) for v in zip(box.start, box.end, strict=True))
    y, x = np.mgrid[:600, :640]
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    counts = counts_of(tab)[inside]
    assert measured.box.total == np.nansum(counts)
    assert measured.box.pixels == np.isfinite(counts).sum()
    assert measured.box.largest == np.nanmax(counts)
    assert "Box" in tab.panes.profile.words.text()
    table = tab.export().table
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["counts"] == np.nansum(counts)
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_Escape)
    assert tab.panes.profile.measured is None
    assert len(tab.image.box.getData()[0]) == 0


def test_a_drag_with_move_moves(tab: FramesTab, qtbot: QtBot) -> None:
    before, selection = tab.image.view(), tab.measuring.selection
    draw(tab, qtbot, (300.0, 300.0), (350.0, 320.0))
    after = tab.image.view()
    assert before.left - after.left == pytest.approx(50, abs=4)
    assert tab.measuring.selection == selection


def test_rings_around_the_beam_come_first(tab: FramesTab) -> None:
    """Until something is dragged the profile is that around the beam."""
    measured = tab.panes.profile.measured
    assert measured is not None
    assert measured.selection.kind == "radial"
    assert measured.profile is not None
    y, x = np.mgrid[:600, :640]
    ring = np.rint(np.hypot(x - 331.4, y - 291.7)) == 64
    expected = np.nanmean(counts_of(tab)[ring])
    two_theta = np.degrees(np.arctan(64 * 0.172 / 150.0))
    place = int(np.argmin(np.abs(measured.profile.position - two_theta)))
    assert measured.profile.position[place] == pytest.approx(two_theta)
    assert measured.profile.value[place] == pytest.approx(expected)
