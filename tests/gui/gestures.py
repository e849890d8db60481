"""Gestures of a hand: what a test sends to a drawing so that it takes them for real.

A drag needs hover moves before the press, and moves that are apart in time; a press alone
starts none.
"""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QGraphicsView
from pytestqt.qtbot import QtBot

_STEPS = 12
_PAUSE_MS = 20


def place_of(view: QGraphicsView, plot: pg.PlotItem, x: float, y: float) -> QPoint:
    """Where a point of a plot's axes is on the widget, in pixels."""
    scene = plot.getViewBox().mapViewToScene(QPointF(x, y))
    return view.mapFromScene(scene)


def drag(
    qtbot: QtBot,
    view: QGraphicsView,
    start: QPoint,
    end: QPoint,
    button: Qt.MouseButton = Qt.MouseButton.LeftButton,
) -> None:
    """Press at one place of a drawing, move, release at another."""
    none, held = Qt.MouseButton.NoButton, button
    for offset in (2, 1, 0):
        _send(view, QEvent.Type.MouseMove, start + QPoint(offset, 0), none, none)
        qtbot.wait(_PAUSE_MS)
    _send(view, QEvent.Type.MouseButtonPress, start, button, held)
    for step in range(1, _STEPS + 1):
        qtbot.wait(_PAUSE_MS)
        place = start + (end - start) * (step / _STEPS)
        _send(view, QEvent.Type.MouseMove, place, none, held)
    qtbot.wait(_PAUSE_MS)
    _send(view, QEvent.Type.MouseButtonRelease, end, button, none)
    qtbot.wait(_PAUSE_MS)


def click(qtbot: QtBot, view: QGraphicsView, place: QPoint, *, double: bool = False) -> None:
    """A click (or a double click) at a place of a drawing."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for offset in (1, 0):
        _send(view, QEvent.Type.MouseMove, place + QPoint(offset, 0), none, none)
        qtbot.wait(_PAUSE_MS)
    _send(view, QEvent.Type.MouseButtonPress, place, left, left)
    _send(view, QEvent.Type.MouseButtonRelease, place, left, none)
    if double:
        _send(view, QEvent.Type.MouseButtonDblClick, place, left, left)
        _send(view, QEvent.Type.MouseButtonRelease, place, left, none)
    qtbot.wait(_PAUSE_MS)


def hover(qtbot: QtBot, view: QGraphicsView, place: QPoint) -> None:
    """The cursor comes to rest at a place of a drawing."""
    none = Qt.MouseButton.NoButton
    for offset in (2, 1, 0):
        _send(view, QEvent.Type.MouseMove, place + QPoint(offset, 0), none, none)
        qtbot.wait(_PAUSE_MS)


def _send(
    view: QGraphicsView,
    kind: QEvent.Type,
    place: QPoint,
    button: Qt.MouseButton,
    held: Qt.MouseButton,
) -> None:
    port = view.viewport()
    where = QPointF(place)
    event = QMouseEvent(
        kind, where, QPointF(port.mapToGlobal(place)), button, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(port, event)
