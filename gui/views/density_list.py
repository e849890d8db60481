"""The left side of the tab Density: which densities there are, numbers of the one shown."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from gui.models.density_entries import DensityEntry

_ID = Qt.ItemDataRole.UserRole


class DensityList(QWidget):
    """The list, and buttons for the density that is marked in it.

    Signals
    -------
    chosen : str, id of the density to show.
    write_asked : the density shown is to be written as a map.
    removal_asked : the file shown is to leave the list.
    """

    chosen = Signal(str)
    write_asked = Signal()
    removal_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.list = QListWidget()
        self.list.setObjectName("density-list")
        self.list.setAccessibleName("Densities")
        self.list.setWordWrap(True)
        self.list.setMinimumHeight(70)
        self.list.currentItemChanged.connect(self._on_current)
        self.write = QPushButton("Write map…")
        self.write.setObjectName("density-write")
        self.write.setAccessibleName("Write the density as a map")
        self.write.setToolTip("CCP4, cube, VESTA .pgrid or CSV, by the ending of the name")
        self.write.clicked.connect(lambda: self.write_asked.emit())
        self.remove = QPushButton("Remove file")
        self.remove.setObjectName("density-remove")
        self.remove.setAccessibleName("Take the file off the list")
        self.remove.setToolTip("Take the file off the list; the file itself stays")
        self.remove.clicked.connect(lambda: self.removal_asked.emit())
        buttons = QHBoxLayout()
        buttons.addWidget(self.write)
        buttons.addWidget(self.remove)
        buttons.addStretch(1)
        title = QLabel("Densities")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 2, 2)
        layout.setSpacing(4)
        layout.addWidget(title)
        layout.addWidget(self.list, 1)
        layout.addLayout(buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def show_entries(
        self, entries: tuple[DensityEntry, ...], current: str, failures: dict[str, str]
    ) -> None:
        """Show what there is; what cannot be read with the reason."""
        with QSignalBlocker(self.list):
            self.list.clear()
            for entry in entries:
                failed = failures.get(entry.id, "")
                unsaved = "  (not saved)" if not entry.saved else ""
                line = f"✕ {failed}" if failed else entry.details
                item = QListWidgetItem(f"{entry.name}{unsaved}\n{line}")
                item.setData(_ID, entry.id)
                item.setToolTip(failed or str(entry.path or entry.id))
                item.setSizeHint(QSize(0, item.sizeHint().height()))
                self.list.addItem(item)
                if entry.id == current:
                    self.list.setCurrentItem(item)
        shown = next((entry for entry in entries if entry.id == current), None)
        self.write.setEnabled(shown is not None and current not in failures)
        self.remove.setVisible(shown is not None and shown.kind == "file")

    def _on_current(self, item: QListWidgetItem | None, _: object) -> None:
        if item is not None:
            self.chosen.emit(str(item.data(_ID)))


class DensityNumbers(QTextBrowser):
    """Numbers and notes of a density, in words."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("density-numbers")
        self.setAccessibleName("Numbers and notes of the density shown")
        self.setOpenLinks(False)
        self.setFrameShape(self.Shape.NoFrame)
