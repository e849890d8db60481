"""Which scan gives the resolution function of which analyzer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ixs_reduce.quality import alive
from ixs_reduce.scan import Scan
from ixs_reduce.spectrum import Spectrum

_SAME_Q = 0.02  # 1/Å: scans of a resolution run at nominally one angle


@dataclass(frozen=True)
class ResolutionScan:
    """The scan chosen for an analyzer.

    Parameters
    ----------
    spectrum : Spectrum
    others : tuple of str
        Other scans that hold this analyzer and were made for it, and why they were not taken
        ("1 (fewer counts)", "10 (mis-set)").
    """

    spectrum: Spectrum
    others: tuple[str, ...]


def wanted_analyzers(scan: Scan) -> tuple[str, ...]:
    """Analyzers that a resolution scan was made for: its main one, or all that are alive."""
    if scan.main_analyzer is not None:
        return (scan.main_analyzer,)
    return tuple(a.name for a in scan.analyzers if alive(scan, a.name))


def choose_resolution_scans(spectra: Sequence[Spectrum]) -> tuple[ResolutionScan, ...]:
    """For each analyzer the spectrum with most counts at the lower |Q|.

    At lower |Q| less of what is seen is the scatterer's inelastic signal. A spectrum flagged as
    mis-set, dead or nearly dead is taken only when there is no other.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of the analyzers that the scans were made for (`wanted_analyzers`).

    Returns
    -------
    tuple of ResolutionScan
        Analyzers in the order of their names, numbers within them in numerical order.
    """
    by_name: dict[str, list[Spectrum]] = {}
    for spectrum in spectra:
        by_name.setdefault(spectrum.analyzer or "analyzer", []).append(spectrum)
    return tuple(_choose(by_name[name]) for name in sorted(by_name, key=_numerical))


def _numerical(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]


def _choose(candidates: Sequence[Spectrum]) -> ResolutionScan:
    sound = [s for s in candidates if _fault(s) is None] or list(candidates)
    lowest = min((s.q_abs for s in sound if s.q_abs is not None), default=None)
    near = [s for s in sound if lowest is None or _at(s, lowest)]
    best = max(near, key=lambda s: float(s.counts.sum()))
    several_files = len({s.file for s in candidates}) > 1
    others = tuple(
        f"{f'{s.file} ' if several_files else ''}{s.scan} ({_why_not(s, lowest)})"
        for s in candidates
        if s is not best
    )
    return ResolutionScan(best, others)


def _at(spectrum: Spectrum, q_abs: float) -> bool:
    return spectrum.q_abs is not None and spectrum.q_abs - q_abs <= _SAME_Q


def _why_not(spectrum: Spectrum, lowest: float | None) -> str:
    fault = _fault(spectrum)
    if fault is not None:
        return fault
    if lowest is not None and not _at(spectrum, lowest):
        return "higher |Q|" if spectrum.q_abs is not None else "|Q| not known"
    return "fewer counts"


def _fault(spectrum: Spectrum) -> str | None:
    """The flag that speaks against a spectrum of its own analyzer."""
    codes = {flag.code for flag in spectrum.flags if flag.analyzer == spectrum.analyzer}
    return next((code for code in ("mis-set", "dead", "nearly-dead") if code in codes), None)
