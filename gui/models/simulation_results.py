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
        'ixs md sqw run.h5 --supercell "2 2 3" --q "7 6.3 0" --phonons FC.yaml -o project.h5',
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
        "ixs kappa regimes kappa.hdf5 --force-constants FC.yaml --project project.h5 -o project.h5",
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

# Displacements do not know their temperature; these of the same run do, best first.
_KNOWS_TEMPERATURE = ("md states", "md scattering", "md linewidths")

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
    runs: list[tuple[int, str, float]] = []
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
                if content in _KNOWS_TEMPERATURE and own and digests[key]:
                    runs.append((_KNOWS_TEMPERATURE.index(content), digests[key], own[0]))
                label = key.removeprefix(f"{content} ")
                found.append(Entry(key, content, label, str(facts.get("title", key)), told, own))
    kelvins = {digest: kelvin for _, digest, kelvin in sorted(runs, reverse=True)}
    told_by_others = [_with_temperature(entry, kelvins.get(digests[entry.key])) for entry in found]
    order = {group.name: place for place, group in enumerate(GROUPS)}
    return tuple(sorted(told_by_others, key=lambda entry: order[entry.group.name]))


def temperatures_of(entries: Sequence[Entry]) -> tuple[float, ...]:
    """The temperatures of some results, rising, those within half a kelvin once."""
    kept: list[float] = []
    for kelvin in sorted(t for entry in entries for t in entry.temperatures_k):
        if not kept or not same_temperature(kept[-1], kelvin):
            kept.append(kelvin)
    return tuple(kept)


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
