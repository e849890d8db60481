"""Raw scans in the project file: counts of every analyzer at every point, as they were read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.project import list_results, read_result, write_result
from ixs_core.provenance import Provenance, plain
from ixs_reduce.scan import Analyzer, Flag, Scan, Source
from ixs_reduce.store.keys import scan_key
from ixs_reduce.store.padding import (
    number_or_nan,
    number_or_none,
    plotted_axis,
    vector_or_none,
    vectors_or_nan,
)

_UNITS = {
    "energy_mev": "meV",
    "energy_axis_mev": "meV",
    "counts": "counts",
    "seconds": "s",
    "monitor": "counts",
    "q_abs": "1/angstrom",
}
_IN_RECORD = (
    "number",
    "occurrence",
    "kind",
    "command",
    "scanned",
    "monitor_name",
    "temperature_k",
    "slits_mm",
    "lattice",
    "main_analyzer",
    "requested_points",
    "zero_prior_mev",
)
_TUPLES = ("slits_mm", "lattice", "zero_prior_mev")


def write_scan(
    h5: h5py.File, scan: Scan, provenance: Provenance, key: str | None = None, replace: bool = False
) -> bool:
    """Store a scan under /entry/scans, unless the very same is there already.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    scan : Scan
    provenance : Provenance
    key : str, optional
        Default `scan_key(scan)`.
    replace : bool
        Drop an earlier version instead of keeping it in the history.

    Returns
    -------
    bool
        Whether it was written: raw data that did not change are stored once.
    """
    key = key or scan_key(scan)
    datasets = _datasets(scan)
    digest = _digest(datasets)
    if key in scan_keys(h5) and read_result(h5, "scans", key).attributes.get("sha256") == digest:
        return False
    write_result(
        h5,
        "scans",
        key,
        datasets,
        provenance=provenance,
        attributes={
            "title": f"{scan.source.path.name} scan {scan.label}: {scan.command}",
            "temperature_k": scan.temperature_k,
            "sha256": digest,
        },
        units={name: unit for name, unit in _UNITS.items() if name in datasets},
        signal="counts",
        axes=(".", "energy_axis_mev"),
        replace=replace,
    )
    return True


def read_scan(h5: h5py.File, key: str, version: int | None = None) -> Scan:
    """A stored scan, equal to the one written.

    Raises
    ------
    InputError
        When there is no such scan, or what is stored of it is damaged.
    """
    data = read_result(h5, "scans", key, version).datasets
    try:
        return _scan(data, json.loads(data["record"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the stored scan is damaged ({error})",
            file=h5.filename,
            key=f"scans/{key}",
            hint="reduce its file again",
        ) from error


def scan_keys(h5: h5py.File) -> list[str]:
    """Keys of the stored scans."""
    return list_results(h5, "scans")


def _datasets(scan: Scan) -> dict[str, Any]:
    datasets = {
        "energy_mev": scan.energy_mev,
        "energy_axis_mev": plotted_axis(scan.energy_mev),
        "counts": scan.counts,
        "analyzer": [analyzer.name for analyzer in scan.analyzers],
        "q_hkl": vectors_or_nan([analyzer.q_hkl for analyzer in scan.analyzers]),
        "dq_hkl": vectors_or_nan([analyzer.dq_hkl for analyzer in scan.analyzers]),
        "q_abs": np.array([number_or_nan(analyzer.q_abs) for analyzer in scan.analyzers]),
        "record": json.dumps(_record(scan), ensure_ascii=False),
    }
    for name in ("seconds", "monitor"):
        if getattr(scan, name) is not None:
            datasets[name] = getattr(scan, name)
    return datasets


def _record(scan: Scan) -> dict[str, Any]:
    return plain(
        {name: getattr(scan, name) for name in _IN_RECORD}
        | {
            "angles": scan.angles,
            "flags": [asdict(flag) for flag in scan.flags],
            "source": scan.source,
        }
    )


def flags_of(records: list[dict[str, Any]]) -> tuple[Flag, ...]:
    """Flags from their JSON records."""
    return tuple(
        Flag(r["code"], r["message"], r["analyzer"], tuple(int(p) for p in r["points"]))
        for r in records
    )


def _scan(data: Mapping[str, Any], record: Mapping[str, Any]) -> Scan:
    source = record["source"]
    names = zip(data["analyzer"], data["q_hkl"], data["q_abs"], data["dq_hkl"], strict=True)
    return Scan(
        **{name: record[name] for name in _IN_RECORD if name not in _TUPLES},
        slits_mm=_tuple(record["slits_mm"]),
        lattice=_tuple(record["lattice"]),
        zero_prior_mev=_tuple(record.get("zero_prior_mev")),
        angles=record["angles"],
        energy_mev=data["energy_mev"],
        counts=data["counts"],
        seconds=data.get("seconds"),
        monitor=data.get("monitor"),
        analyzers=tuple(
            Analyzer(name, vector_or_none(q), number_or_none(q_abs), vector_or_none(dq))
            for name, q, q_abs, dq in names
        ),
        source=Source(Path(source["path"]), source["sha256"], source["line"]),
        flags=flags_of(record["flags"]),
    )


def _tuple(values: list[float] | None) -> Any:
    return None if values is None else tuple(values)


def _digest(datasets: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(datasets.items()):
        content = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()
