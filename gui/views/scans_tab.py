"""The tab Scans: all spectra of a scan at a glance, the list of scans, and live mode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QSplitter, QVBoxLayout, QWidget

from gui.models.document import Document, SpectrumId
from gui.models.live_folder import LiveNews
from gui.models.scan_grid import GridContent
from gui.models.scan_rows import live_row
from gui.plots.scan_strip import ScanStrip
from gui.theme import Theme
from gui.views.scans_bars import SourceBar
from gui.views.scans_grid_pane import GridPane
from gui.views.scans_intake import ScansIntake
from gui.views.scans_list_pane import ListPane
from gui.views.scans_watch import FolderWatch
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.plots.export import Export, LateExport

_MANY_POINTS = 50_000  # of all spectra; an export of more is made in a worker
_MERGED = "a merged set: the monitor is that of its scans"


class ScansTab(Tab):
    """Scans.

    The scan in the grid is that of the current spectrum, or one that is watched and not in the
    project yet.
    """

    name: ClassVar[str] = "scans"
    title: ClassVar[str] = "Scans"
    takes: ClassVar[tuple[str, ...]] = ("scans", "folder", "resolution")
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Click", "make a spectrum the current one"),
        ("Ctrl+click, Shift+click", "choose several analyzers"),
        ("Ctrl+A", "choose all analyzers"),
        ("Double click, Return", "fit this spectrum"),
        ("Arrows", "go to the next panel"),
        ("M", "mask or unmask the chosen analyzers"),
        ("L", "linear or logarithmic counts"),
        ("Y", "own or common scales of counts"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self._wanted_key = ""
        self.watch = FolderWatch(desk, self)
        self.intake = ScansIntake(desk, self)
        self.sources = SourceBar(theme)
        self.pane = GridPane(desk, theme)
        self.grid = self.pane.grid
        self.strip = ScanStrip(theme)
        self.list = ListPane(desk, theme)
        self._lay_out()
        self._connect()
        self._add_keys()

    def _lay_out(self) -> None:
        self.below = QSplitter(Qt.Orientation.Horizontal)
        self.below.setObjectName("scans-below")
        self.below.addWidget(self.strip)
        self.below.addWidget(self.list)
        self.below.setSizes([450, 680])
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setObjectName("scans-split")
        self.split.addWidget(self.pane)
        self.split.addWidget(self.below)
        self.split.setSizes([530, 180])
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        for splitter in (self.below, self.split):
            splitter.setChildrenCollapsible(False)
            stored = self.desk.settings.layout(splitter.objectName())
            if stored is not None:
                splitter.restoreState(stored)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sources)
        layout.addWidget(self.split, 1)

    def _connect(self) -> None:
        self.sources.add.clicked.connect(self.ask_scans)
        self.sources.watch.clicked.connect(self.toggle_watch)
        self.sources.fit.toggled.connect(self._restart_watch)
        self.pane.shown.connect(self._on_shown)
        self.grid.hovered.connect(self.cursor_text)
        self.list.scan_wanted.connect(self._show_scan)
        self.list.rows_read.connect(self._show_temperatures)
        self.list.merge.clicked.connect(self.merge_chosen)
        self.list.table.doubleClicked.connect(lambda _: self.desk.project.show_tab("fit"))
        self.watch.news.connect(self._take_news)
        self.watch.changed.connect(self._show_watch)
        self.intake.changed.connect(self._show_failures)
        self.intake.arrived.connect(self._want)

    def _add_keys(self) -> None:
        for key, do in (
            ("M", self.pane.toggle_mask),
            ("L", self.pane.bar.toggle_log),
            ("Y", self.pane.bar.toggle_common),
            ("Ctrl+A", self.pane.choose_all),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)

    # -- what a tab is asked --------------------

    def refresh(self) -> None:
        """Show what the project holds."""
        project = self.desk.project
        self.list.show_keys(project.contents.scans)
        self.sources.allow_fit(allowed=self._has_resolutions)
        self._follow_wanted()
        key = self.pane.key
        if key not in project.contents.scans and key not in self.watch.scans:
            key = project.current.key if project.current is not None else ""
        self._read_grid(key)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        for part in (self.sources, self.pane, self.strip, self.list):
            part.set_theme(theme)

    def take_file(self, path: Path, kind: str) -> None:
        """Reduce scans, follow a folder, or copy resolutions."""
        if kind == "folder":
            self.start_watch(path)
        elif kind == "resolution":
            self.intake.add_resolutions(path)
        else:
            self.intake.add_scans(path)

    def give_up(self) -> None:
        """Cancel a reduction or merge; the watcher goes on."""
        self.intake.give_up()
        self.pane.choose_only_current()

    def close_down(self) -> None:
        """End the watcher, remember the layout."""
        self.watch.stop()
        for splitter in (self.below, self.split):
            self.desk.settings.set_layout(splitter.objectName(), splitter.saveState())

    @property
    def ready(self) -> bool:
        """Whether grid and list show all there is to show."""
        return super().ready and self.list.ready and not (self.pane.pending or self.intake.busy)

    def export(self) -> Export | LateExport:
        """The grid as the report draws it, with the counts of every point."""
        from gui.models.scan_export import export_grid, late_grid_export

        content, key = self.pane.content, self.pane.key
        if content is None or not content.panels:
            raise InputError("there are no spectra to export", hint="drop scans or open a project")
        watched = self.watch.scans[key].watched if content.live else None
        project = self.desk.project
        points = sum(panel.points.counts.size for panel in content.panels)
        if watched is None and project.path is not None and points > _MANY_POINTS:
            here = project.document.fits
            return late_grid_export(project.path, key, here, self.pane.masked)
        if watched is None:
            return export_grid(key, project.spectra(key), project.fits(key), self.pane.masked)
        fits = {fit.spectrum.analyzer or "": fit for fit in watched.fits}
        return export_grid(key, watched.spectra, fits, self.pane.masked)

    # -- what happens --------------------

    def project_opened(self) -> None:
        """Forget the project before."""
        project = self.desk.project
        if self.watch.active and project.copied_from == self.watch.output:
            self.watch.go_on()
        elif project.path is None or project.path != self.watch.output:
            self.watch.forget()
        self.intake.forget()
        self.list.forget()
        self.pane.forget()
        self._wanted_key = ""
        super().project_opened()

    def document_changed(self, before: Document, now: Document) -> None:
        """Masks are marks; fits are drawn."""
        if before.fits is not now.fits:
            self.mark_stale()
        if before.masks is not now.masks:
            self.pane.show_states()

    def spectrum_selected(self, which: SpectrumId) -> None:
        """Show its scan, frame its panel."""
        if which.key != self._wanted_key:
            self._wanted_key = ""  # the user went elsewhere meanwhile
        if which.key != self.pane.key:
            self.pane.chosen = frozenset()
        self.pane.choose(which.analyzer)
        if not self.isVisible():
            self.pane.key = which.key
            self.mark_stale()
        elif which.key != self.pane.key:
            self._read_grid(which.key)
        else:
            self.pane.show_states()

    def _read_grid(self, key: str) -> None:
        live = self.watch.scans.get(key)
        self.pane.show_scan(key, live.watched if live is not None else None)

    def _on_shown(self, content: GridContent | None) -> None:
        scan = content.scan if content is not None else None
        merged = content is not None and scan is None
        self.strip.show_scan(scan, _MERGED if merged else "")
        self._show_temperatures()
        if content is not None:
            self.list.show_current(content.key)

    def _show_temperatures(self) -> None:
        self.strip.show_temperatures(self.list.temperatures, self.pane.key)

    def _show_scan(self, key: str) -> None:
        """Make a scan's spectrum of the same analyzer the current one."""
        project = self.desk.project
        if key == self.pane.key:
            return
        self._wanted_key = ""
        names = project.contents.analyzers.get(key, ())
        if not names:
            self.pane.chosen = frozenset()
            self._read_grid(key)
            return
        current = project.current.analyzer if project.current is not None else ""
        project.select(SpectrumId(key, current if current in names else names[0]))

    def _want(self, key: str) -> None:
        """Show a scan as soon as the project is seen to hold it."""
        self._wanted_key = key
        self._follow_wanted()

    def _follow_wanted(self) -> None:
        key, project = self._wanted_key, self.desk.project
        names = project.contents.analyzers.get(key, ())
        if not names:
            return
        self._wanted_key = ""
        current = project.current
        if current is None or current.key != key:
            name = current.analyzer if current is not None else ""
            project.select(SpectrumId(key, name if name in names else names[0]))

    def _show_failures(self) -> None:
        self.list.show_failures((*self.intake.failures, *self.watch.failures))

    # -- files and folders --------------------

    def merge_chosen(self) -> None:
        """Sum the scans chosen in the list."""
        try:
            self.intake.merge(self.list.table.chosen_keys)
        except InputError as error:
            self.desk.messages.error("merging", error)

    def ask_scans(self) -> None:
        """Ask for files of scans."""
        dialog = QFileDialog(self, "Add scans", self.desk.settings.folder("scans"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._take_chosen_files)
        dialog.open()

    def _take_chosen_files(self, names: Sequence[str]) -> None:
        for name in names:
            self.desk.settings.set_folder("scans", Path(name))
            self.intake.add_scans(Path(name))

    def toggle_watch(self) -> None:
        """Ask for a folder to watch, or end watching."""
        if self.watch.active:
            self.watch.stop()
            return
        dialog = QFileDialog(self, "Watch folder", self.desk.settings.folder("watch"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.start_watch(Path(name)))
        dialog.open()

    # -- live --------------------

    @property
    def _has_resolutions(self) -> bool:
        return bool(self.desk.project.contents.keys.get("resolutions"))

    def start_watch(self, folder: Path) -> None:
        """Follow a folder; with fits where the box says so and the project has resolutions."""
        self.desk.settings.set_folder("watch", folder)
        fit = self.sources.fit.isChecked() and self._has_resolutions
        try:
            self.watch.start(folder, fit=fit)
        except (InputError, OSError) as error:
            self.desk.messages.error(folder.name, error)

    def _restart_watch(self) -> None:
        """Fits were asked for, or not any more, while a folder is followed."""
        if self.watch.active and self.watch.folder is not None:
            self.start_watch(self.watch.folder)

    def _show_watch(self) -> None:
        self.sources.show_watch(self.watch.text, active=self.watch.active)
        self._show_failures()

    def _take_news(self, news: LiveNews) -> None:
        """Points arrived: rows, and the grid when it is of one of these scans."""
        known = set(self.list.rows.live_keys)
        self.list.show_live({live.status.key: live_row(live.status) for live in news.scans})
        keys = [live.status.key for live in news.scans]
        begun = [
            live.status.key
            for live in news.scans
            if live.status.state == "measuring" and live.status.key not in known
        ]
        if begun and self.sources.follow.isChecked():
            self._show_begun(begun[-1])
        elif keys and not self.pane.key:
            self._show_begun(keys[-1])
        elif self.pane.key in keys and self.isVisible():
            self._read_grid(self.pane.key)

    def _show_begun(self, key: str) -> None:
        """Show a watched scan now; its spectrum becomes the current one when it is stored."""
        self.pane.chosen = frozenset()
        self.pane.key = key
        self._want(key)
        if self.isVisible():
            self._read_grid(key)
