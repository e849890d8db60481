"""The header of a frame: what is understood of it in words, and all of it in a table."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QLabel, QLineEdit, QTableView, QVBoxLayout, QWidget

from gui.models.frames_words import frame_words
from ixs_core.frames import Frame


class HeaderPane(QWidget):
    """Words, a field to filter by, and a table of names and values."""

    def __init__(self) -> None:
        super().__init__()
        self.words = QLabel("")
        self.words.setObjectName("frames-words")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.filter = QLineEdit()
        self.filter.setObjectName("frames-filter")
        self.filter.setAccessibleName("Filter the header")
        self.filter.setPlaceholderText("Filter the header: part of a name or value")
        self.filter.setClearButtonEnabled(True)
        self.items = QStandardItemModel(0, 2)
        self.items.setHorizontalHeaderLabels(["Header", "Value"])
        self.found = QSortFilterProxyModel()
        self.found.setSourceModel(self.items)
        self.found.setFilterKeyColumn(-1)
        self.found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filter.textChanged.connect(self.found.setFilterFixedString)
        self.table = self._table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.words)
        layout.addWidget(self.filter)
        layout.addWidget(self.table, 1)

    def _table(self) -> QTableView:
        table = QTableView()
        table.setObjectName("frames-header")
        table.setAccessibleName("Header of the frame")
        table.setModel(self.found)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(20)
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        table.setColumnWidth(0, 190)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        return table

    def show_frame(self, frame: Frame | None) -> None:
        """Show another header; place and selection stay when the names are the same."""
        self.words.setText(frame_words(frame) if frame is not None else "")
        header: Mapping[str, str] = frame.header if frame is not None else {}
        known = [self.items.item(row, 0).text() for row in range(self.items.rowCount())]
        if known == list(header):
            for row, text in enumerate(header.values()):
                item = self.items.item(row, 1)
                if item.text() != text:
                    item.setText(text)
                    item.setToolTip(text)
            return
        self.items.setRowCount(0)
        for name, text in header.items():
            cells = [QStandardItem(name), QStandardItem(text)]
            for cell, tip in zip(cells, (name, text), strict=True):
                cell.setToolTip(tip)
            self.items.appendRow(cells)
