"""The widgets of the tab Fit and how they lie."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from gui.plots.spectrum_plot import SpectrumPlot
from gui.theme import Theme
from gui.views.fit_bar import FitBar, MissingBar, ModelBar
from gui.views.fit_tables import MODE_COLUMNS, OTHER_COLUMNS, ParameterTable, ParameterView
from gui.views.fit_words_panel import WordsPanel

_NOTHING = (
    "No spectrum yet: drop a file of scans here, or open a project\n"
    "(`ixs reduce FILE -o project.h5` makes one)."
)


class FitWidgets(QStackedWidget):
    """The spectrum above; the model, its tables and words below; a note where there is none."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.plot = SpectrumPlot(theme)
        self.bar = FitBar()
        self.model_bar = ModelBar()
        self.missing_bar = MissingBar()
        self.modes = ParameterTable(MODE_COLUMNS, theme, modes=True)
        self.others = ParameterTable(OTHER_COLUMNS, theme, modes=False)
        self.mode_view = ParameterView(self.modes, "fit-modes", "Modes of the model")
        self.other_view = ParameterView(self.others, "fit-others", "Other terms of the model")
        self.words = WordsPanel(theme)
        self.heading = QLabel("")
        self.heading.setObjectName("fit-heading")
        self.heading.setAccessibleName("The spectrum shown")
        self.heading.setContentsMargins(10, 2, 4, 0)
        self.legend = QLabel("")
        self.legend.setObjectName("fit-legend")
        self.legend.setAccessibleName("What the curves are")
        nothing = QLabel(_NOTHING)
        nothing.setObjectName("fit-nothing")
        nothing.setAccessibleName("What to do first")
        nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(nothing)
        self.addWidget(self._all())

    def show_any(self, there_is: bool) -> None:
        """Show the spectrum, or that there is none."""
        self.setCurrentIndex(int(there_is))

    def set_theme(self, theme: Theme) -> None:
        """Draw all in other colours."""
        self.plot.set_theme(theme)
        self.show_legend()
        self.words.set_theme(theme)
        for table in (self.modes, self.others):
            table.theme = theme
            table.show_subject(table.subject)

    def show_legend(self) -> None:
        """Say what the curves are that are drawn now."""
        self.legend.setText(self.plot.curves.legend())

    def _all(self) -> QWidget:
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setObjectName("fit-splitter")
        splitter.addWidget(self.plot.canvas)
        splitter.addWidget(self._model())
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([420, 235])
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.legend)
        top.addWidget(self.missing_bar)
        full = QWidget()
        layout = QVBoxLayout(full)
        layout.setContentsMargins(0, 0, 6, 6)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        layout.addLayout(top)
        layout.addWidget(splitter, 1)
        return full

    def _model(self) -> QWidget:
        below = QSplitter(Qt.Orientation.Horizontal)
        below.setObjectName("fit-below")
        for widget, share in ((self.mode_view, 2), (self.other_view, 0), (self.words, 1)):
            below.addWidget(widget)
            below.setStretchFactor(below.count() - 1, share)
        below.setSizes([555, 312, 262])
        model = QWidget()
        layout = QVBoxLayout(model)
        layout.setContentsMargins(6, 2, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.model_bar)
        layout.addWidget(below, 1)
        return model
