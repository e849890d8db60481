"""A measured scan: raw counts of every analyzer at every point, nothing thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ixs_core.arrays import FloatArray


@dataclass(frozen=True)
class Flag:
    """A remark on the quality of data, shown wherever the data are shown.

    Parameters
    ----------
    code : str
        Short stable name ("dead", "nearly-dead", "burst", "aborted", "monitor-dip", …).
    message : str
        What was seen, with numbers, for a reader at the beamline.
    analyzer : str, optional
        The analyzer it concerns; None concerns the whole scan.
    points : tuple of int
        0-based indices of the points it concerns; empty concerns all.
    """

    code: str
    message: str
    analyzer: str | None = None
    points: tuple[int, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where a scan was read from: file, sha256 of its content, 1-based line of its first line."""

    path: Path
    sha256: str
    line: int = 1


@dataclass(frozen=True)
class Analyzer:
    """One analyzer during a scan: name as in the file, Q (conventional r.l.u.), |Q| and width.

    q_hkl and dq_hkl are in r.l.u. (dq_hkl: full width accepted per component), q_abs in Å⁻¹.
    """

    name: str
    q_hkl: tuple[float, float, float] | None = None
    q_abs: float | None = None
    dq_hkl: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Scan:
    """One scan of one file.

    Parameters
    ----------
    number, occurrence : int
        Scan number in the file, and 1 for the first scan of that number, 2 for the next.
    kind : "energy" or "motor"
        Whether energy transfer was scanned; only energy scans become spectra.
    command, scanned : str
        The command as typed, and the label of the scanned column.
    energy_mev : (n_analyzers, n_points) array
        Energy transfer as the file gives it, E > 0 = energy loss; the zero is not yet known.
        NaN where the scan is not an energy scan.
    counts : (n_analyzers, n_points) array
        Raw counts.
    seconds, monitor : (n_points,) arrays or None
        Counting time (s) and monitor counts.
    analyzers : tuple of Analyzer
        In the order of the first axis of `counts`.
    temperature_k : float or None
        Of the sample; None where the file's thermometer cannot be believed (a flag says so).
    angles : mapping
        Six-circle angles in degrees that the file gives (tth, th, chi, phi, mu, gam).
    slits_mm : (H, V) or None
        Analyzer slit gaps.
    lattice : six floats or None
        a, b, c (Å), alpha, beta, gamma (degrees) that the file gives.
    main_analyzer : str or None
        The analyzer a resolution scan was made for.
    requested_points : int or None
        Points the command asked for (complete when n_points reaches it).
    monitor_name : str or None
        Label of the monitor column.
    zero_prior_mev : (value, standard error) or None
        What the file's own calibration says of the energy zero, in meV of `energy_mev`.
    source : Source
    flags : tuple of Flag
    """

    number: int
    kind: Literal["energy", "motor"]
    command: str
    scanned: str
    energy_mev: FloatArray
    counts: FloatArray
    analyzers: tuple[Analyzer, ...]
    source: Source
    occurrence: int = 1
    seconds: FloatArray | None = None
    monitor: FloatArray | None = None
    monitor_name: str | None = None
    temperature_k: float | None = None
    angles: Mapping[str, float] = field(default_factory=dict)
    slits_mm: tuple[float, float] | None = None
    lattice: tuple[float, float, float, float, float, float] | None = None
    main_analyzer: str | None = None
    requested_points: int | None = None
    zero_prior_mev: tuple[float, float] | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def points(self) -> int:
        """Number of measured points."""
        return int(self.counts.shape[1])

    @property
    def complete(self) -> bool:
        """Whether all requested points were measured (True when the request is unknown)."""
        return self.requested_points is None or self.points >= self.requested_points

    @property
    def label(self) -> str:
        """The scan's name within its file: "61", or "1.2" for the second scan numbered 1."""
        return str(self.number) if self.occurrence == 1 else f"{self.number}.{self.occurrence}"

    def index(self, analyzer: str) -> int:
        """Position of an analyzer on the first axis; KeyError when the scan has no such."""
        for i, candidate in enumerate(self.analyzers):
            if candidate.name == analyzer:
                return i
        raise KeyError(analyzer)

    def with_flags(self, flags: tuple[Flag, ...]) -> Scan:
        """The same scan with further flags."""
        return replace(self, flags=self.flags + flags)
