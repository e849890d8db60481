"""The tab Frames: stepping, sums, failures, the project, levels, export, through real widgets."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
from pathlib import Path

import fabio
import numpy as np
import pytest
from fabio.edfimage import EdfImage
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QSpinBox, QTableView
from pytestqt.qtbot import QtBot

from gui.models import frames_content
from gui.plots.export import write_export
from gui.views.frames_tab import FramesTab
from gui.window import MainWindow
from ixs_core.frame_geometry import predict_spots
from ixs_core.frame_series import FrameRef
from ixs_core.frames import Frame, read_frame
from sample_data.simulate_frames import write_frames
from tests.gui.gestures import drag, hover, place_of

PATIENCE_MS = 20_000


@pytest.fixture(scope="session")
def _frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    write_frames(folder)
    return folder


@pytest.fixture
def paths(_frames: Path, tmp_path: Path) -> list[Path]:
    """Five simulated frames of one's own."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for path in sorted(_frames.iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())
    return sorted(folder.iterdir())


def settle(window: MainWindow, qtbot: QtBot) -> FramesTab:
    """The tab, once nothing is under way."""
    tab = window.pages["frames"]
    assert isinstance(tab, FramesTab)
    qtbot.waitUntil(lambda: tab.ready and not window.runner.busy, timeout=PATIENCE_MS)
    return tab


@pytest.fixture
def tab(window: MainWindow, paths: list[Path], qtbot: QtBot) -> FramesTab:
    """The tab with the first frame open."""
    window.take(paths[0])
    assert window.page.name == "frames"
    return settle(window, qtbot)


def shown(tab: FramesTab) -> Frame:
    assert tab.model.shown is not None
    return tab.model.shown.frame


def button(tab: FramesTab, name: str) -> QPushButton:
    found = tab.findChild(QPushButton, name)
    assert isinstance(found, QPushButton)
    return found


def errors(window: MainWindow) -> list[str]:
    return [m.text for m in window.messages.messages if m.level == "error"]


def by_fabio(path: Path) -> np.ndarray:
    return np.asarray(fabio.open(str(path)).data)


# -- stepping --------------------


def test_keys_and_buttons_step_through_what_fabio_reads(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot
) -> None:
    assert np.array_equal(shown(tab).values, by_fabio(paths[0]))
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[1]))
    qtbot.mouseClick(button(tab, "frames-next"), Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[2]))
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageUp)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[1]))
    number = tab.findChild(QSpinBox, "frames-number")
    assert number.value() == 2
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, "5")
    qtbot.keyClick(number, Qt.Key.Key_Return)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[4]))
    assert not button(tab, "frames-next").isEnabled()
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert tab.model.place == 4
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageUp, Qt.KeyboardModifier.ControlModifier)
    settle(window, qtbot)
    assert tab.model.place == 0
    assert errors(window) == []


def test_the_image_lies_as_in_the_file(tab: FramesTab, paths: list[Path]) -> None:
    """What is drawn, block by block, is the largest of these pixels; the first row is on top."""
    image, crop = tab.image.map.image, tab.image.crop
    assert crop is not None
    drawn = np.asarray(image.image).T
    counts = by_fabio(paths[0]).astype(float)
    counts[counts < 0] = np.nan
    assert crop.size == 1
    part = counts[slice(*crop.rows), slice(*crop.columns)]
    low = tab.levels[0]
    assert np.allclose(drawn, np.log10(np.maximum(part, low)), equal_nan=True, atol=1e-6)
    rect = image.mapRectToParent(image.boundingRect())
    assert (rect.left(), rect.top()) == (crop.columns[0] - 0.5, crop.rows[0] - 0.5)
    top = place_of(tab.panes.canvas, tab.image.plot, 300.0, 10.0)
    below = place_of(tab.panes.canvas, tab.image.plot, 300.0, 500.0)
    assert top.y() < below.y()


def test_a_large_frame_is_drawn_small_and_its_pixels_when_zoomed(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """A single pixel is seen on the whole frame; zoomed in, only a part is drawn, as it is."""
    counts = np.random.default_rng(0).poisson(5, (2300, 2500)).astype(np.uint16)
    counts[1501, 1203] = 60_000
    path = tmp_path / "large.edf"
    EdfImage(data=counts).write(str(path))
    window.take(path)
    tab = settle(window, qtbot)
    crop = tab.image.crop
    assert crop is not None
    assert crop.size == 4
    drawn = 10 ** np.asarray(tab.image.map.image.image).T
    assert drawn[1501 // 4, 1203 // 4] == pytest.approx(60_000, rel=1e-3)
    box = tab.image.plot.getViewBox()
    # As the wheel does: from now on a resize no longer brings the whole frame back.
    box.sigRangeChangedManually.emit(box.state["mouseEnabled"])
    box.setRange(xRange=(1150.0, 1250.0), yRange=(1450.0, 1550.0), padding=0)
    qtbot.waitUntil(lambda: tab.image.crop.size == 1, timeout=PATIENCE_MS)
    crop = tab.image.crop
    assert crop.columns[0] <= 1150
    assert 1250 <= crop.columns[1] < 1500
    part = counts[slice(*crop.rows), slice(*crop.columns)]
    drawn = 10 ** np.asarray(tab.image.map.image.image).T
    assert np.allclose(drawn, np.maximum(part, tab.levels[0]), rtol=1e-4)


def test_fast_steps_show_only_the_last(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot
) -> None:
    seen: list[int] = []
    tab.model.cache.clear()
    tab.model.shown_changed.connect(lambda: seen.append(tab.model.place))
    for _ in range(4):
        tab.model.cache.clear()
        qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert seen[-1] == 4
    assert len(seen) < 4
    assert np.array_equal(shown(tab).values, by_fabio(paths[4]))


def test_neighbours_are_read_ahead(window: MainWindow, tab: FramesTab, qtbot: QtBot) -> None:
    settle(window, qtbot)
    series = tab.model.series
    assert series is not None
    assert tab.model.cache.get(series.frames[1]) is not None
    assert tab.model.cache.get(series.frames[4]) is None


def test_the_memory_of_the_cache_is_bounded(paths: list[Path]) -> None:
    one = frames_content.prepared(read_frame(paths[0]), "frame 1 of 5")
    cache = frames_content.FrameCache(int(2.5 * one.nbytes))
    refs = [FrameRef(path, 0) for path in paths]
    for ref in refs[:3]:
        cache.put(ref, one)
        assert cache.get(refs[0]) is not None
    assert cache.nbytes <= 2.5 * one.nbytes
    assert cache.get(refs[1]) is None
    assert cache.get(refs[2]) is not None


# -- sums --------------------


@pytest.mark.parametrize(("name", "function"), [("sum", np.sum), ("maximum", np.max)])
def test_sums_and_maxima_are_those_of_numpy(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot, name: str, function: object
) -> None:
    tab.findChild(QSpinBox, "frames-first").setValue(2)
    tab.findChild(QSpinBox, "frames-last").setValue(4)
    qtbot.mouseClick(button(tab, f"frames-{name}"), Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    stack = np.array([by_fabio(path) for path in paths[1:4]]).astype(np.int64)
    frame = shown(tab)
    known = ~frame.mask
    assert np.array_equal(frame.mask, (stack < 0).any(axis=0))
    expected = function(stack, axis=0)  # type: ignore[operator]
    assert np.array_equal(frame.values[known], expected[known])
    assert f"{name} of frames 2 to 4" in tab.panes.title.text()
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[2]))


@pytest.mark.parametrize("how", ["button", "escape"])
def test_a_cancelled_sum_leaves_the_frame(
    window: MainWindow,
    tab: FramesTab,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    before = tab.model.shown
    begun, go_on = threading.Event(), threading.Event()

    def slow(path: Path, index: int = 0) -> Frame:
        begun.set()
        assert go_on.wait(10)
        return read_frame(path, index)

    tab.model.cache.clear()
    monkeypatch.setattr(frames_content, "read_frame", slow)
    qtbot.mouseClick(button(tab, "frames-sum"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE_MS)
    assert not tab.ready
    if how == "button":
        qtbot.mouseClick(button(tab, "frames-cancel"), Qt.MouseButton.LeftButton)
    else:
        qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_Escape)
    assert not tab.model.busy
    go_on.set()
    settle(window, qtbot)
    assert tab.model.shown is before
    assert not button(tab, "frames-cancel").isEnabled()
    assert errors(window) == []


# -- failures --------------------


def test_a_damaged_frame_gives_one_message_and_keeps_the_old(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot
) -> None:
    settle(window, qtbot)
    tab.model.cache.clear()
    paths[1].write_bytes(paths[1].read_bytes()[:50_000])
    before = tab.model.shown
    for _ in range(2):
        qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
        settle(window, qtbot)
    assert tab.model.shown is before
    assert len(errors(window)) == 1
    assert paths[1].name in errors(window)[0]
    assert tab.findChild(QSpinBox, "frames-number").value() == 1
    tab.model.go(2)
    settle(window, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[2]))


def test_a_file_deleted_meanwhile(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot
) -> None:
    settle(window, qtbot)
    before = tab.model.shown
    paths[3].unlink()
    tab.model.go(3)
    settle(window, qtbot)
    assert tab.model.shown is before
    assert len(errors(window)) == 1
    assert "no such file" in errors(window)[0]
    qtbot.mouseClick(button(tab, "frames-sum"), Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    assert tab.model.shown is before
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_F5)
    settle(window, qtbot)
    assert tab.model.series is not None
    assert len(tab.model.series) == 4
    assert np.array_equal(shown(tab).values, by_fabio(paths[0]))


def test_a_file_that_is_no_frame_keeps_the_series(
    window: MainWindow, tab: FramesTab, tmp_path: Path, qtbot: QtBot
) -> None:
    before = tab.model.shown
    other = tmp_path / "other.cbf"
    other.write_bytes(b"###CBF: VERSION 1.5\n" + bytes(3000))
    window.take(other)
    settle(window, qtbot)
    assert tab.model.shown is before
    assert len(errors(window)) == 1


# -- the project and drops --------------------


def test_a_project_remembers_its_series(
    opened: MainWindow, paths: list[Path], qtbot: QtBot
) -> None:
    opened.take(paths[2])
    tab = settle(opened, qtbot)
    assert tab.model.place == 2
    assert opened.project.document.choice("frames", "series") == str(paths[2])
    opened.project.undo_stack.undo()
    assert tab.model.shown is None
    assert "drop a detector image" in tab.panes.note.text
    opened.project.undo_stack.redo()
    settle(opened, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[2]))
    opened.project.save()
    qtbot.waitUntil(lambda: not opened.project.dirty, timeout=PATIENCE_MS)
    assert opened.project.path is not None
    opened.project.open(opened.project.path)
    settle(opened, qtbot)
    assert np.array_equal(shown(tab).values, by_fabio(paths[2]))
    assert not opened.project.dirty
    for path in paths:
        path.unlink()
    opened.project.open(opened.project.path)
    settle(opened, qtbot)
    assert tab.model.shown is None
    assert "not there any more" in tab.panes.note.text


def test_looking_without_a_project_leaves_nothing_to_save(
    window: MainWindow, tab: FramesTab
) -> None:
    assert not window.project.dirty


def test_a_folder_dropped_on_the_tab_is_a_series(
    window: MainWindow, paths: list[Path], tmp_path: Path, qtbot: QtBot
) -> None:
    window.show_tab("frames")
    tab = settle(window, qtbot)
    assert "drop a detector image" in tab.panes.note.text
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(paths[0].parent))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    tab.dropEvent(event)
    settle(window, qtbot)
    assert tab.model.series is not None
    assert len(tab.model.series) == 5
    assert np.array_equal(shown(tab).values, by_fabio(paths[0]))


# -- header, cursor, spots --------------------


def test_the_header_and_its_filter(tab: FramesTab, qtbot: QtBot) -> None:
    table, field = tab.findChild(QTableView), tab.findChild(QLineEdit, "frames-filter")
    model = table.model()
    rows = {model.index(n, 0).data(): model.index(n, 1).data() for n in range(model.rowCount())}
    assert rows["Exposure_time"] == "1 s"
    assert len(rows) == len(shown(tab).header)
    qtbot.keyClicks(field, "wavel")
    assert [model.index(n, 0).data() for n in range(model.rowCount())] == ["Wavelength"]
    field.clear()
    words = tab.panes.header.words.text()
    assert "640 × 600" in words
    assert "0.2481 Å" in words


def test_the_cursor_tells_pixel_counts_angle_and_hkl(
    window: MainWindow, tab: FramesTab, paths: list[Path], qtbot: QtBot
) -> None:
    canvas, plot = tab.panes.canvas, tab.image.plot
    hover(qtbot, canvas, place_of(canvas, plot, 400.0, 450.0))
    text = window.cursor_label.text()
    parts = text.split()
    column, row = int(parts[1]), int(parts[3])
    assert abs(column - 400) <= 1
    assert abs(row - 450) <= 1
    assert f"{by_fabio(paths[0])[row, column]} counts" in text
    frame = shown(tab)
    assert frame.geometry is not None
    d = float(text.split("d ")[1].split()[0])
    assert d == pytest.approx(float(frame.geometry.d_spacing(column, row)), rel=0.02)
    assert "hkl (" in text
    hover(qtbot, canvas, place_of(canvas, plot, 490.0, 100.0))
    assert "gap" in window.cursor_label.text()


def test_spots_are_those_of_the_header(tab: FramesTab, qtbot: QtBot) -> None:
    frame = shown(tab)
    assert frame.geometry is not None
    assert frame.orientation is not None
    expected = predict_spots(frame.geometry, frame.orientation, frame.shape)
    x, y = tab.image.marks.getData()
    assert np.allclose(x, expected.x)
    assert np.allclose(y, expected.y)
    tab.display.spots.setFocus()
    qtbot.keyClick(tab.display.spots, Qt.Key.Key_Space)
    assert len(tab.image.marks.getData()[0]) == 0


def test_a_header_without_orientation_says_so(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    from fabio.tifimage import TifImage

    path = tmp_path / "plain.tif"
    TifImage(data=np.arange(600, dtype=np.uint16).reshape(20, 30)).write(str(path))
    window.take(path)
    tab = settle(window, qtbot)
    assert "No hkl: the header has no orientation matrix." in tab.panes.header.words.text()
    assert "No angles" in tab.panes.header.words.text()
    assert not tab.display.spots.isEnabled()
    assert "no orientation" in tab.display.spots.toolTip()
    assert not tab.display.radial.isEnabled()


# -- colours --------------------


def test_levels_by_percentile_and_scale(tab: FramesTab, paths: list[Path]) -> None:
    counts = by_fabio(paths[0])
    known = counts[counts >= 0]
    for text, share in frames_content.SHARES.items():
        tab.display.levels.setCurrentText(text)
        high = tab.levels[1]
        assert np.mean(known <= high) >= share - 1e-9
        assert np.mean(known <= 0.9 * high - 1) < share
    tab.display.scale.setCurrentText("linear")
    assert tab.levels == (0.0, float(known.max()))
    assert tuple(tab.image.map.image.getLevels()) == pytest.approx(tab.levels)


def test_levels_are_dragged_in_the_histogram(
    window: MainWindow, tab: FramesTab, qtbot: QtBot
) -> None:
    canvas, plot = tab.panes.histogram_canvas, tab.histogram.plot
    low, high = tab.levels
    start = place_of(canvas, plot, float(np.log10(high)), 1.5)
    drag(qtbot, canvas, start, place_of(canvas, plot, 3.0, 1.5))
    settle(window, qtbot)
    assert tab.levels[0] == pytest.approx(low, rel=0.01)
    assert tab.levels[1] == pytest.approx(1000.0, rel=0.1)
    assert tab.display.levels.currentText() == "kept"
    drawn = 10 ** np.asarray(tab.image.map.image.getLevels())
    assert drawn == pytest.approx(tab.levels, rel=1e-6)
    kept = tab.levels
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert tab.levels == kept


def test_levels_are_typed(window: MainWindow, tab: FramesTab, qtbot: QtBot) -> None:
    high = tab.panes.high
    high.setFocus()
    high.selectAll()
    qtbot.keyClicks(high, "250")
    qtbot.keyClick(high, Qt.Key.Key_Return)
    settle(window, qtbot)
    assert tab.levels[1] == 250.0


# -- export --------------------


def test_export_of_the_histogram_and_of_a_profile(
    window: MainWindow, tab: FramesTab, tmp_path: Path, paths: list[Path], qtbot: QtBot
) -> None:
    tab.give_up()
    written = write_export(tab.export(), tmp_path / "frame.pdf")
    assert [path.suffix for path in written] == [".pdf", ".csv"]
    with written[1].open() as stream:
        rows = list(csv.DictReader(stream))
    counts = by_fabio(paths[0])
    assert sum(int(row["pixels"]) for row in rows) == (counts >= 0).sum()
    qtbot.mouseClick(button(tab, "frames-radial"), Qt.MouseButton.LeftButton)
    settle(window, qtbot)
    export = tab.export()
    assert export.name == paths[0].stem
    assert export.table.columns == ("two_theta_deg", "counts_per_pixel")
    measured = tab.panes.profile.measured
    assert measured is not None
    assert measured.profile is not None
    assert len(export.table.rows) == len(measured.profile.position)
    write_export(export, tmp_path / "rings.svg")


def test_nothing_to_export(window: MainWindow) -> None:
    window.show_tab("frames")
    window.ask_export()
    assert "no frame to export" in errors(window)[0]


def test_a_picture_of_a_project_with_frames_is_written_without_asking(
    small_project: Path, paths: list[Path], tmp_path: Path
) -> None:
    """Opening frames changes the project; nobody is there to say whether to save it."""
    picture = tmp_path / "frames.png"
    before = small_project.read_bytes()
    run = "from ixs_core.cli import main; main()"
    command = [sys.executable, "-c", run, "view", str(small_project), str(paths[0])]
    command += ["--tab", "frames", "--theme", "dark", "--screenshot", str(picture)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run(command, env=environment, timeout=120, check=True)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert small_project.read_bytes() == before


def test_frame_two_of_a_file_with_several(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    image = EdfImage(data=np.zeros((300, 320), dtype=np.int32))
    for number in (1, 2):
        image.append_frame(data=np.full((300, 320), number, dtype=np.int32), header={})
    path = tmp_path / "several.edf"
    image.write(str(path))
    window.take(path)
    tab = settle(window, qtbot)
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_PageDown)
    settle(window, qtbot)
    assert (shown(tab).values == 1).all()
    qtbot.keyClick(tab.panes.canvas, Qt.Key.Key_F5)
    settle(window, qtbot)
    assert (shown(tab).values == 1).all()
    assert tab.model.place == 1
    assert errors(window) == []
