"""Figures of the scattering of a simulation: S(Q,E), one panel per wave vector."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ixs_core.figure_style import BLUE, ENERGY_LABEL, FAINT, QUIET, axes_at, styled, text_at
from ixs_core.terminal_tables import hkl_text
from simulate.md.scattering_spectrum import DynamicStructureFactor

_SEEN = 0.995  # energies up to which this share of the scattering lies are drawn


@styled
def scattering_figure(found: DynamicStructureFactor) -> Figure:
    """Inelastic S(Q,E) of every wave vector on one energy scale, with its standard error.

    The elastic line, which has no width, is written as its area.
    """
    number = len(found.q_hkl)
    figure = Figure(figsize=(5.6, 0.6 + 1.5 * number))
    shown = np.abs(found.energy_mev) <= _highest_energy(found)
    energy = found.energy_mev[shown]
    for panel, curve in enumerate(found.inelastic[:, shown]):
        axes = axes_at(figure, 0.7, 0.35 + 1.5 * panel, 4.6, 1.2)
        error = found.relative_error * curve
        axes.fill_between(energy, np.maximum(curve - error, 0), curve + error, color=FAINT)
        axes.plot(energy, curve, color=BLUE)
        axes.set_xlim(energy[0], energy[-1])
        axes.set_ylim(bottom=0)
        text = f"({hkl_text(found.q_hkl[panel])})\nelastic {found.elastic[panel]:.3g}"
        axes.text(0.99, 0.97, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
        axes.tick_params(labelbottom=panel == number - 1)
    axes.set_xlabel(ENERGY_LABEL)
    text = f"S(Q,E) in {units(found)} per atom; FWHM {found.fwhm_mev:.2g} meV; grey: ± 1σ"
    text_at(figure, 0.7, 0.1, text, color=QUIET, fontsize=8)
    return figure


def units(found: DynamicStructureFactor) -> str:
    """What S(Q,E) per atom counts in."""
    return {"xray": "e²/meV", "neutron": "fm²/meV"}.get(found.weights, "weights²/meV")


def _highest_energy(found: DynamicStructureFactor) -> float:
    """|E| within which nearly all of the scattering of all wave vectors lies."""
    largest = found.inelastic.max(axis=1, keepdims=True)
    share = (found.inelastic / np.where(largest > 0, largest, 1.0)).sum(axis=0)
    order = np.argsort(np.abs(found.energy_mev), kind="stable")
    below = np.cumsum(share[order])
    row = min(int(np.searchsorted(below, _SEEN * below[-1])), len(order) - 1)
    return max(float(np.abs(found.energy_mev[order[row]])), 3 * found.bin_mev)
