"""What is dragged on a spectrum: lines of modes, handles of their widths, ends of the range."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath

from gui.theme import Theme

_HANDLE_PX = 5.0
_REACH_PX = 8.0  # a handle is taken hold of within this distance


class EnergyLine(pg.InfiniteLine):
    """A vertical line that a drag moves; drags that are given up are ignored until the next.

    Signals
    -------
    moved : float, the energy it is dragged to.
    released : the drag ended.
    pressed : it was clicked.
    """

    moved = Signal(float)
    released = Signal()
    pressed = Signal()

    def __init__(self, name: str, *, label: str = "") -> None:
        super().__init__(angle=90, movable=True, name=name)
        self.given_up = False
        self.label_item: pg.InfLineLabel | None = None
        if label:
            self.label_item = pg.InfLineLabel(self, label, position=0.96, anchors=[(0, 0), (0, 0)])
        self.sigDragged.connect(lambda: self.moved.emit(float(self.value())))
        self.sigPositionChangeFinished.connect(self.released)
        self.sigClicked.connect(lambda *_: self.pressed.emit())

    def mouseDragEvent(self, event: object) -> None:
        """Follow the left button; the first event of a drag takes hold anew."""
        if event.isStart():  # type: ignore[attr-defined]
            self.given_up = False
        if self.given_up:
            event.accept()  # type: ignore[attr-defined]
            if event.isFinish():  # type: ignore[attr-defined]
                self.moving = False
                self.released.emit()
            return
        super().mouseDragEvent(event)


class WidthHandle(pg.GraphicsObject):
    """A round handle that a drag moves along the energy axis.

    Signals as of `EnergyLine`.
    """

    moved = Signal(float)
    released = Signal()
    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.given_up = False
        self._hovered = False
        self._offset = 0.0
        self._pen = pg.mkPen("k")
        self._brush = self._hover_brush = pg.mkBrush("w")
        self.setZValue(60)
        self.setCursor(Qt.CursorShape.SizeHorCursor)

    def set_colors(self, line: str, fill: str) -> None:
        """Draw in other colours."""
        self._pen, self._brush = pg.mkPen(line, width=1.5), pg.mkBrush(fill)
        self._hover_brush = pg.mkBrush(line)
        self.update()

    def _radii(self, pixels: float) -> tuple[float, float]:
        """So many pixels along the axes of the plot."""
        view = self.getViewBox()
        across, up = view.viewPixelSize() if view is not None else (1.0, 1.0)
        return pixels * float(across), pixels * float(up)

    def boundingRect(self) -> QRectF:
        """A square on the screen about its place."""
        across, up = self._radii(_REACH_PX)
        return QRectF(-across, -up, 2 * across, 2 * up)

    def shape(self) -> QPainterPath:
        """Where it is taken hold of."""
        path = QPainterPath()
        path.addEllipse(self.boundingRect())
        return path

    def viewTransformChanged(self) -> None:
        """It keeps its size on the screen, so it has another one in the plot."""
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw the circle, filled under the cursor."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._pen)
        painter.setBrush(self._hover_brush if self._hovered else self._brush)
        painter.drawEllipse(QPointF(0, 0), *self._radii(_HANDLE_PX))

    def hoverEvent(self, event: object) -> None:
        """Light up, and take hold of clicks and drags before what lies beneath."""
        left = Qt.MouseButton.LeftButton
        hovered = not event.isExit() and event.acceptDrags(left)  # type: ignore[attr-defined]
        if hovered != self._hovered:
            self._hovered = bool(hovered)
            self.update()

    def mouseDragEvent(self, event: object) -> None:
        """Follow the left button along the energy axis."""
        if event.button() != Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            return
        event.accept()  # type: ignore[attr-defined]
        view = self.getViewBox()
        if event.isStart():  # type: ignore[attr-defined]
            self.given_up = False
            down = view.mapSceneToView(event.buttonDownScenePos())  # type: ignore[attr-defined]
            self._offset = self.pos().x() - down.x()
        if not self.given_up:
            here = view.mapSceneToView(event.scenePos())  # type: ignore[attr-defined]
            self.moved.emit(float(here.x() + self._offset))
        if event.isFinish():  # type: ignore[attr-defined]
            self.released.emit()


class ModeMarks:
    """The marks of one mode: its line, that of its partner, two handles at its width."""

    def __init__(self, plot: pg.PlotItem, label: str) -> None:
        self.plot = plot
        self.label = label
        self.line = EnergyLine(f"mode {label}", label=label)
        self.partner = EnergyLine(f"partner of mode {label}")
        self.left, self.right = WidthHandle(), WidthHandle()
        self.line.setZValue(40)
        self.partner.setZValue(30)
        for item in self.items:
            plot.addItem(item, ignoreBounds=True)

    @property
    def items(self) -> tuple[EnergyLine, EnergyLine, WidthHandle, WidthHandle]:
        """All of them."""
        return self.line, self.partner, self.left, self.right

    def place(self, energy: float, fwhm: float, height: float) -> None:
        """Put them at an energy and FWHM (meV), the handles at a height of the plot's axis."""
        self.line.setValue(energy)
        self.partner.setValue(-energy)
        self.left.setPos(energy - fwhm / 2, height)
        self.right.setPos(energy + fwhm / 2, height)

    def set_colors(self, theme: Theme, color: str, selected: bool) -> None:
        """Draw in a colour; the selected mode's line is broader."""
        width = 2.5 if selected else 1.2
        self.line.setPen(theme.pen(color, width))
        self.line.setHoverPen(theme.pen(color, 3))
        self.partner.setPen(theme.pen(color, 1.5 if selected else 1.0, 2))
        self.partner.setHoverPen(theme.pen(color, 3, 2))
        if self.line.label_item is not None:
            self.line.label_item.setColor(color)
        for handle in (self.left, self.right):
            handle.set_colors(color, theme.plot)
            handle.setVisible(selected)

    def give_up(self) -> None:
        """Follow the drag under way no longer."""
        for item in self.items:
            item.given_up = True

    def remove(self) -> None:
        """Take them off the plot."""
        for item in self.items:
            self.plot.removeItem(item)
