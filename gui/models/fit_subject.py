"""What the tab Fit shows of one spectrum: its draft, and what follows from it. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from gui.models.document import Document, SpectrumId
from gui.models.fit_draft import FitDraft
from gui.models.fit_inputs import TAB, ChosenResolution
from gui.models.fit_start import draft_like, draft_of_fit, empty_draft
from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce.batch_zeros import zero_is_open
from ixs_reduce.bursts import burst_points
from ixs_reduce.fit_curves import CountedPoints, CurvePlan, ModelCurves, counted_points
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.likelihood import objective_value
from ixs_reduce.merging import merge
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

_MANY = 20_000  # points from which on a stage is made in a worker
_STARTS_PER_FWHM = 20  # bins to the FWHM of R are as good for start values as the points in them

State = Literal["fitted", "edited", "neighbour", "empty", "bare"]


@dataclass(frozen=True, eq=False)
class Stage:
    """A spectrum and R: what all drafts of it share, made once so that a drag is immediate."""

    spectrum: Spectrum
    resolution: Resolution | None

    @cached_property
    def plan(self) -> CurvePlan | None:
        """For curves; None without R."""
        return None if self.resolution is None else CurvePlan.of(self.spectrum, self.resolution)

    @cached_property
    def bursts(self) -> tuple[int, ...]:
        """Points sharper than R can be, which no fit takes."""
        return () if self.resolution is None else burst_points(self.spectrum, self.resolution)

    @cached_property
    def points(self) -> CountedPoints:
        """Points with their intervals, at the energies of the file."""
        return counted_points(self.spectrum) if self.plan is None else self.plan.points

    @cached_property
    def binned(self) -> Spectrum | None:
        """For start values: points no burst in bins much finer than R; None where few points are.

        Counts and exposures are sums, so that a model of the bins is one of the points.
        """
        if not self.large or self.resolution is None or not self.used(None).any():
            return None
        width = self.resolution.fwhm_mev / _STARTS_PER_FWHM
        binned = merge([self.points_to_fit(None)], width)
        return binned if binned.counts.size < self.spectrum.counts.size else None

    @property
    def large(self) -> bool:
        """Whether it takes long to make, so that it is made in a worker."""
        return self.spectrum.counts.size > _MANY

    def prepared(
        self, *, progress: Progress | None = None, cancel: CancelToken | None = None
    ) -> Stage:
        """In a worker: itself, with all that takes long."""
        for name in ("points", "bursts", "binned"):
            if cancel is not None:
                cancel.check()
            getattr(self, name)
        return self

    def used(self, range_mev: tuple[float, float] | None) -> BoolArray:
        """(n,) mask of the points that a fit takes: in range, exposed, no bursts."""
        energy = self.spectrum.energy_mev
        used: BoolArray = self.spectrum.exposure > 0
        used[list(self.bursts)] = False
        if range_mev is not None:
            used &= (energy >= range_mev[0]) & (energy <= range_mev[1])
        return used

    def points_to_fit(self, range_mev: tuple[float, float] | None) -> Spectrum:
        """The points that a fit takes.

        Raises
        ------
        InputError
            When the range holds none.
        """
        used = self.used(range_mev)
        if not used.any():
            raise InputError(f"the range of {self.spectrum.label} holds no points", found=range_mev)
        return self.spectrum if used.all() else self.spectrum.selected(used)

    def points_to_start(self, range_mev: tuple[float, float] | None) -> Spectrum:
        """What start values are found from: the points that a fit takes, or bins of very many.

        Errors as for `points_to_fit`.
        """
        if self.binned is None:
            return self.points_to_fit(range_mev)
        if range_mev is None:
            return self.binned
        energy = self.binned.energy_mev
        inside = (energy >= range_mev[0]) & (energy <= range_mev[1])
        return self.binned.selected(inside) if inside.any() else self.points_to_fit(range_mev)


@dataclass(frozen=True)
class Subject:
    """A spectrum with its model.

    Parameters
    ----------
    which : SpectrumId
    stage : Stage
        All points of the spectrum, and the R that is drawn and fitted with.
    chosen : ChosenResolution or None
        R for the next fit; that of the stage unless a fit is shown unchanged.
    temperature_k : float or None
    fit : SpectrumFit or None
        The present fit.
    draft : FitDraft
    state : str
        "fitted": the draft is that of the fit; "edited": the user's; "neighbour": a start from
        `lender`; "empty": no modes yet; "bare": nothing can be drawn without R or temperature.
    lender : SpectrumId or None
    """

    which: SpectrumId
    stage: Stage
    chosen: ChosenResolution | None
    temperature_k: float | None
    fit: SpectrumFit | None = None
    draft: FitDraft = FitDraft()  # noqa: RUF009 - frozen
    state: State = "bare"
    lender: SpectrumId | None = None

    @property
    def spectrum(self) -> Spectrum:
        """As in the project, all points."""
        return self.stage.spectrum

    @property
    def resolution(self) -> Resolution | None:
        """R that is drawn and fitted with."""
        return self.stage.resolution

    @property
    def model(self) -> SpectrumModel | None:
        """The draft's model; None without a resolution or temperature."""
        if self.resolution is None or self.temperature_k is None:
            return None
        return self.draft.model(self.resolution, self.temperature_k)

    @cached_property
    def used(self) -> BoolArray:
        """(n,) mask of the points that a fit takes."""
        return self.stage.used(self.draft.range_mev)

    def to_fit(self) -> Spectrum:
        """The points that a fit takes; InputError when the range holds none."""
        return self.stage.points_to_fit(self.draft.range_mev)

    def to_start(self) -> Spectrum:
        """What start values are found from; errors as for `to_fit`."""
        return self.stage.points_to_start(self.draft.range_mev)

    @cached_property
    def curves(self) -> ModelCurves | None:
        """Points, curves and residuals; None while there is no model."""
        if self.model is None or self.stage.plan is None:
            return None
        return self.stage.plan.curves(self.model, self.draft.vector)

    @cached_property
    def points(self) -> CountedPoints:
        """The points on the axis of true energy."""
        if self.curves is not None:
            return self.curves.curves.points
        points = self.stage.points
        return replace(points, energy_mev=points.energy_mev - self.draft.zero.value)

    @cached_property
    def used_points(self) -> BoolArray:
        """Which of `points` (those with exposure) a fit takes."""
        return self.used[self.spectrum.exposure > 0]

    @cached_property
    def deviance(self) -> float | None:
        """The objective of the draft as it stands, over the points that a fit takes."""
        if self.curves is None or not self.used.any():
            return None
        used = self.used
        expected = self.curves.expected_counts[used]
        return objective_value(self.draft.objective, self.spectrum.counts[used], expected)

    def resolution_curve(self) -> tuple[FloatArray, FloatArray] | None:
        """R on the axis of true energy, as high as the highest point."""
        if self.resolution is None or not self.points.counts.size:
            return None
        ends = self.points.energy_mev[[0, -1]]
        energy = np.linspace(ends[0], ends[1], 1200)
        values = self.resolution(energy)
        highest = float(values.max(initial=0.0))
        top = float(self.points.counts.max())
        return (energy, values * (top / highest)) if highest > 0 else None


def choice_name(which: SpectrumId) -> str:
    """Under which name the document keeps the draft of a spectrum."""
    return f"{which.key}|{which.analyzer}"


def stored_draft(document: Document, which: SpectrumId) -> FitDraft | None:
    """The user's draft of a spectrum; None without one."""
    record = document.choice(TAB, choice_name(which))
    return None if record is None else FitDraft.from_record(record)


def with_draft(document: Document, which: SpectrumId, draft: FitDraft | None) -> Document:
    """The document with a draft; None removes it, so that the fit's own counts again."""
    name = choice_name(which)
    if draft is not None:
        return document.with_choice(TAB, name, draft.to_record())
    known = document.choice(TAB, name) is not None
    return document.with_choice(TAB, name, None) if known else document


def needs_zero(spectrum: Spectrum, *starts: object) -> bool:
    """Whether the zero must be looked for: there is no draft, fit or neighbour to start from."""
    return all(start is None for start in starts) and zero_is_open(spectrum)


def started(
    subject: Subject,
    draft: FitDraft | None,
    lent: SpectrumFit | None = None,
    zero_mev: float | None = None,
) -> Subject:
    """The subject with the best draft there is: the user's, the fit's, a neighbour's, empty.

    lent : fit of the neighbour `lender`. zero_mev : as found for an empty draft.
    """
    spectrum = subject.spectrum
    known = zero_mev if zero_mev is not None else spectrum.zero_mev
    if draft is not None:
        return replace(subject, draft=draft, state="edited")
    if subject.fit is not None:
        return replace(subject, draft=draft_of_fit(subject.fit, spectrum), state="fitted")
    model = subject.model
    if model is None or not spectrum.counts.sum() > 0:
        return replace(subject, draft=FitDraft().with_value("zero", known or 0.0), state="bare")
    points = subject.stage.points_to_start(None)
    if lent is None:
        return replace(subject, draft=empty_draft(points, model, known or 0.0), state="empty")
    # A zero that the file only guesses is worse than that of the neighbour.
    points = replace(points, zero_mev=None if zero_is_open(spectrum) else spectrum.zero_mev)
    return replace(subject, draft=draft_like(lent, points, model), state="neighbour")
