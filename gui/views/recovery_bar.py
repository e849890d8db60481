"""A bar above the tabs that offers what a crash left unsaved."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from gui.messages import MessageLog
from gui.models.project_model import ProjectModel
from ixs_core.errors import InputError


class RecoveryBar(QFrame):
    """Shown when an autosave is found beside a project."""

    def __init__(self, project: ProjectModel, messages: MessageLog) -> None:
        super().__init__()
        self.setObjectName("recovery-bar")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._project = project
        self._messages = messages
        self.label = QLabel("")
        self.restore = QPushButton("Restore")
        self.discard = QPushButton("Discard")
        for button, name in ((self.restore, "restore"), (self.discard, "discard")):
            button.setObjectName(f"recovery-{name}")
            button.setAccessibleName(f"{name.capitalize()} unsaved work")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 4)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.restore)
        layout.addWidget(self.discard)
        self.restore.clicked.connect(self._restore)
        self.discard.clicked.connect(self._discard)
        project.recovery_found.connect(self.offer)
        project.opened.connect(self.hide)
        self.hide()

    def offer(self, path: Path) -> None:
        """Ask whether an autosave is wanted."""
        saved = datetime.fromtimestamp(path.stat().st_mtime)
        self.label.setText(f"There is unsaved work of {saved:%Y-%m-%d %H:%M} for this project.")
        self.show()

    def _restore(self) -> None:
        offered = self._project.offered
        if offered is None:
            return
        try:
            self._project.restore(offered)
        except InputError as error:
            self._messages.error("not restored", error)
            return
        self._messages.info("restored", "unsaved work is back; save to keep it (undo takes it off)")
        self.hide()

    def _discard(self) -> None:
        self._project.discard_offered()
        self.hide()
