"""A path on a section: a line with corners that can be dragged."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal

from gui.theme import Theme
from ixs_core.arrays import FloatArray

_ON_PLANE_A = 0.3  # corners farther from the plane are hollow
_SIZE = 11


class _Corner(pg.TargetItem):
    """A corner; a right click asks for its removal."""

    removal_asked = Signal(object)

    def mouseClickEvent(self, event: object) -> None:
        """pyqtgraph: a click on it."""
        if event.button() == Qt.MouseButton.RightButton and not self.moving:  # type: ignore[attr-defined]
            event.accept()  # type: ignore[attr-defined]
            self.removal_asked.emit(self)
        else:
            super().mouseClickEvent(event)


class PathHandles(QObject):
    """Shows a path and tells what the hand does to it; it moves nothing by itself.

    Signals
    -------
    moved : (int, float, float), a corner is dragged to u, v in Å.
    released : the drag has ended.
    removal_asked : int
    """

    moved = Signal(int, float, float)
    released = Signal()
    removal_asked = Signal(int)

    def __init__(self, plot: pg.PlotItem, theme: Theme) -> None:
        super().__init__()
        self._plot = plot
        self._theme = theme
        self._under = pg.PlotCurveItem()
        self._line = pg.PlotCurveItem()
        self._under.setZValue(30)
        self._line.setZValue(31)
        plot.addItem(self._under)
        plot.addItem(self._line)
        self.corners: list[_Corner] = []
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        # A light line under the path keeps it legible on every colour of the map.
        self._under.setPen(pg.mkPen("#ffffff", width=3))
        self._line.setPen(theme.pen(theme.total, 1.6))
        for corner in self.corners:
            corner.setPen(pg.mkPen("#ffffff", width=1))
            corner.setHoverPen(theme.pen(theme.highlight, 2))
            corner.setHoverBrush(theme.total)
            if corner.brush.style() != Qt.BrushStyle.NoBrush:  # hollow ones are off the plane
                corner.setBrush(pg.mkBrush(theme.total))

    def show(self, places: FloatArray) -> None:
        """Show corners at (m, 3) u, v and height above the plane in Å."""
        while len(self.corners) > len(places):
            self._plot.removeItem(self.corners.pop())
        while len(self.corners) < len(places):
            self._add_corner()
        for corner, (u, v, height) in zip(self.corners, places, strict=True):
            with QSignalBlocker(corner):
                corner.setPos(float(u), float(v))
            hollow = abs(height) > _ON_PLANE_A
            corner.setBrush(None if hollow else pg.mkBrush(self._theme.total))
        u, v = (places[:, i] if len(places) else np.empty(0) for i in (0, 1))
        self._under.setData(u, v)
        self._line.setData(u, v)

    @property
    def dragged(self) -> bool:
        """Whether a corner is held now."""
        return any(corner.moving for corner in self.corners)

    def _add_corner(self) -> None:
        corner = _Corner(pos=(0, 0), size=_SIZE, symbol="o", movable=True)
        corner.setZValue(40)
        corner.sigPositionChanged.connect(self._on_moved)
        corner.sigPositionChangeFinished.connect(self._on_released)
        corner.removal_asked.connect(self._on_removal)
        self._plot.addItem(corner)
        self.corners.append(corner)
        self.set_theme(self._theme)

    def _on_moved(self, corner: _Corner) -> None:
        if corner in self.corners:
            place = corner.pos()
            self.moved.emit(self.corners.index(corner), float(place.x()), float(place.y()))

    def _on_released(self, _: _Corner) -> None:
        self.released.emit()

    def _on_removal(self, corner: _Corner) -> None:
        if corner in self.corners:
            self.removal_asked.emit(self.corners.index(corner))
