"""All spectra of a scan side by side: fixed ranges, only what changed is drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
)

from gui.models.grid_scale import CountScale, count_tops, energy_range, grid_shape
from gui.models.scan_grid import PanelData, counts_below
from gui.plots.axes import ENERGY_LABEL
from gui.plots.spectrum_panel import AXIS_HEIGHT, TITLE_HEIGHT, PanelState, SpectrumPanel
from gui.theme import Theme

COUNTS_LABEL = "Counts per point at the median exposure"
TITLES_LABEL = "titles: analyzer, Q (r.l.u.), |Q| (Å⁻¹)"
_LABEL_ROOM = 18
_SPACING = 3
_MARGIN = 4
_BARE = 5
_ARROWS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class SpectraGrid(pg.GraphicsLayoutWidget):
    """A grid of small spectra.

    Signals
    -------
    clicked : (analyzer, keyboard modifiers)
    opened : analyzer, by a double click or Return.
    menu_wanted : (analyzer, place on the screen)
    hovered : str, what is under the cursor.
    """

    clicked = Signal(str, object)
    opened = Signal(str)
    menu_wanted = Signal(str, QPoint)
    hovered = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("scans-grid")
        self.setAccessibleName("Spectra of all analyzers of the scan")
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.ci.layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        self.ci.layout.setSpacing(_SPACING)
        self.panels: list[SpectrumPanel] = []
        self.scale = CountScale()
        self._theme = theme
        self._spare: list[SpectrumPanel] = []
        self._shape = (0, 0)
        self._requested: int | None = None
        self._energy_label = pg.LabelItem("")
        self._counts_label = pg.LabelItem("", angle=-90)
        self.set_theme(theme)

    # -- what is shown --------------------

    @property
    def analyzers(self) -> list[str]:
        """Names of the panels in their order."""
        return [panel.data.analyzer for panel in self.panels if panel.data is not None]

    def panel(self, analyzer: str) -> SpectrumPanel | None:
        """The panel of an analyzer."""
        for panel in self.panels:
            if panel.data is not None and panel.data.analyzer == analyzer:
                return panel
        return None

    def show_panels(self, data: Sequence[PanelData], requested_points: int | None = None) -> None:
        """Show other spectra, or the same with other points.

        `requested_points` is given for a scan that is still measured: ranges leave it room.
        """
        self._requested = requested_points
        if len(data) != len(self.panels):
            self._arrange(len(data))
        for panel, item in zip(self.panels, data, strict=True):
            panel.set_data(item)
        self._set_ranges()

    def set_states(self, states: Mapping[str, PanelState]) -> None:
        """Mark panels by the name of their analyzer."""
        for panel in self.panels:
            if panel.data is not None:
                panel.set_state(states.get(panel.data.analyzer, PanelState()))

    def set_scale(self, scale: CountScale) -> None:
        """Scale counts otherwise."""
        self.scale = scale
        self._set_ranges()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.setBackground(theme.plot)
        for label, text in (
            (self._energy_label, f"{ENERGY_LABEL}   ·   {TITLES_LABEL}"),
            (self._counts_label, COUNTS_LABEL),
        ):
            label.setText(text, color=theme.axis, size="9pt")
        for panel in (*self.panels, *self._spare):
            panel.set_theme(theme)

    def _arrange(self, number: int) -> None:
        """So many panels in rows and columns; those there are used again.

        Spare ones are hidden and stay in the scene, which is theirs to live and die with.
        """
        layout = self.ci.layout
        every = [*self.panels, *self._spare]
        for place in reversed(range(layout.count())):
            layout.removeAt(place)
        while len(every) < number:
            every.append(SpectrumPanel(self._theme))
        self.panels, self._spare = every[:number], every[number:]
        for panel in self._spare:
            panel.plot.setVisible(False)
        rows, columns = self._shape = grid_shape(number)
        for i, panel in enumerate(self.panels):
            row, column = divmod(i, columns)
            layout.addItem(panel.plot, row, column + 1)
            panel.plot.setVisible(True)
            panel.show_energies(shown=row == rows - 1)
        if number:
            layout.addItem(self._counts_label, 0, 0, rows, 1)
            layout.addItem(self._energy_label, rows, 1, 1, columns)
        self._size_cells()

    def _size_cells(self) -> None:
        """Equal plots, although only the lowest have numbers at their energy axis."""
        rows, columns = self._shape
        if not rows:
            return
        layout = self.ci.layout
        inner = self.viewport().rect()
        width = inner.width() - 3 * _MARGIN - _LABEL_ROOM - (columns + 1) * _SPACING
        height = inner.height() - 2 * _MARGIN - _LABEL_ROOM - rows * _SPACING
        plain = rows * TITLE_HEIGHT + (rows - 1) * _BARE + AXIS_HEIGHT
        view = max((height - plain) / rows, 10.0)
        for row in range(layout.rowCount()):
            axis = AXIS_HEIGHT if row == rows - 1 else _BARE
            layout.setRowFixedHeight(
                row,
                view + TITLE_HEIGHT + axis if row < rows else _LABEL_ROOM if row == rows else 0,
            )
        for column in range(layout.columnCount()):
            used = column <= columns
            layout.setColumnFixedWidth(
                column, _LABEL_ROOM if column == 0 else max(width / columns, 40.0) if used else 0
            )

    def _set_ranges(self) -> None:
        data = [panel.data for panel in self.panels if panel.data is not None]
        energies = energy_range(data, self._requested)
        for panel, top in zip(self.panels, count_tops(data, self.scale), strict=True):
            panel.set_ranges(energies, top, self.scale)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new room out."""
        super().resizeEvent(event)
        if hasattr(self, "_shape"):  # pyqtgraph resizes while it is still being made
            self._size_cells()

    # -- the hand --------------------

    def panel_at(self, place: QPoint) -> SpectrumPanel | None:
        """The panel under a place of the widget."""
        scene = self.mapToScene(place)
        for panel in self.panels:
            if panel.plot.sceneBoundingRect().contains(scene):
                return panel
        return None

    def _name_at(self, place: QPoint) -> str:
        panel = self.panel_at(place)
        return panel.data.analyzer if panel is not None and panel.data is not None else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a panel."""
        name = self._name_at(event.position().toPoint())
        if name and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(name, event.modifiers())
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a spectrum."""
        name = self._name_at(event.position().toPoint())
        if name and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(name)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Nothing is dragged here."""
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of the point under the cursor."""
        self.hovered.emit(self._under(event.position().toPoint()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """The cursor is elsewhere."""
        self.hovered.emit("")
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of a panel."""
        name = self._name_at(event.pos())
        if name:
            self.menu_wanted.emit(name, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go to the next panel, Return opens it."""
        current = next((i for i, p in enumerate(self.panels) if p.mark.state.current), None)
        step = _ARROWS.get(Qt.Key(event.key()))
        if current is not None and step is not None:
            place = current + step[0] * self._shape[1] + step[1]
            if 0 <= place < len(self.panels):
                self.clicked.emit(self.analyzers[place], event.modifiers())
        elif current is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(self.analyzers[current])
        else:
            event.ignore()

    def _under(self, place: QPoint) -> str:
        panel = self.panel_at(place)
        if panel is None or panel.data is None:
            return ""
        data = panel.data
        view = panel.plot.getViewBox()
        energy = view.mapSceneToView(self.mapToScene(place)).x()
        point = counts_below(data, energy)
        parts = [data.analyzer, data.q_text, data.length_text]
        if point is not None:
            parts.append(f"E = {point[0]:.2f} meV, {point[1]:.0f} counts".replace("-", "−"))
        return "   ".join(part for part in parts if part)
