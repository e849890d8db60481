"""The seven tabs, in their order."""

from __future__ import annotations

from gui.views.density_tab import DensityTab
from gui.views.dispersion_tab import DispersionTab
from gui.views.fit_tab import FitTab
from gui.views.frames_tab import FramesTab
from gui.views.plan_tab import PlanTab
from gui.views.scans_tab import ScansTab
from gui.views.simulation_tab import SimulationTab
from gui.views.tab import Tab

TABS: tuple[type[Tab], ...] = (
    ScansTab,
    FitTab,
    DispersionTab,
    PlanTab,
    DensityTab,
    SimulationTab,
    FramesTab,
)
