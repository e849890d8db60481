"""Overlays in the project file: one NXdata group for each prediction, spectra in rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import list_results, read_provenance, read_result, write_result
from ixs_core.provenance import Provenance
from ixs_reduce.store.padding import number_or_nan, number_or_none, padded
from simulate.overlay import Overlay
from simulate.spectrum_overlay import SpectrumOverlay

CONTENT = "overlay"
"""Marks these results among the predictions of a project."""

_CURVES = ("energy_mev", "counts", "exposure", "expected", "inelastic", "elastic", "background")
_NUMBERS = ("scale", "scale_err", "elastic_area", "background_rate", "chi2", "deviance")
_COLUMN_OF = {"background_rate": "fitted_background_rate"}
_TEXTS = ("key", "scan", "analyzer", "file", "source")
_PLACE = ("distance", "zero_mev", "resolution_mev")
_KELVINS = ("temperature_k", "predicted_temperature_k")
_UNITS = {
    "energy_mev": "meV",
    "counts": "counts",
    "expected": "counts",
    "inelastic": "counts",
    "elastic": "counts",
    "background": "counts",
    "q_hkl": "r.l.u.",
    "predicted_hkl": "r.l.u.",
    "distance": "1/angstrom",
    "zero_mev": "meV",
    "resolution_mev": "meV",
    "temperature_k": "K",
    "predicted_temperature_k": "K",
}


def write_overlays(
    h5: h5py.File,
    overlays: Sequence[SpectrumOverlay],
    provenance: Provenance,
    notes: Sequence[str] = (),
) -> str:
    """Store the overlays of one prediction under /entry/predictions, and return their key.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    overlays : sequence of SpectrumOverlay
        Of one source, at least one.
    provenance : Provenance
    notes : sequence of str
        On all of them.
    """
    key = _key(h5, overlays[0].source, provenance)
    longest = max(one.overlay.energy_mev.size for one in overlays)
    datasets: dict[str, Any] = {
        name: padded([getattr(one.overlay, name) for one in overlays], longest) for name in _CURVES
    }
    for name in _NUMBERS:
        column = _COLUMN_OF.get(name, name)
        datasets[column] = np.array([getattr(one.overlay, name) for one in overlays])
    for name in _PLACE:
        datasets[name] = np.array([getattr(one, name) for one in overlays])
    for name in _KELVINS:
        datasets[name] = np.array([number_or_nan(getattr(one, name)) for one in overlays])
    datasets |= {
        "points": np.array([one.overlay.energy_mev.size for one in overlays]),
        "dof": np.array([one.overlay.dof for one in overlays]),
        "q_hkl": np.array([one.q_hkl for one in overlays]),
        "predicted_hkl": np.array([one.predicted_hkl for one in overlays]),
        "analyzer": [one.analyzer for one in overlays],
        "record": json.dumps([_record(one) for one in overlays], ensure_ascii=False),
        "notes": list(notes),
    }
    write_result(
        h5,
        "predictions",
        key,
        datasets,
        provenance=provenance,
        attributes={"title": f"{overlays[0].source} over the spectra", "content": CONTENT},
        units=_UNITS,
        signal="expected",
    )
    return key


def read_overlays(
    h5: h5py.File, key: str, version: int | None = None
) -> tuple[tuple[SpectrumOverlay, ...], tuple[str, ...]]:
    """The overlays of a key, equal to those written, and the notes on all of them.

    Raises
    ------
    InputError
        There is no such result, or it is damaged.
    """
    data = read_result(h5, "predictions", key, version).datasets
    try:
        records = json.loads(data["record"])
        overlays = tuple(_overlaid(data, row, record) for row, record in enumerate(records))
        return overlays, tuple(data["notes"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"the stored overlays are damaged ({error})",
            file=h5.filename,
            key=f"predictions/{key}",
            hint="make them again with `ixs overlay`",
        ) from error


def _key(h5: h5py.File, source: str, provenance: Provenance) -> str:
    """Of a prediction: with its digest where another file of the same name has overlays."""
    key, digest = f"{CONTENT} {source}", provenance.sources[0][1] if provenance.sources else ""
    if key not in list_results(h5, "predictions"):
        return key
    known = read_provenance(h5, "predictions", key).sources
    return key if known and known[0][1] == digest else f"{key} {digest[:8]}"


def _record(one: SpectrumOverlay) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _TEXTS} | {"notes": list(one.overlay.notes)}


def _overlaid(data: Mapping[str, Any], row: int, record: Mapping[str, Any]) -> SpectrumOverlay:
    real = slice(0, int(data["points"][row]))
    columns = {name: _COLUMN_OF.get(name, name) for name in _NUMBERS}
    fitted: dict[str, Any] = {name: float(data[columns[name]][row]) for name in _NUMBERS}
    fitted |= {name: data[name][row, real] for name in _CURVES}
    fitted |= {"dof": int(data["dof"][row]), "notes": tuple(record["notes"])}
    place: dict[str, Any] = {name: record[name] for name in _TEXTS}
    place |= {name: float(data[name][row]) for name in _PLACE}
    place |= {name: number_or_none(data[name][row]) for name in _KELVINS}
    place |= {name: data[name][row] for name in ("q_hkl", "predicted_hkl")}
    return SpectrumOverlay(**place, overlay=Overlay(**fitted))
