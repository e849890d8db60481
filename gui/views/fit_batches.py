"""Fits of many spectra, and those of one that search or predict its modes: what goes in."""

from __future__ import annotations

from dataclasses import replace

from gui.models.document import Document
from gui.models.fit_inputs import TAB
from gui.models.fit_jobs import Manner, ManyFits, known_zero, options_for, plain_draft
from gui.models.fit_parameters import start_parameters
from gui.models.fit_subject import Subject
from gui.views.fit_runs import FitRuns, why_no_model
from gui.views.tab import Desk
from ixs_core.errors import InputError
from ixs_reduce.spectrum import Spectrum


class FitBatches:
    """Puts together what `FitRuns.fit_many` is asked for."""

    def __init__(self, desk: Desk, runs: FitRuns) -> None:
        self.desk = desk
        self.runs = runs

    def fit_alone(self, subject: Subject, manner: Manner) -> None:
        """Search, or predict, the modes of one spectrum."""
        which = subject.which
        how = "search of modes" if manner == "auto" else "fit from prediction"
        title = f"{how}, {which.key} {which.analyzer}"
        try:
            if subject.model is None:
                raise InputError(why_no_model(subject))
            spectrum = _with_zero(subject)
        except InputError as error:
            self.runs.fail(title, [which], error)
            return
        request = self._request((which.key,), subject, manner)
        self.runs.fit_many(title, replace(request, alone=(which, spectrum)), [which], alone=True)

    def fit_all(self, subject: Subject, scope: str, manner: Manner) -> None:
        """Fit all spectra of the subject's scan, or of the project."""
        project = self.desk.project
        known = project.spectrum_ids()
        keys = (
            (subject.which.key,)
            if scope == "scan"
            else tuple(dict.fromkeys(which.key for which in known))
        )
        spectra = [w for w in known if w.key in keys and not project.is_masked(w)]
        if manner == "same" and not subject.draft.modes:
            self.desk.messages.warning("fit all", "there are no modes yet that all could have")
            return
        where = subject.which.key if scope == "scan" else "the whole project"
        request = self._request(keys, subject, manner)
        self.runs.fit_many(f"fit of {where}", request, spectra)

    def _request(self, keys: tuple[str, ...], subject: Subject, manner: Manner) -> ManyFits:
        path = self.desk.project.path
        assert path is not None  # there is a subject, so there is a project
        options = options_for(manner, subject.draft, subject.temperature_k)
        start = None
        if manner == "same" and subject.resolution is not None and subject.model is not None:
            draft = plain_draft(subject.draft)
            model = draft.model(subject.resolution, subject.model.temperature_k)
            start = start_parameters(draft, subject.spectrum, model)
        return ManyFits(path, keys, _of_keys(self.desk.project.document, keys), options, start)


def _of_keys(document: Document, keys: tuple[str, ...]) -> Document:
    """What of a document a fit of these keys needs."""
    fits = {which: fit for which, fit in document.fits.items() if which.key in keys}
    choices = {(tab, name): v for (tab, name), v in document.choices.items() if tab == TAB}
    return Document(masks=document.masks, fits=fits, choices=choices)


def _with_zero(subject: Subject) -> Spectrum:
    """The points to fit with the zero as far as it is known: by hand, or by a fit."""
    points = subject.to_fit()
    if subject.state == "edited" and not _same_zero(subject):
        return replace(points, zero_mev=subject.draft.zero.value, zero_err=None)
    return known_zero(points, subject.fit)


def _same_zero(subject: Subject) -> bool:
    return subject.fit is None or subject.fit.zero.value == subject.draft.zero.value
