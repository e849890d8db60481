"""The tab Scans."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class ScansTab(Tab):
    """Scans."""

    name: ClassVar[str] = "scans"
    title: ClassVar[str] = "Scans"

    def refresh(self) -> None:
        """Show what the project holds."""
