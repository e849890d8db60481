"""Repeats into one spectrum: counts and exposures summed bin by bin, nothing averaged away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.scan import Flag, Scan
from ixs_reduce.spectrum import Spectrum


@dataclass(frozen=True)
class Tolerances:
    """How far scans may differ and still be repeats of one another.

    Parameters
    ----------
    q_rlu : float
        Largest difference of a component of Q, and of its accepted width.
    q_abs : float
        Of |Q| in Å⁻¹, used where hkl is not known.
    temperature_k, slits_mm : float
    """

    q_rlu: float = 0.02
    q_abs: float = 0.02
    temperature_k: float = 3.0
    slits_mm: float = 0.5


DEFAULT = Tolerances()


def merge(
    spectra: Sequence[Spectrum], bin_mev: float | None = None, tolerances: Tolerances = DEFAULT
) -> Spectrum:
    """One spectrum from repeats of the same analyzer at the same Q.

    Counts and exposures are summed per bin; a bin's energy is the exposure-weighted mean of its
    points. Where every spectrum has its zero, energies are aligned on the mean zero first.

    Parameters
    ----------
    spectra : sequence of Spectrum
    bin_mev : float, optional
        Width of the bins, by default the typical step of the points (steps that jitter within
        20 % of the median are averaged). Bins are centred where most points lie.
    tolerances : Tolerances

    Raises
    ------
    InputError
        When nothing is given, the width is not positive, only some have a zero or a background,
        or analyzer, Q, temperature or widths differ: the two spectra and the difference are named.
    """
    if not spectra:
        raise InputError("there are no spectra to merge")
    if bin_mev is not None and not bin_mev > 0:
        raise InputError("the bin width is not positive", key="bin_mev", found=bin_mev)
    first = spectra[0]
    if len(spectra) == 1 and bin_mev is None:
        return first
    for other in spectra[1:]:
        check_repeats(first, other, tolerances)
    shifts, zero, zero_err = _alignment(spectra)
    energy = np.concatenate([s.energy_mev - d for s, d in zip(spectra, shifts, strict=True)])
    counts = np.concatenate([s.counts for s in spectra])
    exposure = np.concatenate([s.exposure for s in spectra])
    width = typical_step(spectra) if bin_mev is None else bin_mev
    which, n_bins = _bins(energy, width)
    total = _sums(which, exposure, n_bins)
    used = total > 0
    weights = np.array([s.exposure.sum() for s in spectra])
    return replace(
        first,
        energy_mev=_sums(which, exposure * energy, n_bins)[used] / total[used],
        counts=_sums(which, counts, n_bins)[used],
        exposure=total[used],
        q_hkl=_mean_vector([s.q_hkl for s in spectra], weights),
        q_abs=_mean([s.q_abs for s in spectra], weights),
        temperature_k=_mean([s.temperature_k for s in spectra], weights),
        scan="+".join(dict.fromkeys(s.scan for s in spectra if s.scan)) or None,
        file="+".join(dict.fromkeys(s.file for s in spectra if s.file)) or None,
        zero_mev=zero,
        zero_err=zero_err,
        background_rate=_background(spectra, which, n_bins, used),
        flags=_flags(spectra, width),
    )


def check_repeats(one: Spectrum, two: Spectrum, tolerances: Tolerances = DEFAULT) -> None:
    """Raise InputError unless two spectra are repeats of one another."""
    pair = f"{one.label} and {two.label}"
    if one.analyzer != two.analyzer:
        raise InputError(f"{pair} are of different analyzers and are not merged")
    t = tolerances
    _within(pair, "Q (r.l.u.)", one.q_hkl, two.q_hkl, t.q_rlu)
    _within(pair, "accepted Q width (r.l.u.)", one.dq_hkl, two.dq_hkl, t.q_rlu)
    if one.q_hkl is None or two.q_hkl is None:
        _within(pair, "|Q| (1/Å)", one.q_abs, two.q_abs, t.q_abs)
    _within(pair, "temperature (K)", one.temperature_k, two.temperature_k, t.temperature_k)


def check_slits(scans: Sequence[Scan], tolerances: Tolerances = DEFAULT) -> None:
    """Raise InputError unless all scans were measured with the same analyzer slits (mm)."""
    for scan in scans[1:]:
        pair = f"scans {scans[0].label} and {scan.label}"
        _within(pair, "slits (mm)", scans[0].slits_mm, scan.slits_mm, tolerances.slits_mm)


def typical_step(spectra: Sequence[Spectrum]) -> float:
    """Mean of the energy steps (meV) that lie within 20 % of their median.

    Raises
    ------
    InputError
        When there are fewer than two different energies.
    """
    steps = np.concatenate([np.diff(s.energy_mev) for s in spectra])
    steps = steps[steps > 0]
    if not steps.size:
        raise InputError("one energy gives no step to bin with", key="bin_mev")
    median = float(np.median(steps))
    return float(steps[np.abs(steps - median) <= 0.2 * median].mean())


def _bins(energy: FloatArray, width: float) -> tuple[NDArray[np.intp], int]:
    """Bin of every point, and how many bins there are."""
    # The mean phase puts bin centres onto the common grid, so that jitter does not split it.
    phase = np.angle(np.exp(2j * np.pi * energy / width).mean()) / (2 * np.pi)
    index = np.round(energy / width - phase).astype(np.intp)
    return index - index.min(), int(np.ptp(index)) + 1


def _sums(which: NDArray[np.intp], values: FloatArray, n_bins: int) -> FloatArray:
    return np.bincount(which, values, n_bins).astype(np.float64)


def _alignment(spectra: Sequence[Spectrum]) -> tuple[list[float], float | None, float | None]:
    """What to take off each spectrum's energies, and the zero of the sum."""
    zeros = [s.zero_mev for s in spectra if s.zero_mev is not None]
    if not zeros:
        return [0.0] * len(spectra), None, None
    if len(zeros) < len(spectra):
        without = next(s for s in spectra if s.zero_mev is None)
        raise InputError(
            f"{without.label} has no energy zero, while others have: they cannot be aligned",
            key="zero_mev",
        )
    weights = np.array([s.exposure.sum() for s in spectra])
    mean = float(np.average(zeros, weights=weights))
    errors = [s.zero_err for s in spectra if s.zero_err is not None]
    share = weights / weights.sum()
    err = float(np.sqrt(np.sum((share * errors) ** 2))) if len(errors) == len(spectra) else None
    return [zero - mean for zero in zeros], mean, err


def _background(
    spectra: Sequence[Spectrum], which: NDArray[np.intp], n_bins: int, used: NDArray[np.bool_]
) -> FloatArray | None:
    rates = [s.background_rate for s in spectra if s.background_rate is not None]
    if not rates:
        return None
    if len(rates) < len(spectra):
        raise InputError("some of the spectra have a background and others none", key="background")
    exposure = np.concatenate([s.exposure for s in spectra])
    expected = _sums(which, exposure * np.concatenate(rates), n_bins)[used]
    return expected / _sums(which, exposure, n_bins)[used]


def _within(
    pair: str,
    what: str,
    one: float | tuple[float, ...] | None,
    two: float | tuple[float, ...] | None,
    tolerance: float,
) -> None:
    if one is None or two is None:
        return
    apart = float(np.abs(np.subtract(one, two)).max())
    if apart > tolerance:
        raise InputError(
            f"{pair} differ in {what} by {apart:.4g} and are not merged",
            found=f"{one} and {two}",
            expected=f"within {tolerance:g}",
            hint="reduce them apart, or widen the tolerance",
        )


def _mean(values: Sequence[float | None], weights: FloatArray) -> float | None:
    known = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None]
    if not known:
        return None
    return float(np.average([v for v, _ in known], weights=[w for _, w in known]))


def _mean_vector(
    values: Sequence[tuple[float, float, float] | None], weights: FloatArray
) -> tuple[float, float, float] | None:
    known = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None]
    if not known:
        return None
    mean = np.average([v for v, _ in known], axis=0, weights=[w for _, w in known])
    return float(mean[0]), float(mean[1]), float(mean[2])


def _flags(spectra: Sequence[Spectrum], width: float) -> tuple[Flag, ...]:
    """Flags of all, each with the scan it came from; point numbers no longer apply."""
    what = "binned" if len(spectra) == 1 else f"{len(spectra)} scans summed"
    flags = [Flag("merged", f"{what} in bins of {width:.3g} meV")]
    for spectrum in spectra:
        for flag in spectrum.flags:
            text = f"scan {spectrum.scan}: {flag.message}" if spectrum.scan else flag.message
            flags.append(Flag(flag.code, text, flag.analyzer))
    return tuple(dict.fromkeys(flags))
