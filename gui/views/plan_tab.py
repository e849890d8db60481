"""The tab Plan."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class PlanTab(Tab):
    """Plan."""

    name: ClassVar[str] = "plan"
    title: ClassVar[str] = "Plan"

    def refresh(self) -> None:
        """Show what the project holds."""
