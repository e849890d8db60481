"""The ranked table of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.models.plan_table import PlanRow

_COLUMNS = ("rank", "Q (r.l.u.) on analyzer", "hours", "measures: energy ± σ(E)", "warnings")
_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
_Role = Qt.ItemDataRole


class PlanTable(QAbstractTableModel):
    """Settings of a plan, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[PlanRow, ...] = ()

    def set_rows(self, rows: Sequence[PlanRow]) -> None:
        """Show another plan."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: how many settings."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _NO_INDEX) -> int:
        """Qt: how many columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> object:
        """Qt: names of the columns."""
        if role == _Role.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        """Qt: a cell, and in a tooltip all of it."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        number = len(row.warnings)
        cells = (
            str(row.rank),
            row.placed,
            f"{row.hours:.2f}",
            row.targets + (f"  (+{row.also} more)" if row.also else ""),
            "; ".join(row.warnings) if number else "none",
        )
        if role == _Role.DisplayRole:
            return cells[index.column()]
        if role == _Role.ToolTipRole:
            text = cells[index.column()]
            return text.replace("; ", "\n")
        if role == _Role.TextAlignmentRole and index.column() in (0, 2):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class PlanTableView(QWidget):
    """The table with a summary above it.

    Signals
    -------
    chosen : int
        The row of a setting, from 0.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.summary = QLabel("")
        self.summary.setObjectName("plan-summary")
        self.summary.setAccessibleName("The plan in one line")
        self.summary.setWordWrap(True)
        self.model = PlanTable()
        self.table = QTableView()
        self.table.setObjectName("plan-table")
        self.table.setAccessibleName("Settings of the plan, best first")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setWordWrap(False)
        header = self.table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate((44, 190, 56, 300)):
            self.table.setColumnWidth(column, width)
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)

    def show_rows(self, rows: Sequence[PlanRow], summary: str, details: str = "") -> None:
        """Show a plan; its details (all warnings) are in the tooltip of the summary."""
        self.model.set_rows(rows)
        self.summary.setText(summary)
        self.summary.setToolTip(details)
        self.table.setVisible(bool(rows))

    def select(self, row: int) -> None:
        """Make a row the current one."""
        self.table.selectRow(row)

    @property
    def current_row(self) -> int | None:
        """The row of the current setting, None without one."""
        index = self.table.currentIndex()
        return index.row() if index.isValid() else None

    def clear_choice(self) -> None:
        """No row is current: the array stands elsewhere."""
        self.table.selectionModel().clear()

    def _on_row(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid():
            self.chosen.emit(index.row())
