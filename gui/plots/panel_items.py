"""Curves, bands, points and regions of a panel as items of a plot."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor, QPainterPath

from gui.models.simulation_drawing import Color, Curve, Panel, Region
from gui.plots.counted_points import CountedPoints
from gui.theme import Theme
from ixs_core.arrays import FloatArray

SYMBOLS = ("o", "s", "t1", "d", "t", "star")
_FAINT = 120  # alpha of what is of another temperature, or hardly known
_BAND = 55
_REGION = 26
_POINT_PX, _HOLLOW_PX, _CLOUD_PX, _ARROW_PX = 7, 12, 3, 26


def color_of(color: Color, theme: Theme) -> str:
    """A colour of the theme."""
    if isinstance(color, int):
        return theme.series_color(color)
    return str(getattr(theme, color))


def shade(color: Color, theme: Theme, alpha: int) -> QColor:
    """A colour of the theme, more or less transparent."""
    found = QColor(color_of(color, theme))
    found.setAlpha(alpha)
    return found


def log_values(values: FloatArray, log: bool) -> FloatArray:
    """Values as an axis counts them: their logarithms on a logarithmic one, NaN where none."""
    if not log:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(values)
    return np.where(np.isfinite(found), found, np.nan)


def curve_items(
    curve: Curve, panel: Panel, theme: Theme, ratio: float = 1.0
) -> list[pg.GraphicsObject]:
    """What draws a curve; several items where it has a band, bars or points.

    `ratio` is that of the screen's pixels to those that widths count in.
    """
    if curve.look == "counts":
        return [_counts(curve, panel, theme)]
    x, y = log_values(curve.x, panel.log_x), log_values(curve.y, panel.log_y)
    color = shade(curve.color, theme, _FAINT if curve.faint else 255)
    if curve.look == "line":
        pen = theme.pen(theme.axis, curve.width * ratio, curve.dash)
        pen.setColor(color)
        return [*_band(curve, panel, theme), pg.PlotCurveItem(x, y, pen=pen, connect="finite")]
    known = np.isfinite(x) & np.isfinite(y)
    points = pg.ScatterPlotItem(x[known], y[known], **_marks(curve, color))
    return [*_bars(curve, panel, color), points]


def _marks(curve: Curve, color: QColor) -> dict[str, object]:
    if curve.look == "limits":
        return {"symbol": _arrow(), "size": _ARROW_PX, "brush": None, "pen": pg.mkPen(color)}
    if curve.look == "cloud":
        return {"symbol": "o", "size": _CLOUD_PX, "brush": color, "pen": None}
    symbol = SYMBOLS[curve.symbol % len(SYMBOLS)]
    if curve.hollow:
        return {"symbol": symbol, "size": _HOLLOW_PX, "brush": None, "pen": pg.mkPen(color)}
    return {"symbol": symbol, "size": _POINT_PX, "brush": color, "pen": None}


def _arrow() -> QPainterPath:
    """An arrow upwards that begins at its point; symbols are seen within half of their size."""
    path = QPainterPath()
    path.moveTo(0, 0)
    path.lineTo(0, -0.48)
    path.moveTo(-0.12, -0.32)
    path.lineTo(0, -0.48)
    path.lineTo(0.12, -0.32)
    return path


def _counts(curve: Curve, panel: Panel, theme: Theme) -> CountedPoints:
    item = CountedPoints(color_of(curve.color, theme))
    lower = curve.y if curve.lower is None else curve.lower
    upper = curve.y if curve.upper is None else curve.upper
    item.set_points(curve.x, curve.y, lower, upper)
    item.setLogMode(panel.log_x, panel.log_y)
    item.setZValue(10)
    return item


def _ends(curve: Curve, panel: Panel) -> tuple[FloatArray, FloatArray]:
    """Ends of bars or band as the axis counts them; above a floor on a logarithmic one."""
    assert curve.lower is not None
    assert curve.upper is not None
    floor = panel.y_range[0] * 1e-3 if panel.log_y else -np.inf
    lower = np.where(np.isfinite(curve.lower), np.maximum(curve.lower, floor), np.nan)
    return log_values(lower, panel.log_y), log_values(curve.upper, panel.log_y)


def _band(curve: Curve, panel: Panel, theme: Theme) -> list[pg.GraphicsObject]:
    if curve.lower is None or curve.upper is None:
        return []
    x = log_values(curve.x, panel.log_x)
    lower, upper = _ends(curve, panel)
    known = np.isfinite(x) & np.isfinite(lower) & np.isfinite(upper)
    if not known.any():
        return []
    alpha = _BAND // 3 if curve.faint else _BAND
    return [_filled(x[known], lower[known], upper[known], shade(curve.color, theme, alpha))]


def _filled(
    x: FloatArray, lower: FloatArray, upper: FloatArray, color: QColor
) -> pg.FillBetweenItem:
    below, above = pg.PlotCurveItem(x, lower), pg.PlotCurveItem(x, upper)
    item = pg.FillBetweenItem(below, above, brush=color)
    item.setZValue(-10)
    return item


def _bars(curve: Curve, panel: Panel, color: QColor) -> list[pg.GraphicsObject]:
    x, y = log_values(curve.x, panel.log_x), log_values(curve.y, panel.log_y)
    items: list[pg.GraphicsObject] = []
    pen = pg.mkPen(color, width=1)
    if curve.lower is not None and curve.upper is not None:
        ends = np.column_stack(_ends(curve, panel)).ravel()
        items.append(pg.PlotCurveItem(np.repeat(x, 2), ends, pen=pen, connect="pairs"))
    if curve.x_error is not None:
        left = np.maximum(curve.x - curve.x_error, panel.x_range[0] * 1e-3)
        sides = [log_values(v, panel.log_x) for v in (left, curve.x + curve.x_error)]
        along = np.column_stack(sides).ravel()
        items.append(pg.PlotCurveItem(along, np.repeat(y, 2), pen=pen, connect="pairs"))
    return items


def region_items(region: Region, panel: Panel, theme: Theme) -> list[pg.GraphicsObject]:
    """The shade of a region, and its name."""
    x = log_values(region.x, panel.log_x)
    lower, upper = (log_values(v, panel.log_y) for v in (region.lower, region.upper))
    filled = _filled(x, lower, upper, shade(region.color, theme, _REGION))
    filled.setZValue(-50)
    text = pg.TextItem(region.name, color=color_of("quiet", theme), anchor=region.anchor)
    place_x = log_values(np.array([region.place[0]]), panel.log_x)[0]
    place_y = log_values(np.array([region.place[1]]), panel.log_y)[0]
    text.setPos(float(place_x), float(place_y))
    text.setZValue(20)
    return [filled, text]
