"""A map of columns of unequal width, each with cells of its own: spectra side by side in Q.

It is made at the resolution of the screen: every pixel gets the colour of the cell under it, so
that edges lie right however uneven the columns are. What is not known is transparent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from gui.models.column_grid import ColumnGrid
from gui.plots.map_plot import COLORMAPS, ColorScale, Levels, log_ticks
from gui.theme import Theme
from ixs_core.arrays import FloatArray, IntArray

_COLORS = 256
_NOTHING = _COLORS  # the number of the transparent colour
_MOST_PIXELS = 8192
_DIVERGING = "CET-D1"
_EMPTY = ColumnGrid(np.zeros(0), np.zeros(0), (), ())


class ColumnMap(pg.GraphicsObject):
    """The map of a `ColumnGrid`."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = _EMPTY
        self.scale: ColorScale = "linear"
        self.levels = Levels(0.0, 1.0)
        self._limits = (-np.inf, np.inf)
        self._colors = np.zeros(_COLORS + 1, dtype=np.uint32)
        self._codes: list[IntArray] = []
        self._image: tuple[tuple[float, ...], QImage, IntArray] | None = None
        self.setZValue(-100)

    def set_grid(self, grid: ColumnGrid, scale: ColorScale, levels: Levels) -> None:
        """Show other numbers; on a logarithmic scale 0 and less have the lowest colour."""
        self.prepareGeometryChange()
        self.grid, self.scale, self.levels = grid, scale, levels
        low, high = scaled_ends(scale, levels)
        self._codes = [_codes(column, scale, low, high) for column in grid.values]
        self._redraw()

    def set_colors(self, name: str) -> None:
        """One of pyqtgraph's colour maps."""
        table = pg.colormap.get(name).getLookupTable(nPts=_COLORS, alpha=True).astype(np.uint32)
        red, green, blue, alpha = table.T
        self._colors[:_COLORS] = alpha << 24 | red << 16 | green << 8 | blue
        self._redraw()

    def set_limits(self, low: float = -np.inf, high: float = np.inf) -> None:
        """Show what is between two positions only."""
        if (low, high) != self._limits:
            self._limits = (low, high)
            self._redraw()

    def boundingRect(self) -> QRectF:
        """What the columns cover, in the plot's coordinates."""
        left, right, low, high = self.grid.bounds
        return QRectF(left, low, right - left, high - low)

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the part that is seen."""
        seen = self.viewRect()
        place = self.boundingRect() if seen is None else self.boundingRect().intersected(seen)
        if place.isEmpty():
            return
        pixels = painter.deviceTransform().mapRect(place)
        width = int(min(max(np.ceil(pixels.width()), 1), _MOST_PIXELS))
        height = int(min(max(np.ceil(pixels.height()), 1), _MOST_PIXELS))
        wanted = (place.left(), place.right(), place.top(), place.bottom(), width, height)
        if self._image is None or self._image[0] != wanted:
            pixels_seen = self.raster(
                _centers(place.left(), place.right(), width),
                _centers(place.top(), place.bottom(), height),
            )
            form = QImage.Format.Format_ARGB32_Premultiplied
            image = QImage(pixels_seen.data, width, height, 4 * width, form)
            self._image = (wanted, image, pixels_seen)  # the image does not own its pixels
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(place, self._image[1])

    def raster(self, x: FloatArray, y: FloatArray) -> IntArray:
        """The colours (ny, nx), ARGB, at positions (nx,) and energies (ny,)."""
        grid = self.grid
        column = np.searchsorted(grid.left, x, side="right") - 1
        low, high = self._limits
        inside = (column >= 0) & (x < grid.right[column]) & (x >= low) & (x < high)
        colors = np.zeros((x.size, y.size), dtype=np.uint32)
        used, place = np.unique(column[inside], return_inverse=True)
        if used.size:
            cells = np.stack([self._cells(int(number), y) for number in used])
            colors[inside] = self._colors[cells][place]
        return np.ascontiguousarray(colors.T)

    def _cells(self, column: int, y: FloatArray) -> IntArray:
        """The number of the colour at each energy of a column."""
        edges = self.grid.energy_edges[column]
        if not edges.size:
            return np.full(y.size, _NOTHING)
        row = np.searchsorted(edges, y, side="right") - 1
        inside = (row >= 0) & (row < edges.size - 1)
        codes = self._codes[column][np.clip(row, 0, edges.size - 2)]
        return np.where(inside, codes, _NOTHING)

    def _redraw(self) -> None:
        self._image = None
        self.update()


class ColorBar:
    """A colour bar in real values beside maps; a layout holds its `item`.

    Parameters
    ----------
    maps : sequence of ColumnMap
        They get its colours.
    theme : Theme
    """

    def __init__(self, maps: Sequence[ColumnMap], theme: Theme) -> None:
        self._maps = maps
        self._name = COLORMAPS[0]
        self.item = pg.ColorBarItem(interactive=False, width=12, label="", colorMapMenu=False)
        self.item.axis.enableAutoSIPrefix(False)
        self.set_theme(theme)

    def set_colors(self, name: str) -> None:
        """Another colour map, for scales that do not diverge."""
        self._name = name

    def show(self, scale: ColorScale, levels: Levels, label: str) -> None:
        """Show other levels."""
        name = _DIVERGING if scale == "diverging" else self._name
        for one in self._maps:
            one.set_colors(name)
        self.item.setColorMap(pg.colormap.get(name))
        ends = scaled_ends(scale, levels)
        self.item.setLevels(ends)
        self.item.axis.setTicks([log_ticks(*ends)] if scale == "log" else None)
        self.item.getAxis("left").setLabel(label)

    def set_theme(self, theme: Theme) -> None:
        """Other colours of axis and label."""
        for side in ("left", "right"):
            axis = self.item.getAxis(side)
            axis.setPen(theme.pen(theme.axis))
            axis.setTextPen(theme.axis)
            axis.labelStyle = {"color": theme.axis, "font-size": "9pt"}
            if axis.labelText:
                axis.setLabel(axis.labelText)


def scaled_ends(scale: ColorScale, levels: Levels) -> tuple[float, float]:
    """The ends of a colour scale as they are compared: logarithms on a logarithmic one."""
    if scale == "log":
        return float(np.log10(levels.low)), float(np.log10(levels.high))
    return levels.low, levels.high


def _codes(values: FloatArray, scale: ColorScale, low: float, high: float) -> IntArray:
    """Numbers of colours (m,): `_NOTHING` where nothing is known."""
    shown = values
    if scale == "log":
        shown = np.where(np.isnan(values), np.nan, low)
        np.log10(values, out=shown, where=values > 0)
    known = np.isfinite(shown)
    share = (np.where(known, shown, low) - low) / ((high - low) or 1.0)
    codes = np.clip((share * _COLORS).astype(int), 0, _COLORS - 1)
    return np.where(known, codes, _NOTHING)


def _centers(first: float, last: float, count: int) -> FloatArray:
    """Centres of `count` pixels between two places."""
    return first + (np.arange(count) + 0.5) * ((last - first) / count)
