"""The tab Fit: a spectrum, its model, residuals; modes are set by hand and fitted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.models.document import Document, SpectrumId
from gui.models.fit_export import export_of
from gui.models.fit_inputs import TAB
from gui.models.fit_report import report
from gui.models.fit_subject import Subject
from gui.plots.export import Export, LateExport
from gui.theme import Theme
from gui.views.fit_batches import FitBatches
from gui.views.fit_earlier import EarlierFit
from gui.views.fit_edits import FitEdits
from gui.views.fit_runs import FitRuns
from gui.views.fit_source import FitSource
from gui.views.fit_widgets import FitWidgets
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError
from ixs_reduce.fit_words import describe_q, spectrum_title


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
        self.widgets = widgets = FitWidgets(theme)
        self.plot, self.words = widgets.plot, widgets.words
        self.bar, self.model_bar, self.missing_bar = (
            widgets.bar,
            widgets.model_bar,
            widgets.missing_bar,
        )
        self.modes, self.others = widgets.modes, widgets.others
        self.mode_view, self.other_view = widgets.mode_view, widgets.other_view
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(widgets)
        self.source = FitSource(desk)
        self.runs = FitRuns(desk)
        self.batches = FitBatches(desk, self.runs)
        self.subject: Subject | None = None
        self.selected = 0
        self._to_fit: SpectrumId | None = None
        self.edits = FitEdits(self)
        self.earlier = EarlierFit(self)
        self._connect()
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
        self.earlier.forget()
        self.subject = None
        self._to_fit = None
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
        self.widgets.set_theme(theme)

    def export(self) -> Export | LateExport:
        """The spectrum as shown; InputError without a model."""
        if self.subject is None:
            raise InputError("no spectrum is shown")
        which = self.subject.which
        return export_of(self.subject, self.source.prediction(which), self.plot.log)

    def take_file(self, path: Path, kind: str) -> None:
        """Take the resolution functions of a JSON table, as `ixs resolution --json` prints."""
        self.edits.take_resolutions(path)

    def give_up(self) -> None:
        """Esc: the drag under way goes back, else the fits under way end."""
        if not self.edits.give_up_drag():
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
        self.widgets.show_any(subject is not None)
        if subject is None:
            self.plot.show_subject(None, -1)
            return
        last = len(subject.draft.modes) - 1
        self.selected = min(0 if other else max(self.selected, 0), last)
        if other:
            self.earlier.forget()
            self.words.show_versions(self.source.versions(subject.which.key))
        self.plot.show_subject(subject, self.selected)
        if other:
            self.plot.show_all()
        self.widgets.heading.setText(spectrum_title(subject.spectrum))
        self.widgets.show_legend()
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

    def _select_row(self) -> None:
        if self.selected >= 0 and self.mode_view.currentIndex().row() != self.selected:
            column = max(self.mode_view.currentIndex().column(), 1)
            self.mode_view.setCurrentIndex(self.modes.index(self.selected, column))

    # -- bars, keys, mouse --------------------

    def _connect(self) -> None:
        bar = self.bar
        bar.fit.clicked.connect(self.fit_current)
        bar.search.clicked.connect(self.search_current)
        bar.predict.clicked.connect(self.predict_current)
        bar.fit_all.clicked.connect(self.fit_all)
        bar.cancel.clicked.connect(self.runs.cancel)
        bar.log.toggled.connect(self.plot.set_log)
        bar.resolution.toggled.connect(self.plot.show_resolution)
        bar.resolution.toggled.connect(lambda _: self.widgets.show_legend())
        bar.whole.clicked.connect(self.plot.show_all)
        self.runs.changed.connect(self._say)
        self.source.arrived.connect(super().mark_stale)
        self.desk.project.failures_changed.connect(self._say)
        self.plot.mode_selected.connect(self._select)
        self.plot.pointed.connect(self._tell_cursor)
        self.mode_view.selectionModel().currentRowChanged.connect(self._on_row)

    def _add_keys(self) -> None:
        for keys, do in (
            ("P", self.edits.add_at_cursor),
            ("Delete", self.edits.remove_mode),
            ("L", self.bar.log.toggle),
            ("Home", self.plot.show_all),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)

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
