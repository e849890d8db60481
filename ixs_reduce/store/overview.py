"""A line about each scan of a project, read without its counts: for lists of thousands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.project import has_result, read_datasets
from ixs_reduce.quality import DEAD_CODES
from ixs_reduce.scan import Flag, Scan
from ixs_reduce.store.scans import flags_of

_OF_SCAN = ("record", "analyzer", "energy_axis_mev", "q_abs", "monitor", "seconds")
_OF_SPECTRA = ("record", "temperature_k", "points", "q_abs")


@dataclass(frozen=True)
class ScanOverview:
    """What a list tells of a scan or of a set of merged ones.

    Parameters
    ----------
    key : str
        Its name in the project.
    command : str
        As typed; of a merged set what was summed.
    points : int
    requested_points : int or None
        What the command asked for; None where it is not known.
    temperature_k : float or None
    q_abs : (smallest, largest) or None
        |Q| of the analyzers in Å⁻¹.
    analyzers, living : int
        How many there are, and how many of them count.
    monitor_rate : float or None
        Median monitor counts per second.
    flags : tuple of Flag
    """

    key: str
    command: str
    points: int
    requested_points: int | None = None
    temperature_k: float | None = None
    q_abs: tuple[float, float] | None = None
    analyzers: int = 0
    living: int = 0
    monitor_rate: float | None = None
    flags: tuple[Flag, ...] = ()


def overview_of(scan: Scan, key: str) -> ScanOverview:
    """The line about a scan at hand."""
    names = [analyzer.name for analyzer in scan.analyzers]
    lengths = [np.nan if a.q_abs is None else a.q_abs for a in scan.analyzers]
    return ScanOverview(
        key=key,
        command=scan.command,
        points=scan.points,
        requested_points=scan.requested_points,
        temperature_k=scan.temperature_k,
        q_abs=_range(np.array(lengths)),
        analyzers=len(names),
        living=_living(names, scan.flags),
        monitor_rate=_rate(scan.monitor, scan.seconds),
        flags=scan.flags,
    )


def read_overview(h5: h5py.File, key: str) -> ScanOverview:
    """The line about a stored scan, or about spectra that were merged of several.

    Raises
    ------
    InputError
        When the project has no such scan, or what is stored of it is damaged.
    """
    raw = has_result(h5, "scans", key)
    kind = "scans" if raw else "spectra"
    data = read_datasets(h5, kind, key, _OF_SCAN if raw else _OF_SPECTRA)
    try:
        return _of_scan(key, data) if raw else _of_spectra(key, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"what is stored of it is damaged ({error})",
            file=h5.filename,
            key=f"{kind}/{key}",
            hint="reduce the scan again",
        ) from error


def _of_scan(key: str, data: Mapping[str, Any]) -> ScanOverview:
    record = json.loads(data["record"])
    flags = flags_of(record["flags"])
    names = list(data["analyzer"])
    return ScanOverview(
        key=key,
        command=record["command"],
        points=int(np.size(data["energy_axis_mev"])),
        requested_points=record["requested_points"],
        temperature_k=record["temperature_k"],
        q_abs=_range(data["q_abs"]),
        analyzers=len(names),
        living=_living(names, flags),
        monitor_rate=_rate(data["monitor"], data["seconds"]),
        flags=flags,
    )


def _of_spectra(key: str, data: Mapping[str, Any]) -> ScanOverview:
    records = json.loads(data["record"])
    names = [str(record["analyzer"]) for record in records]
    flags = tuple(dict.fromkeys(flag for record in records for flag in flags_of(record["flags"])))
    temperature = float(data["temperature_k"][0])
    return ScanOverview(
        key=key,
        command=f"scans {records[0]['scan'] or '?'} summed",
        points=int(np.max(data["points"])),
        temperature_k=temperature if np.isfinite(temperature) else None,
        q_abs=_range(data["q_abs"]),
        analyzers=len(names),
        living=_living(names, flags),
        flags=flags,
    )


def _living(names: Sequence[str], flags: Sequence[Flag]) -> int:
    dead = {flag.analyzer for flag in flags if flag.code in DEAD_CODES}
    return sum(name not in dead for name in names)


def _range(values: FloatArray) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else None


def _rate(monitor: FloatArray | None, seconds: FloatArray | None) -> float | None:
    if monitor is None or seconds is None or not (np.size(monitor) and (seconds > 0).any()):
        return None
    counted = seconds > 0
    return float(np.median(monitor[counted] / seconds[counted]))
