"""Linewidths in the project file, and back."""

from __future__ import annotations

from dataclasses import dataclass, fields

import h5py
import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.provenance import Provenance
from simulate.record_store import read_record, record_keys, write_record
from simulate.transport.lifetimes import Linewidths

CONTENT = "kappa linewidths"
_UNITS = {
    "q_primitive": "r.l.u.",
    "energy_mev": "meV",
    "temperature_k": "K",
    "fwhm_mev": "meV",
    "velocity_km_s": "km/s",
    "velocity_product": "km^2/s^2",
    "primitive": "angstrom",
    "kappa_stated": "W/m/K",
}


@dataclass(frozen=True)
class _Kept:
    """`Linewidths` with its widths in one array (process, nt, nq, ns), which a file can hold."""

    q_primitive: FloatArray
    weights: IntArray
    energy_mev: FloatArray
    temperature_k: FloatArray
    process_names: tuple[str, ...]
    fwhm_mev: FloatArray
    mesh: tuple[int, int, int] | None
    velocity_km_s: FloatArray | None
    primitive: FloatArray | None
    volume_A3: float | None
    source: str
    sources: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    velocity_product: FloatArray | None
    kappa_stated: FloatArray | None


_COMMON = tuple(
    field.name for field in fields(Linewidths) if field.name in {f.name for f in fields(_Kept)}
)


def write_linewidths(
    h5: h5py.File, name: str, linewidths: Linewidths, provenance: Provenance
) -> str:
    """Store linewidths under /entry/predictions and return the key.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    name : str
        Of the file or folder they came from.
    linewidths : Linewidths
    provenance : Provenance
    """
    kept = _Kept(
        process_names=tuple(linewidths.processes),
        fwhm_mev=np.array(list(linewidths.processes.values())),
        **{name: getattr(linewidths, name) for name in _COMMON},
    )
    present = {name for name in _UNITS if getattr(kept, name) is not None}
    key = f"{CONTENT} {name}"
    write_record(
        h5,
        key,
        kept,
        CONTENT,
        f"Linewidths: {linewidths.source}",
        provenance,
        units={name: unit for name, unit in _UNITS.items() if name in present},
        signal="fwhm_mev",
        axes=(".", "temperature_k", ".", "."),
    )
    return key


def read_stored_linewidths(h5: h5py.File, key: str) -> Linewidths:
    """Linewidths stored under a key.

    Raises
    ------
    InputError
        There are none, or they are damaged.
    """
    kept = read_record(h5, key, _Kept)
    return Linewidths(
        processes=dict(zip(kept.process_names, kept.fwhm_mev, strict=True)),
        **{name: getattr(kept, name) for name in _COMMON},
    )


def linewidths_of_project(h5: h5py.File) -> Linewidths | None:
    """The linewidths that a project keeps; None where it keeps none or is no project.

    Raises
    ------
    InputError
        It keeps several.
    """
    if "entry" not in h5:
        return None
    keys = record_keys(h5, CONTENT)
    if len(keys) > 1:
        raise InputError(
            "the project keeps linewidths of several sources",
            file=h5.filename,
            found=", ".join(key.removeprefix(f"{CONTENT} ") for key in keys),
            expected="one",
            hint="read the source itself",
        )
    return read_stored_linewidths(h5, keys[0]) if keys else None
