"""The curves over a spectrum: total, terms, resolution, an earlier fit; and what they are."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QPen

from gui.models.fit_subject import Subject
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_LOWEST = 1e-6  # of a curve on a logarithmic axis
_NAMES = {
    "elastic": "elastic",
    "quasielastic": "quasi-elastic",
    "folded": "weak modes",
    "background": "background",
    "measured": "measured background",
    "total": "total",
    "resolution": "resolution R(E), scaled",
    "earlier": "earlier fit",
}


class SpectrumCurves:
    """Curves in a plot.

    Parameters
    ----------
    plot : pg.PlotItem
    theme : Theme
    """

    def __init__(self, plot: pg.PlotItem, theme: Theme) -> None:
        self.plot = plot
        self.theme = theme
        self.log = False
        self.resolution_wanted = False
        self.items: dict[str, pg.PlotCurveItem] = {}
        self._data: dict[str, tuple[FloatArray, FloatArray]] = {}
        self._earlier: tuple[FloatArray, FloatArray] | None = None

    def show(self, subject: Subject) -> None:
        """Draw the curves of a subject."""
        data: dict[str, tuple[FloatArray, FloatArray]] = {}
        if subject.curves is not None:
            curves = subject.curves.curves
            data = {name: (curves.energy_mev, y) for name, y in curves.components.items()}
            data["total"] = (curves.energy_mev, curves.total)
        line = subject.resolution_curve() if self.resolution_wanted else None
        if line is not None:
            data["resolution"] = line
        if self._earlier is not None:
            data["earlier"] = self._earlier
        self._draw(data)

    def show_earlier(self, energy: FloatArray | None, total: FloatArray | None) -> None:
        """The total of an earlier fit, or none."""
        known = energy is not None and total is not None
        self._earlier = (energy, total) if known else None  # type: ignore[assignment]
        data = {name: xy for name, xy in self._data.items() if name != "earlier"}
        if self._earlier is not None:
            data["earlier"] = self._earlier
        self._draw(data)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        for name, item in self.items.items():
            item.setPen(self.pen(name))

    def pen(self, name: str) -> QPen:
        """The pen of a curve."""
        theme = self.theme
        if name.startswith("mode"):
            return theme.pen(theme.series_color(int(name.removeprefix("mode")) - 1), 1.0)
        if name == "total":
            return theme.pen(theme.total, 1.0)
        dashes = {"elastic": 1, "background": 2, "measured": 4, "quasielastic": 3, "folded": 4}
        strong = {"quasielastic": theme.warning, "earlier": theme.highlight}
        return theme.pen(strong.get(name, theme.quiet), 1.0, dashes.get(name, 3))

    def _draw(self, data: dict[str, tuple[FloatArray, FloatArray]]) -> None:
        for name in [name for name in self.items if name not in data]:
            self.plot.removeItem(self.items.pop(name))
        for name, (x, y) in data.items():
            item = self.items.get(name)
            if item is None:
                item = self.items[name] = pg.PlotCurveItem(pen=self.pen(name))
                item.setZValue(25 if name == "total" else 10)
                self.plot.addItem(item, ignoreBounds=True)
            # Here and not by the item: what is below zero has no logarithm.
            item.setData(x, np.log10(np.maximum(y, _LOWEST)) if self.log else y)
        self._data = data

    def legend(self) -> str:
        """What is drawn besides modes (which carry their numbers), as HTML in its colours."""
        parts = []
        for name in self._data:
            text = "modes" if name == "mode1" else _NAMES.get(name)
            if text:
                dash = "━" if name in ("total", "mode1") else "╌"
                parts.append(
                    f"<span style='color:{self.pen(name).color().name()}'>{dash}</span> {text}"
                )
        return " &nbsp; ".join(parts)
