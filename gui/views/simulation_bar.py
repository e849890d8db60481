"""Above the plots: direction, wave vector, logarithmic axis, temperature, show all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QWidget,
)

from gui.models.simulation_drawing import View, same_temperature
from gui.models.simulation_results import Group
from gui.views.named import button, check_box, choice

_SLIDER_WIDTH = 150


class ViewBar(QWidget):
    """How the results of a group are looked at; shows only what the group has.

    Signals
    -------
    changed : View
    temperature_wanted : float
        The slider was moved to another temperature.
    whole_wanted :
        Back to the whole range.
    """

    changed = Signal(object)
    temperature_wanted = Signal(float)
    whole_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("simulation-bar")
        self.view = View()
        self._kelvins: tuple[float, ...] = ()
        self.axis = self._combo("simulation-axis", "Direction")
        self.row = self._combo("simulation-q", "Wave vector")
        self.log = check_box("simulation-log", "log", "Logarithmic axes (L)")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("simulation-temperature")
        self.slider.setAccessibleName("Temperature")
        self.slider.setFixedWidth(_SLIDER_WIDTH)
        self.slider.setPageStep(1)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.kelvin = QLabel()
        self.kelvin.setObjectName("simulation-kelvin")
        self.whole = button("simulation-whole", "Show all", "Show the whole of all plots")
        self.whole.setToolTip("Show the whole of all plots (Home). Wheel: zoom; drag: move")
        self._lay_out()
        self.axis.activated.connect(self._on_view)
        self.row.activated.connect(self._on_view)
        self.log.toggled.connect(self._on_view)
        self.slider.valueChanged.connect(self._on_slider)
        self.whole.clicked.connect(self.whole_wanted)

    def _combo(self, name: str, text: str) -> QComboBox:
        box = choice(name, text)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        return box

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 3, 6, 3)
        self._axis_label, self._row_label = QLabel("Along"), QLabel("Q")
        self._slider_label = QLabel("T")
        how = (self._axis_label, self.axis, self._row_label, self.row, self.log)
        where = (self._slider_label, self.slider, self.kelvin)
        for widget in (*how, *where):
            layout.addWidget(widget)
        layout.insertSpacing(len(how), 10)
        layout.addStretch(1)
        layout.addWidget(self.whole)

    def set_group(
        self, group: Group, view: View, kelvins: Sequence[float], vectors: Sequence[str]
    ) -> None:
        """Offer what a group has, set to a view."""
        self._kelvins = tuple(kelvins)
        blockers = [QSignalBlocker(w) for w in (self.axis, self.row, self.log, self.slider)]
        self.axis.clear()
        for value, text in group.axes:
            self.axis.addItem(text, value)
        self.row.clear()
        for place, text in enumerate(("all", *vectors) if vectors else ()):
            self.row.addItem(text, place - 1)
        self.log.setText(group.log)
        self.log.setAccessibleName(f"Logarithmic: {group.log}")
        self.slider.setRange(0, max(len(self._kelvins) - 1, 0))
        self.slider.setTickInterval(1)
        del blockers
        for widgets, there in (
            ((self._axis_label, self.axis), bool(group.axes)),
            ((self._row_label, self.row), len(vectors) > 1),
            ((self.log,), bool(group.log)),
            ((self._slider_label, self.slider, self.kelvin), bool(self._kelvins)),
        ):
            for widget in widgets:
                widget.setVisible(there)
        self.show_view(view)

    def show_view(self, view: View) -> None:
        """Set the widgets to a view, silently."""
        self.view = view
        blockers = [QSignalBlocker(w) for w in (self.axis, self.row, self.log, self.slider)]
        self.axis.setCurrentIndex(max(self.axis.findData(view.axis), 0))
        self.row.setCurrentIndex(max(self.row.findData(view.row), 0))
        self.log.setChecked(view.log)
        number = self._number_of(view.temperature_k)
        self.slider.setValue(number)
        self.slider.setEnabled(len(self._kelvins) > 1)
        del blockers
        if self._kelvins:
            count = f"   {number + 1} of {len(self._kelvins)}" if len(self._kelvins) > 1 else ""
            self.kelvin.setText(f"{self._kelvins[number]:.0f} K{count}")
            self.slider.setToolTip(
                "Temperature looked at (T, Shift+T): "
                + ", ".join(f"{kelvin:.0f} K" for kelvin in self._kelvins)
            )

    def toggle_log(self) -> None:
        """Logarithmic axes or not, where there is the choice."""
        if self.log.isVisible():
            self.log.toggle()

    def step_temperature(self, step: int) -> None:
        """One temperature up or down."""
        self.slider.setValue(self.slider.value() + step)

    def _number_of(self, kelvin: float | None) -> int:
        for number, known in enumerate(self._kelvins):
            if kelvin is not None and same_temperature(known, kelvin):
                return number
        return 0

    def _on_view(self) -> None:
        axis, row = self.axis.currentData(), self.row.currentData()
        self.view = View(
            axis or "",
            self.log.isChecked(),
            self.view.temperature_k,
            -1 if row is None else int(row),
        )
        self.changed.emit(self.view)

    def _on_slider(self, number: int) -> None:
        self.temperature_wanted.emit(self._kelvins[number])
