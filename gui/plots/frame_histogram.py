"""How often counts occur, on logarithmic axes, with the ends of the colours to be dragged."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, Signal

from gui.theme import Theme
from ixs_core.frame_profiles import Histogram

_FLOOR = -0.3  # where no pixel stands, on the logarithmic axis of pixels


class FrameHistogram(QObject):
    """Steps of a histogram, and a region for the colours.

    Signals
    -------
    levels_dragged : (float, float)
        Other ends of the colours, in counts.
    """

    levels_dragged = Signal(float, float)

    def __init__(self, plot: pg.PlotItem, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plot = plot
        plot.setMouseEnabled(False, False)
        self.steps = pg.PlotCurveItem([0.0, 1.0], [_FLOOR], stepMode="center", fillLevel=_FLOOR)
        self.region = pg.LinearRegionItem(swapMode="block")
        plot.addItem(self.steps)
        plot.addItem(self.region)
        self._zero = math.log10(0.35)
        self._from_outside = False
        self.region.sigRegionChanged.connect(self._on_drag)
        self.set_theme(theme)

    def show_histogram(self, histogram: Histogram) -> None:
        """Show another histogram."""
        x = np.log10(histogram.edges)
        y = np.log10(np.maximum(histogram.pixels, 10**_FLOOR))
        self._zero = float((x[0] + x[1]) / 2)
        self.steps.setData(x, y)
        top = float(max(y.max(), 1.0))
        self.plot.setRange(xRange=(float(x[0]), float(x[-1])), yRange=(_FLOOR, top), padding=0.02)
        first = float(histogram.edges[1])
        self.plot.getAxis("bottom").setTicks([self._count_ticks(first, float(x[-1]))])
        decades = range(math.ceil(top) + 1)
        self.plot.getAxis("left").setTicks([[(float(n), _power(n)) for n in decades]])
        self.region.setBounds((float(x[0]), float(x[-1]) + 1.0))

    def set_levels(self, low: float, high: float) -> None:
        """Show the ends of the colours; nothing is told."""
        self._from_outside = True
        self.region.setRegion((self._place(low), self._place(high)))
        self._from_outside = False

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.steps.setPen(theme.pen(theme.data))
        fill = pg.mkColor(theme.data)
        fill.setAlpha(60)
        self.steps.setBrush(fill)
        veil = pg.mkColor(theme.highlight)
        veil.setAlpha(45)
        self.region.setBrush(veil)
        veil.setAlpha(80)
        self.region.setHoverBrush(veil)
        for line in self.region.lines:
            line.setPen(pg.mkPen(theme.highlight, width=2))
            line.setHoverPen(pg.mkPen(theme.total, width=3))

    def _on_drag(self) -> None:
        if not self._from_outside:
            low, high = self.region.getRegion()
            self.levels_dragged.emit(self._value(low), self._value(high))

    def _place(self, value: float) -> float:
        """Where a number of counts is on the axis; zero and less stand at its begin."""
        return max(math.log10(value), self._zero) if value > 0 else self._zero

    def _value(self, place: float) -> float:
        return 10.0**place if place > self._zero + 1e-9 else 0.0

    def _count_ticks(self, first: float, end: float) -> list[tuple[float, str]]:
        ticks = [(self._zero, "0")]
        start = math.ceil(math.log10(first) - 1e-9)
        return ticks + [(float(n), _power(n)) for n in range(start, math.floor(end) + 1)]


def _power(exponent: int) -> str:
    """1, 10, 100, … up to a million as numbers, then as powers."""
    if -4 <= exponent <= 5:
        return f"{10.0**exponent:g}"
    return f"1e{exponent}"
