"""The list of settings to measure: order, hours, total, lines to paste."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.models.plan_list import Entry, purpose
from gui.models.plan_table import hkl_words
from gui.views.named import button

_COLUMNS = ("", "arm at (r.l.u.)", "hours", "for")
_HOURS = 2


class PlanListView(QWidget):
    """A table of the chosen settings with its buttons.

    Signals
    -------
    chosen : int
        A row became the current one.
    removed : int
    moved : (int, int)
        Row, step.
    hours_changed : (int, float)
    copy_wanted, save_wanted
    """

    chosen = Signal(int)
    removed = Signal(int)
    moved = Signal(int, int)
    hours_changed = Signal(int, float)
    copy_wanted = Signal()
    save_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.total = QLabel("")
        self.total.setObjectName("plan-list-total")
        self.total.setAccessibleName("Hours of the list")
        self.total.setWordWrap(True)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setObjectName("plan-list")
        self.table.setAccessibleName("Settings to measure, in order")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((28, 150, 62)):
            self.table.setColumnWidth(column, width)
        self.table.itemChanged.connect(self._on_item)
        self.table.currentCellChanged.connect(self._on_cell)
        self.up = button("plan-list-up", "↑", "Measure it earlier")
        self.down = button("plan-list-down", "↓", "Measure it later")
        self.remove = button("plan-list-remove", "Remove", "Take the setting off the list")
        self.copy = button("plan-list-copy", "Copy lines", "Copy the lines for SPEC")
        self.save = button("plan-list-save", "Save lines…", "Write the lines for SPEC to a file")
        for arrow in (self.up, self.down):
            arrow.setFixedWidth(30)
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(self._remove)
        self.copy.clicked.connect(self.copy_wanted)
        self.save.clicked.connect(self.save_wanted)
        buttons = QHBoxLayout()
        buttons.addWidget(self.total, 1)
        for each in (self.up, self.down, self.remove, self.copy, self.save):
            buttons.addWidget(each)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(3)
        layout.addLayout(buttons)
        layout.addWidget(self.table, 1)
        self._entries: tuple[Entry, ...] = ()
        self.show_entries((), 0.0)

    def show_entries(self, entries: Sequence[Entry], total_hours: float) -> None:
        """Show the list as the document has it."""
        row = self.table.currentRow()
        self._entries = tuple(entries)
        self.table.blockSignals(True)
        self.table.setRowCount(len(entries))
        for number, entry in enumerate(entries):
            cells = (
                str(number + 1),
                hkl_words(entry["hkl"]),
                f"{entry['hours']:.2f}",
                purpose(entry),
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{text}\n{entry['mv']}")
                if column != _HOURS:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.table.setItem(number, column, item)
        if entries:
            self.table.setCurrentCell(min(max(row, 0), len(entries) - 1), 1)
        self.table.blockSignals(False)
        self.total.setText(
            f"<b>List: {len(entries)} settings, {total_hours:.2f} h</b> with moves"
            if entries
            else "<b>List</b>: empty. “Add to the list” above."
        )
        for each in (self.up, self.down, self.remove, self.copy, self.save):
            each.setEnabled(bool(entries))

    def select(self, row: int) -> None:
        """Make a row the current one, without telling."""
        self.table.blockSignals(True)
        self.table.setCurrentCell(row, 1)
        self.table.blockSignals(False)

    def _remove(self) -> None:
        if 0 <= self.table.currentRow() < len(self._entries):
            self.removed.emit(self.table.currentRow())

    def _move(self, step: int) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self._entries) and 0 <= row + step < len(self._entries):
            self.moved.emit(row, step)
            self.select(row + step)

    def _on_cell(self, row: int, column: int, before: int, _: int) -> None:
        if row != before and 0 <= row < len(self._entries):
            self.chosen.emit(row)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() != _HOURS:
            return
        try:
            hours = float(item.text().replace(",", "."))
        except ValueError:
            hours = 0.0
        row = item.row()
        if 0 < hours < 1e4 and hours != round(self._entries[row]["hours"], 2):
            # Later: the answer redraws the table, and this item is still in use here.
            QTimer.singleShot(0, lambda: self.hours_changed.emit(row, hours))
        else:
            self.table.blockSignals(True)
            item.setText(f"{self._entries[row]['hours']:.2f}")
            self.table.blockSignals(False)
