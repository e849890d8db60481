"""The present setting in numbers: Q, angles, the line to type, every analyzer's hkl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from gui.models.plan_map import numbers_text
from gui.models.plan_table import hkl_words

if TYPE_CHECKING:
    from gui.models.plan_footprint import Footprint
    from gui.theme import Theme
from gui.views.named import named

_LINE_PT = 7.5  # the line to type is long and must be seen whole
CENTRE = "arm’s centre"
ANGLES = ("tth", "th", "chi", "phi", "omega", "mu", "gam")
ANALYZER_COLUMNS = ("analyzer", "h", "k", "l", "|Q| (Å⁻¹)", "ΔQ h", "ΔQ k", "ΔQ l")


class SettingView(QWidget):
    """Numbers of the setting, and what moves it besides the mouse.

    Signals
    -------
    analyzer_chosen : str or None
    hkl_typed : str
    value_changed : (str, float)
        A frozen angle by which the sample is turned, in degrees.
    hours_changed : float
    add_wanted, copy_wanted
    """

    analyzer_chosen = Signal(object)
    hkl_typed = Signal(str)
    value_changed = Signal(str, float)
    hours_changed = Signal(float)
    add_wanted = Signal()
    copy_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.analyzer = QComboBox()
        named(self.analyzer, "plan-analyzer", "Analyzer that the chosen Q stands on")
        self.hkl = QLineEdit()
        named(self.hkl, "plan-hkl", "Q on the analyzer, h k l in r.l.u.; Enter goes there")
        self.state = QLabel("")
        named(self.state, "plan-state", "Whether the setting is reached")
        self.state.setWordWrap(True)
        self.angles: dict[str, QLabel] = {}
        self.mv = QLineEdit()
        self.mv.setReadOnly(True)
        small = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        small.setPointSizeF(_LINE_PT)
        self.mv.setFont(small)
        named(self.mv, "plan-mv", "The line to type at the beamline")
        self.copy = QPushButton("Copy")
        named(self.copy, "plan-copy-mv", "Copy the line")
        self.hours = QDoubleSpinBox(decimals=2, minimum=0.01, maximum=999.0, value=4.0)
        self.hours.setSuffix(" h")
        named(self.hours, "plan-hours", "Counting hours of this setting")
        self.add = QPushButton("Add to the list")
        named(self.add, "plan-add", "Add this setting to the list below")
        self.turns = QHBoxLayout()
        self._turns: dict[str, QDoubleSpinBox] = {}
        self._lay_out(fixed)
        self.analyzer.activated.connect(self._on_analyzer)
        self.hkl.returnPressed.connect(lambda: self.hkl_typed.emit(self.hkl.text()))
        self.hours.valueChanged.connect(self.hours_changed)
        self.add.clicked.connect(self.add_wanted)
        self.copy.clicked.connect(self.copy_wanted)
        self.show_footprint(None)

    def _lay_out(self, fixed: object) -> None:
        first = QHBoxLayout()
        first.setSpacing(6)
        for text, widget, stretch in (
            ("Q (h k l)", self.hkl, 1),
            ("on", self.analyzer, 0),
        ):
            first.addWidget(QLabel(text))
            first.addWidget(widget, stretch)
        first.addLayout(self.turns)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        for column, name in enumerate(ANGLES):
            head = QLabel(f"{name} (°)")
            value = QLabel("")
            value.setFont(fixed)  # type: ignore[arg-type]
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            named(value, f"plan-angle-{name}", f"{name} in degrees")
            grid.addWidget(head, 0, column)
            grid.addWidget(value, 1, column)
            self.angles[name] = value
        line = QHBoxLayout()
        line.addWidget(self.mv, 1)
        line.addWidget(self.copy)
        last = QHBoxLayout()
        last.addWidget(self.state, 1)
        last.addWidget(QLabel("count"))
        last.addWidget(self.hours)
        last.addWidget(self.add)
        layout = QGridLayout(self)
        layout.setContentsMargins(6, 4, 6, 2)
        layout.setVerticalSpacing(4)
        for row, part in enumerate((first, grid, line, last)):
            layout.addLayout(part, row, 0)

    def set_analyzers(self, names: Sequence[str]) -> None:
        """The analyzers of the array, after the arm's centre."""
        self.analyzer.clear()
        self.analyzer.addItems([CENTRE, *names])

    def set_turns(self, values: Mapping[str, float]) -> None:
        """The frozen angles by which the sample may be turned about Q, with their values."""
        while self.turns.count():
            item = self.turns.takeAt(0)
            widget = None if item is None else item.widget()
            if widget is not None:
                widget.deleteLater()
        self._turns = {}
        for name, value in values.items():
            spin = QDoubleSpinBox(decimals=2, minimum=-180.0, maximum=180.0, value=value)
            spin.setSuffix("°")
            spin.setKeyboardTracking(False)
            named(spin, f"plan-turn-{name}", f"{name}: turns the sample at the same Q")
            spin.valueChanged.connect(lambda new, name=name: self.value_changed.emit(name, new))
            self.turns.addWidget(QLabel(name))
            self.turns.addWidget(spin)
            self._turns[name] = spin

    def show_footprint(self, footprint: Footprint | None, off_plane: float = 0.0) -> None:
        """Show a setting; None shows none.

        Parameters
        ----------
        footprint : Footprint or None
        off_plane : float
            How far its Q is off the plane of the map, Å⁻¹.
        """
        for widget in (self.add, self.copy, self.hours):
            widget.setEnabled(footprint is not None)
        if footprint is None:
            self.state.setText("No setting yet: choose an experiment file.")
            self.mv.setText("")
            return
        if not self.hkl.hasFocus() or not self.hkl.isModified():
            self.hkl.setText(numbers_text(footprint.hkl))
        self.analyzer.setCurrentText(footprint.analyzer or CENTRE)
        values = {**footprint.angles.as_dict(), "omega": footprint.angles.omega}
        for name, label in self.angles.items():
            label.setText(f"{round(values[name], 4) + 0.0:.4f}".replace("-", "−"))
        self.mv.setText(footprint.mv)
        self.mv.setCursorPosition(0)
        text, good = state_words(footprint, off_plane)
        self.state.setText(text)
        self.state.setStyleSheet(f"color: {self.theme.good if good else self.theme.error}")

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours; the state follows with the next setting."""
        self.theme = theme

    def set_hours(self, hours: float) -> None:
        """Show other hours without telling."""
        self.hours.blockSignals(True)
        self.hours.setValue(hours)
        self.hours.blockSignals(False)

    def _on_analyzer(self, number: int) -> None:
        self.analyzer_chosen.emit(self.analyzer.itemText(number) if number else None)


def state_words(footprint: Footprint, off_plane: float) -> tuple[str, bool]:
    """What to know of a setting, and whether it is reached as asked."""
    off = "" if abs(off_plane) < 0.01 else f" (off the map’s plane by {abs(off_plane):.2f} Å⁻¹)"
    if footprint.placement.excluded:
        return f"✕ not reached: {'; '.join(footprint.placement.excluded)}{off}", False
    if not footprint.is_as_asked:
        asked = hkl_words(footprint.asked_hkl)
        return f"✕ ({asked}) is not reached; this is the nearest that is{off}", False
    return f"✓ within the limits{off}", True


class AnalyzerTableView(QTableWidget):
    """What every analyzer sees.

    Signals
    -------
    analyzer_chosen : str
        The one whose row became current.
    """

    analyzer_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(ANALYZER_COLUMNS))
        named(self, "plan-analyzers", "What every analyzer sees: hkl, |Q| and accepted width")
        self.setHorizontalHeaderLabels(list(ANALYZER_COLUMNS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for column in range(len(ANALYZER_COLUMNS)):
            self.setColumnWidth(column, 66)
        self.cellDoubleClicked.connect(self._on_cell)
        self.setToolTip("Double-click an analyzer to hold the chosen Q on it")

    def show_footprint(self, footprint: Footprint | None) -> None:
        """Show the analyzers of a setting."""
        if footprint is None:
            self.setRowCount(0)
            return
        table = footprint.table
        if self.rowCount() != len(table.names):
            self.setRowCount(len(table.names))
            for row in range(len(table.names)):
                for column in range(len(ANALYZER_COLUMNS)):
                    item = QTableWidgetItem()
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                    self.setItem(row, column, item)
        for row, name in enumerate(table.names):
            numbers = (*table.hkl[row], table.q_abs[row], *table.dq[row])
            marked = f"▸ {name}" if name == footprint.analyzer else name
            self._write(row, 0, marked)
            for column, number in enumerate(numbers, start=1):
                text = f"{round(float(number), 4) + 0.0:.4f}".replace("-", "−")
                self._write(row, column, text)

    def _write(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is not None:
            item.setText(text)

    def _on_cell(self, row: int, _: int) -> None:
        item = self.item(row, 0)
        if item is not None:
            self.analyzer_chosen.emit(item.text().removeprefix("▸ "))
