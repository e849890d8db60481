"""Conductivity with measured linewidths in the project file."""

from __future__ import annotations

from dataclasses import dataclass

import h5py

from ixs_core.arrays import FloatArray
from ixs_core.provenance import Provenance
from simulate.record_store import read_record, write_record
from simulate.transport.kappa_from_measured import MeasuredKappa

CONTENT = "kappa measured"
"""Marks these results among the predictions of a project."""

_TENSORS = ("kappa_p", "kappa_c", "band_p", "band_c", "band", "computed_p", "computed_c")
_FACTS = ("temperature_k", "covered", "limited", "lines", "limits", "method", "mesh", "notes")


@dataclass(frozen=True)
class MeasuredRecord:
    """What a project keeps of a `MeasuredKappa`: its fields of the same names.

    `audit_passed` says whether the computed conductivity has the symmetry of the crystal.
    """

    temperature_k: float
    kappa_p: FloatArray
    kappa_c: FloatArray
    band_p: FloatArray
    band_c: FloatArray
    band: FloatArray
    computed_p: FloatArray
    computed_c: FloatArray
    covered: float
    limited: float
    lines: int
    limits: int
    method: str
    mesh: tuple[int, int, int]
    audit_passed: bool
    source: str
    notes: tuple[str, ...]


def write_measured_kappa(
    h5: h5py.File, found: MeasuredKappa, source: str, provenance: Provenance
) -> None:
    """Store a conductivity with measured widths under /entry/predictions.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    found : MeasuredKappa
    source : str
        Where the measured lines come from, for the key.
    provenance : Provenance
    """
    fields = {name: getattr(found, name) for name in (*_TENSORS, *_FACTS)}
    record = MeasuredRecord(**fields, audit_passed=found.audit.passed, source=source)
    write_record(
        h5,
        f"{CONTENT} {source} {found.temperature_k:g} K",
        record,
        CONTENT,
        f"Wigner conductivity with measured widths of {source}",
        provenance,
        units=dict.fromkeys(_TENSORS, "W/m/K"),
    )


def read_measured_kappa(h5: h5py.File, key: str) -> MeasuredRecord:
    """The conductivity stored under a key; InputError where there is none or it is damaged."""
    return read_record(h5, key, MeasuredRecord)
