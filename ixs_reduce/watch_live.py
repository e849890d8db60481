"""Quick fits of a scan that is still measured: started from the fit of a moment ago.

They are for the eye at the beamline. When the scan is over, `fit_batch` fits it anew together with
the others, and only that result is kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, parallel_map
from ixs_reduce.batch import FitOptions, fit_one
from ixs_reduce.bursts import without_bursts
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.quality import DEAD_CODES
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.zero_finder import ZeroProfile, choose_zeros, zero_profile

SEARCH_AGAIN = 1.25
"""The number of modes is sought anew when a spectrum has so many times the points."""

_LIVE = "scan being measured"

Profiles = Mapping[tuple[Hashable, Hashable], ZeroProfile]


@dataclass(frozen=True)
class QuickFit:
    """A fit of an incomplete spectrum.

    fit : SpectrumFit
    searched : number of points when its modes were last sought from nothing.
    """

    fit: SpectrumFit
    searched: int


def quick_fits(
    spectra: Sequence[Spectrum],
    resolutions: Mapping[str, Resolution],
    options: FitOptions,
    earlier: Mapping[str, QuickFit] | None = None,
    references: Profiles | None = None,
    cancel: CancelToken | None = None,
) -> dict[str, QuickFit]:
    """Fit what can already be fitted of a growing scan.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of one scan.
    resolutions : mapping
        Analyzer -> Resolution.
    options : FitOptions
    earlier : mapping, optional
        Analyzer -> QuickFit of the same scan with fewer points.
    references : mapping, optional
        Zero profiles of ended scans, (analyzer, scan) -> ZeroProfile, which decide where the
        points so far do not.
    cancel : CancelToken, optional

    Returns
    -------
    dict
        Analyzer -> QuickFit; without the dead, and without those whose zero is not yet passed.

    Raises
    ------
    Cancelled
    """
    earlier = earlier or {}
    wanted = [_clean(s, resolutions) for s in spectra if _worth_it(s, resolutions, options)]
    ready = _with_zeros(wanted, resolutions, options, references or {}, cancel)

    def one(spectrum: Spectrum) -> QuickFit | None:
        name = str(spectrum.analyzer)
        try:
            return _fit(spectrum, resolutions[name], options, earlier.get(name), cancel)
        except InputError:  # too few points as yet
            return None

    found = parallel_map(one, ready, cancel=cancel)
    return {str(q.fit.spectrum.analyzer): q for q in found if q is not None and _settled(q.fit)}


def _settled(fit: SpectrumFit) -> bool:
    """Whether the fit holds its zero: one that wanders tells of modes that are not there."""
    return fit.zero.stderr < _SETTLED_MEV


_SETTLED_MEV = 0.5


def zero_profiles(
    fits: Sequence[SpectrumFit], options: FitOptions, cancel: CancelToken | None = None
) -> dict[tuple[Hashable, Hashable], ZeroProfile]:
    """Zero profiles of fitted spectra, to serve as references."""

    def one(fit: SpectrumFit) -> ZeroProfile:
        return zero_profile(
            fit.spectrum, fit.model.resolution, fit.model.temperature_k, options.zeros
        )

    profiles = parallel_map(one, fits, cancel=cancel)
    return {
        (fit.spectrum.analyzer, (fit.spectrum.file, fit.spectrum.scan)): profile
        for fit, profile in zip(fits, profiles, strict=True)
    }


def _worth_it(
    spectrum: Spectrum, resolutions: Mapping[str, Resolution], options: FitOptions
) -> bool:
    name = spectrum.analyzer
    if options.analyzers is not None:
        asked = name in options.analyzers
    else:
        asked = not any(f.code in DEAD_CODES and f.analyzer in (None, name) for f in spectrum.flags)
    known = spectrum.temperature_k is not None or options.temperature_k is not None
    return asked and known and name in resolutions and bool(spectrum.counts.sum() > 0)


def _clean(spectrum: Spectrum, resolutions: Mapping[str, Resolution]) -> Spectrum:
    return without_bursts(spectrum, resolutions[str(spectrum.analyzer)])


def _with_zeros(
    spectra: Sequence[Spectrum],
    resolutions: Mapping[str, Resolution],
    options: FitOptions,
    references: Profiles,
    cancel: CancelToken | None,
) -> list[Spectrum]:
    """Spectra whose zero is known and passed on both sides."""

    def profile(spectrum: Spectrum) -> ZeroProfile:
        temperature = spectrum.temperature_k or options.temperature_k or 0.0
        resolution = resolutions[str(spectrum.analyzer)]
        return zero_profile(spectrum, resolution, temperature, options.zeros)

    expected = _expected(references, options)
    unknown = [s for s in spectra if s.zero_mev is None and _decidable(s, expected, options)]
    live = parallel_map(profile, unknown, cancel=cancel)
    keyed: dict[tuple[Hashable, Hashable], ZeroProfile] = {
        (p.spectrum.analyzer, _LIVE): p for p in live
    }
    zeros = choose_zeros({**references, **keyed}, options.zeros) if keyed else {}
    ready = []
    for spectrum in spectra:
        known = spectrum
        zero = zeros.get((spectrum.analyzer, _LIVE))
        told = zero is not None and (zero.certain or spectrum.analyzer in expected)
        if zero is not None and told and _inside(zero.value_mev, options):
            known = replace(spectrum, zero_mev=zero.value_mev, zero_err=zero.stderr_mev)
        width = resolutions[str(spectrum.analyzer)].fwhm_mev
        if known.zero_mev is not None and _passed(known, known.zero_mev, width):
            ready.append(known)
    return ready


def _expected(references: Profiles, options: FitOptions) -> dict[Hashable, float]:
    """The zero of each analyzer in the ended scans."""
    zeros = choose_zeros(references, options.zeros) if references else {}
    medians = {
        analyzer: float(np.median([z.value_mev for (a, _), z in zeros.items() if a == analyzer]))
        for analyzer, _ in zeros
    }
    return {analyzer: zero for analyzer, zero in medians.items() if _inside(zero, options)}


def _inside(zero_mev: float, options: FitOptions) -> bool:
    """Whether a zero lies off the ends of the trial zeros, where wrong ones gather."""
    low, high = options.zeros.range_mev
    margin = 2 * options.zeros.drift_mev
    return low + margin < zero_mev < high - margin


def _decidable(spectrum: Spectrum, expected: Mapping[Hashable, float], options: FitOptions) -> bool:
    """Whether the points so far can tell the zero.

    Where ended scans do not say where it is, half a spectrum looks like a whole one about
    another zero: all trial zeros have to be passed.
    """
    low, high = options.zeros.range_mev
    if spectrum.analyzer in expected:
        low = high = expected[spectrum.analyzer]
    reach = 2 * options.zeros.drift_mev if low == high else 0.0
    return bool(spectrum.energy_mev[0] < low - reach and spectrum.energy_mev[-1] > high + reach)


def _passed(spectrum: Spectrum, zero_mev: float, width_mev: float) -> bool:
    energy = spectrum.energy_mev
    return bool(energy[0] < zero_mev - width_mev and energy[-1] > zero_mev + width_mev)


def _fit(
    spectrum: Spectrum,
    resolution: Resolution,
    options: FitOptions,
    earlier: QuickFit | None,
    cancel: CancelToken | None,
) -> QuickFit:
    points = spectrum.counts.size
    if earlier is None or (options.modes == "auto" and points >= SEARCH_AGAIN * earlier.searched):
        return QuickFit(fit_one(spectrum, resolution, options, cancel=cancel), points)
    fit = fit_one(spectrum, resolution, options, previous=earlier.fit, cancel=cancel)
    return QuickFit(fit, earlier.searched)
