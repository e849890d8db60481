"""What `ixs mem` prints: tables for people, records for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ixs_core.provenance import plain
from ixs_core.report_parts import with_error
from ixs_core.terminal_tables import Column, print_table

if TYPE_CHECKING:
    from mem.analysis import Analysis
    from mem.density_result import DensityResult
    from mem.external import DensityComparison

_WHOSE = ("ours", "Dysnomia")


def show(analyses: Sequence[Analysis]) -> None:
    """Print how the reconstructions went, the maxima at the sites, and the paths."""
    results = [analysis.result for analysis in analyses]
    _show_statistics(results)
    if any(result.sites for result in results):
        print()
        _show_sites(results)
    for result in results:
        for path in result.paths:
            print()
            print_path(result, path.kind)


def show_comparisons(
    analyses: Sequence[Analysis], comparisons: Sequence[DensityComparison]
) -> None:
    """Print what Dysnomia makes of the same data, beside ours; nothing without comparisons."""
    if not comparisons:
        return
    columns = [
        Column("data", text=True),
        Column("∫|Δρ| / ∫ρ"),
        *(Column(f"{name}, {whose}") for name in ("χ²", "R (%)", "S") for whose in _WHOSE),
    ]
    rows = [
        [
            analysis.result.heading,
            f"{c.difference:.4f}",
            *(f"{value:.4f}" for value in c.chi2),
            *(f"{100 * value:.2f}" for value in c.r_factor),
            *(f"{value:.4f}" for value in c.entropy),
        ]
        for analysis, c in zip(analyses, comparisons, strict=False)
    ]
    print()
    print_table(columns, rows)


def record(analysis: Analysis) -> dict[str, Any]:
    """One reconstruction as JSON has it: its numbers, maxima, paths, and what was repaired."""
    result = analysis.result
    found = {
        "name": result.name,
        "temperature_k": result.temperature_k,
        **result.statistics,
        "peaks": [vars(site) for site in result.sites]
        or [vars(peak) for peak in analysis.density.peaks()],
        "paths": [
            {
                "name": path.name,
                "peak_e_per_A3": path.peak,
                "distance_angstrom": path.profile.distance,
                "density_e_per_A3": path.profile.density,
                "sigma_e_per_A3": path.profile.sigma,
                "null_e_per_A3": path.null,
                "band_e_per_A3": path.band,
                "middle": dict(path.middle),
                "claim": path.claim,
            }
            for path in result.paths
        ],
        "repairs": list(result.notes),
    }
    return dict(plain(found))


def _show_statistics(results: Sequence[DensityResult]) -> None:
    columns = [
        Column("data", text=True),
        *map(Column, ("reflections", "d min (Å)", "grid", "χ²", "R (%)", "wR (%)")),
        *map(Column, ("C4", "C6", "entropy", "iterations", "seconds")),
    ]
    rows = []
    for result in results:
        s = result.statistics
        rows.append(
            [
                result.heading + (f" ({s['stopped']})" if s["stopped"] else ""),
                str(s["reflections"]),
                f"{s['d_min_angstrom']:.3f}",
                "×".join(str(n) for n in s["grid"]),
                f"{s['chi2']:.4f}",
                f"{100 * s['r_factor']:.2f}",
                f"{100 * s['wr_factor']:.2f}",
                f"{s['moments']['4']:.2f}",
                f"{s['moments']['6']:.2f}",
                f"{s['entropy']:.4f}",
                str(s["iterations"]),
                f"{s['seconds']:.1f}",
            ]
        )
    print_table(columns, rows)


def _show_sites(results: Sequence[DensityResult]) -> None:
    columns = [
        Column("data", text=True),
        Column("site", text=True),
        *map(
            Column,
            (
                "ρ max (e/Å³)",
                "from site (Å)",
                "from model's (Å)",
                "electrons in basin",
                "neutral atom",
            ),
        ),
    ]
    rows = [
        [
            result.heading,
            site.label,
            f"{site.density:.2f}",
            f"{site.distance_angstrom:.3f}",
            f"{site.model_distance_angstrom:.3f}",
            f"{site.electrons:.2f}",
            f"{site.charge_refined:.2f}",
        ]
        for result in results
        for site in result.sites
    ]
    print_table(columns, rows)


def print_path(result: DensityResult, kind: str) -> None:
    """The profile along a path at twenty points, and what may be claimed of it."""
    path = next(path for path in result.paths if path.kind == kind)
    profile = path.profile
    columns = [
        *map(Column, ("distance (Å)", "ρ (e/Å³)", f"ρ / ρ({path.peak_label})")),
        *map(Column, ("noise and bias", "nothing hops", "refined model")),
    ]
    step = max(1, (len(profile.distance) - 1) // 20)
    rows = [
        [
            f"{profile.distance[i]:.2f}",
            f"{profile.density[i]:.4f}",
            _ratio(float(path.ratio[i]), float(profile.sigma[i]) / path.peak),
            "–" if path.band is None else f"± {path.band[i] / path.peak:.4f}",
            "–" if path.null is None else f"{path.null[i] / path.null_peak:.4f}",
            "–" if path.model is None else f"{path.model[i] / path.model_peak:.4f}",
        ]
        for i in range(0, len(profile.distance), step)
    ]
    print(f"{result.heading}: {path.name}")
    print_table(columns, rows, [path.claim] if path.claim else [])


def _ratio(value: float, sigma: float) -> str:
    """A relative density with its standard uncertainty, if there is one."""
    return with_error(value, sigma) if math.isfinite(sigma) else f"{value:.4f}"
