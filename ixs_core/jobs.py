"""Long work: progress, cancelling, and the one parallel map.

Threads of this process do the work unless a scheduler is named: numpy and HDF5 release
the interpreter's lock where time is spent, and nothing needs to be sent around.
"""

from __future__ import annotations

import itertools
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

from ixs_core.errors import Cancelled

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_POLL_S = 0.05  # how often a wait looks at the cancel token
_AHEAD = 2  # items handed out per worker, so that none waits for the next


class Progress(Protocol):
    """What long functions report to: steps done, steps in all (0: unknown), and a text."""

    def __call__(self, done: int, total: int, text: str) -> None: ...


class CancelToken:
    """Asks a long function to stop; any thread may set it, the function checks it.

    Sent to another process, a copy of its present state goes along.
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask for the stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the stop was asked for."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled when the stop was asked for."""
        if self.cancelled:
            raise Cancelled("stopped on request")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_token, (self.cancelled,))


def _token(cancelled: bool) -> CancelToken:
    token = CancelToken()
    if cancelled:
        token.cancel()
    return token


class Workers(NamedTuple):
    """Something that works on items: what `parallel_map` needs of threads or of a cluster.

    Parameters
    ----------
    number : int
        How many items it works on at once.
    submit : callable
        Takes a function and an item, returns a future with `add_done_callback`,
        `result` and `cancel`.
    """

    number: int
    submit: Callable[[Callable[[Any], Any], Any], Any]


def parallel_map(
    function: Callable[[Item], Outcome],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> list[Outcome]:
    """`[function(item) for item in items]`, several at a time.

    Results are in the order of the items and do not depend on the number of workers; nor
    does the error: that of the first item in this order which has one is raised, and items
    not yet begun are left. Items are drawn only as workers take them.

    Parameters
    ----------
    function : callable
        For a scheduler: importable or picklable, like its items and results.
    items : iterable
    workers : int, optional
        Threads; by default as many as this process may use cores.
    scheduler : str, optional
        "tcp://host:port" of a running dask scheduler, or "local:N" for N processes here.
        A worker that dies is replaced and its item done again.
    progress : callable, optional
        Called in this thread with (done, total, "").
    cancel : CancelToken, optional
        Once set, Cancelled is raised within 0.1 s; items being worked on end by themselves
        (functions that check the same token end soon).

    Raises
    ------
    Cancelled
    InputError
        For a scheduler that does not answer, or an extra that is not installed.
    """
    results: dict[int, Outcome] = {}
    parallel_each(
        function,
        items,
        results.__setitem__,
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    return [results[index] for index in range(len(results))]


def parallel_each(
    function: Callable[[Item], Outcome],
    items: Iterable[Item],
    take: Callable[[int, Outcome], None],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Like `parallel_map`, but hands each result on as soon as it is there and keeps none.

    So work of any length needs the memory of a few items only.

    Parameters
    ----------
    take : callable
        Called in this thread with the number of the item, from 0, and its result, in the
        order in which the items end. What it raises ends the work and is raised here.

    Other parameters and errors as for `parallel_map`.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    total = len(items) if isinstance(items, Sized) else 0
    with _open_workers(workers, scheduler, cancel) as crew:
        _Drive(crew, function, iter(items), total, take, progress, cancel).run()


def default_workers() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_workers(
    workers: int | None, scheduler: str | None, cancel: CancelToken
) -> AbstractContextManager[Workers]:
    if scheduler is not None:
        from ixs_core.cluster import cluster_workers

        return cluster_workers(scheduler)
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}, expected 1 or more")
    return _threads(workers or default_workers(), cancel)


@contextmanager
def _threads(number: int, cancel: CancelToken) -> Iterator[Workers]:
    pool = ThreadPoolExecutor(number, thread_name_prefix="ixs")
    try:
        yield Workers(number, pool.submit)
    except KeyboardInterrupt:
        # The functions check the token, not the keyboard.
        cancel.cancel()
        raise
    finally:
        # Without waiting: after a cancel, what still runs is of no use to the caller.
        pool.shutdown(wait=False, cancel_futures=True)


class _Drive:
    """One run of `parallel_each`: hands out items and gathers results."""

    def __init__(
        self,
        crew: Workers,
        function: Callable[[Any], Any],
        items: Iterator[Any],
        total: int,
        take: Callable[[int, Any], None],
        progress: Progress | None,
        cancel: CancelToken,
    ) -> None:
        self._crew = crew
        self._function = function
        self._items = enumerate(items)
        self._total = total
        self._take = take
        self._progress = progress
        self._cancel = cancel
        self._running: dict[int, Any] = {}
        self._finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._done = 0
        self._errors: dict[int, BaseException] = {}

    def run(self) -> None:
        """Work through all items; leaves nothing handed out behind."""
        try:
            self._hand_out(_AHEAD * self._crew.number)
            while self._still_needed():
                self._gather(self._next_finished())
                if not self._errors:
                    self._hand_out(1)
        finally:
            for future in self._running.values():
                future.cancel()
        if self._errors:
            raise self._errors[min(self._errors)]

    def _still_needed(self) -> bool:
        """Whether a running item matters: after an error, only those before it do."""
        first_error = min(self._errors, default=None)
        return any(first_error is None or index < first_error for index in self._running)

    def _hand_out(self, count: int) -> None:
        for index, item in itertools.islice(self._items, count):
            self._cancel.check()
            future = self._crew.submit(self._function, item)
            self._running[index] = future
            future.add_done_callback(lambda _, index=index: self._finished.put(index))

    def _next_finished(self) -> int:
        while True:
            self._cancel.check()
            try:
                return self._finished.get(timeout=_POLL_S)
            except queue.Empty:
                continue

    def _gather(self, index: int) -> None:
        future = self._running.pop(index)
        try:
            outcome = future.result()
        except Exception as error:  # noqa: BLE001 - raised in `run`, in the order of the items
            self._errors[index] = error
            return
        self._take(index, outcome)
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, "")


@contextmanager
def terminal_progress(title: str, *, silent: bool = False) -> Iterator[Progress]:
    """A progress bar with the time left, on stderr, for the length of the block.

    Nothing is shown when stderr is no terminal, or `silent` (for `--json`).

    Parameters
    ----------
    title : str
        What is being done.
    silent : bool

    Yields
    ------
    Progress
        To be given to a long function; any thread may call it.
    """
    if silent or not sys.stderr.isatty():
        yield _say_nothing
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.fields[text]}", markup=False),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, text="")

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total or None, text=text)

        yield show


@contextmanager
def interrupt_cancels(notice: str) -> Iterator[CancelToken]:
    """A token that the first Ctrl-C sets, with a notice on stderr; the second one interrupts.

    For work that keeps what it has when it is cancelled. Outside the main thread, where no
    signal arrives, the token is an ordinary one.
    """
    token = CancelToken()
    in_main_thread = threading.current_thread() is threading.main_thread()
    # A job in the background of a shell ignores Ctrl-C, and shall go on doing so.
    if not in_main_thread or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield token
        return

    def ask(number: int, frame: object) -> None:
        if token.cancelled:
            raise KeyboardInterrupt
        print(notice, file=sys.stderr)
        token.cancel()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield token
    finally:
        signal.signal(signal.SIGINT, before)


def _say_nothing(done: int, total: int, text: str) -> None:
    """For runs that nobody watches."""
