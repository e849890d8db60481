"""Figures of how ions move: displacements, density of states, van Hove functions, single paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from ixs_core.figure_style import BLUE, GREEN, QUIET, SERIES, VERMILLION, axes_at, styled, text_at
from simulate.md.diffusion_coefficient import AXES, Diffusion
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.energy_reach import states_reach_mev
from simulate.md.ion_trajectories import IonPaths
from simulate.md.self_correlation import VanHove
from simulate.md.vibrational_states import PhononDos

_AXIS_COLOURS = (BLUE, GREEN, VERMILLION)


@styled
def displacement_figure(
    msd: MeanSquareDisplacement, coefficients: Sequence[Diffusion] = ()
) -> Figure:
    """⟨|Δr|²⟩ of each element on logarithmic scales, with the windows fitted.

    Parameters
    ----------
    msd : MeanSquareDisplacement
    coefficients : sequence of Diffusion
        Those of all directions together are written beside their element.
    """
    figure = Figure(figsize=(5.6, 3.6))
    axes = axes_at(figure, 0.7, 0.3, 3.1, 2.7)
    whole = {found.element: found for found in coefficients if found.axis == "all"}
    for element, total, colour in zip(msd.elements, msd.total_A2, SERIES * 20, strict=False):
        axes.loglog(
            msd.time_ps[1:],
            np.where(total > 0, total, np.nan)[1:],
            color=colour,
            label=f"{element}  {_stated(whole[element])}" if element in whole else element,
        )
        if element in whole:
            low, high = whole[element].window_ps
            fitted = (msd.time_ps >= max(low, msd.time_ps[1])) & (msd.time_ps <= high)
            axes.loglog(msd.time_ps[fitted], total[fitted], color=colour, linewidth=3, alpha=0.4)
    axes.set_xlabel("Time (ps)")
    axes.set_ylabel("⟨|Δr|²⟩ (Å²)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    text_at(figure, 0.7, 0.1, "broad: fitted", color=QUIET, fontsize=8)
    return figure


def _stated(found: Diffusion) -> str:
    if found.upper_limit is not None:
        return f"D < {found.upper_limit:.1e} cm²/s"
    return f"D = {found.value:.2e}\n± {found.stderr:.0e} cm²/s"


@styled
def dos_figure(dos: PhononDos) -> Figure:
    """States of each element by direction, one panel below the other, on one energy scale."""
    number = len(dos.elements)
    figure = Figure(figsize=(5.6, 0.9 + 1.5 * number))
    top_mev = states_reach_mev(dos)
    for panel, (element, states) in enumerate(zip(dos.elements, dos.dos, strict=True)):
        axes = axes_at(figure, 0.7, 0.35 + 1.5 * panel, 4.6, 1.3)
        for name, curve, colour in zip(AXES, states, _AXIS_COLOURS, strict=True):
            axes.plot(dos.energy_mev, curve, color=colour, label=name)
        axes.set_xlim(0, top_mev * 1.05)
        axes.set_ylim(bottom=0)
        axes.text(0.02, 0.95, element, transform=axes.transAxes, va="top")
        axes.tick_params(labelbottom=panel == number - 1)
        if panel == 0:
            axes.legend(loc="upper right", ncols=3)
    axes.set_xlabel("Energy (meV)")
    text = (
        f"States per meV of all atoms; {dos.temperature_k:.0f} K, FWHM {dos.resolution_mev:.2g} meV"
    )
    text_at(figure, 0.7, 0.1, text, color=QUIET, fontsize=8)
    return figure


@styled
def van_hove_figure(found: VanHove) -> Figure:
    """Displacements along each direction after each time; dashed, Gaussians of the same width."""
    figure = Figure(figsize=(7.4, 2.9))
    gaussian = found.gaussian_along()
    least = found.along[found.along > 0].min(initial=1.0)
    shared = None
    for axis, name in enumerate(AXES):
        axes = axes_at(figure, 0.7 + 2.2 * axis, 0.4, 1.9, 1.9, sharey=shared)
        shared = shared or axes
        for k, (time, colour) in enumerate(zip(found.time_ps, SERIES * 20, strict=False)):
            seen = found.along[k, axis] > 0
            where = found.displacement_A[seen]
            axes.semilogy(where, found.along[k, axis, seen], color=colour, label=f"{time:g} ps")
            axes.semilogy(where, gaussian[k, axis, seen], "--", color=colour, linewidth=0.7)
        axes.set_ylim(bottom=least / 2)
        axes.set_xlabel(f"Δ{name} (Å)")
        axes.tick_params(labelleft=axis == 0)
        if axis == 0:
            axes.set_ylabel(f"{found.element} per Å")
            axes.legend(loc="lower center")
    text_at(figure, 0.7, 0.1, "dashed: Gaussian of the same ⟨Δr²⟩", color=QUIET, fontsize=8)
    return figure


@styled
def ion_paths_figure(paths: IonPaths, labels: Sequence[str] = ()) -> Figure:
    """Position of each ion from its site along x, y, z against time, one panel per ion.

    Parameters
    ----------
    paths : IonPaths
    labels : sequence of str
        One per ion; by default the atoms' numbers.
    """
    number = len(paths.atoms)
    figure = Figure(figsize=(5.6, 1.0 + 1.4 * number))
    names = labels or [f"atom {atom}" for atom in paths.atoms]
    for panel, (label, position) in enumerate(zip(names, paths.position_A, strict=True)):
        axes = axes_at(figure, 0.7, 0.5 + 1.4 * panel, 4.6, 1.1)
        for name, curve, colour in zip(AXES, position, _AXIS_COLOURS, strict=True):
            axes.plot(paths.time_ps, curve, color=colour, linewidth=0.7, label=name)
        axes.set_title(label, loc="left", pad=2, fontsize=8)
        axes.tick_params(labelbottom=panel == number - 1)
        axes.margins(x=0)
        if panel == 0:
            place = (1.0, 1.0)
            axes.legend(loc="lower right", bbox_to_anchor=place, ncols=3, borderaxespad=0.1)
    axes.set_xlabel("Time (ps)")
    text_at(figure, 0.7, 0.1, "Å from the ideal site", color=QUIET, fontsize=8)
    return figure
