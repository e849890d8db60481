"""A table of numbers, with marked rows; cells can be copied."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from gui.models.simulation_drawing import Cell, Numbers, people


class NumbersTable(QTableWidget):
    """Read-only numbers with four digits; what is selected is copied with Ctrl+C."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("simulation-numbers")
        self.setAccessibleName("Numbers of the results shown")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setAlternatingRowColors(True)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(22)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.numbers = Numbers(())

    def set_numbers(self, numbers: Numbers) -> None:
        """Show other numbers."""
        self.numbers = numbers
        self.clear()
        self.setColumnCount(len(numbers.columns))
        self.setRowCount(len(numbers.rows))
        # Units below the names: narrow columns, of which more are seen.
        self.setHorizontalHeaderLabels([name.replace(" (", "\n(") for name in numbers.columns])
        for row, cells in enumerate(numbers.rows):
            for column, cell in enumerate(cells):
                item = QTableWidgetItem(cell_text(cell))
                if not isinstance(cell, str):
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                    item.setToolTip(repr(cell))
                if row in numbers.marked and len(numbers.marked) < len(numbers.rows):
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                self.setItem(row, column, item)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy what is selected, as lines of cells with tabs between."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
            return
        super().keyPressEvent(event)

    def selected_text(self) -> str:
        """The cells selected, all digits kept."""
        lines = []
        for part in self.selectedRanges():
            for row in range(part.topRow(), part.bottomRow() + 1):
                cells = self.numbers.rows[row][part.leftColumn() : part.rightColumn() + 1]
                lines.append("\t".join(str(cell) for cell in cells))
        return "\n".join(lines)


def cell_text(cell: Cell) -> str:
    """A number with four digits; a dash where there is none."""
    if isinstance(cell, str):
        return cell
    return "–" if math.isnan(cell) else people(f"{cell:.4g}")
