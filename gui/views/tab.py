"""What all tabs are: a widget that shows the project, follows the theme, and can be exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QWidget

from gui.models.document import Document, SpectrumId
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.messages import MessageLog
    from gui.models.project_model import ProjectModel
    from gui.plots.export import Export, LateExport
    from gui.runner import Runner
    from gui.settings import Settings


@dataclass(frozen=True)
class Desk:
    """What a tab works with."""

    project: ProjectModel
    runner: Runner
    messages: MessageLog
    settings: Settings


class Tab(QWidget):
    """A tab of the window.

    A tab shows nothing until it is seen: changes while it is hidden are gathered, and
    `refresh` runs when it is shown.

    Attributes
    ----------
    name : str
        As in `--tab` and in the names of screenshots.
    title : str
    takes : tuple of str
        Kinds of files (`gui.recognise`) that it takes when they are dropped.
    help_keys : tuple of (keys, what they do)
        Its own keys, for F1.

    Signals
    -------
    cursor_text : str
        Q, E and value under the cursor, for the status bar.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    takes: ClassVar[tuple[str, ...]] = ()
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = ()
    cursor_text = Signal(str)

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.theme = theme
        self.setObjectName(f"tab-{self.name}")
        self.setAccessibleName(self.title)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._stale = True
        project = desk.project
        project.opened.connect(self.project_opened)
        project.contents_changed.connect(self.mark_stale)
        project.document_changed.connect(self.document_changed)
        project.selected.connect(self.spectrum_selected)

    def add_keys(self, *keys: tuple[str, Callable[[], object]]) -> None:
        """Keys that work while the tab, or anything on it, has the focus."""
        for key, do in keys:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)

    # -- for a tab to fill in --------------------

    def refresh(self) -> None:
        """Show what the project holds now; called only while the tab is seen."""
        raise NotImplementedError

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours; a tab extends this."""
        self.theme = theme

    def export(self) -> Export | LateExport:
        """What is shown, as a figure for paper with its numbers.

        Raises
        ------
        InputError
            When there is nothing to export.
        """
        raise NotImplementedError

    def take_file(self, path: Path, kind: str) -> None:
        """Take a file of one of the kinds in `takes`, which was dropped or opened."""
        raise NotImplementedError

    def give_up(self) -> None:
        """Esc was pressed: cancel what this tab drags or runs."""

    def close_down(self) -> None:
        """The window closes: stop what this tab has running besides jobs (a live watcher)."""

    @property
    def ready(self) -> bool:
        """Whether nothing is under way that would still change what is seen."""
        return not self._stale

    # -- what happens --------------------

    def project_opened(self) -> None:
        """Another project is open; a tab forgets what it knew of the last one."""
        self.mark_stale()

    def document_changed(self, before: Document, now: Document) -> None:
        """Something was done, undone or redone; a tab that cares about parts overrides this."""
        self.mark_stale()

    def spectrum_selected(self, which: SpectrumId) -> None:
        """Another spectrum is the current one; a tab that follows it overrides this."""

    def mark_stale(self) -> None:
        """What is shown is old: refresh now when seen, else when it is shown next."""
        self._stale = True
        if self.isVisible():
            self._refresh_now()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the tab was hidden; its keys work at once."""
        super().showEvent(event)
        focused = QApplication.focusWidget()
        if focused is None or not self.isAncestorOf(focused):
            self.setFocus()
        if self._stale:
            self._refresh_now()

    def _refresh_now(self) -> None:
        self._stale = False
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001 - a tab that fails must not take the window along
            self.desk.messages.error(self.title, error)
