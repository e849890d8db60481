"""The bars of the tab Fit: fits and their progress above, what the model has beside the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSpinBox,
    QWidget,
)

from gui.models.fit_draft import FitDraft
from gui.models.fit_jobs import Manner
from gui.models.fit_subject import Subject
from gui.runner import Job
from gui.views.named import button, choice, named, toggle

_SCOPES = (("this scan", "scan"), ("whole project", "project"))
_MANNERS: tuple[tuple[str, Manner], ...] = (
    ("with this model", "same"),
    ("modes searched", "auto"),
    ("modes predicted", "predicted"),
    *((f"{n} mode{'s' if n > 1 else ''}", n) for n in range(1, 9)),
)


class FitBar(QWidget):
    """Buttons that fit, what is under way, how it is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.fit = button("fit-one", "Fit", "Fit this spectrum from what is drawn (Ctrl+F)")
        self.search = button("fit-search", "Search modes", "Find how many modes there are")
        self.predict = button(
            "fit-predicted", "From prediction", "Fit the modes that the project predicts here"
        )
        self.scope = choice("fit-scope", "Which spectra", [text for text, _ in _SCOPES])
        self.manner = choice("fit-manner", "Fitted how", [text for text, _ in _MANNERS])
        self.fit_all = button("fit-all", "Fit all", "Fit all these spectra; masked ones stay out")
        self.bar = QProgressBar()
        self.bar.setObjectName("fit-progress")
        self.bar.setAccessibleName("Progress of the fits")
        self.bar.setMaximumWidth(260)
        self.cancel = button("fit-cancel", "Cancel", "End the fits under way (Esc)")
        self.log = toggle("fit-log", "Log", "Logarithmic counts (L)")
        self.resolution = toggle("fit-resolution", "R(E)", "Show the resolution function")
        self.whole = button("fit-whole", "Show all", "Show the whole spectrum (Home)")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 2)
        row.setSpacing(5)
        for widget in (self.fit, self.search, self.predict, _gap(), self.scope, self.manner):
            row.addWidget(widget)
        row.addWidget(self.fit_all)
        row.addSpacing(10)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        row.addStretch(1)
        for widget in (self.log, self.resolution, self.whole):
            row.addWidget(widget)
        self.show_jobs([])

    @property
    def scope_wanted(self) -> str:
        """ "scan" or "project"."""
        return _SCOPES[self.scope.currentIndex()][1]

    @property
    def manner_wanted(self) -> Manner:
        """How many spectra are to be fitted."""
        return _MANNERS[self.manner.currentIndex()][1]

    def show_jobs(self, jobs: list[Job]) -> None:
        """Progress, time to go and Cancel of what is under way."""
        for widget in (self.bar, self.cancel):
            widget.setVisible(bool(jobs))
        if not jobs:
            return
        job = jobs[-1]
        self.bar.setRange(0, job.total)
        self.bar.setValue(job.done)
        left = job.seconds_left
        togo = f", {left:.0f} s left" if left is not None and job.done < job.total else ""
        count = f" {job.done} of {job.total}" if job.total else ""
        self.bar.setFormat(f"{'fitting' if job.total else 'starting'}{count}{togo}")
        self.bar.setToolTip(job.title)


class ModelBar(QWidget):
    """What a model has besides modes, and how it is fitted.

    Signals
    -------
    changed : (FitDraft, what undo calls it).
    strengths_wanted : take all strengths from the counts.
    """

    changed = Signal(object, str)
    strengths_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._subject: Subject | None = None
        self.elastic = QCheckBox("Elastic")
        self.quasielastic = QCheckBox("Quasi-elastic")
        self.background = choice("fit-background", "Background", ["linear", "constant", "none"])
        self.objective = choice("fit-objective", "Objective", ["Poisson", "χ²"])
        self.starts = QSpinBox()
        self.starts.setRange(1, 12)
        self.starts.setToolTip(
            "Start points of a fit: 1 begins from what is drawn, more look about"
        )
        self.whole_range = button("fit-whole-range", "All points", "Fit the whole range again")
        self.strengths = button(
            "fit-strengths", "Strengths from data", "Set all free strengths by least squares"
        )
        for widget, name, title in (
            (self.elastic, "fit-elastic", "Elastic line"),
            (self.quasielastic, "fit-quasielastic", "Quasi-elastic line"),
            (self.starts, "fit-starts", "Start points"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(title)
        self._lay_out()
        self._connect()

    def show_subject(self, subject: Subject | None) -> None:
        """Show the choices of a draft."""
        self._subject = None  # what is set now is no edit
        draft = subject.draft if subject is not None else FitDraft()
        self.elastic.setChecked(draft.elastic is not None)
        self.quasielastic.setChecked(draft.qe_amplitude is not None)
        self.background.setCurrentText(draft.background)
        self.objective.setCurrentIndex(int(draft.objective == "chi2"))
        self.starts.setValue(draft.starts)
        self.whole_range.setEnabled(draft.range_mev is not None)
        usable = subject is not None and subject.model is not None
        for control in (self.elastic, self.quasielastic, self.background, self.strengths):
            control.setEnabled(usable)
        self._subject = subject

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.elastic)
        row.addWidget(self.quasielastic)
        for text, widget in (
            ("Background", self.background),
            ("Objective", self.objective),
            ("Start points", self.starts),
        ):
            row.addSpacing(6)
            row.addWidget(_label(text))
            row.addWidget(widget)
        row.addSpacing(6)
        row.addWidget(self.strengths)
        row.addWidget(self.whole_range)
        row.addStretch(1)

    def _connect(self) -> None:
        self.elastic.clicked.connect(
            lambda on: self._change(lambda d: d.with_elastic(on), "elastic line")
        )
        self.quasielastic.clicked.connect(self._on_quasielastic)
        self.background.activated.connect(
            lambda _: self._set("background", self.background.currentText())
        )
        self.objective.activated.connect(
            lambda place: self._set("objective", ("poisson", "chi2")[place])
        )
        self.starts.valueChanged.connect(lambda number: self._set("starts", number))
        self.whole_range.clicked.connect(lambda: self._set("range_mev", None))
        self.strengths.clicked.connect(self.strengths_wanted)

    def _on_quasielastic(self, wanted: bool) -> None:
        resolution = self._subject.resolution if self._subject is not None else None
        width = 2 * resolution.fwhm_mev if resolution is not None else 1.0
        self._change(lambda d: d.with_quasielastic(wanted, width), "quasi-elastic line")

    def _set(self, name: str, value: object) -> None:
        text = {"range_mev": "range", "starts": "start points"}.get(name, name)
        changes: dict[str, Any] = {name: value}
        self._change(lambda draft: replace(draft, **changes), text)

    def _change(self, how: Callable[[FitDraft], FitDraft], text: str) -> None:
        if self._subject is None:
            return
        draft = how(self._subject.draft)
        if draft != self._subject.draft:
            self.changed.emit(draft, f"change {text}")


class MissingBar(QWidget):
    """Asks for a resolution or temperature where none is known; empty otherwise.

    Signals
    -------
    nominal_wanted : float, FWHM in meV of a nominal resolution.
    temperature_wanted : float, K.
    """

    nominal_wanted = Signal(float)
    temperature_wanted = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.nominal = _number("fit-nominal", "Nominal FWHM of R in meV", 0.05, 50.0, 1.5, " meV")
        self.use_nominal = button("fit-use-nominal", "Use nominal R", "Go on without a measured R")
        self.temperature = _number("fit-temperature", "Temperature in K", 1.0, 2000.0, 300.0, " K")
        self.use_temperature = button("fit-use-temperature", "Use this T", "Temperature to use")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (self.nominal, self.use_nominal, self.temperature, self.use_temperature):
            row.addWidget(widget)
        self.use_nominal.clicked.connect(lambda: self.nominal_wanted.emit(self.nominal.value()))
        self.use_temperature.clicked.connect(
            lambda: self.temperature_wanted.emit(self.temperature.value())
        )
        self.show_subject(None)

    def show_subject(self, subject: Subject | None) -> None:
        """Ask for what a subject lacks."""
        no_resolution = subject is not None and (subject.chosen is None or subject.chosen.nominal)
        no_temperature = subject is not None and subject.temperature_k is None
        for widget in (self.nominal, self.use_nominal):
            widget.setVisible(no_resolution)
        for widget in (self.temperature, self.use_temperature):
            widget.setVisible(no_temperature)


def _number(
    name: str, title: str, low: float, high: float, value: float, suffix: str
) -> QDoubleSpinBox:
    box = named(QDoubleSpinBox(), name, title)
    box.setRange(low, high)
    box.setDecimals(2)
    box.setValue(value)
    box.setSuffix(suffix)
    return box


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return label


def _gap() -> QWidget:
    gap = QWidget()
    gap.setFixedWidth(10)
    return gap
