"""All keys and gestures, in a window beside the viewer."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTextBrowser, QWidget

from gui.views.tab import Tab

KEYS = (
    ("Ctrl+1 … Ctrl+7", "the tabs"),
    ("[  ]", "previous, next spectrum"),
    ("Ctrl+O", "open a file of any kind (or drop it on the window)"),
    ("Ctrl+S, Ctrl+Shift+S", "save the project, under another name"),
    ("Ctrl+Z, Ctrl+Shift+Z", "undo, redo"),
    ("Ctrl+E", "export the figure with its numbers (PDF, SVG, PNG, CSV)"),
    ("Ctrl+F", "fit the current spectrum"),
    ("Esc", "give up what is being dragged or run on this tab"),
    ("wheel, drag, right drag", "zoom, pan, zoom one axis of a plot"),
    ("F1", "this list"),
)


class HelpWindow(QTextBrowser):
    """The list of keys: those of the window, then those of a tab."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowFlag(Qt.WindowType.Window)
        self.setWindowTitle("Keys")
        self.setObjectName("keys-window")
        self.resize(560, 520)

    @classmethod
    def show_for(cls, parent: QWidget, page: Tab) -> HelpWindow:
        """Show the keys beside a window with a tab in front."""
        found = parent.findChild(cls, "keys-window")
        window = found if isinstance(found, cls) else cls(parent)
        window.setHtml(_table("Everywhere", KEYS) + _table(page.title, page.help_keys))
        window.show()
        window.raise_()
        return window


def _table(title: str, keys: tuple[tuple[str, str], ...]) -> str:
    if not keys:
        return ""
    rows = "".join(
        f"<tr><td><b>{escape(key)}</b>&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
        for key, text in keys
    )
    return f"<h3>{escape(title)}</h3><table cellpadding='3'>{rows}</table>"
