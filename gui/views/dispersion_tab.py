"""The tab Dispersion."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class DispersionTab(Tab):
    """Dispersion."""

    name: ClassVar[str] = "dispersion"
    title: ClassVar[str] = "Dispersion"

    def refresh(self) -> None:
        """Show what the project holds."""
