"""A map: values on a grid of bins, with a colour bar in real values.

Bins lie right (a value at x covers half a bin to both sides), missing values are transparent,
logarithmic scales show decades as numbers, scales of differences are symmetric about zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF

from gui.plots.axes import style_plot
from gui.theme import Theme
from ixs_core.arrays import FloatArray

ColorScale = Literal["linear", "log", "diverging"]
COLORMAPS = ("viridis", "cividis", "CET-CBL2")
_DIVERGING = "CET-D1"
_DECADES = 3.0  # of a logarithmic scale by default


@dataclass(frozen=True)
class Levels:
    """Ends of a colour scale, in real values."""

    low: float
    high: float


def default_levels(values: FloatArray, scale: ColorScale) -> Levels:
    """Levels that show what is in a map: robust against single bins."""
    known = values[np.isfinite(values)]
    if scale == "log":
        known = known[known > 0]
    if not known.size:
        return Levels(1e-3, 1.0) if scale == "log" else Levels(0.0, 1.0)
    if scale == "diverging":
        reach = float(np.quantile(np.abs(known), 0.99)) or float(np.abs(known).max()) or 1.0
        return Levels(-reach, reach)
    high = float(np.quantile(known, 0.995)) or float(known.max()) or 1.0
    if scale == "log":
        return Levels(max(high * 10**-_DECADES, float(known.min())), high)
    low = min(0.0, float(known.min()))
    return Levels(low, high if high > low else low + 1.0)


class MapPlot:
    """An image in a plot, and its colour bar.

    Parameters
    ----------
    plot : pg.PlotItem
        From `make_plot`.
    theme : Theme
    label : str
        What the colours are, with unit.
    """

    def __init__(self, plot: pg.PlotItem, theme: Theme, label: str = "") -> None:
        self.plot = plot
        self.image = pg.ImageItem(axisOrder="col-major")
        self.image.setZValue(-100)
        plot.addItem(self.image)
        self.bar = pg.ColorBarItem(interactive=False, width=12, label=label)
        self.bar.setImageItem(self.image, insert_in=plot)
        self.scale: ColorScale = "linear"
        self.levels = Levels(0.0, 1.0)
        self._colormap = COLORMAPS[0]
        self._reversed = False
        self._values: FloatArray = np.zeros((0, 0))
        self.set_theme(theme)

    def set_map(
        self,
        x: FloatArray,
        y: FloatArray,
        values: FloatArray,
        scale: ColorScale = "linear",
        levels: Levels | None = None,
    ) -> None:
        """Show a map.

        Parameters
        ----------
        x, y : (nx,), (ny,) arrays
            Centres of the bins, evenly spaced.
        values : (nx, ny) array
            NaN (and what is not positive, on a logarithmic scale) is transparent.
        scale : "linear", "log" or "diverging"
        levels : Levels, optional
            Default `default_levels`.
        """
        self.scale, self._values = scale, values
        self.levels = levels or default_levels(values, scale)
        shown, ends = values, (self.levels.low, self.levels.high)
        if scale == "log":
            positive = values > 0
            shown = np.full(values.shape, np.nan)
            np.log10(values, out=shown, where=positive)
            ends = (float(np.log10(ends[0])), float(np.log10(ends[1])))
        self.image.setImage(np.asarray(shown, dtype=np.float32), levels=ends, autoLevels=False)
        self.image.setRect(map_rectangle(x, y))
        self._apply_colors(ends)

    def set_colormap(self, name: str, backwards: bool = False) -> None:
        """One of `COLORMAPS`, for scales that do not diverge; backwards: small values bright."""
        self._colormap = name
        self._reversed = backwards
        if self._values.size:
            self._apply_colors(tuple(self.image.getLevels()))

    def set_theme(self, theme: Theme) -> None:
        """Give plot and colour bar the colours of a theme."""
        style_plot(self.plot, theme)
        axis = self.bar.axis
        axis.setPen(theme.pen(theme.axis))
        axis.setTextPen(theme.axis)
        axis.labelStyle = {"color": theme.axis, "font-size": "9pt"}
        if axis.labelText:
            axis.setLabel(axis.labelText)

    def show_all(self) -> None:
        """Range the plot to the whole map."""
        self.plot.setRange(self.image.mapRectToParent(self.image.boundingRect()), padding=0)

    def _apply_colors(self, ends: tuple[float, float]) -> None:
        name = _DIVERGING if self.scale == "diverging" else self._colormap
        colors = pg.colormap.get(name)
        if self._reversed and self.scale != "diverging":
            # The maps are shared between all plots; reverse() would turn that of the others.
            colors = pg.ColorMap(1 - colors.pos[::-1], colors.getColors("byte")[::-1])
        self.bar.setColorMap(colors)
        self.bar.setLevels(ends)
        self.bar.axis.setTicks([log_ticks(*ends)] if self.scale == "log" else None)


def map_rectangle(x: FloatArray, y: FloatArray) -> QRectF:
    """What bins with these centres cover: half a bin beyond the first and the last."""
    (left, width), (bottom, height) = (_span(axis) for axis in (x, y))
    return QRectF(left, bottom, width, height)


def _span(centers: FloatArray) -> tuple[float, float]:
    step = (centers[-1] - centers[0]) / (centers.size - 1) if centers.size > 1 else 1.0
    return float(centers[0] - step / 2), float(step * centers.size)


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks at decades as real numbers, at 1-2-5 when there are fewer than two decades."""
    digits = (1, 2, 5) if high - low < 2 else (1,)
    decades = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    values = [digit * 10.0**decade for decade in decades for digit in digits]
    logs = [(float(np.log10(value)), f"{value:g}") for value in values]
    return [(place, text) for place, text in logs if low - 1e-9 <= place <= high + 1e-9]
