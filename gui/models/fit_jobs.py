"""Fits as jobs: what a worker, or a process of its own, does for the tab Fit. Qt-free."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gui.models.document import Document, SpectrumId
from gui.models.fit_draft import FitDraft
from gui.models.fit_inputs import NOMINAL, choose_resolution, resolutions_of
from gui.models.fit_parameters import start_parameters
from gui.models.fit_start import fitted_range
from gui.models.fit_subject import stored_draft
from ixs_core.jobs import CancelToken, Progress
from ixs_core.project import Project
from ixs_reduce.batch import BatchResult, FitOptions, completed, fit_batch
from ixs_reduce.fit_options import MASKED, NOT_ASKED_FOR, LeftOut
from ixs_reduce.fitting import SpectrumFit, fit_spectrum
from ixs_reduce.likelihood import LowCountsWarning
from ixs_reduce.project_fit import ProjectSpectra, fits_by_key, load_predictions
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel
from ixs_reduce.store import fit_keys, read_fits, read_spectra
from ixs_reduce.zero_finder import find_zero

if TYPE_CHECKING:
    import lmfit

Manner = Literal["same", "auto", "predicted"] | int
"""How many spectra are fitted: like the draft shown, searched, predicted, or a number of modes."""


def fit_draft(
    draft: FitDraft,
    spectrum: Spectrum,
    model: SpectrumModel,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """Fit a spectrum from a draft: its values, bounds, fixed values and ties.

    Errors as for `ixs_reduce.fit_spectrum`.
    """
    start = start_parameters(draft, spectrum, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LowCountsWarning)  # said beside the numbers
        fit = fit_spectrum(spectrum, model, start, draft.starts, draft.objective, cancel=cancel)
    branches = tuple(mode.branch for mode in draft.modes)
    if any(branches) and model.members:  # else the fit may have sorted its modes anew
        fit = dataclasses.replace(fit, branches=branches)
    return completed(fit)


def find_zero_of(
    spectrum: Spectrum,
    resolution: Resolution,
    temperature_k: float,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> float:
    """The energy zero of a spectrum by itself, meV."""
    return find_zero(spectrum, resolution, temperature_k).value_mev


@dataclass(frozen=True)
class ManyFits:
    """What to fit together; the spectra are read where the work is done.

    Parameters
    ----------
    path : path
        The project.
    keys : tuple of str
        Of spectra.
    document : Document
        What was done in the viewer: masks, drafts, fits of these keys, resolutions given.
    options : FitOptions
    start : lmfit.Parameters or None
        For one model for all.
    alone : (SpectrumId, Spectrum) or None
        Only this one, with the points to fit.
    """

    path: Path
    keys: tuple[str, ...]
    document: Document
    options: FitOptions
    start: lmfit.Parameters | None = None
    alone: tuple[SpectrumId, Spectrum] | None = None


@dataclass(frozen=True)
class ManyFitted:
    """Fits by spectrum, and the reason of each that was not fitted."""

    fits: Mapping[SpectrumId, SpectrumFit]
    left_out: Mapping[SpectrumId, str]

    @property
    def failed(self) -> dict[SpectrumId, str]:
        """Those that should have been fitted and were not."""
        return {
            which: reason
            for which, reason in self.left_out.items()
            if reason not in (MASKED, NOT_ASKED_FOR) and not reason.startswith(_DEAD)
        }

    def in_words(self) -> str:
        """How many were fitted, and why the others were not."""
        text = _count(len(self.fits), "spectrum", "spectra") + " fitted"
        by_reason: dict[str, list[str]] = {}
        for which, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(f"{which.key} {which.analyzer}")
        for reason, names in by_reason.items():
            shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
            text += f"; left out: {shown} ({reason})"
        return text


_DEAD = ("dead", "nearly dead")


def fit_many(
    request: ManyFits, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> ManyFitted:
    """Fit many spectra through `ixs_reduce.batch.fit_batch`.

    Spectra keep the zeros that their fits started from, and the ranges of their drafts or fits.

    Raises
    ------
    InputError
        When none can be fitted; the reasons are given.
    """
    project = Project(request.path)
    spectra, fits = _read_spectra(project, request)
    resolutions = _resolutions(project, request, spectra, fits)
    predicted = request.options.modes == "predicted"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LowCountsWarning)
        result = fit_batch(
            spectra.spectra,
            resolutions,
            request.options,
            predictions=load_predictions(project, request.keys) if predicted else None,
            start=request.start,
            progress=progress,
            cancel=cancel,
        )
    return _by_spectrum(spectra, result)


def _read_spectra(
    project: Project, request: ManyFits
) -> tuple[ProjectSpectra, dict[SpectrumId, SpectrumFit]]:
    """The spectra to fit, and the fits that they have now."""
    with project.reading() as h5:
        stored = fit_keys(h5)
        groups = {key: read_spectra(h5, key) for key in request.keys}
        fits: dict[SpectrumId, SpectrumFit | None] = {
            SpectrumId(key, fit.spectrum.analyzer or ""): fit
            for key in request.keys
            if key in stored
            for fit in read_fits(h5, key)
        }
    fits |= request.document.fits
    known = {which: fit for which, fit in fits.items() if fit is not None}
    if request.alone is not None:
        which, spectrum = request.alone
        return ProjectSpectra({which.key: (spectrum,)}), known
    ready = {
        key: tuple(_as_before(key, spectrum, request.document, known) for spectrum in group)
        for key, group in groups.items()
    }
    return ProjectSpectra(ready, request.document.masks), known


def _as_before(
    key: str, spectrum: Spectrum, document: Document, fits: Mapping[SpectrumId, SpectrumFit]
) -> Spectrum:
    """A spectrum with the zero of its fit and the range of its draft or fit."""
    which = SpectrumId(key, spectrum.analyzer or "")
    fit, draft = fits.get(which), stored_draft(document, which)
    ends = draft.range_mev if draft is not None else None
    if draft is None and fit is not None:
        ends = fitted_range(fit, spectrum)
    if ends is not None:
        inside = (spectrum.energy_mev >= ends[0]) & (spectrum.energy_mev <= ends[1])
        spectrum = spectrum.selected(inside) if inside.any() else spectrum
    return known_zero(spectrum, fit)


def _resolutions(
    project: Project,
    request: ManyFits,
    spectra: ProjectSpectra,
    fits: Mapping[SpectrumId, SpectrumFit],
) -> dict[str, Resolution]:
    """R of every analyzer for which one is known."""
    with project.reading() as h5:
        measured = "entry/resolutions" in h5 and len(h5["entry/resolutions"]) > 0
        others = [key for key in fit_keys(h5) if key not in request.keys]
    known = resolutions_of(project.path) if measured else {}
    lenders = list(fits.values())
    names = dict.fromkeys(str(s.analyzer) for s in (*spectra.spectra, *spectra.masked))
    choices = {place: v for place, v in request.document.choices.items() if place[1] != NOMINAL}
    not_nominal = dataclasses.replace(request.document, choices=choices)
    found: dict[str, Resolution] = {}
    for name in names:
        chosen = choose_resolution(name, not_nominal, known, lenders)
        while chosen is None and others:  # a scan further away may have been fitted
            with project.reading() as h5:
                lenders += read_fits(h5, others.pop(0))
            chosen = choose_resolution(name, not_nominal, known, lenders)
        chosen = chosen or choose_resolution(name, request.document, known, lenders)
        if chosen is not None:
            found[name] = chosen.resolution
    return found


def _by_spectrum(spectra: ProjectSpectra, result: BatchResult) -> ManyFitted:
    masked = [LeftOut(spectrum, MASKED) for spectrum in spectra.masked]
    fits = {
        SpectrumId(key, fit.spectrum.analyzer or ""): fit
        for key, group in fits_by_key(spectra, result.fits).items()
        for fit in group
    }
    home = {
        (s.file, s.scan, s.analyzer): SpectrumId(key, s.analyzer or "")
        for key, group in spectra.by_key.items()
        for s in group
    }
    left_out = {
        home[one.spectrum.file, one.spectrum.scan, one.spectrum.analyzer]: _here(one.reason)
        for one in (*result.left_out, *masked)
    }
    return ManyFitted(fits, left_out)


def _here(reason: str) -> str:
    """A reason of the command line with what to do about it in the viewer."""
    for option, here in _REMEDIES.items():
        reason = reason.replace(option, here)
    return reason


_REMEDIES = {
    "--fwhm 1.5 takes a nominal one": "drop R.h5, or give a nominal FWHM",
    "give it with --temperature": "give it on the tab Fit",
}


def options_for(manner: Manner, draft: FitDraft, temperature_k: float | None) -> FitOptions:
    """The options of a batch: terms, objective and starts as in the draft shown."""
    modes = len(draft.modes) if manner == "same" else manner
    return FitOptions(
        modes=modes,
        temperature_k=temperature_k,
        elastic=draft.elastic is not None,
        quasielastic=draft.qe_amplitude is not None,
        background=draft.background,
        objective=draft.objective,
        starts=draft.starts if manner == "same" else FitOptions.starts,
    )


def known_zero(spectrum: Spectrum, fit: SpectrumFit | None) -> Spectrum:
    """The spectrum with the zero that its fit started from, so that it is not sought again."""
    if fit is None or fit.spectrum.zero_mev is None:
        return spectrum
    return dataclasses.replace(
        spectrum, zero_mev=fit.spectrum.zero_mev, zero_err=fit.spectrum.zero_err
    )


def plain_draft(draft: FitDraft) -> FitDraft:
    """The draft without what belongs to one spectrum's prediction alone."""
    modes = tuple(dataclasses.replace(mode, members=(), branch="") for mode in draft.modes)
    return dataclasses.replace(draft, modes=modes, folded=())


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
