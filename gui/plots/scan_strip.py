"""The strip below the grid: monitor over the points of a scan, temperature over all scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.plots.axes import make_canvas, make_plot, style_plot
from gui.plots.decimation import MOST_EXACT, in_view
from gui.theme import Theme
from ixs_core.arrays import FloatArray
from ixs_reduce.scan import Scan

_MARGIN = 0.12  # of a range, above and below
_NARROWEST_K = 1.0
_COLUMNS = 800  # into which the monitor of a very long scan is divided


@dataclass(frozen=True)
class TemperaturePoint:
    """Sample temperature of the scan in a row (1-based) of the list; None where not known."""

    row: int
    key: str
    temperature_k: float | None


class ScanStrip(QWidget):
    """Two plots side by side."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("scans-strip")
        self.setAccessibleName("Monitor over points, sample temperature over scans")
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("scans-strip-canvas")
        self.canvas.setAccessibleName("Monitor and temperature of the scans")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)
        self.monitor_plot = make_plot(theme, "Point", "Monitor (counts)", mouse=False)
        self.temperature_plot = make_plot(
            theme, "Scan (row of the list)", "Sample T (K)", mouse=False
        )
        self.canvas.addItem(self.monitor_plot, 0, 0)
        self.canvas.addItem(self.temperature_plot, 0, 1)
        self.monitor = pg.PlotDataItem(symbol="o", symbolSize=4, pen=None)
        self.flagged = pg.PlotDataItem(symbol="x", symbolSize=9, pen=None)
        self.temperature = pg.PlotDataItem(symbol="o", symbolSize=4, pen=None)
        self.here = pg.InfiniteLine(angle=90)
        self.monitor_plot.addItem(self.monitor, ignoreBounds=True)
        self.monitor_plot.addItem(self.flagged, ignoreBounds=True)
        self.temperature_plot.addItem(self.here, ignoreBounds=True)
        self.temperature_plot.addItem(self.temperature, ignoreBounds=True)
        self._words = [pg.TextItem(anchor=(0.5, 0.5)) for _ in range(2)]
        for plot, words in zip(
            (self.monitor_plot, self.temperature_plot), self._words, strict=True
        ):
            plot.addItem(words, ignoreBounds=True)
        self.set_theme(theme)
        self.show_scan(None)
        self.show_temperatures((), "")

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.canvas.setBackground(theme.plot)
        for plot in (self.monitor_plot, self.temperature_plot):
            style_plot(plot, theme)
        for item, color in (
            (self.monitor, theme.data),
            (self.temperature, theme.data),
            (self.flagged, theme.warning),
        ):
            item.setSymbolPen(theme.pen(color))
            item.setSymbolBrush(color)
        self.here.setPen(theme.pen(theme.highlight, 1.0, 1))
        for words in self._words:
            words.setColor(theme.quiet)

    def show_scan(self, scan: Scan | None, why_not: str = "") -> None:
        """The monitor of a scan, or its counting time; flagged points are crossed."""
        values, label = _exposure(scan)
        unit, named = _round_unit(values)
        values = values / unit
        self.monitor_plot.getAxis("left").setLabel(label.format(named))
        number = np.arange(1, values.size + 1, dtype=float)
        self.monitor.setData(*_drawn(number, values))
        dips = sorted(
            {
                point
                for flag in (scan.flags if scan is not None else ())
                for point in flag.points
                if flag.code == "monitor-dip" and point < values.size
            }
        )
        self.flagged.setData(*_drawn(number[dips], values[dips]))
        asked = (scan.requested_points if scan is not None else None) or 0
        last = max(asked, values.size, 1)
        known = values[np.isfinite(values)]
        high = float(known.max()) if known.size and known.max() > 0 else 1.0
        self.monitor_plot.setRange(
            xRange=(0, last + 1), yRange=(0, (1 + _MARGIN) * high), padding=0
        )
        self._say(0, why_not if not values.size else "", (last + 1) / 2, high / 2)

    def show_temperatures(self, points: Sequence[TemperaturePoint], key: str) -> None:
        """The temperature of every scan that was read; the current one marked by a line."""
        known = [(p.row, p.temperature_k) for p in points if p.temperature_k is not None]
        row = np.array([item[0] for item in known], dtype=float)
        kelvin = np.array([item[1] for item in known], dtype=float)
        self.temperature.setData(row, kelvin)
        low, high = (float(kelvin.min()), float(kelvin.max())) if kelvin.size else (0.0, 300.0)
        room = max(_MARGIN * (high - low), _NARROWEST_K)
        last = max((point.row for point in points), default=1)
        self.temperature_plot.setRange(
            xRange=(0, last + 1), yRange=(low - room, high + room), padding=0
        )
        here = next((point.row for point in points if point.key == key), None)
        self.here.setVisible(here is not None)
        if here is not None:
            self.here.setValue(here)
        missing = points and not known
        words = "no temperature in these scans" if missing else ""
        self._say(1, words, (last + 1) / 2, (low + high) / 2)

    def _say(self, which: int, words: str, x: float, y: float) -> None:
        self._words[which].setText(words)
        self._words[which].setPos(x, y)


def _drawn(number: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The points; of very many the extremes of each of some hundred columns."""
    if number.size <= MOST_EXACT:
        return number, values
    known = np.isfinite(values)
    x, y = number[known], values[known]
    drawn = in_view(x, y, y, y, (float(number[0]), float(number[-1])), _COLUMNS)
    return drawn.x, drawn.y


def _exposure(scan: Scan | None) -> tuple[FloatArray, str]:
    """What every point was exposed to, (n_points,), and the label of its axis."""
    if scan is not None and scan.monitor is not None:
        return np.asarray(scan.monitor, dtype=float), "Monitor ({}counts)"
    if scan is not None and scan.seconds is not None:
        return np.asarray(scan.seconds, dtype=float), "Counting time ({}s)"
    return np.zeros(0), "Monitor ({}counts)"


def _round_unit(values: FloatArray) -> tuple[float, str]:
    """A power of 1000 that leaves short numbers, and how it is written."""
    high = float(np.nanmax(values, initial=0.0))
    for unit, named in ((1e9, "10⁹ "), (1e6, "10⁶ "), (1e3, "10³ ")):
        if high >= unit:
            return unit, named
    return 1.0, ""
