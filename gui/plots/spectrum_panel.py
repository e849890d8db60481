"""One small spectrum of a grid: points with bars, fitted curve, and marks of its state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsObject

from gui.models.grid_scale import (
    LOG_FLOOR,
    CountScale,
    count_ticks,
    cut_height,
    energy_ticks,
)
from gui.models.scan_grid import PanelData
from gui.plots.axes import make_plot, style_plot
from gui.plots.counted_points import CountedPoints
from gui.theme import Theme

TITLE_HEIGHT = 17
AXIS_WIDTH = 31
AXIS_HEIGHT = 17
_BARE_AXIS_HEIGHT = 5
_POINT_SIZE = 2.6
_TEXT_PT, _SMALL_TEXT_PT = 8, 7
_VEIL = 150  # opacity of what lies over a masked spectrum, of 255


@dataclass(frozen=True)
class PanelState:
    """How a panel stands out.

    Parameters
    ----------
    current, chosen, masked : bool
        The current spectrum; one of those chosen; left out of fits.
    failed : str
        Why its last fit failed; empty when it did not.
    """

    current: bool = False
    chosen: bool = False
    masked: bool = False
    failed: str = ""


class SpectrumPanel:
    """A small plot. What is set again as it was draws nothing anew."""

    def __init__(self, theme: Theme) -> None:
        self.plot = make_plot(theme, mouse=False)
        self.plot.titleLabel.setVisible(False)
        self.plot.titleLabel.setMaximumHeight(TITLE_HEIGHT)
        self.plot.layout.setRowFixedHeight(0, TITLE_HEIGHT)
        self.plot.layout.setVerticalSpacing(0)
        self.plot.layout.setContentsMargins(0, 0, 0, 0)
        self.points = CountedPoints(theme.data, _POINT_SIZE, LOG_FLOOR)
        self.curve = pg.PlotCurveItem()
        self.curve.setZValue(5)
        self.plot.addItem(self.points, ignoreBounds=True)
        self.plot.addItem(self.curve, ignoreBounds=True)
        self.mark = PanelMark(self.plot, theme)
        self.data: PanelData | None = None
        self.redraws = 0
        self._theme = theme
        self._ranges: tuple[object, ...] = ()
        self._set_axes()
        self.set_theme(theme)

    def _set_axes(self) -> None:
        font = QFont()
        font.setPointSizeF(_TEXT_PT)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setTickFont(font)
            axis.setStyle(tickTextOffset=2, tickLength=-3, hideOverlappingLabels=False)
        self.plot.getAxis("left").setWidth(AXIS_WIDTH)
        self.show_energies(shown=True)

    def show_energies(self, *, shown: bool) -> None:
        """Write numbers at the energy axis, or leave them to a panel below."""
        axis = self.plot.getAxis("bottom")
        axis.setStyle(showValues=shown)
        axis.setHeight(AXIS_HEIGHT if shown else _BARE_AXIS_HEIGHT)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        style_plot(self.plot, theme)
        self.mark.set_theme(theme)
        self._color()

    def set_data(self, data: PanelData) -> bool:
        """Show a spectrum; whether anything had to be drawn anew."""
        if self.data is not None and self.data.stamp == data.stamp:
            self.data = data
            return False
        self.data = data
        self.redraws += 1
        points = data.points
        self.points.set_points(points.energy_mev, points.counts, points.lower, points.upper)
        self._draw_curve()
        self._color()
        return True

    def set_state(self, state: PanelState) -> None:
        """Mark it as current, chosen, masked or failed."""
        self.mark.set_state(state)
        self._color()

    def set_ranges(self, energy: tuple[float, float], top: float, scale: CountScale) -> None:
        """Fixed ranges: energy in meV, counts up to `top`."""
        log_changed = not self._ranges or self._ranges[-1] != scale.log
        ranges = (energy, top, scale.log)
        if ranges != self._ranges:
            self._ranges = ranges
            if log_changed:
                self.plot.getAxis("left").setLogMode(y=scale.log)
                self.points.setLogMode(False, scale.log)
                self._draw_curve()
            bottom = np.log10(LOG_FLOOR) if scale.log else 0.0
            end = np.log10(top) if scale.log else top
            self.plot.setRange(
                xRange=energy, yRange=(bottom, end), padding=0, disableAutoRange=True
            )
            self.plot.getAxis("left").setTicks([count_ticks(top, log=scale.log)])
            self.plot.getAxis("bottom").setTicks([energy_ticks(*energy)])
        cut = cut_height(self.data, top) if self.data is not None else None
        self.mark.set_texts(self.data, cut)

    @property
    def log(self) -> bool:
        """Whether counts are on a logarithmic axis."""
        return bool(self._ranges and self._ranges[-1])

    def _draw_curve(self) -> None:
        curve = self.data.curve if self.data is not None else None
        if curve is None:
            self.curve.setData([], [])
            return
        energy, counts = curve
        if self.log:
            counts = np.log10(np.maximum(counts, 0.1 * LOG_FLOOR))
        self.curve.setData(energy, counts)

    def _color(self) -> None:
        theme, state = self._theme, self.mark.state
        faint = state.masked or (self.data is not None and bool(self.data.dead))
        self.points.set_color(theme.quiet if faint else theme.data)
        self.curve.setPen(theme.pen(theme.quiet if faint else theme.total))


class PanelMark(QGraphicsObject):
    """Everything over a panel that is no number: its name, its frame, its cross, words."""

    def __init__(self, plot: pg.PlotItem, theme: Theme) -> None:
        super().__init__(plot)
        self.setZValue(1000)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.state = PanelState()
        self._plot = plot
        self._bounds = QRectF()
        self._theme = theme
        self._data: PanelData | None = None
        self._cut: float | None = None
        self._font = QFont()
        self._font.setPointSizeF(_TEXT_PT)
        self._small = QFont()
        self._small.setPointSizeF(_SMALL_TEXT_PT)
        self._bold = QFont(self._font)
        self._bold.setBold(True)
        plot.geometryChanged.connect(self._follow)

    def _follow(self) -> None:
        self.prepareGeometryChange()
        self._bounds = QRectF(self._plot.rect())
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.update()

    def set_state(self, state: PanelState) -> None:
        """Mark otherwise."""
        if state != self.state:
            self.state = state
            self._explain()
            self.update()

    def set_texts(self, data: PanelData | None, cut: float | None) -> None:
        """Whose panel it is, and how high a line goes that the axis cuts."""
        if data is not self._data or cut != self._cut:
            self._data, self._cut = data, cut
            self._explain()
            self.update()

    def _explain(self) -> None:
        note = self._data.note if self._data is not None else ""
        failed = self.state.failed
        self.setToolTip(f"{note}\nthe last fit failed: {failed}" if failed else note)

    def boundingRect(self) -> QRectF:
        """All of the plot, which is asked for once more when the plot is no longer there."""
        return self._bounds

    @property
    def words(self) -> str:
        """The state in words, as written into the panel."""
        if self.state.masked:
            return "masked"
        if self._data is not None and self._data.dead:
            return self._data.dead.split(":")[0]
        return "fit failed" if self.state.failed else ""

    def paint(self, painter: QPainter, *_: object) -> None:
        """Veil and cross, title, words, frame."""
        if self._data is None:
            return
        view = self._plot.getViewBox().geometry()
        if self.state.masked:
            self._paint_cross(painter, view)
        self._paint_title(painter)
        self._paint_words(painter, view)
        self._paint_frame(painter)

    def _paint_cross(self, painter: QPainter, view: QRectF) -> None:
        veil = QColor(self._theme.window)
        veil.setAlpha(_VEIL)
        painter.fillRect(view, veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._theme.quiet), 1.4))
        painter.drawLine(QLineF(view.topLeft(), view.bottomRight()))
        painter.drawLine(QLineF(view.bottomLeft(), view.topRight()))

    def _paint_title(self, painter: QPainter) -> None:
        """Name, Q, |Q|: as much of them as fits."""
        assert self._data is not None
        room = QRectF(4, 0, self._bounds.width() - 6, TITLE_HEIGHT)
        align = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(self._bold)
        painter.setPen(QColor(self._theme.quiet if self.words else self._theme.text))
        painter.drawText(room, align | Qt.AlignmentFlag.AlignLeft, self._data.analyzer)
        used = QFontMetricsF(self._bold).horizontalAdvance(self._data.analyzer) + 6
        rest = room.adjusted(used, 0, 0, 0)
        text, font = self._fitting(rest.width())
        painter.setFont(font)
        painter.setPen(QColor(self._theme.quiet))
        painter.drawText(rest, align | Qt.AlignmentFlag.AlignLeft, text)

    def _fitting(self, width: float) -> tuple[str, QFont]:
        """Q and |Q| with as many digits and in as large a font as there is room for."""
        assert self._data is not None
        q, length, short = self._data.q_text, self._data.length_text, self._data.length_short
        for parts, font in (
            ((q, length), self._font),
            ((q, short), self._font),
            ((q, short), self._small),
            ((q,), self._font),
        ):
            text = " ".join(part for part in parts if part)
            if QFontMetricsF(font).horizontalAdvance(text) <= width:
                return text, font
        metrics = QFontMetricsF(self._small)
        return metrics.elidedText(q or short, Qt.TextElideMode.ElideRight, width), self._small

    def _paint_words(self, painter: QPainter, view: QRectF) -> None:
        place = view.adjusted(4, 1, -4, 0)
        top = Qt.AlignmentFlag.AlignTop
        painter.setFont(self._font)
        if self.words:
            warned = self._theme.error if self.state.failed else self._theme.warning
            painter.setPen(QColor(self._theme.text if self.state.masked else warned))
            painter.drawText(place, top | Qt.AlignmentFlag.AlignLeft, self.words)
        if self._cut is not None:
            painter.setPen(QColor(self._theme.quiet))
            painter.drawText(place, top | Qt.AlignmentFlag.AlignRight, f"↑ {self._cut:.0f}")

    def _paint_frame(self, painter: QPainter) -> None:
        if not (self.state.current or self.state.chosen):
            return
        pen = QPen(QColor(self._theme.highlight), 2.4 if self.state.current else 1.2)
        if not self.state.current:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self.boundingRect().adjusted(1.5, 0.5, -1.5, -0.5), 3, 3)
