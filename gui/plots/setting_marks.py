"""The settings of a plan on the map: points with their numbers, which never lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF

from gui.plots.label_places import label_places
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_POINT = 9.0  # pixels
_DISTANCES = (2.0, 14.0, 30.0)  # pixels from a point to its number; far ones have a line
_MARGIN = 3.0  # pixels around a number, within its box
_POINTS_Z, _NUMBERS_Z = 10, 25  # under the array; over it and under its knob
_NONE: FloatArray = np.zeros((0, 2))


class SettingMarks(QObject):
    """Points and numbers on a plot.

    Signals
    -------
    clicked : int
        The number of the point, from 0.
    """

    clicked = Signal(int)

    def __init__(self, plot: pg.PlotItem, theme: Theme) -> None:
        super().__init__()
        self._plot = plot
        self.points = pg.ScatterPlotItem(
            symbol="o", size=_POINT, pxMode=True, hoverable=True, tip=_tip
        )
        self.points.setZValue(_POINTS_Z)
        self.points.sigClicked.connect(self._on_clicked)
        self.lines = pg.PlotCurveItem(connect="pairs")
        self.lines.setZValue(_POINTS_Z - 1)
        for item in (self.points, self.lines):
            plot.addItem(item, ignoreBounds=True)
        self.places = _NONE
        self.labels: list[_Number] = []
        box = plot.getViewBox()
        box.sigRangeChanged.connect(lambda *_: self.arrange())
        box.sigResized.connect(lambda *_: self.arrange())
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.points.setPen(pg.mkPen("#ffffff", width=1))
        self.points.setBrush(pg.mkBrush(theme.highlight))
        self.lines.setPen(pg.mkPen("#ffffff", width=1))

    def set_settings(self, places: FloatArray, names: Sequence[str]) -> None:
        """Mark (n, 2) places with names, the most important first."""
        for label in self.labels:
            self._plot.removeItem(label)
        self.labels = [_Number(name) for name in names]
        for number, label in enumerate(self.labels):
            label.clicked.connect(partial(self.clicked.emit, number))
            self._plot.addItem(label, ignoreBounds=True)
        self.places = np.asarray(places, dtype=float).reshape(-1, 2)
        self.points.setData(
            [
                {"pos": tuple(place), "data": (number, name)}
                for number, (place, name) in enumerate(zip(self.places, names, strict=True))
            ]
        )
        self.arrange()

    def arrange(self) -> None:
        """Find places for the numbers; those without one appear when the map is zoomed."""
        box = self._plot.getViewBox()
        corner = box.mapToView(QPointF(0, 0))
        per_pixel = _pair(box.mapToView(QPointF(1, 1)) - corner)
        if not self.labels or not np.all(per_pixel):
            self.lines.setData([], [])
            return
        at = (self.places - _pair(corner)) / per_pixel
        sizes = np.array([_size(label.toPlainText()) for label in self.labels])
        centres = label_places(at, sizes, (box.width(), box.height()), _POINT, _DISTANCES)
        ends: list[FloatArray] = []
        for label, point, centre, size in zip(self.labels, at, centres, sizes, strict=True):
            label.setVisible(bool(np.isfinite(centre).all()))
            if label.isVisible():
                label.setPos(*(_pair(corner) + centre * per_pixel))
                gap = np.abs(centre - point) - size / 2 - _POINT / 2
                if gap.max() > _DISTANCES[0] + 1:
                    ends += [point, centre]
        lines = _pair(corner) + np.array(ends).reshape(-1, 2) * per_pixel
        self.lines.setData(lines[:, 0], lines[:, 1])

    def _on_clicked(self, _: object, points: Sequence[object], *__: object) -> None:
        if len(points):
            self.clicked.emit(int(points[0].data()[0]))  # type: ignore[attr-defined]


class _Number(pg.TextItem):
    """The number of a setting, light on dark; a click on it is one on its point."""

    clicked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__(name, color="#ffffff", anchor=(0.5, 0.5), fill=(0, 0, 0, 150))
        self.setFont(_font())
        self.textItem.document().setDocumentMargin(_MARGIN)
        self.updateTextPos()
        self.setZValue(_NUMBERS_Z)

    def mouseClickEvent(self, event: object) -> None:
        """Choose the setting."""
        if event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            event.accept()  # type: ignore[attr-defined]
            self.clicked.emit()


def _size(text: str) -> tuple[float, float]:
    metrics = QFontMetricsF(_font())
    return metrics.horizontalAdvance(text) + 2 * _MARGIN, metrics.height() + 2 * _MARGIN


def _font() -> QFont:
    font = QFont()
    font.setPointSize(8)
    return font


def _pair(point: QPointF) -> FloatArray:
    return np.array([point.x(), point.y()])


def _tip(x: float, y: float, data: tuple[int, str]) -> str:
    return f"setting {data[1]}"
