"""The spectrum that the tab Fit shows as a figure for paper with its numbers. Qt-free."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np

from gui.models.fit_subject import Subject
from gui.plots.export import Export, LateExport, TableData
from ixs_core.errors import InputError
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.predicted_modes import PredictedModes


def export_of(subject: Subject, predicted: PredictedModes | None, log: bool) -> Export | LateExport:
    """Figure of the fit, or of the model as drawn; the table has a row for each point.

    Of very many points both are made when the export is written.

    Raises
    ------
    InputError
        When there is no model to draw.
    """
    if subject.curves is None:
        raise InputError("there is no model to export", hint="a resolution is missing")
    name = f"{subject.which.key} {subject.which.analyzer} fit".replace("/", "-")
    if subject.stage.large:
        return LateExport(name, partial(_export_now, subject, predicted, log, name))
    return _export_now(subject, predicted, log, name)


def _export_now(subject: Subject, predicted: PredictedModes | None, log: bool, name: str) -> Export:
    from ixs_reduce.figures_spectrum import spectrum_figure

    fit = subject.fit if subject.state == "fitted" else None
    if fit is None:
        fit = _as_drawn(subject)
        predicted = None
    figure = spectrum_figure(fit, "log" if log else "linear", predicted)
    return Export(figure, table_of(subject), name)


def table_of(subject: Subject) -> TableData:
    """Points, curves at the points, residuals: all as drawn, at the median exposure."""
    if subject.curves is None:
        raise InputError("there is no model to export", hint="a resolution is missing")
    curves = subject.curves
    points = subject.points
    terms = curves.components_at_points
    columns = (
        "energy_mev",
        "counts_per_point",
        "counts_lower_68",
        "counts_upper_68",
        "fitted",
        "total_counts",
        *(f"{name}_counts" for name in terms),
        "deviance_residual",
    )
    numbers = [points.energy_mev, points.counts, points.lower, points.upper]
    after = [curves.total_at_points, *terms.values(), curves.curves.residuals]
    rows = [
        [*(float(v[i]) for v in numbers), bool(used), *(float(v[i]) for v in after)]
        for i, used in enumerate(subject.used_points)
    ]
    return TableData(columns, rows)


def _as_drawn(subject: Subject) -> SpectrumFit:
    """The draft in the form that figures take: without errors, and said to be no fit."""
    if subject.curves is None or subject.model is None:
        raise InputError("there is no model to export", hint="a resolution is missing")
    draft, used = subject.draft, subject.used
    names = draft.names
    free = [n for n in names if not (draft.quantity(n).fixed or draft.quantity(n).tie)]
    spectrum = subject.to_fit()
    return SpectrumFit(
        spectrum=dataclasses.replace(spectrum, zero_mev=None),
        model=subject.model,
        parameter_names=names,
        parameters=draft.vector,
        covariance=np.zeros((len(names), len(names))),
        held=(),
        deviance=float(subject.deviance or 0.0),
        dof=int(used.sum()) - len(free),
        expected_counts=subject.curves.expected_counts[used],
        converged=True,
        message="not fitted",
        objective=draft.objective,
        starts=0,
        seed=0,
        start_parameters=None,
        start_vectors=(),
        branches=tuple(m.branch for m in draft.modes) if any(m.branch for m in draft.modes) else (),
        remarks=("as drawn by hand, not fitted",),
    )
