"""Figures of predictions laid over measured spectra: all analyzers of a scan side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ixs_core.figure_style import (
    ENERGY_LABEL,
    FAINT,
    QUIET,
    SERIES,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from ixs_reduce.figures_spectrum import draw_points
from ixs_reduce.fit_words import is_simulated
from ixs_reduce.spectrum import Spectrum
from simulate.overlay_curves import curves_at_median, overlaid_points, shown_counts
from simulate.spectrum_overlay import FAR, SpectrumOverlay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), "-.")


def scans_of(overlays: Sequence[SpectrumOverlay]) -> dict[str, list[SpectrumOverlay]]:
    """Overlays by the key of their scan, in the order given."""
    groups: dict[str, list[SpectrumOverlay]] = {}
    for one in overlays:
        groups.setdefault(one.key, []).append(one)
    return groups


def sources_of(overlays: Sequence[SpectrumOverlay]) -> tuple[str, ...]:
    """Predictions in the order given: so that each has one colour in all figures."""
    return tuple(dict.fromkeys(one.source for one in overlays))


@styled
def overlay_figure(
    overlays: Sequence[SpectrumOverlay], sources: Sequence[str] = (), title: str = ""
) -> Figure:
    """The spectra of one scan with the predictions laid over them.

    Points are counts at the median exposure with 68 % Poisson intervals, lines the scaled
    predictions with fitted elastic line and background, the grey area what the first one says of
    the sample's inelastic scattering. Each panel has its own count axis, which may cut off the
    elastic line.

    Parameters
    ----------
    overlays : sequence of SpectrumOverlay
        Of one scan, from one or several predictions.
    sources : sequence of str
        All predictions of a series of figures, for their colours; default: those here.
    title : str
        Default: scan, temperature, file.
    """
    if not overlays:
        return message_figure("no spectra to show")
    panels: dict[str, list[SpectrumOverlay]] = {}
    for one in overlays:
        panels.setdefault(one.analyzer, []).append(one)
    sources = sources or sources_of(overlays)
    columns = min(len(panels), 2 if len(panels) <= 4 else 3 if len(panels) <= 9 else 4)
    rows = math.ceil(len(panels) / columns)
    wide, high, left, top = 10.5 / columns, 1.95, 0.7, 0.55
    figure = Figure(figsize=(11.0, top + rows * high + 0.4))
    text_at(figure, left, 0.1, title or _title(overlays[0]), fontsize=10)
    _legend(figure, sources, sources_of(overlays))
    shared: Axes | None = None
    for k, (analyzer, group) in enumerate(sorted(panels.items(), key=_in_order)):
        row, column = divmod(k, columns)
        place = (left + column * wide, top + row * high + 0.36, wide - 0.55, high - 0.62)
        axes = axes_at(figure, *place, sharex=shared)
        shared = shared or axes
        _draw_panel(axes, analyzer, group, sources)
        axes.tick_params(labelbottom=k + columns >= len(panels), labelsize=7.5, pad=2)
    if shared is not None:
        ends = [one.overlay.energy_mev[[0, -1]] - one.zero_mev for one in overlays]
        shared.set_xlim(min(end[0] for end in ends), max(end[1] for end in ends))
    height = figure.get_size_inches()[1]
    text_at(figure, 5.5, height - 0.22, ENERGY_LABEL, ha="center")
    label = "Counts per point at median exposure"
    figure.text(0.1 / 11.0, 0.5, label, rotation=90, va="center", ha="left")
    return figure


def _in_order(panel: tuple[str, list[SpectrumOverlay]]) -> tuple[int, str]:
    """Analyzers by their numbers: a9 before a10."""
    digits = "".join(c for c in panel[0] if c.isdigit())
    return (int(digits) if digits else 0, panel[0])


def _title(one: SpectrumOverlay) -> str:
    kelvin = "" if one.temperature_k is None else f"{one.temperature_k:.0f} K"
    none = np.empty(0)
    simulated = "simulated" if is_simulated(Spectrum(none, none, none, file=one.file)) else ""
    parts = (f"Scan {one.scan or one.key}", kelvin, one.file, simulated)
    return " · ".join(part for part in parts if part)


def _legend(figure: Figure, sources: Sequence[str], shown: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_colour(i), ls=_DASHES[i % len(_DASHES)], label=source)
        for i, source in enumerate(sources)
        if source in shown
    ]
    height = figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.55 / 11.0, 1 - 0.27 / height),
        ncols=min(len(shown), 4),
        borderaxespad=0,
    )


def _draw_panel(
    axes: Axes, analyzer: str, group: Sequence[SpectrumOverlay], sources: Sequence[str]
) -> None:
    first = group[0]
    points = overlaid_points(first)
    draw_points(axes, points, 2.0)
    remarks = []
    for one in group:
        i = sources.index(one.source)
        curves = curves_at_median(one, points.exposure)
        energy = curves.energy_mev
        if one is first:
            axes.fill_between(energy, curves.inelastic, color=FAINT, alpha=0.5, lw=0, zorder=0)
        axes.plot(energy, curves.expected, color=_colour(i), ls=_DASHES[i % len(_DASHES)], zorder=4)
        far = f", ΔQ {one.distance:.2f}" if one.distance >= FAR else ""
        remarks.append((f"χ²/n {one.overlay.reduced_chi2:.3g}{far}", _colour(i)))
    top, full = shown_counts(group, points)
    axes.set_ylim(0, top)
    if full > 2 * top:
        axes.text(
            0.01, 0.97, f"↑ {full:.0f}", transform=axes.transAxes, va="top", fontsize=7, color=QUIET
        )
    axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    hkl = " ".join(f"{x:.2f}".replace("-", "−") for x in first.q_hkl)
    axes.set_title(f"{analyzer}  ({hkl})", loc="left", pad=12, fontsize=8.5)
    for i, (text, colour) in enumerate(remarks[:3]):
        place = i / min(len(remarks), 3)
        axes.text(place, 1.03, text, transform=axes.transAxes, fontsize=7, color=colour)


def _colour(number: int) -> str:
    return SERIES[(number + 1) % len(SERIES)]
