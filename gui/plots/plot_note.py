"""Words inside a plot that has nothing to show: what is missing, and what makes it."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsTextItem

from gui.theme import Theme

_MARGIN = 14


class PlotNote:
    """A text in the middle of a plot; an empty one is not seen."""

    def __init__(self, plot: pg.PlotItem, theme: Theme) -> None:
        self._view = plot.getViewBox()
        self._item = QGraphicsTextItem(self._view)
        self._item.setZValue(1000)
        self._view.sigResized.connect(self._place)
        self.set_theme(theme)
        self.set_text("")

    @property
    def text(self) -> str:
        """What it says."""
        return self._item.toPlainText() if self._item.isVisible() else ""

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._item.setPlainText(text)
        self._item.setVisible(bool(text))
        self._place()

    def set_theme(self, theme: Theme) -> None:
        """Another colour."""
        self._item.setDefaultTextColor(QColor(theme.quiet))

    def _place(self, *_: object) -> None:
        rect = self._view.rect()
        self._item.setTextWidth(max(rect.width() - 2 * _MARGIN, 40))
        height = self._item.boundingRect().height()
        self._item.setPos(_MARGIN, max((rect.height() - height) / 2, 4))
