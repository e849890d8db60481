"""The tab Dispersion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from gui.models.dispersion_data import ScanSet, StoredDispersion, line_text
from gui.models.dispersion_layers import Layers
from gui.models.dispersion_pick import Place, picked_calculated, picked_point
from gui.models.dispersion_view import (
    Beginning,
    DispersionView,
    Wanted,
    begin,
    dispersion_view,
    line_key,
)
from gui.models.dispersion_words import (
    branch_command,
    calculated_words,
    cursor_words,
    point_words,
    source_text,
    spectrum_words,
    view_words,
)
from gui.models.document import Document, SpectrumId
from gui.theme import Theme
from gui.views.dispersion_bar import EXPORTS, SCALES, ButtonsBar, ChoicesBar, LayersBar, fill
from gui.views.dispersion_maps import DispersionMaps
from gui.views.dispersion_panels import DispersionPanels
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.plots.export import Export

_NO_PROJECT = "No project: drop a scan file or a project here, or open one with Ctrl+O."
_NO_SPECTRA = "No spectra yet: `ixs reduce SCANS -o project.h5` makes them, or the tab Scans."


class DispersionTab(Tab):
    """Measured, calculated and difference maps of S(Q,E) along a line in Q, and fitted modes."""

    name: ClassVar[str] = "dispersion"
    title: ClassVar[str] = "Dispersion"
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("click a point", "its spectrum, on the tab Fit"),
        ("click a line or dash", "the calculated mode: which atoms move, and how"),
        ("click a column", "make its spectrum the current one; double click: its fit"),
        ("W", "wipe: scans left, calculated right of a line that can be dragged"),
        ("Home", "show the whole of maps and points"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.choices = ChoicesBar()
        self.layers_bar = LayersBar(theme)
        self.buttons = ButtonsBar()
        self.maps = DispersionMaps(theme)
        self.panels = DispersionPanels(theme, self.maps.plots["measured"])
        self.details = QTextBrowser()
        self.details.setObjectName("dispersion-details")
        self.details.setAccessibleName("What was picked")
        self.details.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.missing = QLabel(_NO_PROJECT)
        self.missing.setObjectName("dispersion-missing")
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.missing.setWordWrap(True)
        self.stored: StoredDispersion | None = None
        self.sets: tuple[ScanSet, ...] = ()
        self.wanted: Wanted | None = None
        self.view: DispersionView | None = None
        self._stamp: object = None
        self._jobs = 0
        self._shown: tuple[ScanSet, str] | None = None
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        below = QWidget()
        row = QHBoxLayout(below)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.panels.widget, 1)
        row.addWidget(self.details)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setObjectName("dispersion-splitter")
        self.splitter.addWidget(self.maps.widget)
        self.splitter.addWidget(below)
        self.splitter.setStretchFactor(0, 5)
        self.splitter.setStretchFactor(1, 4)
        self.splitter.setChildrenCollapsible(False)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.choices)
        second = QHBoxLayout()
        second.setSpacing(0)
        second.addWidget(self.layers_bar, 1)
        second.addWidget(self.buttons)
        column.addLayout(second)
        column.addWidget(self.splitter, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.missing)
        self.pages.addWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)

    def _connect(self) -> None:
        self.choices.scans_chosen.connect(self._choose_scans)
        self.choices.line_chosen.connect(self._choose_line)
        self.choices.source_chosen.connect(self._choose_source)
        self.choices.look_changed.connect(self._draw_maps)
        self.buttons.wipe_toggled.connect(self.maps.set_wiping)
        self.buttons.whole_wanted.connect(self.show_all)
        self.layers_bar.changed.connect(lambda _: self._draw_marks())
        for canvas in (self.maps, self.panels):
            canvas.clicked.connect(self._on_click)
            canvas.hovered.connect(self._on_hover)
        self.maps.widget.installEventFilter(self)
        for key, do in (("W", self.buttons.wipe.toggle), ("Home", self.show_all)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(do)

    # -- what the project holds --------------------

    @property
    def ready(self) -> bool:
        """Whether nothing is under way that would still change what is seen."""
        return super().ready and not self._jobs

    def project_opened(self) -> None:
        """Forget the last project."""
        self.stored = self.view = self.wanted = None
        self._stamp = self._shown = None
        self.mark_stale()

    def document_changed(self, before: Document, now: Document) -> None:
        """Fits and masks change what is shown; other things do not."""
        if before.fits is not now.fits or before.masks is not now.masks:
            self.mark_stale()

    def refresh(self) -> None:
        """Read the project where it changed, then draw."""
        project = self.desk.project
        if project.path is None or not project.contents.keys.get("spectra"):
            self._show_missing(_NO_PROJECT if project.path is None else _NO_SPECTRA)
            return
        if self.stored is None or self._stamp != project.contents.stamp:
            self._submit(
                partial(begin, project.path, project.document, self.wanted),
                partial(self._take_beginning, project.contents.stamp),
                f"reading {project.path.name}",
                "dispersion-read",
            )
        else:
            self._compute()

    def _show_missing(self, words: str) -> None:
        self.missing.setText(words)
        self.pages.setCurrentIndex(0)

    def _take_beginning(self, stamp: object, read: object) -> None:
        assert isinstance(read, Beginning)
        self.stored, self._stamp = read.stored, stamp
        self.sets, self.wanted = read.sets, read.wanted
        if self.wanted is None:
            self._show_missing(_NO_SPECTRA)
        self._compute()

    def _compute(self) -> None:
        if self.stored is not None and self.wanted is not None:
            self._submit(
                partial(dispersion_view, self.stored, self.desk.project.document, self.wanted),
                self._take_view,
                "maps of S(Q,E)",
                "dispersion-view",
            )

    def _submit(
        self,
        function: Callable[..., object],
        on_result: Callable[[object], None],
        title: str,
        group: str,
    ) -> None:
        """Run in a worker; of what is asked for, only the newest is drawn."""
        self._jobs += 1
        opening = self.desk.project.opening
        self.desk.runner.submit(
            function,
            title=title,
            on_result=partial(self._of, opening, on_result),
            on_error=partial(self._of, opening, self._on_error),
            on_end=self._on_end,
            group=group,
            quiet=True,
        )

    def _of(self, opening: int, take: Callable[..., None], *given: object) -> None:
        """Take what a worker gives, unless another project was opened meanwhile."""
        if opening == self.desk.project.opening:
            take(*given)

    def _on_end(self) -> None:
        self._jobs -= 1

    def _on_error(self, error: Exception) -> None:
        self.desk.messages.error(self.title, error)
        if self.view is None or self.wanted is None or self.view.wanted.scans != self.wanted.scans:
            self._show_missing(str(error))

    # -- drawing --------------------

    def _take_view(self, view: object) -> None:
        assert isinstance(view, DispersionView)
        self.view = view
        self.wanted = view.wanted
        self.pages.setCurrentIndex(1)
        fill(self.choices.scans, [s.label for s in self.sets], self.sets.index(view.wanted.scans))
        names = [line_text(line) for line in view.lines]
        keys = [line_key(line) for line in view.lines]
        fill(self.choices.line, names, keys.index(view.wanted.line))
        texts = [source_text(source) for source in view.sources]
        place = view.sources.index(view.wanted.source) if view.sources else -1
        fill(self.choices.source, texts, place)
        self._draw_maps()
        self._draw_marks()
        self._mark_current()
        self.details.setHtml(view_words(view))
        if self._shown != (view.wanted.scans, view.wanted.line):
            self._shown = (view.wanted.scans, view.wanted.line)
            self.show_all()

    def _draw_maps(self) -> None:
        if self.view is not None:
            scale = SCALES[self.choices.scale.currentText()]
            colors = self.choices.colors.currentText()
            self.maps.show_view(self.view, scale, colors)  # type: ignore[arg-type]

    def _draw_marks(self) -> None:
        if self.view is not None:
            self.maps.draw_marks(self.view, self.layers)
            self.panels.draw_marks(self.view, self.layers)

    @property
    def layers(self) -> Layers:
        """What is seen."""
        return self.layers_bar.layers

    def show_all(self) -> None:
        """Range to all that is shown."""
        self.maps.show_all()
        self.panels.show_all()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.maps.set_theme(theme)
        self.panels.set_theme(theme)
        self.layers_bar.set_theme(theme)
        self._draw_marks()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Plots stand exactly above each other, the words below the difference."""
        canvas = self.maps.widget
        if watched == canvas and event.type() == QEvent.Type.Resize:
            width = canvas.width()
            each = self.maps.lay_out(width)
            self.panels.lay_out(each)
            self.details.setFixedWidth(max(int(width - 2 * each - 24), 120))
        return super().eventFilter(watched, event)

    # -- choices --------------------

    def _choose_scans(self, number: int) -> None:
        self.wanted = Wanted(self.sets[number], "", self.wanted.source if self.wanted else "")
        self._compute()

    def _choose_line(self, number: int) -> None:
        if self.view is not None:
            view = self.view
            key = line_key(view.lines[number])
            self.wanted = Wanted(view.wanted.scans, key, view.wanted.source)
            self._compute()

    def _choose_source(self, number: int) -> None:
        if self.view is not None:
            view = self.view
            self.wanted = Wanted(view.wanted.scans, view.wanted.line, view.sources[number])
            self._compute()

    # -- what is under the cursor --------------------

    def spectrum_selected(self, which: SpectrumId) -> None:
        """Mark the place of the current spectrum."""
        self._mark_current()

    def _mark_current(self) -> None:
        current, view = self.desk.project.current, self.view
        position = None
        if view is not None and current in view.ids:
            position = float(view.line.position[view.ids.index(current)])
        self.maps.mark_column(position)
        self.panels.mark_column(position)

    def _on_click(self, place: Place) -> None:
        view = self.view
        if view is None:
            return
        point = picked_point(view, self.layers, place)
        if point is not None:
            self._open(view.spectrum_of(point))
            return
        calculated = picked_calculated(view, self.layers, place)
        if calculated is not None:
            self.details.setHtml(calculated_words(view, calculated))
            return
        column = view.measured.column_at(place.x)
        if column is None:
            self.details.setHtml(view_words(view))
        elif place.double:
            self._open(view.ids[column])
        else:
            self.desk.project.select(view.ids[column])
            self.details.setHtml(spectrum_words(view, column))

    def _open(self, which: SpectrumId) -> None:
        self.desk.project.select(which)
        self.desk.project.show_tab("fit")

    def _on_hover(self, place: Place | None) -> None:
        view = self.view
        if view is None or place is None:
            self.cursor_text.emit("")
            return
        self.cursor_text.emit(cursor_words(view, place.plot, place.x, place.y))
        point = picked_point(view, self.layers, place)
        words = "" if point is None else point_words(view, point)
        for canvas in (self.maps, self.panels):
            if place.plot in canvas.plots:
                canvas.widget.setToolTip(words)
                pointing = Qt.CursorShape.PointingHandCursor
                canvas.widget.setCursor(pointing if words else Qt.CursorShape.ArrowCursor)

    # -- export --------------------

    def export(self) -> Export:
        """The maps with their numbers or those of the branches, or the core's figure of points."""
        from gui.plots.dispersion_figure import (
            branches_table,
            map_table,
            maps_figure,
            points_table,
        )
        from gui.plots.export import Export
        from ixs_reduce.figures import dispersion_figure

        view = self.view
        if view is None:
            raise InputError("nothing is shown yet that could be exported")
        wanted = self.buttons.exported.currentText()
        if wanted == EXPORTS[2] and not view.branches:
            known = view.line.direction is not None
            raise InputError(
                "there are no calculated branches along this line",
                hint=branch_command(view) if known else "choose a line in Q instead of |Q|",
            )
        if wanted != EXPORTS[1]:
            figure = maps_figure(
                view,
                self.layers,
                self.maps.scale,
                self.maps.levels,
                self.choices.colors.currentText(),
            )
            if wanted == EXPORTS[2]:
                return Export(figure, branches_table(view), "branches")
            return Export(figure, map_table(view), "maps")
        shown = dispersion_figure(view.path.fits, [view.path], predictions=view.predictions)
        return Export(shown, points_table(view), "dispersion")
