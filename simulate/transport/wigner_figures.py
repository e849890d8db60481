"""Figures of Wigner conductivities."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ixs_core.arrays import FloatArray
from ixs_core.figure_style import (
    BLACK,
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    PURPLE,
    QUIET,
    SKY,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from simulate.transport.irreducible_mesh import mesh_text
from simulate.transport.mode_table import SpectralKappa, spectral_kappa
from simulate.transport.wigner import WignerKappa

_ELEMENT_COLOURS = (ORANGE, SKY, PURPLE, FAINT, BLACK)
_AXES = (("x", BLUE), ("y", GREEN), ("z", VERMILLION))


@styled
def spectral_figure(result: WignerKappa) -> Figure:
    """κ_p and κ_c per energy, by element, and below each energy, along x, y and z.

    Parameters
    ----------
    result : WignerKappa
    """
    spectrum = spectral_kappa(result.modes)
    figure = Figure(figsize=(7.9, 5.35))
    parts = (
        ("particle-like κ$_p$", spectrum.element_p, spectrum.cumulative_p),
        ("wave-like κ$_c$", spectrum.element_c, spectrum.cumulative_c),
    )
    for column, (name, by_element, cumulative) in enumerate(parts):
        left = 0.75 + 3.75 * column
        above = axes_at(figure, left, 0.4, 2.95, 1.9)
        below = axes_at(figure, left, 2.55, 2.95, 1.9)
        _by_element(above, spectrum, by_element)
        _below_energy(below, spectrum, cumulative)
        above.set_title(name, loc="left")
        if column == 0:
            above.set_ylabel("dκ/dE (W m⁻¹ K⁻¹ meV⁻¹)")
            below.set_ylabel("κ below E (W m⁻¹ K⁻¹)")
            above.legend(loc="upper right")
            below.legend(loc="upper left")
        above.tick_params(labelbottom=False)
        below.set_xlabel("Phonon energy (meV)")
    caption = f"{result.temperature_k:g} K, mesh {mesh_text(result.mesh)}"
    if result.variant != "wigner":
        caption += f"; WRONG ON PURPOSE: {result.variant}"
    caption += (
        f". Above: mean of the axes, shared by |e|², smoothed by {spectrum.fwhm_mev:.2g} meV (FWHM)"
    )
    text_at(figure, 0.1, 4.95, f"{result.source}\n{caption}", color=QUIET, fontsize=8)
    return figure


def _by_element(axes: Axes, spectrum: SpectralKappa, parts: FloatArray) -> None:
    floor = np.zeros(len(spectrum.energy_mev))
    colours = _ELEMENT_COLOURS * 9
    for element, part, colour in zip(spectrum.elements, parts, colours, strict=False):
        axes.fill_between(
            spectrum.energy_mev,
            floor,
            floor + part,
            color=colour,
            alpha=0.7,
            linewidth=0,
            label=element,
        )
        floor = floor + part
    axes.plot(spectrum.energy_mev, floor, color=BLACK, linewidth=0.8)
    axes.set_xlim(0, spectrum.energy_mev[-1])
    axes.set_ylim(bottom=0)


def _below_energy(axes: Axes, spectrum: SpectralKappa, cumulative: FloatArray) -> None:
    for component, (name, colour) in enumerate(_AXES):
        axes.plot(spectrum.energy_mev, cumulative[:, component], color=colour, label=name)
    axes.set_xlim(0, spectrum.energy_mev[-1])
    axes.set_ylim(bottom=0)
