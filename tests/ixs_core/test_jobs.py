"""The parallel map against the plain loop, and what happens when it is stopped."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import (
    CancelToken,
    default_workers,
    interrupt_cancels,
    parallel_each,
    parallel_map,
    terminal_progress,
)


def square(x: int) -> int:
    return x * x


def fail_on_odd(x: int) -> int:
    time.sleep(0.05 if x == 1 else 0.0)
    if x % 2:
        raise InputError("odd", file="numbers.txt", line=x, key="x", found=x, expected="even")
    return x


def die_once(x: int, folder: Path) -> int:
    mark = folder / "died"
    if x == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


@pytest.mark.parametrize("workers", [None, 1, 2, 7])
def test_results_are_in_order_whatever_the_number_of_workers(workers: int | None) -> None:
    def slow_at_first(x: int) -> int:
        time.sleep(0.02 if x < 3 else 0)
        return x * x

    assert parallel_map(slow_at_first, range(40), workers=workers) == [x * x for x in range(40)]


def test_nothing_to_do() -> None:
    assert parallel_map(square, []) == []


def test_works_on_several_at_a_time() -> None:
    # Each call waits for three others: only four at a time can get past.
    barrier = threading.Barrier(4, timeout=5)
    assert len(parallel_map(lambda _: barrier.wait(), range(8), workers=4)) == 8


def test_items_are_drawn_as_they_are_needed() -> None:
    drawn, done, ahead = [], [], []

    def items():
        for x in range(100):
            drawn.append(x)
            ahead.append(len(drawn) - len(done))
            yield x

    parallel_map(done.append, items(), workers=2)
    assert len(done) == 100
    assert max(ahead) <= 6


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_error_of_the_first_item_in_order_is_raised(workers: int) -> None:
    started = []

    def work(x: int) -> int:
        started.append(x)
        return fail_on_odd(x)

    # Item 3 fails long before item 1 does.
    with pytest.raises(InputError, match="line 1"):
        parallel_map(work, range(1000), workers=workers)
    assert len(started) < 50


def test_progress_counts_to_the_end() -> None:
    seen = []
    parallel_map(square, list(range(10)), progress=lambda *a: seen.append(a))
    assert seen == [(n, 10, "") for n in range(1, 11)]
    seen.clear()
    parallel_map(square, iter(range(3)), progress=lambda *a: seen.append(a))
    assert seen[-1] == (3, 0, "")


def test_each_result_is_handed_on_and_none_kept() -> None:
    """At most a few results are alive, however long the work."""
    alive = 0
    most = 0
    lock = threading.RLock()

    class Piece:
        def __init__(self) -> None:
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            with lock:
                alive -= 1

    taken: list[int] = []
    parallel_each(lambda _: Piece(), range(300), lambda i, piece: taken.append(i), workers=2)
    assert sorted(taken) == list(range(300))
    assert most <= 8


def test_what_the_taker_raises_ends_the_work() -> None:
    def refuse(index: int, value: int) -> None:
        raise InputError("full")

    with pytest.raises(InputError, match="full"):
        parallel_each(abs, range(1000), refuse, workers=2)


def test_cancel_returns_at_once_though_work_goes_on() -> None:
    token, release = CancelToken(), threading.Event()
    threading.Timer(0.1, token.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        parallel_map(lambda _: release.wait(5), range(100), workers=2, cancel=token)
    waited = time.monotonic() - start - 0.1
    release.set()
    assert waited < 0.2


def test_a_cancelled_token_starts_nothing() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        parallel_map(pytest.fail, [1], cancel=token)


def test_token_survives_the_way_to_a_process() -> None:
    token = CancelToken()
    assert not pickle.loads(pickle.dumps(token)).cancelled  # noqa: S301
    token.cancel()
    copy = pickle.loads(pickle.dumps(token))  # noqa: S301
    with pytest.raises(Cancelled):
        copy.check()


def test_workers_must_be_positive() -> None:
    assert default_workers() >= 1
    with pytest.raises(ValueError, match="workers"):
        parallel_map(square, [1], workers=0)


def test_interrupt_ends_the_program_with_its_threads() -> None:
    program = (
        "import os, signal, threading, time\n"
        "from ixs_core.jobs import CancelToken, parallel_map\n"
        # A shell's background jobs start with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "token = CancelToken()\n"
        "def work(x):\n"
        "    while True:\n"
        "        token.check(); time.sleep(0.01)\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "parallel_map(work, range(9), workers=2, cancel=token)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20)
    assert b"KeyboardInterrupt" in ended.stderr


@pytest.mark.parametrize("scheduler", ["local:0", "local", "tcp://host", "http://host:1", ""])
def test_what_is_no_scheduler(scheduler: str) -> None:
    with pytest.raises(InputError, match="--scheduler"):
        parallel_map(square, [1], scheduler=scheduler)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"ixs-suite\[cluster\]"):
        parallel_map(square, [1], scheduler="local:1")


def test_processes_give_what_threads_give() -> None:
    pytest.importorskip("distributed")
    assert parallel_map(square, range(20), scheduler="local:2") == [x * x for x in range(20)]
    with pytest.raises(InputError) as caught:
        parallel_map(fail_on_odd, range(20), scheduler="local:2")
    assert (caught.value.line, caught.value.file) == (1, Path("numbers.txt"))
    assert "expected even" in str(caught.value)


def test_killed_worker_is_replaced(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    work = partial(die_once, folder=tmp_path)
    assert parallel_map(work, range(8), scheduler="local:2") == [x * x for x in range(8)]
    assert (tmp_path / "died").exists()


def test_cancel_of_processes_returns_at_once() -> None:
    pytest.importorskip("distributed")
    token = CancelToken()
    start = []

    def stop_after_the_first(done: int, total: int, text: str) -> None:
        start.append(time.monotonic())
        token.cancel()

    with pytest.raises(Cancelled):
        parallel_map(
            time.sleep,
            [0.01] + [20.0] * 50,
            scheduler="local:2",
            cancel=token,
            progress=stop_after_the_first,
        )
    assert time.monotonic() - start[0] < 0.3


def test_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("ixs_core.cluster._CONNECT_S", 0.5)
    with pytest.raises(InputError, match="no dask scheduler answers"):
        parallel_map(square, [1], scheduler="tcp://127.0.0.1:1")


def test_progress_is_silent_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with terminal_progress("fitting") as progress:
        progress(1, 2, "a03")
    assert capfd.readouterr() == ("", "")


def _read_to_the_end(reader: int) -> str:
    """All that a closed terminal was sent: the kernel hands it over in pieces, a while later."""
    pieces = []
    with os.fdopen(reader, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(65536):
                pieces.append(piece)
        except OSError as end:
            if end.errno != errno.EIO:  # how Linux says that the other side was closed
                raise
    return b"".join(pieces).decode()


def test_progress_on_a_terminal_shows_text_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "160")
        with terminal_progress("fitting") as progress:
            progress(3, 8, "[bold]a03[/bold]")
        with terminal_progress("quiet", silent=True) as progress:
            progress(1, 1, "nothing")
    shown = _read_to_the_end(reader)
    assert "fitting" in shown
    assert "3/8" in shown
    assert "[bold]a03[/bold]" in shown
    assert "quiet" not in shown


def test_the_first_interrupt_cancels_the_second_interrupts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interrupt_cancels("stopping: what is done is kept") as cancel:
            assert not cancel.cancelled
            signal.raise_signal(signal.SIGINT)
            assert cancel.cancelled
            assert "what is done is kept" in capsys.readouterr().err
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_ignored_interrupts_stay_ignored() -> None:
    """A job in the background of a shell is not stopped by the Ctrl-C of another."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_cancels("never said") as cancel:
            signal.raise_signal(signal.SIGINT)
            assert not cancel.cancelled
    finally:
        signal.signal(signal.SIGINT, before)
