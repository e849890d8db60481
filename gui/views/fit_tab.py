"""The tab Fit."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class FitTab(Tab):
    """Fit."""

    name: ClassVar[str] = "fit"
    title: ClassVar[str] = "Fit"

    def refresh(self) -> None:
        """Show what the project holds."""
