"""Figures of a plan: where in reciprocal space, and what every analyzer will have counted."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ixs_core.figure_style import (
    BLUE,
    DATA,
    ENERGY_LABEL,
    FAINT,
    ORANGE,
    QUIET,
    TOTAL,
    axes_at,
    message_figure,
    styled,
    text_at,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ixs_reduce.spectrometer import AnalyzerTable
    from simulate.planning.pictures import ExpectedPanel, PlanPictures
    from simulate.planning.views import Zone

_KNOWN_MEV = 0.3
_INDEX = "hkl"


@styled
def zone_map(
    zones: Sequence[Zone],
    footprints: Sequence[AnalyzerTable] = (),
    plane: tuple[int, int] = (0, 1),
    title: str = "",
    labels: Sequence[str] = (),
) -> Figure:
    """Hours of one mode over reciprocal space, with what the array sees at some settings.

    Parameters
    ----------
    zones : sequence of Zone
        From `rank_zones`. Excluded ones are grey crosses; those only estimated have no edge.
    footprints : sequence of AnalyzerTable
        Accepted windows of all analyzers at each setting.
    plane : (int, int)
        Which components of hkl are the axes; points are drawn in projection along the third,
        faint where they lie further than 0.5 r.l.u. off the plane of most footprints (or 0).
    title : str
    labels : sequence of str
        One per footprint.
    """
    if not zones:
        return message_figure("no zone is near reach")
    x, y = plane
    third = 3 - x - y
    level = float(np.median([table.hkl[:, third].mean() for table in footprints] or [0.0]))
    figure = Figure(figsize=(7.4, 6.2))
    axes = axes_at(figure, 0.7, 0.55, 5.4, 5.0)
    hkl = np.array([zone.placement.hkl for zone in zones])
    hours = np.array([zone.best_guess for zone in zones])
    exact = np.array([np.isfinite(z.hours) for z in zones])
    excluded = np.array([not zone.placement.reachable for zone in zones])
    near = np.abs(hkl[:, third] - level) <= 0.5
    axes.plot(*hkl[excluded & near][:, [x, y]].T, "x", ms=3, color=FAINT, mew=0.7, zorder=1)
    shown = ~excluded & np.isfinite(hours) & near
    if shown.any():
        best = float(hours[shown].min())
        norm = LogNorm(best, max(float(np.quantile(hours[shown], 0.9)), 3 * best))
        drawn = axes.scatter(
            hkl[shown, x],
            hkl[shown, y],
            c=hours[shown],
            s=np.where(exact[shown], 34, 14),
            norm=norm,
            cmap="viridis_r",
            edgecolors=["black" if e else "none" for e in exact[shown]],
            linewidths=0.4,
            zorder=3,
        )
        bar = axes_at(figure, 6.3, 1.1, 0.16, 3.6)
        figure.colorbar(drawn, cax=bar, label="Hours to the wanted precision", extend="max")
    for number, table in enumerate(footprints):
        _draw_footprint(axes, table, plane, labels[number] if number < len(labels) else "")
    axes.set_xlabel(f"{_INDEX[x]} (r.l.u.)")
    axes.set_ylabel(f"{_INDEX[y]} (r.l.u.)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    text_at(figure, 0.7, 0.12, title, fontsize=10)
    near_plane = f"zones with |{_INDEX[third]} − {level:.2g}| < 0.5"
    note = f"{near_plane}   × outside the limits   small: estimated"
    text_at(figure, 0.7, 0.34, note, fontsize=8, color=QUIET)
    return figure


def map_of_plan(pictures: PlanPictures) -> Figure:
    """The hours map of a plan with the array's footprint at its pictured settings.

    In the plane of the two indices in which the settings spread most.
    """
    centres = np.array([picture.footprint.hkl.mean(axis=0) for picture in pictures.settings])
    spread = np.ptp(centres, axis=0) + 1e-9 * np.array([3, 2, 1])
    x, y = sorted(np.argsort(spread)[::-1][:2].tolist())
    return zone_map(
        pictures.zones,
        [picture.footprint for picture in pictures.settings],
        (x, y),
        pictures.zones_title,
        [str(number) for number in range(1, len(pictures.settings) + 1)],
    )


def _draw_footprint(axes: Axes, table: AnalyzerTable, plane: tuple[int, int], label: str) -> None:
    """The windows of all analyzers of a setting, as parallelograms."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) / 2
    columns = list(plane)
    for centre, across, up in zip(table.hkl, table.dq_horizontal, table.dq_vertical, strict=True):
        outline = centre + corners[:, :1] * across + corners[:, 1:] * up
        axes.plot(*outline[:, columns].T, color=ORANGE, lw=0.8, zorder=2)
    if label:
        top = table.hkl[np.argmax(table.hkl[:, plane[1]])][columns]
        axes.annotate(
            label, tuple(top), xytext=(2, 4), textcoords="offset points", fontsize=7, color=DATA
        )


@styled
def expected_spectra_grid(
    panels: Sequence[ExpectedPanel], title: str = "", bold: Collection[str] = ()
) -> Figure:
    """What all analyzers of a setting will have counted, with error bars.

    Points are the expected counts per point of the scan with √counts; ticks mark the lines that a
    fit tells apart, blue where their energy is then known to 0.3 meV.

    Parameters
    ----------
    panels : sequence of ExpectedPanel
    title : str
        Says after which time.
    bold : collection of str
        Analyzers that the plan counts on, named in bold.
    """
    if not panels:
        return message_figure("no analyzer counts")
    columns = min(7, len(panels)) if len(panels) > 12 else min(4, len(panels))
    rows = math.ceil(len(panels) / columns)
    wide, high, left, top = 13.0 / columns, 1.75, 0.8, 0.45
    figure = Figure(figsize=(left + 13.1, top + rows * high + 0.45))
    text_at(figure, left, 0.1, title, fontsize=10)
    text_at(
        figure,
        left + 13.0,
        0.12,
        f"bars: √counts   ticks: lines told apart, blue where σ(E) < {_KNOWN_MEV} meV (listed)",
        fontsize=7.5,
        color=QUIET,
        ha="right",
    )
    for k, panel in enumerate(panels):
        row, column = divmod(k, columns)
        axes = axes_at(
            figure, left + column * wide, top + row * high + 0.34, wide - 0.42, high - 0.58
        )
        _draw_expected(axes, panel, panel.analyzer in bold)
        axes.tick_params(labelbottom=k + columns >= len(panels), labelsize=7, pad=2)
    height = figure.get_size_inches()[1]
    text_at(figure, left + 6.4, height - 0.22, ENERGY_LABEL, ha="center")
    figure.text(0.008, 0.5, "Expected counts per point", rotation=90, va="center", ha="left")
    return figure


def _draw_expected(axes: Axes, panel: ExpectedPanel, bold: bool) -> None:
    axes.errorbar(
        panel.energy_mev,
        panel.counts,
        np.sqrt(panel.counts),
        fmt="o",
        ms=1.5,
        mew=0,
        lw=0.6,
        color=DATA,
    )
    axes.plot(panel.energy_mev, panel.counts, color=TOTAL, lw=0.8)
    top = panel.axis_top
    low, high = float(panel.energy_mev[0]), float(panel.energy_mev[-1])
    lines = zip(panel.line_energy_mev, panel.sigma_energy_mev, strict=True)
    inside = [(energy, error) for energy, error in lines if low <= energy <= high]
    for energy, error in inside:
        colour = BLUE if error < _KNOWN_MEV else FAINT
        axes.vlines(energy, -0.08 * top, 0, color=colour, lw=1.2, clip_on=False)
    if float(panel.counts.max()) > top:
        axes.annotate(
            f"↑ {_short(float(panel.counts.max()))}",
            (0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -1),
            textcoords="offset points",
            va="top",
            fontsize=6.5,
            color=QUIET,
        )
    axes.set_ylim(-0.08 * top, top)
    axes.set_xlim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    hkl = " ".join(f"{x:.2f}".replace("-", "−") for x in panel.q_hkl)
    axes.set_title(
        f"{panel.analyzer}  ({hkl})",
        loc="left",
        pad=10,
        fontsize=7.5,
        fontweight="bold" if bold else "normal",
    )
    best = ", ".join(f"{energy:.1f}±{error:.2f}" for energy, error in inside if error < _KNOWN_MEV)
    text = best if len(best) < 34 else best[:33].rsplit(",", 1)[0] + ", …"
    axes.text(0, 1.02, text, transform=axes.transAxes, fontsize=6, color=QUIET)


def _short(counts: float) -> str:
    """Counts in few characters: 850, 15k, 2.2M."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if counts >= 10 * factor or (counts >= factor and letter == "M"):
            return f"{counts / factor:.3g}{letter}"
    return f"{counts:.0f}"
