"""What `ixs plan` shows beside a plan: zones of a mode, given settings, sets of Q, decisions."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.atomic import atomic_write_text
from ixs_core.errors import InputError
from ixs_core.picture_files import write_figure
from ixs_core.terminal_tables import hkl_text
from simulate.cli.calculation import Calculation, numbers

if TYPE_CHECKING:
    from ixs_core.arrays import FloatArray
    from simulate.planning import Beamtime, Goal, Placement, Target

_SHOWN = 30
_KNOWN_MEV = 0.5
"""Lines of a given setting are listed where their energy will be known better than this."""


def show_zones(
    beamtime: Beamtime,
    mode: Target,
    contrast: int | None,
    goal: Goal,
    axis: FloatArray | None,
    output: Path | None,
    zone_map: Path | None,
    as_json: bool,
) -> None:
    """One mode over all zones near reach, the quickest first; or two modes against each other."""
    from ixs_core.terminal_tables import Column, print_table
    from simulate.planning import rank_contrast, rank_zones, zones_csv, zones_record
    from simulate.planning import zone_map as draw_map

    if contrast is None:
        zones = rank_zones(beamtime, mode, goal, axis)
    else:
        zones = rank_contrast(beamtime, mode, contrast, goal, axis)
    slits = beamtime.instrument.slits_mm
    if output is not None:
        _write(output, zones_csv(zones, slits), zones_record(zones, slits))
    if zone_map is not None:
        best = [z.placement.angles for z in zones if z.placement.reachable][:1]
        footprints = [beamtime.instrument.analyzer_q(angles) for angles in best if angles]
        title = f"{mode.label}, {mode.energy_mev:.2f} meV: {beamtime.source}"
        write_figure(zone_map, draw_map(zones, footprints, title=title, labels=["best"]))
    if as_json:
        print(json.dumps({"target": mode.label, "zones": zones_record(zones, slits)}))
        return
    headings = ["rank", "h k l", "analyzer", "hours", "I (e²)", "tth", "excluded"]
    if contrast is not None:
        headings.insert(5, f"over branch {contrast}")
    rows = []
    for rank, zone in enumerate(zones[:_SHOWN], start=1):
        exact = not math.isnan(zone.hours)
        angles = zone.placement.angles
        row = [
            str(rank),
            hkl_text(zone.placement.hkl),
            zone.placement.analyzer or "",
            f"{zone.hours:.3g}" if exact else f"~{zone.estimated_hours:.2g}",
            f"{zone.intensity:.3g}",
            "" if angles is None else f"{angles.tth:.2f}",
            "; ".join(zone.placement.excluded),
        ]
        if contrast is not None:
            row.insert(5, f"{zone.contrast:.3g}")
        rows.append(row)
    after = [
        f"{mode.label} at {mode.energy_mev:.2f} meV: {len(zones)} zones, first {len(rows)} shown",
        "~ : quick estimate; excluded ones are kept in their place with the reason",
    ]
    print_table([Column(h, text=h == "excluded") for h in headings], rows, after)


def show_settings(
    beamtime: Beamtime,
    hkl_texts: Sequence[str],
    hours: float,
    wanted: Sequence[Target],
    axis: FloatArray | None,
    output: Path | None,
    figure: Path | None,
    as_json: bool,
) -> None:
    """What every analyzer will know after some hours at given settings."""
    import numpy as np

    from ixs_core.terminal_tables import Column, print_table
    from ixs_reduce.mode_merging import branch_text
    from simulate.planning import expected_spectra, expected_spectra_grid, panel_of, place
    from simulate.planning.plan import whole_scan

    energies = whole_scan(beamtime) if axis is None else np.asarray(axis)
    records: list[dict[str, Any]] = []
    rows = []
    for text in hkl_texts:
        placement = place(beamtime.instrument, numbers(text, "--setting", 3))
        if placement.angles is None:
            raise InputError(
                f"the setting cannot be reached: {'; '.join(placement.excluded)}",
                key="--setting",
                found=text,
            )
        panels = [
            panel_of(s, hours) for s in expected_spectra(beamtime, placement.angles, energies)
        ]
        for reason in placement.excluded:
            print(f"WARNING: ({text}): {reason}", file=sys.stderr)
        if figure is not None:
            title = f"({text}), {beamtime.source}: expected after {hours:g} h"
            write_figure(_numbered(figure, len(records)), expected_spectra_grid(panels, title))
        records.append(_setting_record(beamtime, placement, hours, panels))
        rows += [
            [
                text,
                panel.analyzer,
                hkl_text(panel.q_hkl),
                f"{panel.counts.max():.0f}",
                "   ".join(
                    f"{energy:.2f}±{sigma:.2f} ({branch_text(branch)})"
                    for energy, sigma, branch in zip(
                        panel.line_energy_mev, panel.sigma_energy_mev, panel.branches, strict=True
                    )
                    if sigma < _KNOWN_MEV
                )
                or "none",
            ]
            for panel in panels
        ]
    if output is not None:
        heading = "setting,analyzer,h,k,l,branch,energy_mev,sigma_energy_mev"
        lines = [
            f"{text},{p.analyzer},{p.q_hkl[0]:.5f},{p.q_hkl[1]:.5f},{p.q_hkl[2]:.5f},"
            f"{b},{e:.4f},{s:.5g}"
            for text, record in zip(hkl_texts, records, strict=True)
            for p in record["panels"]
            for e, s, b in zip(p.line_energy_mev, p.sigma_energy_mev, p.branches, strict=True)
        ]
        _write(output, "\n".join([heading, *lines]) + "\n", [_plain(r) for r in records])
    if as_json:
        print(json.dumps({"settings": [_plain(record) for record in records]}))
        return
    columns = [
        Column("arm at"),
        Column("analyzer"),
        Column("h k l"),
        Column("peak counts"),
        Column(f"energies ± σ (branches) known to {_KNOWN_MEV} meV, meV", text=True),
    ]
    after = [
        f"after {hours:g} h; scan {energies[0]:g} to {energies[-1]:g} meV, {energies.size} points",
        f"rates: {beamtime.conditions.calibration.source}",
        *(f"assumed: {note}" for note in beamtime.conditions.notes),
        *(f"({text}): {record['mv']}" for text, record in zip(hkl_texts, records, strict=True)),
    ]
    print_table(columns, rows, after)


def show_determining(
    beamtime: Beamtime,
    calculation: Calculation,
    mode: Target,
    number: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """A set of Q whose intensities determine the eigenvector of a mode."""
    import numpy as np

    from simulate.planning import determine_eigenvector, place

    found = determine_eigenvector(beamtime, calculation.model, mode, number, **calculation.options)
    placements = [place(beamtime.instrument, hkl) for hkl in found.hkl]
    record = {
        "target": mode.label,
        "hkl": np.round(found.hkl, 5).tolist(),
        "unknowns": found.unknowns,
        "determined": found.rank,
        "condition": found.condition,
        "mv": [placement.mv(beamtime.instrument.slits_mm) for placement in placements],
    }
    if output is not None:
        text = "h,k,l\n" + "".join(f"{h:.5f},{k:.5f},{j:.5f}\n" for h, k, j in found.hkl)
        _write(output, text, record)
    if as_json:
        print(json.dumps(record))
        return
    print(f"{mode.label}, {mode.energy_mev:.2f} meV: {len(found.hkl)} reachable Q")
    for place_, line in zip(found.hkl, record["mv"], strict=True):
        print(f"  ({' '.join(f'{x:.3f}' for x in place_)})  {line}")
    print(
        f"they determine {found.rank} of {found.unknowns} numbers of the eigenvector; "
        f"condition number {found.condition:.3g}"
    )


def show_decisions(
    beamtime: Beamtime,
    other: Beamtime,
    setting: Sequence[str] | None,
    wanted: Sequence[Target],
    axis: FloatArray | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Which analyzers and Q tell two calculations apart, by hours."""
    import numpy as np

    from ixs_core.terminal_tables import Column, print_table
    from simulate.planning import deciding_momenta, place, rank_zones
    from simulate.planning.plan import whole_scan

    if setting:
        placements = [place(beamtime.instrument, numbers(s, "--setting", 3)) for s in setting]
    else:
        ranked = [rank_zones(beamtime, mode, evaluate=_SHOWN) for mode in wanted]
        placements = [z.placement for zones in ranked for z in zones if z.placement.analyzer]
    energies = whole_scan(beamtime) if axis is None else np.asarray(axis)
    decisions = deciding_momenta(beamtime, other, placements, energies, bool(setting))
    record = [
        {
            "hkl": np.round(d.hkl, 5).tolist(),
            "analyzer": d.analyzer,
            "divergence_per_hour": d.divergence_per_hour,
            "hours": d.hours if math.isfinite(d.hours) else None,
            "angles": d.angles.as_dict(),
        }
        for d in decisions
    ]
    if output is not None:
        text = "h,k,l,analyzer,hours,divergence_per_hour\n" + "".join(
            f"{d.hkl[0]:.5f},{d.hkl[1]:.5f},{d.hkl[2]:.5f},{d.analyzer},{d.hours:.5g},"
            f"{d.divergence_per_hour:.5g}\n"
            for d in decisions
        )
        _write(output, text, record)
    if as_json:
        print(json.dumps({"first": beamtime.source, "second": other.source, "decisions": record}))
        return
    rows = [
        [hkl_text(d.hkl), d.analyzer, f"{d.hours:.3g}", f"{d.angles.tth:.2f}"]
        for d in decisions[:_SHOWN]
    ]
    after = [
        f"{beamtime.source} against {other.source}; hours to 5σ; "
        f"{len(decisions)} looked at, the first {len(rows)} shown"
    ]
    print_table([Column(h) for h in ("h k l", "analyzer", "hours", "tth")], rows, after)


def _setting_record(
    beamtime: Beamtime, placement: Placement, hours: float, panels: Sequence[Any]
) -> dict[str, Any]:
    assert placement.angles is not None
    return {
        "hkl": [float(x) for x in placement.hkl],
        "angles": placement.angles.as_dict(),
        "mv": placement.mv(beamtime.instrument.slits_mm),
        "excluded": list(placement.excluded),
        "hours": hours,
        "panels": panels,
    }


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a setting without its arrays."""
    spectra = [
        {
            "analyzer": panel.analyzer,
            "q_hkl": [round(float(x), 5) for x in panel.q_hkl],
            "lines": [
                {
                    "branch": branch,
                    "energy_mev": float(energy),
                    "sigma_energy_mev": float(sigma) if math.isfinite(sigma) else None,
                }
                for energy, sigma, branch in zip(
                    panel.line_energy_mev, panel.sigma_energy_mev, panel.branches, strict=True
                )
            ],
        }
        for panel in record["panels"]
    ]
    return {**{k: v for k, v in record.items() if k != "panels"}, "analyzers": spectra}


def _write(output: Path, table: str, record: object) -> None:
    """A table as CSV, or its record as JSON."""
    if output.suffix.lower() == ".csv":
        atomic_write_text(output, table)
    elif output.suffix.lower() == ".json":
        atomic_write_text(output, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    else:
        raise InputError(
            "this ending names no format",
            key="--output",
            found=output.name,
            expected=".csv or .json",
        )
    print(f"written: {output}", file=sys.stderr)


def _numbered(path: Path, number: int) -> Path:
    """The name of the first figure, or with a number for the following ones."""
    return path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")
