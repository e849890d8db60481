"""Saving the open project, saving it under another name, autosave and recovery.

Files are written in a worker; what was saved, or autosaved, is whole or not there. What fails
or is cancelled leaves the window's work and every file as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from gui.models.contents import Contents, Stamp, read_contents
from gui.models.document import Document
from gui.models.document_store import (
    FitsToWrite,
    cannot_be_read,
    copy_with_document,
    discard_recovery,
    kept_recovery_path,
    read_recovery,
    recovery_path,
    write_document,
    write_recovery,
)
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project

if TYPE_CHECKING:
    from gui.models.project_model import ProjectModel
    from ixs_reduce import SpectrumFit

AUTOSAVE_MS = 120_000
_NO_PROJECT = InputError("no project is open", hint="save as a new one")


class ProjectSaving(QObject):
    """Writes what was done in the window, for the model of the open project.

    Parameters
    ----------
    model : ProjectModel
        Whose project and document are written, and whose signals tell of it.

    Attributes
    ----------
    saved, autosaved : Document
        As last written into the project; as last written beside it.
    offered : path or None
        An autosave that was found and neither restored nor discarded yet.
    active, autosaving : bool
        Whether a save (also under another name), an autosave is under way.

    Signals
    -------
    ended : no save is under way any more, whatever came of the last one.
    """

    ended = Signal()

    def __init__(self, model: ProjectModel) -> None:
        super().__init__(model)
        self._model = model
        self.saved = self.autosaved = model.document
        self.offered: Path | None = None
        self.active = self.autosaving = False
        self._save_again = False
        self._save_as_next: Path | None = None
        self._timer = QTimer(self, interval=AUTOSAVE_MS)
        self._timer.timeout.connect(self.autosave)
        self._timer.start()

    def begin(self, document: Document) -> None:
        """A project was opened, with this document."""
        self.saved = self.autosaved = document
        self.offered = None
        self._save_again = False
        if self._save_as_next is not None:
            path, self._save_as_next = self._save_as_next, None
            self._model.messages.warning(path.name, "not saved: another project was opened")

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self._model.document is not self.saved

    # -- saving --------------------

    def save(self) -> None:
        """Write what was done here into the project; once more if one is at it."""
        model = self._model
        if not self.dirty:
            return
        if model.path is None:
            self._on_failed(_NO_PROJECT)
            return
        if self.active:
            self._save_again = True
            return
        self.active = True
        model.runner.submit(
            partial(_save, model.path, self._to_write(), self._fits_to_write()),
            title=f"saving {model.path.name}",
            on_result=partial(self._on_saved, model.path, model.opening, model.document),
            on_error=self._on_failed,
            on_end=self._on_end,
        )

    def save_now(self) -> bool:
        """Save before the window closes, here and now; whether it went well."""
        model = self._model
        if not self.dirty:
            return True
        if model.path is None:
            self._on_failed(_NO_PROJECT)
            return False
        document = model.document
        try:
            written = _save(model.path, self._to_write(), self._fits_to_write())
        except (InputError, OSError) as error:
            self._on_failed(error)
            return False
        self._on_saved(model.path, model.opening, document, written)
        return True

    def _to_write(self) -> Document:
        """The document with those densities only that the project does not have."""
        document, saved = self._model.document, self.saved.densities
        new = {k: d for k, d in document.densities.items() if saved.get(k) is not d}
        return replace(document, densities=new)

    def _fits_to_write(self) -> list[FitsToWrite]:
        """Every key whose fits are now others than those saved last."""
        here, saved = self._model.document.fits, self.saved.fits
        changed: dict[str, set[str]] = {}
        for which in {*here, *saved}:
            if here.get(which, "") is not saved.get(which, ""):
                changed.setdefault(which.key, set()).add(which.analyzer)
        return [
            FitsToWrite(key, self._in_order(key), frozenset(changed[key]))
            for key in sorted(changed)
        ]

    def _in_order(self, key: str) -> tuple[SpectrumFit, ...]:
        fits = self._model.fits(key)
        order = [*self._model.contents.analyzers.get(key, ()), *fits]
        return tuple(fits[name] for name in dict.fromkeys(order) if name in fits)

    def _on_saved(self, path: Path, opening: int, document: Document, written: _Written) -> None:
        model = self._model
        model.messages.info(path.name, "saved")
        if opening != model.opening:
            return  # another project was opened meanwhile, or this one anew
        by_others = written.before != model.contents.stamp
        self.saved = document
        self.discard()
        if self.offered is None:
            self._remove(kept_recovery_path(path))
        model.take_saved(written.contents, by_others=by_others)

    def _on_failed(self, error: Exception) -> None:
        self._model.messages.error("not saved", error)
        self._model.saving_failed.emit(error)

    def _on_end(self) -> None:
        self.active = False
        again, self._save_again = self._save_again, False
        path, self._save_as_next = self._save_as_next, None
        if path is not None and not self._is_open(path):
            self._copy_to(path)
        elif path is not None or again:
            self.save()
        if not self.active:
            self.ended.emit()

    def _is_open(self, path: Path) -> bool:
        """Whether a path is that of the open project."""
        here = self._model.path
        return here is not None and path.resolve() == here.resolve()

    # -- under another name --------------------

    def save_as(self, path: Path) -> None:
        """Copy the project to another file with all that was done here, and go on with that.

        The present project stays open until the copy is complete.

        Raises
        ------
        InputError
            When the project is not there any more; what happens later becomes a message.
        """
        model = self._model
        if model.path is None:
            model.create(path)
            self.save()
            return
        if self._is_open(path):
            self.save()
            return
        try:
            model.path.open("rb").close()
        except OSError as error:
            raise cannot_be_read(model.path, error) from error
        if self.active:
            self._save_as_next = path
        else:
            self._copy_to(path)

    def _copy_to(self, path: Path) -> None:
        model = self._model
        if model.path is None:
            return
        self.active = True
        model.runner.submit(
            partial(copy_with_document, model.path, path, self._to_write(), self._fits_to_write()),
            title=f"saving as {path.name}",
            on_result=partial(self._on_copied, path, model.opening, model.document),
            on_error=self._on_failed,
            on_end=self._on_end,
        )

    def _on_copied(self, path: Path, opening: int, document: Document, _: None) -> None:
        """Go on with the copy; what was done while it was made is there, and to be saved."""
        model = self._model
        if opening != model.opening or model.path is None:
            model.messages.info(path.name, "saved")
            return  # another project was opened meanwhile, which stays
        now, left = model.document, model.path
        answered = self.offered != recovery_path(left)
        # What is wanted of this work counts wherever it lies.
        later, self._save_as_next = self._save_as_next, None
        again = self._save_again
        try:
            model.open(path, copy_of=left)
        except (InputError, OSError) as error:
            self._on_failed(error)
            return
        finally:
            self._save_as_next, self._save_again = later, again
        model.messages.info(path.name, "saved")
        if now is not document:
            model.apply(now, "what was done while the project was saved")
            self.autosave()
        if answered:
            self._remove(recovery_path(left))

    # -- autosave and recovery --------------------

    def autosave(self) -> None:
        """Write what is not saved yet beside the project, in a worker, when there is any.

        One at a time: an older one must not end after a newer one.
        """
        model = self._model
        if model.path is None or self.autosaving or not self.dirty:
            return
        if model.document is self.autosaved:
            return
        self.autosaving = True
        path = recovery_path(model.path)
        if self.offered == path:
            self._keep_offered(path)
        model.runner.submit(
            partial(write_recovery, path, model.document),
            title="autosave",
            on_result=partial(self._on_autosaved, path, model.document),
            on_error=partial(model.messages.error, "autosave failed"),
            on_end=self._on_autosave_end,
            quiet=True,
        )

    def _on_autosaved(self, path: Path, document: Document, _: None) -> None:
        self.autosaved = document
        here = self._model.path
        if here is None or path != recovery_path(here) or not self.dirty:
            self._remove(path)  # it was saved, or left, while this was written

    def _on_autosave_end(self) -> None:
        self.autosaving = False

    def _keep_offered(self, path: Path) -> None:
        """Put an autosave that nobody answered for aside: it is not to be written over."""
        assert self._model.path is not None
        kept = kept_recovery_path(self._model.path)
        try:
            path.replace(kept)
        except OSError as error:
            self._model.messages.error("autosave", error)
            return
        self.offered = kept

    def offer(self, project: Path) -> None:
        """Offer the autosave that lies beside a project, if there is one."""
        for recovery in (recovery_path(project), kept_recovery_path(project)):
            if recovery.is_file():
                self.offered = recovery
                self._model.recovery_found.emit(recovery)
                return

    def restore(self, path: Path) -> None:
        """Take over an autosave, as a change that can be undone; InputError if unreadable."""
        self._model.apply(read_recovery(path), "restore unsaved work")
        self.offered = None

    def discard(self) -> None:
        """Remove the autosave of what was done here: it is not wanted, or saved."""
        self.autosaved = self.saved
        path = self._model.path
        if path is not None and self.offered != recovery_path(path):
            self._remove(recovery_path(path))

    def discard_offered(self) -> None:
        """Remove the autosave that was offered: it is not wanted."""
        if self.offered is not None:
            self._remove(self.offered)
            self.offered = None

    def _remove(self, recovery: Path) -> None:
        """Remove an autosave; one that must stay (the folder became read-only) does no harm."""
        try:
            discard_recovery(recovery)
        except OSError as error:
            self._model.messages.warning(recovery.name, f"cannot be removed: {error.strerror}")


@dataclass(frozen=True)
class _Written:
    """What a save found and left: stamp of the file before, contents afterwards."""

    before: Stamp
    contents: Contents


def _save(
    path: Path,
    document: Document,
    fits: Sequence[FitsToWrite],
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> _Written:
    """In a worker: write, and read what the project then holds."""
    before = write_document(Project(path), document, fits)
    return _Written(before, read_contents(path))
