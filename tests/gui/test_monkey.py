"""Random hands on the viewer: no crash, no surprise, nothing lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QGraphicsView,
    QLineEdit,
    QMessageBox,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.models.project_model import ProjectModel
from gui.window import MainWindow
from tests.gui import gestures

ACTIONS = 200
_KEYS = (
    *(Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight, Qt.Key.Key_Escape, Qt.Key.Key_Delete),
    *(Qt.Key.Key_P, Qt.Key.Key_M, Qt.Key.Key_F1, Qt.Key.Key_Left, Qt.Key.Key_Right),
    *(Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_Space, Qt.Key.Key_Return),
)
_TEXTS = ("", "3", "-1", "1e400", "nan", "0 1 0", "Cu", "x y z", "7 7 0", "Ana5", "µ→☃")


class Monkey:
    """Does one random thing after another to a window."""

    def __init__(self, qtbot: QtBot, window: MainWindow, seed: int) -> None:
        self._qtbot = qtbot
        self._window = window
        self._random = random.Random(seed)
        self.done: list[str] = []

    def act(self) -> None:
        """One action."""
        kinds = (
            *(self._press_button,) * 6,
            *(self._use_drawing,) * 6,
            *(self._change_field,) * 4,
            *(self._press_key,) * 3,
            *(self._change_tab,) * 2,
            *(self._undo_or_redo,) * 2,
            self._project_action,
        )
        action = self._random.choice(kinds)
        self.done.append(action.__name__)
        action()
        for dialog in self._window.findChildren(QFileDialog):
            dialog.close()
        self._qtbot.wait(self._random.choice((1, 5, 20)))

    def _visible(self, *kinds: type[QWidget]) -> list[QWidget]:
        found = [w for kind in kinds for w in self._window.findChildren(kind)]
        # Qt's own dialog for files asks modal questions of its own; it is not what is tested.
        found = [w for w in found if not isinstance(w.window(), QFileDialog)]
        # Qt's own dialog for files answers a name that it does not know with a modal box.
        here = [w for w in found if not isinstance(w.window(), QFileDialog)]
        return [w for w in here if w.isVisible() and w.isEnabled() and w.width() > 4]

    def _pick(self, *kinds: type[QWidget]) -> QWidget | None:
        found = self._visible(*kinds)
        widget = self._random.choice(found) if found else None
        if widget is not None:
            self.done[-1] += f" {widget.objectName()}"
        return widget

    def _press_button(self) -> None:
        button = self._pick(QAbstractButton)
        if button is not None:
            self._qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def _change_field(self) -> None:
        field = self._pick(QComboBox, QAbstractSlider, QAbstractSpinBox, QLineEdit)
        if isinstance(field, QComboBox) and field.count():
            field.setCurrentIndex(self._random.randrange(field.count()))
        elif isinstance(field, QAbstractSlider) and not isinstance(field, QScrollBar):
            field.setValue(self._random.randint(field.minimum(), field.maximum()))
        elif isinstance(field, QAbstractSpinBox):
            field.stepBy(self._random.choice((-3, -1, 1, 5)))
        elif isinstance(field, QLineEdit) and not field.isReadOnly():
            field.setText(self._random.choice(_TEXTS))
            self._qtbot.keyClick(field, Qt.Key.Key_Return)

    def _use_drawing(self) -> None:
        view = self._pick(QGraphicsView)
        if not isinstance(view, QGraphicsView):
            return
        start, end = self._place(view), self._place(view)
        kind = self._random.choice(("click", "double", "drag", "drag", "wheel", "hover"))
        if kind == "wheel":
            self._wheel(view, start)
        elif kind == "hover":
            gestures.hover(self._qtbot, view, start)
        elif kind == "drag":
            gestures.drag(self._qtbot, view, start, end)
        else:
            gestures.click(self._qtbot, view, start, double=kind == "double")

    def _place(self, view: QGraphicsView) -> QPoint:
        port = view.viewport()
        return QPoint(
            self._random.randrange(max(port.width(), 1)),
            self._random.randrange(max(port.height(), 1)),
        )

    def _wheel(self, view: QGraphicsView, place: QPoint) -> None:
        port = view.viewport()
        turn = QPoint(0, self._random.choice((-120, 120)))
        event = QWheelEvent(
            QPointF(place),
            QPointF(port.mapToGlobal(place)),
            QPoint(),
            turn,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(port, event)

    def _press_key(self) -> None:
        target = QApplication.focusWidget() or self._window
        if isinstance(target.window(), QFileDialog):
            target = self._window
        self._qtbot.keyClick(target, self._random.choice(_KEYS))

    def _change_tab(self) -> None:
        self._window.show_tab(self._random.choice(list(self._window.pages)))

    def _undo_or_redo(self) -> None:
        stack = self._window.project.undo_stack
        (stack.undo if self._random.random() < 0.6 else stack.redo)()

    def _project_action(self) -> None:
        project = self._window.project
        self._random.choice((project.save, project.autosave, project.reload, self._theme))()

    def _theme(self) -> None:
        self._window.set_theme_name(self._random.choice(("light", "dark")))


@pytest.fixture
def no_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dialogs for files are closed at once; other modal ones are not to be."""

    def unwanted(*_: object) -> None:
        raise AssertionError("a modal dialog")

    for name in ("getOpenFileName", "getSaveFileName", "getOpenFileNames"):
        monkeypatch.setattr(QFileDialog, name, lambda *_, **__: ("", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: "")
    for name in ("question", "warning", "information", "critical"):
        monkeypatch.setattr(QMessageBox, name, unwanted)


@pytest.mark.usefixtures("no_dialogs")
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4, 5))]
)
def test_random_actions_break_and_lose_nothing(
    opened: MainWindow, qtbot: QtBot, small_project: Path, seed: int
) -> None:
    monkey = Monkey(qtbot, opened, seed)
    for _ in range(ACTIONS):
        monkey.act()
    opened.runner.cancel_all()
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=60_000)
    surprises = [m for m in opened.messages.messages if m.details]
    assert surprises == [], (surprises[0].details, monkey.done[-20:])
    assert opened.isVisible()
    assert nothing_lost(qtbot, opened, small_project)


def nothing_lost(qtbot: QtBot, window: MainWindow, path: Path) -> bool:
    """Whether a saved project holds, read anew, what the window shows."""
    project = window.project
    assert project.path == path
    project.save()
    qtbot.waitUntil(lambda: not window.runner.busy, timeout=20_000)
    assert not project.dirty
    again = ProjectModel(window.runner, window.messages)
    again.open(path)
    assert again.contents.scans[:2] == ("CdOsO_58", "CdOsO_59")
    for key in project.contents.analyzers:
        shown, stored = project.fits(key), again.fits(key)
        assert shown.keys() == stored.keys()
        for name, fit in shown.items():
            assert fit.parameters.tolist() == stored[name].parameters.tolist()
    masks = {key: names for key, names in project.document.masks.items() if names}
    return again.document.masks == masks
