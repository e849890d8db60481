"""What a watcher tells: the state of a scan, and messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.quality import alive
from ixs_reduce.scan import Flag, Scan
from ixs_reduce.watch_folder import Change

State = Literal["measuring", "fitting", "done", "short", "failed"]
_OF_GROWING = ("incomplete", "half-written", "unterminated", "no-points")


@dataclass(frozen=True)
class ScanStatus:
    """A scan at this moment, for a line or a panel.

    Parameters
    ----------
    key : str
        Its name in the project.
    state : str
        "measuring"; "fitting" when it is over and its fits are not; "done"; "short" when it
        ended with too few points for a spectrum; "failed" when it could not be reduced.
    at : datetime
    scan : Scan
        With energies and counts of all points so far.
    fits : tuple of SpectrumFit
    message : str
        The reason of a failure.
    """

    key: str
    state: State
    at: datetime
    scan: Scan
    fits: tuple[SpectrumFit, ...] = ()
    message: str = ""

    @property
    def living(self) -> tuple[str, ...]:
        """Analyzers that count."""
        return tuple(a.name for a in self.scan.analyzers if alive(self.scan, a.name))

    @property
    def counts(self) -> float:
        """Counts of the living analyzers together."""
        return float(sum(self.scan.counts[self.scan.index(name)].sum() for name in self.living))

    @property
    def strongest(self) -> SpectrumFit | None:
        """The fit of the analyzer with most counts; one with a sound zero and modes if any has."""
        sound = [fit for fit in self.fits if not fit.zero.at_bound] or list(self.fits)
        with_modes = [fit for fit in sound if fit.modes] or sound
        return max(with_modes, key=lambda fit: fit.spectrum.counts.sum(), default=None)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Flags worth a word; that a growing scan is incomplete is none."""
        hidden = _OF_GROWING if self.state == "measuring" else ()
        return tuple(flag for flag in self.scan.flags if flag.code not in hidden)


@dataclass(frozen=True)
class WatchMessage:
    """Something to tell that is not about one scan's numbers; problems are meant for red.

    `path` is the file that cannot be read, for a message about one.
    """

    text: str
    problem: bool = False
    path: Path | None = None


def words_of(change: Change) -> str:
    """A change without a scan as a line."""
    name = change.path.name
    return {
        "failed": change.message,
        "vanished": f"{name} is gone; its scans stay as they are",
        "copy": f"{name}: {change.message}: not taken twice",
        "folder-gone": f"the folder {change.path} is gone ({change.message}); waiting for it",
        "folder": f"the folder {change.path} is back",
    }[change.kind]
