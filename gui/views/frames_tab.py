"""The tab Frames: detector images, their headers, histograms, sums, profiles and hkl spots."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui.models.document import Document
from gui.models.frames_content import levels_for
from gui.models.frames_model import FramesModel
from gui.models.frames_selection import Selection
from gui.models.frames_words import pixel_words
from gui.recognise import recognise
from gui.theme import Theme
from gui.views.frames_measuring import FramesMeasuring
from gui.views.frames_panes import FramePanes
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError
from ixs_core.frames import FRAME_SUFFIXES

if TYPE_CHECKING:
    from gui.plots.export import Export

_SERIES = ("frames", "series")
_COALESCE_MS = 40


class FramesTab(Tab):
    """Images of a series, one at a time, or their sum or maximum."""

    name: ClassVar[str] = "frames"
    title: ClassVar[str] = "Frames"
    takes: ClassVar[tuple[str, ...]] = ("frames",)
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Page up, Page down", "previous, next frame"),
        ("Ctrl+Page up, Ctrl+Page down", "first, last frame"),
        ("F5", "look for new frames, read the frame again"),
        ("Home", "show the whole frame"),
        ("wheel, drag", "zoom and move the image (tool Move)"),
        ("drag with Line or Box", "profile along the line, sum of the box"),
        ("Esc", "stop a sum; else remove line and box"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.setAcceptDrops(True)
        self.model = FramesModel(desk.runner, desk.messages, self)
        self.panes = FramePanes(theme, desk.settings.colormap)
        self.steps, self.display = self.panes.steps, self.panes.display
        self.image, self.histogram = self.panes.image, self.panes.histogram
        self.levels = (1.0, 10.0)
        self._tried: Path | None = None
        self.measuring = FramesMeasuring(self.image, self.panes.profile, desk.runner, self)
        self._timer = QTimer(self, interval=_COALESCE_MS, singleShot=True)
        self._timer.timeout.connect(self._apply_colors)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panes)
        self._connect()
        self._add_keys()
        self._show_frame()

    def _connect(self) -> None:
        model, steps, display = self.model, self.steps, self.display
        model.opened.connect(self._on_opened)
        model.shown_changed.connect(self._show_frame)
        model.wanted_changed.connect(self._show_place)
        model.failed.connect(self._on_open_failed)
        steps.open_wanted.connect(self.ask_open)
        steps.reload_wanted.connect(model.reload)
        steps.cancel_wanted.connect(model.cancel)
        steps.step_wanted.connect(model.step)
        steps.frame_wanted.connect(model.go)
        steps.combination_wanted.connect(model.combine)
        display.colors_changed.connect(self._on_colors)
        display.tool_changed.connect(self.measuring.set_tool)
        display.whole_wanted.connect(self.image.show_all)
        display.true_size_wanted.connect(self.image.show_true_size)
        display.radial_wanted.connect(lambda: self.measuring.select(Selection("radial")))
        display.spots_changed.connect(lambda _: self._show_spots())
        display.width_changed.connect(self.measuring.set_width)
        self.histogram.levels_dragged.connect(self._on_levels_dragged)
        self.panes.levels_typed.connect(self._on_levels_dragged)
        self.panes.canvas.scene().sigMouseMoved.connect(self._on_hover)

    def _add_keys(self) -> None:
        last = 10**9
        self.add_keys(
            ("PgUp", partial(self.model.step, -1)),
            ("PgDown", partial(self.model.step, 1)),
            ("Ctrl+PgUp", partial(self.model.go, 0)),
            ("Ctrl+PgDown", partial(self.model.go, last)),
            ("F5", self.model.reload),
            ("Home", self.image.show_all),
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Keys go to the image, unless something else was chosen since."""
        super().showEvent(event)
        self.panes.canvas.setFocus()

    # -- the project --------------------

    @property
    def _source_of_project(self) -> Path | None:
        stored = self.desk.project.document.choice(*_SERIES)
        return Path(stored) if isinstance(stored, str) else None

    def refresh(self) -> None:
        """Open the series that the project remembers, unless it is open already."""
        wanted = self._source_of_project
        if wanted is None or wanted in (self.model.source, self._tried):
            return
        self._tried = wanted  # once: what fails is told of once
        if not wanted.exists():
            self.model.close()
            self.panes.say(
                f"The frames of this project are not there any more: {wanted}\n"
                "Press Open…, or drop a frame or a folder of frames here."
            )
            return
        self.model.open(wanted)

    def project_opened(self) -> None:
        """Another project: its own series, or none."""
        self._tried = None
        self.model.close()
        super().project_opened()

    def document_changed(self, before: Document, now: Document) -> None:
        """Follow undo and redo of the series that is open."""
        if before.choice(*_SERIES) == now.choice(*_SERIES):
            return
        self._tried = None
        if self._source_of_project is None:
            self.model.close()
        else:
            self.mark_stale()

    def take_file(self, path: Path, kind: str) -> None:
        """Open the series of a frame that was dropped."""
        self._stale = False
        self.panes.canvas.setFocus()
        self.model.open(path)

    def ask_open(self) -> None:
        """Ask for a frame and open its series."""
        folder = self.desk.settings.folder("frames")
        name, _ = QFileDialog.getOpenFileName(self, "Open a frame", folder)
        if name:
            self.desk.settings.set_folder("frames", Path(name))
            self.model.open(Path(name))

    def _on_opened(self) -> None:
        series, source = self.model.series, self.model.source
        self.steps.show_series(len(series) if series is not None else 0)
        self.measuring.clear()
        project = self.desk.project
        # Without a project there is nothing to be saved, and nobody is to be asked about it.
        if source is not None and project.path is not None:
            document = project.document
            if document.choice(*_SERIES) != str(source):
                project.apply(document.with_choice(*_SERIES, str(source)), "open frames")

    def _on_open_failed(self, _: Path, reason: str) -> None:
        if self.model.shown is None:
            self.panes.say(f"{reason}\n\nPress Open…, or drop a frame or a folder of frames here.")

    # -- drops: also of folders, which elsewhere in the window hold scans --------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Frames and folders are for this tab, all else for the window."""
        if self._dropped(event) is not None:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        path = self._dropped(event)
        if path is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self.take_file(path, "frames")

    @staticmethod
    def _dropped(event: QDropEvent) -> Path | None:
        """The first frame, or folder with frames, among the files of a drop."""
        for url in event.mimeData().urls():
            path = Path(url.toLocalFile())
            if url.isLocalFile() and _holds_frames(path):
                return path
        return None

    # -- what is shown --------------------

    def _show_frame(self) -> None:
        loaded = self.model.shown
        self.panes.show_loaded(loaded)
        if loaded is None:
            self.panes.say(
                "No frames yet. Press Open…, or drop a detector image here (CBF, Esperanto, "
                "EDF, TIFF, …) or a folder of them: all frames of its series come along."
            )
            return
        self._find_levels()
        self.image.show_frame(loaded)
        self.histogram.show_histogram(loaded.histogram)
        self._show_levels()
        self._show_spots()
        geometry = loaded.frame.geometry
        self.display.show_reasons(
            loaded.no_spots, "" if geometry is not None else loaded.frame.info.no_geometry
        )
        self.measuring.show_frame(loaded.frame)

    def _show_place(self) -> None:
        series = self.model.series
        number = len(series) if series is not None else 0
        self.steps.show_place(self.model.wanted, number, self.model.combining)

    @property
    def ready(self) -> bool:
        """Whether the frame that was asked for is shown."""
        waits = self.model.busy or self.measuring.busy or self._timer.isActive()
        return super().ready and not waits

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.panes.set_theme(theme)

    # -- colours --------------------

    def _find_levels(self) -> None:
        loaded, share = self.model.shown, self.display.share
        if loaded is not None and share is not None:
            self.levels = levels_for(loaded, share, self.display.log)
        elif self.display.log and self.levels[0] <= 0:
            self.levels = (min(0.5, self.levels[1] / 10), self.levels[1])
        self.image.set_scale(self.display.log, self.levels)

    def _on_colors(self) -> None:
        self.desk.settings.colormap = self.display.colormap.currentText()
        self.image.map.set_colormap(self.display.colormap.currentText())
        self._find_levels()
        self._show_levels()
        self._apply_colors()

    def _on_levels_dragged(self, low: float, high: float) -> None:
        least = 1e-12 if self.display.log else low
        low = max(low, least) if not self.display.log or low > 0 else min(0.5, high / 10)
        self.levels = (low, max(high, low * 1.01 if low > 0 else low + 1e-6))
        self.display.keep_levels()
        self.image.set_scale(self.display.log, self.levels)
        self.panes.show_levels(self.levels)
        self._timer.start()

    def _show_levels(self) -> None:
        self.histogram.set_levels(*self.levels)
        self.panes.show_levels(self.levels)

    def _apply_colors(self) -> None:
        self.image.redraw()
        self.histogram.set_levels(*self.levels)

    # -- spots --------------------

    def _show_spots(self) -> None:
        loaded = self.model.shown
        if loaded is not None:
            self.image.show_spots(loaded.spots if self.display.spots.isChecked() else None)

    # -- the rest --------------------

    def _on_hover(self, place: QPointF) -> None:
        loaded = self.model.shown
        box = self.image.plot.getViewBox()
        if loaded is None or not box.sceneBoundingRect().contains(place):
            self.cursor_text.emit("")
            return
        here = box.mapSceneToView(place)
        self.cursor_text.emit(pixel_words(loaded.frame, here.x(), here.y(), self.image.spots))

    def give_up(self) -> None:
        """Esc: stop a sum, else remove line and box."""
        if self.model.busy:
            self.model.cancel()
            return
        self.measuring.clear()

    def export(self) -> Export:
        """The part of the frame in view; the profile, the box, or the histogram as numbers."""
        from gui.models.frames_export import frames_export

        loaded = self.model.shown
        if loaded is None:
            raise InputError("there is no frame to export", hint="open one first")
        view = self.image.view()
        return frames_export(
            loaded,
            (view.left, view.right, view.top, view.bottom),
            self.display.log,
            self.levels,
            self.display.colormap.currentText(),
            self.image.spots,
            self.measuring.measured,
        )


def _holds_frames(path: Path) -> bool:
    """Whether a file is a frame, by content or ending, or a folder has files that end so."""
    try:
        if path.is_dir():
            with os.scandir(path) as entries:
                return any(entry.name.lower().endswith(FRAME_SUFFIXES) for entry in entries)
        return path.name.lower().endswith(FRAME_SUFFIXES) or recognise(path) == "frames"
    except (InputError, OSError):
        return False
