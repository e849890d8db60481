"""From structure factors to everything that is shown of a density: the chain behind `ixs mem`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken, Progress
from mem.analysis_options import AnalysisOptions, reconstruction_settings
from mem.density import Density, MemReport
from mem.density_result import DensityResult, DrawnSection, PathResult, SiteResult
from mem.path_analysis import path_results
from mem.path_choice import NamedPath, choose_paths
from mem.plane_choice import parse_place, parse_plane
from mem.reconstruction import reconstruct
from mem.reflections import Reflections
from mem.section import Section, section_sites
from mem.sites import site_results
from mem.steps import OnStep


@dataclass(frozen=True)
class Analysis:
    """A density and what is shown of it."""

    density: Density
    result: DensityResult


def analyse(
    reflections: Reflections,
    options: AnalysisOptions,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    on_step: OnStep | None = None,
) -> Analysis:
    """Reconstruct, cut sections, follow paths with uncertainties, compare with the model.

    Parameters
    ----------
    reflections : Reflections
    options : AnalysisOptions
    progress, cancel
        As for all long functions; a cancelled reconstruction keeps its last density, and
        cancelled uncertainties leave the density and its profiles without them.
    on_step : callable, optional
        As `reconstruct` takes it.

    Returns
    -------
    Analysis

    Raises
    ------
    InputError
        From the reconstruction, or because of planes, paths and numbers, which are checked before
        it. What fails after it is a note, and the density is kept.
    """
    structure = reflections.structure
    paths = [path for text in options.paths for path in choose_paths(text, structure)]
    start = paths[0].points[0] if paths else np.zeros(3)
    if options.through is not None:
        start = parse_place(options.through, reflections.structure)
    planes = [parse_plane(text, start) for text in options.planes]
    _check_before(reflections, options, planes, paths)
    density = reconstruct(
        reflections,
        **reconstruction_settings(options, reflections),
        progress=progress,
        cancel=cancel,
        on_step=on_step,
    )
    report = report_of(density)
    sites, site_notes = _sites(density, report.stopped, progress)
    sections = tuple(density.section(miller, origin) for miller, origin in planes)
    followed, notes = _paths(paths, density, reflections, options, progress, cancel)
    result = DensityResult(
        name=Path(reflections.source).stem,
        temperature_k=reflections.temperature_k,
        statistics=statistics(density, reflections),
        sites=sites,
        sections=tuple(_with_sites(section, density) for section in sections),
        paths=followed,
        hkl=reflections.hkl,
        f_observed=np.abs(reflections.f),
        sigma=reflections.sigma,
        residual=report.residual,
        d_spacing=reflections.d_spacing,
        notes=tuple(dict.fromkeys((*reflections.notes, *report.notes, *site_notes, *notes))),
    )
    return Analysis(density, result)


def _check_before(
    reflections: Reflections,
    options: AnalysisOptions,
    planes: Sequence[tuple[FloatArray, FloatArray]],
    paths: Sequence[NamedPath],
) -> None:
    """Find out what cannot be shown before the work, by cutting a density of nothing."""
    wrong = {
        "bootstrap": options.bootstrap < 0 or options.bootstrap == 1,
        "points": options.points < 3,
        "seed": options.seed < 0,
    }
    for key, is_wrong in wrong.items():
        if is_wrong:
            expected = {"bootstrap": "0 (none), or 2 or more", "points": "3 or more"}
            raise InputError(
                "not a number that can be used",
                key=key,
                found=getattr(options, key),
                expected=expected.get(key, "0 or more"),
            )
    if options.bootstrap and not paths:
        raise InputError("a bootstrap gives σ of profiles, and no path is asked for", key="path")
    flat = Density(reflections.lattice, np.ones((4, 4, 4)), reflections.symmetry)
    for miller, origin in planes:
        flat.section(miller, origin, step=1.0)
    for path in paths:
        flat.profile(path.points, options.points)


def _sites(
    density: Density, stopped: str, progress: Progress | None
) -> tuple[tuple[SiteResult, ...], tuple[str, ...]]:
    """Maxima and basins; not of a map that was cancelled, which is wanted at once."""
    if stopped == "cancelled":
        return (), ("cancelled: the last map is kept, without its maxima and basins",)
    if progress is not None:
        progress(0, 0, "maxima and basins")
    return site_results(density)


def report_of(density: Density) -> MemReport:
    """The report that every reconstruction has."""
    if density.report is None:
        raise ValueError("a density from a file has no report")
    return density.report


def _paths(
    paths: Sequence[NamedPath],
    density: Density,
    reflections: Reflections,
    options: AnalysisOptions,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> tuple[tuple[PathResult, ...], tuple[str, ...]]:
    """Profiles, without uncertainties once the work was cancelled: the density itself is kept."""
    alone = replace(options, bootstrap=0, null=False)
    if report_of(density).stopped:
        return path_results(paths, density, reflections, alone), ()
    try:
        found = path_results(paths, density, reflections, options, progress=progress, cancel=cancel)
    except (Cancelled, InputError) as error:
        # What comes after the reconstruction shall not cost it.
        straight = replace(alone, follow=False)
        reason = "cancelled" if isinstance(error, Cancelled) else str(error)
        return path_results(paths, density, reflections, straight), (
            f"the profiles follow straight lines and have no uncertainties and no null: {reason}",
        )
    return found, tuple(note for path in found for note in path.notes)


def _with_sites(section: Section, density: Density) -> DrawnSection:
    if density.structure is None:
        return DrawnSection(section)
    near = section_sites(section, density.structure)
    return DrawnSection(section, tuple((site.label, site.u, site.v) for site in near))


def statistics(density: Density, reflections: Reflections) -> dict[str, Any]:
    """The numbers of a reconstruction by name, for tables and JSON."""
    report = report_of(density)
    comparison = reflections.comparison
    return {
        **{
            name: getattr(report, name)
            for name in (
                *("chi2", "r_factor", "wr_factor", "entropy", "iterations", "seconds"),
                *("solver", "prior", "weighting", "target", "converged", "gradient", "stopped"),
                *("grid", "coarse_grid"),
            )
        },
        "moments": {str(order): value for order, value in report.constraint.items()},
        "asked_moments": {str(n): weight for n, weight in report.moments.items()},
        "reflections": len(reflections),
        "d_min_angstrom": float(reflections.d_spacing.min()),
        "electrons": density.electrons,
        "density_min": float(density.values.min()),
        "density_max": float(density.values.max()),
        "r_model": None if comparison is None else comparison.r_factor,
        "r_calculated": None if comparison is None else comparison.r_calculated,
        "missing_low_angle": 0 if comparison is None else len(comparison.missing_low_angle),
    }
