"""The open project: what the file holds, what was done here since, undo.

Views read from it and change it by `apply`; every change is one step of undo. How it is
written is the matter of `gui.models.project_saving`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from gui.models.contents import Contents, Stamp, read_contents, stamp_of
from gui.models.document import Document, SpectrumId
from gui.models.document_store import read_document
from gui.models.project_saving import ProjectSaving
from ixs_core.project import Project

if TYPE_CHECKING:
    from gui.messages import MessageLog
    from gui.runner import Runner
    from ixs_reduce import Scan, Spectrum, SpectrumFit

_WATCH_FILE_MS = 2_000
_CACHED = 64  # scans whose spectra stay in memory


class ProjectModel(QObject):
    """The open project.

    Attributes
    ----------
    opening : int
        Which opening this is: what a worker was asked for at an earlier one is of no use.
    work : int
        Which project it is; its copy under another name (Save as) is the same work, and what is
        computed for it goes on.
    copied_from : path or None
        While a copy is opened in place of what it was copied from: that.
    saving : ProjectSaving
        Writes what was done here.

    Signals
    -------
    opened : a project was opened (or closed); everything is to be shown anew.
    contents_changed : the file holds other results than before.
    document_changed : (Document before, Document now), by a change, undo or redo.
    selected : SpectrumId, the current spectrum.
    dirty_changed : bool, whether there is something to save.
    saving_failed : Exception.
    recovery_found : path, an autosave that is newer than the project.
    tab_wanted : str, a view asks for another tab ("fit").
    failures_changed : the last fit of a spectrum failed, or one that had failed did not.
    """

    opened = Signal()
    contents_changed = Signal()
    document_changed = Signal(object, object)
    selected = Signal(object)
    dirty_changed = Signal(bool)
    saving_failed = Signal(object)
    recovery_found = Signal(object)
    tab_wanted = Signal(str)
    failures_changed = Signal()

    def __init__(self, runner: Runner, messages: MessageLog, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self.messages = messages
        self.undo_stack = QUndoStack(self)
        self.path: Path | None = None
        self.contents = Contents()
        self.document = Document()
        self.current: SpectrumId | None = None
        self.failures: dict[SpectrumId, str] = {}
        self.opening = self.work = 0
        self.copied_from: Path | None = None
        self._unreadable: Stamp | None = None
        self.saving = ProjectSaving(self)
        self._was_dirty = False
        self._stored_fits: dict[str, dict[str, SpectrumFit]] = {}
        self._settled: Mapping[SpectrumId, SpectrumFit | None] = {}
        self._forget_read()
        self._file_timer = QTimer(self, interval=_WATCH_FILE_MS)
        self._file_timer.timeout.connect(self.reload_if_changed)
        self._file_timer.start()

    # -- opening --------------------

    def open(self, path: Path, *, copy_of: Path | None = None) -> None:
        """Open a project; what cannot be read leaves the present one open.

        Densities and choices that were made while none was open come along, as one change.

        Parameters
        ----------
        path : path
        copy_of : path, optional
            The project that this one was copied from just now, with all that was done in it.

        Raises
        ------
        InputError
            When the file is no project or damaged.
        """
        contents = read_contents(path)
        document = read_document(Project(path))
        homeless = self.document if self.path is None and self.dirty else None
        self.path, self.contents, self.copied_from = path, contents, copy_of
        try:
            self._begin(document)
        finally:
            self.copied_from = None
        self.saving.offer(path)
        if homeless is not None:
            self._take_along(homeless)

    def _take_along(self, before: Document) -> None:
        """What was done while no project was open is done in this one, and to be saved."""
        now = replace(
            self.document,
            densities={**self.document.densities, **before.densities},
            choices={**before.choices, **self.document.choices},
        )
        if now != self.document and self.path is not None:
            self.apply(now, "what was done without a project")
            self.messages.info(
                self.path.name, "what was done before is taken along; save to keep it (or undo)"
            )

    def create(self, path: Path) -> None:
        """Begin an empty project at a path where there is none."""
        with Project(path).writing(wait_s=0.5):
            pass
        self.open(path)

    def _begin(self, document: Document) -> None:
        self.opening += 1
        self.work += self.copied_from is None
        self._unreadable = None
        self.undo_stack.clear()
        self.document = document
        self.saving.begin(document)
        self._stored_fits.clear()
        self._settled = {}
        self._forget_read()
        self.current = None
        self.failures.clear()
        self._tell_dirty()
        self.opened.emit()
        known = self.spectrum_ids()
        if known:
            # One that has a fit rather than a dead analyzer that happens to be the first.
            self.select(next(filter(self.is_fitted, known), known[0]))

    def reload_if_changed(self) -> None:
        """Read the contents again when another program (or a watcher) changed the file."""
        if self.path is None or self.saving.active:
            return
        if stamp_of(self.path) in (self.contents.stamp, self._unreadable):
            return
        if not self.path.is_file():
            if self.contents.stamp != (0, 0, 0):
                self.messages.warning(
                    self.path.name,
                    "the file is gone: put it back; to save begins a new file with the fits and "
                    "masks made here, without the scans",
                )
                self.contents = Contents(
                    self.contents.keys, self.contents.analyzers, self.contents.fitted
                )
            return
        self.reload()

    def reload(self) -> None:
        """Read the contents again, in a worker."""
        if self.path is not None:
            self.runner.submit(
                partial(read_contents, self.path),
                title=f"reading {self.path.name}",
                on_result=partial(self._on_read, self.opening),
                on_error=partial(self._on_unreadable, self.opening, stamp_of(self.path)),
                group="contents",
                quiet=True,
            )

    def _on_read(self, opening: int, contents: Contents) -> None:
        if opening == self.opening:
            self._take_contents(contents)

    def _on_unreadable(self, opening: int, stamp: Stamp, error: Exception) -> None:
        """What is known of the project stays; it is not read again before it changes."""
        if opening == self.opening and self.path is not None:
            self._unreadable = stamp
            self.messages.error(self.path.name, error)

    def _take_contents(self, contents: Contents) -> None:
        self.contents = contents
        self._stored_fits.clear()
        # Another program had the last word on what was saved before.
        self._settled = self.saving.saved.fits
        self._forget_read()
        current = self.current
        if current and current.analyzer not in contents.analyzers.get(current.key, ()):
            self.current = None  # another program removed it
        self.contents_changed.emit()
        if self.current is None:
            self.select_next(0)

    # -- what the project holds --------------------

    @property
    def project(self) -> Project | None:
        """The file, None without one."""
        return Project(self.path) if self.path is not None else None

    def _forget_read(self) -> None:
        self._spectra: OrderedDict[str, tuple[Spectrum, ...]] = OrderedDict()
        self._read_scan = lru_cache(_CACHED)(self._scan_of_key)

    def spectra(self, key: str) -> tuple[Spectrum, ...]:
        """The spectra of a key, masked ones included; empty where there are none.

        Raises
        ------
        InputError
            When they cannot be read.
        """
        if key not in self._spectra:
            self.keep_spectra(key, self._spectra_of_key(key))
        self._spectra.move_to_end(key)
        return self._spectra[key]

    def keep_spectra(self, key: str, spectra: Sequence[Spectrum]) -> None:
        """Take the spectra of a key as a worker read them, so that none waits for very long ones.

        Those that are known already stay: views go by their identity.
        """
        self._spectra.setdefault(key, tuple(spectra))
        while len(self._spectra) > _CACHED:
            self._spectra.popitem(last=False)

    def spectrum(self, which: SpectrumId) -> Spectrum | None:
        """One spectrum, None where the project has no such; errors as for `spectra`."""
        for spectrum in self.spectra(which.key):
            if spectrum.analyzer == which.analyzer:
                return spectrum
        return None

    def scan(self, key: str) -> Scan | None:
        """The raw scan of a key, None where only spectra (merged ones) are stored."""
        return self._read_scan(key)

    def fits(self, key: str) -> dict[str, SpectrumFit]:
        """The fits of a key by analyzer: those of the file, with what was done here since."""
        found = dict(self.stored_fits(key))
        for which, fit in self.document.fits.items():
            if which.key != key or not self._is_of_here(which):
                continue
            if fit is None:
                found.pop(which.analyzer, None)
            else:
                found[which.analyzer] = fit
        return found

    def fit(self, which: SpectrumId) -> SpectrumFit | None:
        """The fit of a spectrum, None without one."""
        return self.fits(which.key).get(which.analyzer)

    def is_fitted(self, which: SpectrumId) -> bool:
        """Whether a spectrum has a fit, without reading it."""
        if self._is_of_here(which):
            return self.document.fits[which] is not None
        return which.analyzer in self.contents.fitted.get(which.key, ())

    def _is_of_here(self, which: SpectrumId) -> bool:
        """Whether the fit of a spectrum is what was done here, not what the file has."""
        nothing = object()
        here = self.document.fits.get(which, nothing)
        return here is not nothing and here is not self._settled.get(which, nothing)

    def is_masked(self, which: SpectrumId) -> bool:
        """Whether a spectrum is masked."""
        return which.analyzer in self.document.masks.get(which.key, ())

    def stored_fits(self, key: str) -> dict[str, SpectrumFit]:
        """The fits of a key as the file had them when it was read."""
        if key not in self._stored_fits:
            self._stored_fits[key] = self._fits_of_key(key)
        return self._stored_fits[key]

    def keep_stored_fits(self, key: str, fits: Mapping[str, SpectrumFit]) -> None:
        """Take the fits of a key as a worker read them from the file, so that none waits."""
        self._stored_fits.setdefault(key, dict(fits))

    def set_failures(self, failures: Mapping[SpectrumId, str | None]) -> None:
        """Note why the last fit of spectra failed, or (None) that it did not."""
        before = dict(self.failures)
        for which, reason in failures.items():
            if reason is None:
                self.failures.pop(which, None)
            else:
                self.failures[which] = reason
        if self.failures != before:
            self.failures_changed.emit()

    def _spectra_of_key(self, key: str) -> tuple[Spectrum, ...]:
        from ixs_reduce.store import read_spectra

        if self.project is None or key not in self.contents.keys.get("spectra", ()):
            return ()
        with self.project.reading() as h5:
            return read_spectra(h5, key)

    def _scan_of_key(self, key: str) -> Scan | None:
        from ixs_reduce.store import read_scan

        if self.project is None or key not in self.contents.keys.get("scans", ()):
            return None
        with self.project.reading() as h5:
            return read_scan(h5, key)

    def _fits_of_key(self, key: str) -> dict[str, SpectrumFit]:
        from ixs_reduce.store import read_fits

        if self.project is None or key not in self.contents.fitted:
            return {}
        with self.project.reading() as h5:
            return {fit.spectrum.analyzer or "": fit for fit in read_fits(h5, key)}

    # -- the current spectrum --------------------

    def spectrum_ids(self) -> list[SpectrumId]:
        """All spectra, scan by scan."""
        return [
            SpectrumId(key, name)
            for key, names in self.contents.analyzers.items()
            for name in names
        ]

    def select(self, which: SpectrumId) -> None:
        """Make a spectrum the current one."""
        if which != self.current:
            self.current = which
            self.selected.emit(which)

    def select_next(self, step: int) -> None:
        """Go `step` spectra on (negative: back), from the last to the first."""
        known = self.spectrum_ids()
        if known:
            place = known.index(self.current) + step if self.current in known else 0
            self.select(known[place % len(known)])

    def show_tab(self, name: str) -> None:
        """Ask the window for a tab."""
        self.tab_wanted.emit(name)

    # -- changes --------------------

    def apply(self, document: Document, text: str, merge: str = "") -> None:
        """Make a change that can be undone.

        Parameters
        ----------
        document : Document
            The state after the change.
        text : str
            What undo calls it ("move mode 2").
        merge : str
            Changes in a row with the same text here (one drag) become one step of undo.
        """
        if document is not self.document:
            self.undo_stack.push(_Change(self, self.document, document, text, merge))

    def _set_document(self, document: Document) -> None:
        before, self.document = self.document, document
        self.document_changed.emit(before, document)
        self._tell_dirty()

    def _tell_dirty(self) -> None:
        if self.dirty != self._was_dirty:
            self._was_dirty = self.dirty
            self.dirty_changed.emit(self.dirty)

    # -- saving --------------------

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self.saving.dirty

    @property
    def offered(self) -> Path | None:
        """An autosave that was found and neither restored nor discarded yet."""
        return self.saving.offered

    def save(self) -> None:
        """Write what was done here into the project, in a worker; once more if one is at it."""
        self.saving.save()

    def save_now(self) -> bool:
        """Save before the window closes, here and now; whether it went well."""
        return self.saving.save_now()

    def save_as(self, path: Path) -> None:
        """Copy the project, in a worker, with all that was done here, and go on with the copy.

        Raises
        ------
        InputError
            When the project is not there any more; what happens later becomes a message.
        """
        self.saving.save_as(path)

    def take_saved(self, contents: Contents, *, by_others: bool) -> None:
        """The file holds what was done here now, and what other programs wrote meanwhile."""
        self._tell_dirty()
        if by_others:
            self._take_contents(contents)
        else:
            self.contents = contents
            self.contents_changed.emit()

    def autosave(self) -> None:
        """Write what is not saved yet beside the project, in a worker, when there is any."""
        self.saving.autosave()

    def restore(self, path: Path) -> None:
        """Take over an autosave, as a change that can be undone.

        Raises
        ------
        InputError
            When it cannot be read.
        """
        self.saving.restore(path)

    def discard(self) -> None:
        """Remove the autosave of what was done here: it is not wanted, or saved."""
        self.saving.discard()

    def discard_offered(self) -> None:
        """Remove the autosave that was offered: it is not wanted."""
        self.saving.discard_offered()


class _Change(QUndoCommand):
    """From one document to another."""

    def __init__(
        self, model: ProjectModel, before: Document, after: Document, text: str, merge: str
    ) -> None:
        super().__init__(text)
        self._model = model
        self._before = before
        self._after = after
        self._merge = merge

    def redo(self) -> None:
        self._model._set_document(self._after)

    def undo(self) -> None:
        self._model._set_document(self._before)

    def id(self) -> int:
        return 1 if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other._merge != self._merge:
            return False
        self._after = other._after
        return True


def masks_with(
    masks: Mapping[str, frozenset[str]], key: str, names: Sequence[str], masked: bool
) -> frozenset[str]:
    """The masked analyzers of a key after some were masked or unmasked."""
    before = masks.get(key, frozenset())
    return before | set(names) if masked else before - set(names)
