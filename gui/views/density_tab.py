"""The tab Density."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class DensityTab(Tab):
    """Density."""

    name: ClassVar[str] = "density"
    title: ClassVar[str] = "Density"

    def refresh(self) -> None:
        """Show what the project holds."""
