"""Figure of the spectra of phonon modes in a simulation, with the oscillators fitted to them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ixs_core.figure_style import BLACK, FAINT, QUIET, VERMILLION, axes_at, styled, text_at
from ixs_core.terminal_tables import hkl_text
from simulate.md.mode_lines import ModeLinewidths, branch_text, energy_text, width_text
from simulate.md.mode_projection import ModeSpectra

_ROW = 0.27  # inches per mode
_WIDTH, _TEXT, _LEFT = 3.6, 2.0, 0.75  # inches of the spectra, of the numbers, of the branches
_HEIGHT = 0.92  # of a spectrum, in rows


@styled
def linewidth_figure(spectra: ModeSpectra, found: ModeLinewidths) -> Figure:
    """Every mode's velocity spectrum, one above the other, each to its own height.

    A column for each q; degenerate modes, and the translations at Γ, share a line or have none.
    """
    nq = len(found.q_hkl)
    rows = max(len(_leaders(found, row)) for row in range(nq))
    column = _LEFT + _WIDTH + _TEXT
    figure = Figure(figsize=(nq * column + 0.1, rows * _ROW + 1.5))
    for row in range(nq):
        left = row * column + _LEFT
        axes = axes_at(figure, left, 0.95, _WIDTH, rows * _ROW)
        _draw(axes, spectra, found, row)
        title = f"({hkl_text(found.q_hkl[row])})"
        text_at(figure, left, 0.48, title)
        text_at(figure, left - 0.1, 0.7, "branch", color=QUIET, fontsize=8, ha="right")
        text_at(
            figure,
            left + _WIDTH + 0.1,
            0.7,
            "W (meV)               FWHM (meV)",
            color=QUIET,
            fontsize=8,
        )
    text = (
        f"Spectra of the modes' velocities, {found.temperature_k:.0f} K, "
        f"resolution {found.resolution_mev:.2g} meV\n"
        "grey: spectrum, each to its own height; red: fit; black: energy of the force constants"
    )
    text_at(figure, 0.1, 0.08, text, color=QUIET, fontsize=8)
    return figure


def _leaders(found: ModeLinewidths, row: int) -> list[int]:
    """The first mode of each group that has a line."""
    first = np.flatnonzero(np.diff(found.group[row], prepend=-1))
    return [int(mode) for mode in first if not np.isnan(found.energy_mev[row, mode])]


def _draw(axes: Axes, spectra: ModeSpectra, found: ModeLinewidths, row: int) -> None:
    leaders = _leaders(found, row)
    widest = np.nanmax(found.energy_mev + found.fwhm_mev, initial=4 * found.resolution_mev)
    top = min(1.1 * float(widest), float(spectra.energy_mev[-1]))
    shown = spectra.energy_mev <= top
    energy = spectra.energy_mev[shown]
    right = axes.get_yaxis_transform()
    for level, mode in enumerate(leaders):
        spectrum, fit = spectra.spectrum[row, mode, shown], found.fit[row, mode, shown]
        scale = _HEIGHT / np.nanmax(np.maximum(spectrum, np.nan_to_num(fit)))
        axes.fill_between(energy, level, level + scale * spectrum, color=FAINT, linewidth=0)
        axes.plot(energy, level + scale * fit, color=VERMILLION)
        harmonic = found.harmonic_mev[row, mode]
        axes.plot([harmonic, harmonic], [level, level + 0.5], color=BLACK, linewidth=1.4)
        name = branch_text(found, row, mode)
        axes.text(-0.02, level, name, transform=right, ha="right", fontsize=7)
        axes.text(1.02, level, energy_text(found, row, mode), transform=right, fontsize=7)
        axes.text(1.30, level, _width_note(found, row, mode), transform=right, fontsize=7)
    axes.set_xlim(0, top)
    axes.set_ylim(0, max(len(leaders), 1))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Energy (meV)")


def _width_note(found: ModeLinewidths, row: int, mode: int) -> str:
    text = width_text(found, row, mode)
    return f"{text}, overdamped" if found.overdamped[row, mode] else text
