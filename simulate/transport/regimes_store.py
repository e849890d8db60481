"""Lifetimes and their limits in the project file, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.provenance import Provenance
from simulate.record_store import read_record, record_keys, write_record
from simulate.transport.regimes import Lifetimes, RegimeLimits

CONTENT = "kappa regimes"
"""Marks these results among the predictions of a project."""

_COLUMNS = ("energy_mev", "fwhm_mev", "energy_err", "fwhm_err", "is_limit", "weight")
_UNITS = dict.fromkeys(_COLUMNS[:4], "meV")


@dataclass(frozen=True)
class _Table:
    """All lines of all sources, and which is whose."""

    names: tuple[str, ...]
    temperatures_k: FloatArray
    measured: tuple[bool, ...]
    average_spacing_mev: float
    source: IntArray
    energy_mev: FloatArray
    fwhm_mev: FloatArray
    energy_err: FloatArray
    fwhm_err: FloatArray
    is_limit: BoolArray
    weight: FloatArray


def write_regimes(
    h5: h5py.File,
    name: str,
    sources: Sequence[Lifetimes],
    limits: RegimeLimits,
    provenance: Provenance,
) -> None:
    """Store lifetimes and limits under /entry/predictions; an earlier one of the name is history.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    name : str
    sources : sequence of Lifetimes
    limits : RegimeLimits
    provenance : Provenance
    """
    columns = {key: np.concatenate([getattr(one, key) for one in sources]) for key in _COLUMNS}
    table = _Table(
        names=tuple(one.name for one in sources),
        temperatures_k=np.array([one.temperature_k for one in sources]),
        measured=tuple(one.measured for one in sources),
        average_spacing_mev=limits.average_spacing_mev,
        source=np.repeat(np.arange(len(sources)), [len(one.energy_mev) for one in sources]),
        **columns,
    )
    title = f"lifetimes and regimes at {name}"
    write_record(h5, f"{CONTENT} {name}", table, CONTENT, title, provenance, units=_UNITS)


def read_regimes(h5: h5py.File, key: str) -> tuple[list[Lifetimes], RegimeLimits]:
    """The lifetimes and limits of a key, equal to those written.

    Raises
    ------
    InputError
        There is no such result, or it is damaged.
    """
    table = read_record(h5, key, _Table)
    sources = [
        Lifetimes(
            name=name,
            temperature_k=float(table.temperatures_k[i]),
            measured=table.measured[i],
            **{column: getattr(table, column)[table.source == i] for column in _COLUMNS},
        )
        for i, name in enumerate(table.names)
    ]
    return sources, RegimeLimits(table.average_spacing_mev)


def regimes_keys(h5: h5py.File) -> list[str]:
    """Keys of the stored regimes of a project."""
    return record_keys(h5, CONTENT)
