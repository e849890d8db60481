"""Where the tab Fit gets its subjects from: what is missing is read in a worker first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from gui.models.document import SpectrumId
from gui.models.fit_inputs import (
    ChosenResolution,
    Inputs,
    Version,
    choose_resolution,
    nearest_fitted,
    read_inputs,
    temperature_of,
)
from gui.models.fit_jobs import find_zero_of
from gui.models.fit_subject import Stage, Subject, needs_zero, started, stored_draft
from gui.runner import Job
from gui.views.tab import Desk
from ixs_core.errors import InputError
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum

_STAGES = 8


class _Making(NamedTuple):
    """The stage that a worker makes: by what it is kept, and the job."""

    key: tuple[int, str]
    job: Job

    @property
    def under_way(self) -> bool:
        """Whether it will still give the stage."""
        return self.job.active and not self.job.cancel_token.cancelled


class FitSource(QObject):
    """Makes subjects; reads fits, resolutions and predictions of the project as they are needed.

    Signals
    -------
    arrived : what was missing for a subject is there, or cannot be had.
    """

    arrived = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.forget()

    def forget(self) -> None:
        """Know nothing: another project is open."""
        self._inputs: dict[str, Inputs] = {}
        self._resolutions: Mapping[str, Resolution] | None = None
        self._zeros: dict[tuple[SpectrumId, str], float | None] = {}
        self._stages: dict[tuple[int, str], Stage] = {}
        self._unmade: dict[tuple[int, str], Stage] = {}  # that a worker could not make
        self._stamp = self.desk.project.contents.stamp
        self._making: _Making | None = None
        self.pending = False

    def recheck(self) -> None:
        """Forget what was read when the file is another than it was.

        Stages stay: they are of spectra as they were read, whichever those are.
        """
        if self._stamp != self.desk.project.contents.stamp:
            kept = self._stages, self._unmade, self._making
            self.forget()
            self._stages, self._unmade, self._making = kept

    # -- subjects --------------------

    def subject(self, which: SpectrumId) -> Subject | None:
        """The subject of a spectrum; None while something is read for it (then `arrived`).

        Raises
        ------
        InputError
            When its spectra cannot be read.
        """
        project = self.desk.project
        if which.analyzer not in project.contents.analyzers.get(which.key, ()):
            return None
        lender = self._lender(which)
        keys = [which.key] + ([lender.key] if lender is not None else [])
        missing = [key for key in dict.fromkeys(keys) if key not in self._inputs]
        if missing or self._resolutions is None:
            self._read(missing, which.key)
            return None
        spectrum = project.spectrum(which)
        if spectrum is None:
            return None
        fit, lent = project.fit(which), project.fit(lender) if lender is not None else None
        draft = stored_draft(project.document, which)
        subject = self._bare(which, spectrum, fit, lent, shown=fit is not None and draft is None)
        if subject is None:
            return None
        zero = None
        if needs_zero(spectrum, draft, fit, lent) and subject.model is not None:
            key = (which, subject.model.resolution.sha256)
            if key not in self._zeros:
                self._find_zero(key, subject)
                return None
            zero = self._zeros[key]
        subject = replace(subject, lender=lender if lent is not None else None)
        return started(subject, draft, lent, zero)

    def chosen_resolution(
        self, analyzer: str, *fits: SpectrumFit | None
    ) -> ChosenResolution | None:
        """R of an analyzer as far as it is known."""
        document = self.desk.project.document
        return choose_resolution(analyzer, document, self._resolutions or {}, fits)

    def prediction(self, which: SpectrumId) -> PredictedModes | None:
        """The modes predicted for a spectrum, as far as they were read."""
        inputs = self._inputs.get(which.key, Inputs())
        return inputs.predictions.get(which.key, {}).get(which.analyzer)

    def versions(self, key: str) -> tuple[Version, ...]:
        """The fits of a key that the project keeps."""
        return self._inputs.get(key, Inputs()).versions.get(key, ())

    def _bare(
        self,
        which: SpectrumId,
        spectrum: Spectrum,
        fit: SpectrumFit | None,
        lent: SpectrumFit | None,
        shown: bool,
    ) -> Subject | None:
        """The subject without a draft; None while its stage is made in a worker."""
        chosen = self.chosen_resolution(which.analyzer, fit, lent)
        kelvin = temperature_of(spectrum, fit, self.desk.project.document)
        resolution = chosen.resolution if chosen is not None else None
        if shown and fit is not None:
            resolution, kelvin = fit.model.resolution, fit.model.temperature_k
        stage = self._stage(spectrum, resolution)
        return Subject(which, stage, chosen, kelvin, fit) if stage is not None else None

    def _stage(self, spectrum: Spectrum, resolution: Resolution | None) -> Stage | None:
        """The stage of a spectrum; that of very many points is made in a worker first."""
        key = (id(spectrum), resolution.sha256 if resolution is not None else "")
        if key not in self._stages and key not in self._unmade:
            stage = Stage(spectrum, resolution)
            if stage.large:
                self._prepare(key, stage)
            else:
                self._keep_stage(key, stage)
        return self._stages.get(key)

    def _keep_stage(self, key: tuple[int, str], stage: Stage) -> None:
        if len(self._stages) >= _STAGES:
            self._stages.pop(next(iter(self._stages)))
        self._stages[key] = stage

    def _lender(self, which: SpectrumId) -> SpectrumId | None:
        project = self.desk.project
        if project.is_fitted(which):
            return None
        return nearest_fitted(which, project.spectrum_ids(), project.is_fitted)

    # -- reading --------------------

    def _read(self, keys: list[str], shown: str) -> None:
        project = self.desk.project
        if project.path is None:
            return
        self.pending = True
        opening, stamp = project.opening, self._stamp
        self.desk.runner.submit(
            partial(read_inputs, project.path, keys, self._resolutions is None, shown),
            title=f"reading fits of {', '.join(keys) or project.path.name}",
            on_result=partial(self._of, opening, partial(self._take, stamp, keys)),
            on_error=partial(self._of, opening, partial(self._cannot_read, keys)),
            group="fit-inputs",
            quiet=True,
        )

    def _of(self, opening: int, take: Callable[..., None], *given: object) -> None:
        """Take what a worker gives, unless another project was opened meanwhile."""
        if opening == self.desk.project.opening:
            take(*given)

    def _take(self, stamp: object, keys: list[str], inputs: Inputs) -> None:
        self.pending = False
        if stamp == self._stamp:
            for key in keys:
                self._inputs[key] = inputs
            for key, spectra in inputs.spectra.items():
                self.desk.project.keep_spectra(key, spectra)
            for key, fits in inputs.fits.items():
                self.desk.project.keep_stored_fits(key, fits)
            if inputs.resolutions is not None:
                self._resolutions = inputs.resolutions
        self.arrived.emit()

    def _cannot_read(self, keys: list[str], error: Exception) -> None:
        """Go on without: what cannot be read is said once and not asked for again."""
        self.pending = False
        self.desk.messages.error("reading fits", error)
        for key in keys:
            self._inputs[key] = Inputs()
            self.desk.project.keep_stored_fits(key, {})
        self._resolutions = self._resolutions or {}
        self.arrived.emit()

    def _prepare(self, key: tuple[int, str], stage: Stage) -> None:
        self.pending = True
        if self._making is not None and self._making.key == key and self._making.under_way:
            return  # asked for once more while it is made, it is not begun anew
        opening, label = self.desk.project.opening, stage.spectrum.label

        def ended() -> None:
            """Nothing comes of a cancelled one, unless a newer one took its place."""
            making = self._making
            if making is not None and making.job is job and job.state == "cancelled":
                self.pending = False

        job = self.desk.runner.submit(
            stage.prepared,
            title=f"preparing {label}, {stage.spectrum.counts.size} points",
            on_result=partial(self._of, opening, partial(self._take_stage, key)),
            on_error=partial(self._of, opening, partial(self._no_stage, key, stage)),
            on_end=ended,
            group="fit-stage",
        )
        self._making = _Making(key, job)

    def _take_stage(self, key: tuple[int, str], stage: Stage) -> None:
        self.pending = False  # unless the listener wants more
        self._keep_stage(key, stage)
        self.arrived.emit()

    def _no_stage(self, key: tuple[int, str], stage: Stage, error: Exception) -> None:
        """It cannot be shown; that is said once."""
        self.pending = False
        self._unmade[key] = stage
        self.desk.messages.error(stage.spectrum.label, error)
        self.arrived.emit()

    def _find_zero(self, key: tuple[SpectrumId, str], subject: Subject) -> None:
        model = subject.model
        assert model is not None
        self.pending = True
        opening = self.desk.project.opening
        self.desk.runner.submit(
            partial(
                find_zero_of,
                subject.stage.points_to_start(None),
                model.resolution,
                model.temperature_k,
            ),
            title=f"zero of {subject.which.key} {subject.which.analyzer}",
            on_result=partial(self._of, opening, partial(self._take_zero, key)),
            on_error=partial(self._of, opening, partial(self._take_zero, key, None)),
            group="fit-zero",
            quiet=True,
        )

    def _take_zero(
        self,
        key: tuple[SpectrumId, str],
        zero: float | None,
        error: Exception | None = None,
    ) -> None:
        self.pending = False
        self._zeros[key] = zero
        if error is not None and not isinstance(error, InputError):
            self.desk.messages.error(f"zero of {key[0].key} {key[0].analyzer}", error)
        self.arrived.emit()
