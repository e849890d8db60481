"""All widgets of the tab Density and where they are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from gui.plots.isosurface_view import IsosurfaceView
from gui.theme import Theme
from gui.views.density_controls import LevelRow, PathRow, PlaneRow, ProfileRow
from gui.views.density_curves import ProfileArea, ResidualArea
from gui.views.density_list import DensityList, DensityNumbers
from gui.views.density_run import RunForm
from gui.views.density_sections import SectionArea
from gui.views.tab import Desk


class DensityPage(QWidget):
    """The widgets, by name; none of them knows of the others."""

    def __init__(self, desk: Desk, theme: Theme) -> None:
        super().__init__()
        self.list = DensityList()
        self.numbers = DensityNumbers()
        self.form = RunForm(desk, theme)
        self.plane_row = PlaneRow()
        self.path_row = PathRow()
        self.level_row = LevelRow()
        self.profile_row = ProfileRow()
        self.sections = SectionArea(theme)
        self.surface = IsosurfaceView(desk.runner, theme)
        self.profile_area = ProfileArea(theme)
        self.residual_area = ResidualArea(theme)
        self.side = QTabWidget()
        self.side.setObjectName("density-side")
        self.side.setAccessibleName("Numbers of the density, or a new reconstruction")
        self.side.setDocumentMode(True)
        self.side.addTab(self.numbers, "Numbers")
        self.side.addTab(self.form, "Reconstruct")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._laid_out())

    def _laid_out(self) -> QSplitter:
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self.solid = _column(self.level_row, self.surface)
        upper = _split(across, [self.sections, self.solid], [560, 380])
        curves = _column(self.profile_row, self.profile_area)
        lower = _split(across, [curves, self.residual_area], [560, 380])
        drawings = _split(down, [upper, lower], [400, 300])
        right = _column(self.plane_row, self.path_row, drawings)
        left = _split(down, [self.list, self.side], [170, 500])
        return _split(across, [left, right], [265, 885])

    def widen_sections(self, on: bool) -> None:
        """Give all the width to sections side by side, or the isosurface its place again."""
        self.solid.setVisible(not on)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.form.set_theme(theme)
        self.sections.set_theme(theme)
        self.surface.set_theme(theme)
        self.profile_area.set_theme(theme)
        self.residual_area.set_theme(theme)


def _split(
    orientation: Qt.Orientation, widgets: Sequence[QWidget], sizes: Sequence[int]
) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setChildrenCollapsible(False)
    for widget, size in zip(widgets, sizes, strict=True):
        splitter.addWidget(widget)
        splitter.setStretchFactor(splitter.count() - 1, size)
    splitter.setSizes(list(sizes))
    return splitter


def _column(*widgets: QWidget) -> QWidget:
    """One below the other; the last takes the room."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 2, 0, 0)
    layout.setSpacing(0)
    for widget in widgets:
        layout.addWidget(widget, 1 if widget is widgets[-1] else 0)
    return column
