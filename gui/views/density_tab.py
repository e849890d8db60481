"""The tab Density: sections, paths, isosurface and residuals of electron densities."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui.latest_only import LatestOnly
from gui.models.density_choices import level_choice, offset_reach, stored_paths
from gui.models.density_drawn import (
    Cut,
    CutRequest,
    DrawnProfile,
    Scale,
    Surfaces,
    cut_all,
    default_level,
    profiles,
    surfaces,
)
from gui.models.density_entries import FILE_PREFIX, LoadedDensity, new_key, with_file, without_file
from gui.models.density_export import profile_export, residual_export, section_export
from gui.models.density_run import RunSettings, named, path_option, plane_options
from gui.models.density_words import NO_DENSITY, description
from gui.models.document import Document, NewDensity
from gui.plots.section_plot import SectionLook, common_levels
from gui.theme import Theme
from gui.views.density_editor import DensityEditor
from gui.views.density_library import DensityLibrary
from gui.views.density_page import DensityPage
from gui.views.tab import Desk, Tab
from mem.formats.densities import write_density

if TYPE_CHECKING:
    from gui.plots.export import Export
    from ixs_core.jobs import CancelToken, Progress
    from mem.analysis import Analysis
    from mem.density import Density

_SCALES: dict[str, Scale] = {"log": "log", "linear": "linear", "difference": "difference"}
_MAPS = "CCP4 (*.ccp4);;VESTA (*.pgrid);;Gaussian cube (*.cube);;Table (*.csv)"


class DensityTab(Tab):
    """Density."""

    name: ClassVar[str] = "density"
    title: ClassVar[str] = "Density"
    takes: ClassVar[tuple[str, ...]] = ("reflections", "density")
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("D", "draw a path: click its corners on the section, double-click ends"),
        ("drag a corner", "move it; on an atom it snaps"),
        ("double-click the path", "add a corner; a right click on a corner removes it"),
        ("drag the dashed line", "in the profile: level of the isosurface"),
        ("drag the isosurface", "turn it; the wheel zooms, a double-click resets"),
        ("Home", "show the whole section and profile"),
        ("Esc", "end drawing; stop a reconstruction and keep its last map"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.library = DensityLibrary(desk)
        self.page = DensityPage(desk, theme)
        self.editor = DensityEditor(desk, self.page, self._known)
        self.current = ""
        self._cuts: tuple[Cut, ...] = ()
        self._asked: dict[str, object] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        fail = partial(desk.messages.error, "density")
        self._cutter = LatestOnly(desk.runner, "sections", self._show_cuts, fail)
        self._profiler = LatestOnly(desk.runner, "profiles", self._show_profiles, fail)
        self._surfacer = LatestOnly(desk.runner, "isosurface", self._show_surface, fail)
        self._connect()

    def _connect(self) -> None:
        page = self.page
        self.library.changed.connect(self._show)
        page.list.chosen.connect(self.show_density)
        page.list.write_asked.connect(self._ask_write)
        page.list.removal_asked.connect(self._remove_file)
        page.plane_row.look_changed.connect(self._show)
        page.path_row.section_changed.connect(self._show)
        page.path_row.together.toggled.connect(page.widen_sections)
        page.profile_row.look_changed.connect(self._redraw_profiles)
        page.path_row.whole_asked.connect(page.sections.show_all)
        page.path_row.whole_asked.connect(page.profile_area.profile.show_all)
        page.profile_area.hovered.connect(self._hover_profile)
        page.residual_area.hovered.connect(self.cursor_text)
        page.sections.hovered.connect(self.cursor_text)
        page.form.made.connect(self._keep)
        self.add_keys(("D", page.path_row.draw.toggle), ("Home", page.path_row.whole.click))

    # -- what a tab does --------------------

    def refresh(self) -> None:
        """Show what the project holds."""
        self.library.rescan()

    def project_opened(self) -> None:
        """Forget what was known of the last project."""
        self.library.forget()
        self.editor.forget()
        if self.desk.project.copied_from is None:
            self.page.form.abandon()
        for worker in (self._cutter, self._profiler, self._surfacer):
            worker.forget()
        self.current = ""
        self._forget_drawn()
        super().project_opened()

    def document_changed(self, before: Document, now: Document) -> None:
        """Show the change; the names in the project are the same."""
        if self.isVisible() and not self._stale:
            self._show()
        else:
            self.mark_stale()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.page.set_theme(theme)

    @property
    def ready(self) -> bool:
        """Whether all that is wanted is shown."""
        workers = (self._cutter, self._profiler, self._surfacer, self.library, self.page.surface)
        return (
            super().ready
            and self.library.scanned
            and not any(worker.busy for worker in workers)
            and not self.page.form.running
        )

    def give_up(self) -> None:
        """Esc: end drawing, else stop a reconstruction."""
        if self.page.path_row.draw.isChecked():
            self.page.path_row.draw.setChecked(False)
        else:
            self.page.form.cancel()

    def take_file(self, path: Path, kind: str) -> None:
        """Take structure factors into the form, or a map into the list."""
        if kind == "reflections":
            self.page.form.show_file(path)
            self.page.side.setCurrentWidget(self.page.form)
            return
        which = FILE_PREFIX + str(path)
        self.library.failures.pop(which, None)
        self.current = which
        self.desk.project.apply(with_file(self.document, path), f"add {path.name}")
        self._show()

    def export(self) -> Export:
        """Section, profile or residuals, as chosen beside "Ctrl+E exports"."""
        what = self.page.profile_row.export.currentText()
        if what == "profile":
            return profile_export(self.page.profile_area.profile.profiles)
        if what == "residuals":
            return residual_export(self.loaded)
        return section_export(self._cuts, self._cuts[0].scale if self._cuts else "log")

    # -- what is there --------------------

    @property
    def document(self) -> Document:
        """What was done here."""
        return self.desk.project.document

    @property
    def loaded(self) -> LoadedDensity | None:
        """The density that is shown, None while it is not read."""
        return self.library.loaded(self.current) if self.current else None

    def _known(self) -> list[LoadedDensity]:
        """The densities that are read, the current one first."""
        ids = dict.fromkeys([self.current, *(entry.id for entry in self.library.entries)])
        found = [self.library.loaded(which) for which in ids]
        return [loaded for loaded in found if loaded is not None]

    def _scale(self) -> Scale:
        scale = _SCALES[self.page.plane_row.scale.currentText()]
        return "log" if scale == "difference" and not self._other() else scale

    def _other(self) -> str:
        """The density that is taken off, for differences."""
        return str(self.page.plane_row.other.currentData() or "")

    def _shown_ids(self) -> list[str]:
        """Whose sections and profiles are wanted."""
        if not self.page.path_row.together.isChecked():
            return [self.current] if self.current else []
        skipped = {*self.library.failures, self._other() if self._scale() == "difference" else ""}
        return [entry.id for entry in self.library.entries if entry.id not in skipped]

    def show_density(self, which: str) -> None:
        """Show another density."""
        if which != self.current:
            self.current = which
            self._show()

    # -- showing --------------------

    def _show(self) -> None:
        """Bring everything to the present state; what is as it was is not drawn again."""
        entries, page = self.library.entries, self.page
        if all(entry.id != self.current for entry in entries):
            self.current = entries[0].id if entries else ""
        page.list.show_entries(entries, self.current, self.library.failures)
        page.path_row.together.setEnabled(len(entries) > 1)
        page.plane_row.show_others(entries, self.current)
        difference = [self._other()] if self._scale() == "difference" else []
        self.library.want([*self._shown_ids(), self.current, *difference])
        loaded = self.loaded
        if loaded is None:
            self._show_words()
            return
        self._show_choices(loaded)
        self._draw_sections()
        self._draw_profiles()
        self._draw_surface(loaded)
        if self._is_new("numbers", (loaded,)):
            page.numbers.setHtml(description(loaded))
            page.residual_area.show_result(loaded.result)

    def _show_words(self) -> None:
        """There is nothing to show yet, or it cannot be read."""
        if not self.library.scanned:
            return
        words = self.library.failures.get(self.current, "")
        if not words:
            words = "Reading…" if self.current else NO_DENSITY
        self._forget_drawn()
        self.page.sections.show_words(words)
        self.page.surface.show_nothing("")
        self.page.numbers.setPlainText("" if self.current else NO_DENSITY)
        self.page.residual_area.show_result(None)
        self._show_profiles(())

    def _forget_drawn(self) -> None:
        self._asked.clear()
        self._cuts = ()

    def _show_choices(self, loaded: LoadedDensity) -> None:
        """Put plane, path and level into the controls and the form."""
        page, plane, path = self.page, self.editor.plane, self.editor.path
        lattice, structure = loaded.density.lattice, self.editor.structure
        page.plane_row.show_plane(plane, offset_reach(plane, lattice))
        known = stored_paths(one.result for one in self._known())
        offered = [*known.values(), *(p for p in self.editor.offered if p.kind not in known)]
        page.path_row.show_paths(offered, path)
        page.sections.show_path(np.empty((0, 3)) if path is None else path.array)
        page.level_row.show_level(self._level(loaded), float(loaded.density.values.max()))
        text, page.form.through = plane_options(plane, lattice, structure)
        page.form.show_choices(text, path_option(path))

    def _level(self, loaded: LoadedDensity) -> float:
        return level_choice(self.document, default_level(loaded))

    def _is_new(self, what: str, wish: object) -> bool:
        """Whether this was not what was asked for last; it is from now on."""
        if self._asked.get(what) == wish:
            return False
        self._asked[what] = wish
        return True

    def _draw_sections(self) -> None:
        found = [self.library.loaded(which) for which in self._shown_ids()]
        cells = self.page.path_row.cells.currentText()
        together = self.page.path_row.together.isChecked()
        fill = 1 if together else 0
        request = CutRequest(
            densities=tuple(one for one in found if one is not None),
            plane=self.editor.plane,
            scale=self._scale(),
            other=self.library.loaded(self._other()) if self._scale() == "difference" else None,
            cells=fill if cells == "fill" else int(cells),
            structure=self.editor.structure,
        )
        if self._is_new("sections", request):
            self._cutter.ask(partial(cut_all, request))
        elif self._cuts:
            self.page.sections.show_level(self._level(self._cuts[0].loaded))

    def _show_cuts(self, cuts: tuple[Cut, ...]) -> None:
        self._cuts = cuts
        loaded = self.loaded
        if not cuts or loaded is None:
            return
        scale = cuts[0].scale
        look = SectionLook(scale, common_levels(cuts, scale), self.desk.settings.colormap)
        self.page.sections.show_cuts(cuts, look, self._level(loaded))

    def _draw_profiles(self) -> None:
        path = self.editor.path
        found = [self.library.loaded(which) for which in self._shown_ids()]
        shown = tuple(one for one in found if one is not None)
        if path is None or len(path.points) < 2:
            self._asked.pop("profiles", None)
            self._profiler.forget()
            self._show_profiles(())
        elif self._is_new("profiles", (shown, path)):
            self._profiler.ask(partial(profiles, shown, path))
        elif self.loaded is not None:
            self.page.profile_area.profile.show_level(self._level(self.loaded))

    def _show_profiles(self, drawn: tuple[DrawnProfile, ...]) -> None:
        area, look = self.page.profile_area, self.page.profile_row.look
        area.show_profiles(drawn, look, self.editor.path)
        if self.loaded is not None:
            area.profile.show_level(self._level(self.loaded))

    def _redraw_profiles(self) -> None:
        self._show_profiles(self.page.profile_area.profile.profiles)

    def _draw_surface(self, loaded: LoadedDensity) -> None:
        level = self._level(loaded)
        if self._is_new("surface", (loaded, level)):
            self._surfacer.ask(partial(surfaces, loaded, level))

    def _show_surface(self, found: Surfaces) -> None:
        density = found.loaded.density
        self.page.surface.show_surface(found.fine, found.coarse, density.lattice, density.structure)

    def _hover_profile(self, distance: float | None, text: str) -> None:
        self.cursor_text.emit(text)
        drawn = self.page.profile_area.profile.profiles
        if distance is None or not drawn:
            self.page.sections.mark(None)
            return
        profile = drawn[0].path.profile
        point = [np.interp(distance, profile.distance, column) for column in profile.points.T]
        self.page.sections.mark(np.array(point))

    # -- files --------------------

    def _keep(self, analysis: Analysis, settings: RunSettings) -> None:
        """Take a reconstruction over, under a name that no density has."""
        taken = {entry.id for entry in self.library.entries}
        key = new_key(settings.file.stem, {*taken, *self.document.densities})
        kept = named(analysis, key)
        self.current = key
        document = self.document.with_density(key, NewDensity(kept.result, kept.density))
        self.desk.project.apply(document, f"reconstruct {key}")

    def _ask_write(self) -> None:
        loaded = self.loaded
        if loaded is None:
            return
        folder = Path(self.desk.settings.folder("export"))
        proposed = str(folder / f"{Path(loaded.entry.name).stem}.ccp4")
        name, _ = QFileDialog.getSaveFileName(self, "Write the density", proposed, _MAPS)
        if name:
            self.desk.settings.set_folder("export", Path(name))
            self.write_map(Path(name))

    def write_map(self, path: Path) -> None:
        """Write the density shown, in the format that the ending says, in a worker."""
        loaded = self.loaded
        if loaded is None:
            self.desk.messages.error(path.name, "no density is shown")
            return
        self.desk.runner.submit(
            partial(_write, loaded.density, path),
            title=f"writing {path.name}",
            on_result=lambda _: self.desk.messages.info(path.name, "written"),
            on_error=partial(self.desk.messages.error, path.name),
        )

    def _remove_file(self) -> None:
        entry = self.library.entry(self.current)
        if entry is not None and entry.path is not None:
            document = without_file(self.document, entry.path)
            self.desk.project.apply(document, f"remove {entry.name} from the list")


def _write(
    density: Density,
    path: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """In a worker."""
    write_density(density, path)
