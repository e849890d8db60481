"""Panels of curves on screen: drawn once, toggled by name, read off under the cursor."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.models.simulation_drawing import Drawing, Panel, Range
from gui.plots.axes import LEFT_AXIS_WIDTH, make_canvas, make_plot
from gui.plots.panel_items import curve_items, log_values, region_items
from gui.plots.real_axes import FwhmAxis, LogAxis
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_NEAR_PX = 14.0
_RIGHT_WIDTH = 52


class PanelPlots(QWidget):
    """Panels one below the other, with one left edge.

    A zoom is kept as long as a panel shows the same quantities in the same range.

    Signals
    -------
    pointed : str
        What is under the cursor; empty when it left the plots.
    """

    pointed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("simulation-plots")
        self._theme = theme
        self._drawing: Drawing | None = None
        self._hidden: frozenset[str] = frozenset()
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("simulation-canvas")
        self.canvas.setAccessibleName("Plots of simulated results")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)
        self.plots: list[pg.PlotItem] = []
        self.items: dict[str, list[pg.GraphicsObject]] = {}
        self.canvas.scene().sigMouseMoved.connect(self._on_move)

    def show_drawing(self, drawing: Drawing, hidden: Collection[str] = ()) -> None:
        """Draw panels; curves of the names in `hidden` are there but not seen."""
        kept = self._zooms()
        self._drawing, self._hidden = drawing, frozenset(hidden)
        self.canvas.ci.clear()
        self.plots, self.items = [], {}
        for row, panel in enumerate(drawing.panels):
            plot = self._add(panel, row, last=self._is_last_of_axis(row))
            self.plots.append(plot)
            if panel.joined:
                plot.setXLink(self.plots[row - 1])
            self.canvas.ci.layout.setRowStretchFactor(row, panel.height)
        for plot, panel in zip(self.plots, drawing.panels, strict=True):
            self._range(plot, *kept.get(_identity(panel), (panel.x_range, panel.y_range)))

    def set_hidden(self, hidden: Collection[str]) -> None:
        """Hide the curves of some names and show all others."""
        self._hidden = frozenset(hidden)
        for name, items in self.items.items():
            for item in items:
                item.setVisible(name not in self._hidden)

    def show_all(self) -> None:
        """Back to the whole range."""
        if self._drawing is not None:
            for plot, panel in zip(self.plots, self._drawing.panels, strict=True):
                self._range(plot, panel.x_range, panel.y_range)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.canvas.setBackground(theme.plot)
        if self._drawing is not None:
            self.show_drawing(self._drawing, self._hidden)

    # -- drawing --------------------

    def _add(self, panel: Panel, row: int, *, last: bool) -> pg.PlotItem:
        plot = make_plot(self._theme, panel.x.label, panel.y.label, panel.title)
        self._set_axes(plot, panel)
        if not last:
            plot.getAxis("bottom").setStyle(showValues=False)
            plot.getAxis("bottom").showLabel(False)
        plot.panel = panel
        self.canvas.addItem(plot, row=row, col=0)
        for region in panel.regions:
            for item in region_items(region, panel, self._theme):
                plot.addItem(item)
        if panel.mark_x is not None:
            place = float(log_values(np.array([panel.mark_x]), panel.log_x)[0])
            plot.addItem(pg.InfiniteLine(place, pen=self._theme.pen(self._theme.quiet, dash=2)))
        for curve in panel.curves:
            for item in curve_items(curve, panel, self._theme, self.devicePixelRatioF()):
                plot.addItem(item)
                item.setVisible(not curve.name or curve.name not in self._hidden)
                if curve.name:
                    self.items.setdefault(curve.name, []).append(item)
        return plot

    def _set_axes(self, plot: pg.PlotItem, panel: Panel) -> None:
        """Axes of real numbers where they are logarithmic, and widths beside lifetimes."""
        given: dict[str, pg.AxisItem] = {}
        if panel.log_x:
            given["bottom"] = LogAxis("bottom")
        if panel.log_y:
            given["left"] = LogAxis("left")
        if panel.with_fwhm:
            given["right"] = FwhmAxis("right")
        labels = {"bottom": panel.x.label, "left": panel.y.label, "right": "FWHM (meV)"}
        font = plot.getAxis("left").style["tickFont"]
        plot.setAxisItems(given)
        color = self._theme.axis
        for side, axis in given.items():
            axis.enableAutoSIPrefix(False)
            axis.setTickFont(font)
            axis.setPen(self._theme.pen(color))
            axis.setTextPen(color)
            axis.labelStyle = {"color": color, "font-size": "9pt"}
            axis.setLabel(labels[side])
        plot.getAxis("left").setWidth(LEFT_AXIS_WIDTH)
        if panel.with_fwhm:
            plot.showAxis("right")
            plot.getAxis("right").setWidth(_RIGHT_WIDTH)

    def _is_last_of_axis(self, row: int) -> bool:
        assert self._drawing is not None
        panels = self._drawing.panels
        return row + 1 == len(panels) or not panels[row + 1].joined

    def _range(self, plot: pg.PlotItem, x: Range, y: Range) -> None:
        panel: Panel = plot.panel
        ends = [log_values(np.array(x), panel.log_x), log_values(np.array(y), panel.log_y)]
        plot.setRange(xRange=tuple(ends[0]), yRange=tuple(ends[1]), padding=0)

    def _zooms(self) -> dict[tuple[object, ...], tuple[Range, Range]]:
        """What the panels are ranged to now, in real values."""
        found = {}
        for plot in self.plots:
            panel: Panel = plot.panel
            x, y = plot.getViewBox().viewRange()
            found[_identity(panel)] = (
                _real_range(x, panel.log_x),
                _real_range(y, panel.log_y),
            )
        return found

    # -- under the cursor --------------------

    def _on_move(self, place: QPointF) -> None:
        for plot in self.plots:
            if plot.getViewBox().sceneBoundingRect().contains(place):
                self.pointed.emit(self.text_at(plot, place))
                return
        self.pointed.emit("")

    def text_at(self, plot: pg.PlotItem, place: QPointF) -> str:
        """The values at a place of the scene, and the curve that is near."""
        panel: Panel = plot.panel
        view = plot.getViewBox().mapSceneToView(place)
        x = 10.0 ** view.x() if panel.log_x else view.x()
        y = 10.0 ** view.y() if panel.log_y else view.y()
        text = f"{panel.x.label} {x:.4g}   {panel.y.label} {y:.4g}"
        if panel.with_fwhm:
            from ixs_core.units import HBAR_MEV_PS

            text += f"   FWHM (meV) {HBAR_MEV_PS / y:.4g}"
        return (text + self._nearest(plot, place)).replace("-", "−")

    def _nearest(self, plot: pg.PlotItem, place: QPointF) -> str:
        panel: Panel = plot.panel
        box = plot.getViewBox()
        size_x, size_y = box.viewPixelSize()
        at = box.mapSceneToView(place)
        best, told = _NEAR_PX, ""
        for curve in panel.curves:
            if not curve.name or curve.name in self._hidden:
                continue
            dx = (log_values(curve.x, panel.log_x) - at.x()) / size_x
            dy = (log_values(curve.y, panel.log_y) - at.y()) / size_y
            distance = np.hypot(dx, dy)
            if not np.isfinite(distance).any():
                continue
            row = int(np.nanargmin(distance))
            if distance[row] < best:
                best = float(distance[row])
                told = f"   ·   {curve.name}: {_value(curve.x, row)}, {_value(curve.y, row)}"
        return told


def _value(values: FloatArray, row: int) -> str:
    return f"{values[row]:.4g}"


def _real_range(ends: list[float], log: bool) -> Range:
    low, high = ends
    return (10.0**low, 10.0**high) if log else (low, high)


def _identity(panel: Panel) -> tuple[object, ...]:
    """Panels for which this is equal show the same quantities in the same range."""
    kind = (panel.x.column, panel.y.column, panel.log_x, panel.log_y)
    return (*kind, panel.title, panel.x_range, panel.y_range)
