"""Fit many spectra: zeros from all of them together, then modes of each.

Dead analyzers are left out and said so; points sharper than the resolution are left out and
said so; a fit that fails is reported with its reason and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from ixs_reduce.batch_zeros import with_zeros
from ixs_reduce.bursts import without_bursts
from ixs_reduce.fit_options import NOT_ASKED_FOR, FitOptions, LeftOut, Ready, temperature_of
from ixs_reduce.fitting import SpectrumFit, bounded_parameters, fit_from, fit_spectrum
from ixs_reduce.mode_search import search_modes
from ixs_reduce.predicted_fit import fit_predicted
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from ixs_reduce.profile import with_width_limits
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.start_values import linear_start

if TYPE_CHECKING:
    import lmfit

__all__ = [
    "NOT_ASKED_FOR",
    "POOR_FIT",
    "BatchResult",
    "FitOptions",
    "LeftOut",
    "bragg_distance",
    "completed",
    "fit_batch",
    "fit_one",
    "poor_fit_reasons",
]

POOR_FIT = 4.0
"""Deviance per degree of freedom above which a fit is listed with the reason."""


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
    predictions: Mapping[SpectrumKey, PredictedModes] | None = None,
    known: Sequence[SpectrumFit] = (),
    start: lmfit.Parameters | None = None,
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
    predictions : mapping, optional
        (file, scan, analyzer) -> PredictedModes, for modes="predicted". Spectra without one, or
        with one of another Q, are left out.
    known : sequence of SpectrumFit
        Fits of an earlier batch with the same options. In a search of modes, where every
        spectrum is fitted by itself, those whose data, zero and resolution are still the same
        are taken over, as fitting again would give them bit for bit.
    start : lmfit.Parameters, optional
        One model for all, where options.modes is its number of modes: energies and widths to
        start from, fixed values and ties. Strengths and zero start from each spectrum's own.
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
    predictions = predictions or {}
    ready, left_out = _triage(spectra, resolutions, options, predictions)
    if not ready:
        reasons = "; ".join(dict.fromkeys(o.reason for o in left_out)) or "there are none"
        raise InputError("no spectrum can be fitted", found=reasons)
    # A fit is many small numpy calls, which threads of one process only hinder.
    run = partial(parallel_map, scheduler=scheduler, workers=workers or 1, cancel=cancel)
    ready, without_zero = with_zeros(ready, options, run, progress)
    left_out += without_zero
    taken_over, ready = _taken_over(ready, known if options.modes == "auto" else ())
    chained = isinstance(options.modes, int) and start is None
    chains = _chains(ready) if chained else [[one] for one in ready]
    outcomes = [
        outcome
        for chain in run(
            partial(_fit_chain, options=options, cancel=cancel, start=start),
            chains,
            progress=progress,
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
    ready: list[Ready], known: Sequence[SpectrumFit]
) -> tuple[list[SpectrumFit], list[Ready]]:
    """Fits that stay as they are, with the flags of now, and what is left to fit."""
    by_data = {_what_decides(fit.spectrum, fit.model.resolution): fit for fit in known}
    taken_over, rest = [], []
    for one in ready:
        fit = by_data.get(_what_decides(one.spectrum, one.resolution))
        if fit is None:
            rest.append(one)
        else:
            taken_over.append(replace(fit, spectrum=one.spectrum))
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
    predicted: PredictedModes | None = None,
    start: lmfit.Parameters | None = None,
) -> SpectrumFit:
    """Fit one spectrum that has its zero, with limits on unresolved widths.

    previous : a fit of a neighbouring Q, or of the same scan with fewer points, whose
    parameters are the start. predicted : the modes to fit, with options.modes "predicted".
    start : energies, widths, fixed values and ties, as for `fit_batch`.
    """
    options = options or FitOptions()
    model = SpectrumModel(
        resolution,
        temperature_of(spectrum, options),
        modes=options.modes if isinstance(options.modes, int) else 0,
        elastic=options.elastic,
        quasielastic=options.quasielastic,
        background=options.background,
    )
    if options.modes == "predicted":
        if predicted is None:
            raise InputError(f"{spectrum.label}: {_NO_PREDICTION}")
        fit = fit_predicted(
            spectrum,
            model,
            predicted,
            options.prediction,
            options.starts,
            options.objective,
            options.seed,
            cancel,
        )
    elif start is not None:
        fit = _alike(spectrum, model, start, options, cancel)
    elif previous is not None:
        fit = _continued(spectrum, model, previous, options, cancel)
    elif options.modes == "auto":
        fit = search_modes(spectrum, model, options.search, options.seed, cancel, options.objective)
    else:
        fit = fit_spectrum(
            spectrum, model, None, options.starts, options.objective, options.seed, cancel
        )
    return completed(fit)


def completed(fit: SpectrumFit) -> SpectrumFit:
    """A fit with the limits of unresolved widths, and why it is poor where it is."""
    fit = with_width_limits(fit)
    return replace(fit, remarks=fit.remarks + poor_fit_reasons(fit))


def _alike(
    spectrum: Spectrum,
    model: SpectrumModel,
    start: lmfit.Parameters,
    options: FitOptions,
    cancel: CancelToken | None,
) -> SpectrumFit:
    """Fit with energies, widths, fixed values and ties that many spectra share."""
    count = model.n_modes
    energy, fwhm, _ = model.vector(start)[: 3 * count].reshape(count, 3).T
    zero = start["zero"].value if spectrum.zero_mev is None else spectrum.zero_mev
    vector, _ = linear_start(spectrum, model, energy, fwhm, zero_mev=zero)
    given = bounded_parameters(spectrum, model, zero)
    for name, value in zip(model.parameter_names, vector.tolist(), strict=True):
        shared = start[name]
        if shared.vary or name == "zero":  # each analyzer has a zero of its own
            given[name].set(value=value, vary=bool(shared.vary))
        else:
            given[name].set(value=shared.value, vary=False, min=-np.inf, max=np.inf)
    for name in model.parameter_names:
        if start[name].expr:
            given[name].set(expr=start[name].expr, min=-np.inf, max=np.inf)
    return fit_spectrum(
        spectrum, model, given, options.starts, options.objective, options.seed, cancel
    )


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


_NO_PREDICTION = "no modes are predicted for it; `ixs sqe FC --at project.h5` predicts them"


def _why_not_predicted(
    spectrum: Spectrum, predictions: Mapping[SpectrumKey, PredictedModes]
) -> str:
    """Why a spectrum cannot be fitted with predicted modes; empty when it can."""
    predicted = predictions.get(spectrum_key(spectrum))
    if predicted is None:
        return _NO_PREDICTION
    if spectrum.q_hkl is None or np.abs(predicted.q_hkl - spectrum.q_hkl).max() > _SAME_Q_RLU:
        at = " ".join(f"{x:.3f}" for x in predicted.q_hkl)
        return f"its modes were predicted at another Q ({at}); predict them again"
    return ""


# A prediction for a Q further away than this is one of another spectrum.
_SAME_Q_RLU = 1e-3


def _triage(
    spectra: Sequence[Spectrum],
    resolutions: Mapping[str, Resolution],
    options: FitOptions,
    predictions: Mapping[SpectrumKey, PredictedModes],
) -> tuple[list[Ready], list[LeftOut]]:
    """Spectra that can be fitted, and the others with the reason."""
    by_prediction = options.modes == "predicted"
    ready, left_out = [], []
    for spectrum in spectra:
        reason = _why_not(spectrum, resolutions, options)
        if not reason and by_prediction:
            reason = _why_not_predicted(spectrum, predictions)
        if reason:
            left_out.append(LeftOut(spectrum, reason))
        else:
            resolution = resolutions[str(spectrum.analyzer)]
            predicted = predictions.get(spectrum_key(spectrum)) if by_prediction else None
            ready.append(Ready(without_bursts(spectrum, resolution), resolution, predicted))
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


def _chains(ready: list[Ready]) -> list[list[Ready]]:
    """Spectra of each analyzer in one chain that steps to the nearest Q every time."""
    by_analyzer: dict[str | None, list[Ready]] = {}
    for one in ready:
        by_analyzer.setdefault(one.spectrum.analyzer, []).append(one)
    chains = []
    for rest in by_analyzer.values():
        chain = [rest.pop(0)]
        while rest:
            here = chain[-1].spectrum.q_hkl
            distances = [_q_distance(here, one.spectrum.q_hkl) for one in rest]
            chain.append(rest.pop(int(np.argmin(distances))))
        chains.append(chain)
    return chains


def _q_distance(
    one: tuple[float, float, float] | None, two: tuple[float, float, float] | None
) -> float:
    return 0.0 if one is None or two is None else float(np.linalg.norm(np.subtract(one, two)))


def _fit_chain(
    chain: list[Ready],
    options: FitOptions,
    cancel: CancelToken | None = None,
    start: lmfit.Parameters | None = None,
) -> list[SpectrumFit | LeftOut]:
    """Fit a chain of spectra, each started from the one before and, where that fails, anew."""
    outcomes: list[SpectrumFit | LeftOut] = []
    previous: SpectrumFit | None = None
    for spectrum, resolution, predicted in chain:
        if previous is not None and not _near(previous.spectrum, spectrum):
            previous = None
        try:
            fit = fit_one(spectrum, resolution, options, previous, cancel, predicted, start)
            if previous is not None and fit.reduced_deviance > _SUSPECT * max(
                previous.reduced_deviance, 1.0
            ):
                anew = fit_one(spectrum, resolution, options, cancel=cancel)
                fit = min(fit, anew, key=lambda f: f.deviance)
        except InputError as error:
            outcomes.append(LeftOut(spectrum, str(error)))
            continue
        outcomes.append(fit)
        previous = fit if isinstance(options.modes, int) else None
    return outcomes


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
