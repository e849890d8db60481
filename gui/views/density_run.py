"""The form of a reconstruction in the tab Density, and how it goes: χ² and R at every step."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.models.density_run import RunSettings, run
from gui.plots.axes import make_canvas, make_plot, style_plot
from gui.theme import Theme
from gui.views.named import button, choice, named
from gui.views.tab import Desk
from ixs_core.errors import InputError
from mem.analysis_options import AnalysisOptions, parse_moments
from mem.steps import SOLVERS, SolverStep

if TYPE_CHECKING:
    from gui.runner import Job
    from mem.analysis import Analysis

_REDRAW_MS = 50  # fast solvers make hundreds of steps a second
_NO_FILE = "Drop a CIF of structure factors, or choose one."


class RunForm(QWidget):
    """Settings, Run and Stop, and the curve of the steps.

    Signals
    -------
    made : (Analysis, RunSettings), also of a run that was stopped with a density.
    """

    made = Signal(object, object)

    def __init__(self, desk: Desk, theme: Theme) -> None:
        super().__init__()
        self._desk = desk
        self._job: Job | None = None
        self._handed_over = False
        self._settings: RunSettings | None = None
        self.steps: list[SolverStep] = []
        self._make_fields()
        self._make_plot(theme)
        self._lay_out()
        self._redraw = QTimer(self, singleShot=True, interval=_REDRAW_MS)
        self._redraw.timeout.connect(self._show_steps)
        self._show_state()

    # -- widgets --------------------

    def _make_fields(self) -> None:
        self.file = _line("density-run-file", "File of structure factors", _NO_FILE)
        self.file.textChanged.connect(lambda _: self._show_state())
        self.choose = _browse("density-run-choose", "Choose the file of structure factors")
        self.choose.clicked.connect(partial(self._ask_file, self.file))
        self.model = _line("density-run-model", "CIF of the refined model", "of the same file")
        self.choose_model = _browse("density-run-choose-model", "Choose the CIF of the model")
        self.choose_model.clicked.connect(partial(self._ask_file, self.model))
        self.grid_step = _number("density-run-grid-step", "Grid step in Å", 0.02, 0.5, 0.05, 0.01)
        self.grid_step.setSuffix(" Å")
        self.prior = QComboBox()
        self.prior.addItems(["uniform", "procrystal"])
        self.prior.setEditable(True)
        self.prior.setObjectName("density-run-prior")
        self.prior.setAccessibleName("Prior: uniform, procrystal, or a density file")
        self.prior.setToolTip("uniform, procrystal (the refined atoms), or the path of a map")
        self.weighting = _number("density-run-weighting", "Power p of the weights", -20, 20, 0, 1)
        self.weighting.setDecimals(1)
        self.weighting.setPrefix("d^")
        self.weighting.setToolTip("Weights d^p of the reflections; 0: none, 4 is usual")
        self.moments = _line("density-run-moments", "Moments of the residuals", "2")
        self.moments.setText("2")
        self.moments.setToolTip('Moments of the residuals to meet: "2" (χ²), "6", "2:1,4:0.5"')
        self.target = _number("density-run-target", "Target of χ²", 0.01, 100, 1.0, 0.1)
        self.solver = choice("density-run-solver", "Solver", SOLVERS)
        self.solver.setToolTip("All but sakata-sato end in the same density; auto is the fastest")
        self.weights = choice(
            "density-run-weights",
            "σ with the refinement's weights, or as measured",
            ("refinement", "sigma"),
        )
        self.plane = _line("density-run-plane", "Section", "0 1 0")
        self.path = _line("density-run-path", "Path of the profile", "Cu, Cu : I, or points")
        self.bootstrap = QSpinBox()
        self.bootstrap.setRange(0, 1000)
        self.bootstrap.setObjectName("density-run-bootstrap")
        self.bootstrap.setAccessibleName("Resampled data for σ of the profile")
        self.bootstrap.setSpecialValueText("none: no σ band")
        self.bootstrap.setToolTip("Reconstructions of resampled data, which give σ; 50 is usual")
        self.start = button("density-run-start", "Reconstruct", "Reconstruct the density")
        self.start.clicked.connect(self.begin)
        self.stop = button("density-run-stop", "Stop, keep the map", "Stop and keep the last map")
        self.stop.clicked.connect(self.cancel)
        self.state = QLabel("")
        self.state.setObjectName("density-run-state")
        self.state.setAccessibleName("State of the reconstruction")
        self.state.setWordWrap(True)

    def _make_plot(self, theme: Theme) -> None:
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("density-run-steps")
        self.canvas.setAccessibleName("χ² and R at every step")
        self.canvas.setMinimumHeight(150)
        self.plot = make_plot(theme, "Step", "χ², R (%)", mouse=False)
        self.plot.getAxis("left").setWidth(48)
        self.plot.getAxis("left").setLogMode(True)
        self.legend = self.plot.addLegend(offset=(-4, 2), labelTextSize="9pt")
        self.chi2 = pg.PlotDataItem(symbol="o", symbolSize=4)
        self.r_factor = pg.PlotDataItem(symbol="s", symbolSize=4)
        self.plot.addItem(self.chi2)
        self.plot.addItem(self.r_factor)
        self.goal = pg.InfiniteLine(0.0, angle=0)
        self.plot.addItem(self.goal)
        self.canvas.addItem(self.plot)
        self.set_theme(theme)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(3)
        form.setFieldGrowthPolicy(form.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Data", _beside(self.file, self.choose))
        form.addRow("Model", _beside(self.model, self.choose_model))
        form.addRow("σ", self.weights)
        form.addRow("Prior", self.prior)
        form.addRow("Grid step", self.grid_step)
        form.addRow("Weights", self.weighting)
        form.addRow("Target", _beside(self.target, QLabel("moments"), self.moments))
        form.addRow("Solver", self.solver)
        form.addRow("Section", self.plane)
        form.addRow("Path", self.path)
        form.addRow("Resamplings", self.bootstrap)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 2)
        layout.setSpacing(4)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self.state)
        layout.addWidget(self.canvas, 1)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.canvas.setBackground(theme.plot)
        style_plot(self.plot, theme)
        self.legend.clear()
        self.legend.setLabelTextColor(theme.text)
        for item, name in ((self.chi2, "χ²"), (self.r_factor, "R (%)")):
            self.legend.addItem(item, name)
        for item, number in ((self.chi2, 0), (self.r_factor, 3)):
            item.setPen(theme.series_pen(number))
            item.setSymbolPen(None)
            item.setSymbolBrush(theme.series_color(number))
        self.goal.setPen(theme.pen(theme.quiet, 1, 1))

    # -- settings --------------------

    def show_file(self, path: Path) -> None:
        """Put a file into the form."""
        self.file.setText(str(path))

    def show_choices(self, plane: str, path: str) -> None:
        """Put the plane and path that are shown into the form."""
        for field, text in ((self.plane, plane), (self.path, path)):
            if not field.isModified():
                field.setText(text)

    def settings(self, through: str | None) -> RunSettings:
        """What the form says.

        Raises
        ------
        InputError
            There is no file, or the moments are none.
        """
        if not self.file.text().strip():
            raise InputError("no structure factors", key="data", hint=_NO_FILE)
        plane, path, model = (field.text().strip() for field in (self.plane, self.path, self.model))
        options = AnalysisOptions(
            planes=(plane,) if plane else (),
            through=through if plane and ":" not in plane else None,
            paths=(path,) if path else (),
            bootstrap=self.bootstrap.value(),
            prior=self.prior.currentText().strip() or "uniform",
            weighting=self.weighting.value(),
            moments=parse_moments(self.moments.text().strip() or "2"),
            target=self.target.value(),
            grid_step=self.grid_step.value(),
            solver=self.solver.currentText(),
        )
        return RunSettings(
            Path(self.file.text().strip()),
            Path(model) if model else None,
            "sigma" if self.weights.currentText() == "sigma" else "refinement",
            options,
        )

    # -- the run --------------------

    through: str | None = None

    @property
    def running(self) -> bool:
        """Whether a reconstruction is under way."""
        return self._job is not None

    def begin(self) -> None:
        """Start; what is wrong with the form is said."""
        if self.running:
            return
        try:
            settings = self.settings(self.through)
        except InputError as error:
            self._desk.messages.error("reconstruction", error)
            self.state.setText(str(error))
            return
        self.steps, self._handed_over = [], False
        self._settings = settings
        self.goal.setPos(float(np.log10(settings.options.target)))
        self._show_steps()
        self.state.setText("Reading…")
        tell = self._desk.runner.tell
        self._job = self._desk.runner.submit(
            partial(
                run,
                settings,
                lambda step: tell(partial(self._on_step, settings, step)),
                lambda analysis: tell(partial(self._on_made, settings, analysis)),
            ),
            title=f"density of {settings.file.name}",
            on_error=self._failed,
            on_progress=self._on_progress,
            on_end=self._ended,
        )
        self._show_state()

    def cancel(self) -> None:
        """Stop; the last map is kept."""
        if self._job is not None:
            self._job.cancel()
            self.state.setText("Stopping; the last map is kept…")
            self.stop.setEnabled(False)

    def abandon(self) -> None:
        """Another project is open: what still runs is not for it."""
        if self._job is not None:
            self._settings = None
            self._job.cancel()
            self._desk.messages.warning(
                self._job.title, "stopped and dropped: another project was opened"
            )

    def _on_step(self, settings: RunSettings, step: SolverStep) -> None:
        if settings is not self._settings:
            return
        self.steps.append(step)
        if not self._redraw.isActive():
            self._redraw.start()
        if self._job is not None and not self._job.cancel_token.cancelled:
            self.state.setText(_words(step))

    def _on_progress(self, done: int, total: int, text: str) -> None:
        """What comes after the solver: basins, resampled data."""
        if text and not text.startswith("χ²"):
            share = f" {done} of {total}" if total else ""
            self.state.setText(f"{text}{share}…")

    def _on_made(self, settings: RunSettings, analysis: Analysis) -> None:
        if settings is not self._settings:
            return
        self._handed_over = True
        s = analysis.result.statistics
        ended = s["stopped"] or "Done"
        self.state.setText(
            f"{ended.capitalize()}: χ² {s['chi2']:.4g}, R {100 * s['r_factor']:.2f} %, "
            f"{s['iterations'] or len(self.steps)} steps, {s['seconds']:.1f} s"
        )
        self.made.emit(analysis, settings)

    def _failed(self, error: Exception) -> None:
        self.state.setText(f"Failed: {error}")
        self._desk.messages.error("reconstruction", error)

    def _ended(self) -> None:
        cancelled = self._job is not None and self._job.state == "cancelled"
        self._job = None
        self._redraw.stop()
        self._show_steps()
        if cancelled and not self._handed_over:
            self.state.setText("Stopped before there was a map.")
        self._show_state()

    # -- showing --------------------

    def _show_state(self) -> None:
        self.start.setEnabled(not self.running and bool(self.file.text().strip()))
        self.stop.setEnabled(self.running)
        if not self.file.text().strip() and not self.running:
            self.state.setText(_NO_FILE)
        elif self.state.text() == _NO_FILE:
            self.state.setText("")

    def _show_steps(self) -> None:
        number = np.array([step.number for step in self.steps], dtype=float)
        values = [
            np.log10(np.maximum([getattr(step, name) * unit for step in self.steps], 1e-3))
            for name, unit in (("chi2", 1.0), ("r_factor", 100.0))
        ]
        for item, heights in zip((self.chi2, self.r_factor), values, strict=True):
            item.setData(number, heights)
        if number.size:
            every = np.concatenate([*values, [self.goal.value()]])
            self.plot.setXRange(0, max(float(number.max()), 5.0), padding=0.02)
            self.plot.setYRange(float(every.min()), float(every.max()), padding=0.08)

    def _ask_file(self, field: QLineEdit) -> None:
        folder = self._desk.settings.folder("open")
        name, _ = QFileDialog.getOpenFileName(self, "Structure factors", folder)
        if name:
            self._desk.settings.set_folder("open", Path(name))
            field.setText(name)


def _words(step: SolverStep) -> str:
    return f"Step {step.number} ({step.solver}): χ² {step.chi2:.4g}, R {100 * step.r_factor:.2f} %"


def _line(name: str, words: str, hint: str) -> QLineEdit:
    field = named(QLineEdit(), name, words)
    field.setPlaceholderText(hint)
    return field


def _browse(name: str, words: str) -> QToolButton:
    browse = named(QToolButton(), name, words)
    browse.setText("…")
    return browse


def _number(
    name: str, words: str, low: float, high: float, value: float, step: float
) -> QDoubleSpinBox:
    box = named(QDoubleSpinBox(), name, words)
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setValue(value)
    return box


def _beside(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(3)
    for widget in widgets:
        layout.addWidget(widget)
    return row
