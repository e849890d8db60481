"""Figures of the paths of jumping ions, and of the potential of one ion about its site."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ixs_core.figure_style import MARKERS, QUIET, SERIES, axes_at, styled, text_at
from simulate.md.barriers import Barrier, IonPotential


@styled
def barrier_figure(
    barriers: Mapping[str, Barrier], one_ion: Mapping[str, IonPotential] | None = None
) -> Figure:
    """Energy along each path with its images and, beside, of one ion about its site.

    Parameters
    ----------
    barriers, one_ion : mappings
        By direction.
    """
    wide = 5.6 + (4.6 if one_ion else 0.0)
    figure = Figure(figsize=(wide, 3.5))
    axes = axes_at(figure, 0.75, 0.4, 3.1, 2.5)
    for k, (name, found) in enumerate(barriers.items()):
        colour = SERIES[k % len(SERIES)]
        axes.plot(*found.profile(), color=colour)
        axes.plot(
            found.distance,
            found.energy_mev,
            MARKERS[k % len(MARKERS)],
            color=colour,
            markersize=4.5,
            label=f"{name}  {_height(found)}",
        )
    axes.axhline(0, color=QUIET, linewidth=0.5)
    axes.set_xlabel("Path length of all atoms (Å)")
    axes.set_ylabel("Energy from the start (meV)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title="direction, barrier")
    text_at(figure, 0.75, 0.1, "markers: images of the path", color=QUIET, fontsize=8)
    if one_ion:
        _one_ion_panel(figure, one_ion)
    return figure


def _one_ion_panel(figure: Figure, one_ion: Mapping[str, IonPotential]) -> None:
    axes = axes_at(figure, 6.2, 0.4, 2.6, 2.5)
    for k, (name, found) in enumerate(one_ion.items()):
        colour = SERIES[k % len(SERIES)]
        fine = np.linspace(found.displacement[0], found.displacement[-1], 201)
        curve = np.polynomial.polynomial.polyval(fine, found.coefficients)
        axes.plot(fine, curve, color=colour)
        axes.plot(
            found.displacement,
            found.energy_mev,
            MARKERS[k % len(MARKERS)],
            color=colour,
            markersize=3,
            label=f"{name}  order {found.order}",
        )
    axes.set_xlabel("Displacement of the ion (Å)")
    axes.set_ylabel("Energy from its site (meV)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    text_at(
        figure, 6.2, 0.1, "one ion, all others at rest; lines: polynomials", color=QUIET, fontsize=8
    )


def _height(found: Barrier) -> str:
    text = f"{found.barrier_mev:.0f} ± {found.error_mev:.0f} meV"
    return text if found.converged else f"{text}, not converged"
