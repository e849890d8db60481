"""What tests of the tab Scans share: the tab, its panels in pixels, drops, small scan files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.models.scan_rows import ScanRow
from gui.plots.spectrum_panel import SpectrumPanel
from gui.views.scans_tab import ScansTab
from gui.window import MainWindow
from tests.ixs_reduce.growing_scan import append, whole


def scans_tab(window: MainWindow) -> ScansTab:
    page = window.pages["scans"]
    assert isinstance(page, ScansTab)
    return page


def settle(qtbot: QtBot, window: MainWindow, timeout: int = 20_000) -> ScansTab:
    """Wait until the tab shows all there is to show."""
    tab = scans_tab(window)
    window.show_tab("scans")
    qtbot.waitUntil(lambda: tab.ready and not window.runner.busy, timeout=timeout)
    return tab


def panel(tab: ScansTab, analyzer: str) -> SpectrumPanel:
    found = tab.grid.panel(analyzer)
    assert found is not None
    return found


def middle(tab: ScansTab, analyzer: str) -> QPoint:
    """The middle of a panel, in pixels of the grid."""
    scene = panel(tab, analyzer).plot.sceneBoundingRect().center()
    return tab.grid.mapFromScene(scene)


def press(
    tab: ScansTab,
    analyzer: str,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    """A click on a panel with keys held."""
    port, place = tab.grid.viewport(), QPointF(middle(tab, analyzer))
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, held in (
        (QEvent.Type.MouseButtonPress, left),
        (QEvent.Type.MouseButtonRelease, none),
    ):
        event = QMouseEvent(kind, place, QPointF(port.mapToGlobal(place)), left, held, keys)
        QApplication.sendEvent(port, event)


def drop(window: MainWindow, *paths: Path) -> None:
    """Drag files over the window and let go."""
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    place = QPoint(200, 200)
    enter = QDragEnterEvent(place, copy, content, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, content, left, none))


def scan_file(path: Path, numbers: Sequence[int] = (1,), points: int = 61) -> Path:
    """A SPEC file of scans of two analyzers at the same Q, each with other noise."""
    for number in numbers:
        append(path, whole(number, seed=number, points=points))
    return path


def table_rows(tab: ScansTab) -> dict[str, ScanRow]:
    """Rows of the list by their first text."""
    return {row.texts[0]: row for row in tab.list.rows.rows}
