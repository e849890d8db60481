"""The upper part of the tab Scans: the spectra of one scan, chosen and masked here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QMenu, QStackedWidget, QVBoxLayout, QWidget

from gui.models.document import SpectrumId
from gui.models.project_model import masks_with
from gui.models.scan_grid import GridContent, read_grid
from gui.plots.spectra_grid import SpectraGrid
from gui.plots.spectrum_panel import PanelState
from gui.theme import Theme
from gui.views.scans_bars import GridBar
from gui.views.tab import Desk

if TYPE_CHECKING:
    from ixs_reduce.watch_store import WatchedScan

NOTHING = (
    "No scans yet.\n\nDrop files of scans here, or press Add scans… "
    "(a project is begun beside the first).\n"
    "Drop a folder, or press Watch folder…, to follow scans while they are measured.\n"
    "On the command line: `ixs reduce FILE -o project.h5`."
)
_WORDS_PAGE, _GRID_PAGE = 0, 1
_TOGGLE = Qt.KeyboardModifier.ControlModifier
_EXTEND = Qt.KeyboardModifier.ShiftModifier


class GridPane(QWidget):
    """Title, scales, remarks, and the grid; or words instead of it.

    Signals
    -------
    shown : GridContent or None, what is in the grid now.

    Attributes
    ----------
    key : str
        The scan that is shown, or being read.
    content : GridContent or None
        What is drawn.
    chosen : frozenset of str
        Analyzers that a mask would take.
    """

    shown = Signal(object)

    def __init__(self, desk: Desk, theme: Theme) -> None:
        super().__init__()
        self._desk = desk
        self._theme = theme
        self.key = ""
        self.content: GridContent | None = None
        self.chosen: frozenset[str] = frozenset()
        self.pending = False
        self._anchor = ""
        self.bar = GridBar(theme)
        self.remarks = QLabel("")
        self.remarks.setObjectName("scans-remarks")
        self.remarks.setAccessibleName("Quality of the scan in words")
        self.remarks.setContentsMargins(6, 0, 6, 0)
        self.remarks.setMinimumWidth(50)
        self.words = QLabel(NOTHING)
        self.words.setObjectName("scans-words")
        self.words.setAccessibleName("What there is to know instead of spectra")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.grid = SpectraGrid(theme)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.words)
        self.pages.addWidget(self.grid)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        layout.addWidget(self.remarks)
        layout.addWidget(self.pages, 1)
        self.bar.scale_changed.connect(self.grid.set_scale)
        self.bar.mask_button.clicked.connect(self.toggle_mask)
        self.grid.clicked.connect(self._on_panel)
        self.grid.opened.connect(self._on_open)
        self.grid.menu_wanted.connect(self._show_menu)
        self._show_remarks()
        self.show_states()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self._theme = theme
        self.bar.set_theme(theme)
        self.grid.set_theme(theme)
        self._show_remarks()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As much of the remarks as fits."""
        super().resizeEvent(event)
        self._show_remarks()

    # -- contents --------------------

    def forget(self) -> None:
        """Another project."""
        self.key, self.content, self.chosen = "", None, frozenset()
        self.pending = False

    def show_scan(self, key: str, watched: WatchedScan | None) -> None:
        """Read a scan in a worker and show it; an earlier reading is dropped."""
        self.key = key
        if not key:
            self._show_nothing()
            return
        self.pending = True
        project = self._desk.project
        self._desk.runner.submit(
            partial(read_grid, project.path, key, project.document.fits, watched),
            title=f"reading {key}",
            on_result=partial(self._take, project.opening),
            on_error=partial(self._on_error, project.opening, key),
            group="scans-grid",
            quiet=True,
        )

    def _take(self, opening: int, content: GridContent) -> None:
        if opening != self._desk.project.opening:
            return
        self.pending = False
        self.content = content
        self.bar.title.setText(content.title)
        if content.panels:
            asked = content.scan.requested_points if content.scan and content.live else None
            self.grid.show_panels(content.panels, asked)
            self.pages.setCurrentIndex(_GRID_PAGE)
        else:
            self._say(f"{content.key} has no spectra: it is no scan of energy, or too short.")
        self._show_remarks()
        self.show_states()
        self.shown.emit(content)

    def _on_error(self, opening: int, key: str, error: Exception) -> None:
        """What was shown of this scan stays; another one is not to be taken for it."""
        if opening != self._desk.project.opening:
            return
        self.pending = False
        self._desk.messages.error(key, error)
        if self.content is None or self.content.key != key:
            self.content = None
            self.bar.title.setText(key)
            self._say(f"{key} cannot be shown:\n{error}")
            self._show_remarks()
            self.shown.emit(None)

    def _show_nothing(self) -> None:
        self.content, self.pending = None, False
        self.bar.title.setText("")
        path = self._desk.project.path
        self._say(NOTHING if path is None else f"{path.name} holds no scans.\n\n{NOTHING}")
        self._show_remarks()
        self.show_states()
        self.shown.emit(None)

    def _say(self, text: str) -> None:
        self.words.setText(text)
        self.pages.setCurrentIndex(_WORDS_PAGE)

    def _show_remarks(self) -> None:
        text = self.content.remarks if self.content is not None else ""
        room = max(self.width() - 24, 200)
        metrics = self.remarks.fontMetrics()
        self.remarks.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))
        self.remarks.setToolTip(text)
        self.remarks.setStyleSheet(f"color: {self._theme.warning}")
        self.remarks.setVisible(bool(text))

    # -- states --------------------

    @property
    def masked(self) -> frozenset[str]:
        """Masked analyzers of the scan."""
        return self._desk.project.document.masks.get(self.key, frozenset())

    def show_states(self) -> None:
        """Frames, crosses and words of all panels, from the document."""
        project = self._desk.project
        masked, here = self.masked, self._current_name()
        failed = {w.analyzer: why for w, why in project.failures.items() if w.key == self.key}
        self.grid.set_states(
            {
                name: PanelState(
                    name == here, name in self.chosen, name in masked, failed.get(name, "")
                )
                for name in self.grid.analyzers
            }
        )
        every = bool(self.chosen) and self.chosen <= masked
        several = f" {len(self.chosen)}" if len(self.chosen) > 1 else ""
        self.bar.mask_button.setText(f"{'Unmask' if every else 'Mask'}{several}")
        self.bar.mask_button.setEnabled(bool(self.chosen) and self.content is not None)

    def _current_name(self) -> str:
        current = self._desk.project.current
        return current.analyzer if current is not None and current.key == self.key else ""

    # -- choosing --------------------

    def choose(self, name: str) -> None:
        """Choose one analyzer, unless it is one of several that are chosen."""
        if name not in self.chosen:
            self.chosen, self._anchor = frozenset({name}), name

    def choose_all(self) -> None:
        """Choose all analyzers of the scan."""
        self.chosen = frozenset(self.grid.analyzers)
        self.show_states()

    def choose_only_current(self) -> None:
        """Choose no other than the current spectrum."""
        name = self._current_name()
        self.chosen = frozenset({name}) if name else frozenset()
        self.show_states()

    def _on_panel(self, name: str, modifiers: Qt.KeyboardModifier) -> None:
        names = self.grid.analyzers
        if modifiers & _TOGGLE:
            self.chosen, self._anchor = self.chosen ^ {name}, name
        elif modifiers & _EXTEND and self._anchor in names:
            first, last = sorted((names.index(self._anchor), names.index(name)))
            self.chosen = frozenset(names[first : last + 1])
        else:
            self.chosen, self._anchor = frozenset({name}), name
            self._desk.project.select(SpectrumId(self.key, name))
        self.show_states()

    def _on_open(self, name: str) -> None:
        self._desk.project.select(SpectrumId(self.key, name))
        self._desk.project.show_tab("fit")

    # -- masking --------------------

    def toggle_mask(self) -> None:
        """Mask the chosen analyzers; unmask them when all are masked."""
        if self.chosen and self.content is not None:
            self.set_masked(sorted(self.chosen), masked=not self.chosen <= self.masked)

    def set_masked(self, names: Sequence[str], *, masked: bool) -> None:
        """Mask or unmask analyzers of the scan, as one step of undo."""
        project = self._desk.project
        after = masks_with(project.document.masks, self.key, names, masked)
        if after != self.masked:
            which = ", ".join(names) if len(names) < 4 else f"{len(names)} analyzers"
            text = f"{'mask' if masked else 'unmask'} {which} of {self.key}"
            project.apply(project.document.with_mask(self.key, after), text)

    def _show_menu(self, name: str, place: QPoint) -> None:
        self.choose(name)
        self.show_states()
        names = sorted(self.chosen)
        what = name if len(names) == 1 else f"{len(names)} analyzers"
        menu = QMenu(self)
        menu.setObjectName("scans-menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(f"Fit {name}", partial(self._on_open, name))
        menu.addSeparator()
        menu.addAction(f"Mask {what}", partial(self.set_masked, names, masked=True))
        menu.addAction(f"Unmask {what}", partial(self.set_masked, names, masked=False))
        menu.addSeparator()
        menu.addAction("Choose all analyzers", self.choose_all)
        menu.popup(place)
