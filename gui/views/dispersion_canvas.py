"""What the drawings of the tab Dispersion share: places that are clicked or hovered over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt, Signal

from gui.models.dispersion_pick import Pixels, Place
from gui.plots.axes import make_canvas
from gui.theme import Theme

AXIS_HEIGHT = 38
"""Of bottom axes in pixels, labels included: bars beside plots end where the plots do."""

TITLE_HEIGHT = 30
"""What pyqtgraph gives to a title."""


class DispersionCanvas(QObject):
    """Plots by name on one canvas.

    Signals
    -------
    clicked : Place
    hovered : Place, or None when the cursor left the plots
    """

    clicked = Signal(object)
    hovered = Signal(object)

    def __init__(self, theme: Theme, name: str, words: str) -> None:
        super().__init__()
        self.theme = theme
        self.widget = make_canvas(theme)
        self.widget.setObjectName(name)
        self.widget.setAccessibleName(words)
        self.plots: dict[str, pg.PlotItem] = {}
        self.widget.scene().sigMouseClicked.connect(self._on_click)
        self.widget.scene().sigMouseMoved.connect(self._on_move)

    def add_plot(self, name: str, plot: pg.PlotItem, row: int, column: int) -> None:
        """Put a plot on the canvas."""
        plot.getAxis("bottom").setHeight(AXIS_HEIGHT)
        self.plots[name] = plot
        self.widget.addItem(plot, row, column)

    def set_bottom_label(self, name: str, text: str) -> None:
        """Another label of the axis of Q."""
        axis = self.plots[name].getAxis("bottom")
        axis.setLabel(text)
        axis.resizeEvent()  # pyqtgraph centres a label only when its axis is resized

    def set_widths(self, widths: Mapping[int, float]) -> None:
        """Give columns of the canvas their widths in pixels."""
        for column, width in widths.items():
            self.widget.ci.layout.setColumnFixedWidth(column, width)

    def place_at(self, scene: QPointF, double: bool = False) -> Place | None:
        """The place on the axes of the plot under a point of the scene."""
        for name, plot in self.plots.items():
            view = plot.getViewBox()
            if view.sceneBoundingRect().contains(scene):
                at = view.mapSceneToView(scene)
                size = view.viewPixelSize()
                return Place(name, at.x(), at.y(), Pixels(abs(size[0]), abs(size[1])), double)
        return None

    def _on_click(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            place = self.place_at(event.scenePos(), event.double())
            if place is not None:
                self.clicked.emit(place)

    def _on_move(self, scene: QPointF) -> None:
        self.hovered.emit(self.place_at(scene))
