"""How the benchmarks take their times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Measurement(NamedTuple):
    """One line of the results: what, ours, the peer or limit, their ratio, what was wanted.

    Both numbers are seconds, or megabytes where the unit says so.
    """

    name: str
    seconds: float
    peer: str
    peer_seconds: float
    target: str
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """How many times longer the peer (or limit) takes."""
        return self.peer_seconds / self.seconds

    def __str__(self) -> str:
        ours, theirs = shown(self.seconds, self.unit), shown(self.peer_seconds, self.unit)
        return (
            f"{self.name}: {ours}; {self.peer}: {theirs}; "
            f"ratio {self.ratio:.2f} (wanted: {self.target})"
        )

    def record(self) -> dict[str, Any]:
        """The line for results.json."""
        return {**self._asdict(), "ratio": round(self.ratio, 3)}


def shown(value: float, unit: str) -> str:
    """A time in the unit that suits it, or megabytes."""
    if unit == "MB":
        return f"{value:.0f} MB"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def best_seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Shortest CPU time of several runs: the one that others disturbed least."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)
