"""What the viewer remembers of the desk, not of the science: geometry, recent files, theme."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

_MOST_RECENT = 10


class Settings:
    """The settings file of the viewer (ini).

    Parameters
    ----------
    file : path, optional
        Default: the user's own, `ixs-suite/viewer.ini` in the folder for settings.
    """

    def __init__(self, file: Path | None = None) -> None:
        ini = QSettings.Format.IniFormat
        self._stored = (
            QSettings(str(file), ini)
            if file is not None
            else QSettings(ini, QSettings.Scope.UserScope, "ixs-suite", "viewer")
        )

    @property
    def theme(self) -> str:
        """ "light" or "dark"."""
        return str(self._stored.value("theme", "light"))

    @theme.setter
    def theme(self, name: str) -> None:
        self._stored.setValue("theme", name)

    @property
    def colormap(self) -> str:
        """Name of the colour map of maps."""
        return str(self._stored.value("colormap", "viridis"))

    @colormap.setter
    def colormap(self, name: str) -> None:
        self._stored.setValue("colormap", name)

    @property
    def recent_files(self) -> list[str]:
        """Projects opened last, newest first."""
        stored = self._stored.value("recent_files")
        # A list of one comes back as its only item.
        names = stored if isinstance(stored, list) else [stored] if stored else []
        return [str(name) for name in names]

    def add_recent(self, path: Path) -> None:
        """Put a project first in the list."""
        name = str(path.resolve())
        others = [other for other in self.recent_files if other != name]
        self._stored.setValue("recent_files", [name, *others][:_MOST_RECENT])

    def folder(self, purpose: str) -> str:
        """The folder last used for a purpose ("open", "export"); the home folder at first."""
        return str(self._stored.value(f"folders/{purpose}", str(Path.home())))

    def set_folder(self, purpose: str, path: Path) -> None:
        """Remember the folder of a file that was chosen."""
        self._stored.setValue(f"folders/{purpose}", str(path.resolve().parent))

    def layout(self, name: str) -> QByteArray | None:
        """Stored geometry or state of a window or splitter; None at first."""
        stored = self._stored.value(f"layout/{name}")
        return stored if isinstance(stored, QByteArray) else None

    def set_layout(self, name: str, content: QByteArray) -> None:
        """Store geometry or state of a window or splitter."""
        self._stored.setValue(f"layout/{name}", content)

    def sync(self) -> None:
        """Have the disk hold all of it."""
        self._stored.sync()
