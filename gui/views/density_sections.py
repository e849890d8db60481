"""The area of the sections: one, or those of all densities side by side with the same levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QLabel, QStackedLayout, QWidget

from gui.models.density_drawn import Cut
from gui.models.density_entries import short_names
from gui.plots.axes import make_canvas
from gui.plots.section_plot import SectionLook, SectionPlot
from gui.theme import Theme
from ixs_core.arrays import FloatArray

_MOST_IN_A_ROW = 4


class SectionArea(QWidget):
    """Sections on one canvas, or words.

    Signals
    -------
    clicked : (3,) fractional point, while a path is drawn.
    line_double_clicked : (int, point)
    corner_moved : (int, point)
    corner_released : the drag has ended.
    corner_removal_asked : int
    drawing_ended : a double click while a path is drawn.
    hovered : str
    """

    clicked = Signal(object)
    line_double_clicked = Signal(int, object)
    corner_moved = Signal(int, object)
    corner_released = Signal()
    corner_removal_asked = Signal(int)
    drawing_ended = Signal()
    hovered = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.canvas = make_canvas(theme)
        self.canvas.setObjectName("density-sections")
        self.canvas.setAccessibleName("Sections of the density")
        self.words = QLabel("")
        self.words.setObjectName("density-sections-words")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.words.setMargin(24)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.words)
        self.panels: list[SectionPlot] = []
        self.draws = False
        self._path: FloatArray = np.empty((0, 3))
        scene = self.canvas.scene()
        scene.sigMouseClicked.connect(self._on_click)
        scene.sigMouseMoved.connect(self._on_hover)

    # -- what is shown --------------------

    def show_words(self, words: str) -> None:
        """Show words instead of sections."""
        self.words.setText(words)
        self._stack.setCurrentWidget(self.words)

    def show_cuts(self, cuts: Sequence[Cut], look: SectionLook, level: float) -> None:
        """Show sections, the first with the colour bar of all."""
        self._set_number(len(cuts))
        names = short_names([cut.loaded.entry for cut in cuts])
        titles = names if len(cuts) > 1 else [cut.section.label for cut in cuts]
        titles = [
            f"{title}, minus {cut.other}" if cut.other and len(cuts) == 1 else title
            for title, cut in zip(titles, cuts, strict=True)
        ]
        for panel, cut, title in zip(self.panels, cuts, titles, strict=True):
            panel.show_path(self._path)
            panel.show_cut(cut, look, level, title)
        self._stack.setCurrentWidget(self.canvas)

    def show_path(self, points: FloatArray) -> None:
        """Show the corners of a path on all sections."""
        self._path = points
        for panel in self.panels:
            panel.show_path(points)

    def show_level(self, level: float) -> None:
        """Mark the contour of the isosurface's level."""
        for panel in self.panels:
            panel.show_level(level)

    def mark(self, point: FloatArray | None) -> None:
        """Mark a fractional point on all sections."""
        for panel in self.panels:
            panel.mark(point)

    def show_all(self) -> None:
        """The whole sections."""
        for panel in self.panels:
            panel.show_all()

    @property
    def dragged(self) -> bool:
        """Whether a corner is held now."""
        return any(panel.handles.dragged for panel in self.panels)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.canvas.setBackground(theme.plot)
        for panel in self.panels:
            panel.set_theme(theme)

    def _set_number(self, number: int) -> None:
        if len(self.panels) == number:
            return
        self.canvas.clear()
        self.panels = []
        for place in range(number):
            panel = SectionPlot(self._theme, with_bar=place == number - 1)
            panel.clicked.connect(self.clicked)
            panel.line_double_clicked.connect(self.line_double_clicked)
            panel.corner_moved.connect(self.corner_moved)
            panel.corner_released.connect(self.corner_released)
            panel.corner_removal_asked.connect(self.corner_removal_asked)
            panel.hovered.connect(self.hovered)
            row, column = divmod(place, _MOST_IN_A_ROW)
            self.canvas.addItem(panel.plot, row, column)
            self.canvas.ci.layout.setColumnPreferredWidth(column, 100)
            self.canvas.ci.layout.setColumnStretchFactor(column, 1)
            self.panels.append(panel)
        self.set_drawing(self.draws)

    def set_drawing(self, on: bool) -> None:
        """Whether clicks set corners."""
        self.draws = on
        shape = Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor
        self.canvas.viewport().setCursor(shape)

    # -- the mouse --------------------

    def _on_click(self, event: object) -> None:
        if event.button() != Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            return
        double = bool(event.double())  # type: ignore[attr-defined]
        place = event.scenePos()  # type: ignore[attr-defined]
        if double and self.draws:
            self.drawing_ended.emit()
            return
        for panel in self.panels:
            if panel.contains(place):
                panel.click(place, double=double, draws=self.draws)
                return

    def _on_hover(self, place: QPointF) -> None:
        for panel in self.panels:
            if panel.contains(place):
                panel.hover(place)
                return
        self.hovered.emit("")
