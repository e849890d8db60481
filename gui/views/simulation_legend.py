"""The legend: an entry for each curve, which a click shows or hides."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.models.simulation_drawing import Curve, Drawing
from gui.plots.panel_items import shade
from gui.theme import Theme

_SWATCH = QSize(26, 12)
_FAINT, _FULL = 110, 255
_BESIDE = 70  # pixels of an entry that are not its name


class CurveLegend(QScrollArea):
    """Names of the curves with their lines and symbols.

    Signals
    -------
    toggled : frozenset of str
        The names that are hidden now.
    """

    toggled = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("simulation-legend")
        self.setAccessibleName("Legend; entries show and hide curves")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._theme = theme
        self._drawing: Drawing | None = None
        self.boxes: dict[str, QCheckBox] = {}

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the curves that are hidden."""
        return frozenset(name for name, box in self.boxes.items() if not box.isChecked())

    def set_drawing(self, drawing: Drawing | None, hidden: Collection[str] = ()) -> None:
        """List the curves of a drawing."""
        self._drawing = drawing
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(1)
        self.boxes = {}
        for name in drawing.names if drawing is not None else ():
            box = QCheckBox()
            box.setObjectName(f"curve-{name}")
            box.setAccessibleName(f"Show {name}")
            box.setToolTip(f"{name}\nclick: show or hide")
            box.setIconSize(_SWATCH)
            box.setChecked(name not in hidden)
            box.toggled.connect(lambda _: self.toggled.emit(self.hidden))
            self.boxes[name] = box
            layout.addWidget(box)
        layout.addStretch(1)
        self.setWidget(page)
        self._draw_swatches()
        self._fit_names()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten names to the room there is."""
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        room = self.viewport().width() - _BESIDE
        for name, box in self.boxes.items():
            text = box.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            box.setText(text.replace("&", "&&"))

    def set_theme(self, theme: Theme) -> None:
        """Draw the swatches in other colours."""
        self._theme = theme
        self._draw_swatches()

    def _draw_swatches(self) -> None:
        if self._drawing is None:
            return
        every: dict[str, list[Curve]] = {}
        for panel in self._drawing.panels:
            for curve in panel.curves:
                every.setdefault(curve.name, []).append(curve)
        ratio = self.devicePixelRatioF()
        for name, box in self.boxes.items():
            box.setIcon(_swatch(every[name], self._theme, ratio))


def _swatch(curves: list[Curve], theme: Theme, ratio: float) -> QIcon:
    """The line of a name, its symbol on it."""
    pixmap = QPixmap(_SWATCH * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle, center = _SWATCH.height() / 2, _SWATCH.width() / 2
    for look in ("line", "other"):
        for curve in curves:
            color = shade(curve.color, theme, _FAINT if curve.faint else _FULL)
            if curve.look == "line" and look == "line":
                pen = theme.pen(theme.axis, max(1.5, curve.width) * ratio, curve.dash)
                pen.setColor(color)
                painter.setPen(pen)
                painter.drawLine(1, int(middle), _SWATCH.width() - 1, int(middle))
                break
            if curve.look != "line" and look == "other":
                _draw_symbol(painter, curve, color, center, middle)
                break
    painter.end()
    return QIcon(pixmap)


def _draw_symbol(painter: QPainter, curve: Curve, color: QColor, x: float, y: float) -> None:
    """Roughly what stands in the plot: circle, square, triangles, diamond, arrow."""
    painter.setPen(color)
    if curve.look == "limits":
        painter.drawLine(int(x), int(y) + 5, int(x), int(y) - 5)
        painter.drawPolyline(_polygon(x, y, ((-3, -1), (0, -5), (3, -1))))
        return
    painter.setBrush(color)
    if curve.look in ("cloud", "counts") or curve.symbol % 6 == 0:
        size = 4.0 if curve.look == "cloud" else 6.0
        painter.drawEllipse(QRectF(x - size / 2, y - size / 2, size, size))
        return
    shapes = {
        1: ((-3, -3), (3, -3), (3, 3), (-3, 3)),
        2: ((-4, 3), (0, -4), (4, 3)),
        3: ((-4, 0), (0, -4), (4, 0), (0, 4)),
        4: ((-4, -3), (0, 4), (4, -3)),
        5: ((-4, -1), (4, -1), (-3, 4), (0, -5), (3, 4)),
    }
    painter.drawPolygon(_polygon(x, y, shapes[curve.symbol % 6]))


def _polygon(x: float, y: float, corners: tuple[tuple[int, int], ...]) -> QPolygonF:
    from PySide6.QtCore import QPointF

    return QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners])
