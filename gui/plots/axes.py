"""Plots as the viewer has them: one look, units on every axis, fixed widths so that axes align."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont

from gui.theme import Theme

ENERGY_LABEL = "Energy transfer (meV), E > 0: energy loss"
LEFT_AXIS_WIDTH = 62  # pixels; the same for all, so that stacked plots share their left edge
_TICK_SIZE_PT = 9


def make_plot(
    theme: Theme, bottom: str = "", left: str = "", title: str = "", *, mouse: bool = True
) -> pg.PlotItem:
    """A plot with labelled axes (units in the label, as "Energy transfer (meV)").

    Its axes keep what is set: nothing ranges by itself. Without `mouse` it neither pans nor
    zooms (small panels of a grid).
    """
    plot = pg.PlotItem()
    _let_titles_be_cut(plot)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.disableAutoRange()
    plot.setMouseEnabled(mouse, mouse)
    for side, label in (("bottom", bottom), ("left", left)):
        axis = plot.getAxis(side)
        axis.enableAutoSIPrefix(False)
        axis.setTickFont(_font())
        if label:
            axis.setLabel(label)
    plot.getAxis("left").setWidth(LEFT_AXIS_WIDTH)
    style_plot(plot, theme)
    if title:
        set_title(plot, title, theme)
    return plot


def style_plot(plot: pg.PlotItem, theme: Theme) -> None:
    """Give a plot the colours of a theme."""
    plot.getViewBox().setBackgroundColor(theme.plot)
    for side in ("bottom", "left", "top", "right"):
        axis = plot.getAxis(side)
        axis.setPen(theme.pen(theme.axis))
        axis.setTextPen(theme.axis)
        axis.labelStyle = {"color": theme.axis, "font-size": f"{_TICK_SIZE_PT}pt"}
        if axis.labelText:
            axis.setLabel(axis.labelText)


def set_title(plot: pg.PlotItem, title: str, theme: Theme) -> None:
    """A small title on the left above a plot."""
    plot.setTitle(title, color=theme.text, size=f"{_TICK_SIZE_PT}pt", justify="left")


def make_canvas(theme: Theme) -> pg.GraphicsLayoutWidget:
    """A widget that holds plots, without a border of its own."""
    canvas = pg.GraphicsLayoutWidget()
    canvas.setBackground(theme.plot)
    canvas.setFrameShape(canvas.Shape.NoFrame)
    canvas.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    canvas.ci.layout.setContentsMargins(4, 4, 8, 4)
    canvas.ci.layout.setSpacing(4)
    return canvas


class _Title(pg.LabelItem):
    """A title that does not make its plot wider: what does not fit is cut."""

    def updateMin(self) -> None:
        super().updateMin()
        height = self.itemRect().height()
        self.setMinimumWidth(0)
        self._sizeHint[Qt.SizeHint.MinimumSize] = (0, height)
        self._sizeHint[Qt.SizeHint.PreferredSize] = (0, height)
        self.updateGeometry()


def _let_titles_be_cut(plot: pg.PlotItem) -> None:
    plot.layout.removeItem(plot.titleLabel)
    plot.titleLabel.setParentItem(None)
    plot.titleLabel = _Title("", size="11pt", parent=plot)
    plot.layout.addItem(plot.titleLabel, 0, 1)
    plot.setTitle(None)


def _font() -> QFont:
    font = QFont()
    font.setPointSize(_TICK_SIZE_PT)
    return font
