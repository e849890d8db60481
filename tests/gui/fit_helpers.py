"""The tab Fit in tests: a spectrum on it, cells of its tables, places in its plot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from gui.app import make_application
from gui.messages import MessageLog
from gui.models.document import SpectrumId
from gui.models.fit_subject import Subject
from gui.models.project_model import ProjectModel
from gui.runner import Runner
from gui.settings import Settings
from gui.theme import LIGHT
from gui.views.fit_tab import FitTab
from gui.views.tab import Desk
from tests.gui.gestures import place_of

FITTED = SpectrumId("CdOsO_58", "Ana6")
OTHER = SpectrumId("CdOsO_58", "Ana7")
UNFITTED = SpectrumId("CdOsO_59", "Ana6")
WITHOUT_R = SpectrumId("CdOsO_59", "Ana2")


@dataclass
class Bench:
    """The tab alone, with what it works with: as in the window, but quicker to build."""

    tab: FitTab
    project: ProjectModel
    runner: Runner
    messages: MessageLog


def make_bench(qtbot: QtBot, project: Path | None, settings: Settings) -> Bench:
    """The tab in a window of its own, with a project open or none."""
    make_application(LIGHT)
    runner, messages = Runner(), MessageLog()
    model = ProjectModel(runner, messages)
    runner.failed.connect(messages.error)
    tab = FitTab(Desk(model, runner, messages, settings), LIGHT)
    qtbot.addWidget(tab)
    tab.resize(1150, 680)
    tab.show()
    qtbot.waitExposed(tab)
    if project is not None:
        model.open(project)
    return Bench(tab, model, runner, messages)


def show(qtbot: QtBot, bench: Bench, which: SpectrumId = FITTED) -> FitTab:
    """The tab with a spectrum, all drawn."""
    tab = bench.tab
    bench.project.select(which)
    settle(qtbot, tab)
    qtbot.wait(50)  # the first layout and paint; before, places in the plot are not what they seem
    assert subject(tab).which == which
    return tab


def settle(qtbot: QtBot, tab: FitTab) -> None:
    """Wait until nothing is under way."""
    qtbot.waitUntil(lambda: tab.ready and tab.subject is not None, timeout=30_000)


def subject(tab: FitTab) -> Subject:
    """What is shown."""
    assert tab.subject is not None
    return tab.subject


def energy_of(tab: FitTab, number: int) -> float:
    """Energy of a mode (from 1) in the draft shown."""
    return subject(tab).draft.quantity(f"mode{number}_energy").value


def width_of(tab: FitTab, number: int) -> float:
    """FWHM of a mode (from 1) in the draft shown."""
    return subject(tab).draft.quantity(f"mode{number}_fwhm").value


def pixel(tab: FitTab) -> float:
    """Width of a pixel in meV."""
    return float(tab.plot.main.getViewBox().viewPixelSize()[0])


def at(tab: FitTab, energy: float, share: float = 0.85) -> QPoint:
    """A place in the plot: energy, and share of its height."""
    low, high = tab.plot.main.viewRange()[1]
    return place_of(tab.plot.canvas, tab.plot.main, energy, low + share * (high - low))


def cell(view: QTableView, row: int, heading: str, nth: int = 0) -> str:
    """What a cell of a table shows, by the heading of its column (the nth of that name)."""
    return str(view.model().index(row, column_of(view, heading, nth)).data())


def column_of(view: QTableView, heading: str, nth: int = 0) -> int:
    """The column with a heading."""
    columns = [
        c
        for c in range(view.model().columnCount())
        if view.model().headerData(c, Qt.Orientation.Horizontal) == heading
    ]
    return columns[nth]


def click_cell(qtbot: QtBot, view: QTableView, row: int, column: int, *, double: bool) -> None:
    """Click, or double-click, into a cell; boxes are at its left end."""
    index = view.model().index(row, column)
    view.scrollTo(index)
    rectangle = view.visualRect(index)
    place = QPoint(rectangle.left() + 10, rectangle.center().y())
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(view.viewport(), left, pos=place)
    if double:
        qtbot.mouseDClick(view.viewport(), left, pos=place)


def type_into(qtbot: QtBot, view: QTableView, row: int, heading: str, text: str) -> None:
    """Double-click a cell, type, press Enter."""
    click_cell(qtbot, view, row, column_of(view, heading), double=True)
    editors: list[QLineEdit] = []

    def opened() -> bool:
        editors[:] = [editor for editor in view.findChildren(QLineEdit) if editor.isVisible()]
        return bool(editors)

    qtbot.waitUntil(opened, timeout=5000)
    editor = editors[0]
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    QApplication.sendPostedEvents()
