"""Fitted modes, calculated branches and predicted modes as drawn over a map or in a panel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from gui.models.column_grid import ColumnGrid
from gui.models.dispersion_layers import Layers, width_shown
from gui.theme import Theme
from ixs_core.arrays import BoolArray, FloatArray
from ixs_reduce.dispersion_points import CalculatedPoints, ModePoint
from simulate.branches_along import BranchAlong

MARKERS = ("o", "s", "t1", "p", "h", "star", "x")
"""Of series, as pyqtgraph names them; the diamond is kept for overdamped modes."""

_SIZE, _SMALL = 8, 5
_MANY = 120  # points, beyond which they are drawn small
_BAR = 5
_BAR_OPACITY = 80
_SHADES = 4
_DASH = 0.8  # of a column's width
_HEAD = 0.65  # where the arrow of a limit ends, in limits


@dataclass(frozen=True)
class Ink:
    """Colours of marks.

    Parameters
    ----------
    lines : str
        Of calculated branches and modes.
    edge : str
        Around filled symbols; the halo of lines over a map.
    hollow : str
        Of energies that should not be trusted.
    series : tuple of str
        Of fitted modes.
    halo : bool
        Whether lines have one.
    """

    lines: str
    edge: str
    hollow: str
    series: tuple[str, ...]
    halo: bool

    def color(self, index: int) -> str:
        """The colour of a series with a 0-based number."""
        return self.series[index % len(self.series)]


# Over a map marks must stand out from its colours, whatever the theme is.
OVER_MAP = Ink("#ffffff", "#000000", "#ffffff", ("#ffffff",), halo=True)
OVER_DIFFERENCE = Ink("#000000", "#ffffff", "#555555", ("#000000",), halo=True)


def panel_ink(theme: Theme) -> Ink:
    """Colours of marks in a panel without a map."""
    return Ink(theme.data, theme.plot, theme.quiet, theme.series, halo=False)


class Marks:
    """Items of a plot that are drawn anew together."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self.items: list[pg.GraphicsObject] = []
        self.size = _SIZE

    def clear(self) -> None:
        """Take all away."""
        for item in self.items:
            self._plot.removeItem(item)
        self.items.clear()

    def add(self, item: pg.GraphicsObject, z: float) -> None:
        """Put one more into the plot."""
        item.setZValue(z)
        self._plot.addItem(item, ignoreBounds=True)
        self.items.append(item)

    def lines(self, x: FloatArray, y: FloatArray, pen: QPen, z: float, connect: str) -> None:
        """Lines; nothing where there are no points."""
        if x.size:
            self.add(pg.PlotCurveItem(x, y, pen=pen, connect=connect), z)

    def bars(
        self, x: Sequence[float], low: Sequence[float], high: Sequence[float], pen: QPen, z: float
    ) -> None:
        """Upright bars from `low` to `high`."""
        ends = np.column_stack((low, high)).ravel() if len(x) else np.zeros(0)
        self.lines(np.repeat(np.asarray(x, dtype=float), 2), ends, pen, z, "pairs")

    def symbols(
        self, x: Sequence[float], y: Sequence[float], symbol: str, fill: str | None, edge: str
    ) -> None:
        """Symbols of `size`, hollow without `fill`."""
        if len(x):
            self.add(
                pg.ScatterPlotItem(
                    x=np.asarray(x, dtype=float),
                    y=np.asarray(y, dtype=float),
                    symbol=symbol,
                    size=self.size,
                    pen=pg.mkPen(edge),
                    brush=pg.mkBrush(fill) if fill else None,
                    pxMode=True,
                ),
                20,
            )


def draw_energies(
    marks: Marks, points: Iterable[ModePoint], layers: Layers, series: Sequence[str], ink: Ink
) -> None:
    """Energies with error bars, and bars as long as the FWHM where it is known."""
    shown = layers.of(points)
    marks.size = _SMALL if len(shown) > _MANY else _SIZE
    for name, trusted, overdamped, group in _groups(shown):
        color = ink.color(series.index(name)) if trusted else ink.hollow
        x = [point.position for point in group]
        y = [point.energy for point in group]
        wide = [point for point in group if point.shows_width] if layers.widths else []
        bar = QColor(color)
        bar.setAlpha(_BAR_OPACITY)
        marks.bars(
            [p.position for p in wide],
            [max(p.energy - p.fwhm / 2, 0.0) for p in wide],
            [p.energy + p.fwhm / 2 for p in wide],
            _flat(bar, _BAR),
            10,
        )
        _error_bars(marks, x, y, [point.energy_err for point in group], color)
        symbol = "d" if overdamped else MARKERS[series.index(name) % len(MARKERS)]
        edge = (ink.edge if ink.halo else color) if trusted else color
        marks.symbols(x, y, symbol, color if trusted else None, edge)


def draw_widths(
    marks: Marks,
    points: Iterable[ModePoint],
    layers: Layers,
    series: Sequence[str],
    ink: Ink,
    top: float,
) -> None:
    """FWHM with error bars, limits as arrows; beyond the axis a hollow triangle at its end."""
    shown = layers.of(points)
    marks.size = _SMALL if len(shown) > _MANY else _SIZE
    for name, trusted, overdamped, group in _groups(shown):
        color = ink.color(series.index(name)) if trusted else ink.hollow
        known = [point for point in group if point.limit is None]
        x, y = [p.position for p in known], [p.fwhm for p in known]
        _error_bars(marks, x, y, [p.fwhm_err for p in known], color)
        symbol = "d" if overdamped else MARKERS[series.index(name) % len(MARKERS)]
        marks.symbols(x, y, symbol, color if trusted else None, color)
        limits = [p for p in group if p.limit is not None] if layers.limits else []
        _arrows(marks, [p.position for p in limits], [width_shown(p) for p in limits], color)
        beyond = [p.position for p in (*known, *limits) if width_shown(p) > top]
        marks.symbols(beyond, [0.97 * top] * len(beyond), "t1", None, color)


def draw_branches(marks: Marks, branches: Sequence[BranchAlong], ink: Ink) -> None:
    """Calculated branches as lines, the fainter the weaker they scatter at a Q."""
    if not branches:
        return
    seen = np.array([branch.loss_intensity for branch in branches])
    strength = np.sqrt(seen / np.maximum(seen.max(axis=0), 1e-300))
    shade = np.minimum(_SHADES * (strength[:, 1:] + strength[:, :-1]) / 2, _SHADES - 1).astype(int)
    for number in range(_SHADES):
        pieces = [
            _pieces(branch, own == number) for branch, own in zip(branches, shade, strict=True)
        ]
        x, y = (np.concatenate([piece[axis] for piece in pieces]) for axis in (0, 1))
        _shaded(marks, x, y, number, ink, 4)


def _pieces(branch: BranchAlong, which: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Steps of a branch as pairs of ends, (2 m,) positions and energies."""
    x, y = branch.position, branch.energy_mev
    ends = [np.column_stack((v[:-1], v[1:]))[which].ravel() for v in (x, y)]
    return ends[0], ends[1]


def _shaded(marks: Marks, x: FloatArray, y: FloatArray, shade: int, ink: Ink, z: float) -> None:
    """Lines between pairs of ends, in one of the shades."""
    opacity = 30 + int(225 * ((shade + 1) / _SHADES) ** 2)
    if ink.halo:
        marks.lines(x, y, _faint(ink.edge, opacity // 3, 3), z, "pairs")
    marks.lines(x, y, _faint(ink.lines, opacity, 1), z + 1, "pairs")


def draw_predicted(
    marks: Marks, predicted: Sequence[CalculatedPoints], grid: ColumnGrid, ink: Ink
) -> None:
    """Predicted modes as dashes across their columns, the fainter the weaker."""
    shades: Mapping[int, list[tuple[float, float, float]]] = {k: [] for k in range(_SHADES)}
    for modes in predicted:
        left, right = grid.left[modes.spectrum], grid.right[modes.spectrum]
        half = _DASH * (right - left) / 2
        middle = (left + right) / 2
        for energy, strength in zip(modes.energy.tolist(), modes.strength.tolist(), strict=True):
            shade = min(int(strength * _SHADES), _SHADES - 1)
            shades[shade].append((middle - half, middle + half, energy))
    for shade, dashes in shades.items():
        if not dashes:
            continue
        ends = np.array(dashes)
        x, y = ends[:, :2].ravel(), np.repeat(ends[:, 2], 2)
        _shaded(marks, x, y, shade, ink, 2)


def _groups(
    points: Sequence[ModePoint],
) -> list[tuple[str, bool, bool, list[ModePoint]]]:
    """Points that look alike: series, trusted, overdamped; the trusted ones last, on top."""
    groups: dict[tuple[bool, str, bool], list[ModePoint]] = {}
    for point in points:
        groups.setdefault((point.trusted, point.series, point.overdamped), []).append(point)
    return [
        (name, trusted, damped, group)
        for (trusted, name, damped), group in sorted(groups.items(), key=lambda item: item[0])
    ]


def _error_bars(
    marks: Marks, x: Sequence[float], y: Sequence[float], errors: Sequence[float], color: str
) -> None:
    known = [(a, b, e) for a, b, e in zip(x, y, errors, strict=True) if math.isfinite(e)]
    marks.bars(
        [a for a, _, _ in known],
        [b - e for _, b, e in known],
        [b + e for _, b, e in known],
        pg.mkPen(color, width=1),
        15,
    )


def _arrows(marks: Marks, x: Sequence[float], limits: Sequence[float], color: str) -> None:
    """A short dash at each limit with an arrow down from it."""
    ends = [_HEAD * limit for limit in limits]
    marks.bars(x, ends, limits, pg.mkPen(color, width=1), 15)
    if len(x):
        for places, symbol in ((limits, _DASH_SYMBOL), (ends, "t")):
            marks.add(
                pg.ScatterPlotItem(
                    x=np.asarray(x, dtype=float),
                    y=np.asarray(places, dtype=float),
                    symbol=symbol,
                    size=7,
                    pen=pg.mkPen(color),
                    brush=pg.mkBrush(color),
                ),
                20,
            )


def _flat(color: QColor, width: float) -> QPen:
    """A broad pen that ends where its line ends."""
    pen = pg.mkPen(color, width=width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    return pen


def _faint(color: str, opacity: int, width: float) -> QPen:
    shade = QColor(color)
    shade.setAlpha(min(opacity, 255))
    return _flat(shade, width)


def _dash_symbol() -> pg.QtGui.QPainterPath:
    path = pg.QtGui.QPainterPath()
    path.moveTo(-0.5, 0.0)
    path.lineTo(0.5, 0.0)
    return path


_DASH_SYMBOL = _dash_symbol()
