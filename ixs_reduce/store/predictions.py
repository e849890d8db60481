"""Predicted modes in the project file: one NXdata group for the spectra of a scan or merged set.

Spectra may have unequal numbers of modes. Rows are filled up at the end, numbers with NaN and
counting numbers with 0; `modes` says how many are real, and reading cuts them there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import IntArray
from ixs_core.errors import InputError
from ixs_core.project import list_results, read_attributes, read_result, write_result
from ixs_core.provenance import Provenance
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.store.padding import padded

_CONTENT = "modes"
_UNITS = {
    "energy_mev": "meV",
    "fwhm_mev": "meV",
    "spread_mev": "meV",
    "q_hkl": "r.l.u.",
    "temperature_k": "K",
    "intensity": "e^2/cell",
}
_NUMBERS = ("energy_mev", "intensity", "fwhm_mev", "spread_mev")
_COUNTING = ("branch", "group")
_IN_RECORD = ("file", "scan", "analyzer", "source", "imaginary")


def write_predictions(
    h5: h5py.File,
    key: str,
    predicted: Sequence[PredictedModes],
    provenance: Provenance,
    replace: bool = False,
) -> None:
    """Store the predicted modes of one scan or merged set under /entry/predictions/<key>.

    Arrays are [n_spectra, n_modes]: `energy_mev` against the number of the mode is what a NeXus
    viewer plots.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    key : str
        That of the spectra.
    predicted : sequence of PredictedModes
        One for each analyzer.
    provenance : Provenance
    replace : bool
        Drop an earlier result of this key instead of keeping it in the history.
    """
    most = max((modes.n_modes for modes in predicted), default=0)
    datasets: dict[str, Any] = {
        name: padded([getattr(modes, name) for modes in predicted], most) for name in _NUMBERS
    }
    for name in _COUNTING:
        datasets[name] = _filled([getattr(modes, name) for modes in predicted], most)
    datasets |= {
        "mode": np.arange(1, most + 1),
        "modes": np.array([modes.n_modes for modes in predicted], dtype=int),
        "analyzer": [modes.analyzer for modes in predicted],
        "q_hkl": np.array([modes.q_hkl for modes in predicted]).reshape(-1, 3),
        "temperature_k": np.array([modes.temperature_k for modes in predicted], dtype=float),
        "imaginary": np.array([modes.imaginary for modes in predicted], dtype=int),
        "record": json.dumps([_record(modes) for modes in predicted], ensure_ascii=False),
    }
    write_result(
        h5,
        "predictions",
        key,
        datasets,
        provenance=provenance,
        attributes={
            "title": f"predicted modes of {key}",
            "source": _sources(predicted),
            "content": _CONTENT,
        },
        units=_UNITS,
        signal="energy_mev",
        axes=(".", "mode"),
        replace=replace,
    )


def read_predictions(
    h5: h5py.File, key: str, version: int | None = None
) -> tuple[PredictedModes, ...]:
    """The predicted modes of a key, equal to those written, in the same order.

    Raises
    ------
    InputError
        When there is no such result, or what is stored of it is damaged.
    """
    data = read_result(h5, "predictions", key, version).datasets
    try:
        records = json.loads(data["record"])
        if len(records) != len(data["modes"]):
            raise ValueError(f"{len(records)} records of {len(data['modes'])} spectra")
        return tuple(_predicted(data, i, record) for i, record in enumerate(records))
    except (InputError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"the stored predictions are damaged ({error})",
            file=h5.filename,
            key=f"predictions/{key}",
            hint="make them again with `ixs sqe FC --at project.h5`",
        ) from error


def prediction_keys(h5: h5py.File) -> list[str]:
    """Keys of the predictions for spectra, scans in numerical order.

    Calculated paths and plans, which stand beside them in the project, are others' to read.
    """
    return [
        key
        for key in list_results(h5, "predictions")
        if read_attributes(h5, "predictions", key).get("content") == _CONTENT
    ]


def _filled(columns: Sequence[IntArray], n_modes: int) -> IntArray:
    """Columns of counting numbers as rows of one array, 0 behind the end of the shorter ones."""
    rows = np.zeros((len(columns), n_modes), dtype=int)
    for row, column in zip(rows, columns, strict=True):
        row[: column.size] = column
    return rows


def _sources(predicted: Sequence[PredictedModes]) -> str:
    return "; ".join(dict.fromkeys(modes.source for modes in predicted if modes.source))


def _record(modes: PredictedModes) -> dict[str, Any]:
    return {name: getattr(modes, name) for name in _IN_RECORD} | {"notes": list(modes.notes)}


def _predicted(data: Mapping[str, Any], i: int, record: Mapping[str, Any]) -> PredictedModes:
    number = int(data["modes"][i])
    columns = {name: data[name][i, :number] for name in (*_NUMBERS, *_COUNTING)}
    short = [name for name, column in columns.items() if column.size != number]
    if short:
        raise ValueError(f"{short[0]} has no {number} modes")
    return PredictedModes(
        **{name: record[name] for name in _IN_RECORD},
        notes=tuple(record["notes"]),
        q_hkl=data["q_hkl"][i],
        temperature_k=float(data["temperature_k"][i]),
        **columns,
    )
