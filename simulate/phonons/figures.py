"""Figures of calculated S(Q,E): dispersion with intensity, maps along paths, constant-Q spectra."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ixs_core.arrays import FloatArray
from ixs_core.figure_style import (
    BLUE,
    ENERGY_LABEL,
    FAINT,
    QUIET,
    SERIES,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from simulate.phonons.modes import IMAGINARY_MEV, ModeStructureFactor

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTENSITY_LABEL = "I [n+1] (e² per primitive cell)"
_DECADES = 3.0
_COLUMNS = 7
_UNDER_ELASTIC_MEV = 0.7
"""Half a usual FWHM of R: modes below it diverge towards Bragg points and do not set scales."""

_CUT = 6.0
"""Panels of spectra end at so many times the median of their peaks."""

_LABELLED = 0.08
"""Modes above this share of the strongest one in a panel are labelled with their branch."""


@styled
def dispersion_figure(
    distance: FloatArray,
    ticks: Sequence[tuple[float, str]],
    scattering: ModeStructureFactor,
    title: str,
) -> Figure:
    """Branches along a path, every point as large as its one-phonon intensity.

    Imaginary modes are drawn below zero at -|E| on a shaded ground; they have no intensity.

    Parameters
    ----------
    distance : (nq,) array
        Length along the path, Å⁻¹.
    ticks : sequence of (distance, label)
        Corners of the path.
    scattering : ModeStructureFactor
        At the path's Q; lines follow its branch numbers.
    title : str
    """
    figure = Figure(figsize=(7.6, 5.0))
    _title(figure, title)
    axes = axes_at(figure, 0.75, 0.45, 5.5, 3.8)
    weight = scattering.loss_intensity
    strongest = _strongest(scattering)
    for branch in np.unique(scattering.branch):
        energy = np.where(scattering.branch == branch, scattering.energy_mev, np.nan)
        axes.plot(distance, np.nansum(energy, axis=1), color=FAINT, linewidth=0.7, zorder=1)
    seen = weight > strongest * 10**-_DECADES
    at = np.broadcast_to(distance[:, None], weight.shape)[seen]
    order = np.argsort(weight[seen])
    points = axes.scatter(
        at[order],
        scattering.energy_mev[seen][order],
        s=60 * np.sqrt(np.minimum(weight[seen][order] / strongest, 1.0)),
        c=weight[seen][order],
        norm=LogNorm(strongest * 10**-_DECADES, strongest),
        cmap="viridis_r",
        linewidths=0,
        zorder=2,
    )
    _mark_imaginary(axes, scattering)
    _path_axis(axes, distance, ticks)
    axes.set_ylabel("Phonon energy (meV)")
    bar = figure.colorbar(points, cax=axes_at(figure, 6.4, 0.45, 0.14, 3.8), extend="max")
    bar.set_label(INTENSITY_LABEL)
    return figure


@styled
def map_figure(
    distance: FloatArray,
    ticks: Sequence[tuple[float, str]],
    energy_mev: FloatArray,
    intensity: FloatArray,
    title: str,
) -> Figure:
    """S(Q,E) along a path as a map.

    Parameters
    ----------
    distance : (nq,) array
        Å⁻¹.
    ticks : sequence of (distance, label)
    energy_mev : (n_energies,) array
    intensity : (nq, n_energies) array
        e²/meV per primitive cell, on a logarithmic colour scale of
        three decades up to twice the median peak.
    title : str
    """
    figure = Figure(figsize=(7.6, 5.0))
    _title(figure, title)
    axes = axes_at(figure, 0.75, 0.45, 5.5, 3.8)
    # The peaks near Bragg points, a hundred times higher, would leave the rest in the dark.
    strongest = 2 * float(np.median(intensity.max(axis=1))) or 1.0
    drawn = axes.pcolormesh(
        distance,
        energy_mev,
        np.maximum(intensity, 1e-300).T,
        norm=LogNorm(strongest * 10**-_DECADES, strongest),
        cmap="magma",
        shading="nearest",
        rasterized=True,
    )
    _path_axis(axes, distance, ticks)
    axes.set_ylabel(ENERGY_LABEL)
    bar = figure.colorbar(drawn, cax=axes_at(figure, 6.4, 0.45, 0.14, 3.8), extend="max")
    bar.set_label("S(Q,E) through R (e²/meV per primitive cell)")
    return figure


@styled
def spectra_figure(
    names: Sequence[str],
    energy_mev: FloatArray,
    spectra: FloatArray,
    scattering: ModeStructureFactor,
    title: str,
) -> Figure:
    """Constant-Q spectra, one panel per analyzer or Q, with the modes as labelled sticks.

    Parameters
    ----------
    names : sequence of n str
        Title of each panel.
    energy_mev : (n_energies,) array
    spectra : (n, n_energies) array
        e²/meV per primitive cell.
    scattering : ModeStructureFactor
        At the same n Q.
    title : str
    """
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    width, height = (1.62, 1.45) if len(names) > 4 else (3.2, 2.4)
    size = (0.75 + columns * width + 0.2, 0.75 + rows * height + 0.25)
    figure = Figure(figsize=(max(size[0], 5.0), size[1]))
    _title(figure, title)
    peaks = spectra.max(axis=1)
    # One Q beside a Bragg point would leave all others flat: its panel is cut instead.
    top = 1.08 * min(float(peaks.max()), _CUT * float(np.median(peaks))) or 1.0
    for i, name in enumerate(names):
        row, column = divmod(i, columns)
        axes = axes_at(
            figure, 0.75 + column * width, 0.55 + row * height, width - 0.12, height - 0.28
        )
        axes.plot(energy_mev, spectra[i], color=VERMILLION, linewidth=1.0)
        window = (float(energy_mev[0]), float(energy_mev[-1]))
        _sticks(axes, scattering, i, window, float(spectra[i].max(initial=0.0)))
        axes.set_xlim(energy_mev[0], energy_mev[-1])
        axes.set_ylim(0, top)
        axes.set_title(name, fontsize=7, pad=2)
        if peaks[i] > top:
            axes.text(
                0.98, 0.97, f"↑ {peaks[i]:.3g}", transform=axes.transAxes, ha="right", va="top",
                fontsize=6.5, color=QUIET,
            )  # fmt: skip
        axes.tick_params(labelsize=6.5)
        axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
        if column:
            axes.set_yticklabels([])
        if i + columns < len(names):
            axes.set_xticklabels([])
    center = 0.75 + columns * width / 2
    text_at(figure, center, size[1] - 0.28, ENERGY_LABEL, ha="center", fontsize=8.5)
    figure.text(
        0.12 / figure.get_size_inches()[0],
        0.5,
        "S(Q,E) (e²/meV per primitive cell)",
        rotation=90,
        va="center",
        fontsize=8.5,
    )
    return figure


def _title(figure: Figure, title: str) -> None:
    """The title at the upper left, smaller where the figure is too narrow for it."""
    width = figure.get_size_inches()[0] - 0.85
    text_at(
        figure, 0.75, 0.1, title, fontsize=max(5.0, min(10.0, 10 * width / (0.086 * len(title))))
    )


def _strongest(scattering: ModeStructureFactor) -> float:
    """The largest I [n+1] of modes that stand clear of the elastic line."""
    clear = scattering.energy_mev > _UNDER_ELASTIC_MEV
    weight = scattering.loss_intensity
    return float(weight[clear].max(initial=0.0)) or float(weight.max(initial=0.0)) or 1.0


def _sticks(
    axes: Axes, scattering: ModeStructureFactor, i: int, window: tuple[float, float], high: float
) -> None:
    """Ticks at the modes' energies, as high as their share; strong ones carry their branch."""
    weight = scattering.loss_intensity[i]
    strongest = float(weight.max(initial=0.0)) or 1.0
    last = -math.inf
    for energy, share, branch in zip(
        scattering.energy_mev[i], weight / strongest, scattering.branch[i], strict=True
    ):
        if share < 0.01 or not window[0] < energy < window[1]:
            continue
        axes.vlines(energy, 0, high * share, color=BLUE, linewidth=0.8, zorder=3)
        if share > _LABELLED and energy - last > 0.05 * (window[1] - window[0]):
            axes.text(
                energy,
                high * (share + 0.02),
                str(branch),
                ha="center",
                fontsize=5.5,
                color=BLUE,
                clip_on=True,
            )
            last = energy


def _mark_imaginary(axes: Axes, scattering: ModeStructureFactor) -> None:
    lowest = float(scattering.energy_mev.min())
    if lowest >= -IMAGINARY_MEV:
        axes.set_ylim(bottom=0)
        return
    axes.axhspan(1.1 * lowest, 0, color="#f3e3e0", zorder=0, linewidth=0)
    axes.axhline(0, color=QUIET, linewidth=0.6)
    where = scattering.imaginary
    axes.set_ylim(bottom=1.1 * lowest)
    axes.annotate(
        f"imaginary modes: {int(where.sum())} of {where.size}, drawn at −|E|, not scattering",
        (0, 0),
        xycoords=("axes fraction", "data"),
        xytext=(4, -3),
        textcoords="offset points",
        va="top",
        color=SERIES[1],
        fontsize=7.5,
    )


def _path_axis(axes: Axes, distance: FloatArray, ticks: Sequence[tuple[float, str]]) -> None:
    axes.set_xlim(distance[0], distance[-1])
    axes.set_xticks([at for at, _ in ticks], [label for _, label in ticks])
    for at, _ in ticks[1:-1]:
        axes.axvline(at, color=QUIET, linewidth=0.6)
    axes.set_xlabel(f"Q (h k l), r.l.u.; {distance[-1] - distance[0]:.3f} Å⁻¹ in all")
