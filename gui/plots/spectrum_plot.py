"""A spectrum with its model on top, residuals below; modes and range are dragged in it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt, Signal

from gui.models.fit_subject import Subject
from gui.plots.axes import ENERGY_LABEL, make_canvas, make_plot, style_plot
from gui.plots.counted_points import CountedPoints
from gui.plots.mode_marks import EnergyLine, ModeMarks
from gui.plots.spectrum_curves import SpectrumCurves
from gui.theme import Theme
from ixs_core.arrays import FloatArray
from ixs_reduce.mode_merging import branch_text

_MARGIN = 0.02  # beyond the data, as a share of what is shown
_REACHES = (4.0, 8.0, 16.0, 32.0)  # of residuals: steps, so that a drag does not make them breathe
_SELECT_PX = 6  # a double click this near to a line is meant for the line


class SpectrumPlot(QObject):
    """Two plots with one energy axis, in one canvas.

    Signals
    -------
    mode_wanted : float, a double click at an energy (meV).
    mode_selected : int, a line was clicked (0-based).
    energy_moved, width_moved : (int, float), a mode's energy or FWHM is dragged to a value.
    range_moved : (low, high), ends of the range, in true energy.
    released : a drag ended.
    pointed : (energy, counts) under the cursor.
    """

    mode_wanted = Signal(float)
    mode_selected = Signal(int)
    energy_moved = Signal(int, float)
    width_moved = Signal(int, float)
    range_moved = Signal(float, float)
    released = Signal()
    pointed = Signal(float, float)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("fit-plot")
        self.canvas.setAccessibleName("Spectrum with its model, and residuals")
        self.main = make_plot(theme, "", "Counts per point")
        self.residuals = make_plot(theme, ENERGY_LABEL, "Residual (σ)")
        self.canvas.addItem(self.main, row=0, col=0)
        self.canvas.addItem(self.residuals, row=1, col=0)
        self.canvas.ci.layout.setRowStretchFactor(0, 7)
        self.canvas.ci.layout.setRowStretchFactor(1, 3)
        self.residuals.setXLink(self.main)
        self.residuals.setMouseEnabled(x=True, y=False)
        self.main.getAxis("bottom").setStyle(showValues=False)
        self.curves = SpectrumCurves(self.main, theme)
        self.points = CountedPoints(theme.data)
        self.faint = CountedPoints(theme.quiet, size=3.0)
        self.left_over = CountedPoints(theme.data, size=4.0)
        self.left_over_faint = CountedPoints(theme.quiet, size=3.0)
        for plot, item in (
            (self.main, self.points),
            (self.main, self.faint),
            (self.residuals, self.left_over),
            (self.residuals, self.left_over_faint),
        ):
            item.setZValue(20)
            plot.addItem(item, ignoreBounds=True)
        self._levels = [pg.InfiniteLine(level, angle=0) for level in (-2, 0, 2)]
        for line in self._levels:
            self.residuals.addItem(line, ignoreBounds=True)
        self.low, self.high = EnergyLine("low end"), EnergyLine("high end")
        self._shades = [pg.LinearRegionItem(movable=False, pen=pg.mkPen(None)) for _ in range(4)]
        self._add_range()
        self.marks: list[ModeMarks] = []
        self.subject: Subject | None = None
        self.selected = -1
        self.log = False
        self.cursor_mev: float | None = None
        scene = self.canvas.scene()
        scene.sigMouseClicked.connect(self._on_click)
        scene.sigMouseMoved.connect(self._on_move)
        self.set_theme(theme)

    # -- showing --------------------

    def show_subject(self, subject: Subject | None, selected: int) -> None:
        """Draw a subject; the ranges of the axes stay as they are."""
        self.subject, self.selected = subject, selected
        self.canvas.setVisible(subject is not None)
        if subject is None:
            return
        self._draw_points(subject)
        self._range_residuals(subject)
        self.curves.show(subject)
        self._draw_range(subject)
        self._draw_marks(subject)

    def show_earlier(self, energy: FloatArray | None, total: FloatArray | None) -> None:
        """Lay the total of an earlier fit over it; None takes it away."""
        self.curves.show_earlier(energy, total)

    def show_resolution(self, wanted: bool) -> None:
        """Draw R, or not."""
        self.curves.resolution_wanted = wanted
        if self.subject is not None:
            self.curves.show(self.subject)

    def set_log(self, log: bool) -> None:
        """Logarithmic or linear counts; the part of the energy axis that is seen stays."""
        if log == self.log:
            return
        low, high = self.main.viewRange()[1]
        self.log = self.curves.log = log
        self.main.setLogMode(x=False, y=log)
        self.main.disableAutoRange()  # which setLogMode switches on
        if self.subject is not None:
            self.show_subject(self.subject, self.selected)
        if log:
            floor = self._floor()
            ends = np.log10(max(low, floor)), np.log10(max(high, 10 * floor))
        else:
            ends = (0.0 if 10**low <= 1.01 * self._floor() else 10**low), 10**high
        self.main.setYRange(*ends, padding=0)

    def show_all(self) -> None:
        """Range both plots to the whole spectrum."""
        subject = self.subject
        if subject is None or not subject.points.counts.size:
            return
        energy = subject.points.energy_mev
        margin = _MARGIN * float(energy[-1] - energy[0])
        self.main.setXRange(energy[0] - margin, energy[-1] + margin, padding=0)
        top = float(subject.points.upper.max())
        if subject.curves is not None:
            top = max(top, float(subject.curves.curves.total.max()))
        if self.log:
            self.main.setYRange(np.log10(self._floor()), np.log10(2 * top), padding=0)
        else:
            self.main.setYRange(-_MARGIN * top, 1.08 * top, padding=0)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.canvas.setBackground(theme.plot)
        for plot in (self.main, self.residuals):
            style_plot(plot, theme)
        for item, color in (
            (self.points, theme.data),
            (self.left_over, theme.data),
            (self.faint, theme.quiet),
            (self.left_over_faint, theme.quiet),
        ):
            item.set_color(color)
        for line, dash in zip(self._levels, (1, 0, 1), strict=True):
            line.setPen(theme.pen(theme.quiet, 1, dash))
        for edge in (self.low, self.high):
            edge.setPen(theme.pen(theme.axis, 1.5))
            edge.setHoverPen(theme.pen(theme.highlight, 3))
        shade = pg.mkColor(theme.quiet)
        shade.setAlpha(45)
        for region in self._shades:
            region.setBrush(shade)
        self.curves.set_theme(theme)
        if self.subject is not None:
            self.curves.show(self.subject)
            self._color_marks()

    def give_up(self) -> None:
        """Follow the drag under way no longer."""
        for marks in self.marks:
            marks.give_up()
        self.low.given_up = self.high.given_up = True

    # -- parts --------------------

    def _floor(self) -> float:
        """Where a logarithmic axis of counts begins."""
        if self.subject is None:
            return 0.5
        counts = self.subject.points.counts
        positive = counts[counts > 0]
        return 0.4 * float(positive.min()) if positive.size else 0.5

    def _draw_points(self, subject: Subject) -> None:
        points, used = subject.points, subject.used_points
        for item, keep in ((self.points, used), (self.faint, ~used)):
            item.set_points(
                points.energy_mev[keep],
                points.counts[keep],
                points.lower[keep],
                points.upper[keep],
            )
        rest = subject.curves.curves.residuals if subject.curves is not None else None
        for item, keep in ((self.left_over, used), (self.left_over_faint, ~used)):
            y = np.full(0, np.nan) if rest is None else rest[keep]
            x = points.energy_mev[keep] if rest is not None else y
            item.set_points(x, y, y, y)

    def _range_residuals(self, subject: Subject) -> None:
        rest = subject.curves.curves.residuals if subject.curves is not None else np.zeros(0)
        largest = 1.05 * float(np.abs(rest).max(initial=0.0))
        reach = next((step for step in _REACHES if step >= largest), _REACHES[-1])
        self.residuals.setYRange(-reach, reach, padding=0)

    def _add_range(self) -> None:
        for edge in (self.low, self.high):
            edge.setZValue(35)
            self.main.addItem(edge, ignoreBounds=True)
            edge.moved.connect(self._on_range)
            edge.released.connect(self.released)
        for region, plot in zip(
            self._shades, (self.main, self.main, self.residuals, self.residuals), strict=True
        ):
            region.setZValue(-10)
            plot.addItem(region, ignoreBounds=True)

    def _draw_range(self, subject: Subject) -> None:
        low, high = shown_range(subject)
        self.low.setValue(low)
        self.high.setValue(high)
        far = 1e4
        for index, region in enumerate(self._shades):
            region.setRegion((-far, low) if index % 2 == 0 else (high, far))

    def _on_range(self, _: float) -> None:
        ends = sorted((float(self.low.value()), float(self.high.value())))
        self.range_moved.emit(*ends)

    def _draw_marks(self, subject: Subject) -> None:
        draft = subject.draft
        modes = draft.modes if subject.model is not None else ()
        labels = [_label(number, mode.branch) for number, mode in enumerate(modes, start=1)]
        if [marks.label for marks in self.marks] != labels:
            self._make_marks(labels)
        for index, (mode, marks) in enumerate(zip(modes, self.marks, strict=True)):
            marks.place(mode.energy.value, mode.fwhm.value, self._half_height(subject, index))
        self._color_marks()

    def _make_marks(self, labels: list[str]) -> None:
        for marks in self.marks:
            marks.remove()
        self.marks = [ModeMarks(self.main, label) for label in labels]
        for index, marks in enumerate(self.marks):
            self._connect_marks(index, marks)

    def _connect_marks(self, index: int, marks: ModeMarks) -> None:
        marks.line.moved.connect(lambda x: self.energy_moved.emit(index, x))
        marks.partner.moved.connect(lambda x: self.energy_moved.emit(index, -x))

        def width(x: float, sign: float) -> None:
            center = float(marks.line.value())
            self.width_moved.emit(index, max(2 * sign * (x - center), 0.0))

        marks.left.moved.connect(lambda x: width(x, -1.0))
        marks.right.moved.connect(lambda x: width(x, 1.0))
        for item in marks.items:
            item.released.connect(self.released)
            item.pressed.connect(lambda: self.mode_selected.emit(index))

    def _color_marks(self) -> None:
        for index, marks in enumerate(self.marks):
            marks.set_colors(self.theme, self.theme.series_color(index), index == self.selected)

    def _half_height(self, subject: Subject, index: int) -> float:
        """Where the handles stand: half of the mode's curve, on the axis as it is drawn."""
        assert subject.curves is not None
        curves = subject.curves.curves
        height = 0.5 * float(curves.mode(index).max(initial=0.0))
        if not self.log:
            return height
        return float(np.log10(max(height, self._floor())))

    # -- cursor --------------------

    def _on_click(self, event: object) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not event.double():  # type: ignore[attr-defined]
            return
        here = self._energy_at(event.scenePos())  # type: ignore[attr-defined]
        if here is None:
            return
        near = self._mode_near(here)
        if near is None:
            self.mode_wanted.emit(here)
        else:
            self.mode_selected.emit(near)

    def _mode_near(self, energy: float) -> int | None:
        reach = _SELECT_PX * float(self.main.getViewBox().viewPixelSize()[0])
        for index, marks in enumerate(self.marks):
            if abs(float(marks.line.value()) - energy) < reach:
                return index
        return None

    def _energy_at(self, scene: QPointF) -> float | None:
        for plot in (self.main, self.residuals):
            view = plot.getViewBox()
            if view.sceneBoundingRect().contains(scene):
                return float(view.mapSceneToView(scene).x())
        return None

    def _on_move(self, scene: QPointF) -> None:
        self.cursor_mev = self._energy_at(scene)
        if self.cursor_mev is None:
            return
        height = float(self.main.getViewBox().mapSceneToView(scene).y())
        self.pointed.emit(self.cursor_mev, 10**height if self.log else height)


def shown_range(subject: Subject) -> tuple[float, float]:
    """Ends of the fitted range in true energy; without one half a step beyond the data."""
    zero, energy = subject.draft.zero.value, subject.spectrum.energy_mev
    if subject.draft.range_mev is not None:
        low, high = subject.draft.range_mev
        return low - zero, high - zero
    step = 0.5 * float(energy[-1] - energy[0]) / max(energy.size - 1, 1)
    return float(energy[0]) - step - zero, float(energy[-1]) + step - zero


def _label(number: int, branch: str) -> str:
    return f"{number}: {branch_text(branch)}" if branch else str(number)
