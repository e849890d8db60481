"""The tab Fit: a spectrum, its model, residuals; modes are set by hand and fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from gui.models.document import Document, SpectrumId
from gui.models.fit_draft import FitDraft, parameter_text
from gui.models.fit_export import export_of
from gui.models.fit_inputs import (
    TAB,
    Version,
    read_version,
    resolutions_of,
    with_nominal,
    with_resolutions,
    with_temperature,
)
from gui.models.fit_parameters import resolved, with_fixed, with_tie
from gui.models.fit_report import Words, fit_report, report
from gui.models.fit_start import with_new_mode, with_strengths
from gui.models.fit_subject import Subject, with_draft
from gui.plots.export import Export
from gui.plots.spectrum_plot import SpectrumPlot
from gui.theme import Theme
from gui.views.fit_bar import FitBar, MissingBar, ModelBar
from gui.views.fit_batches import FitBatches
from gui.views.fit_runs import FitRuns
from gui.views.fit_source import FitSource
from gui.views.fit_tables import MODE_COLUMNS, OTHER_COLUMNS, ParameterTable, ParameterView
from gui.views.fit_words_panel import WordsPanel
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError
from ixs_reduce.fit_curves import fit_curves
from ixs_reduce.fit_words import describe_q, spectrum_title
from ixs_reduce.fitting import SpectrumFit

_NOTHING = (
    "No spectrum yet: drop a file of scans here, or open a project\n"
    "(`ixs reduce FILE -o project.h5` makes one)."
)
# An empty box has no outline of its own on a dark window.


class FitTab(Tab):
    """Fit."""

    name: ClassVar[str] = "fit"
    title: ClassVar[str] = "Fit"
    takes: ClassVar[tuple[str, ...]] = ("resolution-table",)
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("double-click, P", "add a mode at the cursor (on either side of zero)"),
        ("drag a mode's line", "its energy; its partner beyond zero moves along"),
        ("drag its round handles", "its FWHM (click the line to show them)"),
        ("drag the lines at the ends", "the range that is fitted"),
        ("Delete", "remove the chosen mode"),
        ("Ctrl+F", "fit this spectrum from what is drawn"),
        ("=mode1_fwhm in a table", "tie a number to another one"),
        ("L", "logarithmic or linear counts"),
        ("Home", "show the whole spectrum"),
        ("Esc", "give up the drag, or the fits under way"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.plot = SpectrumPlot(theme)
        self.bar = FitBar()
        self.model_bar = ModelBar()
        self.missing_bar = MissingBar()
        self.modes = ParameterTable(MODE_COLUMNS, theme, modes=True)
        self.others = ParameterTable(OTHER_COLUMNS, theme, modes=False)
        self.mode_view = ParameterView(self.modes, "fit-modes", "Modes of the model")
        self.other_view = ParameterView(self.others, "fit-others", "Other terms of the model")
        self.words = WordsPanel(theme)
        self.source = FitSource(desk)
        self.runs = FitRuns(desk)
        self.batches = FitBatches(desk, self.runs)
        self.subject: Subject | None = None
        self.selected = 0
        self._to_fit: SpectrumId | None = None
        self._drags = 0
        self._dragging = False
        self._earlier: SpectrumFit | None = None
        self._lay_out()
        self._connect_bars()
        self._connect_gestures()
        self._add_keys()

    # -- the tab's duties --------------------

    @property
    def ready(self) -> bool:
        """Whether nothing is read or fitted that would still change what is seen."""
        return super().ready and not self.source.pending and not self.runs.active

    def refresh(self) -> None:
        """Show the current spectrum with its model."""
        which = self.desk.project.current
        if which is None:
            self._show(None)
            return
        subject = self.source.subject(which)
        if subject is not None:
            self._show(subject)

    def project_opened(self) -> None:
        """Another project: nothing of the last one is of use."""
        self.source.forget()
        self._earlier = None
        self.subject = None
        super().project_opened()

    def mark_stale(self) -> None:
        """The file holds other results: they are read again before they are shown."""
        self.source.recheck()
        super().mark_stale()

    def document_changed(self, before: Document, now: Document) -> None:
        """Draw anew when fits, masks or this tab's choices are others than before."""
        choices = before.choices is not now.choices and _choices(before) != _choices(now)
        if choices or before.fits is not now.fits or before.masks is not now.masks:
            super().mark_stale()

    def spectrum_selected(self, which: SpectrumId) -> None:
        """Another spectrum."""
        super().mark_stale()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.plot.set_theme(theme)
        self._show_legend()
        self.words.set_theme(theme)
        for table in (self.modes, self.others):
            table.theme = theme
            table.show_subject(self.subject)

    def export(self) -> Export:
        """The spectrum as shown; InputError without a model."""
        if self.subject is None:
            raise InputError("no spectrum is shown")
        which = self.subject.which
        return export_of(self.subject, self.source.prediction(which), self.plot.log)

    def take_file(self, path: Path, kind: str) -> None:
        """Take the resolution functions of a JSON table, as `ixs resolution --json` prints."""
        self.desk.runner.submit(
            partial(resolutions_of, path),
            title=f"reading {path.name}",
            on_result=lambda found: self._apply(
                with_resolutions(self.desk.project.document, path.name, found),
                f"resolutions of {path.name}",
            ),
            on_error=partial(self.desk.messages.error, path.name),
            quiet=True,
        )

    def give_up(self) -> None:
        """Esc: the drag under way goes back, else the fits under way end."""
        if self._dragging:
            self._dragging = False
            self.plot.give_up()
            self.desk.project.undo_stack.undo()
        else:
            self.runs.cancel()

    def close_down(self) -> None:
        """The window closes."""
        self.runs.cancel()

    # -- fits --------------------

    def fit_current(self) -> None:
        """Fit the current spectrum from what is drawn, once it is drawn, in a worker."""
        current = self.desk.project.current
        if self.subject is None or self.subject.which != current:
            self._to_fit = current
            return
        if self._may_fit():
            assert self.subject is not None
            self.runs.fit_one(self.subject)

    def search_current(self) -> None:
        """Search the modes of the current spectrum."""
        if self._may_fit():
            assert self.subject is not None
            self.batches.fit_alone(self.subject, "auto")

    def predict_current(self) -> None:
        """Fit the modes that the project predicts for the current spectrum."""
        if self._may_fit():
            assert self.subject is not None
            self.batches.fit_alone(self.subject, "predicted")

    def fit_all(self) -> None:
        """Fit all spectra of the scan or of the project, as the bar says."""
        if self.subject is not None:
            self.batches.fit_all(self.subject, self.bar.scope_wanted, self.bar.manner_wanted)

    def _may_fit(self) -> bool:
        if self.subject is None:
            return False
        which = self.subject.which
        if self.desk.project.is_masked(which):
            self.desk.messages.warning(
                f"{which.key} {which.analyzer}", "masked, so it is left out of fits"
            )
            return False
        return True

    # -- showing --------------------

    def _show(self, subject: Subject | None) -> None:
        other = subject is None or self.subject is None or subject.which != self.subject.which
        self.subject = subject
        self._pages.setCurrentIndex(int(subject is not None))
        if subject is None:
            self.plot.show_subject(None, -1)
            return
        last = len(subject.draft.modes) - 1
        self.selected = min(0 if other else max(self.selected, 0), last)
        if other:
            self._earlier = None
            self.plot.show_earlier(None, None)
            self.words.show_versions(self.source.versions(subject.which.key))
        self.plot.show_subject(subject, self.selected)
        if other:
            self.plot.show_all()
        self.heading.setText(spectrum_title(subject.spectrum))
        self._show_legend()
        for table in (self.modes, self.others):
            table.show_subject(subject)
        self._select_row()
        self.model_bar.show_subject(subject)
        self.missing_bar.show_subject(subject)
        self._say()
        wanted, self._to_fit = self._to_fit, None
        if wanted == subject.which:
            self.fit_current()

    def _say(self) -> None:
        subject, project = self.subject, self.desk.project
        if subject is None:
            return
        which = subject.which
        failure = project.failures.get(which)
        self.words.show_words(report(subject, project.is_masked(which), failure))
        has_model = subject.model is not None
        self.bar.predict.setEnabled(has_model and self.source.prediction(which) is not None)
        self.bar.search.setEnabled(has_model)
        self.bar.show_jobs(self.runs.active)

    def _show_legend(self) -> None:
        self.legend.setText(self.plot.curves.legend())

    def _select_row(self) -> None:
        if self.selected >= 0 and self.mode_view.currentIndex().row() != self.selected:
            column = max(self.mode_view.currentIndex().column(), 1)
            self.mode_view.setCurrentIndex(self.modes.index(self.selected, column))

    # -- edits --------------------

    def edit(self, draft: FitDraft, text: str, merge: str = "") -> None:
        """Another draft of the spectrum shown, as one step of undo."""
        if self.subject is not None:
            try:
                draft = resolved(draft)
            except InputError as error:
                self.desk.messages.error(text, error)
                return
            document = self.desk.project.document
            self._apply(with_draft(document, self.subject.which, draft), text, merge)

    def add_mode(self, energy_mev: float) -> None:
        """A further mode at a true energy, as strong as the counts have it."""
        subject = self.subject
        if subject is None or subject.model is None:
            self._say_why_not("a new mode")
            return
        try:
            draft, self.selected = with_new_mode(
                subject.draft, energy_mev, subject.to_fit(), subject.model
            )
        except InputError as error:
            self.desk.messages.error("a new mode", error)
            return
        self.edit(draft, f"add a mode at {abs(energy_mev):.2f} meV")

    def remove_mode(self) -> None:
        """Without the mode that is chosen."""
        if self.subject is not None and 0 <= self.selected < len(self.subject.draft.modes):
            number = self.selected + 1
            self.edit(self.subject.draft.without_mode(self.selected), f"remove mode {number}")

    def _apply(self, document: Document, text: str, merge: str = "") -> None:
        self.desk.project.apply(document, text, merge)

    def _edit_value(self, name: str, value: float) -> None:
        self._try(lambda draft: draft.with_value(name, value), f"set {parameter_text(name)}")

    def _edit_tie(self, name: str, tie: str) -> None:
        text = f"tie {parameter_text(name)}" if tie else f"untie {parameter_text(name)}"
        self._try(lambda draft: with_tie(draft, name, tie), text)

    def _edit_fixed(self, name: str, fixed: bool) -> None:
        text = f"{'fix' if fixed else 'free'} {parameter_text(name)}"
        self._try(lambda draft: with_fixed(draft, name, fixed), text)

    def _try(self, change: Callable[[FitDraft], FitDraft], text: str) -> None:
        if self.subject is None:
            return
        try:
            draft = change(self.subject.draft)
        except InputError as error:
            self.desk.messages.error(text, error)
            return
        self.edit(draft, text)

    def _strengths(self) -> None:
        if self.subject is None or self.subject.model is None:
            return
        model, points = self.subject.model, self.subject.to_fit
        self._try(lambda draft: with_strengths(draft, points(), model), "strengths from data")

    def _say_why_not(self, subject: str) -> None:
        self.desk.messages.warning(subject, "without a resolution there is no model to add it to")

    # -- drags --------------------

    def _drag(self, change: Callable[[FitDraft], FitDraft], text: str) -> None:
        if self.subject is None:
            return
        if not self._dragging:
            self._dragging = True
            self._drags += 1
        self.edit(change(self.subject.draft), text, merge=f"fit drag {self._drags}")

    def _drag_energy(self, index: int, energy: float) -> None:
        name = f"mode{index + 1}_energy"
        self.selected = index
        self._drag(lambda draft: draft.with_value(name, energy), f"move mode {index + 1}")

    def _drag_width(self, index: int, fwhm: float) -> None:
        name = f"mode{index + 1}_fwhm"
        self._drag(lambda draft: draft.with_value(name, fwhm), f"width of mode {index + 1}")

    def _drag_range(self, low: float, high: float) -> None:
        def ends(draft: FitDraft) -> FitDraft:
            zero = draft.zero.value
            return replace(draft, range_mev=(low + zero, high + zero))

        self._drag(ends, "range")

    def _released(self) -> None:
        self._dragging = False

    # -- earlier fits --------------------

    def _read_earlier(self, version: Version | None) -> None:
        path = self.desk.project.path
        if version is None or path is None or self.subject is None:
            self._show_earlier(None)
            return
        self.desk.runner.submit(
            partial(read_version, path, self.subject.which, version.number),
            title="reading an earlier fit",
            on_result=self._show_earlier,
            on_error=self._no_earlier,
            group="fit-earlier",
            quiet=True,
        )

    def _no_earlier(self, error: Exception) -> None:
        self._show_earlier(None)
        self.words.show_earlier([Words(str(error), "warning")])
        self.words.take.setEnabled(False)

    def _show_earlier(self, fit: SpectrumFit | None) -> None:
        self._earlier = fit
        if fit is None:
            self.plot.show_earlier(None, None)
            self._show_legend()
            self.words.show_earlier(())
            return
        curves = fit_curves(fit)
        self.plot.show_earlier(curves.energy_mev, curves.total)
        self._show_legend()
        modes = ", ".join(f"{mode.energy.value:.2f}" for mode in fit.modes) or "none"
        self.words.show_earlier([Words(f"Modes at {modes} meV"), *fit_report(fit)])

    def _take_over(self, version: Version | None) -> None:
        if self._earlier is None or self.subject is None or version is None:
            return
        which = self.subject.which
        document = self.desk.project.document.with_fits({which: self._earlier})
        self._apply(with_draft(document, which, None), "take an earlier fit over")

    # -- building --------------------

    def _lay_out(self) -> None:
        self.heading = QLabel("")
        self.heading.setObjectName("fit-heading")
        self.heading.setContentsMargins(10, 2, 4, 0)
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setObjectName("fit-below")
        for widget, share in ((self.mode_view, 2), (self.other_view, 0), (self.words, 1)):
            below.addWidget(widget)
            below.setStretchFactor(below.count() - 1, share)
        below.setSizes([555, 312, 262])
        model = QWidget()
        model_layout = QVBoxLayout(model)
        model_layout.setContentsMargins(6, 2, 0, 0)
        model_layout.setSpacing(4)
        model_layout.addWidget(self.model_bar)
        model_layout.addWidget(below, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setObjectName("fit-splitter")
        self.splitter.addWidget(self.plot.canvas)
        self.splitter.addWidget(model)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([420, 235])
        nothing = QLabel(_NOTHING)
        nothing.setObjectName("fit-nothing")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        full = QWidget()
        layout = QVBoxLayout(full)
        layout.setContentsMargins(0, 0, 6, 6)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        top = QHBoxLayout()
        self.legend = QLabel("")
        self.legend.setObjectName("fit-legend")
        self.legend.setAccessibleName("What the curves are")
        top.addWidget(self.heading, 1)
        top.addWidget(self.legend)
        top.addWidget(self.missing_bar)
        layout.addLayout(top)
        layout.addWidget(self.splitter, 1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(nothing)
        self._pages.addWidget(full)

    def _connect_bars(self) -> None:
        bar, model = self.bar, self.model_bar
        bar.fit.clicked.connect(self.fit_current)
        bar.search.clicked.connect(self.search_current)
        bar.predict.clicked.connect(self.predict_current)
        bar.fit_all.clicked.connect(self.fit_all)
        bar.cancel.clicked.connect(self.runs.cancel)
        bar.log.toggled.connect(self.plot.set_log)
        bar.resolution.toggled.connect(self.plot.show_resolution)
        bar.resolution.toggled.connect(lambda _: self._show_legend())
        bar.whole.clicked.connect(self.plot.show_all)
        model.changed.connect(self.edit)
        model.strengths_wanted.connect(self._strengths)
        self.missing_bar.nominal_wanted.connect(self._use_nominal)
        self.missing_bar.temperature_wanted.connect(self._use_temperature)
        self.words.version_chosen.connect(self._read_earlier)
        self.words.version_wanted.connect(self._take_over)
        self.runs.changed.connect(self._say)
        self.source.arrived.connect(super().mark_stale)
        self.desk.project.failures_changed.connect(self._say)

    def _use_nominal(self, fwhm_mev: float) -> None:
        self._apply(
            with_nominal(self.desk.project.document, fwhm_mev), f"nominal R of {fwhm_mev:g} meV"
        )

    def _use_temperature(self, kelvin: float) -> None:
        self._apply(with_temperature(self.desk.project.document, kelvin), f"{kelvin:g} K")

    def _connect_gestures(self) -> None:
        plot = self.plot
        plot.mode_wanted.connect(self.add_mode)
        plot.mode_selected.connect(self._select)
        plot.energy_moved.connect(self._drag_energy)
        plot.width_moved.connect(self._drag_width)
        plot.range_moved.connect(self._drag_range)
        plot.released.connect(self._released)
        plot.pointed.connect(self._tell_cursor)
        for table in (self.modes, self.others):
            table.value_edited.connect(self._edit_value)
            table.fixed_edited.connect(self._edit_fixed)
            table.tie_edited.connect(self._edit_tie)
            table.refused.connect(
                lambda name, text: self.desk.messages.warning(
                    parameter_text(name), f"“{text}” is no number"
                )
            )
        self.mode_view.selectionModel().currentRowChanged.connect(self._on_row)

    def _add_keys(self) -> None:
        for keys, do in (
            ("P", self._add_at_cursor),
            ("Delete", self.remove_mode),
            ("L", self.bar.log.toggle),
            ("Home", self.plot.show_all),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)

    def _add_at_cursor(self) -> None:
        if self.plot.cursor_mev is not None:
            self.add_mode(self.plot.cursor_mev)

    def _select(self, index: int) -> None:
        self.selected = index
        if self.subject is not None:
            self.plot.show_subject(self.subject, index)
            self._select_row()

    def _on_row(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid() and index.row() != self.selected:
            self._select(index.row())

    def _tell_cursor(self, energy: float, counts: float) -> None:
        if self.subject is not None:
            q = describe_q(self.subject.spectrum)
            text = f"E = {energy:.2f} meV   {counts:.1f} counts per point   {q}"
            self.cursor_text.emit(text.replace("-", "−"))


def _choices(document: Document) -> dict[str, object]:
    return {name: value for (tab, name), value in document.choices.items() if tab == TAB}
