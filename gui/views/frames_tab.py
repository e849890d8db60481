"""The tab Frames."""

from __future__ import annotations

from typing import ClassVar

from gui.views.tab import Tab


class FramesTab(Tab):
    """Frames."""

    name: ClassVar[str] = "frames"
    title: ClassVar[str] = "Frames"

    def refresh(self) -> None:
        """Show what the project holds."""
