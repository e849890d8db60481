"""Spectra in the project file: one NXdata group for the analyzers of a scan or merged set.

Analyzers may have unequal numbers of points (bursts left out, points without exposure). Rows are
filled up with NaN at the end; `points` says how many are real, and reading cuts them there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import list_results, read_result, write_result
from ixs_core.provenance import Provenance
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store.padding import (
    number_or_nan,
    number_or_none,
    padded,
    plotted_axis,
    vector_or_none,
    vectors_or_nan,
)
from ixs_reduce.store.scans import flags_of

UNITS = {
    "energy_mev": "meV",
    "energy_axis_mev": "meV",
    "counts": "counts",
    "q_abs": "1/angstrom",
    "q_hkl": "r.l.u.",
    "dq_hkl": "r.l.u.",
    "temperature_k": "K",
    "zero_mev": "meV",
    "zero_err": "meV",
}
"""Units of the datasets that describe spectra."""

_NUMBERS = ("q_abs", "temperature_k", "zero_mev", "zero_err")


def write_spectra(
    h5: h5py.File,
    key: str,
    spectra: Sequence[Spectrum],
    provenance: Provenance,
    replace: bool = False,
) -> None:
    """Store the spectra of one scan or merged set under /entry/spectra/<key>.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    key : str
        `scan_key(scan)` or `merged_key(scans)`.
    spectra : sequence of Spectrum
        One for each analyzer.
    provenance : Provenance
    replace : bool
        Drop an earlier result of this key instead of keeping it in the history.
    """
    datasets = spectra_datasets(spectra)
    write_result(
        h5,
        "spectra",
        key,
        datasets,
        provenance=provenance,
        attributes={"title": f"spectra of {key}"},
        units={name: unit for name, unit in UNITS.items() if name in datasets},
        signal="counts",
        axes=(".", "energy_axis_mev"),
        replace=replace,
    )


def read_spectra(h5: h5py.File, key: str, version: int | None = None) -> tuple[Spectrum, ...]:
    """The spectra of a key, equal to those written, in the same order.

    Raises
    ------
    InputError
        When there is no such result, or what is stored of it is damaged.
    """
    data = read_result(h5, "spectra", key, version).datasets
    return spectra_of(data, f"{h5.filename} spectra/{key}")


def spectra_keys(h5: h5py.File) -> list[str]:
    """Keys of the stored spectra, scans in numerical order."""
    return list_results(h5, "spectra")


def spectra_datasets(spectra: Sequence[Spectrum]) -> dict[str, Any]:
    """All fields of some spectra as datasets: arrays [n_spectra, n_points] and columns."""
    lengths = [spectrum.counts.size for spectrum in spectra]
    longest = max(lengths)
    energy = padded([spectrum.energy_mev for spectrum in spectra], longest)
    datasets: dict[str, Any] = {
        "energy_mev": energy,
        "energy_axis_mev": plotted_axis(energy),
        "counts": padded([spectrum.counts for spectrum in spectra], longest),
        "exposure": padded([spectrum.exposure for spectrum in spectra], longest),
        "points": np.array(lengths),
        "analyzer": [spectrum.analyzer or "" for spectrum in spectra],
        "q_hkl": vectors_or_nan([spectrum.q_hkl for spectrum in spectra]),
        "dq_hkl": vectors_or_nan([spectrum.dq_hkl for spectrum in spectra]),
        "record": json.dumps([_record(spectrum) for spectrum in spectra], ensure_ascii=False),
    }
    rates = [spectrum.background_rate for spectrum in spectra]
    if any(rate is not None for rate in rates):
        datasets["background_rate"] = padded(rates, longest)
    for name in _NUMBERS:
        datasets[name] = np.array([number_or_nan(getattr(s, name)) for s in spectra])
    return datasets


def spectra_of(data: Mapping[str, Any], where: str) -> tuple[Spectrum, ...]:
    """The spectra that `spectra_datasets` described; `where` names their place in errors."""
    try:
        records = json.loads(data["record"])
        return tuple(_spectrum(data, i, record) for i, record in enumerate(records))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"the stored spectra are damaged ({error})", key=where, hint="reduce the scan again"
        ) from error


def _record(spectrum: Spectrum) -> dict[str, Any]:
    return {
        "analyzer": spectrum.analyzer,
        "scan": spectrum.scan,
        "file": spectrum.file,
        "has_background": spectrum.background_rate is not None,
        "flags": [asdict(flag) for flag in spectrum.flags],
    }


def _spectrum(data: Mapping[str, Any], i: int, record: Mapping[str, Any]) -> Spectrum:
    real = slice(0, int(data["points"][i]))
    return Spectrum(
        energy_mev=data["energy_mev"][i, real],
        counts=data["counts"][i, real],
        exposure=data["exposure"][i, real],
        background_rate=data["background_rate"][i, real] if record["has_background"] else None,
        q_hkl=vector_or_none(data["q_hkl"][i]),
        dq_hkl=vector_or_none(data["dq_hkl"][i]),
        **{name: number_or_none(data[name][i]) for name in _NUMBERS},
        analyzer=record["analyzer"],
        scan=record["scan"],
        file=record["file"],
        flags=flags_of(record["flags"]),
    )
