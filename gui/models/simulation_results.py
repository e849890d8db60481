"""The simulated results of a project: which there are, and their records. Qt-free."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gui.models.simulation_drawing import same_temperature
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import (
    Project,
    list_results,
    read_attributes,
    read_dataset,
    read_provenance,
)


@dataclass(frozen=True)
class Group:
    """Results that are shown in one drawing.

    Parameters
    ----------
    name, title : str
    contents : tuple of str
        How the project marks them.
    command : str
        What makes one.
    axes : tuple of (value, text)
        Directions to choose from; the first is the default.
    log : str
        What its logarithmic axis is; empty without one.
    starts_log : bool
    """

    name: str
    title: str
    contents: tuple[str, ...]
    command: str
    axes: tuple[tuple[str, str], ...] = ()
    log: str = ""
    starts_log: bool = False


_EACH = (("x", "x"), ("y", "y"), ("z", "z"))
_TENSOR = (("mean", "mean of the axes"), ("xx", "xx"), ("yy", "yy"), ("zz", "zz"))

GROUPS = (
    Group(
        "displacements",
        "Mean-square displacements",
        ("md displacements", "md hops"),
        "ixs md msd run.h5 --framework Cs,I -o project.h5",
        (("all", "x, y and z together"), *_EACH),
        "log-log",
        True,
    ),
    Group(
        "states",
        "Phonon density of states",
        ("md states",),
        "ixs md pdos run.h5 --resolution 1 -o project.h5",
        (("each", "x, y, z by themselves"), ("sum", "sum of x, y and z")),
    ),
    Group(
        "scattering",
        "S(Q,ω) of simulations",
        ("md scattering",),
        'ixs md sqw run.h5 --q "7 6.3 0" --phonons FC.yaml -o project.h5',
        (),
        "log intensity",
    ),
    Group(
        "overlays",
        "Over the measured spectra",
        ("overlay",),
        "ixs overlay project.h5 run.h5 FC.yaml",
        (),
        "log counts",
    ),
    Group(
        "lifetimes",
        "Lifetimes and regimes",
        ("kappa regimes", "md linewidths", "kappa linewidths"),
        "ixs kappa regimes kappa.hdf5 --force-constants FC.yaml --project project.h5 "
        "-o project.h5",
        (),
        "log energy",
    ),
    Group(
        "conductivity",
        "Thermal conductivity κ(T)",
        ("kappa wigner", "kappa measured", "kappa power-law"),
        "ixs kappa wigner FC.yaml kappa.hdf5 --temperature 300 -o project.h5",
        (*_TENSOR, ("each", "xx, yy and zz")),
        "log-log",
    ),
    Group(
        "green-kubo",
        "Green-Kubo",
        ("kappa green-kubo",),
        "ixs kappa green-kubo J0.dat --log log.lammps -o project.h5",
        (("each", "x, y, z and mean"), ("mean", "mean of the axes")),
    ),
)

GROUP_OF = {content: group for group in GROUPS for content in group.contents}


@dataclass(frozen=True)
class Entry:
    """A simulated result of a project.

    Parameters
    ----------
    key, content, label : str
        `label` is its key without its kind.
    title : str
        What it is, for people.
    made_by : str
        Command and time.
    temperatures_k : tuple of float
    """

    key: str
    content: str
    label: str
    title: str
    made_by: str
    temperatures_k: tuple[float, ...] = ()

    @property
    def group(self) -> Group:
        """Where it is shown."""
        return GROUP_OF[self.content]

    @property
    def temperature_k(self) -> float | None:
        """Its temperature, where it has one."""
        return self.temperatures_k[0] if len(self.temperatures_k) == 1 else None


@dataclass(frozen=True)
class Loaded:
    """Records of results by their keys, and those that could not be read."""

    records: Mapping[str, Any]
    failures: tuple[tuple[str, InputError], ...] = ()


def read_entries(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> tuple[Entry, ...]:
    """The simulated results of a project, group by group.

    Raises
    ------
    InputError
        When the project cannot be read.
    """
    found: list[Entry] = []
    kelvins: dict[str, float] = {}
    digests: dict[str, str] = {}
    with Project(path).reading() as h5:
        for key in list_results(h5, "predictions"):
            facts = read_attributes(h5, "predictions", key)
            content = str(facts.get("content", ""))
            if content in GROUP_OF:
                made = read_provenance(h5, "predictions", key)
                digests[key] = made.sources[0][1] if made.sources else ""
                told = f"{made.function}, {made.created[:16].replace('T', ' ')} UTC"
                own = _temperatures(h5, key, content, made.settings)
                if content.startswith("md ") and own and digests[key]:
                    kelvins.setdefault(digests[key], own[0])
                label = key.removeprefix(f"{content} ")
                found.append(Entry(key, content, label, str(facts.get("title", key)), told, own))
    # Displacements do not know their temperature; the states of the same run do.
    told_by_others = [
        _with_temperature(entry, kelvins.get(digests[entry.key])) for entry in found
    ]
    order = {group.name: place for place, group in enumerate(GROUPS)}
    return tuple(sorted(told_by_others, key=lambda entry: order[entry.group.name]))


def temperatures_of(entries: Sequence[Entry]) -> tuple[float, ...]:
    """The temperatures of some results, rising, those within half a kelvin once."""
    kept: list[float] = []
    for kelvin in sorted(t for entry in entries for t in entry.temperatures_k):
        if not kept or not same_temperature(kept[-1], kelvin):
            kept.append(kelvin)
    return tuple(kept)


def load(
    path: Path,
    entries: Sequence[Entry],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Loaded:
    """Read the records of some results; one that is damaged does not keep the others away.

    Raises
    ------
    InputError
        When the project cannot be read.
    Cancelled
    """
    records: dict[str, Any] = {}
    failures: list[tuple[str, InputError]] = []
    with Project(path).reading() as h5:
        for entry in entries:
            if cancel is not None:
                cancel.check()
            try:
                records[entry.key] = _record(h5, entry)
            except InputError as error:
                failures.append((entry.key, error))
    return Loaded(records, tuple(failures))


def _with_temperature(entry: Entry, kelvin: float | None) -> Entry:
    if entry.temperatures_k or kelvin is None:
        return entry
    return Entry(
        entry.key, entry.content, entry.label, entry.title, entry.made_by, (float(kelvin),)
    )


def _temperatures(
    h5: h5py.File, key: str, content: str, settings: Mapping[str, Any]
) -> tuple[float, ...]:
    if content == "kappa regimes" and settings.get("temperature_k") is not None:
        return (float(settings["temperature_k"]),)
    name = "temperatures_k" if content == "kappa regimes" else "temperature_k"
    values = read_dataset(h5, "predictions", key, name)
    if values is None:
        facts = read_dataset(h5, "predictions", key, "facts")
        values = json.loads(facts).get("temperature_k") if isinstance(facts, str) else None
    if values is None or content == "kappa power-law":
        return ()
    kelvins = np.atleast_1d(np.asarray(values, dtype=float))
    return tuple(float(kelvin) for kelvin in np.unique(kelvins[np.isfinite(kelvins)]))


def _record(h5: h5py.File, entry: Entry) -> Any:
    """The record of a result, with what its drawing needs besides."""
    readers = {
        "md displacements": _displaced,
        "md hops": _hops,
        "md states": _states,
        "md scattering": _scattering,
        "overlay": _overlays,
        "kappa regimes": _regimes,
        "md linewidths": _mode_lifetimes,
        "kappa linewidths": _mesh_lifetimes,
        "kappa wigner": _wigner,
        "kappa measured": _measured,
        "kappa power-law": _power_law,
        "kappa green-kubo": _green_kubo,
    }
    return readers[entry.content](h5, entry)


def _displaced(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_motion import Displaced
    from simulate.md.diffusion_coefficient import diffusion_table
    from simulate.md.displacements import MeanSquareDisplacement
    from simulate.record_store import read_record

    msd = read_record(h5, entry.key, MeanSquareDisplacement)
    given = read_provenance(h5, "predictions", entry.key).settings.get("window_ps")
    window = None if given is None else (float(given[0]), float(given[1]))
    return Displaced(msd, diffusion_table(msd, window))


def _hops(h5: h5py.File, entry: Entry) -> Any:
    from simulate.md.hop_statistics import HopRate
    from simulate.record_store import read_record

    return read_record(h5, entry.key, HopRate)


def _states(h5: h5py.File, entry: Entry) -> Any:
    from simulate.md.vibrational_states import PhononDos
    from simulate.record_store import read_record

    return read_record(h5, entry.key, PhononDos)


def _scattering(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_scattering import Scattered
    from simulate.md.phonon_comparison import PhononCurves
    from simulate.md.project_results import md_result_key
    from simulate.md.scattering_spectrum import DynamicStructureFactor
    from simulate.record_store import read_record

    found = read_record(h5, entry.key, DynamicStructureFactor)
    beside = md_result_key(PhononCurves, entry.label)
    held = beside in list_results(h5, "predictions")
    return Scattered(found, read_record(h5, beside, PhononCurves) if held else None)


def _overlays(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_overlay import Overlays
    from simulate.overlay_store import read_overlays

    overlays, notes = read_overlays(h5, entry.key)
    return Overlays({(one.key, one.analyzer): one for one in overlays}, notes)


def _regimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.transport.regimes_store import read_regimes

    sources, limits = read_regimes(h5, entry.key)
    kelvin = entry.temperature_k
    return (LifetimeSet(kelvin, tuple(sources), limits),)


def _mode_lifetimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.md.mode_lines import ModeLinewidths
    from simulate.record_store import read_record
    from simulate.transport.regimes import regime_limits, simulated_lifetimes

    lines = read_record(h5, entry.key, ModeLinewidths)
    limits = regime_limits(lines.harmonic_mev)
    source = simulated_lifetimes([lines], f"MD, {entry.label}")
    return (LifetimeSet(lines.temperature_k, (source,), limits, lines.notes, few_q=True),)


def _mesh_lifetimes(h5: h5py.File, entry: Entry) -> Any:
    from gui.models.simulation_lifetimes import LifetimeSet
    from simulate.transport.linewidths_store import read_stored_linewidths
    from simulate.transport.regimes import lifetimes_of, regime_limits

    widths = read_stored_linewidths(h5, entry.key)
    limits = regime_limits(widths.energy_mev)
    return tuple(
        LifetimeSet(
            float(kelvin),
            (lifetimes_of(widths, float(kelvin), entry.label),),
            limits,
            widths.notes,
        )
        for kelvin in widths.temperature_k
    )


def _wigner(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.wigner_store import read_wigner

    return read_wigner(h5, entry.key)


def _measured(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.measured_store import read_measured_kappa

    return read_measured_kappa(h5, entry.key)


def _power_law(h5: h5py.File, entry: Entry) -> Any:
    from simulate.record_store import read_record
    from simulate.transport.power_law import PowerLaw

    return read_record(h5, entry.key, PowerLaw)


def _green_kubo(h5: h5py.File, entry: Entry) -> Any:
    from simulate.transport.green_kubo_store import read_green_kubo

    return read_green_kubo(h5, entry.key)
