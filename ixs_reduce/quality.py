"""Quality of measured scans: pure functions from scans to flags.

Everything rests on counting statistics and on medians, since noise bursts of hundreds of counts
in single points defeat totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.scan import Flag, Scan

DEAD_CODES = ("dead", "nearly-dead")
"""Flags that say an analyzer is not alive."""

_FOUR_LN2 = 4 * np.log(2)
_LEAST_FALL = 1e-12


@dataclass(frozen=True)
class QualityOptions:
    """When something is worth a flag.

    Parameters
    ----------
    nearly_dead_below : float
        An analyzer whose median counts are below this fraction of the upper quartile of all.
    judged_above_counts : float
        Analyzers are compared only where that quartile reaches this many counts.
    narrowest_fwhm_mev : float
        No true structure is narrower: what rises faster from point to point is a burst.
    burst_sigma : float
        How far (in Poisson standard deviations) a burst or a gap must stand out.
    monitor_dip_below : float
        Fraction of the median monitor rate below which the beam was away.
    mis_set_below : float
        Fraction of its repeat's largest counts below which an analyzer was mis-set.
    repeat_q_inverse_angstrom, repeat_q_rlu : float
        Scans at the same Q within this are repeats.
    drift_sigma, drift_mev : float
        Zeros that scatter more than both of these have drifted.
    """

    nearly_dead_below: float = 0.18
    judged_above_counts: float = 3.0
    narrowest_fwhm_mev: float = 1.3
    burst_sigma: float = 5.0
    monitor_dip_below: float = 0.8
    mis_set_below: float = 0.15
    repeat_q_inverse_angstrom: float = 0.02
    repeat_q_rlu: float = 0.02
    drift_sigma: float = 4.0
    drift_mev: float = 0.1


DEFAULT = QualityOptions()


def judge(scans: Sequence[Scan], options: QualityOptions = DEFAULT) -> tuple[Scan, ...]:
    """The same scans with every flag that this module can give.

    Parameters
    ----------
    scans : sequence of Scan
        Of one file, so that repeats can be compared.

    Returns
    -------
    tuple of Scan
        In the same order. Judging twice adds nothing.
    """
    found: dict[int, list[Flag]] = {i: [] for i in range(len(scans))}
    for i, scan in enumerate(scans):
        found[i] += judge_points(scan, options)
    for group in similar_scans(scans):
        verdict = judge_analyzers([scans[i] for i in group], options)
        for i in group:
            names = {analyzer.name for analyzer in scans[i].analyzers}
            found[i] += [flag for flag in verdict if flag.analyzer in names]
        for i, flag in _mis_set(scans, group, options):
            found[i].append(flag)
    judged = []
    for i, scan in enumerate(scans):
        flags = tuple(dict.fromkeys(scan.flags + tuple(found[i])))
        judged.append(replace(scan, flags=flags))
    return tuple(judged)


def alive(scan: Scan, analyzer: str) -> bool:
    """Whether no flag of the scan says that this analyzer is dead or nearly so."""
    return not any(f.analyzer == analyzer and f.code in DEAD_CODES for f in scan.flags)


def similar_scans(scans: Sequence[Scan]) -> list[list[int]]:
    """Positions of energy scans with the same command and main analyzer, group by group."""
    groups: dict[tuple[str, str | None], list[int]] = {}
    for i, scan in enumerate(scans):
        if scan.kind == "energy" and scan.points:
            groups.setdefault((scan.command, scan.main_analyzer), []).append(i)
    return list(groups.values())


def judge_analyzers(scans: Sequence[Scan], options: QualityOptions = DEFAULT) -> tuple[Flag, ...]:
    """Which analyzers are dead or nearly dead, judged over all points of similar scans.

    The counts of an analyzer are represented by their median over all points of all scans; it is
    compared with the upper quartile of these medians over the analyzers.

    Parameters
    ----------
    scans : sequence of Scan
        Similar ones (`similar_scans`); a single scan may stand alone.

    Returns
    -------
    tuple of Flag
        Codes "dead" (not one count) and "nearly-dead"; empty where counts are too few to tell.
    """
    pooled: dict[str, list[FloatArray]] = {}
    for scan in scans:
        for analyzer, counts in zip(scan.analyzers, scan.counts, strict=True):
            pooled.setdefault(analyzer.name, []).append(counts)
    if not pooled:
        return ()
    counts_of = {name: np.concatenate(parts) for name, parts in pooled.items()}
    medians = {name: float(np.median(c)) if c.size else 0.0 for name, c in counts_of.items()}
    reference = float(np.percentile(list(medians.values()), 75))
    if reference < options.judged_above_counts:
        return ()
    flags = []
    for name, median in medians.items():
        if not counts_of[name].any():
            flags.append(Flag("dead", "not one count", name))
        elif median < options.nearly_dead_below * reference:
            flags.append(
                Flag(
                    "nearly-dead",
                    f"median {median:g} counts, others {reference:g}",
                    name,
                )
            )
    return tuple(flags)


def judge_points(scan: Scan, options: QualityOptions = DEFAULT) -> tuple[Flag, ...]:
    """Monitor dips, bursts and gaps of one energy scan."""
    if scan.kind != "energy" or scan.points < 3:
        return ()
    flags = list(monitor_dips(scan, options))
    for i, analyzer in enumerate(scan.analyzers):
        high = find_bursts(scan.energy_mev[i], scan.counts[i], options)
        if high:
            largest = int(scan.counts[i][list(high)].max())
            flags.append(
                Flag(
                    "burst",
                    f"{_points(len(high))} above what the resolution allows, up to "
                    f"{largest} counts",
                    analyzer.name,
                    high,
                )
            )
        low = find_gaps(scan.energy_mev[i], scan.counts[i], options)
        if low:
            flags.append(
                Flag(
                    "outlier", f"{_points(len(low))} far below both neighbours", analyzer.name, low
                )
            )
    return tuple(flags)


def monitor_dips(scan: Scan, options: QualityOptions = DEFAULT) -> tuple[Flag, ...]:
    """Points where the monitor rate fell: the beam was dumped or the shutter closed."""
    if scan.monitor is None or scan.points < 3:
        return ()
    rate = np.array(scan.monitor)
    if scan.seconds is not None:
        live = scan.seconds > 0
        rate = np.divide(rate, scan.seconds, out=np.zeros_like(rate), where=live)
    usual = float(np.median(rate))
    low = np.flatnonzero(rate < options.monitor_dip_below * usual)
    if usual <= 0:
        return (Flag("monitor-dip", f"{scan.monitor_name} counts nothing"),)
    if not low.size:
        return ()
    deepest = float(rate[low].min()) / usual
    return (
        Flag(
            "monitor-dip",
            f"{scan.monitor_name} falls to {deepest:.0%} of its median at {_points(low.size)}",
            points=tuple(int(i) for i in low),
        ),
    )


def find_bursts(
    energy_mev: ArrayLike, counts: ArrayLike, options: QualityOptions = DEFAULT
) -> tuple[int, ...]:
    """Points that stand out further than a line as narrow as the resolution could.

    A Gaussian of FWHM w falls to exp(-4 ln2 (d/w)²) at distance d from its centre. A point is a
    burst when it exceeds its larger neighbour by more than that allows, or either neighbour by
    more than the flank of a Gaussian allows down to a thousandth of its height, with Poisson
    noise of both allowed for. Found points are taken out and the rest is looked at again, which
    catches bursts of several points.

    Parameters
    ----------
    energy_mev, counts : (n,) arrays
        In any order of energies.

    Returns
    -------
    tuple of int
        Positions of the burst points.
    """
    order, energy, n = _sorted(energy_mev, counts)
    kept = np.ones(n.size, dtype=bool)
    kept[_gaps(energy, n, options)] = False  # beside a gap every point would stand out
    # A grid too coarse for the resolution shows no flanks, only points of a line.
    step = np.median(np.diff(energy)) if n.size > 1 else np.inf
    longest = options.narrowest_fwhm_mev if step <= 0.6 * options.narrowest_fwhm_mev else 0.0
    found: list[int] = []
    while kept.sum() >= 3:
        places = np.flatnonzero(kept)
        bursts = places[_bursts(energy[kept], n[kept], longest, options)]
        if not bursts.size:
            break
        kept[bursts] = False
        found += [int(order[i]) for i in bursts]
    return tuple(sorted(found))


def find_gaps(
    energy_mev: ArrayLike, counts: ArrayLike, options: QualityOptions = DEFAULT
) -> tuple[int, ...]:
    """Points far below both neighbours, deeper than two resolved lines could leave between.

    Between neighbours at distance d on each side, lines of FWHM w leave at least
    exp(-4 ln2 (d/w)²) of the lower one.
    """
    order, energy, n = _sorted(energy_mev, counts)
    return tuple(sorted(int(order[i]) for i in _gaps(energy, n, options)))


def zero_drift(
    zeros_mev: ArrayLike, errors_mev: ArrayLike, options: QualityOptions = DEFAULT
) -> Flag | None:
    """Whether the energy zero moved between repeats.

    Parameters
    ----------
    zeros_mev, errors_mev : (n_scans,) arrays
        Zeros of one analyzer in the order measured, and their standard errors.

    Returns
    -------
    Flag or None
        Code "zero-drift", when the zeros spread by more than `drift_mev` and two of them differ
        by more than `drift_sigma` standard errors of their difference.

    Raises
    ------
    InputError
        When lengths differ or an error is not positive.
    """
    zeros = np.asarray(zeros_mev, dtype=float)
    errors = np.asarray(errors_mev, dtype=float)
    if zeros.shape != errors.shape or not (errors > 0).all():
        raise InputError("zeros need one positive error each", found=errors.tolist())
    if zeros.size < 2:
        return None
    low, high = int(np.argmin(zeros)), int(np.argmax(zeros))
    spread = float(zeros[high] - zeros[low])
    significance = spread / float(np.hypot(errors[low], errors[high]))
    if spread <= options.drift_mev or significance <= options.drift_sigma:
        return None
    return Flag(
        "zero-drift",
        f"the zero moves by {spread:.2f} meV between repeats ({significance:.0f} standard errors)",
    )


def _mis_set(
    scans: Sequence[Scan], group: Sequence[int], options: QualityOptions
) -> Iterable[tuple[int, Flag]]:
    """Analyzers with far fewer counts than in a repeat of the same command at the same Q.

    Where the scans name the analyzer they were made for, only that one is compared: the others
    stand where they happen to.
    """
    for i in group:
        scan = scans[i]
        names = [scan.main_analyzer] if scan.main_analyzer else [a.name for a in scan.analyzers]
        for name in names:
            peak, scale = _peak(scan, name)
            for j in group:
                if not _repeats(scan, scans[j], name, options):
                    continue
                other, other_scale = _peak(scans[j], name, within=_range(scan))
                expected = other * scale / other_scale
                if expected >= 100 and peak < options.mis_set_below * expected:
                    text = f"at most {peak:.0f} counts, where scan {scans[j].label} has {other:.0f}"
                    yield i, Flag("mis-set", text, name)
                    break


def _repeats(scan: Scan, other: Scan, name: str, options: QualityOptions) -> bool:
    """Whether another scan has this analyzer at the same Q."""
    if scan is other:
        return False
    if any(name not in {a.name for a in s.analyzers} for s in (scan, other)):
        return False
    one, two = scan.analyzers[scan.index(name)], other.analyzers[other.index(name)]
    if one.q_abs is not None and two.q_abs is not None and scan.main_analyzer:
        return abs(one.q_abs - two.q_abs) <= options.repeat_q_inverse_angstrom
    if one.q_hkl is not None and two.q_hkl is not None:
        apart = np.abs(np.subtract(one.q_hkl, two.q_hkl)).max()
        return bool(apart <= options.repeat_q_rlu)
    return False


def _range(scan: Scan) -> tuple[float, float]:
    return float(scan.energy_mev.min()), float(scan.energy_mev.max())


def _peak(
    scan: Scan, name: str, within: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """Largest counts of an analyzer within an energy range, bursts left out, and its exposure."""
    if name not in {analyzer.name for analyzer in scan.analyzers}:
        return 0.0, 1.0
    i = scan.index(name)
    counts = scan.counts[i].copy()
    counts[(scan.energy_mev[i] < within[0]) | (scan.energy_mev[i] > within[1])] = 0.0
    counts[list(find_bursts(scan.energy_mev[i], scan.counts[i]))] = 0.0
    given = scan.monitor if scan.monitor is not None else scan.seconds
    scale = float(np.median(given)) if given is not None else 1.0
    return float(counts.max(initial=0.0)), scale or 1.0


def _sorted(
    energy_mev: ArrayLike, counts: ArrayLike
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    energy = np.asarray(energy_mev, dtype=float)
    order = np.argsort(energy, kind="stable")
    return order, energy[order], np.asarray(counts, dtype=float)[order]


def _gaps(energy: FloatArray, n: FloatArray, options: QualityOptions) -> NDArray[np.intp]:
    if n.size < 3:
        return np.empty(0, dtype=np.intp)
    lower = np.minimum(n[:-2], n[2:])
    apart = np.maximum(energy[1:-1] - energy[:-2], energy[2:] - energy[1:-1])
    least = lower * _fall(apart, options.narrowest_fwhm_mev)
    missing = least - n[1:-1]
    return 1 + np.flatnonzero(missing > options.burst_sigma * np.sqrt(least + n[1:-1] + 1))


def _bursts(
    energy: FloatArray, n: FloatArray, longest: float, options: QualityOptions
) -> NDArray[np.intp]:
    """One look at neighbouring points, (n,) ascending energies; flanks only up to `longest` meV."""
    width, sigmas = options.narrowest_fwhm_mev, options.burst_sigma
    steps = np.diff(energy)
    left, right = np.append(np.nan, n[:-1]), np.append(n[1:], np.nan)
    to_left, to_right = np.append(np.nan, steps), np.append(steps, np.nan)
    # The neighbour fluctuates too: one more than it has guards against a lucky zero.
    top = 1.3 * (np.fmax(left, right) + 1) / _fall(np.fmax(to_left, to_right), width)
    out = n > top + sigmas * np.sqrt(top + 1)
    for beside, apart in ((left, to_left), (right, to_right)):
        flank = (beside + 2 * np.sqrt(beside + 1) + 1) * _flank(apart, width)
        with np.errstate(invalid="ignore"):
            out |= (apart <= longest) & (n > flank + sigmas * np.sqrt(flank + 1))
    return np.flatnonzero(out)


def _fall(distance: FloatArray, fwhm: float) -> FloatArray:
    """What is left of a Gaussian's height at a distance from its centre."""
    return np.maximum(np.exp(-_FOUR_LN2 * (distance / fwhm) ** 2), _LEAST_FALL)


def _flank(distance: FloatArray, fwhm: float) -> FloatArray:
    """Largest ratio of a Gaussian's values this far apart, above a thousandth of its height."""
    reach = fwhm * np.sqrt(np.log(1000) / _FOUR_LN2)
    return np.asarray(np.exp(_FOUR_LN2 / fwhm**2 * distance * (2 * reach - distance)))


def _points(n: int) -> str:
    return f"{n} point" if n == 1 else f"{n} points"
