"""Figures of many fits together: energies and widths along Q, zeros from scan to scan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from ixs_core.figure_style import (
    BLUE,
    DATA,
    FAINT,
    MARKERS,
    QUIET,
    SERIES,
    VERMILLION,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from ixs_reduce.batch import POOR_FIT
from ixs_reduce.calculated_marks import draw_dashes
from ixs_reduce.dispersion_points import (
    ModePoint,
    axis_ends,
    by_number,
    mode_points,
    path_series,
)
from ixs_reduce.fit_words import is_simulated
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey
from ixs_reduce.q_path import QPath, q_paths
from ixs_reduce.quality import zero_drift

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAME_TEMPERATURE_K = 5.0


@styled
def dispersion_figure(
    fits: Sequence[SpectrumFit],
    paths: Sequence[QPath] | None = None,
    title: str = "",
    predictions: Mapping[SpectrumKey, PredictedModes] | None = None,
) -> Figure:
    """Fitted energies and widths along Q, a pair of panels for each path in Q.

    Above: energies with error bars; the broad bars are the FWHM, not an error. Below: FWHM
    with error bars, 95 % upper limits as arrows. Hollow symbols are energies that should
    not be trusted (error above 20 %, deviance/dof above 4); diamonds are overdamped modes.

    Parameters
    ----------
    fits : sequence of SpectrumFit
    paths : sequence of QPath, optional
        Default: those that `q_paths` finds.
    title : str
    predictions : mapping, optional
        Calculated modes of the spectra, drawn as dashes that are darker where more intense.
    """
    paths = q_paths(fits) if paths is None else paths
    shown = [path for path in paths if any(fit.modes for fit in path.fits)]
    if not shown:
        return message_figure("no fitted modes with a known Q")
    series = [path_series(path) for path in shown]
    labels = {label for path in shown for fit in path.fits for label in fit.branches}
    # With more labels than colours (they merge differently from Q to Q) colour tells nothing.
    few = len(labels) <= len(SERIES)
    drawn = [
        mode_points(path, named, by_branch=few) for path, named in zip(shown, series, strict=True)
    ]
    names = sorted({point.series for points in drawn for point in points}, key=by_number)
    styles = {name: (SERIES[k % 7], MARKERS[k % 7]) for k, name in enumerate(names)}
    tops = axis_ends([point for points in drawn for point in points])
    columns = min(len(shown), 3)
    rows = math.ceil(len(shown) / columns)
    wide = (10.2 / columns) if columns > 1 else 6.6
    width, high = 0.75 + columns * wide, 4.2
    figure = Figure(figsize=(width, 0.72 + rows * high))
    text_at(figure, 0.65, 0.1, title or _title(fits), fontsize=10)
    above: Axes | None = None
    below: Axes | None = None
    calculated = False
    for k, (path, points) in enumerate(zip(shown, drawn, strict=True)):
        row, column = divmod(k, columns)
        left, top = 0.65 + column * wide, 0.8 + row * high
        energies = axes_at(figure, left, top, wide - 0.35, 2.25, sharey=above)
        widths = axes_at(figure, left, top + 2.4, wide - 0.35, 1.05, sharex=energies, sharey=below)
        above, below = above or energies, below or widths
        _draw_energies(energies, points, styles)
        calculated = draw_dashes(energies, path, predictions or {}) or calculated
        _draw_widths(widths, points, styles, tops[1])
        energies.tick_params(labelbottom=False)
        energies.set_title(path.name, loc="left")
        widths.set_xlabel(path.label, fontsize=8.5)
        if column == 0:
            energies.set_ylabel("Mode energy (meV)")
            widths.set_ylabel("FWHM (meV)")
    if above is not None and below is not None:
        above.set_ylim(0, tops[0])
        below.set_ylim(0, tops[1])
    _explain(figure, styles, calculated)
    return figure


def _title(fits: Sequence[SpectrumFit]) -> str:
    simulated = [is_simulated(fit.spectrum) for fit in fits]
    word = " · simulated" if any(simulated) else ""
    temperatures = [f.spectrum.temperature_k for f in fits if f.spectrum.temperature_k is not None]
    if temperatures and max(temperatures) - min(temperatures) <= _SAME_TEMPERATURE_K:
        word = f" · {np.median(temperatures):.0f} K{word}"
    return f"Fitted modes along Q{word}"


def _draw_energies(
    axes: Axes, points: Sequence[ModePoint], styles: dict[str, tuple[str, str]]
) -> None:
    for point in points:
        color, marker = styles[point.series]
        half = point.fwhm / 2
        if point.shows_width:
            axes.vlines(
                point.position,
                max(point.energy - half, 0.0),
                point.energy + half,
                color=color,
                lw=5,
                alpha=0.22,
                zorder=1,
                label="_FWHM",
            )
        _errorbar(axes, point, point.energy, point.energy_err, color, marker)


def _draw_widths(
    axes: Axes, points: Sequence[ModePoint], styles: dict[str, tuple[str, str]], top: float
) -> None:
    """Widths and their limits; what lies beyond the axis is a hollow triangle at its end."""
    for point in points:
        color, marker = styles[point.series]
        color = color if point.trusted else FAINT
        shown = point.fwhm if point.limit is None else point.limit
        if shown > top:
            shape = "^" if point.limit is None else "v"
            axes.plot(
                point.position, 0.95 * top, shape, ms=4.5, mfc="none", mec=color, label="_beyond"
            )
        elif point.limit is None:
            _errorbar(axes, point, point.fwhm, point.fwhm_err, color, marker)
        else:
            axes.errorbar(
                point.position,
                point.limit,
                yerr=0.35 * point.limit,
                uplims=True,
                fmt="_",
                ms=6,
                color=color,
                lw=0.9,
                capsize=2.5,
                label="_limit",
            )


def _errorbar(
    axes: Axes, point: ModePoint, value: float, error: float, color: str, marker: str
) -> None:
    color = color if point.trusted else FAINT
    axes.errorbar(
        point.position,
        value,
        yerr=error if math.isfinite(error) else None,
        fmt="D" if point.overdamped else marker,
        ms=4.2,
        mfc=color if point.trusted else "none",
        mec=color,
        color=color,
        lw=0.9,
        zorder=3 if point.trusted else 2,
        label="_mode",
    )


def _explain(figure: Figure, styles: dict[str, tuple[str, str]], calculated: bool) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=color, marker=marker, ls="", ms=4.2, label=name)
        for name, (color, marker) in styles.items()
        if name
    ]
    color = next(iter(styles.values()))[0] if len(styles) == 1 else DATA
    handles += [
        Patch(facecolor=color, alpha=0.22, label="FWHM (bar)"),
        Line2D([], [], color=color, marker=r"$\downarrow$", ls="", ms=6, label="95 % upper limit"),
        Line2D([], [], color=color, marker="D", ls="", ms=4.2, label="overdamped"),
        Line2D([], [], color=FAINT, marker="o", mfc="none", ls="", ms=4.2, label="uncertain"),
    ]
    if calculated:
        handles.append(Line2D([], [], color=DATA, marker="_", ls="", ms=9, label="calculated"))
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.6 / width, 1 - 0.32 / height),
        ncols=min(len(handles), int(width / 1.15)),
        handlelength=1.2,
        columnspacing=1.2,
        borderaxespad=0,
    )


@styled
def zeros_figure(fits: Sequence[SpectrumFit]) -> Figure:
    """The energy zero of each analyzer from scan to scan, less the analyzer's median.

    Panels share one axis; a zero beyond it is a triangle at the edge. Fits that do not
    describe their data are hollow. Drift beyond its errors is named in the panel.
    """
    by_analyzer: dict[str, list[SpectrumFit]] = {}
    for fit in fits:
        by_analyzer.setdefault(fit.spectrum.analyzer or "", []).append(fit)
    if not by_analyzer:
        return message_figure("no fitted zeros to show")
    scans = list(dict.fromkeys(fit.spectrum.scan or "" for fit in fits))
    # Three columns rather than a last row that is nearly empty.
    columns = 3 if len(by_analyzer) in (3, 5, 6) else min(len(by_analyzer), 4)
    rows = math.ceil(len(by_analyzer) / columns)
    wide, high = 10.3 / max(columns, 3), 1.5
    figure = Figure(figsize=(0.75 + columns * wide, 0.3 + rows * high + 0.2))
    reach = _zero_reach(by_analyzer)
    for k, name in enumerate(sorted(by_analyzer, key=by_number)):
        row, column = divmod(k, columns)
        axes = axes_at(figure, 0.7 + column * wide, 0.35 + row * high, wide - 0.3, high - 0.45)
        _draw_zeros(axes, name, by_analyzer[name], scans, reach)
        last = k + columns >= len(by_analyzer)
        axes.tick_params(labelbottom=last, labelleft=column == 0)
        if last:
            axes.set_xlabel("Scan")
    left = 0.12 / figure.get_size_inches()[0]
    figure.text(left, 0.5, "Zero − median (meV)", rotation=90, va="center")
    return figure


def _reliable_zeros(fits: Sequence[SpectrumFit]) -> list[SpectrumFit]:
    good = [f for f in fits if not _unreliable(f)]
    return good or list(fits)


def _unreliable(fit: SpectrumFit) -> bool:
    return not fit.converged or not fit.reduced_deviance <= POOR_FIT or not fit.zero.stderr > 0


def _zero_reach(by_analyzer: dict[str, list[SpectrumFit]]) -> float:
    spread = [0.1]
    for fits in by_analyzer.values():
        zeros = np.array([f.zero.value for f in _reliable_zeros(fits)])
        spread.append(float(np.abs(zeros - np.median(zeros)).max()))
    return 1.25 * max(spread)


def _draw_zeros(
    axes: Axes, name: str, fits: Sequence[SpectrumFit], scans: Sequence[str], reach: float
) -> None:
    reliable = _reliable_zeros(fits)
    median = float(np.median([f.zero.value for f in reliable]))
    axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
    for fit in fits:
        x = scans.index(fit.spectrum.scan or "")
        offset = fit.zero.value - median
        if abs(offset) > reach:
            edge = math.copysign(0.95 * reach, offset)
            axes.plot(x, edge, "^" if offset > 0 else "v", mfc="none", mec=VERMILLION, ms=4)
            continue
        hollow = _unreliable(fit)
        error = fit.zero.stderr
        axes.errorbar(
            x,
            offset,
            yerr=error if math.isfinite(error) else None,
            fmt="o",
            ms=3.5,
            color=FAINT if hollow else BLUE,
            mfc="none" if hollow else BLUE,
            lw=0.9,
            label="_zero",
        )
    good = [f for f in fits if not _unreliable(f)]
    drift = zero_drift([f.zero.value for f in good], [f.zero.stderr for f in good])
    axes.set_title(f"{name}  {median:.2f} meV".strip(), loc="left", fontsize=8.5)
    if drift is not None:
        values = [f.zero.value for f in good]
        axes.set_title(
            f"drift {max(values) - min(values):.2f} meV",
            loc="right",
            fontsize=7.5,
            color=VERMILLION,
        )
    axes.set_ylim(-reach, reach)
    axes.set_xlim(-0.6, len(scans) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(4, symmetric=True))
    step = max(1, math.ceil(len(scans) / 7))
    axes.set_xticks(range(0, len(scans), step), scans[::step], color=QUIET)
