"""What `ixs watch` shows: lines that change on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ixs_core.report_parts import with_error
from ixs_reduce.flag_words import flag_words
from ixs_reduce.mode_fit import Value
from ixs_reduce.watch_status import ScanStatus, WatchMessage

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

    from ixs_reduce.watch import Watcher

_STYLES = {"measuring": "cyan", "fitting": "yellow", "failed": "red", "short": "dim", "done": ""}


class Display(Protocol):
    """Where a watcher's words go."""

    def follow(self, watcher: Watcher) -> None: ...
    def status(self, status: ScanStatus) -> None: ...
    def message(self, message: WatchMessage) -> None: ...
    def stopping(self) -> None: ...


@contextmanager
def display(folder: Path, *, as_json: bool) -> Iterator[Display]:
    """The display that suits stdout, for the length of the block; it ends with a summary."""
    if as_json:
        yield _JsonLines()
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        plain = _PlainLines(folder)
        yield plain
        print(plain.summary(), flush=True)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, transient=True) as live:
        terminal = _Terminal(folder, console, live)
        yield terminal
    console.print(terminal.summary(), markup=False, soft_wrap=True)


def status_line(status: ScanStatus) -> str:
    """A scan in one line."""
    scan = status.scan
    of = f"/{scan.requested_points}" if scan.requested_points is not None else ""
    parts = [
        f"{status.at:%H:%M:%S}",
        f"{status.state:<9}",
        f"{status.key:<12}",
        f"{scan.points}{of} points",
        f"{status.counts:.0f} counts in {len(status.living)}/{len(scan.analyzers)} analyzers",
    ]
    if status.message:
        return "  ".join([*parts, status.message])
    parts += _fit_words(status)
    words = flag_words(status.flags)
    return "  ".join([*parts, *([f"[{words}]"] if words else [])])


def status_record(status: ScanStatus) -> dict[str, Any]:
    """A scan as a JSON object."""
    scan, best = status.scan, status.strongest
    record: dict[str, Any] = {
        "event": "scan",
        "time": status.at.isoformat(timespec="seconds"),
        "key": status.key,
        "file": str(scan.source.path),
        "scan": scan.label,
        "state": status.state,
        "points": scan.points,
        "requested_points": scan.requested_points,
        "counts": status.counts,
        "alive": list(status.living),
        "analyzers": len(scan.analyzers),
        "temperature_k": scan.temperature_k,
        "message": status.message or None,
        "flags": [
            {"code": f.code, "message": f.message, "analyzer": f.analyzer} for f in status.flags
        ],
        "fits": len(status.fits),
    }
    if best is not None:
        record |= {
            "analyzer": best.spectrum.analyzer,
            "zero_mev": _finite(best.zero.value),
            "zero_err": _finite(best.zero.stderr),
            "reduced_deviance": _finite(best.reduced_deviance),
            "modes": [
                {
                    "energy_mev": _finite(mode.energy.value),
                    "energy_err": _finite(mode.energy.stderr),
                    "fwhm_mev": _finite(mode.fwhm.value),
                    "fwhm_err": _finite(mode.fwhm.stderr),
                }
                for mode in best.modes
            ],
        }
    return record


def _fit_words(status: ScanStatus) -> list[str]:
    best = status.strongest
    if best is None:
        return []
    words = [f"{best.spectrum.analyzer}: zero {_value(best.zero)}"]
    if best.modes:
        words.append(f"mode {_value(best.modes[0].energy)} meV")
        more = len(best.modes) - 1
        words += [f"+{more} more"] if more else []
    else:
        words.append("no mode")
    if not best.converged:
        words.append("not converged")
    return [*words, f"χ²/dof {best.reduced_deviance:.2f}"]


def _value(value: Value) -> str:
    text = with_error(value.value, value.stderr)
    return f"{text} (at its bound)" if value.at_bound else text


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


class _Counted:
    """Counts scans by their last state, for the summary."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watcher: Watcher | None = None
        self._states: dict[str, str] = {}

    def follow(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def summary(self) -> str:
        """One line: scans by state, files left alone, and where the results are."""
        counted = Counter(self._states.values())
        scans = ", ".join(f"{n} {state}" for state, n in counted.items()) or "none"
        text = f"{self._folder}: scans: {scans}"
        if self._watcher is not None:
            ignored = self._watcher.state.ignored
            text += f"; {ignored} other files left alone" if ignored else ""
            text += f"; project {self._watcher.options.output}"
        return text


class _PlainLines(_Counted):
    """A line for each change, for logs and pipes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._said: dict[str, str] = {}

    def status(self, status: ScanStatus) -> None:
        self._states[status.key] = status.state
        line = status_line(status)
        if self._said.get(status.key) != line[8:]:  # the time alone is no news
            print(line, flush=True)
        self._said[status.key] = line[8:]

    def message(self, message: WatchMessage) -> None:
        print(_stamped(message), file=sys.stderr, flush=True)

    def stopping(self) -> None:
        os.write(2, b"stopping\n")  # a signal may come amid a print, which takes no second one


class _Terminal(_Counted):
    """Ended scans and messages scroll up; scans in work stay below and change."""

    def __init__(self, folder: Path, console: Console, live: Live) -> None:
        super().__init__(folder)
        self._console = console
        self._live = live
        self._working: dict[str, ScanStatus] = {}
        self._said: dict[str, str] = {}
        self._stopping = False
        self._refresh()

    def status(self, status: ScanStatus) -> None:
        self._states[status.key] = status.state
        if status.state in ("measuring", "fitting"):
            self._working[status.key] = status
        else:
            self._working.pop(status.key, None)
            line = status_line(status)
            if self._said.get(status.key) != line[8:]:
                self._console.print(line, style=_STYLES[status.state], markup=False, soft_wrap=True)
            self._said[status.key] = line[8:]
        self._refresh()

    def message(self, message: WatchMessage) -> None:
        style = "red" if message.problem else "dim"
        self._console.print(_stamped(message), style=style, markup=False, soft_wrap=True)

    def stopping(self) -> None:
        self._stopping = True

    def _refresh(self) -> None:
        self._live.update(self._lines(), refresh=True)

    def _lines(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        lines = [
            Text(status_line(status), style=_STYLES[status.state], overflow="fold")
            for status in self._working.values()
        ]
        what = "stopping …" if self._stopping else "Ctrl-C stops"
        return Group(*lines, Text(f"{self.summary()}; {what}", style="dim", overflow="fold"))


class _JsonLines:
    """One JSON object per event."""

    def follow(self, watcher: Watcher) -> None:
        """JSON needs nothing more of it."""

    def status(self, status: ScanStatus) -> None:
        print(json.dumps(status_record(status), allow_nan=False, ensure_ascii=False), flush=True)

    def message(self, message: WatchMessage) -> None:
        now = datetime.now().isoformat(timespec="seconds")
        record = {
            "event": "message",
            "time": now,
            "text": message.text,
            "problem": message.problem,
        }
        print(json.dumps(record, ensure_ascii=False), flush=True)

    def stopping(self) -> None:
        os.write(2, b"stopping\n")  # a signal may come amid a print, which takes no second one


def _stamped(message: WatchMessage) -> str:
    return f"{datetime.now():%H:%M:%S}  {message.text}"
