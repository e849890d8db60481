"""From scans to spectra: raw counts with the exposure of every point.

exposure = monitor counts (or seconds) × analyzer efficiency × live fraction, so that expected
counts are exposure × model. Counts stay counts; nothing is divided or subtracted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.merging import Tolerances, check_slits, merge
from ixs_reduce.scan import Analyzer, Flag, Scan
from ixs_reduce.spectrum import Spectrum

__all__ = [
    "ReductionOptions",
    "Tolerances",
    "live_fraction",
    "merge",
    "reduce_repeats",
    "reduce_scan",
    "with_background",
]


@dataclass(frozen=True)
class ReductionOptions:
    """Settings of the reduction.

    Parameters
    ----------
    monitor : str or None
        Label of the monitor, "seconds" for counting time, or None for the monitor that the scan
        has, and else its seconds.
    dead_time_us : float
        Dead time per count of the detectors, non-paralysable.
    efficiency : mapping
        Analyzer -> relative efficiency; 1 where not given.
    mask : tuple of str
        Analyzers to leave out.
    bin_mev : float or None
        Width of energy bins; None keeps the points of a scan, and takes the typical step when
        repeats are merged.
    tolerances : Tolerances
        How far repeats may differ.
    exclude_points : tuple of int
        0-based points to leave out of every analyzer.
    exclude_bursts : bool
        Whether points flagged as noise bursts are left out.
    """

    monitor: str | None = None
    dead_time_us: float = 0.0
    efficiency: Mapping[str, float] = field(default_factory=dict)
    mask: tuple[str, ...] = ()
    bin_mev: float | None = None
    tolerances: Tolerances = field(default_factory=Tolerances)
    exclude_points: tuple[int, ...] = ()
    exclude_bursts: bool = True

    def __post_init__(self) -> None:
        if not self.dead_time_us >= 0:
            raise InputError(
                "the dead time is negative", key="dead_time_us", found=self.dead_time_us
            )
        if self.bin_mev is not None and not self.bin_mev > 0:
            raise InputError("the bin width is not positive", key="bin_mev", found=self.bin_mev)
        for name, value in self.efficiency.items():
            if not (np.isfinite(value) and value > 0):
                raise InputError("an efficiency is not positive", key=name, found=value)


def reduce_scan(scan: Scan, options: ReductionOptions | None = None) -> tuple[Spectrum, ...]:
    """The spectra of one energy scan, one for each analyzer that is not masked.

    Parameters
    ----------
    scan : Scan
        Judged (`quality.judge`), so that its flags travel on and bursts can be left out.
    options : ReductionOptions, optional

    Returns
    -------
    tuple of Spectrum
        Points without counts stay. What was left out is counted in flags.

    Raises
    ------
    InputError
        When the scan is no energy scan or has no points, the monitor is not there, a named
        analyzer or point does not exist, or nothing is left.
    """
    options = options or ReductionOptions()
    if scan.kind != "energy":
        raise InputError(
            f"scan {scan.label} is no energy scan",
            file=scan.source.path,
            line=scan.source.line,
            found=scan.command,
        )
    if not scan.points:
        raise InputError(
            f"scan {scan.label} has no points", file=scan.source.path, line=scan.source.line
        )
    _check_names(scan, options)
    base, exposure_flags = _exposure(scan, options)
    shared = _scan_flags(scan, options) + exposure_flags
    spectra = []
    for i, analyzer in enumerate(scan.analyzers):
        if analyzer.name not in options.mask:
            spectra.append(_spectrum(scan, i, analyzer, base, shared, options))
    if not spectra:
        raise InputError(
            f"every analyzer of scan {scan.label} is masked",
            key="mask",
            found=", ".join(options.mask),
        )
    if options.bin_mev is not None:
        return tuple(merge([s], options.bin_mev, options.tolerances) for s in spectra)
    return tuple(spectra)


def reduce_repeats(
    scans: Sequence[Scan], options: ReductionOptions | None = None
) -> tuple[Spectrum, ...]:
    """Repeats of one scan reduced and merged, one spectrum for each analyzer.

    Raises
    ------
    InputError
        When the scans differ in Q, temperature or slits by more than the tolerances.
    """
    options = options or ReductionOptions()
    check_slits(scans, options.tolerances)
    unbinned = replace(options, bin_mev=None)
    by_name: dict[str | None, list[Spectrum]] = {}
    for scan in scans:
        for spectrum in reduce_scan(scan, unbinned):
            by_name.setdefault(spectrum.analyzer, []).append(spectrum)
    return tuple(merge(s, options.bin_mev, options.tolerances) for s in by_name.values())


def live_fraction(counts: FloatArray, seconds: FloatArray, dead_time_us: float) -> FloatArray:
    """Fraction of the time in which a non-paralysable detector could count, 1 - m τ.

    Parameters
    ----------
    counts, seconds : (n,) arrays
        Measured counts and counting time; m = counts/seconds is the measured rate.
    dead_time_us : float
        τ in µs. The true rate is m/(1 - m τ) (Knoll, Radiation Detection and Measurement, ch. 4).

    Raises
    ------
    InputError
        When m τ reaches 1, which no such detector can show.
    """
    busy = np.divide(
        counts * dead_time_us * 1e-6, seconds, out=np.zeros_like(counts), where=seconds > 0
    )
    if (busy >= 1).any():
        point = int(np.argmax(busy))
        raise InputError(
            "the counts are impossible with this dead time",
            key="dead_time_us",
            found=f"{counts[point]:g} counts in {seconds[point]:g} s with {dead_time_us:g} µs",
        )
    return 1.0 - busy


def with_background(
    spectrum: Spectrum, background: Spectrum, transmission: float = 1.0
) -> Spectrum:
    """The spectrum with the rate expected from a measured background.

    The rate, transmission × counts/exposure, is interpolated linearly onto the energies (from the
    zeros where both have one) and stays a term of its own: counts are not changed.

    Parameters
    ----------
    spectrum, background : Spectrum
        Of the same analyzer, with exposures in the same unit.
    transmission : float
        Fraction of the background that the sample lets through, 0..1.

    Raises
    ------
    InputError
        When analyzers differ, the transmission is outside 0..1, or the background does not reach
        over the spectrum's energies.
    """
    if not 0 <= transmission <= 1:
        raise InputError(
            "the transmission is no fraction",
            key="transmission",
            found=transmission,
            expected="0..1",
        )
    if spectrum.analyzer != background.analyzer:
        raise InputError(
            f"the background {background.label} is of another analyzer than {spectrum.label}",
            key="background",
        )
    aligned = spectrum.zero_mev is not None and background.zero_mev is not None
    shift = (spectrum.zero_mev or 0.0) - (background.zero_mev or 0.0) if aligned else 0.0
    grid = background.energy_mev + shift
    slack = float(np.median(np.diff(grid))) if grid.size > 1 else 0.0
    low, high = spectrum.energy_mev[0], spectrum.energy_mev[-1]
    if low < grid[0] - slack or high > grid[-1] + slack:
        raise InputError(
            f"the background {background.label} does not reach over {spectrum.label}",
            key="background",
            found=f"{grid[0]:.2f}..{grid[-1]:.2f} meV",
            expected=f"{low:.2f}..{high:.2f} meV",
        )
    rate = transmission * background.counts / background.exposure
    flag = Flag("background", f"background {background.label} with transmission {transmission:g}")
    return replace(
        spectrum,
        background_rate=np.interp(spectrum.energy_mev, grid, rate),
        flags=(*spectrum.flags, flag),
    )


def _check_names(scan: Scan, options: ReductionOptions) -> None:
    names = [analyzer.name for analyzer in scan.analyzers]
    for key, given in (("mask", options.mask), ("efficiency", tuple(options.efficiency))):
        for name in given:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                raise InputError(
                    f"scan {scan.label} has no such analyzer",
                    key=f"{key}: {name}",
                    expected=f"one of {', '.join(names)}",
                    hint=f"did you mean {close[0]}?" if close else None,
                )
    outside = [p for p in options.exclude_points if not 0 <= p < scan.points]
    if outside:
        raise InputError(
            f"scan {scan.label} has no point {outside[0]}",
            key="exclude_points",
            expected=f"0..{scan.points - 1}",
        )


def _exposure(scan: Scan, options: ReductionOptions) -> tuple[FloatArray, tuple[Flag, ...]]:
    """Monitor counts or seconds of every point, (n_points,)."""
    wanted = options.monitor
    if wanted is None and scan.monitor is None and scan.seconds is not None:
        return scan.seconds, (Flag("no-monitor", "no monitor: counting time is the exposure"),)
    if wanted == "seconds" and scan.seconds is not None:
        return scan.seconds, ()
    if scan.monitor is not None and wanted in (None, scan.monitor_name):
        return scan.monitor, ()
    raise InputError(
        f"scan {scan.label} was not read with this monitor",
        file=scan.source.path,
        key=wanted or "monitor",
        found=scan.monitor_name or "no monitor",
        hint='name the monitor in the profile, or use "seconds"'
        if scan.seconds is not None
        else None,
    )


def _scan_flags(scan: Scan, options: ReductionOptions) -> tuple[Flag, ...]:
    """Flags of the whole scan and of its masked analyzers, which every spectrum carries."""
    flags = [flag for flag in scan.flags if flag.analyzer is None]
    if options.mask:
        flags.append(
            Flag(
                "masked",
                f"{len(options.mask)} of {len(scan.analyzers)} analyzers masked: "
                f"{', '.join(options.mask)}",
            )
        )
    return tuple(flags)


def _spectrum(
    scan: Scan,
    i: int,
    analyzer: Analyzer,
    base: FloatArray,
    shared: tuple[Flag, ...],
    options: ReductionOptions,
) -> Spectrum:
    counts = scan.counts[i]
    exposure = base * options.efficiency.get(analyzer.name, 1.0)
    if options.dead_time_us > 0:
        if scan.seconds is None:
            raise InputError(
                f"scan {scan.label} has no counting time, which the dead time needs",
                key="dead_time_us",
            )
        exposure = exposure * live_fraction(counts, scan.seconds, options.dead_time_us)
    own = tuple(flag for flag in scan.flags if flag.analyzer == analyzer.name)
    kept, left_out = _kept(scan, own, exposure, options)
    if not kept.any():
        raise InputError(
            f"no point of {analyzer.name} in scan {scan.label} is left",
            file=scan.source.path,
            hint="; ".join(flag.message for flag in left_out) or None,
        )
    zero, zero_err = scan.zero_prior_mev or (None, None)
    return Spectrum(
        energy_mev=scan.energy_mev[i][kept],
        counts=counts[kept],
        exposure=exposure[kept],
        q_hkl=analyzer.q_hkl,
        dq_hkl=analyzer.dq_hkl,
        q_abs=analyzer.q_abs,
        temperature_k=scan.temperature_k,
        analyzer=analyzer.name,
        scan=scan.label,
        file=scan.source.path.name,
        zero_mev=zero,
        zero_err=zero_err,
        flags=shared + own + left_out,
    )


def _kept(
    scan: Scan, own: tuple[Flag, ...], exposure: FloatArray, options: ReductionOptions
) -> tuple[NDArray[np.bool_], tuple[Flag, ...]]:
    """Which points stay, and a flag for each reason that took some away."""
    kept = np.ones(scan.points, dtype=bool)
    flags = []
    bursts = [p for f in own if f.code == "burst" for p in f.points]
    reasons = {
        "excluded by the settings": list(options.exclude_points),
        "noise bursts, left out": bursts if options.exclude_bursts else [],
        "without exposure, left out": [int(p) for p in np.flatnonzero(exposure <= 0)],
    }
    for reason, points in reasons.items():
        fresh = sorted({p for p in points if kept[p]})
        if fresh:
            kept[fresh] = False
            text = f"{len(fresh)} of {scan.points} points {reason}"
            flags.append(Flag("points-left-out", text, points=tuple(fresh)))
    return kept, tuple(flags)
