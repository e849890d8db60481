"""Measured points with asymmetric error bars, on linear or logarithmic axes.

pyqtgraph's own ErrorBarItem ignores logarithmic axes, and a bar that ends at zero counts has
no logarithm: here it goes down to a floor, and points at zero stand on the floor.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from gui.plots.decimation import MOST_EXACT, Points, in_order, in_view
from ixs_core.arrays import FloatArray

_EMPTY: FloatArray = np.zeros(0)
_NOTHING = Points.exact(_EMPTY, _EMPTY, _EMPTY, _EMPTY)
_COLUMNS_PER_PIXEL = 2
_BEYOND = 0.01  # of the width in view, drawn at either side: a dot has a width of its own


class CountedPoints(pg.GraphicsObject):
    """Points y with bars from `lower` to `upper`.

    Of more than a few thousand only those in view are drawn, and where they are still too many
    the extremes of each column of pixels: see `gui.plots.decimation`.

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
        self._ordered: tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None = None
        self._drawn_for: tuple[float, float, int] | None = None
        self.drawn = _NOTHING  # in the plot's coordinates: logarithms on a logarithmic axis
        self._bars = QPainterPath()
        self._dots = QPolygonF()
        self._bounds = QRectF()

    def set_points(
        self, x: FloatArray, y: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> None:
        """Show other points: four (n,) arrays; NaN are left out."""
        present = (self._x, self._y, self._lower, self._upper)
        if not all(map(np.array_equal, (x, y, lower, upper), present)):
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
        """Take the points that are numbers; draw them now when they are few."""
        self.prepareGeometryChange()
        x, y, lower, upper = self._x, self._y, self._lower, self._upper
        known = np.isfinite(x) & np.isfinite(y)
        if not known.all():
            x, y, lower, upper = (v[known] for v in (x, y, lower, upper))
        if self._log[0]:
            x = np.log10(np.maximum(x, self._floor))
        self._drawn_for = None
        if x.size <= MOST_EXACT:
            self._ordered = None
            self._draw(Points.exact(x, y, lower, upper))
        else:  # at the next paint, which knows what is in view
            self._ordered = in_order(x, y, lower, upper)
        self._bounds = self._bounds_of(x, lower, upper)
        self.update()

    def _bounds_of(self, x: FloatArray, lower: FloatArray, upper: FloatArray) -> QRectF:
        if not x.size:
            return QRectF()
        low, high = self._heights(np.array([np.min(lower), np.max(upper)]))
        return QRectF(QPointF(float(x.min()), low), QPointF(float(x.max()), high)).normalized()

    def _heights(self, counts: FloatArray) -> FloatArray:
        """Counts as the axis has them."""
        return np.log10(np.maximum(counts, self._floor)) if self._log[1] else counts

    def _draw(self, points: Points) -> None:
        """Have bars and dots of points whose heights are counts."""
        y, lower, upper = map(self._heights, (points.y, points.lower, points.upper))
        self.drawn = Points(points.x, y, points.bar_x, lower, upper)
        ends = np.column_stack((lower, upper)).ravel()
        self._bars = pg.arrayToQPath(np.repeat(points.bar_x, 2), ends, connect="pairs")
        self._dots = pg.functions.arrayToQPolygonF(points.x, y) if y.size else QPolygonF()

    def _draw_what_is_in_view(self) -> None:
        """Of many points: draw anew when another part of them is seen, or in other pixels."""
        box = self.getViewBox()
        if self._ordered is None or box is None:
            return
        low, high = map(float, box.viewRange()[0])
        beyond = _BEYOND * (high - low)
        columns = min(int(_COLUMNS_PER_PIXEL * box.width()) + 1, MOST_EXACT // 2)
        wanted = (low - beyond, high + beyond, columns)
        if wanted != self._drawn_for:
            self._drawn_for = wanted
            self._draw(in_view(*self._ordered, wanted[:2], columns))

    def boundingRect(self) -> QRectF:
        """What the bars cover, in the plot's coordinates."""
        return self._bounds

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw bars, then points as dots of a constant size."""
        self._draw_what_is_in_view()
        pen = pg.mkPen(self._color, width=1)
        painter.setPen(pen)
        painter.drawPath(self._bars)
        if self._size > 0 and self.drawn.x.size:
            dots = QPen(pg.mkColor(self._color), self._size)
            dots.setCapStyle(dots.capStyle().RoundCap)
            painter.setPen(dots)
            # In pixels: Qt draws a point as a line of 1/63 of the axis' unit, which in a narrow
            # view is many pixels long.
            places = painter.worldTransform().map(self._dots)
            painter.resetTransform()
            painter.drawPoints(places)
