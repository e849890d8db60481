"""What is shown of some results: plots with their bar, numbers, and what to know; or words."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.models.simulation_drawing import Drawing
from gui.plots.panel_plots import PanelPlots
from gui.theme import Theme
from gui.views.simulation_bar import ViewBar
from gui.views.simulation_table import NumbersTable

_MESSAGE_WIDTH = 560
_PLOTS, _WORDS = 0, 1


class ResultPage(QStackedWidget):
    """The drawing of some results, or the reason why there is none.

    Signals
    -------
    go_on :
        The button below a reason was pressed.
    """

    go_on = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("simulation-page")
        self.drawing: Drawing | None = None
        self.bar = ViewBar()
        self.plots = PanelPlots(theme)
        self.table = NumbersTable()
        self.notes = _text("simulation-notes", "Conventions, and what to know")
        self.notes.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notes.setContentsMargins(8, 2, 8, 2)
        self.message = _text("simulation-message", "What is missing")
        self.message.setMinimumWidth(_MESSAGE_WIDTH)
        self.button = QPushButton("Go to a spectrum that has one")
        self.button.setObjectName("simulation-go-on")
        self.button.setAccessibleName("Go to a spectrum that has an overlay")
        self.button.clicked.connect(self.go_on)
        self.bar.whole_wanted.connect(self.plots.show_all)
        self.addWidget(self._plots_page())
        self.addWidget(self._words_page())

    def show_drawing(self, drawing: Drawing, hidden: Collection[str]) -> None:
        """Show a drawing without the curves of some names."""
        self.drawing = drawing
        self.plots.show_drawing(drawing, hidden)
        self.table.set_numbers(drawing.numbers)
        self.notes.setText("\n".join(drawing.notes))
        self.setCurrentIndex(_PLOTS)

    def say(self, text: str, *, with_button: bool = False) -> None:
        """Say in words what is missing."""
        self.drawing = None
        self.message.setText(text)
        self.button.setVisible(with_button)
        self.setCurrentIndex(_WORDS)

    def _plots_page(self) -> QWidget:
        below = QSplitter(Qt.Orientation.Horizontal)
        below.addWidget(self.table)
        below.addWidget(titled("To know", _scrolled(self.notes)))
        below.setSizes([560, 300])
        parts = QSplitter(Qt.Orientation.Vertical)
        parts.addWidget(self.plots)
        parts.addWidget(below)
        parts.setStretchFactor(0, 1)
        parts.setSizes([500, 150])
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(parts, 1)
        return page

    def _words_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(self.message, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)
        return page


def titled(text: str, widget: QWidget) -> QWidget:
    """A widget below a small title."""
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 2, 0, 0)
    layout.setSpacing(1)
    label = QLabel(text)
    label.setContentsMargins(6, 0, 0, 0)
    layout.addWidget(label)
    layout.addWidget(widget, 1)
    return box


def _text(name: str, accessible: str) -> QLabel:
    """Words that may be several lines and can be copied."""
    label = QLabel()
    label.setObjectName(name)
    label.setAccessibleName(accessible)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _scrolled(widget: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(widget)
    return area
