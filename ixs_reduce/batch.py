"""Fit many spectra: zeros from all of them together, then modes of each.

Dead analyzers are left out and said so; points sharper than the resolution are left out and
said so; a fit that fails is reported with its reason and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from ixs_reduce.bursts import without_bursts
from ixs_reduce.fitting import SpectrumFit, bounded_parameters, fit_from, fit_spectrum
from ixs_reduce.likelihood import Objective
from ixs_reduce.mode_search import ModeSearchOptions, search_modes
from ixs_reduce.profile import with_width_limits
from ixs_reduce.resolution import Resolution
from ixs_reduce.scan import Flag
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import Background, SpectrumModel
from ixs_reduce.start_values import linear_start
from ixs_reduce.zero_finder import (
    ZeroEstimate,
    ZeroOptions,
    ZeroProfile,
    choose_zeros,
    zero_profile,
)

POOR_FIT = 4.0
"""Deviance per degree of freedom above which a fit is listed with the reason."""


NOT_ASKED_FOR = "not asked for"
"""Reason of what `FitOptions.analyzers` leaves out."""


@dataclass(frozen=True)
class FitOptions:
    """How spectra are fitted.

    modes : a number of modes, or "auto" for the search with BIC.
    analyzers : only these, dead ones included; None for all that live.
    temperature_k : used where a spectrum has none.
    elastic, quasielastic, background, objective, starts, seed : as for SpectrumModel and
        fit_spectrum.
    """

    modes: int | Literal["auto"] = "auto"
    analyzers: tuple[str, ...] | None = None
    temperature_k: float | None = None
    elastic: bool = True
    quasielastic: bool = False
    background: Background = "linear"
    objective: Objective = "poisson"
    starts: int = 4
    seed: int = 0
    zeros: ZeroOptions = field(default_factory=ZeroOptions)
    search: ModeSearchOptions = field(default_factory=ModeSearchOptions)


@dataclass(frozen=True)
class LeftOut:
    """A spectrum that was not fitted, and why."""

    spectrum: Spectrum
    reason: str


@dataclass(frozen=True)
class BatchResult:
    """What a batch gave: fits and left-out spectra, both in the order of the spectra."""

    fits: tuple[SpectrumFit, ...]
    left_out: tuple[LeftOut, ...]


def fit_batch(
    spectra: Sequence[Spectrum],
    resolutions: Mapping[str, Resolution],
    options: FitOptions | None = None,
    *,
    known: Sequence[SpectrumFit] = (),
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> BatchResult:
    """Fit every spectrum through the resolution of its analyzer.

    Parameters
    ----------
    spectra : sequence of Spectrum
        Of any scans and analyzers. Those without zero_mev get one from the zero finder.
    resolutions : mapping
        Analyzer -> Resolution.
    options : FitOptions, optional
    known : sequence of SpectrumFit
        Fits of an earlier batch with the same options. In a search of modes, where every
        spectrum is fitted by itself, those whose data, zero and resolution are still the same
        are taken over, as fitting again would give them bit for bit.
    scheduler, workers, progress, cancel : as for `ixs_core.jobs.parallel_map`, but one worker
        by default; a scheduler ("local:4") spreads the fits over processes.

    Raises
    ------
    InputError
        When no spectrum can be fitted at all; the reasons are given.
    Cancelled
        When `cancel` is set.
    """
    options = options or FitOptions()
    cancel = cancel or CancelToken()  # one token for all, which Ctrl-C sets
    ready, left_out = _triage(spectra, resolutions, options)
    if not ready:
        reasons = "; ".join(dict.fromkeys(o.reason for o in left_out)) or "there are none"
        raise InputError("no spectrum can be fitted", found=reasons)
    # A fit is many small numpy calls, which threads of one process only hinder.
    run = partial(parallel_map, scheduler=scheduler, workers=workers or 1, cancel=cancel)
    pairs = [(s, resolutions[str(s.analyzer)]) for s in ready]
    pairs, without_zero = _with_zeros(pairs, options, run, progress)
    left_out += without_zero
    taken_over, pairs = _taken_over(pairs, known if options.modes == "auto" else ())
    chains = [[pair] for pair in pairs] if options.modes == "auto" else _chains(pairs)
    outcomes = [
        outcome
        for chain in run(
            partial(_fit_chain, options=options, cancel=cancel), chains, progress=progress
        )
        for outcome in chain
    ]
    outcomes = _in_order(spectra, [*taken_over, *outcomes]) if taken_over else outcomes
    fits = [o for o in outcomes if isinstance(o, SpectrumFit)]
    left_out += [o for o in outcomes if isinstance(o, LeftOut)]
    if not fits:
        reasons = "; ".join(dict.fromkeys(o.reason for o in left_out))
        raise InputError("no spectrum can be fitted", found=reasons)
    return BatchResult(tuple(fits), tuple(left_out))


def _taken_over(
    pairs: list[tuple[Spectrum, Resolution]], known: Sequence[SpectrumFit]
) -> tuple[list[SpectrumFit], list[tuple[Spectrum, Resolution]]]:
    """Fits that stay as they are, with the flags of now, and what is left to fit."""
    by_data = {_what_decides(fit.spectrum, fit.model.resolution): fit for fit in known}
    taken_over, rest = [], []
    for spectrum, resolution in pairs:
        fit = by_data.get(_what_decides(spectrum, resolution))
        if fit is None:
            rest.append((spectrum, resolution))
        else:
            taken_over.append(replace(fit, spectrum=spectrum))
    return taken_over, rest


def _what_decides(spectrum: Spectrum, resolution: Resolution) -> Hashable:
    """What a fit depends on, its options apart."""
    return (
        spectrum.sha256,
        spectrum.zero_mev,
        spectrum.temperature_k,
        spectrum.q_hkl,
        resolution.sha256,
    )


def _in_order(
    spectra: Sequence[Spectrum], outcomes: Sequence[SpectrumFit | LeftOut]
) -> list[SpectrumFit | LeftOut]:
    """Outcomes in the order of the spectra they are of."""
    place = {(s.file, s.scan, s.analyzer): i for i, s in enumerate(spectra)}
    return sorted(
        outcomes, key=lambda o: place[o.spectrum.file, o.spectrum.scan, o.spectrum.analyzer]
    )


def fit_one(
    spectrum: Spectrum,
    resolution: Resolution,
    options: FitOptions | None = None,
    previous: SpectrumFit | None = None,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """Fit one spectrum that has its zero, with limits on unresolved widths.

    previous : a fit of a neighbouring Q, or of the same scan with fewer points, whose
    parameters are the start.
    """
    options = options or FitOptions()
    model = SpectrumModel(
        resolution,
        _temperature(spectrum, options),
        modes=0 if options.modes == "auto" else options.modes,
        elastic=options.elastic,
        quasielastic=options.quasielastic,
        background=options.background,
    )
    if previous is not None:
        fit = _continued(spectrum, model, previous, options, cancel)
    elif options.modes == "auto":
        fit = search_modes(spectrum, model, options.search, options.seed, cancel, options.objective)
    else:
        fit = fit_spectrum(
            spectrum, model, None, options.starts, options.objective, options.seed, cancel
        )
    fit = with_width_limits(fit)
    return replace(fit, remarks=fit.remarks + poor_fit_reasons(fit))


def _continued(
    spectrum: Spectrum,
    model: SpectrumModel,
    previous: SpectrumFit,
    options: FitOptions,
    cancel: CancelToken | None,
) -> SpectrumFit:
    """Fit with the modes of another fit as the start, the strengths found anew."""
    count = previous.model.n_modes
    model = replace(model, modes=count)
    energy, fwhm, _ = previous.parameters[: 3 * count].reshape(count, 3).T
    widths = np.maximum(fwhm, 0.05 * model.resolution.fwhm_mev)
    zero = previous.zero.value if spectrum.zero_mev is None else spectrum.zero_mev
    vector, _ = linear_start(spectrum, model, energy, widths, zero_mev=zero)
    given = bounded_parameters(spectrum, model, zero)
    return fit_from(spectrum, model, given, [vector], options.objective, options.seed, cancel)


def poor_fit_reasons(fit: SpectrumFit) -> tuple[str, ...]:
    """Why a fit has more than POOR_FIT deviance per degree of freedom; empty when it has not."""
    if not fit.reduced_deviance > POOR_FIT:
        return ()
    start = f"poor: deviance {fit.reduced_deviance:.1f} per degree of freedom"
    peak = float(fit.spectrum.counts.max())
    reasons = []
    if fit.spectrum.zero_mev is not None and fit.spectrum.zero_err is None:
        reasons.append(f"its zero was given as {fit.spectrum.zero_mev:g} meV, not found")
    distance, bragg = bragg_distance(fit.spectrum)
    if distance is not None and distance < 0.35:
        reasons.append(
            f"{distance:.2f} r.l.u. from the Bragg point ({bragg}): acoustic modes and Bragg "
            "tail crowd into the elastic line and change across the analyzer"
        )
    if peak > 2000:
        reasons.append(
            f"the peak has {peak:.0f} counts, more than R is known to (1/√N = {peak**-0.5:.1%})"
        )
    if not fit.converged:
        reasons.append(fit.message)
    return (f"{start}; {'; '.join(reasons) or 'no reason found: look at the residuals'}",)


def bragg_distance(spectrum: Spectrum) -> tuple[float | None, str]:
    """Distance in r.l.u. of a spectrum's Q from the nearest integer hkl, and that hkl."""
    if spectrum.q_hkl is None:
        return None, ""
    q = np.array(spectrum.q_hkl)
    nearest = np.round(q)
    return float(np.linalg.norm(q - nearest)), " ".join(f"{n:.0f}" for n in nearest)


def _triage(
    spectra: Sequence[Spectrum], resolutions: Mapping[str, Resolution], options: FitOptions
) -> tuple[list[Spectrum], list[LeftOut]]:
    """Spectra that can be fitted, and the others with the reason."""
    ready, left_out = [], []
    for spectrum in spectra:
        reason = _why_not(spectrum, resolutions, options)
        if reason:
            left_out.append(LeftOut(spectrum, reason))
        else:
            ready.append(without_bursts(spectrum, resolutions[str(spectrum.analyzer)]))
    return ready, left_out


def _why_not(spectrum: Spectrum, resolutions: Mapping[str, Resolution], options: FitOptions) -> str:
    name = str(spectrum.analyzer)
    if options.analyzers is not None:
        if name not in options.analyzers:
            return NOT_ASKED_FOR
    else:
        dead = [f for f in spectrum.flags if f.code in ("dead", "nearly-dead")]
        dead = [f for f in dead if f.analyzer in (None, name)]
        if dead:
            return f"{dead[0].code.replace('-', ' ')}: {dead[0].message}"
    if name not in resolutions:
        return f"there is no resolution for {name}; --fwhm 1.5 takes a nominal one"
    if spectrum.temperature_k is None and options.temperature_k is None:
        return "the sample temperature is not known; give it with --temperature"
    if not spectrum.counts.sum() > 0:
        return "there are no counts"
    return ""


def _with_zeros(
    pairs: list[tuple[Spectrum, Resolution]],
    options: FitOptions,
    run: partial[list[ZeroProfile | LeftOut]],
    progress: Progress | None,
) -> tuple[list[tuple[Spectrum, Resolution]], list[LeftOut]]:
    """Give every spectrum without a zero the one that all of them together suggest.

    Spectra that cover no trial zero are left out.
    """
    sought = [i for i, (s, _) in enumerate(pairs) if _zero_is_open(s)]
    outcomes = run(
        partial(_profile_one, options=options), [pairs[i] for i in sought], progress=progress
    )
    left_out = [outcome for outcome in outcomes if isinstance(outcome, LeftOut)]
    found = {i: o for i, o in zip(sought, outcomes, strict=True) if isinstance(o, ZeroProfile)}
    unknown = list(found)
    keyed: dict[tuple[Hashable, Hashable], ZeroProfile] = {}
    for i, profile in found.items():
        analyzer, scan = pairs[i][0].analyzer, _scan_key(pairs[i][0], i)
        # Spectra of one name are no repeats of one another: the second stands alone.
        keyed[analyzer, i if (analyzer, scan) in keyed else scan] = profile
    priors: dict[tuple[Hashable, Hashable], tuple[float, float]] = {}
    for i, key in zip(unknown, keyed, strict=True):
        guess, error = pairs[i][0].zero_mev, pairs[i][0].zero_err
        if guess is not None and error is not None:
            priors[key] = (guess, error)
    zeros = choose_zeros(keyed, options.zeros, priors)
    result = {i: pair for i, pair in enumerate(pairs) if i not in sought}
    for i, key in zip(unknown, keyed, strict=True):
        spectrum, resolution = pairs[i]
        zero = zeros[key]
        result[i] = (
            replace(spectrum, zero_mev=zero.value_mev, zero_err=zero.stderr_mev).with_flags(
                _zero_flags(spectrum, zero, alone=len(keyed) == 1)
            ),
            resolution,
        )
    return [result[i] for i in sorted(result)], left_out


def _zero_is_open(spectrum: Spectrum) -> bool:
    """Whether a zero must be found: there is none, or only a guess."""
    return spectrum.zero_mev is None or (
        spectrum.zero_err is not None and spectrum.zero_err >= _GUESS
    )


def _scan_key(spectrum: Spectrum, index: int) -> Hashable:
    """What spectra measured together share; a spectrum without a scan stands alone."""
    return index if spectrum.scan is None else (spectrum.file, spectrum.scan)


def _zero_flags(spectrum: Spectrum, zero: ZeroEstimate, alone: bool) -> tuple[Flag, ...]:
    if zero.certain:
        return ()
    if alone:
        text = "this spectrum alone tells its energy zero, and leaves a rival: look, or give it"
        return (Flag("zero-uncertain", text, spectrum.analyzer),)
    text = "the spectrum alone does not settle its energy zero; other scans and analyzers do"
    return (Flag("zero-from-others", text, spectrum.analyzer),)


def _profile_one(pair: tuple[Spectrum, Resolution], options: FitOptions) -> ZeroProfile | LeftOut:
    spectrum, resolution = pair
    try:
        return zero_profile(spectrum, resolution, _temperature(spectrum, options), options.zeros)
    except InputError as error:
        return LeftOut(spectrum, str(error))


def _chains(
    pairs: list[tuple[Spectrum, Resolution]],
) -> list[list[tuple[Spectrum, Resolution]]]:
    """Spectra of each analyzer in one chain that steps to the nearest Q every time."""
    by_analyzer: dict[str | None, list[tuple[Spectrum, Resolution]]] = {}
    for pair in pairs:
        by_analyzer.setdefault(pair[0].analyzer, []).append(pair)
    chains = []
    for rest in by_analyzer.values():
        chain = [rest.pop(0)]
        while rest:
            here = chain[-1][0].q_hkl
            distances = [_q_distance(here, spectrum.q_hkl) for spectrum, _ in rest]
            chain.append(rest.pop(int(np.argmin(distances))))
        chains.append(chain)
    return chains


def _q_distance(
    one: tuple[float, float, float] | None, two: tuple[float, float, float] | None
) -> float:
    return 0.0 if one is None or two is None else float(np.linalg.norm(np.subtract(one, two)))


def _fit_chain(
    chain: list[tuple[Spectrum, Resolution]],
    options: FitOptions,
    cancel: CancelToken | None = None,
) -> list[SpectrumFit | LeftOut]:
    """Fit a chain of spectra, each started from the one before and, where that fails, anew."""
    outcomes: list[SpectrumFit | LeftOut] = []
    previous: SpectrumFit | None = None
    for spectrum, resolution in chain:
        if previous is not None and not _near(previous.spectrum, spectrum):
            previous = None
        try:
            fit = fit_one(spectrum, resolution, options, previous, cancel)
            if previous is not None and fit.reduced_deviance > _SUSPECT * max(
                previous.reduced_deviance, 1.0
            ):
                anew = fit_one(spectrum, resolution, options, cancel=cancel)
                fit = min(fit, anew, key=lambda f: f.deviance)
        except InputError as error:
            outcomes.append(LeftOut(spectrum, str(error)))
            continue
        outcomes.append(fit)
        previous = None if options.modes == "auto" else fit
    return outcomes


# A zero known no better than this (meV) is a guess.
_GUESS = 0.3


def _near(one: Spectrum, two: Spectrum) -> bool:
    """Whether two spectra are so alike that the modes of one are a start for the other."""
    temperatures = one.temperature_k or 0.0, two.temperature_k or 0.0
    return (
        _q_distance(one.q_hkl, two.q_hkl) < _NEAR_RLU
        and abs(temperatures[0] - temperatures[1]) < _NEAR_K
    )


# Spectra closer than this in Q and temperature start from one another.
_NEAR_RLU = 0.4
_NEAR_K = 30.0
# A warm start that ends this much worse than its neighbour is tried again from scratch.
_SUSPECT = 1.3


def _temperature(spectrum: Spectrum, options: FitOptions) -> float:
    known = spectrum.temperature_k if spectrum.temperature_k is not None else options.temperature_k
    if known is None:
        raise InputError(f"{spectrum.label}: the sample temperature is not known")
    return known
