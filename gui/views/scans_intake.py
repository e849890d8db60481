"""Files that are dropped, chosen or merged: jobs that put results into the open project."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from gui.models.scan_intake import (
    Intake,
    copy_resolutions,
    merge_scans,
    project_beside,
    reduce_files,
)
from gui.models.scan_rows import Failure
from gui.runner import Job
from gui.views.tab import Desk
from ixs_core.errors import InputError
from ixs_core.project import Project


class ScansIntake(QObject):
    """One job at a time; what comes meanwhile waits.

    Signals
    -------
    arrived : str, key of a scan or merged set that is now in the project file.
    changed : it is busy or idle, or has other failures.

    Attributes
    ----------
    failures : tuple of Failure
        Files and scans that could not be reduced.
    """

    arrived = Signal(str)
    changed = Signal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self.failures: tuple[Failure, ...] = ()
        self._waiting: list[Path] = []
        self._job: Job | None = None
        self._opening = False
        # Files of one drop come one by one; they make one job.
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._reduce_waiting)

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._job is not None or bool(self._waiting)

    def give_up(self) -> None:
        """Cancel what runs and waits."""
        self._waiting.clear()
        if self._job is not None:
            self._job.cancel()

    def forget(self) -> None:
        """Another project: forget failures, and give up what was for the one before."""
        if not self._opening:
            if self.busy:
                title = self._job.title if self._job is not None else "scans that were to be added"
                self._desk.messages.warning(title, "given up: another project was opened")
            self.give_up()
            self.failures = ()

    # -- scans --------------------

    def add_scans(self, path: Path) -> None:
        """Reduce a file into the project."""
        self._waiting.append(path)
        self._timer.start()
        self.changed.emit()

    def _reduce_waiting(self) -> None:
        if self._job is not None or not self._waiting:
            return
        files, self._waiting = tuple(dict.fromkeys(self._waiting)), []
        names = {path.name for path in files}
        self.failures = tuple(f for f in self.failures if f.subject.split(" scan ")[0] not in names)
        output = self._desk.project.path or project_beside(files[0])
        self._submit(
            partial(reduce_files, files, output),
            title=f"reducing {files[0].name}" + (f" and {len(files) - 1} more" * (len(files) > 1)),
            on_result=self._on_reduced,
        )

    def _on_reduced(self, intake: Intake) -> None:
        self.failures = (*self.failures, *intake.failures)
        messages, project = self._desk.messages, self._desk.project
        for failure in intake.failures:
            messages.error(failure.subject, failure.reason)
        for note in intake.notes:
            messages.info("scans", note)
        if not intake.keys:
            return
        many = len(intake.keys)
        messages.info(
            intake.output.name, f"{many} {'scan' if many == 1 else 'scans'} reduced into it"
        )
        if project.path is None:
            self._open(intake.output)
        else:
            project.reload()
        self.arrived.emit(intake.keys[0])

    def _open(self, path: Path) -> None:
        project, messages = self._desk.project, self._desk.messages
        self._opening = True  # what waits is for this very project
        try:
            project.open(path)
        except (InputError, OSError) as error:
            messages.error(path.name, error)
            return
        finally:
            self._opening = False
        messages.info(path.name, f"no project was open: the scans are in {path}")

    # -- resolutions --------------------

    def add_resolutions(self, path: Path) -> None:
        """Copy the resolutions of a file into the project.

        Raises
        ------
        InputError
            When no project is open, or something else is under way.
        """
        output = self._open_project("resolutions are kept in a project, and none is open")
        self._submit(
            partial(copy_resolutions, path, output),
            title=f"copying resolutions of {path.name}",
            on_result=partial(self._on_copied, path),
        )

    def _on_copied(self, path: Path, names: tuple[str, ...]) -> None:
        told = (
            f"resolutions of {len(names)} analyzers are now in the project: {', '.join(names)}"
            if names
            else "the project has these resolutions already"
        )
        self._desk.messages.info(path.name, told)
        self._desk.project.reload()

    # -- merging --------------------

    def merge(self, keys: Sequence[str]) -> None:
        """Sum scans of the project; masked analyzers of each are left out.

        Raises
        ------
        InputError
            When no project is open, or something else is under way.
        """
        output = self._open_project("there are no scans to merge")
        masks = dict(self._desk.project.document.masks)
        self._submit(
            partial(merge_scans, Project(output), tuple(keys), masks),
            title=f"merging {len(keys)} scans",
            on_result=self._on_merged,
        )

    def _on_merged(self, key: str) -> None:
        self._desk.messages.info("merged", f"the sum is {key}")
        self._desk.project.reload()
        self.arrived.emit(key)

    # -- jobs --------------------

    def _open_project(self, without: str) -> Path:
        if self._desk.project.path is None:
            raise InputError(without, hint="open a project or drop scans first")
        if self._job is not None:
            raise InputError("another job of this tab is still running", found=self._job.title)
        return self._desk.project.path

    def _submit(self, function: object, *, title: str, on_result: object) -> None:
        self._job = self._desk.runner.submit(
            function,  # type: ignore[arg-type]
            title=title,
            on_result=on_result,  # type: ignore[arg-type]
            on_error=partial(self._desk.messages.error, title),
            on_end=self._on_end,
        )
        self.changed.emit()

    def _on_end(self) -> None:
        self._job = None
        if self._waiting:
            self._timer.start()
        self.changed.emit()
