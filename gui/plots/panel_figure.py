"""Panels of curves on paper, and as a table of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from gui.models.simulation_drawing import Curve, Drawing, Panel
from gui.plots.export import Export, TableData
from gui.plots.panel_items import color_of
from gui.plots.real_axes import real_number
from gui.theme import LIGHT
from ixs_core.arrays import FloatArray
from ixs_core.figure_style import QUIET, axes_at, styled
from ixs_core.units import HBAR_MEV_PS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer

_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), "-.", (0, (4, 1.5, 1, 1.5, 1, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "*")
_WIDTH, _LEFT, _RIGHT = 4.6, 0.8, 2.9  # inches: of the axes, before them, for the legend
_UNIT, _GAP, _JOINED_GAP, _TOP, _BOTTOM = 1.35, 0.62, 0.28, 0.35, 0.55
_FAINT = 0.3


def export_of(drawing: Drawing) -> Export:
    """What is drawn, as a figure with a table of its numbers."""
    return Export(panel_figure(drawing), curve_table(drawing), drawing.name)


@styled
def panel_figure(drawing: Drawing) -> Figure:
    """Panels one below the other with one legend."""
    heights = [_UNIT * (2 if len(drawing.panels) == 1 else 1) * p.height for p in drawing.panels]
    gaps = [_JOINED_GAP if panel.joined else _GAP for panel in drawing.panels[1:]]
    total = _TOP + sum(heights) + sum(gaps) + _BOTTOM
    figure = Figure(figsize=(_LEFT + _WIDTH + _RIGHT, total))
    top = _TOP
    above: Axes | None = None
    named: dict[str, Artist | ErrorbarContainer] = {}
    for row, (panel, height) in enumerate(zip(drawing.panels, heights, strict=True)):
        axes = axes_at(figure, _LEFT, top, _WIDTH, height, sharex=above if panel.joined else None)
        _draw(axes, panel, named)
        later = drawing.panels[row + 1 : row + 2]
        under = not (later and later[0].joined)
        axes.tick_params(labelbottom=under)
        if under:
            axes.set_xlabel(panel.x.label)
        top += height + (gaps[row] if row < len(gaps) else 0)
        above = axes
    width = figure.get_size_inches()[0]
    room = 0.7 if any(panel.with_fwhm for panel in drawing.panels) else 0.15
    place = ((_LEFT + _WIDTH + room) / width, 1 - _TOP / total)
    figure.legend(
        cast("list[Artist]", list(named.values())),
        [_broken(name) for name in named],
        loc="upper left",
        bbox_to_anchor=place,
        borderaxespad=0,
        fontsize=7,
    )
    return figure


def curve_table(drawing: Drawing) -> TableData:
    """Every point of every curve: panel, curve, x, y and the ends of its bar.

    The columns of x and y have the names of the quantities where all panels show the same;
    else the quantity stands in a column of its own.
    """
    kinds = {(panel.x.column, panel.y.column) for panel in drawing.panels}
    rows: list[tuple[object, ...]] = []
    for number, panel in enumerate(drawing.panels, start=1):
        for curve in panel.curves:
            if curve.name:
                rows += _rows(panel, curve, number, several=len(kinds) > 1)
    if len(kinds) == 1:
        x, y = next(iter(kinds))
        return TableData(("panel", "curve", x, y, f"{y}_lower", f"{y}_upper"), rows)
    columns = ("panel", "curve", "x_quantity", "x", "y_quantity", "y", "y_lower", "y_upper")
    return TableData(columns, rows)


def _rows(panel: Panel, curve: Curve, number: int, *, several: bool) -> list[tuple[object, ...]]:
    lower, upper = _listed(curve.lower, curve), _listed(curve.upper, curve)
    where = panel.title or str(number)
    points = zip(curve.x.tolist(), curve.y.tolist(), lower, upper, strict=True)
    if several:
        x_name, y_name = panel.x.column, panel.y.column
        return [(where, curve.name, x_name, x, y_name, y, a, b) for x, y, a, b in points]
    return [(where, curve.name, x, y, a, b) for x, y, a, b in points]


def _listed(values: FloatArray | None, curve: Curve) -> list[object]:
    """Ends of bars; an empty cell where there is none."""
    if values is None:
        return [""] * len(curve.x)
    return ["" if np.isnan(value) else value for value in values.tolist()]


def _broken(name: str, most: int = 32) -> str:
    from textwrap import fill

    return fill(name, most)


def _draw(axes: Axes, panel: Panel, named: dict[str, Artist | ErrorbarContainer]) -> None:
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    for region in panel.regions:
        color = color_of(region.color, LIGHT)
        axes.fill_between(
            region.x, region.lower, region.upper, color=color, alpha=0.1, lw=0, zorder=0
        )
        ha = {1.0: "right", 0.0: "left"}.get(region.anchor[0], "center")
        axes.text(*region.place, region.name, ha=ha, va="center", fontsize=7, color=QUIET)
    for curve in panel.curves:
        handle = _curve(axes, curve)
        if curve.name:
            named.setdefault(curve.name, handle)
    if panel.mark_x is not None:
        axes.axvline(panel.mark_x, color=QUIET, lw=0.7, ls=":")
    axes.set_xlim(*panel.x_range)
    axes.set_ylim(*panel.y_range)
    axes.set_ylabel(panel.y.label)
    axes.set_title(panel.title, loc="left", fontsize=6.5 if panel.joined else 8)
    for axis, log in ((axes.xaxis, panel.log_x), (axes.yaxis, panel.log_y)):
        if log:
            low, high = axis.get_view_interval()
            subs = (1.0,) if high / low > 100 else (1.0, 2.0, 5.0)
            axis.set_major_locator(LogLocator(subs=subs))
            axis.set_major_formatter(FuncFormatter(lambda value, _: real_number(value)))
            axis.set_minor_formatter(NullFormatter())
    if panel.with_fwhm:
        twin = axes.secondary_yaxis("right", functions=(_other, _other))
        twin.set_ylabel("FWHM (meV)")
        twin.yaxis.set_major_formatter(FuncFormatter(lambda value, _: real_number(value)))
        twin.yaxis.set_minor_formatter(NullFormatter())


def _other(value: ArrayLike) -> FloatArray:
    """ħ over a lifetime or a width, which gives the other one."""
    return np.asarray(HBAR_MEV_PS / np.maximum(np.asarray(value, dtype=float), 1e-12))


def _curve(axes: Axes, curve: Curve) -> Artist | ErrorbarContainer:
    color = color_of(curve.color, LIGHT)
    alpha = _FAINT if curve.faint else 1.0
    if curve.look == "line":
        return _line(axes, curve, color, alpha)
    if curve.look == "cloud":
        return axes.plot(curve.x, curve.y, ".", ms=2, color=color, alpha=alpha, rasterized=True)[0]
    if curve.look == "limits":
        return axes.plot(
            curve.x, curve.y, marker=r"$\uparrow$", ls="", ms=6, mew=0, color=color, alpha=alpha
        )[0]
    marker = _MARKERS[curve.symbol % len(_MARKERS)]
    bars = None
    if curve.lower is not None and curve.upper is not None:
        bars = np.array([curve.y - curve.lower, curve.upper - curve.y])
    return axes.errorbar(
        curve.x,
        curve.y,
        yerr=bars,
        xerr=curve.x_error,
        fmt=marker,
        ms=2 if curve.look == "counts" else 6 if curve.hollow else 3.5,
        mfc="none" if curve.hollow else color,
        lw=0.7,
        color=color,
        alpha=alpha,
    )


def _line(axes: Axes, curve: Curve, color: str, alpha: float) -> Artist:
    if curve.lower is not None and curve.upper is not None:
        axes.fill_between(
            curve.x, curve.lower, curve.upper, color=color, alpha=0.2 * alpha, lw=0, zorder=1
        )
    width = 1.1 if curve.width <= 1 else curve.width
    dash = _DASHES[curve.dash % len(_DASHES)]
    return axes.plot(curve.x, curve.y, color=color, ls=dash, lw=width, alpha=alpha)[0]
