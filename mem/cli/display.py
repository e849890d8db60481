"""What `ixs mem` prints: tables for people, records for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
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


def _known(values: FloatArray) -> FloatArray | None:
    """An uncertainty, or None where none is known."""
    return values if np.all(np.isfinite(values)) else None


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
                "sigma_e_per_A3": _known(path.profile.sigma),
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
    """One column per data set: narrow enough for a terminal of any width."""
    rows: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("reflections", lambda s: f"{s['reflections']}"),
        ("d min (Å)", lambda s: f"{s['d_min_angstrom']:.3f}"),
        ("grid", lambda s: "×".join(str(n) for n in s["grid"])),
        ("χ²", lambda s: f"{s['chi2']:.4f}" + (f" ({s['stopped']})" if s["stopped"] else "")),
        ("R (%)", lambda s: f"{100 * s['r_factor']:.2f}"),
        ("wR (%)", lambda s: f"{100 * s['wr_factor']:.2f}"),
        ("C4, C6 (Gaussian: 1)", lambda s: f"{s['moments']['4']:.3g}, {s['moments']['6']:.3g}"),
        ("entropy", lambda s: f"{s['entropy']:.4f}"),
        ("steps, seconds", lambda s: f"{s['iterations']}, {s['seconds']:.1f}"),
    ]
    columns = [Column("", text=True), *(Column(result.heading) for result in results)]
    print_table(
        columns,
        [[name, *(show(dict(result.statistics)) for result in results)] for name, show in rows],
    )


def _show_sites(results: Sequence[DensityResult]) -> None:
    columns = [
        Column("data", text=True),
        Column("site", text=True),
        *map(Column, ("ρ max (e/Å³)", "off site (Å)", "off model (Å)", "electrons", "neutral")),
    ]
    rows = [
        [
            result.heading,
            site.label,
            *(
                _number(value, digits)
                for value, digits in (
                    (site.density, 2),
                    (site.distance_angstrom, 3),
                    (site.model_distance_angstrom, 3),
                    (site.electrons, 2),
                    (site.charge_refined, 2),
                )
            ),
        ]
        for result in results
        for site in result.sites
    ]
    print_table(columns, rows)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


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
