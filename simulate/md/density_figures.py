"""Figures of a simulation's density, alone or with a measured one: those of `mem`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from ixs_core.report_parts import anchor
from mem.density_result import DensityResult
from mem.figures import profile_figure, section_figure

SIMULATED_BAND = "± standard error of the simulation, from its blocks of time"
"""What the bands of profiles are where only the simulation has one."""

BOTH_BANDS = "± σ: simulation, from blocks of time; reconstruction, with the bias of its method"
"""And where a reconstruction has one, too."""


def density_figures(results: Sequence[DensityResult]) -> Iterator[tuple[str, Figure]]:
    """Name and figure of each section and each kind of path, all densities in each.

    Parameters
    ----------
    results : sequence of DensityResult
        Of `side_by_side`.
    """
    for index in range(len(results[0].sections)):
        yield f"section_{index + 1}", section_figure(results, index)
    for kind in dict.fromkeys(path.kind for path in results[0].paths):
        yield f"profile_{anchor(kind)}", profile_figure(results, kind, SIMULATED_BAND)
