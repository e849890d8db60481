"""Every widget that is clicked or typed into has a name, for tests and for screen readers."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QGraphicsView,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTabWidget,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gui.window import MainWindow

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QGraphicsView,
    QLineEdit,
    QPlainTextEdit,
    QTabWidget,
    QTextEdit,
)
QT_INTERNAL = (QHeaderView, QScrollBar)
WITH_PARTS = (QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit, QMenu, QTabBar)


def made_by_qt(widget: QWidget) -> bool:
    """Whether a widget is a part that Qt gives another one: an editor, a list, a button."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, WITH_PARTS):
            return True
        above = above.parentWidget()
    return isinstance(widget, QT_INTERNAL) or widget.objectName().startswith("qt_")


def all_seen(window: MainWindow, qtbot: QtBot) -> list[QWidget]:
    """The interactive widgets of a window each of whose tabs was looked at."""
    for name, page in window.pages.items():
        window.show_tab(name)
        qtbot.waitUntil(lambda page=page: page.ready, timeout=60_000)
    widgets = window.findChildren(QWidget)
    return [w for w in widgets if isinstance(w, INTERACTIVE) and not made_by_qt(w)]


def described(widget: QWidget) -> str:
    """A widget in words by which it is found in the code."""
    parent = widget.parentWidget()
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    within = f"{type(parent).__name__} {parent.objectName()!r}" if parent is not None else "none"
    return f"{type(widget).__name__} {widget.objectName()!r} {text!r} in {within}"


def test_every_interactive_widget_has_its_names(opened: MainWindow, qtbot: QtBot) -> None:
    """Screen readers and other people's scripts find widgets by name."""
    widgets = all_seen(opened, qtbot)
    assert len(widgets) > 100
    nameless = [w for w in widgets if not (w.objectName() and w.accessibleName())]
    assert not nameless, "\n".join(map(described, nameless))


def test_no_two_widgets_have_the_same_name(opened: MainWindow, qtbot: QtBot) -> None:
    """A name finds one widget."""
    names = Counter(widget.objectName() for widget in all_seen(opened, qtbot))
    assert [name for name, times in names.items() if times > 1] == []
