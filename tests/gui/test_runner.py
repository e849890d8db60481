"""Jobs: results, errors, progress, cancelling, stale ones, processes."""

from __future__ import annotations

import gc
import os
import threading
import time
from functools import partial
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from gui.messages import MessageLog
from gui.runner import Job, Runner
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress


def steps(n: int, pause_s: float, *, progress: Progress, cancel: CancelToken) -> int:
    """Importable work of n steps, which a process can do as well."""
    for i in range(n):
        cancel.check()
        time.sleep(pause_s)
        progress(i + 1, n, f"step {i + 1}")
    return n


def failing(*, progress: Progress, cancel: CancelToken) -> None:
    raise InputError("no such luck", key="luck")


def dying(*, progress: Progress, cancel: CancelToken) -> None:
    os._exit(9)


@pytest.fixture
def runner(qtbot: QtBot) -> Runner:
    return Runner()


def ended(qtbot: QtBot, runner: Runner) -> None:
    qtbot.waitUntil(lambda: not runner.busy, timeout=20_000)


@pytest.mark.parametrize("process", [False, True])
def test_a_job_gives_its_result_and_progress(qtbot: QtBot, runner: Runner, process: bool) -> None:
    results: list[int] = []
    told: list[tuple[int, int, str]] = []
    runner.submit(
        partial(steps, 4, 0.06),
        title="four steps",
        on_result=results.append,
        on_progress=lambda *how: told.append(how),
        process=process,
    )
    ended(qtbot, runner)
    assert results == [4]
    assert told[-1] == (4, 4, "step 4")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


@pytest.mark.parametrize("process", [False, True])
def test_an_error_arrives_with_its_words(qtbot: QtBot, runner: Runner, process: bool) -> None:
    log = MessageLog()
    runner.failed.connect(log.error)
    runner.submit(failing, title="luck", process=process)
    ended(qtbot, runner)
    (message,) = log.messages
    assert (message.level, message.subject, message.count) == ("error", "luck", 1)
    assert "no such luck" in message.text


def test_identical_errors_are_one_message_with_a_count(qtbot: QtBot, runner: Runner) -> None:
    log = MessageLog()
    runner.failed.connect(log.error)
    for _ in range(3):
        runner.submit(failing, title="luck")
    ended(qtbot, runner)
    assert [message.count for message in log.messages] == [3]


def test_a_process_that_dies_is_told(qtbot: QtBot, runner: Runner) -> None:
    errors: list[Exception] = []
    runner.submit(dying, title="dying", on_error=errors.append, process=True)
    ended(qtbot, runner)
    assert isinstance(errors[0], InputError)
    assert "exit code 9" in str(errors[0])


@pytest.mark.parametrize("process", [False, True])
def test_a_cancelled_job_gives_nothing_and_ends_soon(
    qtbot: QtBot, runner: Runner, process: bool
) -> None:
    results: list[Any] = []
    ends: list[float] = []
    begun: list[Any] = []
    job = runner.submit(
        partial(steps, 200, 0.05),
        title="long",
        on_result=results.append,
        on_error=results.append,
        on_progress=lambda *how: begun.append(how),
        on_end=lambda: ends.append(time.monotonic()),
        process=process,
    )
    qtbot.waitUntil(lambda: bool(begun), timeout=20_000)
    asked = time.monotonic()
    job.cancel()
    ended(qtbot, runner)
    assert results == []
    assert job.state == "cancelled"
    assert len(ends) == 1
    assert ends[0] - asked < 2.0


def test_a_newer_job_of_a_group_makes_the_older_one_stale(qtbot: QtBot, runner: Runner) -> None:
    results: list[str] = []

    def stubborn(name: str, *, progress: Progress, cancel: CancelToken) -> str:
        time.sleep(0.15)  # does not look at the token
        return name

    for name in ("first", "second", "third"):
        runner.submit(partial(stubborn, name), title=name, on_result=results.append, group="fit")
    ended(qtbot, runner)
    assert results == ["third"]


def test_callbacks_run_in_the_windows_thread(qtbot: QtBot, runner: Runner) -> None:
    import threading

    threads: list[int] = []
    runner.submit(
        partial(steps, 1, 0.0),
        title="where",
        on_result=lambda _: threads.append(threading.get_ident()),
    )
    ended(qtbot, runner)
    assert threads == [threading.get_ident()]


def test_what_a_worker_tells_comes_before_its_end(qtbot: QtBot, runner: Runner) -> None:
    """Also that of a cancelled one: a stopped reconstruction hands its last map over so."""
    import threading

    order: list[str | int] = []
    threads: set[int] = set()

    def heard(what: int) -> None:
        order.append(what)
        threads.add(threading.get_ident())

    def work(*, progress: Progress, cancel: CancelToken) -> None:
        for i in range(50):
            runner.tell(partial(heard, i))
        cancel.cancel()

    for _ in range(20):
        runner.submit(work, title="telling", on_end=lambda: order.append("end"))
        ended(qtbot, runner)
        assert order == [*range(50), "end"]
        order.clear()
    assert threads == {threading.get_ident()}


def test_work_that_ends_the_program_ends_its_job_and_is_told(qtbot: QtBot, runner: Runner) -> None:
    """A thread swallows SystemExit: the job would never end."""
    errors: list[Exception] = []

    def leaving(*, progress: Progress, cancel: CancelToken) -> None:
        raise SystemExit(3)

    runner.submit(leaving, title="leaving", on_error=errors.append)
    ended(qtbot, runner)
    assert "SystemExit(3)" in str(errors[0])


def test_what_is_told_while_no_job_runs_is_called_soon(qtbot: QtBot, runner: Runner) -> None:
    import threading

    heard: list[str] = []
    thread = threading.Thread(target=runner.tell, args=(partial(heard.append, "late"),))
    thread.start()
    qtbot.waitUntil(lambda: heard == ["late"], timeout=5_000)
    thread.join()


def test_stop_ends_all(qtbot: QtBot, runner: Runner) -> None:
    jobs: list[Job] = [
        runner.submit(partial(steps, 500, 0.02), title=f"job {i}") for i in range(20)
    ]
    assert runner.stop()
    assert all(job.cancel_token.cancelled for job in jobs)
    late = runner.submit(partial(steps, 1, 0.0), title="late")
    assert late.state == "cancelled"
    assert late not in runner.jobs


class Witness:
    """Something that may be destroyed in the window's thread only, as a widget."""

    def __init__(self, died_in: list[threading.Thread]) -> None:
        self._died_in = died_in

    def __del__(self) -> None:
        self._died_in.append(threading.current_thread())


@pytest.mark.parametrize("end", ["result", "error", "cancel"])
def test_what_a_job_was_given_dies_in_the_window_s_thread(
    qtbot: QtBot, runner: Runner, end: str
) -> None:
    died_in: list[threading.Thread] = []
    gate = threading.Event()

    def work(witness: Witness, *, progress: Progress, cancel: CancelToken) -> Witness:
        gate.wait(10)
        if end == "error":
            raise InputError("no such luck")
        return Witness(died_in)

    def take(witness: Witness, result: object) -> None:
        pass

    job = runner.submit(
        partial(work, Witness(died_in)),
        title="work",
        on_result=partial(take, Witness(died_in)),
        on_error=partial(take, Witness(died_in)),
    )
    if end == "cancel":
        job.cancel()
    del job
    gate.set()
    # Soon, not only when the thread is given something else to do.
    made = {"result": 4, "error": 3, "cancel": 4}[end]
    qtbot.waitUntil(lambda: len(died_in) == made or (gc.collect(), False)[1], timeout=10_000)
    assert set(died_in) == {threading.main_thread()}
