"""Figure of lifetimes between the limits of Ioffe and Regel and of Wigner."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.figure_style import (
    BLACK,
    MARKERS,
    QUIET,
    SERIES,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.regime_curves import (
    lifetime_interval,
    lifetime_range,
    limit_energies,
    top_energy,
    well_known,
)
from simulate.transport.regimes import Lifetimes, RegimeLimits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL = 34  # characters of a line of the legend
_CLOUDS = (SERIES[5], SERIES[3], SERIES[2], SERIES[4])
_POINTS = (VERMILLION, BLACK, SERIES[0])


@styled
def regimes_figure(sources: Sequence[Lifetimes], limits: RegimeLimits, title: str = "") -> Figure:
    """τ = ħ/FWHM against energy, on a logarithmic scale, with both limits.

    Calculated modes are clouds. Measured ones have standard errors of energy and lifetime; an
    upper limit of a width is an arrow that begins at the lower limit of the lifetime.

    Parameters
    ----------
    sources : sequence of Lifetimes
    limits : RegimeLimits
    title : str
    """
    figure = Figure(figsize=(10.2, 4.5))
    axes = axes_at(figure, 0.75, 0.45, 5.2, 3.45)
    axes.set_yscale("log")
    top = top_energy(sources)
    low, high = lifetime_range(sources, limits, top)
    _draw_limits(axes, limits, top, low, high)
    clouds = [one for one in sources if not one.measured]
    for one, colour in zip(clouds, _CLOUDS * 9, strict=False):
        axes.plot(
            one.energy_mev, one.lifetime_ps, ".", ms=3.5, color=colour, label=fill(one.name, _LABEL)
        )
    points = [one for one in sources if one.measured]
    for one, colour, marker in zip(points, _POINTS * 9, MARKERS * 9, strict=False):
        _draw_points(axes, one, colour, marker)
    axes.set_xlim(0, top)
    axes.set_ylim(low, high)
    axes.set_xlabel("Energy (meV)")
    axes.set_ylabel("Lifetime ħ/FWHM (ps)")
    twin = axes.secondary_yaxis("right", functions=(_other, _other))
    twin.set_ylabel("FWHM (meV)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.15, 1.0), borderaxespad=0)
    text_at(figure, 0.75, 0.12, title, fontsize=10)
    return figure


def _other(value: ArrayLike) -> FloatArray:
    """ħ over a lifetime or a width, which gives the other one."""
    return np.asarray(HBAR_MEV_PS / np.maximum(np.asarray(value, dtype=float), 1e-12))


def _draw_limits(axes: Axes, limits: RegimeLimits, top: float, low: float, high: float) -> None:
    energy = limit_energies(top)
    ioffe_regel = limits.ioffe_regel_ps(energy)
    wigner = limits.wigner_ps
    axes.plot(energy, ioffe_regel, color=QUIET, lw=1.1, label="Ioffe-Regel, τ = 1/ω")
    label = f"Wigner, τ = 1/Δω_avg = {wigner:.2g} ps"
    axes.axhline(wigner, color=QUIET, lw=1.1, ls="--", label=label)
    axes.fill_between(energy, low, ioffe_regel, color="#f3e3e0", lw=0, zorder=0)
    between = np.maximum(ioffe_regel, wigner)
    axes.fill_between(energy, ioffe_regel, between, color="#eef2f6", lw=0, zorder=0)
    for height, text in (
        (np.sqrt(wigner * high), "particle-like"),
        (np.sqrt(wigner * max(HBAR_MEV_PS / top, low)), "wave-like"),
    ):
        axes.text(0.985 * top, height, text, ha="right", va="center", fontsize=8, color=QUIET)
    axes.text(0.02, 0.03, "below Ioffe-Regel", transform=axes.transAxes, fontsize=8, color=QUIET)


def _draw_points(axes: Axes, one: Lifetimes, colour: str, marker: str) -> None:
    """Resolved widths with errors, faint where the error is large; limits as arrows."""
    resolved = ~one.is_limit
    sharp = well_known(one)
    for rows, faint in ((resolved & ~sharp, True), (resolved & sharp, False)):
        if rows.any():
            _draw_resolved(axes, one, rows, colour, marker, faint)
    if one.is_limit.any():
        axes.plot(
            one.energy_mev[one.is_limit],
            one.lifetime_ps[one.is_limit],
            marker=r"$\uparrow$",
            ls="",
            ms=6,
            mew=0,
            color=colour,
            alpha=0.45,
            label=fill(f"{one.name}: at least (95 %)", _LABEL),
            zorder=2,
        )


def _draw_resolved(
    axes: Axes, one: Lifetimes, rows: BoolArray, colour: str, marker: str, faint: bool
) -> None:
    tau = one.lifetime_ps[rows]
    shortest, longest = (end[rows] for end in lifetime_interval(one))
    axes.errorbar(
        one.energy_mev[rows],
        tau,
        xerr=one.energy_err[rows],
        yerr=np.array([tau - shortest, longest - tau]),
        fmt=marker,
        ms=3 if faint else 4,
        lw=0.5 if faint else 0.8,
        color=colour,
        mec="white",
        mew=0.4,
        alpha=0.25 if faint else 1.0,
        label=fill(f"{one.name}, {'error above half' if faint else '± σ'}", _LABEL),
        zorder=3 if faint else 4,
    )
