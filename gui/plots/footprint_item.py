"""The windows of all analyzers on the map: dragged as one, turned by a handle."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen, QPolygonF

from gui.theme import Theme
from ixs_core.arrays import FloatArray

_OFF_PLANE = 0.06  # Å⁻¹: windows further off the plane than half their height are thin
_HANDLE = 15  # pixels
_REACH = 9  # pixels around the windows where the mouse takes them
_RIM, _LINE, _THIN = 7.0, 4.0, 1.5  # pixels: windows seen edge-on are lines and must be seen


class FootprintItem(pg.GraphicsObject):
    """Parallelograms of what each analyzer accepts, the chosen one coloured.

    Signals
    -------
    dragged : (float, float, bool)
        Where the chosen analyzer is wanted, in the plot's axes; whether the drag ends here.
    """

    dragged = Signal(float, float, bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setZValue(20)
        self.movable = True
        self._theme = theme
        self._near, self._far, self._chosen = QPainterPath(), QPainterPath(), QPainterPath()
        self._bounds = QRectF()
        self._hull = QPainterPath()
        self._centre = QPointF()
        self._grabbed = QPointF()
        self._hovered = False
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    @property
    def centre(self) -> QPointF:
        """Where the chosen analyzer is."""
        return self._centre

    def set_windows(
        self, corners: FloatArray, off_plane: FloatArray, chosen: int | None, centre: FloatArray
    ) -> None:
        """Draw other windows.

        Parameters
        ----------
        corners : (n, 4, 2) array
        off_plane : (n,) array
            Distance from the plane in Å⁻¹; far ones are drawn thin.
        chosen : int or None
            Which is coloured; None is the arm's centre.
        centre : (2,) array
            Where the chosen analyzer (or the arm's centre) looks.
        """
        self.prepareGeometryChange()
        self._near, self._far, self._chosen = QPainterPath(), QPainterPath(), QPainterPath()
        for number, window in enumerate(corners):
            outline = QPolygonF([QPointF(x, y) for x, y in window])
            far = abs(off_plane[number]) > _OFF_PLANE
            path = self._chosen if number == chosen else self._far if far else self._near
            path.addPolygon(outline)
            path.closeSubpath()
        self._centre = QPointF(float(centre[0]), float(centre[1]))
        places = corners.reshape(-1, 2)
        low, high = places.min(axis=0), places.max(axis=0)
        self._bounds = QRectF(QPointF(*low), QPointF(*high))
        self._hull = _hull(places)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.update()

    def boundingRect(self) -> QRectF:
        """What all windows cover, and around them what the mouse takes."""
        wide, high = self._pixel()
        wide, high = (_REACH + 1) * wide, (_REACH + 1) * high
        return self._bounds.adjusted(-wide, -high, wide, high)

    def shape(self) -> QPainterPath:
        """Where it is taken by the mouse: between the windows, and a little around them."""
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * _REACH * max(self._pixel()))
        return stroker.createStroke(self._hull).united(self._hull)

    def viewTransformChanged(self) -> None:
        """The size of a pixel is another one."""
        self.prepareGeometryChange()

    def _pixel(self) -> tuple[float, float]:
        """Width and height of a pixel in the plot's axes."""
        wide, high = self.pixelVectors()
        if wide is None or high is None:
            return 0.0, 0.0
        return abs(wide.x()), abs(high.y())

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw the windows, light on a dark rim: seen on any colour of the map."""
        light = "#ffd24d" if self._hovered else "#ffffff"
        for path, color, width in (
            (self._near, "#000000", _RIM),
            (self._chosen, "#000000", _RIM + 3),
            (self._far, "#000000", _THIN + 2),
            (self._far, light, _THIN),
            (self._near, light, _LINE),
            (self._chosen, self._theme.total, _LINE + 3),
        ):
            pen = QPen(pg.mkColor(color), width)
            pen.setCosmetic(True)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawPath(path)

    def hoverEvent(self, event: object) -> None:
        """Say to the scene that a left drag is taken, and light up."""
        leaves = event.isExit()  # type: ignore[attr-defined]
        takes = self.movable and not leaves
        if takes:
            event.acceptDrags(Qt.MouseButton.LeftButton)  # type: ignore[attr-defined]
        if takes != self._hovered:
            self._hovered = takes
            self.update()

    def mouseDragEvent(self, event: object) -> None:
        """Ask for the place under the hand, keeping the point that was taken under it."""
        if not self.movable or event.button() != Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            event.ignore()  # type: ignore[attr-defined]
            return
        event.accept()  # type: ignore[attr-defined]
        if event.isStart():  # type: ignore[attr-defined]
            self._grabbed = self._centre - self.mapToParent(event.buttonDownPos())  # type: ignore[attr-defined]
        wanted = self.mapToParent(event.pos()) + self._grabbed  # type: ignore[attr-defined]
        self.dragged.emit(wanted.x(), wanted.y(), event.isFinish())  # type: ignore[attr-defined]


class TurnHandle(pg.ScatterPlotItem):
    """A knob beside the array: dragged, it turns the sample about the normal of the plane.

    Signals
    -------
    turned : (float, float, bool)
        Where the knob is wanted, in the plot's axes; whether the drag ends here.
    """

    turned = Signal(float, float, bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__(symbol="o", size=_HANDLE, pxMode=True)
        self.setZValue(30)
        self.movable = True
        self.setCursor(Qt.CursorShape.SizeAllCursor)
        self.set_theme(theme)

    def set_place(self, x: float, y: float) -> None:
        """Move the knob."""
        self.setData([x], [y])

    @property
    def place(self) -> tuple[float, float]:
        """Where the knob is."""
        x, y = self.getData()
        return (float(x[0]), float(y[0])) if len(x) else (0.0, 0.0)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.setBrush(pg.mkBrush(theme.total))
        self.setPen(pg.mkPen("#ffffff", width=1.5))

    def hoverEvent(self, event: object) -> None:
        """Say to the scene that a left drag is taken where the knob is."""
        if event.isExit() or not self.movable:  # type: ignore[attr-defined]
            return
        if len(self.pointsAt(event.pos())):  # type: ignore[attr-defined]
            event.acceptDrags(Qt.MouseButton.LeftButton)  # type: ignore[attr-defined]

    def mouseDragEvent(self, event: object) -> None:
        """Ask for the direction under the hand."""
        left = event.button() == Qt.MouseButton.LeftButton  # type: ignore[attr-defined]
        if event.isStart():  # type: ignore[attr-defined]
            at = self.pointsAt(event.buttonDownPos())  # type: ignore[attr-defined]
            left = left and self.movable and len(at) > 0
        if not left:
            event.ignore()  # type: ignore[attr-defined]
            return
        event.accept()  # type: ignore[attr-defined]
        wanted = self.mapToParent(event.pos())  # type: ignore[attr-defined]
        self.turned.emit(wanted.x(), wanted.y(), event.isFinish())  # type: ignore[attr-defined]


def _hull(places: FloatArray) -> QPainterPath:
    """The convex hull of places (n, 2) as a closed path."""
    order = np.lexsort((places[:, 1], places[:, 0]))
    rim: list[FloatArray] = []
    for side in (places[order], places[order][::-1]):
        start = len(rim)
        for point in side:
            while len(rim) >= start + 2 and _turn(rim[-2], rim[-1], point) <= 0:
                rim.pop()
            rim.append(point)
        rim.pop()
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(float(x), float(y)) for x, y in rim]))
    path.closeSubpath()
    return path


def _turn(a: FloatArray, b: FloatArray, c: FloatArray) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
