"""What every analyzer of a setting will have counted, with error bars: a grid to scroll."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.models.plan_table import hkl_words
from gui.plots.axes import ENERGY_LABEL, make_canvas, make_plot, set_title, style_plot
from gui.plots.counted_points import CountedPoints
from gui.theme import Theme

if TYPE_CHECKING:
    from simulate.planning import ExpectedPanel

_MOST_COLUMNS = 4
_ROW_HEIGHT = 138
_KNOWN_MEV = 0.3
_BELOW = 0.1  # of the axis, for the ticks of the lines
_LEFT_AXIS = 46
_BESIDE = 14  # pixels beside a panel: between it and the next, and at the rim
_MOST_WORDS = 2


class ExpectedSpectraGrid(QWidget):
    """Panels of all analyzers, those that the plan counts on first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.setObjectName("plan-expected")
        self.setAccessibleName("Expected spectra of the analyzers")
        self.note = QLabel("")
        self.note.setWordWrap(True)
        self.note.setObjectName("plan-expected-note")
        self.note.setAccessibleName("What the expected spectra are")
        self.note.setContentsMargins(6, 4, 6, 0)
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("plan-expected-canvas")
        self.canvas.setAccessibleName("Expected counts per point")
        self.canvas.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.canvas.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The wheel scrolls the grid; nothing of it zooms.
        self.canvas.wheelEvent = lambda event: event.ignore()
        scroll = QScrollArea()
        scroll.setObjectName("plan-expected-scroll")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(self.canvas)
        self._scroll = scroll
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.note)
        layout.addWidget(scroll, 1)
        self._panels: list[_Panel] = []
        self.columns = 1
        self.shown: tuple[ExpectedPanel, ...] = ()

    def set_note(self, text: str) -> None:
        """What is shown, or what is missing and how to get it."""
        self.note.setText(text)

    def show_panels(self, panels: Sequence[ExpectedPanel], wanted: Collection[str] = ()) -> None:
        """Show spectra; those of the analyzers `wanted` come first and have bold names."""
        self.shown = tuple(sorted(panels, key=lambda panel: panel.analyzer not in wanted))
        while len(self._panels) < len(self.shown):
            self._panels.append(_Panel(self.theme))
        for number, panel in enumerate(self._panels):
            panel.plot.setVisible(number < len(self.shown))
        for place, content in zip(self._panels, self.shown, strict=False):
            place.show(content, content.analyzer in wanted)
        self._arrange()
        self._scroll.verticalScrollBar().setValue(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many columns as titles fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the panels into rows; a title is never cut."""
        shown = self._panels[: len(self.shown)]
        wide = max((panel.title_width for panel in shown), default=1.0) + _LEFT_AXIS + _BESIDE
        room = self._scroll.width() - self._scroll.verticalScrollBar().sizeHint().width()
        columns = min(max(int(room / wide), 1), _MOST_COLUMNS)
        if columns != self.columns or len(self.canvas.ci.items) != len(self._panels):
            self.columns = columns
            self._place_panels()
        for number, panel in enumerate(shown):
            panel.name_energy(number >= len(shown) - columns)
        self.canvas.setMinimumHeight(-(-len(shown) // columns) * _ROW_HEIGHT)

    def _place_panels(self) -> None:
        """Put all panels into a grid of so many columns."""
        grid = self.canvas.ci
        for plot in list(grid.items):
            grid.removeItem(plot)
        for number, panel in enumerate(self._panels):
            grid.addItem(panel.plot, number // self.columns, number % self.columns)
        # Without panels the grid shrank; the canvas tells it its size only when that changes.
        grid.setGeometry(QRectF(self.canvas.rect()))

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.canvas.setBackground(theme.plot)
        for panel in self._panels:
            panel.set_theme(theme)


class _Panel:
    """One analyzer: points with √counts, the model, ticks of the lines that a fit tells apart."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self.plot = make_plot(theme, mouse=False)
        self.plot.getAxis("left").setWidth(_LEFT_AXIS)
        self.points = CountedPoints(theme.data, size=3)
        self.curve = pg.PlotCurveItem()
        self.known = pg.PlotCurveItem(connect="pairs")
        self.unknown = pg.PlotCurveItem(connect="pairs")
        for item in (self.points, self.curve, self.known, self.unknown):
            self.plot.addItem(item, ignoreBounds=True)
        self._title = ""
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        style_plot(self.plot, theme)
        self.points.set_color(theme.data)
        self.curve.setPen(theme.pen(theme.total))
        self.known.setPen(pg.mkPen(theme.series_color(0), width=3))
        self.unknown.setPen(pg.mkPen(theme.quiet, width=1))
        if self._title:
            set_title(self.plot, self._title, theme)

    @property
    def title_width(self) -> float:
        """How wide the title is, in pixels."""
        return float(self.plot.titleLabel.itemRect().width())

    def name_energy(self, lowest: bool) -> None:
        """Name the energy axis below the last row; counts are named above all panels."""
        axis = self.plot.getAxis("bottom")
        axis.setLabel("Energy transfer (meV)" if lowest else "")
        axis.showLabel(lowest)

    def show(self, panel: ExpectedPanel, bold: bool) -> None:
        energy, counts = panel.energy_mev, panel.counts
        error = np.sqrt(counts)
        self.points.set_points(energy, counts, counts - error, counts + error)
        self.curve.setData(energy, counts)
        top = panel.axis_top
        low, high = float(energy[0]), float(energy[-1])
        inside = (panel.line_energy_mev >= low) & (panel.line_energy_mev <= high)
        known = inside & (panel.sigma_energy_mev < _KNOWN_MEV)
        for curve, which in ((self.known, known), (self.unknown, inside & ~known)):
            places = np.repeat(panel.line_energy_mev[which], 2)
            curve.setData(places, np.tile([-0.8 * _BELOW * top, 0.0], int(which.sum())))
        self.plot.setRange(xRange=(low, high), yRange=(-_BELOW * top, top), padding=0)
        self.plot.getAxis("bottom").setStyle(showValues=True)
        self._title = _title(panel, bold, known)
        set_title(self.plot, self._title, self.theme)
        self.plot.setToolTip(_tooltip(panel, inside))


def _title(panel: ExpectedPanel, bold: bool, known: np.ndarray) -> str:
    name = f"<b>{panel.analyzer}</b>" if bold else panel.analyzer
    best = [
        f"{energy:.1f}±{error:.2f}"
        for energy, error in zip(
            panel.line_energy_mev[known], panel.sigma_energy_mev[known], strict=True
        )
    ]
    words = ", ".join(best[:_MOST_WORDS]) + (" …" if len(best) > _MOST_WORDS else "")
    return f"{name} ({hkl_words(panel.q_hkl, 2)})<br>{words or 'no line known'}"


def _tooltip(panel: ExpectedPanel, inside: np.ndarray) -> str:
    lines = [
        f"{energy:.2f} ± {error:.2g} meV (branch {branch})"
        for energy, error, branch, seen in zip(
            panel.line_energy_mev, panel.sigma_energy_mev, panel.branches, inside, strict=True
        )
        if seen
    ]
    return "\n".join([f"{panel.analyzer}: {ENERGY_LABEL}", *lines])
