"""Work that takes time, off the window's thread: threads, processes, progress, cancelling.

A job's function is called with the keywords `progress` and `cancel`, as all long functions of
the suite take them. What it returns or raises comes back to the window's thread. A job of a
group that was submitted anew since is stale: its result is dropped.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from PySide6.QtCore import QObject, QRunnable, Qt, QThread, QThreadPool, Signal

from gui.process_job import run_in_process
from ixs_core.errors import Cancelled
from ixs_core.jobs import CancelToken

Function = Callable[..., Any]
State = Literal["waiting", "running", "done", "failed", "cancelled"]

_TELL_EVERY_S = 0.05  # progress is told at most so often
_LONGEST_STOP_S = 5.0  # how long the window waits for cancelled threads when it closes


@dataclass(eq=False)
class Job:
    """A piece of work as the window sees it; changed in the window's thread only.

    Parameters
    ----------
    number : int
    title : str
        What is shown of it.
    group : str
        Jobs of one group replace each other; empty for none.
    quiet : bool
        Whether it is left out of the panel of jobs (short reads).
    """

    number: int
    title: str
    group: str
    quiet: bool
    on_result: Callable[[Any], None] | None
    on_error: Callable[[Exception], None] | None
    on_progress: Callable[[int, int, str], None] | None
    on_end: Callable[[], None] | None
    cancel_token: CancelToken = field(default_factory=CancelToken)
    state: State = "waiting"
    done: int = 0
    total: int = 0
    text: str = ""
    started: float = field(default_factory=time.monotonic)

    @property
    def active(self) -> bool:
        """Whether it is still to give a result."""
        return self.state in ("waiting", "running")

    @property
    def seconds_left(self) -> float | None:
        """Time to go at the pace so far, in s; None while unknown."""
        if not (self.done and self.total):
            return None
        return (time.monotonic() - self.started) * (self.total - self.done) / self.done

    def cancel(self) -> None:
        """Ask for the end; its result, should there be one, is dropped."""
        self.cancel_token.cancel()


class Runner(QObject):
    """Runs jobs and tells of them.

    Signals
    -------
    job_changed : Job
        It began, went on, or ended.
    failed : (str, Exception)
        Title of a job without `on_error`, and what it raised.
    """

    job_changed = Signal(object)
    failed = Signal(str, object)
    _began = Signal(object)
    _progressed = Signal(object, int, int, str)
    _ended = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        # One more than cores: a short read never waits behind two long fits.
        self._pool.setMaxThreadCount(QThread.idealThreadCount() + 2)
        self._numbers = itertools.count(1)
        self._newest: dict[str, Job] = {}
        self._stopped = False
        self.jobs: list[Job] = []
        queued = Qt.ConnectionType.QueuedConnection
        self._began.connect(self._on_began, queued)
        self._progressed.connect(self._on_progressed, queued)
        self._ended.connect(self._on_ended, queued)

    def submit(
        self,
        function: Function,
        *,
        title: str,
        on_result: Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_progress: Callable[[int, int, str], None] | None = None,
        on_end: Callable[[], None] | None = None,
        group: str = "",
        quiet: bool = False,
        process: bool = False,
    ) -> Job:
        """Run `function(progress=…, cancel=…)` in a thread, or in a process of its own.

        Parameters
        ----------
        function : callable
            For a process: importable, with arguments and result that pickle.
        title : str
        on_result, on_error, on_progress, on_end : callable, optional
            Called in the window's thread. Without `on_error` an error goes to `failed`;
            `on_end` comes last, whatever the end was, also a cancelled one.
        group : str
            A job that is submitted cancels the earlier one of its group and drops its result.
        quiet : bool
            Not shown in the panel of jobs.
        process : bool
            For long work that holds the interpreter; a cancel ends the process at once.
        """
        job = Job(
            next(self._numbers), title, group, quiet, on_result, on_error, on_progress, on_end
        )
        if self._stopped:
            job.state = "cancelled"
            return job
        if group:
            earlier = self._newest.get(group)
            if earlier is not None:
                earlier.cancel()
            self._newest[group] = job
        self.jobs.append(job)
        self.job_changed.emit(job)
        self._pool.start(_Task(self, job, function, process))
        return job

    @property
    def busy(self) -> bool:
        """Whether any job is still to end."""
        return bool(self.jobs)

    def cancel_all(self) -> None:
        """Ask all jobs to end."""
        for job in self.jobs:
            job.cancel()

    def stop(self) -> bool:
        """Cancel all and wait for the threads, a few seconds at most; whether all have ended.

        What is submitted afterwards is not begun: the window closes.
        """
        self._stopped = True
        self.cancel_all()
        self._pool.clear()
        return self._pool.waitForDone(int(1000 * _LONGEST_STOP_S))

    def _on_began(self, job: Job) -> None:
        job.state = "running"
        job.started = time.monotonic()
        self.job_changed.emit(job)

    def _on_progressed(self, job: Job, done: int, total: int, text: str) -> None:
        if not job.active or job.cancel_token.cancelled:
            return
        job.done, job.total, job.text = done, total, text
        if job.on_progress is not None:
            job.on_progress(done, total, text)
        self.job_changed.emit(job)

    def _on_ended(self, job: Job, result: Any, error: Exception | None) -> None:
        if job.cancel_token.cancelled or isinstance(error, Cancelled):
            job.state = "cancelled"
        else:
            job.state = "failed" if error is not None else "done"
        self.jobs.remove(job)
        if job.group and self._newest.get(job.group) is job:
            del self._newest[job.group]
        self.job_changed.emit(job)
        try:
            self._hand_over(job, result, error)
        finally:
            if job.on_end is not None:
                job.on_end()

    def _hand_over(self, job: Job, result: Any, error: Exception | None) -> None:
        if job.state == "done" and job.on_result is not None:
            job.on_result(result)
        elif job.state == "failed" and error is not None:
            if job.on_error is not None:
                job.on_error(error)
            else:
                self.failed.emit(job.title, error)


class _Task(QRunnable):
    """A job's function in a thread of the pool."""

    def __init__(self, runner: Runner, job: Job, function: Function, process: bool) -> None:
        super().__init__()
        self._runner = runner
        self._job = job
        self._function = function
        self._process = process
        self._told = 0.0

    def run(self) -> None:
        """Do the work and send its end to the window's thread."""
        runner, job = self._runner, self._job
        result: Any = None
        error: Exception | None = None
        try:
            job.cancel_token.check()
            runner._began.emit(job)
            if self._process:
                result = run_in_process(self._function, self._tell, job.cancel_token)
            else:
                result = self._function(progress=self._tell, cancel=job.cancel_token)
        except Exception as raised:  # noqa: BLE001 - whatever a worker raises is shown, once
            error = raised
        runner._ended.emit(job, result, error)

    def _tell(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_EVERY_S or done == total:
            self._told = now
            self._runner._progressed.emit(self._job, done, total, text)
