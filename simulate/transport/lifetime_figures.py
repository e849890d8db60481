"""Figure of lifetimes against energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ixs_core.arrays import FloatArray
from ixs_core.figure_style import FAINT, QUIET, SERIES, axes_at, styled, text_at
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.heat_capacity import STILL_MEV
from simulate.transport.lifetimes import Linewidths

_ALL = "all together"
_LABEL = 26  # characters of a line of the legend


@styled
def lifetime_figure(linewidths: Linewidths, temperature_k: float) -> Figure:
    """τ = ħ/FWHM of every mode against its energy, for each process and all together.

    The dashed line is τ = 1/ω: below it a phonon decays before it has vibrated once (Ioffe and
    Regel).

    Parameters
    ----------
    linewidths : Linewidths
    temperature_k : float
        One of theirs.
    """
    row = int(np.argmin(np.abs(linewidths.temperature_k - temperature_k)))
    widths = {name: width[row] for name, width in linewidths.processes.items()}
    if len(widths) > 1:
        widths[_ALL] = linewidths.fwhm_mev[row]
    return _drawn(
        {name: (linewidths.energy_mev, width) for name, width in widths.items()},
        f"{linewidths.source}, {linewidths.temperature_k[row]:g} K",
    )


@styled
def compared_lifetimes_figure(sources: Mapping[str, tuple[Linewidths, float]]) -> Figure:
    """The same of several sources, all processes together.

    Parameters
    ----------
    sources : mapping of str to (Linewidths, float)
        What each is called, with the temperature in K.
    """
    shown = {
        f"{fill(name, _LABEL)}\n{kelvin:g} K": (linewidths.energy_mev, linewidths.at(kelvin))
        for name, (linewidths, kelvin) in sources.items()
    }
    return _drawn(shown, "all processes together")


def _drawn(curves: Mapping[str, tuple[FloatArray, FloatArray]], caption: str) -> Figure:
    figure = Figure(figsize=(8.0, 3.9))
    axes = axes_at(figure, 0.75, 0.2, 4.3, 3.0)
    axes.set_yscale("log")
    colours = iter(SERIES * 9)
    lifetimes = {}
    for name, (energy, width) in curves.items():
        lifetimes[name] = _points(axes, energy, width, name, name == _ALL, colours)
    top = max(float(energy.max()) for energy, _ in curves.values())
    _ioffe_regel(axes, top)
    low, high = _range(lifetimes, top)
    axes.set_ylim(low, high)
    axes.set_xlim(0, 1.03 * top)
    axes.set_xlabel("Energy (meV)")
    axes.set_ylabel("Lifetime ħ/FWHM (ps)")
    _fwhm_axis(axes, low, high)
    axes.legend(loc="upper left", bbox_to_anchor=(1.18, 1.0), markerscale=2.0)
    beyond = sum(int((tau > high).sum()) for tau in lifetimes.values())
    if beyond:
        caption += f"; {beyond} points are longer than shown"
    text_at(figure, 0.1, 3.68, caption, color=QUIET, fontsize=8)
    return figure


def _points(
    axes: Axes,
    energy: FloatArray,
    width: FloatArray,
    name: str,
    behind: bool,
    colours: Iterator[str],
) -> FloatArray:
    """Draw one cloud, the sum broad and grey behind its parts, and return its lifetimes."""
    with np.errstate(invalid="ignore"):
        known = (width > 0) & (energy > STILL_MEV)
    lifetime = HBAR_MEV_PS / width[known]
    colour = FAINT if behind else next(colours)
    size = 6.0 if behind else 2.5
    axes.plot(
        energy[known],
        lifetime,
        ".",
        markersize=size,
        color=colour,
        label=name,
        zorder=1 if behind else 2,
    )
    return np.asarray(lifetime)


def _ioffe_regel(axes: Axes, top: float) -> None:
    energy = np.linspace(0.002 * top, 1.03 * top, 300)
    axes.plot(
        energy, HBAR_MEV_PS / energy, "--", color=QUIET, zorder=1, label="τ = 1/ω (Ioffe-Regel)"
    )


def _range(lifetimes: Mapping[str, FloatArray], top_mev: float) -> tuple[float, float]:
    """From below Ioffe-Regel to ten times the longest lifetime of all processes together."""
    whole = lifetimes[_ALL] if _ALL in lifetimes else np.concatenate(list(lifetimes.values()))
    if not whole.size:
        return 0.01, 100.0
    low = min(float(whole.min()), HBAR_MEV_PS / top_mev)
    return 0.5 * low, 10.0 * float(whole.max())


def _fwhm_axis(axes: Axes, low: float, high: float) -> None:
    twin = axes.twinx()
    twin.set_yscale("log")
    twin.set_ylim(HBAR_MEV_PS / low, HBAR_MEV_PS / high)
    twin.set_ylabel("FWHM (meV)")
    twin.spines["right"].set_visible(True)
