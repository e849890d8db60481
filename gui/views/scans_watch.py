"""Live mode: a job that follows a folder, and what it tells, taken in every 100 ms."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from gui.models.live_folder import LiveFolder, LiveNews, LiveScan, watch_words
from gui.models.scan_intake import project_beside
from gui.models.scan_rows import Failure
from gui.runner import Job
from gui.views.tab import Desk
from ixs_core.project import Project

_TAKE_EVERY_MS = 100
LOOK_EVERY_S = 2.0


class FolderWatch(QObject):
    """Follows one folder at a time into the open project.

    Signals
    -------
    news : LiveNews, whenever there is some.
    changed : it began, ended, or says something else.

    Attributes
    ----------
    scans : dict
        Key -> LiveScan, every scan as it is now; they stay after the end.
    failures : tuple of Failure
        Files and scans that cannot be read.
    """

    news = Signal(object)
    changed = Signal()

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self.scans: dict[str, LiveScan] = {}
        self.failures: tuple[Failure, ...] = ()
        self.text = ""
        self.interval_s = LOOK_EVERY_S
        self._live: LiveFolder | None = None
        self._job: Job | None = None
        self._next: tuple[Path, bool] | None = None
        self._timer = QTimer(self, interval=_TAKE_EVERY_MS)
        self._timer.timeout.connect(self._take)

    @property
    def active(self) -> bool:
        """Whether a folder is followed."""
        return self._job is not None and not self._job.cancel_token.cancelled

    @property
    def folder(self) -> Path | None:
        """The folder that is followed, or was last."""
        return self._live.folder if self._live is not None else None

    @property
    def output(self) -> Path | None:
        """The project that it goes into."""
        return self._live.output if self._live is not None else None

    def start(self, folder: Path, *, fit: bool) -> None:
        """Follow a folder; without an open project one is begun beside it.

        Raises
        ------
        InputError
            When there is no project and none can be begun.
        """
        if self._job is not None:
            self._next = (folder, fit)
            self._job.cancel()
            return
        self._begin_project(folder)
        path = self._desk.project.path
        assert path is not None
        self.scans, self.failures = {}, ()
        self._live = LiveFolder(folder, path, fit, self.interval_s)
        self._job = self._desk.runner.submit(
            self._live.follow,
            title=f"watching {folder.name or folder}",
            on_error=self._on_error,
            on_end=self._on_end,
        )
        self.text = watch_words(folder, {})
        self._timer.start()
        self.changed.emit()

    def _begin_project(self, folder: Path) -> None:
        project = self._desk.project
        if project.path is not None:
            return
        path = project_beside(folder)
        if Project(path).exists:
            project.open(path)
            self._desk.messages.info(folder.name, f"the scans go into the project {path}")
        else:
            project.create(path)
            self._desk.messages.info(folder.name, f"no project was open: {path} is begun")

    def stop(self) -> None:
        """End it; the job writes what is not yet written."""
        self._next = None
        if self._job is not None:
            self._job.cancel()
            self.text = "the watcher ends"
            self.changed.emit()

    def go_on(self) -> None:
        """The project was saved under another name: what is measured goes into that one now."""
        assert self._live is not None
        self.start(self._live.folder, fit=self._live.fit)

    def forget(self) -> None:
        """Another project is open: what was seen belongs to the one before."""
        if self.active and self._live is not None:
            self._desk.messages.warning(
                f"watching {self._live.folder.name}", "ended: another project was opened"
            )
        self.stop()
        self.scans, self.failures = {}, ()
        self._live = None

    def _take(self) -> None:
        if self._live is None:
            return
        news = self._live.take()
        if not news:
            return
        for live in news.scans:
            self.scans[live.status.key] = live
        self._take_failures(news)
        for message in news.messages:
            said = self._desk.messages.error if message.problem else self._desk.messages.info
            said(f"watching {self._live.folder.name}", message.text)
        if self.active:
            self.text = watch_words(self._live.folder, self.scans)
        self.news.emit(news)
        self.changed.emit()

    def _take_failures(self, news: LiveNews) -> None:
        """A file that is read after all is no longer red."""
        read = {live.watched.path.name for live in news.scans}
        new = [
            Failure.of_file(message.path, message.text)
            for message in news.messages
            if message.path is not None
        ]
        kept = [failure for failure in self.failures if failure.subject not in read]
        self.failures = tuple(dict.fromkeys((*kept, *new)))

    def _on_error(self, error: Exception) -> None:
        self._desk.messages.error("watching a folder", error)

    def _on_end(self) -> None:
        self._take()
        self._timer.stop()
        self._job = None
        following, self._next = self._next, None
        self.text = ""
        if following is not None:
            folder, fit = following
            self.start(folder, fit=fit)
        else:
            self._desk.project.reload_if_changed()
        self.changed.emit()
