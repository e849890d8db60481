"""Dysnomia's density beside ours, for `ixs mem --dysnomia`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from mem.analysis_options import AnalysisOptions
    from mem.density import Density
    from mem.external import DensityComparison
    from mem.reflections import Reflections


def check_dysnomia_options(options: AnalysisOptions, executable: Path | None) -> None:
    """Whether Dysnomia is there and can do the same, before any work is done.

    Raises
    ------
    InputError
        There is no such program, or what is asked for has no place in its input: a prior that is
        not uniform, a target other than 1, weights with a power that is not whole, odd moments.
    """
    from mem.external import find_dysnomia
    from mem.formats.dysnomia_output import prf_text

    for key, found, expected in (
        ("--prior", options.prior, "uniform"),
        ("--target", options.target, 1.0),
    ):
        if found != expected:
            raise InputError(
                "Dysnomia's run, to compare with, does not have this option",
                key=key,
                found=found,
                expected=expected,
                hint="leave out --dysnomia, or the option",
            )
    prf_text("ixs", weighting=options.weighting, moments=options.moments)
    find_dysnomia(executable)


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
            weighting=options.weighting,
            moments=options.moments,
            progress=progress,
        )
    return compare(density, theirs, reflections)
