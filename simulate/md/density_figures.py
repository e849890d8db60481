"""Figures of a simulation's density, alone or with a measured one: those of `mem`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from ixs_core.report_parts import anchor
from mem.density_result import DensityResult
from mem.figures import profile_figure, section_figure


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
        figure = profile_figure(results, kind)
        for text in (text for legend in figure.legends for text in legend.get_texts()):
            # There it is that of a reconstruction; here only the simulation has a band.
            text.set_text("± standard error of the simulation, from its blocks of time")
        yield f"profile_{anchor(kind)}", figure
