"""The tab Simulation."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class SimulationTab(Tab):
    """Simulation."""

    name: ClassVar[str] = "simulation"
    title: ClassVar[str] = "Simulation"

    def refresh(self) -> None:
        """Show what the project holds."""
