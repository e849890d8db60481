"""The dock below: jobs with progress, time left and Cancel; messages, each once, with a count."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.messages import Message, MessageLog
from gui.runner import Job, Runner
from gui.theme import Theme

_SIGNS = {"info": "·", "warning": "△", "error": "✕"}
_MOST_SHOWN = 500


class MessagesDock(QDockWidget):
    """Messages on the left, running jobs on the right."""

    def __init__(self, log: MessageLog, runner: Runner, theme: Theme) -> None:
        super().__init__("Messages and jobs")
        self.setObjectName("messages-dock")
        self._log = log
        self._theme = theme
        self.list = QTreeWidget()
        self.list.setObjectName("messages")
        self.list.setAccessibleName("Messages")
        self.list.setHeaderLabels(["", "Time", "About", "Message"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.header().setStretchLastSection(True)
        for column, width in enumerate((28, 70, 170)):
            self.list.setColumnWidth(column, width)
        self.jobs = JobList(runner)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(self.jobs)
        splitter.setSizes([700, 420])
        self.setWidget(splitter)
        log.changed.connect(self._show)

    def set_theme(self, theme: Theme) -> None:
        """Colour the signs anew."""
        self._theme = theme
        self._show(None)

    def _show(self, message: Message | None) -> None:
        self.list.clear()
        for item in self._log.messages[-_MOST_SHOWN:]:
            self.list.addTopLevelItem(self._row(item))
        self.list.scrollToBottom()
        if message is not None and message.level == "error":
            self.show()

    def _row(self, message: Message) -> QTreeWidgetItem:
        times = f"  (×{message.count})" if message.count > 1 else ""
        text = message.text.replace("\n", " ")
        row = QTreeWidgetItem([_SIGNS[message.level], message.at, message.subject, text + times])
        color = {"error": self._theme.error, "warning": self._theme.warning}.get(message.level)
        if color is not None:
            row.setForeground(0, QColor(color))
        row.setToolTip(3, message.details or message.text)
        return row


class JobList(QScrollArea):
    """A row for each running job."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self.setObjectName("jobs")
        self.setAccessibleName("Running jobs")
        self.setWidgetResizable(True)
        self.setFrameShape(self.Shape.NoFrame)
        content = QWidget()
        self._layout = QVBoxLayout(content)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._nothing = QLabel("No job is running.")
        self._layout.addWidget(self._nothing)
        self._layout.addStretch(1)
        self.setWidget(content)
        self._rows: dict[int, JobRow] = {}
        runner.job_changed.connect(self._update)

    def row(self, job: Job) -> JobRow | None:
        """The row of a job, None when it is not shown."""
        return self._rows.get(job.number)

    def _update(self, job: Job) -> None:
        if job.quiet:
            return
        if job.active and job.number not in self._rows:
            row = JobRow(job)
            self._rows[job.number] = row
            self._layout.insertWidget(0, row)
        row_or_none = self._rows.get(job.number)
        if row_or_none is not None:
            row_or_none.update_from(job)
            if not job.active:
                del self._rows[job.number]
                row_or_none.deleteLater()
        self._nothing.setVisible(not self._rows)


class JobRow(QWidget):
    """Title, bar, time left, Cancel."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.label = QLabel(job.title)
        self.bar = QProgressBar()
        self.bar.setAccessibleName(f"progress of {job.title}")
        self.bar.setMaximumWidth(140)
        self.left = QLabel("")
        self.cancel = QPushButton("Cancel")
        self.cancel.setObjectName(f"cancel-{job.number}")
        self.cancel.setAccessibleName(f"Cancel {job.title}")
        self.cancel.clicked.connect(job.cancel)
        self.cancel.clicked.connect(lambda: self.cancel.setEnabled(False))
        layout.addWidget(self.label, 1)
        layout.addWidget(self.bar)
        layout.addWidget(self.left)
        layout.addWidget(self.cancel)

    def update_from(self, job: Job) -> None:
        """Show how far it is."""
        self.bar.setRange(0, job.total)
        self.bar.setValue(job.done)
        left = job.seconds_left
        told = f"{left:.0f} s left" if left is not None and left >= 1 else ""
        self.left.setText(" · ".join(part for part in (job.text, told) if part))
