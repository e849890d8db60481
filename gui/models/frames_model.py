"""The series that is open, and the frame of it that is shown: read in workers, kept, read ahead."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from gui.messages import MessageLog
from gui.models.frames_content import (
    FrameCache,
    LoadedFrame,
    OpenedSeries,
    combine,
    load,
    load_ahead,
    open_series,
)
from gui.runner import Job, Runner
from ixs_core.frame_series import FrameSeries

_GROUP, _AHEAD = "frames", "frames-ahead"
_SUBJECT = "frames"


class FramesModel(QObject):
    """Opens series and steps through them; what was asked for last is what is shown.

    A frame that cannot be read leaves the one before in place, with one message.

    Attributes
    ----------
    source : path or None
        The file or folder that was opened.
    series : FrameSeries or None
    place : int
        Number of the frame that is shown, from 0; of a sum the first one.
    wanted : int
        Number of the frame that was asked for last.
    shown : LoadedFrame or None

    Signals
    -------
    opened : another series is open, or none.
    shown_changed : another frame, sum or maximum is shown.
    wanted_changed : another frame was asked for, or busy changed.
    failed : (path, str): a series could not be opened, and why.
    """

    opened = Signal()
    shown_changed = Signal()
    wanted_changed = Signal()
    failed = Signal(object, str)

    def __init__(self, runner: Runner, messages: MessageLog, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._messages = messages
        self.cache = FrameCache()
        self.source: Path | None = None
        self.series: FrameSeries | None = None
        self.place = 0
        self.wanted = 0
        self.shown: LoadedFrame | None = None
        self._job: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether something was asked for that is not shown yet."""
        return self._job is not None

    @property
    def combining(self) -> bool:
        """Whether a sum or maximum is under way."""
        return self._job is not None and not self._job.quiet

    def open(self, path: Path, number: int = 0) -> None:
        """Open the series of a file or folder, and show frame `number` (from 0) of this file."""
        self._submit(
            partial(open_series, path, self.cache, number),
            f"reading {path.name}",
            on_result=self._on_opened,
            on_error=partial(self._on_open_failed, path),
        )

    def close(self) -> None:
        """Forget the series."""
        self._give_up()
        self.cache.clear()
        self.source = self.series = self.shown = None
        self.place = self.wanted = 0
        self.opened.emit()
        self.shown_changed.emit()

    def reload(self) -> None:
        """Look for new files, and read the frame again."""
        if self.series is not None:
            self.cache.clear()
            self.open(*self.series.frames[self.place])

    def step(self, count: int) -> None:
        """Go on by some frames from the one asked for last (negative: back)."""
        self.go(self.wanted + count)

    def go(self, place: int) -> None:
        """Show the frame with a number from 0; the nearest there is."""
        if self.series is None:
            return
        place = min(max(place, 0), len(self.series) - 1)
        self.wanted = place
        kept = self.cache.get(self.series.frames[place])
        if kept is not None:
            self._give_up()
            self._show(place, kept)
            return
        self._submit(
            partial(load, self.series, place, self.cache),
            f"reading {self.series.frames[place].path.name}",
            on_result=partial(self._show, place),
            on_error=self._on_failed,
        )

    def combine(self, how: str, first: int, last: int) -> None:
        """Show the "sum" or "maximum" of frames first to last, both from 0."""
        if self.series is None:
            return
        self._submit(
            partial(combine, self.series, how, first, last, self.cache),
            f"{how} of frames {first + 1} to {last + 1}",
            on_result=partial(self._show, first),
            on_error=self._on_failed,
            quiet=False,
        )

    def cancel(self) -> None:
        """Stop what is under way; what is shown stays."""
        self._give_up()
        self.wanted = self.place
        self.wanted_changed.emit()

    # -- jobs --------------------

    def _submit(
        self, function: Any, title: str, *, on_result: Any, on_error: Any, quiet: bool = True
    ) -> None:
        self._job = job = self._runner.submit(
            function,
            title=title,
            on_result=on_result,
            on_error=on_error,
            on_end=lambda: self._on_end(job),
            group=_GROUP,
            quiet=quiet,
        )
        self.wanted_changed.emit()

    def _give_up(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _on_end(self, job: Job) -> None:
        if self._job is job:
            self._job = None
            if job.state == "cancelled":
                self.wanted = self.place
            self.wanted_changed.emit()

    def _on_opened(self, found: OpenedSeries) -> None:
        self.source, self.series = found.source, found.series
        self.wanted = found.place
        self.opened.emit()
        self._show(found.place, found.loaded)

    def _on_open_failed(self, path: Path, error: Exception) -> None:
        self._messages.error(_SUBJECT, error)
        self.failed.emit(path, str(error))

    def _on_failed(self, error: Exception) -> None:
        self._messages.error(_SUBJECT, error)
        self.wanted = self.place

    def _show(self, place: int, loaded: LoadedFrame) -> None:
        forward = place >= self.place
        self.place = self.wanted = place
        self.shown = loaded
        self.shown_changed.emit()
        self.wanted_changed.emit()
        self._read_ahead(place, 1 if forward else -1)

    def _read_ahead(self, place: int, direction: int) -> None:
        """Read the next frames in the direction of the steps, and the one behind."""
        assert self.series is not None
        near = (place + direction, place - direction, place + 2 * direction)
        missing = [
            n
            for n in near
            if 0 <= n < len(self.series) and self.cache.get(self.series.frames[n]) is None
        ]
        if missing:
            self._runner.submit(
                partial(load_ahead, self.series, missing, self.cache),
                title="reading ahead",
                # A frame that cannot be read is told of when it is asked for.
                on_error=lambda _: None,
                group=_AHEAD,
                quiet=True,
            )
