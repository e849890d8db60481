"""Figures of the scattering of a simulation: S(Q,E), one panel per wave vector."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ixs_core.figure_style import (
    BLUE,
    ENERGY_LABEL,
    FAINT,
    QUIET,
    VERMILLION,
    axes_at,
    styled,
    text_at,
)
from ixs_core.terminal_tables import hkl_text
from simulate.md.energy_reach import scattering_reach_mev
from simulate.md.phonon_comparison import PhononCurves
from simulate.md.scattering_spectrum import DynamicStructureFactor


@styled
def scattering_figure(
    found: DynamicStructureFactor, phonons: PhononCurves | None = None, title: str = ""
) -> Figure:
    """Inelastic S(Q,E) of every wave vector on one energy scale, with its standard error.

    The elastic line, which has no width, is written as its area. Phonons, where given, are drawn
    in the same units, without any scale between them.
    """
    number = len(found.q_hkl)
    columns = 1 if number <= 4 else 2
    rows = -(-number // columns)
    top = 0.65 if phonons is not None or title else 0.35
    figure = Figure(figsize=(0.2 + 5.4 * columns, top + 0.3 + 1.5 * rows))
    shown = np.abs(found.energy_mev) <= scattering_reach_mev(found)
    energy = found.energy_mev[shown]
    for panel, curve in enumerate(found.inelastic[:, shown]):
        column, row = divmod(panel, rows)
        axes = axes_at(figure, 0.7 + 5.4 * column, top + 1.5 * row, 4.6, 1.2)
        error = found.relative_error * curve
        axes.fill_between(energy, np.maximum(curve - error, 0), curve + error, color=FAINT)
        axes.plot(energy, curve, color=BLUE, label="simulation, ± 1σ")
        if phonons is not None:
            lines = phonons.inelastic[panel, shown]
            axes.plot(energy, lines, "--", color=VERMILLION, lw=0.9, label=phonons.source)
        if panel == 0 and phonons is not None:
            place = (0.0, 1.0)
            axes.legend(loc="lower left", bbox_to_anchor=place, ncols=2, borderaxespad=0.1)
        axes.set_xlim(energy[0], energy[-1])
        axes.set_ylim(bottom=0)
        text = f"({hkl_text(found.q_hkl[panel])})\nelastic {found.elastic[panel]:.3g}"
        axes.text(0.99, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
        last = row == rows - 1 or panel == number - 1
        axes.tick_params(labelbottom=last)
        if last:
            axes.set_xlabel(ENERGY_LABEL)
    text = f"S(Q,E) in {found.unit} per atom; FWHM {found.fwhm_mev:.2g} meV; grey: ± 1σ"
    text_at(figure, 0.7, 0.1, f"{title}. {text}" if title else text, color=QUIET, fontsize=8)
    return figure
