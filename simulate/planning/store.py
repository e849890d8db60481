"""Plans in a project file: /entry/predictions/<key>."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.project import list_results, read_attributes, read_result, write_result
from ixs_reduce.circles import CIRCLES, Angles
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.planning.export import plan_record
from simulate.planning.pictures import ExpectedPanel, PlanPictures, SettingPicture
from simulate.planning.placement import Placement
from simulate.planning.plan import Plan
from simulate.planning.views import Zone

if TYPE_CHECKING:
    import h5py

    from ixs_core.provenance import Provenance

CONTENT = "plan"
"""What marks a plan among the predictions of a project."""

_OUTSIDE = "outside the limits"
_UNITS = {
    "energy_mev": "meV",
    "counts": "counts",
    "line_energy_mev": "meV",
    "sigma_energy_mev": "meV",
    "resolution_fwhm_mev": "meV",
    "hours": "h",
    "zone_hours": "h",
    "zone_estimate": "h",
    "q_hkl": "r.l.u.",
    "dq_horizontal": "r.l.u.",
    "dq_vertical": "r.l.u.",
    "q_abs": "1/angstrom",
    "zone_hkl": "r.l.u.",
    "zone_angles": "degree",
}


@dataclass(frozen=True)
class StoredPlan:
    """A plan as a project holds it.

    Parameters
    ----------
    record : dict
        As `plan_record` gives it.
    pictures : PlanPictures
    """

    record: dict[str, Any]
    pictures: PlanPictures


def write_plan_result(
    h5: h5py.File, key: str, plan: Plan, pictures: PlanPictures, provenance: Provenance
) -> None:
    """Store a plan with its pictures; an earlier one of that key goes into the history.

    `counts` (settings, analyzers, points) are expected after the hours of each pictured setting.
    """
    settings = pictures.settings
    lines = max(len(panel.branches) for picture in settings for panel in picture.panels)
    footprints = [picture.footprint for picture in settings]
    zones = pictures.zones
    datasets: dict[str, Any] = {
        "record": json.dumps(plan_record(plan), ensure_ascii=False, allow_nan=False),
        "titles": [picture.title for picture in settings],
        "hours": np.array([picture.hours for picture in settings]),
        "energy_mev": plan.energy_mev,
        "analyzers": [panel.analyzer for panel in settings[0].panels],
        "resolution_fwhm_mev": np.array([p.resolution_fwhm_mev for p in settings[0].panels]),
        "counts": np.array([[panel.counts for panel in s.panels] for s in settings]),
        "line_energy_mev": _padded(settings, "line_energy_mev", lines),
        "sigma_energy_mev": _padded(settings, "sigma_energy_mev", lines),
        "branches": [
            [[*p.branches, *[""] * (lines - len(p.branches))] for p in s.panels] for s in settings
        ],
        "array_names": list(footprints[0].names),
        "q_hkl": np.array([table.hkl for table in footprints]),
        "q_abs": np.array([table.q_abs for table in footprints]),
        "dq_horizontal": np.array([table.dq_horizontal for table in footprints]),
        "dq_vertical": np.array([table.dq_vertical for table in footprints]),
        "zone_hkl": np.array([zone.placement.hkl for zone in zones]),
        "zone_hours": np.array([zone.hours for zone in zones]),
        "zone_estimate": np.array([zone.estimated_hours for zone in zones]),
        "zone_reachable": np.array([zone.placement.reachable for zone in zones]),
        "zone_angles": np.array([_angles(zone.placement) for zone in zones]),
        "zone_intensity": np.array([zone.intensity for zone in zones]),
    }
    write_result(
        h5,
        "predictions",
        key,
        datasets,
        provenance=provenance,
        attributes={"content": CONTENT, "title": plan.source, "zones_title": pictures.zones_title},
        units={name: unit for name, unit in _UNITS.items() if name in datasets},
        signal="counts",
        axes=(".", ".", "energy_mev"),
    )


def read_plan_result(h5: h5py.File, key: str) -> StoredPlan:
    """A stored plan.

    Raises
    ------
    InputError
        There is none of that name, or it is damaged.
    """
    stored = read_result(h5, "predictions", key)
    data = stored.datasets
    settings = tuple(
        SettingPicture(
            title=data["titles"][i],
            hours=float(data["hours"][i]),
            panels=tuple(_panel(data, i, j) for j in range(len(data["analyzers"]))),
            footprint=AnalyzerTable(
                tuple(data["array_names"]),
                data["q_hkl"][i],
                data["q_abs"][i],
                data["dq_horizontal"][i],
                data["dq_vertical"][i],
            ),
        )
        for i in range(len(data["titles"]))
    )
    zones = tuple(
        Zone(_placement(hkl, good, angles), *map(float, numbers))
        for hkl, good, angles, *numbers in zip(
            data["zone_hkl"],
            data["zone_reachable"],
            data["zone_angles"],
            data["zone_hours"],
            data["zone_estimate"],
            data["zone_intensity"],
            strict=True,
        )
    )
    pictures = PlanPictures(settings, zones, str(stored.attributes["zones_title"]))
    return StoredPlan(json.loads(data["record"]), pictures)


def plan_keys(h5: h5py.File) -> list[str]:
    """Names of the stored plans."""
    return [
        key
        for key in list_results(h5, "predictions")
        if read_attributes(h5, "predictions", key).get("content") == CONTENT
    ]


def _angles(placement: Placement) -> list[float]:
    """The six angles in degrees, NaN where there is no position."""
    angles = placement.angles
    return [np.nan] * len(CIRCLES) if angles is None else [getattr(angles, n) for n in CIRCLES]


def _placement(hkl: FloatArray, reachable: bool, angles: FloatArray) -> Placement:
    position = None if np.isnan(angles).any() else Angles(*angles.tolist())
    return Placement(hkl, None, position, () if reachable else (_OUTSIDE,))


def _panel(data: Mapping[str, Any], i: int, j: int) -> ExpectedPanel:
    used = [k for k, branch in enumerate(data["branches"][i][j]) if branch]
    return ExpectedPanel(
        analyzer=data["analyzers"][j],
        q_hkl=data["q_hkl"][i][data["array_names"].index(data["analyzers"][j])],
        energy_mev=data["energy_mev"],
        counts=data["counts"][i, j],
        line_energy_mev=data["line_energy_mev"][i, j, used],
        sigma_energy_mev=data["sigma_energy_mev"][i, j, used],
        branches=tuple(data["branches"][i][j][k] for k in used),
        resolution_fwhm_mev=float(data["resolution_fwhm_mev"][j]),
    )


def _padded(settings: tuple[SettingPicture, ...], name: str, lines: int) -> FloatArray:
    """(settings, analyzers, lines), NaN beyond the lines that there are."""
    table = np.full((len(settings), len(settings[0].panels), lines), np.nan)
    for i, picture in enumerate(settings):
        for j, panel in enumerate(picture.panels):
            values = getattr(panel, name)
            table[i, j, : values.size] = values
    return table
