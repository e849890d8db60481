"""Energies and widths of fitted modes along Q, without a map."""

from __future__ import annotations

import itertools

import pyqtgraph as pg

from gui.models.dispersion_layers import Layers
from gui.models.dispersion_view import DispersionView
from gui.plots.axes import make_plot, set_title, style_plot
from gui.plots.dispersion_marks import (
    Marks,
    draw_branches,
    draw_energies,
    draw_predicted,
    draw_widths,
    panel_ink,
)
from gui.plots.plot_note import PlotNote
from gui.theme import Theme
from gui.views.dispersion_canvas import DispersionCanvas

_NO_FITS = (
    "No fitted modes along this line: fit its spectra on the tab Fit, or with `ixs fit project.h5`"
)
_SIGNS = ("●", "■", "▲", "⬟", "⬢", "★", "✕")


class DispersionPanels(DispersionCanvas):
    """E(Q) and FWHM(Q), which share their axis of Q with the maps above them."""

    def __init__(self, theme: Theme, linked: pg.PlotItem) -> None:
        super().__init__(theme, "dispersion-points", "Fitted energies and widths along Q")
        for column, (name, label, title) in enumerate(
            (("energies", "Mode energy (meV)", "Energies"), ("widths", "FWHM (meV)", "Widths"))
        ):
            plot = make_plot(theme, "ξ (r.l.u.)", label, title)
            plot.setXLink(linked)
            self.add_plot(name, plot, 0, column)
        self.marks = {name: Marks(plot) for name, plot in self.plots.items()}
        self.note = PlotNote(self.plots["energies"], theme)
        self.markers = {name: pg.InfiniteLine(angle=90) for name in self.plots}
        for name, marker in self.markers.items():
            marker.setVisible(False)
            self.plots[name].addItem(marker, ignoreBounds=True)
        self.view: DispersionView | None = None
        self.set_theme(theme)

    def draw_marks(self, view: DispersionView, layers: Layers) -> None:
        """Draw points, branches and predicted modes anew."""
        self.view = view
        ink = panel_ink(self.theme)
        for marks in self.marks.values():
            marks.clear()
        energies, widths = self.marks["energies"], self.marks["widths"]
        if layers.predicted:
            draw_predicted(energies, view.predicted, view.measured, ink)
        if layers.branches:
            draw_branches(energies, view.branches, ink)
        draw_energies(energies, view.points, layers, view.series, ink)
        draw_widths(widths, view.points, layers, view.series, ink, view.ends[1])
        self.note.set_text("" if view.points or view.predicted or view.branches else _NO_FITS)
        self._label()

    def lay_out(self, each: float) -> None:
        """Make the panels as wide as the maps above them."""
        self.set_widths({0: each, 1: each})

    def show_all(self) -> None:
        """Range to what is known well: one lost fit does not squeeze the rest."""
        if self.view is None:
            return
        top = self.view.ends[0]
        if not self.view.points:
            top = max((float(m.energy.max()) for m in self.view.predicted), default=1.0)
        self.plots["energies"].setYRange(0, top, padding=0)
        self.plots["widths"].setYRange(0, self.view.ends[1], padding=0)

    def mark_column(self, position: float | None) -> None:
        """Mark the place of the current spectrum."""
        for marker in self.markers.values():
            marker.setVisible(position is not None)
            if position is not None:
                marker.setValue(position)

    def clear(self) -> None:
        """Show nothing."""
        self.view = None
        for marks in self.marks.values():
            marks.clear()
        self.mark_column(None)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours; marks need to be drawn anew."""
        self.theme = theme
        self.widget.setBackground(theme.plot)
        self.note.set_theme(theme)
        for name, plot in self.plots.items():
            style_plot(plot, theme)
            self.markers[name].setPen(theme.pen(theme.total, dash=1))
        self._label()

    def _label(self) -> None:
        view = self.view
        series = [name for name in view.series if name] if view is not None else []
        ink = panel_ink(self.theme)
        key = "".join(
            f"&nbsp;&nbsp;<span style='color:{ink.color(i)}'>{sign}</span>&nbsp;{name}"
            for i, (name, sign) in enumerate(zip(series, itertools.cycle(_SIGNS), strict=False))
        )
        set_title(self.plots["energies"], f"Fitted energies{key}", self.theme)
        set_title(self.plots["widths"], "Fitted widths (FWHM)", self.theme)
        if view is not None:
            label = "|Q| (Å⁻¹)" if view.line.direction is None else "ξ (r.l.u.)"
            for name in self.plots:
                self.set_bottom_label(name, label)
