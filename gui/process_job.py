"""A function in a process of its own: progress over a pipe, and an end as soon as it is asked for.

No Qt here: the new process imports this module, and a window is nothing that it needs.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress

_POLL_S = 0.05


def run_in_process(function: Callable[..., Any], progress: Progress, cancel: CancelToken) -> Any:
    """`function(progress=…, cancel=…)` in a fresh process; its result, or its error raised here.

    Parameters
    ----------
    function : callable
        Importable, with arguments and result that pickle.
    progress : callable
        Called in this thread.
    cancel : CancelToken
        Once set, the process is ended within 0.1 s.

    Raises
    ------
    Cancelled
    InputError
        When the process ends without a word (killed, or out of memory).
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(function, there), daemon=True)
    process.start()
    there.close()
    try:
        while True:
            cancel.check()
            if not here.poll(_POLL_S):
                continue
            try:
                kind, content = here.recv()
            except EOFError:
                process.join(1.0)
                raise InputError(
                    "the process that did this work ended without a result",
                    found=f"exit code {process.exitcode}",
                    hint="perhaps the memory did not suffice",
                ) from None
            if kind == "progress":
                progress(*content)
            elif kind == "error":
                raise content
            else:
                return content
    finally:
        here.close()
        process.terminate()
        process.join(1.0)


def _work(function: Callable[..., Any], pipe: Connection) -> None:
    """In the new process: do the work, send what comes of it."""

    def tell(done: int, total: int, text: str) -> None:
        pipe.send(("progress", (done, total, text)))

    try:
        outcome = ("result", function(progress=tell, cancel=CancelToken()))
    except Exception as error:  # noqa: BLE001 - raised again where it was asked for
        error.add_note(traceback.format_exc())
        outcome = ("error", error)
    pipe.send(outcome)
