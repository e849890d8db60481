"""The fits that the tab Fit has running, and how their results come into the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, Signal

from gui.models.document import SpectrumId
from gui.models.fit_draft import FitDraft
from gui.models.fit_jobs import ManyFits, ManyFitted, fit_draft, fit_many
from gui.models.fit_subject import Subject, stored_draft, with_draft
from gui.runner import Job
from gui.views.tab import Desk
from ixs_core.errors import InputError
from ixs_reduce.fitting import SpectrumFit


class FitRuns(QObject):
    """Starts fits in workers; takes results into the document, failures into the tree.

    Signals
    -------
    changed : a fit began, went on, or ended.
    """

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.jobs: list[Job] = []
        desk.project.opened.connect(self._abandon)

    @property
    def active(self) -> list[Job]:
        """Those under way that nobody cancelled."""
        return [job for job in self.jobs if not job.cancel_token.cancelled]

    def fit_one(self, subject: Subject) -> None:
        """Fit a spectrum from its draft, in a thread."""
        which = subject.which
        model = subject.model
        try:
            if model is None:
                raise InputError(why_no_model(subject))
            work = partial(fit_draft, subject.draft, subject.to_fit(), model)
        except InputError as error:
            self.fail(f"fit of {which.key} {which.analyzer}", [which], error)
            return
        self._submit(
            work,
            title=f"fit of {which.key} {which.analyzer}",
            spectra=[which],
            on_result=partial(self._take_one, which, self._draft(which)),
            process=False,
        )

    def fit_many(
        self, title: str, request: ManyFits, spectra: list[SpectrumId], *, alone: bool = False
    ) -> None:
        """Fit many spectra (or, `alone`, search or predict those of one) in a process."""
        drafts = {which: self._draft(which) for which in spectra}
        self._submit(
            partial(fit_many, request),
            title=title,
            spectra=spectra,
            on_result=partial(self._take_many, title, drafts, alone),
            process=True,
        )

    def cancel(self) -> None:
        """End all that run; what they would have given is dropped."""
        for job in self.jobs:
            job.cancel()
        self.changed.emit()

    def _abandon(self) -> None:
        """Another project is open: what still runs is not for it."""
        if self.desk.project.copied_from is not None:
            return
        for job in self.active:
            self.desk.messages.warning(job.title, "stopped and dropped: another project was opened")
        self.cancel()

    def _submit(
        self,
        function: Callable[..., object],
        *,
        title: str,
        spectra: list[SpectrumId],
        on_result: Callable[..., None],
        process: bool,
    ) -> None:
        work = self.desk.project.work
        job: Job | None = None

        def here(take: Callable[..., None], *given: object) -> None:
            """Only while the project is the one that was fitted."""
            if self.desk.project.work == work:
                take(*given)

        def ended() -> None:
            if job in self.jobs:
                self.jobs.remove(job)
            self.changed.emit()

        job = self.desk.runner.submit(
            function,
            title=title,
            on_result=partial(here, on_result),
            on_error=partial(here, partial(self.fail, title, spectra)),
            on_progress=lambda *_: self.changed.emit(),
            on_end=ended,
            group=title,
            process=process,
        )
        self.jobs.append(job)
        self.changed.emit()

    # -- results --------------------

    def _draft(self, which: SpectrumId) -> FitDraft | None:
        return stored_draft(self.desk.project.document, which)

    def _take_one(self, which: SpectrumId, before: FitDraft | None, fit: SpectrumFit) -> None:
        self._take({which: fit}, {which: before}, f"fit {which.key} {which.analyzer}")

    def _take_many(
        self,
        title: str,
        drafts: Mapping[SpectrumId, FitDraft | None],
        alone: bool,
        result: ManyFitted,
    ) -> None:
        self._take(result.fits, drafts, title)
        self.desk.project.set_failures(result.failed)
        if not alone or result.left_out:
            say = self.desk.messages.warning if result.left_out else self.desk.messages.info
            say(title, result.in_words())

    def _take(
        self,
        fits: Mapping[SpectrumId, SpectrumFit],
        drafts: Mapping[SpectrumId, FitDraft | None],
        text: str,
    ) -> None:
        """One step of undo; a draft that was changed meanwhile stays."""
        project = self.desk.project
        document = project.document.with_fits(fits)
        for which in fits:
            if self._draft(which) == drafts.get(which):
                document = with_draft(document, which, None)
        project.set_failures(dict.fromkeys(fits))
        project.apply(document, text)

    def fail(self, title: str, spectra: list[SpectrumId], error: Exception) -> None:
        """Nothing is changed; the tree and the messages say it."""
        self.desk.project.set_failures(dict.fromkeys(spectra, str(error)))
        self.desk.messages.error(title, error)
        self.changed.emit()


def why_no_model(subject: Subject) -> str:
    """What is missing for a fit of a subject."""
    name = subject.which.analyzer
    if subject.resolution is None:
        return f"there is no resolution for {name}; drop R.h5, or give a nominal FWHM"
    return "the sample temperature is not known"
