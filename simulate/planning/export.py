"""Plans and tables of zones as JSON and CSV, and lines to paste at the beamline."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.atomic import atomic_write_text
from ixs_core.errors import InputError
from ixs_reduce.instrument import Instrument
from simulate.planning.placement import Placement, centre_hkl
from simulate.planning.plan import Plan, PlannedTarget
from simulate.planning.views import Zone

_TARGET_COLUMNS = (
    *("rank", "hours", "h", "k", "l", "tth", "th", "chi", "phi", "mu", "gam"),
    *("analyzer", "target_h", "target_k", "target_l", "branch", "line", "assigned"),
    *("q_h", "q_k", "q_l", "distance_inv_angstrom", "energy_mev", "fwhm_mev"),
    *("sigma_energy_mev", "sigma_fwhm_mev", "hours_alone"),
)
_ZONE_COLUMNS = (
    *("rank", "h", "k", "l", "analyzer", "hours", "estimated_hours", "intensity_e2", "contrast"),
    *("tth", "th", "chi", "phi", "mu", "gam", "mv", "excluded"),
)


def plan_record(plan: Plan) -> dict[str, Any]:
    """Plain data of a plan, as `ixs plan --json` prints it."""
    slits = plan.instrument.slits_mm
    return {
        "settings": [
            {
                "rank": setting.rank,
                "hkl": _rounded(setting.hkl),
                "angles": {n: round(v, 5) for n, v in setting.angles.as_dict().items()},
                "mv": setting.placement.mv(slits),
                "hours": setting.hours,
                "placed": {
                    "analyzer": setting.placement.analyzer,
                    "hkl": _rounded(setting.placement.hkl),
                },
                "targets": [_target_record(target) for target in setting.targets],
            }
            for setting in plan.settings
        ],
        "total_hours": plan.total_hours,
        "lower_bound_hours": plan.lower_bound_hours,
        "move_hours": plan.move_hours,
        "settings_compared": plan.settings_compared,
        "temperature_k": plan.temperature_k,
        "scan": {
            "from_mev": float(plan.energy_mev[0]),
            "to_mev": float(plan.energy_mev[-1]),
            "points": int(plan.energy_mev.size),
        },
        "unmeasured": [
            {"q_hkl": list(target.q_hkl), "branch": target.branch, "reason": why}
            for target, why in plan.unmeasured
        ],
        "source": plan.source,
        "warnings": list(plan.warnings),
    }


def _target_record(target: PlannedTarget) -> dict[str, Any]:
    return {
        "analyzer": target.analyzer,
        "branch": target.target.branch,
        "sigma_energy_mev": _finite(target.sigma_energy_mev),
        "sigma_fwhm_mev": _finite(target.sigma_fwhm_mev),
        "q_hkl": list(target.target.q_hkl),
        "hkl": _rounded(target.hkl),
        "distance_inv_angstrom": round(target.distance, 5),
        "energy_mev": target.energy_mev,
        "fwhm_mev": target.fwhm_mev,
        "line": target.line,
        "hours": target.hours,
        "assigned": target.assigned,
    }


def plan_json(plan: Plan) -> str:
    """The record of a plan as JSON text."""
    return json.dumps(plan_record(plan), indent=1, ensure_ascii=False, allow_nan=False)


def plan_csv(plan: Plan) -> str:
    """One row per target measured at a setting."""
    rows = [
        [
            *(setting.rank, f"{setting.hours:.6g}", *_rounded(setting.hkl)),
            *(round(v, 4) for v in setting.angles.as_dict().values()),
            *(target.analyzer, *target.target.q_hkl, target.target.branch, target.line),
            *(int(target.assigned), *_rounded(target.hkl), f"{target.distance:.4f}"),
            *(f"{target.energy_mev:.4f}", f"{target.fwhm_mev:.4f}"),
            *(f"{target.sigma_energy_mev:.5g}", f"{target.sigma_fwhm_mev:.5g}"),
            f"{target.hours:.6g}",
        ]
        for setting in plan.settings
        for target in setting.targets
    ]
    return _csv(_TARGET_COLUMNS, rows)


def zones_csv(zones: Sequence[Zone], slits_mm: Sequence[float] | None = None) -> str:
    """One row per zone; excluded ones say why, hours are empty where not evaluated."""
    rows = []
    for rank, zone in enumerate(zones, start=1):
        angles = zone.placement.angles
        positions = [""] * 6 if angles is None else [f"{v:.4f}" for v in angles.as_dict().values()]
        rows.append(
            [
                *(rank, *_rounded(zone.placement.hkl), zone.placement.analyzer or ""),
                *(_text(zone.hours), _text(zone.estimated_hours), f"{zone.intensity:.6g}"),
                *(_text(zone.contrast), *positions, zone.placement.mv(slits_mm)),
                "; ".join(zone.placement.excluded),
            ]
        )
    return _csv(_ZONE_COLUMNS, rows)


def zones_record(zones: Sequence[Zone], slits_mm: Sequence[float] | None = None) -> list[Any]:
    """Plain data of a table of zones."""
    return [
        {
            "rank": rank,
            "hkl": _rounded(zone.placement.hkl),
            "analyzer": zone.placement.analyzer,
            "hours": _finite(zone.hours),
            "estimated_hours": _finite(zone.estimated_hours),
            "intensity_e2": zone.intensity,
            "contrast": _finite(zone.contrast),
            "angles": None if zone.placement.angles is None else zone.placement.angles.as_dict(),
            "mv": zone.placement.mv(slits_mm),
            "excluded": list(zone.placement.excluded),
        }
        for rank, zone in enumerate(zones, start=1)
    ]


def beamline_lines(plan: Plan) -> str:
    """Lines to paste at the beamline: comments with what each setting is for, then `mv`."""
    record = plan_record(plan)
    return lines_of_settings(
        record["settings"],
        record["scan"],
        temperature_k=plan.temperature_k,
        total_hours=plan.total_hours,
        source=plan.source,
    )


def lines_of_settings(
    settings: Sequence[Mapping[str, Any]],
    scan: Mapping[str, Any] | None,
    *,
    temperature_k: float | None,
    total_hours: float,
    source: str = "",
) -> str:
    """Lines to paste at the beamline, from settings as `plan_record` gives them.

    Parameters
    ----------
    settings : sequence of mappings
        In the order to measure, numbered in it.
    scan : mapping or None
        from_mev, to_mev, points; None where it is not known.
    temperature_k : float or None
    total_hours : float
        Moves included.
    source : str
    """
    kelvin = "" if temperature_k is None else f", {temperature_k:g} K"
    points = (
        ""
        if scan is None
        else f"; scan {scan['from_mev']:g} to {scan['to_mev']:g} meV, {scan['points']} points"
    )
    lines = [f"# {source or 'plan'}{kelvin}: {len(settings)} settings, {total_hours:.2f} h{points}"]
    for number, setting in enumerate(settings, start=1):
        hours = setting["hours"]
        pace = "" if scan is None else f", {3600 * hours / scan['points']:.0f} s per point"
        lines += [f"# {number}: {hours:.2f} h{pace}; {_purpose(setting)}", setting["mv"]]
    return "\n".join(lines) + "\n"


def _purpose(setting: Mapping[str, Any]) -> str:
    by_analyzer: dict[str, list[str]] = {}
    for target in setting["targets"]:
        if target["assigned"]:
            by_analyzer.setdefault(target["analyzer"], []).append(str(target["branch"]))
    if by_analyzer:
        return "; ".join(f"{name} branch {','.join(b)}" for name, b in by_analyzer.items())
    placed = setting["placed"]
    hkl = " ".join(f"{x:.4g}" for x in placed["hkl"])
    return f"{placed['analyzer'] or 'arm'} at ({hkl})"


def setting_record(
    placement: Placement, instrument: Instrument, hours: float, rank: int | None = None
) -> dict[str, Any]:
    """Plain data of a setting that is no plan's, as those in `plan_record`; without targets.

    Raises
    ------
    InputError
        The placement has no position of the circles.
    """
    if placement.angles is None:
        raise InputError(
            "the setting cannot be reached",
            key="hkl",
            found=f"{_rounded(placement.hkl)}: {'; '.join(placement.excluded)}",
        )
    return {
        "rank": rank,
        "hkl": _rounded(centre_hkl(instrument, placement.angles)),
        "angles": {n: round(v, 5) for n, v in placement.angles.as_dict().items()},
        "mv": placement.mv(instrument.slits_mm),
        "hours": hours,
        "placed": {"analyzer": placement.analyzer, "hkl": _rounded(placement.hkl)},
        "targets": [],
    }


def write_plan(path: str | Path, plan: Plan) -> None:
    """Write a plan; the format follows the ending: .json, .csv, else beamline lines."""
    path = Path(path)
    writers = {".json": plan_json, ".csv": plan_csv}
    atomic_write_text(path, writers.get(path.suffix.lower(), beamline_lines)(plan))


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _rounded(hkl: np.ndarray) -> list[float]:
    # Adding 0.0 turns -0.0 into 0.0.
    return [round(float(x), 5) + 0.0 for x in hkl]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _text(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
