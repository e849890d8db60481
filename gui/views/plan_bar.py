"""The bars above the map: which files, which plane, which modes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from gui.models.plan_map import MapSettings, Quantity, numbers_text, three_numbers
from gui.models.plan_sources import PlanSources
from gui.views.named import named
from ixs_core.errors import InputError

_QUANTITIES: dict[str, Quantity] = {"Intensity": "intensity", "Hours": "hours"}
_FEWEST, _MOST = 11, 401


class SourceBar(QWidget):
    """The two files that everything here starts from.

    Signals
    -------
    choose_force_constants, choose_experiment
    """

    choose_force_constants = Signal()
    choose_experiment = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 0)
        self.force_constants, self.experiment = QLabel(""), QLabel("")
        self.choose = QPushButton("Choose…")
        named(self.choose, "plan-choose-fc", "Choose force constants, or drop the file here")
        self.choose_other = QPushButton("Choose…")
        named(self.choose_other, "plan-choose-experiment", "Choose the experiment file (TOML)")
        self.choose.clicked.connect(self.choose_force_constants)
        self.choose_other.clicked.connect(self.choose_experiment)
        named(self.force_constants, "plan-force-constants", "Force constants in use")
        named(self.experiment, "plan-experiment", "Experiment file in use")
        for text, label, button in (
            ("<b>Force constants</b>", self.force_constants, self.choose),
            ("<b>Experiment</b>", self.experiment, self.choose_other),
        ):
            layout.addWidget(QLabel(text))
            layout.addWidget(label)
            layout.addWidget(button)
            layout.addSpacing(16)
        layout.addStretch(1)

    def show_sources(self, sources: PlanSources) -> None:
        """Show the names of the files; their places are in the tooltips."""
        for label, path in (
            (self.force_constants, sources.force_constants),
            (self.experiment, sources.experiment),
        ):
            label.setText("none" if path is None else path.name)
            label.setToolTip("none yet" if path is None else str(path))


class MapBar(QWidget):
    """What the map shows.

    Signals
    -------
    edited : MapSettings
    map_wanted : maps what is seen, or cancels
    reach_wanted : shows the whole reach
    through_wanted : puts the plane through the present setting
    bad : Exception
        What was typed is not understood.
    """

    edited = Signal(object)
    map_wanted = Signal()
    reach_wanted = Signal()
    through_wanted = Signal()
    bad = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._settings = MapSettings()
        self.quantity = QComboBox()
        self.quantity.addItems(list(_QUANTITIES))
        named(self.quantity, "plan-quantity", "What the colours are")
        self.modes = QLineEdit()
        named(self.modes, "plan-modes", "Modes: branch=1-3, or energy=3-5 in meV")
        self.u, self.v, self.origin = QLineEdit(), QLineEdit(), QLineEdit()
        named(self.u, "plan-u", "Direction of the horizontal axis, h k l")
        named(self.v, "plan-v", "Direction of the vertical axis, h k l")
        named(self.origin, "plan-origin", "A point of the plane, h k l")
        self.points = QSpinBox(minimum=_FEWEST, maximum=_MOST, value=81)
        self.points.setSingleStep(20)
        self.points.setKeyboardTracking(False)
        named(self.points, "plan-points", "Points of the map along its longer side")
        self.log = QCheckBox("log colours")
        named(self.log, "plan-log", "Logarithmic scale of colours")
        self.sigma = QDoubleSpinBox(decimals=3, minimum=0.001, maximum=10.0, value=0.1)
        self.sigma.setSingleStep(0.05)
        self.sigma.setSuffix(" meV")
        self.sigma.setKeyboardTracking(False)
        named(self.sigma, "plan-map-sigma", "For hours: wanted standard error of the energy")
        self.through = QPushButton("Through setting")
        named(self.through, "plan-through", "Put the plane through the Q of the present setting")
        self.map = QPushButton("Map this view")
        named(self.map, "plan-map-view", "Compute the map over what is seen now")
        self.reach = QPushButton("Whole reach")
        named(self.reach, "plan-reach", "Show all Q that the arm reaches in this plane")
        self.state = QLabel("")
        named(self.state, "plan-map-state", "How far the map is")
        self._lay_out()
        for field in (self.modes, self.u, self.v, self.origin):
            field.editingFinished.connect(self._on_edit)
        self.quantity.activated.connect(self._on_edit)
        self.log.clicked.connect(self._on_edit)
        self.points.valueChanged.connect(self._on_edit)
        self.sigma.valueChanged.connect(self._on_edit)
        self.map.clicked.connect(self.map_wanted)
        self.reach.clicked.connect(self.reach_wanted)
        self.through.clicked.connect(self.through_wanted)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 3, 6, 2)
        layout.setSpacing(3)
        for field in (self.u, self.v, self.origin):
            field.setMinimumWidth(56)
        self.modes.setMinimumWidth(96)
        rows: tuple[tuple[str | QWidget, ...], ...] = (
            ("Map", self.quantity, "of", self.modes, "σ(E)", self.sigma, self.log),
            ("Plane", self.u, "×", self.v, "through", self.origin, self.through),
            (self.map, "points", self.points, self.reach, self.state),
        )
        for parts in rows:
            row = QHBoxLayout()
            row.setSpacing(5)
            for part in parts:
                if isinstance(part, str):
                    row.addWidget(QLabel(part))
                else:
                    row.addWidget(part, 1 if isinstance(part, QLineEdit) else 0)
            if not any(isinstance(part, QLineEdit) for part in parts):
                row.addStretch(1)
            layout.addLayout(row)

    def show_settings(self, settings: MapSettings) -> None:
        """Show what the document says, without telling."""
        self._settings = settings
        index = list(_QUANTITIES.values()).index(settings.quantity)
        self.quantity.setCurrentIndex(index)
        self.modes.setText(settings.modes)
        for field, value in (
            (self.u, settings.u),
            (self.v, settings.v),
            (self.origin, settings.origin),
        ):
            field.setText(numbers_text(value))
        for spin in (self.points, self.sigma):
            spin.blockSignals(True)
        self.points.setValue(settings.points)
        self.sigma.setValue(settings.sigma_energy_mev)
        for spin in (self.points, self.sigma):
            spin.blockSignals(False)
        self.sigma.setEnabled(settings.quantity == "hours")
        self.log.setChecked(settings.log)

    def show_running(self, running: bool) -> None:
        """Whether the button maps or cancels."""
        self.map.setText("Cancel" if running else "Map this view")
        self.state.setText("mapping …" if running else "")

    def show_progress(self, done: int, total: int, text: str) -> None:
        """How far the map is."""
        self.state.setText(f"{text}: {100 * done // total} %" if total else text)

    def _on_edit(self) -> None:
        try:
            edited = replace(
                self._settings,
                u=three_numbers(self.u.text(), "u"),
                v=three_numbers(self.v.text(), "v"),
                origin=three_numbers(self.origin.text(), "origin"),
                quantity=_QUANTITIES[self.quantity.currentText()],
                modes=self.modes.text().strip(),
                points=self.points.value(),
                sigma_energy_mev=self.sigma.value(),
                log=self.log.isChecked(),
            )
            _check(edited)
        except InputError as error:
            self.bad.emit(error)
            return
        if edited != self._settings:
            self._settings = edited
            self.edited.emit(edited)


def _check(settings: MapSettings) -> None:
    """Raise an InputError for directions or modes that are none."""
    from simulate.planning import parse_wish

    settings.plane  # noqa: B018  two parallel directions are noticed here
    parse_wish(f"q=(0,0,0) {settings.modes}")


def file_filter(kind: str) -> str:
    """What the dialog for a kind of file lists first."""
    return {
        "force-constants": "Force constants (*.yaml *.xz *.gz *.hdf5 *.json FORCE* *);;All (*)",
        "experiment": "Experiment files (*.toml *.conf);;All (*)",
        "lines": "Lines for SPEC (*.mac);;All (*)",
    }[kind]


def proposed_folder(path: Path | None, fallback: str) -> str:
    """Where a dialog begins: beside the present file."""
    return fallback if path is None else str(path.parent)
