"""Work that takes time, off the window's thread: threads, processes, progress, cancelling.

A job's function is called with the keywords `progress` and `cancel`, as all long functions of
the suite take them. What it returns or raises comes back to the window's thread. A job of a
group that was submitted anew since is stale: its result is dropped.

Workers are plain threads that never touch Qt: they put what happens into a queue, which a timer
of the window empties. (Runnables of a QThreadPool and signals sent across threads ended in rare
crashes of the bindings.) Nor do they ever hold the last reference to what a job was given: its
callbacks hold widgets, which must die in the window's thread.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from gui.process_job import run_in_process
from ixs_core.errors import Cancelled
from ixs_core.jobs import CancelToken, default_workers

Function = Callable[..., Any]
_Call = Callable[[], None]
State = Literal["waiting", "running", "done", "failed", "cancelled"]

_TELL_EVERY_S = 0.05  # progress is told at most so often
_LOOK_EVERY_MS = 15  # how often the window looks at what workers have to say
_LOOK_IDLE_MS = 500  # the same while there is no job
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

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self._newest: dict[str, Job] = {}
        self._stopped = False
        self._workers = _Workers()
        # What happened to jobs, to be told in the window's thread.
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.jobs: list[Job] = []
        # What workers were given and gave, until they have let go of it.
        self._given: dict[int, object] = {}
        self._timer = QTimer(self, interval=_LOOK_IDLE_MS)
        self._timer.timeout.connect(self._tell_news)
        self._timer.start()

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
        self._timer.setInterval(_LOOK_EVERY_MS)
        task = partial(self._work, job, function, process)
        self._given[job.number] = task
        self._workers.start(task, partial(self.tell, partial(self._let_go, job.number)))
        return job

    @property
    def busy(self) -> bool:
        """Whether any job is still to end."""
        return bool(self.jobs)

    def tell(self, call: Callable[[], None]) -> None:
        """Have something called in the window's thread; from any thread.

        What a worker tells before it ends is called before `on_result`, `on_error` and `on_end`.
        """
        self._news.put(call)

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
        ended = self._workers.stop(_LONGEST_STOP_S)
        self._tell_news()
        self._timer.stop()
        return ended

    # -- in a worker's thread --------------------

    def _work(self, job: Job, function: Function, process: bool) -> None:
        """Do the work of a job and leave its end to be told."""
        told = 0.0

        def tell(done: int, total: int, text: str) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _TELL_EVERY_S or done == total:
                told = now
                self._news.put(partial(self._on_progressed, job, done, total, text))

        result: Any = None
        error: Exception | None = None
        try:
            job.cancel_token.check()
            self._news.put(partial(self._on_began, job))
            if process:
                result = run_in_process(function, tell, job.cancel_token)
            else:
                result = function(progress=tell, cancel=job.cancel_token)
        except Exception as raised:  # noqa: BLE001 - whatever a worker raises is shown, once
            error = raised
        except BaseException as raised:  # noqa: BLE001 - a thread would swallow SystemExit
            error = RuntimeError(f"the work wanted to end the program: {raised!r}")
        self._given[job.number] = self._given[job.number], result, error
        self._news.put(partial(self._on_ended, job, result, error))

    # -- in the window's thread --------------------

    def _tell_news(self) -> None:
        """Tell what happened since the last look; what a listener raises does not stop it."""
        try:
            # Only what is there now: a listener may submit further jobs.
            for _ in range(self._news.qsize()):
                self._news.get_nowait()()
        finally:
            if not self.jobs and self._news.empty():
                self._timer.setInterval(_LOOK_IDLE_MS)

    def _let_go(self, number: int) -> None:
        """Nothing of a job is left in a worker's thread."""
        del self._given[number]

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


class _Workers:
    """Threads that do one task after another; none is begun before it is needed.

    They are daemons: work that does not look at its token never keeps the program from ending.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[_Call, _Call] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._waiting = threading.Semaphore(0)
        # A short read never waits behind two long fits.
        self._most = default_workers() + 2

    def start(self, task: _Call, let_go: _Call) -> None:
        """Have a thread do a task, as soon as one is free, and forget it before `let_go`."""
        self._tasks.put((task, let_go))
        if not self._waiting.acquire(blocking=False) and len(self._threads) < self._most:
            thread = threading.Thread(target=self._run, name="ixs view job", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, seconds: float) -> bool:
        """End the threads; whether all have ended within a time."""
        deadline = time.monotonic() + seconds
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while True:
            asked = self._tasks.get()
            if asked is None:
                return
            task, let_go = asked
            del asked
            task()
            del task
            let_go()
            del let_go
            # Taken back by `start`, which then needs no further thread.
            self._waiting.release()
