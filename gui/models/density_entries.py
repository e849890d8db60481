"""The densities there are: those of the project, those made here, and files that were dropped.

Names are read in one go; a density itself (tens of MB) only when it is shown. Qt-free.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from gui.models.document import Document
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project, list_results, read_attributes
from mem.density import Density
from mem.density_result import DensityResult

Kind = Literal["mem", "md", "file"]
KIND_NAMES: dict[Kind, str] = {
    "mem": "maximum entropy",
    "md": "molecular dynamics",
    "file": "file",
}
FILE_PREFIX = "file:"

_SAME_CELL = 0.1  # relative: a simulation's cell is still that of the crystal


@dataclass(frozen=True)
class DensityEntry:
    """A density by name.

    Parameters
    ----------
    id : str
        Key in the project, or "file:" and the path.
    kind : "mem", "md" or "file"
    name : str
        What it is called in lists and legends.
    temperature_k : float or None
    remark : str
        Its agreement with the data, or where it comes from.
    here : bool
        Made in the viewer and in its document.
    saved : bool
        The project has it.
    stamp : str
        When it was written: another one under the same key is another density.
    """

    id: str
    kind: Kind
    name: str
    temperature_k: float | None = None
    remark: str = ""
    here: bool = False
    saved: bool = True
    stamp: str = ""

    @property
    def details(self) -> str:
        """Kind, temperature and remark in one line."""
        kelvin = "" if self.temperature_k is None else f"{self.temperature_k:g} K"
        return ", ".join(part for part in (KIND_NAMES[self.kind], kelvin, self.remark) if part)

    @property
    def path(self) -> Path | None:
        """Of a dropped file."""
        return Path(self.id.removeprefix(FILE_PREFIX)) if self.kind == "file" else None


@dataclass(frozen=True, eq=False)
class LoadedDensity:
    """A density in memory, with what is stored beside it.

    Parameters
    ----------
    entry : DensityEntry
    density : Density
        With the sites of a structure where one is known.
    result : DensityResult
        Without sections, paths and residuals for what is no reconstruction.
    sites_of : str
        Whose sites are shown where they are not its own.
    """

    entry: DensityEntry
    density: Density
    result: DensityResult
    sites_of: str = ""


def read_entries(
    path: Path, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> tuple[DensityEntry, ...]:
    """The densities of a project, reconstructions first.

    Raises
    ------
    InputError
        The project cannot be read.
    """
    with Project(path).reading() as h5:
        found = [_entry_of(h5, key) for key in list_results(h5, "densities")]
    known = [entry for entry in found if entry is not None]
    return tuple(sorted(known, key=lambda entry: entry.kind != "mem"))


def _entry_of(h5: h5py.File, key: str) -> DensityEntry | None:
    attributes = read_attributes(h5, "densities", key)
    kinds: dict[object, Kind] = {"mem": "mem", "md density": "md"}
    kind = kinds.get(attributes.get("content"))
    if kind is None:
        return None
    record = json.loads(str(attributes["record"]))
    temperature = record.get("temperature_k")
    remark = _agreement(record["statistics"]) if kind == "mem" else ""
    date = h5.get(f"entry/densities/{key}/provenance/date")
    stamp = "" if date is None else str(date[()])
    return DensityEntry(key, kind, key, temperature, remark, stamp=stamp)


def all_entries(stored: Sequence[DensityEntry], document: Document) -> tuple[DensityEntry, ...]:
    """Those of the project, then those made here, then dropped files."""
    known = {entry.id for entry in stored}
    here = [
        DensityEntry(
            key,
            "mem",
            key,
            new.result.temperature_k,
            _agreement(new.result.statistics),
            here=True,
            saved=key in known,
        )
        for key, new in document.densities.items()
    ]
    made = {entry.id for entry in here}
    files = [
        DensityEntry(FILE_PREFIX + name, "file", Path(name).name)
        for name in document.choice("density", "files", [])
    ]
    return (*(entry for entry in stored if entry.id not in made), *here, *files)


def short_names(entries: Sequence[DensityEntry]) -> list[str]:
    """Names for drawings side by side: temperatures where these tell them apart."""
    kelvins = [
        ("" if entry.temperature_k is None else f"{entry.temperature_k:g} K")
        + (", simulation" if entry.kind == "md" else "")
        for entry in entries
    ]
    told_apart = len(set(kelvins)) == len(entries) and "" not in kelvins
    return kelvins if told_apart else [entry.name for entry in entries]


def with_file(document: Document, path: Path) -> Document:
    """The document with a further density file in the list."""
    files = [name for name in document.choice("density", "files", []) if name != str(path)]
    return document.with_choice("density", "files", [*files, str(path)])


def without_file(document: Document, path: Path) -> Document:
    """The document without a density file."""
    files = [name for name in document.choice("density", "files", []) if name != str(path)]
    return document.with_choice("density", "files", files or None)


def new_key(name: str, taken: Iterable[str]) -> str:
    """A key that no density has: the name, or the name with a number."""
    used, key, number = set(taken), name, 1
    while key in used:
        number += 1
        key = f"{name}_{number}"
    return key


def load(
    entry: DensityEntry,
    project: Path | None,
    structures: Mapping[str, Crystal] | None = None,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> LoadedDensity:
    """Read a density of the project or of a file.

    Parameters
    ----------
    entry : DensityEntry
    project : path or None
    structures : mapping
        Names -> structures whose sites a file without any may get.

    Raises
    ------
    InputError
        It cannot be read.
    """
    if entry.path is not None:
        return _load_file(entry, entry.path, structures or {})
    if project is None:
        raise InputError("no project is open", key=entry.id)
    from mem.store import read_density_result, read_stored_density

    with Project(project).reading() as h5:
        if entry.kind == "mem":
            density = read_stored_density(h5, entry.id)
            return LoadedDensity(entry, density, read_density_result(h5, entry.id))
        return _load_simulation(h5, entry)


def of_document(entry: DensityEntry, document: Document) -> LoadedDensity:
    """A density that was made here."""
    new = document.densities[entry.id]
    return LoadedDensity(entry, new.density, new.result)


def _load_simulation(h5: h5py.File, entry: DensityEntry) -> LoadedDensity:
    """With the sites of the reconstruction nearest in temperature, on whose origin it is."""
    from mem.store import list_densities, read_stored_density
    from simulate.md.density_comparison import with_sites
    from simulate.md.density_map_store import read_md_density

    density = read_md_density(h5, entry.id)
    others = [e for e in (_entry_of(h5, key) for key in list_densities(h5)) if e is not None]

    def apart(other: DensityEntry) -> float:
        if other.temperature_k is None or density.temperature_k is None:
            return np.inf
        return abs(other.temperature_k - density.temperature_k)

    for other in sorted(others, key=apart):
        crystal = read_stored_density(h5, other.id).structure
        if crystal is not None and _alike(crystal, density):
            sited = with_sites(density, crystal)
            return LoadedDensity(entry, sited, empty_result(sited, entry), other.name)
    return LoadedDensity(entry, density, empty_result(density, entry))


def _load_file(entry: DensityEntry, path: Path, structures: Mapping[str, Crystal]) -> LoadedDensity:
    """With the structure of a known density that has its cell and symmetry, if there is one."""
    from mem.formats.densities import read_density

    plain = read_density(path)
    for name, crystal in structures.items():
        if not _alike(crystal, plain):
            continue
        try:
            sited = read_density(path, crystal)
        except InputError:
            continue
        return LoadedDensity(entry, sited, empty_result(sited, entry), name)
    return LoadedDensity(entry, plain, empty_result(plain, entry))


def _alike(crystal: Crystal, density: Density) -> bool:
    ours, theirs = np.array(crystal.lattice.cell), np.array(density.cell)
    return bool(np.all(np.abs(ours - theirs) <= _SAME_CELL * ours))


def empty_result(density: Density, entry: DensityEntry) -> DensityResult:
    """What the figures of `mem` need of a density that is no reconstruction."""
    from simulate.md.density_comparison import View, seen

    return seen(density, View(), entry.name)


def _agreement(statistics: Mapping[str, Any]) -> str:
    words = f"R {100 * float(statistics['r_factor']):.2f} %"
    return f"{words}, {statistics['stopped']}" if statistics.get("stopped") else words
