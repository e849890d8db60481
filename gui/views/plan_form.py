"""The form of a new plan: what is wanted, where, how precisely, from which files."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.models.plan_sources import PlanSources
from gui.views.named import named
from simulate.planning.targets import EXAMPLES


class PlanForm(QWidget):
    """Targets, zones, precision, ions, temperature; Plan and Cancel.

    Signals
    -------
    plan_wanted, cancel_wanted
    sources_edited
        Ions, temperature, resolution or rates were changed.
    """

    plan_wanted = Signal()
    cancel_wanted = Signal()
    sources_edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.targets = QPlainTextEdit()
        named(self.targets, "plan-targets", "Wanted modes, one per line")
        self.targets.setPlaceholderText("q=(0,0.3,0) branch=1-3\nΓ-Y points=5 energy=3-5")
        self.targets.setToolTip(f"One per line, such as {EXAMPLES}")
        self.targets.setTabChangesFocus(True)
        self.zones = QPlainTextEdit()
        named(self.zones, "plan-zones", "Bragg points to measure near, one per line; all if empty")
        self.zones.setPlaceholderText("7 7 0\n(all within reach)")
        self.zones.setTabChangesFocus(True)
        self.sigma = QDoubleSpinBox(decimals=3, minimum=0.001, maximum=10.0, value=0.1)
        self.sigma.setSuffix(" meV")
        self.sigma.setSingleStep(0.05)
        named(self.sigma, "plan-sigma", "Wanted standard error of the energies")
        self.sigma_width = QDoubleSpinBox(decimals=0, minimum=0.0, maximum=100.0, value=0.0)
        self.sigma_width.setSuffix(" %")
        self.sigma_width.setSpecialValueText("any")
        named(
            self.sigma_width,
            "plan-sigma-width",
            "Wanted error of the widths, relative",
        )
        self.ions = QLineEdit()
        self.ions.setPlaceholderText("neutral atoms")
        named(self.ions, "plan-ions", "Form factors of ions, as Cs1+,Cu1+,I1-")
        self.kelvin = QDoubleSpinBox(decimals=1, minimum=0.0, maximum=3000.0, value=0.0)
        self.kelvin.setSuffix(" K")
        self.kelvin.setSpecialValueText("experiment’s")
        self.kelvin.setKeyboardTracking(False)
        named(self.kelvin, "plan-temperature", "Temperature of the sample")
        self.resolution = QCheckBox("project’s resolutions")
        named(self.resolution, "plan-resolution", "Use the resolutions measured in this project")
        self.calibrate = QCheckBox("project’s count rates")
        named(self.calibrate, "plan-calibrate", "Use count rates of fits with predicted modes")
        self.run = QPushButton("Plan")
        named(self.run, "plan-run", "Look for the settings that measure all this in least time")
        self.cancel = QPushButton("Cancel")
        named(self.cancel, "plan-cancel", "Stop planning; the last plan stays")
        self.state = QLabel("")
        named(self.state, "plan-run-state", "How far the plan is")
        self.state.setWordWrap(True)
        self._lay_out()
        self.run.clicked.connect(self.plan_wanted)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.ions.editingFinished.connect(self.sources_edited)
        self.kelvin.valueChanged.connect(self.sources_edited)
        self.resolution.clicked.connect(self.sources_edited)
        self.calibrate.clicked.connect(self.sources_edited)
        self.show_running(False)

    def _lay_out(self) -> None:
        wide = QHBoxLayout()
        columns: tuple[tuple[str, QWidget, int], ...] = (
            ("Wanted modes, one per line", self.targets, 3),
            ("Only these Bragg points", self.zones, 2),
        )
        for text, widget, stretch in columns:
            column = QVBoxLayout()
            column.setSpacing(1)
            column.addWidget(QLabel(text))
            column.addWidget(widget, 1)
            wide.addLayout(column, stretch)
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        options: tuple[tuple[str, QWidget], ...] = (
            ("σ of energies", self.sigma),
            ("σ of widths", self.sigma_width),
            ("Temperature", self.kelvin),
            ("Ions", self.ions),
        )
        for row, (text, widget) in enumerate(options):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self.resolution, 4, 0, 1, 2)
        grid.addWidget(self.calibrate, 5, 0, 1, 2)
        wide.addLayout(grid, 2)
        last = QHBoxLayout()
        last.addWidget(self.state, 1)
        last.addWidget(self.cancel)
        last.addWidget(self.run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addLayout(wide, 1)
        layout.addLayout(last)

    @property
    def target_texts(self) -> tuple[str, ...]:
        """The wanted modes as written, empty lines left out."""
        return _lines(self.targets)

    @property
    def zone_texts(self) -> tuple[str, ...]:
        """The Bragg points as written."""
        return _lines(self.zones)

    def fill(self, targets: Sequence[str], zones: Sequence[str], sigma: float) -> None:
        """Show what a stored plan was made for."""
        self.targets.setPlainText("\n".join(targets))
        self.zones.setPlainText("\n".join(zones))
        self.sigma.setValue(sigma)

    def show_sources(self, sources: PlanSources, has_resolutions: bool, has_rates: bool) -> None:
        """Show the options of the files in use, without telling."""
        widgets = (self.ions, self.kelvin, self.resolution, self.calibrate)
        for widget in widgets:
            widget.blockSignals(True)
        self.ions.setText(sources.form_factor or "")
        self.kelvin.setValue(sources.temperature_k or 0.0)
        self.resolution.setEnabled(has_resolutions)
        self.resolution.setChecked(sources.resolution is not None)
        self.calibrate.setEnabled(has_rates)
        self.calibrate.setChecked(sources.calibrate is not None)
        for widget in widgets:
            widget.blockSignals(False)

    def show_running(self, running: bool, text: str = "") -> None:
        """Which buttons work, and how far it is."""
        self.run.setEnabled(not running)
        self.cancel.setEnabled(running)
        self.state.setText(text)


def _lines(edit: QPlainTextEdit) -> tuple[str, ...]:
    return tuple(line.strip() for line in edit.toPlainText().splitlines() if line.strip())
