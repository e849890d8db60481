"""The window: project on the left, tabs in the middle, messages and jobs below."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from gui.export_dialog import ExportDialog
from gui.messages import MessageLog
from gui.models.project_model import ProjectModel
from gui.recognise import recognise
from gui.runner import Runner
from gui.settings import Settings
from gui.theme import THEMES, Theme, apply_theme
from gui.views.fit_tab import FitTab
from gui.views.help_window import HelpWindow
from gui.views.messages_dock import MessagesDock
from gui.views.pages import Pages
from gui.views.project_dock import ProjectDock
from gui.views.recovery_bar import RecoveryBar
from gui.views.tab import Desk, Tab
from gui.views.tabs import TABS
from ixs_core.errors import InputError

_SIZE = (1360, 900)


class MainWindow(QMainWindow):
    """The viewer.

    Parameters
    ----------
    settings : Settings
    theme : Theme
    """

    def __init__(self, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("viewer")
        self.resize(*_SIZE)
        self.setAcceptDrops(True)
        self.settings = settings
        self.theme = theme
        self.asks = True  # about unsaved work, before it is left
        self._closing = False  # as soon as the project is written
        self.messages = MessageLog(self)
        self.runner = Runner(self)
        self.project = ProjectModel(self.runner, self.messages, self)
        desk = Desk(self.project, self.runner, self.messages, settings)
        self.pages = Pages(TABS, desk, theme, self._on_page)
        self.recovery_bar = RecoveryBar(self.project, self.messages)
        self._lay_out()
        self._add_actions()
        self._connect()
        self._show_title()
        self._restore_layout()

    def _lay_out(self) -> None:
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.recovery_bar)
        layout.addWidget(self.pages.widget, 1)
        self.setCentralWidget(middle)
        self.project_dock = ProjectDock(self.project, self.theme)
        self.messages_dock = MessagesDock(self.messages, self.runner, self.theme)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.project_dock)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.messages_dock)
        self.resizeDocks([self.project_dock], [210], Qt.Orientation.Horizontal)
        self.resizeDocks([self.messages_dock], [120], Qt.Orientation.Vertical)
        self.cursor_label = QLabel("")
        self.cursor_label.setObjectName("cursor")
        self.state_label = QLabel("")
        self.state_label.setObjectName("state")
        self.statusBar().addWidget(self.cursor_label, 1)
        self.statusBar().addPermanentWidget(self.state_label)

    def _connect(self) -> None:
        self.project.opened.connect(self._show_title)
        self.project.dirty_changed.connect(lambda _: self._show_title())
        self.project.tab_wanted.connect(self.show_tab)
        self.project.opened.connect(self._remember_project)
        self.project.saving_failed.connect(lambda _: self._stay())
        self.project.saving.ended.connect(self._on_saving_ended)
        self.runner.failed.connect(self.messages.error)

    # -- menus and keys --------------------

    def _add_actions(self) -> None:
        keys = QKeySequence.StandardKey
        file = self.menuBar().addMenu("&File")
        self._action(file, "open", "&Open…", keys.Open, self.ask_open)
        self._recent = file.addMenu("Open &recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self._action(file, "save", "&Save", keys.Save, self.save)
        self._action(file, "save-as", "Save &as…", "Ctrl+Shift+S", self.ask_save_as)
        file.addSeparator()
        self._action(file, "export", "&Export figure and numbers…", "Ctrl+E", self.ask_export)
        file.addSeparator()
        self._action(file, "quit", "&Quit", keys.Quit, self.close)
        edit = self.menuBar().addMenu("&Edit")
        for action, key, name in (
            (self.project.undo_stack.createUndoAction(self, "&Undo"), "Ctrl+Z", "undo"),
            (self.project.undo_stack.createRedoAction(self, "&Redo"), "Ctrl+Shift+Z", "redo"),
        ):
            action.setShortcut(QKeySequence(key))
            action.setObjectName(name)
            edit.addAction(action)
        self._add_view_actions()
        self._action(self.menuBar().addMenu("&Help"), "keys", "&Keys", "F1", self.show_keys)

    def _add_view_actions(self) -> None:
        view = self.menuBar().addMenu("&View")
        for number, kind in enumerate(TABS, start=1):
            show = partial(self.show_tab, kind.name)
            self._action(view, f"show-{kind.name}", kind.title, f"Ctrl+{number}", show)
        view.addSeparator()
        self._action(view, "previous", "Previous spectrum", "[", partial(self._step, -1))
        self._action(view, "next", "Next spectrum", "]", partial(self._step, 1))
        self._action(view, "fit-current", "Fit the current spectrum", "Ctrl+F", self.fit_current)
        self._action(view, "give-up", "Give up", "Esc", lambda: self.page.give_up())
        view.addSeparator()
        for name in THEMES:
            use = partial(self.set_theme_name, name)
            self._action(view, f"theme-{name}", f"{name.capitalize()} theme", "", use)
        view.addSeparator()
        view.addAction(self.project_dock.toggleViewAction())
        view.addAction(self.messages_dock.toggleViewAction())

    def _action(self, menu: QMenu, name: str, text: str, key: object, do: object) -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        if key:
            action.setShortcut(QKeySequence(key))  # type: ignore[call-overload]
        action.triggered.connect(lambda: do())  # type: ignore[operator]
        menu.addAction(action)
        return action

    def _step(self, step: int) -> None:
        self.guarded("the next spectrum", partial(self.project.select_next, step))

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front."""
        self.pages.show(name)

    def fit_current(self) -> None:
        """Fit the current spectrum with its draft, and show it."""
        fit_tab = self.pages["fit"]
        assert isinstance(fit_tab, FitTab)
        self.show_tab("fit")
        fit_tab.fit_current()

    @property
    def page(self) -> Tab:
        """The tab in front."""
        return self.pages.current

    def show_keys(self) -> None:
        """All keys, in a window of their own that does not stand in the way."""
        HelpWindow.show_for(self, self.page)

    def set_theme_name(self, name: str) -> None:
        """Light or dark, for now and for the next start."""
        self.settings.theme = name
        self.set_theme(THEMES[name])

    def set_theme(self, theme: Theme) -> None:
        """Draw everything in the colours of a theme."""
        self.theme = theme
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        apply_theme(application, theme)
        self.project_dock.set_theme(theme)
        self.messages_dock.set_theme(theme)
        self.pages.set_theme(theme)

    # -- files --------------------

    def guarded(self, subject: str, do: object) -> bool:
        """Call something; what the user can mend becomes a message. Whether it went well."""
        try:
            do()  # type: ignore[operator]
        except (InputError, OSError) as error:
            self.messages.error(subject, error)
            return False
        return True

    def take(self, path: Path) -> None:
        """Open a file of any kind the viewer knows, by its content."""
        self.guarded(path.name, partial(self._take, path))

    def _take(self, path: Path) -> None:
        kind = recognise(path)
        if kind == "project":
            # What was done without a project goes along into this one.
            if self.project.path is None or self._may_leave():
                self.project.open(path)
            return
        for tab in TABS:
            if kind in tab.takes:
                self.show_tab(tab.name)
                self.page.take_file(path, kind)
                return
        raise InputError(f"no tab takes {kind}", file=path)

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        folder = self.settings.folder("open")
        name, _ = QFileDialog.getOpenFileName(self, "Open", folder)
        if name:
            self.settings.set_folder("open", Path(name))
            self.take(Path(name))

    def ask_save_as(self) -> None:
        """Ask for a name and save the project under it."""
        path = self._ask_project()
        if path is not None:
            self.guarded(path.name, partial(self.project.save_as, path))

    def save(self) -> None:
        """Save; what was done without a project needs a name first."""
        if self.project.path is None and self.project.dirty:
            self.ask_save_as()
        else:
            self.project.save()

    def _ask_project(self) -> Path | None:
        """A name for a project; None when the user gives none."""
        folder = self.settings.folder("open")
        name, _ = QFileDialog.getSaveFileName(self, "Save as", folder, "Projects (*.h5)")
        path = Path(name)
        return None if not name else path if path.suffix else path.with_suffix(".h5")

    def ask_export(self) -> None:
        """Export what the tab in front shows."""
        page = self.page
        try:
            export = page.export()
        except InputError as error:
            self.messages.error(f"export of {page.title}", error)
            return
        ExportDialog.show_for(self, export, self.settings, self.messages, self.runner)

    def _fill_recent(self) -> None:
        self._recent.clear()
        for name in self.settings.recent_files:
            self._recent.addAction(name, partial(self.take, Path(name)))

    def _remember_project(self) -> None:
        if self.project.path is not None:
            self.settings.add_recent(self.project.path)

    # -- drops --------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take every file that was dropped, a project first: the others are for it."""
        urls = event.mimeData().urls()
        paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        for path in sorted(paths, key=lambda path: not _is_project(path)):
            self.take(path)
        event.acceptProposedAction()

    # -- the rest --------------------

    def showEvent(self, event: QShowEvent) -> None:
        """The tab in front is made."""
        super().showEvent(event)
        self.page.show()

    def _on_page(self, page: Tab) -> None:
        """A tab was made, perhaps long after the project was opened."""
        page.cursor_text.connect(self._show_cursor)
        page.project_opened()

    def _show_cursor(self, text: str) -> None:
        self.cursor_label.setText(text)

    def _show_title(self) -> None:
        path = self.project.path
        name = path.name if path is not None else "no project: drop a file here"
        self.setWindowTitle(f"{name}{'*' if self.project.dirty else ''} — ixs view")

    def _may_leave(self) -> bool:
        """Whether the present project may be left: saved, or the user says so."""
        if not self.project.dirty or not self.asks:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            "Unsaved changes",
            "What you did since the last save is not in the project yet.",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self._save_now()
        if answer == buttons.Discard:
            self.project.discard()
        return answer == buttons.Discard

    def _save_now(self) -> bool:
        """Save before the project is left; what has no project yet gets one, unless cancelled."""
        if self.project.path is None:
            path = self._ask_project()
            if path is None or not self.guarded(path.name, partial(self.project.create, path)):
                return False
        return self.project.save_now()

    def _on_saving_ended(self) -> None:
        """Close now, if that was only put off."""
        if self._closing:
            QTimer.singleShot(0, self, self.close)

    def _stay(self) -> None:
        """The project could not be written: the window that was to close shows why."""
        self._closing = False

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work, then end all jobs and remember the layout.

        While the project is being written this waits; to close once more does not.
        """
        if self.asks and self.project.saving.active and not self._closing:
            self._closing = True
            self.messages.info("closing", "the window closes as soon as the project is written")
            event.ignore()
            return
        self._closing = False
        if not self._may_leave():
            event.ignore()
            return
        for page in self.pages.made.values():
            page.close_down()
        self.runner.stop()
        self.settings.set_layout("geometry", self.saveGeometry())
        self.settings.set_layout("state", self.saveState())
        self.settings.sync()
        event.accept()

    def _restore_layout(self) -> None:
        geometry, state = self.settings.layout("geometry"), self.settings.layout("state")
        if geometry is not None:
            self.restoreGeometry(geometry)
        if state is not None:
            self.restoreState(state)


def _is_project(path: Path) -> bool:
    try:
        return recognise(path) == "project"
    except (InputError, OSError):
        return False
