"""Measured points with asymmetric error bars, on linear or logarithmic axes.

pyqtgraph's own ErrorBarItem ignores logarithmic axes, and a bar that ends at zero counts has
no logarithm: here it goes down to a floor, and points at zero stand on the floor.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPen

from ixs_core.arrays import FloatArray

_EMPTY: FloatArray = np.zeros(0)


class CountedPoints(pg.GraphicsObject):
    """Points y with bars from `lower` to `upper`.

    Parameters
    ----------
    color : str
    size : float
        Diameter of the points in pixels; 0 draws bars only.
    floor : float
        Where zero stands on a logarithmic axis.
    """

    def __init__(self, color: str, size: float = 4.0, floor: float = 0.5) -> None:
        super().__init__()
        self._color = color
        self._size = size
        self._floor = floor
        self._log = (False, False)
        self._x = self._y = self._lower = self._upper = _EMPTY
        self._bars = QPainterPath()
        self._points = _EMPTY.reshape(0, 2)
        self._bounds = QRectF()

    def set_points(
        self, x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        """Show other points: four (n,) arrays; NaN are left out."""
        self._x, self._y, self._lower, self._upper = x, y, lower, upper
        self._prepare()

    def set_color(self, color: str) -> None:
        """Draw in another colour."""
        self._color = color
        self.update()

    def setLogMode(self, x: bool, y: bool) -> None:
        """Follow the axes of the plot."""
        self._log = (x, y)
        self._prepare()

    def _prepare(self) -> None:
        self.prepareGeometryChange()
        known = np.isfinite(self._x) & np.isfinite(self._y)
        x, y = self._x[known], self._y[known]
        lower, upper = self._lower[known], self._upper[known]
        if self._log[0]:
            x = np.log10(np.maximum(x, self._floor))
        if self._log[1]:
            y, lower, upper = (np.log10(np.maximum(v, self._floor)) for v in (y, lower, upper))
        self._points = np.column_stack((x, y)) if x.size else _EMPTY.reshape(0, 2)
        ends = np.column_stack((lower, upper)).ravel()
        self._bars = pg.arrayToQPath(np.repeat(x, 2), ends, connect="pairs")
        if x.size:
            low, high = float(np.min(lower)), float(np.max(upper))
            self._bounds = QRectF(
                QPointF(float(x.min()), low), QPointF(float(x.max()), high)
            ).normalized()
        else:
            self._bounds = QRectF()
        self.update()

    def boundingRect(self) -> QRectF:
        """What the bars cover, in the plot's coordinates."""
        return self._bounds

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw bars, then points as dots of a constant size."""
        pen = pg.mkPen(self._color, width=1)
        painter.setPen(pen)
        painter.drawPath(self._bars)
        if self._size > 0 and len(self._points):
            dots = QPen(pg.mkColor(self._color), self._size)
            dots.setCosmetic(True)
            dots.setCapStyle(dots.capStyle().RoundCap)
            painter.setPen(dots)
            painter.drawPoints([QPointF(x, y) for x, y in self._points])
