"""Profiles of densities along a path: curves, bands, what the data give where nothing hops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Signal
from PySide6.QtGui import QColor

from gui.models.density_drawn import DrawnProfile
from gui.models.density_entries import short_names
from gui.plots.axes import make_plot, style_plot
from gui.plots.map_plot import log_ticks
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_CURVES = (0, 1, 3, 4, 5, 6)  # of the series' colours; another one is the level's
_LOWEST = 1e-4  # of the peak, on a logarithmic axis
_OVER = 1.08
_LEGEND_ROW = 0.13  # of the height, kept free above logarithmic profiles
_BELOW = [(1, 0), (1, 0)]  # where the name of a line stands


@dataclass(frozen=True)
class ProfileLook:
    """How profiles are drawn.

    Parameters
    ----------
    relative : bool
        Divided by the peak of each, else in e/Å³.
    log : bool
    """

    relative: bool = True
    log: bool = True


class ProfilePlot(QObject):
    """The profiles of one path.

    Signals
    -------
    level_moved : float, the line of the isosurface's level is dragged to e/Å³.
    level_released : that drag has ended.
    hovered : (float or None, str), Å along the path under the cursor, and words.
    """

    level_moved = Signal(float)
    level_released = Signal()
    hovered = Signal(object, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.plot = make_plot(theme, "Distance along the path (Å)", "ρ")
        self.legend = self.plot.addLegend(labelTextSize="9pt", verSpacing=-4)
        # Profiles go from atom to atom: in the middle there is room above them.
        self.legend.setBrush(_translucent(theme.plot))
        self.legend.anchor(itemPos=(0.5, 0), parentPos=(0.5, 0), offset=(0, 2))
        self._shown: tuple[DrawnProfile, ...] = ()
        self._look = ProfileLook()
        self._items: list[pg.GraphicsObject] = []
        self._names: list[str] = []
        self._legend_rows = 1
        self._level_value = 1.0
        self.level = pg.InfiniteLine(
            angle=0,
            movable=True,
            label="isosurface",
            labelOpts={"position": 0.99, "anchors": _BELOW},
        )
        self.level.setZValue(50)
        self.level.sigDragged.connect(self._on_level)
        self.level.sigPositionChangeFinished.connect(self.level_released)
        self._cursor = pg.InfiniteLine(angle=90)
        self._cursor.hide()
        self.plot.getViewBox().sigYRangeChanged.connect(self._set_ticks)
        self.plot.addItem(self.level, ignoreBounds=True)
        self.plot.addItem(self._cursor, ignoreBounds=True)
        self.set_theme(theme)

    # -- what is shown --------------------

    @property
    def profiles(self) -> tuple[DrawnProfile, ...]:
        """What is shown."""
        return self._shown

    def show_profiles(self, profiles: Sequence[DrawnProfile], look: ProfileLook) -> None:
        """Show other profiles, or the same in another way."""
        whole = self._extent()
        self._shown, self._look = tuple(profiles), look
        self._draw()
        if self._extent() != whole:
            self.show_all()

    def show_level(self, level: float) -> None:
        """Put the line of the isosurface's level at e/Å³."""
        self._level_value = level
        if not self.level.moving:
            self.level.setPos(self._height(level / self._unit(0)))
        self.level.setVisible(bool(self._shown))

    def show_all(self) -> None:
        """The whole profile."""
        if not self._shown:
            return
        length = max(float(one.path.profile.distance[-1]) for one in self._shown)
        self.plot.setXRange(0, length, padding=0)
        curves = [self._curve(number) for number in range(len(self._shown))]
        highest = max(float(curve.max()) for curve in curves)
        lowest = min(float(curve.min()) for curve in curves)
        if self._look.log:
            floor = max(lowest / 2, _LOWEST * highest)
            low, high = np.log10(floor), np.log10(1.3 * highest)
            room = _LEGEND_ROW * self._legend_rows * (high - low)
            self.plot.setYRange(low, high + room, padding=0)
        else:
            self.plot.setYRange(min(0.0, lowest), _OVER * highest, padding=0)
        self._set_ticks()

    def _set_ticks(self, *_: object) -> None:
        """Real numbers at a logarithmic axis, whose values are logarithms."""
        low, high = self.plot.viewRange()[1]
        self.plot.getAxis("left").setTicks([log_ticks(low, high)] if self._look.log else None)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        style_plot(self.plot, theme)
        self.legend.setLabelTextColor(theme.text)
        self.legend.setBrush(_translucent(theme.plot))
        color = theme.series_color(2)
        self.level.label.setColor(color)
        self.level.setPen(theme.pen(color, 1.5, 1))
        self.level.setHoverPen(theme.pen(color, 3))
        self._cursor.setPen(theme.pen(theme.quiet, 1, 2))
        self._draw()

    # -- drawing --------------------

    def _draw(self) -> None:
        for item in self._items:
            self.plot.removeItem(item)
        self._items.clear()
        self.legend.clear()
        several = len(self._shown) > 1
        self.legend.setColumnCount(2 if several else 1)
        entries = [one.loaded.entry for one in self._shown]
        self._names = short_names(entries) if several else [entry.name for entry in entries]
        peaks = {one.path.peak_label for one in self._shown}
        name = f"ρ({peaks.pop()} peak)" if len(peaks) == 1 else "ρ(peak)"
        name = "highest ρ" if name == "ρ(highest peak)" else name
        label = f"ρ / {name}" if self._look.relative else "ρ (e/Å³)"
        self.plot.getAxis("left").setLabel(label)
        for number, one in enumerate(self._shown):
            self._draw_one(number, one)
        if len(self._shown) > 1 and any(one.path.null is not None for one in self._shown):
            for dash, words in ((1, "where nothing hops"), (2, "refined model")):
                sample = pg.PlotCurveItem(pen=self._theme.pen(self._theme.data, 1, dash))
                self.legend.addItem(sample, words)
        self._legend_rows = -(-len(self.legend.items) // (2 if several else 1))
        if self._shown:
            self._draw_corners(self._shown[0])
        self.show_level(self._level_value)

    def _draw_one(self, number: int, one: DrawnProfile) -> None:
        distance, path = one.path.profile.distance, one.path
        alone = len(self._shown) == 1
        color = (
            self._theme.total if alone else self._theme.series_color(_CURVES[number % len(_CURVES)])
        )
        curve = self._curve(number)
        if path.band is not None:
            self._add_band(distance, curve, path.band / self._unit(number), color)
        line = self._add_line(distance, curve, self._theme.pen(color, 1.6), 10)
        self.legend.addItem(line, self._names[number])
        others = (
            (path.null, path.null_peak, 1, "where nothing hops"),
            (path.model, path.model_peak, 2, "refined model"),
        )
        for values, peak, dash, words in others:
            if values is not None:
                shown = values / peak if self._look.relative else values
                pen = self._theme.pen(color if not alone else self._theme.data, 1, dash)
                item = self._add_line(distance, shown, pen, 8)
                if alone:
                    self.legend.addItem(item, words)

    def _add_line(
        self, distance: FloatArray, values: FloatArray, pen: object, z: float
    ) -> pg.PlotCurveItem:
        curve = pg.PlotCurveItem(distance, self._heights(values), pen=pen)
        curve.setZValue(z)
        self._add(curve)
        return curve

    def _add_band(
        self, distance: FloatArray, curve: FloatArray, band: FloatArray, color: str
    ) -> None:
        ends = [
            pg.PlotCurveItem(distance, self._heights(curve + sign * band), pen=None)
            for sign in (-1, 1)
        ]
        fill = pg.mkColor(color)
        fill.setAlpha(60)
        item = pg.FillBetweenItem(*ends, brush=fill)
        item.setZValue(5)
        self._add(item)

    def _draw_corners(self, one: DrawnProfile) -> None:
        for corner in one.path.profile.corners[1:-1]:
            line = pg.InfiniteLine(float(corner), 90, pen=self._theme.pen(self._theme.grid))
            self._add(line)

    def _add(self, item: pg.GraphicsObject) -> None:
        self.plot.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _unit(self, number: int) -> float:
        """e/Å³ of 1 on the axis."""
        if not self._look.relative or not self._shown:
            return 1.0
        return self._shown[number].path.peak

    def _curve(self, number: int) -> FloatArray:
        return np.asarray(self._shown[number].path.profile.density / self._unit(number))

    def _heights(self, values: FloatArray) -> FloatArray:
        if not self._look.log:
            return values
        highest = max((float(self._curve(n).max()) for n in range(len(self._shown))), default=1.0)
        return np.asarray(np.log10(np.maximum(values, 0.1 * _LOWEST * highest)))

    def _height(self, value: float) -> float:
        return float(self._heights(np.array([value]))[0])

    def _extent(self) -> tuple[object, ...]:
        """By what a new view is told from the same one with other values."""
        lengths = [round(float(one.path.profile.distance[-1]), 1) for one in self._shown]
        return (self._look, max(lengths, default=0.0), [id(one.loaded) for one in self._shown])

    # -- the mouse --------------------

    def hover(self, scene: QPointF) -> None:
        """The cursor is at a point of the scene."""
        box = self.plot.getViewBox()
        if not self._shown or not box.sceneBoundingRect().contains(scene):
            self._cursor.hide()
            self.hovered.emit(None, "")
            return
        at = float(box.mapSceneToView(scene).x())
        profile = self._shown[0].path.profile
        at = float(np.clip(at, 0, profile.distance[-1]))
        self._cursor.setPos(at)
        self._cursor.show()
        parts = []
        for one in self._shown:
            value = float(np.interp(at, one.path.profile.distance, one.path.profile.density))
            share = f"{value / one.path.peak:.4g} of its peak"
            parts.append(f"{one.loaded.entry.name}: {value:.4g} e/Å³ = {share}")
        self.hovered.emit(at, f"{at:.3f} Å   " + "   ".join(parts))

    def _on_level(self, line: pg.InfiniteLine) -> None:
        height = float(line.value())
        value = 10.0**height if self._look.log else height
        if value > 0:
            self.level_moved.emit(value * self._unit(0))


def _translucent(name: str) -> QColor:
    color = QColor(name)
    color.setAlpha(150)
    return color
