"""The export window: format, width, file. Not modal: the window behind stays in use."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from gui.messages import MessageLog
from gui.plots.export import DOUBLE_COLUMN_MM, SINGLE_COLUMN_MM, Export, LateExport, write_export
from gui.runner import Runner
from gui.settings import Settings
from ixs_core.jobs import CancelToken, Progress

_WIDTHS: dict[str, float | None] = {
    "as drawn": None,
    f"one column, {SINGLE_COLUMN_MM:g} mm": SINGLE_COLUMN_MM,
    f"two columns, {DOUBLE_COLUMN_MM:g} mm": DOUBLE_COLUMN_MM,
}
_ENDINGS = (".pdf", ".svg", ".png", ".csv")


class ExportDialog(QDialog):
    """Asks where to and how wide; writes the figure with its numbers beside it."""

    def __init__(
        self,
        parent: QWidget,
        export: Export | LateExport,
        settings: Settings,
        messages: MessageLog,
        runner: Runner,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export figure and numbers")
        self.setObjectName("export-dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._export = export
        self._settings = settings
        self._messages = messages
        self._runner = runner
        self.name = QLineEdit(str(Path(settings.folder("export")) / f"{export.name}.pdf"))
        self.name.setObjectName("export-file")
        self.name.setAccessibleName("File to write")
        self.name.setMinimumWidth(420)
        self.browse = QPushButton("Browse…")
        self.browse.setObjectName("export-browse")
        self.browse.setAccessibleName("Choose the file")
        self.ending = QComboBox()
        self.ending.addItems(_ENDINGS)
        self.ending.setObjectName("export-format")
        self.ending.setAccessibleName("Format")
        self.width_choice = QComboBox()
        self.width_choice.addItems(list(_WIDTHS))
        self.width_choice.setObjectName("export-width")
        self.width_choice.setAccessibleName("Width of the figure")
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.name, 1)
        line.addWidget(self.browse)
        layout = QFormLayout(self)
        layout.addRow("File", row)
        layout.addRow("Format", self.ending)
        layout.addRow("Width", self.width_choice)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        layout.addRow(self.buttons)
        self.buttons.accepted.connect(self.write)
        self.buttons.rejected.connect(self.close)
        self.browse.clicked.connect(self._browse)
        self.ending.currentTextChanged.connect(self._set_ending)

    @classmethod
    def show_for(
        cls,
        parent: QWidget,
        export: Export | LateExport,
        settings: Settings,
        messages: MessageLog,
        runner: Runner,
    ) -> ExportDialog:
        """Open the window for an export."""
        dialog = cls(parent, export, settings, messages, runner)
        dialog.show()
        return dialog

    def write(self) -> None:
        """Write the files and say where they are; the window stays when that fails."""
        path = Path(self.name.text()).expanduser()
        if path.suffix.lower() not in _ENDINGS:
            endings = ", ".join(_ENDINGS)
            self._messages.error("export", f"“{path.name}” has none of the endings {endings}")
            return
        width = _WIDTHS[self.width_choice.currentText()]
        self.buttons.setEnabled(False)
        self._runner.submit(
            partial(_write, self._export, path, width),
            title=f"exporting {path.name[:60]}",
            on_result=partial(self._on_written, path),
            on_error=partial(self._on_failed, path),
        )

    def _on_written(self, path: Path, written: tuple[Path, ...]) -> None:
        self._settings.set_folder("export", path)
        self._messages.info("exported", ", ".join(str(file) for file in written))
        self.close()

    def _on_failed(self, path: Path, error: Exception) -> None:
        self.buttons.setEnabled(True)
        if isinstance(error, (OSError, ValueError)):  # a name that no file can have
            self._messages.error("export", f"{path.name[:60]}: {error}"[:200])
        else:
            self._messages.error("export", error)

    def _set_ending(self, ending: str) -> None:
        path = Path(self.name.text())
        if path.name:
            self.name.setText(str(path.with_suffix(ending)))

    def _browse(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export", self.name.text())
        if name:
            self.name.setText(name)


def _write(
    export: Export | LateExport,
    path: Path,
    width_mm: float | None,
    *,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[Path, ...]:
    """In a worker: matplotlib takes its time with maps."""
    return write_export(export, path, width_mm)
