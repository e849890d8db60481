"""Residuals of structure factors: their distribution beside a Gaussian, and against d."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Signal

from gui.plots.axes import make_plot, set_title, style_plot
from gui.theme import Theme
from mem.density_result import DensityResult
from mem.residual_distribution import ResidualHistogram, residual_histogram

RESIDUAL = "(|F| − |Fo|) / σ"


class ResidualPlots(QObject):
    """Two plots: histogram, and residuals against d.

    Signals
    -------
    hovered : str, the reflection under the cursor.
    """

    hovered = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.distribution = make_plot(theme, RESIDUAL, "Reflections")
        self.against_d = make_plot(theme, "d (Å)", RESIDUAL)
        for plot in (self.distribution, self.against_d):
            plot.getAxis("left").setWidth(48)
        self.bars = pg.PlotCurveItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=0)
        self.gaussian = pg.PlotCurveItem()
        self.points = pg.ScatterPlotItem(size=3, pxMode=True)
        self.zero = pg.InfiniteLine(0.0, angle=0)
        self.distribution.addItem(self.bars)
        self.distribution.addItem(self.gaussian)
        self.against_d.addItem(self.zero)
        self.against_d.addItem(self.points)
        self.histogram: ResidualHistogram | None = None
        self._result: DensityResult | None = None
        self.set_theme(theme)

    def show_result(self, result: DensityResult | None) -> None:
        """Show the residuals of a reconstruction."""
        self._result = result
        known = result is not None and result.residual.size > 0
        if result is None or not known:
            self.histogram = None
            self.bars.setData([0.0, 1.0], [0.0])
            self.gaussian.setData([], [])
            self.points.setData([], [])
            return
        found = self.histogram = residual_histogram(result.residual)
        self.bars.setData(found.edges, found.counts)
        x = np.linspace(found.edges[0], found.edges[-1], 300)
        self.gaussian.setData(x, found.gaussian(x))
        highest = max(float(found.counts.max()), float(found.gaussian(np.zeros(1))[0]))
        self.distribution.setXRange(float(found.edges[0]), float(found.edges[-1]), padding=0)
        self.distribution.setYRange(0, 1.08 * highest, padding=0)
        self.points.setData(result.d_spacing, result.residual)
        longest = float(result.d_spacing.max())
        self.against_d.setXRange(0, 1.05 * longest, padding=0)
        reach = 1.05 * float(np.abs(found.edges).max())
        self.against_d.setYRange(-reach, reach, padding=0)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        for plot in (self.distribution, self.against_d):
            style_plot(plot, theme)
        set_title(self.distribution, "line: Gaussian of σ = 1", theme)
        set_title(self.against_d, "each reflection", theme)
        self.bars.setPen(theme.pen(theme.quiet))
        fill = pg.mkColor(theme.quiet)
        fill.setAlpha(110)
        self.bars.setBrush(fill)
        self.gaussian.setPen(theme.pen(theme.total, 1.5))
        self.points.setPen(None)
        self.points.setBrush(theme.series_color(0))
        self.zero.setPen(theme.pen(theme.quiet))

    def hover(self, scene: QPointF) -> None:
        """The cursor is at a point of the scene: name the reflection there."""
        box = self.against_d.getViewBox()
        if self._result is None or not box.sceneBoundingRect().contains(scene):
            return
        place = box.mapSceneToView(scene)
        found = self.points.pointsAt(place)
        if not len(found):
            self.hovered.emit("")
            return
        index = int(found[0].index())
        result = self._result
        h, k, l = result.hkl[index].tolist()  # noqa: E741
        text = (
            f"({h} {k} {l})   d = {result.d_spacing[index]:.3f} Å   "
            f"|Fo| = {result.f_observed[index]:.3g} ± {result.sigma[index]:.2g}   "
            f"{RESIDUAL} = {result.residual[index]:.2f}"
        )
        self.hovered.emit(text.replace("-", "−"))
