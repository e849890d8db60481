"""Figures of fitted spectra: one spectrum with its residuals, all analyzers of a scan."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ixs_core.figure_style import (
    DATA,
    ENERGY_LABEL,
    FAINT,
    MODES,
    ORANGE,
    QUIET,
    SKY,
    TOTAL,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from ixs_core.report_parts import with_error
from ixs_reduce.calculated_marks import draw_ticks
from ixs_reduce.fit_curves import CountedPoints, FitCurves, fit_curves
from ixs_reduce.fit_words import (
    energy_text,
    own_flags,
    poor,
    quality_text,
    spectrum_title,
    width_limit,
    width_text,
)
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_merging import branch_text
from ixs_reduce.predicted_modes import PredictedModes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["auto", "linear", "log"]

_OTHER_TERMS = {
    "elastic": ("elastic", QUIET, "--"),
    "quasielastic": ("quasi-elastic", ORANGE, "-."),
    "folded": ("weak modes", SKY, (0, (5, 1, 1, 1, 1, 1))),
    "background": ("background", QUIET, ":"),
    "measured": ("measured background", FAINT, "-"),
}
_LOG_FROM = 20.0
"""Elastic line over strongest mode from which a linear axis would hide the modes."""

_COLUMN = 6.2
"""Inches from the left where the numbers beside a spectrum begin."""

_HEAD: dict[str, Any] = {"fontsize": 8, "color": QUIET}

_LISTED = 9
"""Modes listed beside a spectrum; more would run off the figure."""


@styled
def spectrum_figure(
    fit: SpectrumFit, scale: Scale = "auto", predicted: PredictedModes | None = None
) -> Figure:
    """A fitted spectrum: points with 68 % Poisson intervals, curves, residuals, numbers.

    Counts are given per point at the median exposure, against true energy transfer (file
    energy minus zero). A strip above shows each mode's energy (tick) and FWHM (bar; hollow
    for an upper limit). On a logarithmic axis a point without counts shows as its interval.

    Parameters
    ----------
    fit : SpectrumFit
    scale : "auto", "linear" or "log"
        Of the counts; "auto" is logarithmic where the elastic line is 20 times as high as
        the strongest mode.
    predicted : PredictedModes, optional
        Calculated modes, ticks at the upper edge on the sides of loss and gain; those in a
        fitted mode have its colour, the others are grey.
    """
    curves = fit_curves(fit)
    figure = Figure(figsize=(8.4, 4.5))
    text_at(figure, 0.85, 0.1, spectrum_title(fit.spectrum), fontsize=10)
    main = axes_at(figure, 0.85, 0.7, 5.05, 2.45)
    residuals = axes_at(figure, 0.85, 3.25, 5.05, 0.75, sharex=main)
    strip = axes_at(figure, 0.85, 0.38, 5.05, 0.3, sharex=main)
    draw_points(main, curves.points, 3.0)
    _draw_terms(main, curves)
    main.plot(curves.energy_mev, curves.total, color=TOTAL, label="total", zorder=4)
    _scale_counts(main, curves, scale)
    main.set_ylabel("Counts per point\nat median exposure")
    main.tick_params(labelbottom=False)
    _draw_residuals(residuals, curves)
    residuals.set_xlabel(ENERGY_LABEL)
    margin = 0.01 * float(np.ptp(curves.energy_mev))
    main.set_xlim(curves.energy_mev[0] - margin, curves.energy_mev[-1] + margin)
    if predicted is not None:
        draw_ticks(main, fit, predicted)
    _draw_strip(strip, main, fit)
    figure.legend(
        *main.get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=(_COLUMN / 8.4, 1 - 0.6 / 4.5),
        ncols=2,
        columnspacing=1.0,
        handlelength=1.4,
        borderaxespad=0,
    )
    _list_modes(figure, fit, len(main.get_legend_handles_labels()[1]))
    return figure


def draw_points(axes: Axes, points: CountedPoints, size: float, color: str = DATA) -> None:
    axes.vlines(
        points.energy_mev, points.lower, points.upper, color=color, lw=0.7, zorder=2, label="_68 %"
    )
    axes.plot(
        points.energy_mev,
        points.counts,
        "o",
        ms=size,
        color=color,
        mew=0,
        zorder=3,
        label="counts, 68 %",
    )


def _draw_terms(axes: Axes, curves: FitCurves) -> None:
    for name, curve in curves.components.items():
        if name.startswith("mode"):
            number = int(name.removeprefix("mode"))
            color = MODES[(number - 1) % len(MODES)]
            axes.fill_between(curves.energy_mev, curve, color=color, alpha=0.16, lw=0, zorder=1)
            axes.plot(
                curves.energy_mev, curve, color=color, lw=0.9, label=f"mode {number}", zorder=1
            )
        else:
            label, color, style = _OTHER_TERMS[name]
            axes.plot(
                curves.energy_mev, curve, ls=style, color=color, lw=0.9, label=label, zorder=1
            )


def _scale_counts(axes: Axes, curves: FitCurves, scale: Scale) -> None:
    top = max(float(curves.points.upper.max()), float(curves.total.max()))
    if scale == "auto":
        modes = [float(c.max()) for n, c in curves.components.items() if n.startswith("mode")]
        hidden = bool(modes) and float(curves.total.max()) > _LOG_FROM * max(modes)
        scale = "log" if hidden else "linear"
    if scale == "log":
        positive = curves.points.counts[curves.points.counts > 0]
        low = 0.5 * float(positive.min()) if positive.size else 0.5
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(low, max(2 * top, 10 * low))
    else:
        lowest = min(0.0, float(curves.total.min()))
        axes.set_ylim(1.05 * lowest, 1.05 * top)


def _draw_residuals(axes: Axes, curves: FitCurves) -> None:
    reach = max(4.0, 1.1 * float(np.abs(curves.residuals).max(initial=0.0)))
    axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
    for level in (-2, 2):
        axes.axhline(level, color=FAINT, lw=0.8, ls="--", zorder=0)
    axes.plot(
        curves.points.energy_mev, curves.residuals, "o", ms=2.4, mew=0, color=DATA, label="residual"
    )
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, symmetric=True))
    axes.set_ylabel("Deviance\nresidual (σ)")
    axes.text(
        1.005, 2, "±2", transform=axes.get_yaxis_transform(), va="center", fontsize=7, color=QUIET
    )


def _draw_strip(strip: Axes, main: Axes, fit: SpectrumFit) -> None:
    """Energies and widths of the modes above the spectrum, neighbours on different rows."""
    strip.set_axis_off()
    rows = min(len(fit.modes), 3)
    strip.set_ylim(-0.6, max(rows, 1) - 0.4)
    for i, mode in enumerate(fit.modes):
        color = MODES[i % len(MODES)]
        row = rows - 1 - i % max(rows, 1)
        energy = mode.energy.value
        limit = width_limit(fit, i)
        width = mode.fwhm.value if limit is None else limit
        strip.barh(
            row,
            width,
            left=energy - width / 2,
            height=0.34,
            facecolor="none" if limit is not None else color,
            edgecolor=color,
            lw=0.7,
            alpha=0.55 if limit is None else 1.0,
        )
        strip.plot([energy, energy], [row - 0.45, row + 0.45], color=color, lw=1.6)
        end = main.get_xlim()[1]
        beside = min(energy + width / 2, end)
        strip.annotate(
            str(i + 1) if energy < end else f"{i + 1} →",
            (beside, row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=color,
        )
        main.axvline(energy, color=color, lw=0.6, ls=(0, (1, 2)), zorder=0)


def _list_modes(figure: Figure, fit: SpectrumFit, legend_entries: int) -> None:
    """Numbers of the modes and remarks, right of the spectrum and below the legend."""
    top, line = 0.7 + 0.19 * math.ceil(legend_entries / 2) + 0.1, 0.155
    labelled = any(mode.branch for mode in fit.modes)
    at = (0.22, 0.86, 1.44) if labelled else (0.32, 1.25, 0.0)
    if fit.modes:
        text_at(figure, _COLUMN + at[0], top, "E (meV)", **_HEAD)
        text_at(figure, _COLUMN + at[1], top, "FWHM" if labelled else "FWHM (meV)", **_HEAD)
    if labelled:
        text_at(figure, _COLUMN + at[2], top, "branches", **_HEAD)
    for i, mode in enumerate(fit.modes[:_LISTED]):
        top += line * 1.15
        color = MODES[i % len(MODES)]
        text_at(figure, _COLUMN, top, f"{i + 1}", fontsize=8, color=color)
        text_at(figure, _COLUMN + at[0], top, energy_text(fit, i), fontsize=8)
        width = width_text(fit, i) + ("*" if mode.overdamped else "")
        text_at(figure, _COLUMN + at[1], top, width, fontsize=8)
        if mode.branch:
            text_at(figure, _COLUMN + at[2], top, branch_text(mode.branch), fontsize=7.5)
    if len(fit.modes) > _LISTED:
        top += line
        text_at(figure, _COLUMN, top, f"and {len(fit.modes) - _LISTED} more", fontsize=8)
    top += 0.28
    for note in _notes(fit):
        color = VERMILLION if note == quality_text(fit) and poor(fit) else QUIET
        for text in textwrap.wrap(note, 37, subsequent_indent="  "):
            if top > 4.3:
                text_at(figure, _COLUMN, top, "…", fontsize=8, color=QUIET)
                return
            text_at(figure, _COLUMN, top, text, fontsize=8, color=color)
            top += line


def _notes(fit: SpectrumFit) -> list[str]:
    zero = with_error(fit.zero.value, fit.zero.stderr).replace("-", "−")
    notes = [quality_text(fit), f"zero {zero} meV"]
    if not fit.modes:
        notes.append("no modes in this model")
    if any(mode.overdamped for mode in fit.modes):
        notes.append("* overdamped: FWHM > 2 E")
    if any(width_limit(fit, i) is not None for i in range(len(fit.modes))):
        notes.append("< : 95 % upper limit, hollow bar")
    flags = [f"{flag.code}: {flag.message}" for flag in own_flags(fit.spectrum)]
    return [*notes, *fit.warnings, *fit.remarks, *flags]
