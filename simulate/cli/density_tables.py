"""What `ixs md density` says: tables for people, and the record for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ixs_core.provenance import plain
from ixs_core.report_parts import with_error
from ixs_core.terminal_tables import Column, print_table

if TYPE_CHECKING:
    from mem.density_result import DensityResult, PathResult
    from simulate.md.density_comparison import SideBySide
    from simulate.md.density_map import MdDensity

_ROWS = 20  # of a profile


def density_record(found: MdDensity, beside: SideBySide) -> dict[str, Any]:
    """All that was found, as JSON has it: the simulation's, and under "against" the other's.

    Peaks and paths are as they are shown: multiplied by "scale" beside another density.
    """
    from simulate.md.density_comparison import peaks_at_sites

    shown = [
        {
            "name": result.heading,
            "electrons": one.electrons,
            "peaks": [vars(peak) for peak in peaks_at_sites(one)],
            "paths": [_path_record(path) for path in result.paths],
        }
        for one, result in zip(beside.densities, beside.results, strict=True)
    ]
    record: dict[str, Any] = plain(
        {
            **shown[0],
            "scale": beside.scale,
            "density_min": float(found.values.min()),
            "density_max": float(found.values.max()),
            "grid": found.shape,
            "cell": found.cell,
            "d_min_angstrom": found.d_min,
            "shift": found.shift,
            "frames": found.n_frames,
            "blocks": found.blocks,
            "stderr_max": None if found.stderr is None else float(found.stderr.max()),
            "against": shown[1] if len(shown) > 1 else None,
            "comparison": None if beside.comparison is None else vars(beside.comparison),
            "notes": list(found.notes),
        }
    )
    return record


def show_density(found: MdDensity, beside: SideBySide) -> None:
    """Notes on stderr; maxima at the sites, profiles, and how alike the densities are."""
    for note in found.notes:
        print(f"  {note}", file=sys.stderr)
    lengths = " × ".join(f"{length:.4f}" for length in found.cell[:3])
    print(
        f"{found.electrons:g} electrons in {lengths} Å, grid {'×'.join(map(str, found.shape))}, "
        f"{found.n_frames} frames"
    )
    if beside.scale != 1.0:
        print(
            f"shown with its electrons in the cell of {beside.results[1].name}: e/Å³ times "
            f"{beside.scale:.4f}"
        )
    if found.structure is not None:
        _show_sites(beside)
    for kind in dict.fromkeys(path.kind for path in beside.results[0].paths):
        _show_path(beside.results, kind)
    if (comparison := beside.comparison) is not None:
        print(
            f"{100 * comparison.difference:.1f} % of the electrons are elsewhere; correlation "
            f"{comparison.correlation:.4f}, of the logarithms {comparison.log_correlation:.4f}"
        )


def _path_record(path: PathResult) -> dict[str, Any]:
    sigma = path.profile.sigma
    return {
        "name": path.name,
        "peak_e_per_A3": path.peak,
        "points": path.profile.points,
        "distance_angstrom": path.profile.distance,
        "density_e_per_A3": path.profile.density,
        "sigma_e_per_A3": None if path.band is None else sigma,
        "middle": dict(path.middle),
    }


def _show_sites(beside: SideBySide) -> None:
    from simulate.md.density_comparison import peaks_at_sites

    columns = [
        Column("density", text=True),
        Column("site", text=True),
        *map(Column, ("ρ max (e/Å³)", "off site (Å)")),
    ]
    rows = [
        [result.heading, peak.label, f"{peak.density:.2f}", f"{peak.distance_angstrom:.3f}"]
        for one, result in zip(beside.densities, beside.results, strict=True)
        for peak in peaks_at_sites(one)
    ]
    print_table(columns, rows)


def _show_path(results: Sequence[DensityResult], kind: str) -> None:
    """The profile of each density at some twenty points, relative to its own peak."""
    paths = [path for result in results for path in result.paths if path.kind == kind]
    first = paths[0].profile
    columns = [Column("distance (Å)"), Column("x y z", text=True)]
    for result in results:
        columns += [Column(f"ρ (e/Å³), {result.heading}"), Column("ρ / ρ(peak)")]
    rows = []
    for i in range(0, len(first), max(1, (len(first) - 1) // _ROWS)):
        row = [f"{first.distance[i]:.2f}", " ".join(f"{x:.3f}" for x in first.points[i])]
        for path in paths:
            sigma = float(path.profile.sigma[i]) / path.peak
            ratio = float(path.ratio[i])
            row += [
                f"{path.profile.density[i]:.4f}",
                with_error(ratio, sigma) if math.isfinite(sigma) else f"{ratio:.4f}",
            ]
        rows.append(row)
    print(paths[0].name)
    print_table(columns, rows)
