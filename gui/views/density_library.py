"""The densities that the tab may show, read when they are wanted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal

from gui.latest_only import LatestOnly
from gui.models.density_entries import (
    DensityEntry,
    LoadedDensity,
    all_entries,
    load,
    of_document,
    read_entries,
)
from gui.views.tab import Desk

_MOST_LOADED = 8  # of some tens of MB each


class DensityLibrary(QObject):
    """Names of all densities, and those of them that were read.

    Signals
    -------
    changed : other densities are there, or one has been read, or could not be.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk
        self._stored: tuple[DensityEntry, ...] = ()
        self._loaded: dict[str, LoadedDensity] = {}
        self._reading: set[str] = set()
        self.failures: dict[str, str] = {}
        self._names = LatestOnly(desk.runner, "names of densities", self._take_names, self._fail)
        self._generation = 0
        self.scanned = False

    # -- names --------------------

    @property
    def entries(self) -> tuple[DensityEntry, ...]:
        """All densities: of the project, made here, dropped files."""
        return all_entries(self._stored, self._desk.project.document)

    def entry(self, which: str) -> DensityEntry | None:
        """The density of an id."""
        return next((entry for entry in self.entries if entry.id == which), None)

    def forget(self) -> None:
        """Another project is open."""
        self._generation += 1
        self._names.forget()
        self._stored, self.scanned = (), False
        self._loaded.clear()
        self._reading.clear()
        self.failures.clear()

    def rescan(self) -> None:
        """Read the names again."""
        path = self._desk.project.path
        if path is None:
            self._stored, self.scanned = (), True
            self.changed.emit()
        else:
            self._names.ask(partial(read_entries, path))

    def _take_names(self, entries: tuple[DensityEntry, ...]) -> None:
        stamps = {entry.id: entry.stamp for entry in entries}
        stale = [
            which
            for which, loaded in self._loaded.items()
            if loaded.entry.kind != "file" and stamps.get(which) != loaded.entry.stamp
        ]
        for which in stale:
            del self._loaded[which]
        self._stored, self.scanned = entries, True
        self.changed.emit()

    def _fail(self, error: Exception) -> None:
        self.scanned = True
        self._desk.messages.error("densities of the project", error)
        self.changed.emit()

    # -- densities --------------------

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._names.busy or bool(self._reading)

    def loaded(self, which: str) -> LoadedDensity | None:
        """A density, None while it is not read yet."""
        entry = self.entry(which)
        if entry is None:
            return None
        if entry.here:
            return self._made_here(entry)
        return self._loaded.get(which)

    def _made_here(self, entry: DensityEntry) -> LoadedDensity:
        """The same object as long as the density is the same, so that nothing is drawn twice."""
        new = self._desk.project.document.densities[entry.id]
        known = self._loaded.get(entry.id)
        if known is None or known.density is not new.density:
            known = self._loaded[entry.id] = of_document(entry, self._desk.project.document)
        return known

    def want(self, ids: Iterable[str]) -> None:
        """Read those that are not there yet."""
        wanted = list(ids)
        self._make_room(wanted)
        for which in wanted:
            entry = self.entry(which)
            known = which in self._reading or which in self.failures
            if entry is None or known or self.loaded(which) is not None:
                continue
            self._reading.add(which)
            structures = {
                name: loaded.density.structure
                for name, loaded in self._loaded.items()
                if loaded.density.structure is not None
            }
            self._desk.runner.submit(
                partial(load, entry, self._desk.project.path, structures),
                title=f"reading {entry.name}",
                on_result=partial(self._take, self._generation),
                on_error=partial(self._failed, self._generation, entry),
                on_end=partial(self._read, self._generation, which),
                quiet=True,
            )

    def _make_room(self, wanted: list[str]) -> None:
        spare = [which for which in self._loaded if which not in wanted]
        while len(self._loaded) > _MOST_LOADED and spare:
            del self._loaded[spare.pop(0)]

    def _take(self, generation: int, loaded: LoadedDensity) -> None:
        if generation == self._generation:
            self._loaded[loaded.entry.id] = loaded

    def _failed(self, generation: int, entry: DensityEntry, error: Exception) -> None:
        if generation == self._generation:
            self.failures[entry.id] = str(error)
            self._desk.messages.error(entry.name, error)

    def _read(self, generation: int, which: str) -> None:
        if generation == self._generation:
            self._reading.discard(which)
            self.changed.emit()
