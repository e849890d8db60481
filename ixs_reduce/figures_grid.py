"""All analyzers of a scan side by side."""

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
    MODES,
    QUIET,
    TOTAL,
    VERMILLION,
    axes_at,
    message_figure,
    styled,
    text_at,
)
from ixs_reduce.figures_spectrum import draw_points
from ixs_reduce.fit_curves import FitCurves, counted_points, fit_curves
from ixs_reduce.fit_words import dead_reason, energy_text, is_simulated, poor, reduced_text
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.spectrum import Spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def spectra_grid(
    fits: Sequence[SpectrumFit], unfitted: Sequence[Spectrum] = (), title: str = ""
) -> Figure:
    """All analyzers of a scan side by side on one energy axis.

    Each panel has its own count axis, which ends above the phonons: a higher elastic line is
    cut off and its height written there. Panels of spectra without a fit are grey and say why.

    Parameters
    ----------
    fits : sequence of SpectrumFit
    unfitted : sequence of Spectrum
        Dead, masked or unfitted ones of the same scan.
    title : str
        Default: scan and temperature of the first spectrum.
    """
    panels: list[SpectrumFit | Spectrum] = [*fits, *unfitted]
    if not panels:
        return message_figure("no spectra to show")
    panels.sort(key=lambda p: _name_key(_spectrum_of(p).analyzer or ""))
    columns = _columns(len(panels))
    rows = math.ceil(len(panels) / columns)
    wide, high, left, top = 10.5 / columns, 1.66 if columns > 3 else 2.05, 0.7, 0.3
    figure = Figure(figsize=(11.0, top + rows * high + 0.4))
    text_at(figure, left, 0.1, title or _grid_title(_spectrum_of(panels[0])), fontsize=10)
    shared: Axes | None = None
    for k, panel in enumerate(panels):
        row, column = divmod(k, columns)
        axes = axes_at(
            figure,
            left + column * wide,
            top + row * high + 0.36,
            wide - 0.5,
            high - 0.56,
            sharex=shared,
        )
        shared = shared or axes
        _draw_panel(axes, panel)
        axes.tick_params(labelbottom=k + columns >= len(panels), labelsize=7.5, pad=2)
        axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ends = [_true_energy_range(panel) for panel in panels]
    if shared is not None:
        shared.set_xlim(min(e[0] for e in ends), max(e[1] for e in ends))
    height = figure.get_size_inches()[1]
    text_at(figure, 5.5, height - 0.22, ENERGY_LABEL, ha="center")
    figure.text(
        0.1 / 11.0, 0.5, "Counts per point at median exposure", rotation=90, va="center", ha="left"
    )
    return figure


def _columns(number: int) -> int:
    return min(number, 3) if number <= 9 else 4 if number <= 20 else 5


def _spectrum_of(panel: SpectrumFit | Spectrum) -> Spectrum:
    return panel.spectrum if isinstance(panel, SpectrumFit) else panel


def _name_key(name: str) -> tuple[int, str]:
    digits = "".join(c for c in name if c.isdigit())
    return (int(digits) if digits else 0, name)


def _grid_title(spectrum: Spectrum) -> str:
    parts = [
        f"Scan {spectrum.scan}" if spectrum.scan else "",
        f"{spectrum.temperature_k:.0f} K" if spectrum.temperature_k is not None else "",
        spectrum.file or "",
        "simulated" if is_simulated(spectrum) else "",
    ]
    return " · ".join(part for part in parts if part)


def _true_energy_range(panel: SpectrumFit | Spectrum) -> tuple[float, float]:
    if isinstance(panel, SpectrumFit):
        energy, zero = panel.spectrum.energy_mev, panel.zero.value
    else:
        energy, zero = panel.energy_mev, panel.zero_mev or 0.0
    return float(energy[0] - zero), float(energy[-1] - zero)


def _draw_panel(axes: Axes, panel: SpectrumFit | Spectrum) -> None:
    spectrum = _spectrum_of(panel)
    name = spectrum.analyzer or spectrum.label
    if spectrum.q_hkl is not None:
        name += "  (" + " ".join(f"{x:.2f}".replace("-", "−") for x in spectrum.q_hkl) + ")"
    if isinstance(panel, Spectrum):
        points = counted_points(panel, panel.zero_mev or 0.0)
        draw_points(axes, points, 2.0, FAINT)
        axes.set_ylim(0, max(1.05 * float(points.upper.max(initial=1.0)), 4.0))
        _name_panel(axes, name, dead_reason(panel) or "not fitted", QUIET, QUIET)
        return
    curves = fit_curves(panel, 240)
    draw_points(axes, curves.points, 2.0)
    for i in range(len(panel.modes)):
        color = MODES[i % len(MODES)]
        axes.fill_between(curves.energy_mev, curves.mode(i), color=color, alpha=0.3, lw=0, zorder=1)
    axes.plot(curves.energy_mev, curves.total, color=TOTAL, lw=1.0, zorder=4)
    _cut_elastic(axes, panel, curves)
    quality = (
        f"D/dof {reduced_text(panel.reduced_deviance)}" if panel.converged else "not converged"
    )
    if poor(panel):
        _name_panel(axes, name, f"poor fit: {quality}", "black", VERMILLION)
        return
    energies = ", ".join(energy_text(panel, i) for i in range(len(panel.modes)))
    _name_panel(axes, name, f"{quality}  E {energies}" if energies else quality, "black", QUIET)


def _name_panel(axes: Axes, name: str, remark: str, color: str, remark_color: str) -> None:
    """Two lines above a panel; the second is cut where the next panel begins."""
    inches = axes.get_position().width * 11.0 + 0.35
    fitting = int(inches * 72 / (7 * 0.56))
    if len(remark) > fitting:
        remark = remark[: fitting - 1].rsplit(" ", 1)[0].rstrip(" ,") + " …"
    axes.set_title(name, loc="left", pad=12, fontsize=8.5, color=color)
    axes.text(0, 1.03, remark, transform=axes.transAxes, fontsize=7, color=remark_color)


def _cut_elastic(axes: Axes, fit: SpectrumFit, curves: FitCurves) -> None:
    """End the count axis above the phonons, and say how high the elastic line goes."""
    points = curves.points
    near = 1.2 * fit.model.resolution.fwhm_mev
    away = np.abs(points.energy_mev) > near
    full = float(points.upper.max(initial=1.0))
    phonons = [float(curves.mode(i).max()) for i in range(len(fit.modes))]
    top = 1.3 * max(float(points.upper[away].max(initial=1.0)), *phonons, 4.0)
    if full <= 2 * top:
        axes.set_ylim(0, 1.05 * full)
        return
    axes.set_ylim(0, top)
    axes.annotate(
        f"↑ {full:.0f}",
        (0, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -1),
        textcoords="offset points",
        va="top",
        fontsize=7,
        color=QUIET,
    )
