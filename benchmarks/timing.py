"""How the benchmarks take their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Measurement(NamedTuple):
    """One line of the results: what, ours, the peer or limit, their ratio, what was wanted."""

    name: str
    seconds: float
    peer: str
    peer_seconds: float
    target: str

    @property
    def ratio(self) -> float:
        """How many times longer the peer (or limit) takes."""
        return self.peer_seconds / self.seconds

    def record(self) -> dict[str, Any]:
        """The line for results.json."""
        return {**self._asdict(), "ratio": round(self.ratio, 3)}


def best_seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Shortest CPU time of several runs: the one that others disturbed least."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)
