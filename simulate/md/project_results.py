"""What a simulation says, kept in the project file: states, displacements, hops, S(Q,E)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import h5py

from ixs_core.provenance import Provenance
from simulate.md.displacements import MeanSquareDisplacement
from simulate.md.hop_statistics import HopRate
from simulate.md.mode_lines import ModeLinewidths
from simulate.md.phonon_comparison import PhononCurves
from simulate.md.scattering_spectrum import DynamicStructureFactor
from simulate.md.vibrational_states import PhononDos
from simulate.record_store import own_key, read_record, record_keys, write_record

Record = TypeVar("Record")


@dataclass(frozen=True)
class _Kind:
    """How a kind of result stands in the file."""

    content: str
    units: Mapping[str, str] = field(default_factory=dict)
    signal: str | None = None
    axes: tuple[str, ...] = ()


_KINDS: Mapping[type, _Kind] = {
    PhononDos: _Kind(
        "md states",
        {
            "energy_mev": "meV",
            "dos": "1/meV",
            "time_ps": "ps",
            "vacf": "angstrom^2/ps^2",
            "element_temperature_k": "K",
        },
        "dos",
        (".", ".", "energy_mev"),
    ),
    MeanSquareDisplacement: _Kind(
        "md displacements",
        {"time_ps": "ps", "msd_A2": "angstrom^2", "block_msd_A2": "angstrom^2"},
        "msd_A2",
        (".", ".", "time_ps"),
    ),
    HopRate: _Kind("md hops"),
    ModeLinewidths: _Kind(
        "md linewidths",
        {
            "q_hkl": "r.l.u.",
            "requested_hkl": "r.l.u.",
            "distance": "1/angstrom",
            "harmonic_mev": "meV",
            "energy_mev": "meV",
            "energy_err": "meV",
            "fwhm_mev": "meV",
            "fwhm_err": "meV",
            "fwhm_upper": "meV",
            "kinetic_temperature_k": "K",
        },
        "fwhm_mev",
        (".", "branch"),
    ),
    DynamicStructureFactor: _Kind(
        "md scattering",
        {
            "energy_mev": "meV",
            "inelastic": "weights^2/meV per atom",
            "elastic": "weights^2 per atom",
            "q_hkl": "r.l.u.",
            "requested_hkl": "r.l.u.",
            "q_abs": "1/angstrom",
            "distance": "1/angstrom",
        },
        "inelastic",
        (".", "energy_mev"),
    ),
    PhononCurves: _Kind(
        "md scattering phonons",
        {"energy_mev": "meV", "inelastic": "e^2/meV per atom", "q_hkl": "r.l.u."},
        "inelastic",
        (".", "energy_mev"),
    ),
}


def write_md_result(
    h5: h5py.File, name: str, record: Any, provenance: Provenance, title: str
) -> str:
    """Store a result of a simulation under /entry/predictions, and return its key.

    Parameters
    ----------
    h5 : h5py.File
        A project opened by `Project.writing`.
    name : str
        Of the trajectory, and what else tells this result from others of its kind.
    record : PhononDos, MeanSquareDisplacement, HopRate, ModeLinewidths, DynamicStructureFactor, \
        PhononCurves
    provenance : Provenance
    title : str
        What it is, for people.
    """
    kind = _KINDS[type(record)]
    key = f"{kind.content} {name}"
    write_record(
        h5,
        key,
        record,
        kind.content,
        title,
        provenance,
        units=kind.units,
        signal=kind.signal,
        axes=kind.axes,
    )
    return key


def md_results(h5: h5py.File, kind: type[Record]) -> dict[str, Record]:
    """All results of a kind by their names.

    Raises
    ------
    InputError
        One of them is damaged.
    """
    content = _KINDS[kind].content
    return {
        key.removeprefix(f"{content} "): read_record(h5, key, kind)
        for key in record_keys(h5, content)
    }


def result_name(
    h5: h5py.File, kind: type, file: Path, provenance: Provenance, more: str = ""
) -> str:
    """A name for a result of a trajectory that is not that of another file's, as `own_key` does.

    Parameters
    ----------
    h5 : h5py.File
    kind : type
        Of the record.
    file : path
    provenance : Provenance
        Its first source is the file.
    more : str
        What else tells the result from others of its kind.
    """
    content = _KINDS[kind].content
    return own_key(h5, content, file, provenance, more).removeprefix(f"{content} ")


def md_result_key(kind: type, name: str) -> str:
    """The key under which a result of this kind and name is stored."""
    return f"{_KINDS[kind].content} {name}"
