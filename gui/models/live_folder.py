"""A folder that is followed while scans are measured: from the watcher's thread to the window.

The watcher may tell of thousands of scans at once, or of one every second; the window takes what
is new when it has time. Qt-free.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from ixs_reduce.watch_status import ScanStatus, WatchMessage
    from ixs_reduce.watch_store import WatchedScan


@dataclass(frozen=True)
class LiveScan:
    """A watched scan: what is said of it, and its spectra so far."""

    status: ScanStatus
    watched: WatchedScan


@dataclass(frozen=True)
class LiveNews:
    """What happened since it was asked for last.

    Parameters
    ----------
    scans : tuple of LiveScan
        Those that changed, each as it is now, in the order in which they changed.
    messages : tuple of WatchMessage
    """

    scans: tuple[LiveScan, ...] = ()
    messages: tuple[WatchMessage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scans or self.messages)


class LiveFolder:
    """Follows one folder; `follow` runs in a worker, `take` is called by the window.

    Parameters
    ----------
    folder : path
    output : path
        The project.
    fit : bool
        Whether to fit with the project's resolutions.
    interval_s : float
        Between looks at the folder.
    """

    def __init__(self, folder: Path, output: Path, fit: bool, interval_s: float) -> None:
        self.folder = folder
        self.output = output
        self.fit = fit
        self.interval_s = interval_s
        self._lock = threading.Lock()
        self._scans: dict[str, LiveScan] = {}
        self._messages: list[WatchMessage] = []

    def follow(self, *, progress: Progress, cancel: CancelToken) -> None:
        """Watch until cancelled; what is not yet written is written at the end.

        Raises
        ------
        InputError
            At the start, when there is no such folder, the project cannot be written, or there
            are no resolutions to fit with.
        """
        from ixs_reduce.batch import FitOptions
        from ixs_reduce.resolution_file import load_resolutions
        from ixs_reduce.watch import Watcher, WatchOptions

        def take_status(status: ScanStatus) -> None:
            with self._lock:
                self._scans.pop(status.key, None)
                self._scans[status.key] = LiveScan(status, watcher.scans[status.key])
            progress(0, 0, f"{len(watcher.scans)} scans")

        def take_message(message: WatchMessage) -> None:
            with self._lock:
                self._messages.append(message)

        options = WatchOptions(
            self.output,
            fit=FitOptions() if self.fit else None,
            resolutions=load_resolutions(self.output) if self.fit else {},
            interval_s=self.interval_s,
        )
        watcher = Watcher(self.folder, options, take_status, take_message, cancel)
        watcher.run()

    def take(self) -> LiveNews:
        """What is new, once."""
        with self._lock:
            news = LiveNews(tuple(self._scans.values()), tuple(self._messages))
            self._scans.clear()
            self._messages.clear()
        return news


def watch_words(folder: Path, scans: dict[str, LiveScan]) -> str:
    """What the watcher does, in a line."""
    growing = [live for live in scans.values() if live.status.state == "measuring"]
    told = f"watching {folder}: {len(scans)} {'scan' if len(scans) == 1 else 'scans'}"
    if not scans:
        return f"watching {folder}: waiting for scans"
    if not growing:
        return f"{told}, none being measured"
    status = growing[-1].status
    asked = status.scan.requested_points
    of = f" of {asked}" if asked is not None else ""
    return f"{told}, now {status.key}: {status.scan.points}{of} points"
