"""The three maps of the tab Dispersion: measured, calculated, and their difference."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from gui.models.column_grid import ColumnGrid
from gui.models.dispersion_layers import Layers
from gui.models.dispersion_view import DispersionView
from gui.models.dispersion_words import (
    NOTHING_CALCULATED,
    scans_text,
    source_text,
    unit_text,
)
from gui.plots.axes import ENERGY_LABEL, make_plot, set_title, style_plot
from gui.plots.column_map import ColorBar, ColumnMap
from gui.plots.dispersion_marks import (
    OVER_DIFFERENCE,
    OVER_MAP,
    Marks,
    draw_branches,
    draw_energies,
    draw_predicted,
)
from gui.plots.map_plot import ColorScale, Levels, default_levels
from gui.plots.plot_note import PlotNote
from gui.theme import Theme
from gui.views.dispersion_canvas import AXIS_HEIGHT, TITLE_HEIGHT, DispersionCanvas

MAPS = ("measured", "calculated", "difference")
BAR_WIDTH = 82
_MARGINS, _SPACING = 12, 4  # of a canvas
_COLUMN = {"measured": 0, "calculated": 1, "difference": 3}
_SHORT_ENERGY = "Energy transfer (meV)"


class DispersionMaps(DispersionCanvas):
    """Measured, calculated and difference, on linked axes; the first two with one colour bar."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "dispersion-maps", "Maps of S(Q,E): scans, calculated, difference")
        self.maps = {name: ColumnMap() for name in MAPS}
        self.wipe_map = ColumnMap()
        self.marks: dict[str, Marks] = {}
        self.notes: dict[str, PlotNote] = {}
        self.markers: dict[str, pg.InfiniteLine] = {}
        for name in MAPS:
            self._add_map(name)
        self.plots["measured"].addItem(self.wipe_map, ignoreBounds=True)
        self.wipe_line = pg.InfiniteLine(angle=90, movable=True)
        self.wipe_line.setZValue(50)
        self.wipe_line.setVisible(False)
        self.wipe_line.sigPositionChanged.connect(self._wipe)
        self.plots["measured"].addItem(self.wipe_line, ignoreBounds=True)
        shared = (self.maps["measured"], self.maps["calculated"], self.wipe_map)
        self.bars = (ColorBar(shared, theme), ColorBar((self.maps["difference"],), theme))
        for bar, column in zip(self.bars, (2, 4), strict=True):
            bar.item.layout.setContentsMargins(0, TITLE_HEIGHT, 0, AXIS_HEIGHT)
            self.widget.addItem(bar.item, 0, column)
        self.view: DispersionView | None = None
        self.scale: ColorScale = "log"
        self.levels = Levels(0.0, 1.0)
        self.set_theme(theme)

    def _add_map(self, name: str) -> None:
        label = ENERGY_LABEL if name == "measured" else _SHORT_ENERGY
        plot = make_plot(self.theme, "ξ (r.l.u.)", label, name.capitalize())
        plot.addItem(self.maps[name], ignoreBounds=True)
        self.add_plot(name, plot, 0, _COLUMN[name])
        if name != "measured":
            plot.setXLink(self.plots["measured"])
            plot.setYLink(self.plots["measured"])
        self.marks[name] = Marks(plot)
        self.notes[name] = PlotNote(plot, self.theme)
        marker = pg.InfiniteLine(angle=90)
        marker.setZValue(1)
        marker.setVisible(False)
        plot.addItem(marker, ignoreBounds=True)
        self.markers[name] = marker

    # -- what is shown --------------------

    def show_view(self, view: DispersionView, scale: ColorScale, colors: str) -> None:
        """Show other maps; axes keep their ranges."""
        self.view, self.scale = view, scale
        both = np.concatenate((view.measured.all_values, view.calculated.all_values))
        self.levels = default_levels(both, scale)
        apart = default_levels(view.difference.all_values, "diverging")
        for one, grid in (
            (self.maps["measured"], view.measured),
            (self.maps["calculated"], view.calculated),
            (self.wipe_map, view.calculated),
        ):
            one.set_grid(grid, scale, self.levels)
        self.maps["difference"].set_grid(view.difference, "diverging", apart)
        unit = unit_text(view.exposure)
        self.bars[0].set_colors(colors)
        self.bars[0].show(scale, self.levels, unit.capitalize())
        self.bars[1].show("diverging", apart, unit.capitalize())
        for name, grid in (("calculated", view.calculated), ("difference", view.difference)):
            missing = NOTHING_CALCULATED if not view.sources else "nothing of these spectra"
            words = missing[0].upper() + missing[1:] if name == "calculated" else "No difference"
            self.notes[name].set_text(words if grid.empty else "")
        self.bars[1].item.setVisible(not view.difference.empty)
        self._label()
        self._wipe()

    def draw_marks(self, view: DispersionView, layers: Layers) -> None:
        """Draw branches, predicted modes and fitted points over the maps."""
        for name, marks in self.marks.items():
            marks.clear()
            ink = OVER_DIFFERENCE if name == "difference" else OVER_MAP
            if layers.predicted:
                draw_predicted(marks, view.predicted, view.measured, ink)
            if layers.branches:
                draw_branches(marks, view.branches, ink)
            draw_energies(marks, view.points, layers, view.series, ink)

    def show_all(self) -> None:
        """Range to the whole map."""
        if self.view is not None:
            left, right, low, high = self.view.measured.bounds
            self.plots["measured"].setRange(xRange=(left, right), yRange=(low, high), padding=0)
            if not left < self.wipe_line.value() < right:
                self.wipe_line.setValue((left + right) / 2)

    def mark_column(self, position: float | None) -> None:
        """Mark the place of the current spectrum."""
        for marker in self.markers.values():
            marker.setVisible(position is not None)
            if position is not None:
                marker.setValue(position)

    def clear(self) -> None:
        """Show nothing."""
        self.view = None
        empty = ColumnGrid(np.zeros(0), np.zeros(0), (), ())
        for one in (*self.maps.values(), self.wipe_map):
            one.set_grid(empty, "linear", Levels(0.0, 1.0))
        for marks in self.marks.values():
            marks.clear()
        self.mark_column(None)

    # -- wipe --------------------

    @property
    def wiping(self) -> bool:
        """Whether the first map is half measured, half calculated."""
        return self.wipe_line.isVisible()

    def set_wiping(self, on: bool) -> None:
        """Begin or end to show measured left and calculated right of a line."""
        self.wipe_line.setVisible(on)
        if on and self.view is not None:
            low, high = self.plots["measured"].getViewBox().viewRange()[0]
            self.wipe_line.setValue((low + high) / 2)
        self._label()
        self._wipe()

    def _wipe(self, *_: object) -> None:
        place = float(self.wipe_line.value())
        if self.wiping:
            self.maps["measured"].set_limits(high=place)
            self.wipe_map.set_limits(low=place)
        else:
            self.maps["measured"].set_limits()
            self.wipe_map.set_limits(low=np.inf)

    # -- looks --------------------

    def lay_out(self, width: int) -> float:
        """Make the maps equally wide on a canvas of `width` pixels; the width of each."""
        each = max((width - _MARGINS - 4 * _SPACING - 2 * BAR_WIDTH) / 3, 120.0)
        plots = dict.fromkeys(_COLUMN.values(), each)
        self.set_widths({**plots, 2: BAR_WIDTH, 4: BAR_WIDTH})
        return each

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.widget.setBackground(theme.plot)
        for name, plot in self.plots.items():
            style_plot(plot, theme)
            self.notes[name].set_theme(theme)
            self.markers[name].setPen(theme.pen(theme.total, dash=1))
        self.wipe_line.setPen(theme.pen(theme.total, width=2))
        self.wipe_line.setHoverPen(theme.pen(theme.total, width=4))
        for bar in self.bars:
            bar.set_theme(theme)
        self._label()

    def _label(self) -> None:
        view = self.view
        source = source_text(view.wanted.source) if view is not None else ""
        scans = scans_text(view) if view is not None else "Measured"
        titles = {
            "measured": f"{scans} | {source}" if self.wiping else scans,
            "calculated": f"Calculated: {source}" if source else "Calculated",
            "difference": f"{scans} − calculated",
        }
        for name, plot in self.plots.items():
            set_title(plot, titles[name], self.theme)
            if view is not None:
                against = view.line.direction is None
                label = "|Q| (Å⁻¹)" if against else f"ξ (r.l.u.), Q = {view.line.q_text}"
                self.set_bottom_label(name, label)
