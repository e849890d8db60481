"""The list of scans with its count and Merge; rows are read in a worker as they are needed.

Rows in sight are read at once. The others follow, of a long list a few at a time, so that a
project of thousands of scans opens as fast as a small one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.models.scan_rows import Failure, ScanRow, read_rows
from gui.plots.scan_strip import TemperaturePoint
from gui.theme import Theme
from gui.views.named import button
from gui.views.scans_table import ScansModel, ScansTable
from gui.views.tab import Desk

_FEW = 100
_AT_A_TIME = 40
_PAUSE_MS = 250


class ListPane(QWidget):
    """All scans of the project, those being watched, and files that could not be read.

    Signals
    -------
    scan_wanted : str, key of the scan whose row became the current one.
    rows_read : more is known of the scans.
    """

    scan_wanted = Signal(str)
    rows_read = Signal()

    def __init__(self, desk: Desk, theme: Theme) -> None:
        super().__init__()
        self._desk = desk
        self._reading: set[str] = set()
        self._later = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._later.timeout.connect(self._read_a_few)
        self._bad = 0
        self.rows = ScansModel(theme)
        self.table = ScansTable(self.rows)
        self.count = QLabel("")
        self.count.setObjectName("scans-count")
        self.count.setAccessibleName("How many scans there are")
        self.merge = button(
            "scans-merge",
            "Merge chosen scans",
            "Sum the scans chosen in the list (Ctrl+click): same analyzers, Q, temperature, slits",
        )
        line = QHBoxLayout()
        line.addWidget(self.count, 1)
        line.addWidget(self.merge)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 4, 4)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.table, 1)
        self.rows.wanted.connect(partial(self._read, urgent=True))
        self._following = False
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.table.selectionModel().selectionChanged.connect(self.show_count)
        self.show_count()

    @property
    def ready(self) -> bool:
        """Whether the rows in sight were read, and all of a list of usual length."""
        return not (self._reading or self.rows.asking)

    def set_theme(self, theme: Theme) -> None:
        """Colour rows otherwise."""
        self.rows.set_theme(theme)

    def forget(self) -> None:
        """Another project."""
        self._reading.clear()
        self._later.stop()
        self.rows.forget()

    def show_keys(self, keys: Sequence[str]) -> None:
        """The scans of the project; what is not known of them is read."""
        self.rows.set_keys(keys)
        self.show_count()
        self._go_on()

    def _go_on(self) -> None:
        """Read rows that nobody has seen yet: all if they are few, else some after a while."""
        unread = self.rows.unread(_FEW + 1)
        if len(unread) > _FEW:
            self._later.start()
        else:
            self._read(unread, urgent=True)

    def _read_a_few(self) -> None:
        self._read(self.rows.unread(_AT_A_TIME), urgent=False)

    def show_live(self, rows: Mapping[str, ScanRow]) -> None:
        """Rows of watched scans that changed."""
        self.rows.set_live(rows)
        self.show_count()
        self.rows_read.emit()

    def show_failures(self, failures: Sequence[Failure]) -> None:
        """Files that could not be read."""
        self._bad = len(failures)
        self.rows.set_failures(failures)
        self.show_count()

    def show_current(self, key: str) -> None:
        """Make the row of a scan the current one; that is no wish of the user."""
        self._following = True
        self.table.show_current(key)
        self._following = False

    def show_count(self) -> None:
        """How many there are, and whether those chosen can be merged."""
        chosen = len(self.table.chosen_keys)
        scans = self.rows.rowCount() - self._bad
        parts = [f"{scans} {'scan' if scans == 1 else 'scans'}"]
        parts += [f"{self._bad} could not be read"] if self._bad else []
        parts += [f"{chosen} chosen"] if chosen > 1 else []
        self.count.setText(", ".join(parts))
        self.merge.setEnabled(chosen > 1)

    @property
    def temperatures(self) -> list[TemperaturePoint]:
        """The sample temperature of every scan that was read."""
        scans = (row for row in self.rows.rows if row.key)
        return [
            TemperaturePoint(number, row.key, row.overview.temperature_k)
            for number, row in enumerate(scans, start=1)
            if row.overview is not None
        ]

    def _read(self, keys: Sequence[str], *, urgent: bool) -> None:
        """Read rows in a worker; the tab is ready when the urgent ones are there."""
        path = self._desk.project.path
        known = set(self._desk.project.contents.scans)
        new = [key for key in keys if key not in self._reading and key in known]
        if path is None or not new:
            return
        if urgent:
            self._reading.update(new)
        self._desk.runner.submit(
            partial(read_rows, path, new),
            title="reading the list of scans",
            on_result=partial(self._take, path),
            on_error=partial(self._desk.messages.error, path.name),
            on_end=partial(self._on_end, path, new),
            quiet=True,
        )

    def _take(self, path: Path, rows: Sequence[ScanRow]) -> None:
        if path == self._desk.project.path:
            self.rows.take_rows(rows)
            self.rows_read.emit()

    def _on_end(self, path: Path, keys: Sequence[str]) -> None:
        if path != self._desk.project.path:
            return
        self._reading.difference_update(keys)
        # Where reading failed, trying again at once would fail again.
        if not self._reading and keys[0] not in self.rows.unread(self.rows.rowCount()):
            self._go_on()

    def _on_row(self) -> None:
        """The current row was changed by hand or by key."""
        if self._following:
            return
        number = self.table.currentIndex().row()
        key = self.rows.row(number).key if number >= 0 else ""
        if key:
            self.scan_wanted.emit(key)
