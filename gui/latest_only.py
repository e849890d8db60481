"""One job at a time, and of those asked for meanwhile only the last: for drags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gui.runner import Function, Runner


class LatestOnly:
    """Computes what was asked for last; what is under way is shown when it is done.

    A drag asks faster than a worker answers: nothing piles up, and the picture follows.

    Parameters
    ----------
    runner : Runner
    title : str
    on_result, on_error : callable
        Called in the window's thread.
    """

    def __init__(
        self,
        runner: Runner,
        title: str,
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._runner = runner
        self._title = title
        self._on_result = on_result
        self._on_error = on_error
        self._running = False
        self._wanted = True
        self._next: Function | None = None

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return self._running

    def ask(self, function: Function) -> None:
        """Compute this as soon as the worker is free; an earlier wish still waiting is dropped."""
        if self._running:
            self._next = function
            return
        self._running = self._wanted = True
        self._runner.submit(
            function,
            title=self._title,
            on_result=self._give,
            on_error=self._tell,
            on_end=self._end,
            quiet=True,
        )

    def forget(self) -> None:
        """Nothing of what was asked for is wanted any more."""
        self._next = None
        self._wanted = False

    def _give(self, result: Any) -> None:
        if self._wanted:
            self._on_result(result)

    def _tell(self, error: Exception) -> None:
        if self._wanted:
            self._on_error(error)

    def _end(self) -> None:
        self._running = False
        function, self._next = self._next, None
        if function is not None:
            self.ask(function)
