"""The widgets of the tab Plan and how they lie."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.plots.expected_spectra import ExpectedSpectraGrid
from gui.plots.plane_map import PlaneMapView
from gui.theme import Theme
from gui.views.plan_bar import MapBar, SourceBar
from gui.views.plan_form import PlanForm
from gui.views.plan_list_view import PlanListView
from gui.views.plan_setting_view import AnalyzerTableView, SettingView
from gui.views.plan_table_view import PlanTableView

NOTHING = (
    "<p><b>Nothing to plan with yet.</b></p>"
    "<p>Drop a file of force constants here (phonopy’s yaml, for example) and the experiment "
    "file that says how the crystal stands (<code>ixs init</code> writes one):<br>"
    "the map shows where the wanted phonons are strong and what the arm reaches, and “New plan” "
    "finds the settings to measure.</p>"
    "<p>Or open a project that holds a plan:<br>"
    "<code>ixs plan FC --experiment exp.toml --target &quot;Γ-Y branch=1-3&quot; -o project.h5"
    "</code></p>"
)


class PlanWidgets(QWidget):
    """Map and table on the left; setting, spectra and list on the right."""

    def __init__(self, theme: Theme, colormap: str) -> None:
        super().__init__()
        self.sources = SourceBar()
        self.bar = MapBar()
        self.map = PlaneMapView(theme, colormap)
        self.map_note = QLabel("")
        self.map_note.setObjectName("plan-map-note")
        self.map_note.setAccessibleName("What the map shows")
        self.map_note.setWordWrap(True)
        self.map_note.setContentsMargins(8, 0, 8, 0)
        self.nothing = QLabel(NOTHING)
        self.nothing.setObjectName("plan-nothing")
        self.nothing.setAccessibleName("What to do first")
        self.nothing.setWordWrap(True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setContentsMargins(40, 20, 40, 20)
        self.map_area = QStackedWidget()
        self.map_area.addWidget(self.nothing)
        self.map_area.addWidget(self.map.canvas)
        self.setting = SettingView(theme)
        self.analyzers = AnalyzerTableView()
        self.expected = ExpectedSpectraGrid(theme)
        self.table = PlanTableView()
        self.form = PlanForm()
        self.list = PlanListView()
        self.plan_pages = _tabs("plan-pages", "Plan")
        self.plan_pages.addTab(self.table, "Ranked settings")
        self.plan_pages.addTab(self.form, "New plan")
        self.setting_pages = _tabs("plan-setting-pages", "The present setting")
        self.setting_pages.addTab(self.expected, "Expected spectra")
        self.setting_pages.addTab(self.analyzers, "Analyzers: hkl, |Q|, ΔQ")
        self._lay_out()

    def _lay_out(self) -> None:
        left = _splitter("plan-left", Qt.Orientation.Vertical)
        left.addWidget(_column(self.bar, self.map_note, self.map_area))
        left.addWidget(self.plan_pages)
        left.setStretchFactor(0, 3)
        left.setStretchFactor(1, 1)
        left.setSizes([470, 240])
        right = _splitter("plan-right", Qt.Orientation.Vertical)
        right.addWidget(_column(self.setting, self.setting_pages))
        right.addWidget(self.list)
        right.setStretchFactor(0, 3)
        right.setStretchFactor(1, 1)
        right.setSizes([560, 150])
        both = _splitter("plan-both", Qt.Orientation.Horizontal)
        both.addWidget(left)
        both.addWidget(right)
        both.setStretchFactor(0, 1)
        both.setStretchFactor(1, 1)
        both.setSizes([590, 550])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sources)
        layout.addWidget(both, 1)

    def set_theme(self, theme: Theme) -> None:
        """Draw all in other colours."""
        self.map.set_theme(theme)
        self.setting.set_theme(theme)
        self.expected.set_theme(theme)


def _column(*widgets: QWidget) -> QWidget:
    column = QFrame()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    for widget in widgets[:-1]:
        layout.addWidget(widget)
    layout.addWidget(widgets[-1], 1)
    return column


def _splitter(name: str, orientation: Qt.Orientation) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setObjectName(name)
    splitter.setChildrenCollapsible(False)
    return splitter


def _tabs(name: str, says: str) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setObjectName(name)
    tabs.setAccessibleName(says)
    tabs.setDocumentMode(True)
    return tabs
