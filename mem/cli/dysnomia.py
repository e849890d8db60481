"""Dysnomia's density beside ours, for `ixs mem --dysnomia`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mem.analysis_options import AnalysisOptions
    from mem.density import Density
    from mem.external import DensityComparison
    from mem.reflections import Reflections


def compare_with_dysnomia(
    reflections: Reflections, density: Density, options: AnalysisOptions, executable: Path
) -> DensityComparison:
    """Run Dysnomia on the same data, grid, weights and moments, and compare its density.

    Raises
    ------
    InputError
        From `run_dysnomia`.
    """
    from ixs_core.jobs import terminal_progress
    from mem.external import compare, run_dysnomia

    with terminal_progress("Dysnomia") as progress:
        theirs = run_dysnomia(
            reflections,
            density.shape,
            executable=executable,
            weighting=int(options.weighting),
            moments=options.moments,
            progress=progress,
        )
    return compare(density, theirs, reflections)
