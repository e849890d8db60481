"""Calculated modes as tables and as results of a project: CSV, JSON, HDF5."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.project import list_results, read_attributes, read_result, write_result
from simulate.phonons.character import ModeCharacter
from simulate.phonons.modes import ModeStructureFactor

if TYPE_CHECKING:
    import h5py

    from ixs_core.provenance import Provenance

UNITS = {
    "q_hkl": "r.l.u.",
    "q_abs": "1/angstrom",
    "distance": "1/angstrom",
    "energy_mev": "meV",
    "intensity": "e^2 per primitive cell",
    "energy_axis_mev": "meV",
    "sqe": "e^2/meV per primitive cell",
    "q_reduced": "r.l.u.",
}
"""Units of the columns and datasets."""

CONTENT = "sqe"
"""What marks such a result among the predictions of a project."""


@dataclass(frozen=True)
class SqeResult:
    """Modes at a list of Q, perhaps along a path, perhaps with spectra.

    Parameters
    ----------
    lines : ModeStructureFactor
    title : str
    names : tuple of str
        Of the Q (analyzers); empty along a path.
    distance : (nq,) array or None
        Å⁻¹ along a path.
    ticks : tuple of (distance, label)
    energy_mev, sqe : (m,) and (nq, m) arrays or None
        Spectra through the resolution, e²/meV per primitive cell.
    """

    lines: ModeStructureFactor
    title: str
    names: tuple[str, ...] = ()
    distance: FloatArray | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    energy_mev: FloatArray | None = None
    sqe: FloatArray | None = None


def mode_rows(result: SqeResult) -> list[dict[str, Any]]:
    """One row per Q and mode, by rising energy; the character stands behind where it is known."""
    lines = result.lines
    rows = []
    for i, q in enumerate(lines.q_hkl):
        place = {"analyzer": result.names[i]} if result.names else {}
        for s in range(lines.energy_mev.shape[1]):
            rows.append(
                {
                    **place,
                    "h": float(q[0]),
                    "k": float(q[1]),
                    "l": float(q[2]),
                    "q_abs": float(lines.q_abs[i]),
                    "branch": int(lines.branch[i, s]),
                    "group": int(lines.group[i, s]),
                    "energy_mev": float(lines.energy_mev[i, s]),
                    "intensity_e2": float(lines.intensity[i, s]),
                    "imaginary": bool(lines.imaginary[i, s]),
                    **_character_columns(lines.character, i, s),
                }
            )
    return rows


def share_columns(labels: Sequence[str]) -> dict[str, str]:
    """Names of the columns of sites: "Cu" -> "share_Cu", "I (4c)" -> "share_I_4c"."""
    return {label: "share_" + re.sub(r"[ ()]+", "_", label).strip("_") for label in labels}


def _character_columns(character: ModeCharacter | None, i: int, s: int) -> dict[str, Any]:
    """Columns of the sites and "longitudinal_share", empty where not known."""
    if character is None:
        return {}
    names = share_columns(character.labels).values()
    shares = dict(zip(names, character.shares[i, s].tolist(), strict=True))
    return {**shares, "longitudinal_share": _known(float(character.longitudinal[i, s]), "")}


def _known(value: float, otherwise: Any) -> Any:
    return value if math.isfinite(value) else otherwise


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def json_record(result: SqeResult) -> dict[str, Any]:
    """The machine-readable result of `ixs sqe`."""
    lines = result.lines
    record: dict[str, Any] = {
        "q_hkl": lines.q_hkl.tolist(),
        "q_abs": lines.q_abs.tolist(),
        "energy_mev": lines.energy_mev.tolist(),
        "intensity": lines.intensity.tolist(),
        "branch": lines.branch.tolist(),
        "group": lines.group.tolist(),
        "units": {"q_hkl": "r.l.u.", "energy_mev": "meV", "intensity": UNITS["intensity"]},
        "imaginary": int(lines.imaginary.sum()),
        "temperature_k": lines.temperature_k,
    }
    if lines.character is not None:
        record["site_labels"] = list(lines.character.labels)
        record["site_share"] = lines.character.shares.tolist()
        record["longitudinal_share"] = [
            [_known(share, None) for share in row] for row in lines.character.longitudinal.tolist()
        ]
    if result.names:
        record["analyzers"] = list(result.names)
    if result.distance is not None:
        record["distance"] = result.distance.tolist()
    if result.sqe is not None and result.energy_mev is not None:
        record["energy_axis_mev"] = result.energy_mev.tolist()
        record["sqe"] = result.sqe.tolist()
    return record


def write_sqe(h5: h5py.File, key: str, result: SqeResult, provenance: Provenance) -> None:
    """Store a result under /entry/predictions/<key>; an earlier one goes into the history."""
    lines = result.lines
    datasets: dict[str, Any] = {
        "q_hkl": lines.q_hkl,
        "q_abs": lines.q_abs,
        "energy_mev": lines.energy_mev,
        "intensity": lines.intensity,
        "branch": lines.branch,
        "group": lines.group,
    }
    if lines.character is not None:
        datasets |= {
            "site_labels": list(lines.character.labels),
            "site_share": lines.character.shares,
            "longitudinal_share": lines.character.longitudinal,
            "degeneracy": lines.character.degeneracy,
            "q_reduced": lines.character.q_reduced,
        }
    if result.names:
        datasets["names"] = list(result.names)
    if result.distance is not None:
        datasets["distance"] = result.distance
        datasets["tick_distance"] = np.array([at for at, _ in result.ticks])
        datasets["tick_labels"] = [label for _, label in result.ticks]
    if result.sqe is not None and result.energy_mev is not None:
        datasets["energy_axis_mev"] = result.energy_mev
        datasets["sqe"] = result.sqe
    spectra = "sqe" in datasets
    first = "distance" if "distance" in datasets else "."
    write_result(
        h5,
        "predictions",
        key,
        datasets,
        provenance=provenance,
        attributes={
            "content": CONTENT,
            "title": result.title,
            "temperature_k": lines.temperature_k,
            "formula_units": lines.formula_units,
        },
        units={name: unit for name, unit in UNITS.items() if name in datasets},
        signal="sqe" if spectra else "intensity",
        axes=(first, "energy_axis_mev") if spectra else (first, "."),
    )


def read_sqe(h5: h5py.File, key: str) -> SqeResult:
    """A stored result; without the modes' character where an earlier version stored it.

    Raises
    ------
    InputError
        There is none of that name, or it is damaged.
    """
    stored = read_result(h5, "predictions", key)
    data = stored.datasets
    ticks = zip(data.get("tick_distance", ()), data.get("tick_labels", ()), strict=True)
    lines = ModeStructureFactor(
        data["q_hkl"],
        data["q_abs"],
        data["energy_mev"],
        data["intensity"],
        data["branch"],
        data["group"],
        float(stored.attributes["temperature_k"]),
        int(stored.attributes["formula_units"]),
        _read_character(data),
    )
    return SqeResult(
        lines=lines,
        title=str(stored.attributes["title"]),
        names=tuple(data.get("names", ())),
        distance=data.get("distance"),
        ticks=tuple((float(at), str(label)) for at, label in ticks),
        energy_mev=data.get("energy_axis_mev"),
        sqe=data.get("sqe"),
    )


def _read_character(data: Mapping[str, Any]) -> ModeCharacter | None:
    if "site_share" not in data:
        return None
    return ModeCharacter(
        tuple(str(label) for label in data["site_labels"]),
        data["site_share"],
        data["longitudinal_share"],
        data["degeneracy"],
        data["q_reduced"],
    )


def sqe_keys(h5: h5py.File) -> list[str]:
    """Names of the stored results of this kind."""
    return [
        key
        for key in list_results(h5, "predictions")
        if read_attributes(h5, "predictions", key).get("content") == CONTENT
    ]
