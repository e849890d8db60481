"""What hands do in the tab Density, as changes of the document that can be undone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject

from gui.models.density_choices import (
    PathChoice,
    PlaneChoice,
    chosen_path,
    moved_to,
    path_choice,
    plane_choice,
    with_level,
    with_path,
    with_plane,
)
from gui.models.density_entries import LoadedDensity
from gui.models.document import Document
from gui.views.density_page import DensityPage
from gui.views.tab import Desk
from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from mem.path_choice import choose_paths


class DensityEditor(QObject):
    """Changes plane, path and level; one drag is one step of undo.

    Parameters
    ----------
    desk : Desk
    page : DensityPage
        Whose signals it follows.
    known : callable
        The densities that are read, the current one first.
    """

    def __init__(
        self, desk: Desk, page: DensityPage, known: Callable[[], Sequence[LoadedDensity]]
    ) -> None:
        super().__init__()
        self._desk = desk
        self._page = page
        self._known = known
        self._numbers = itertools.count()
        self._gesture = next(self._numbers)
        self._drawn: PathChoice | None = None
        self.offered: list[PathChoice] = []
        self._connect()

    def _connect(self) -> None:
        page = self._page
        page.plane_row.plane_chosen.connect(self.choose_plane)
        page.plane_row.offset_moved.connect(self._move_plane)
        page.plane_row.offset_released.connect(self._end_gesture)
        page.path_row.path_chosen.connect(self._choose_path)
        page.path_row.path_typed.connect(self.type_path)
        page.path_row.drawing_toggled.connect(self._toggle_drawing)
        page.path_row.removal_asked.connect(lambda: self._apply_path(None, "remove the path"))
        for source in (page.level_row, page.profile_area):
            source.level_moved.connect(self._move_level)
            source.level_released.connect(self._end_gesture)
        page.sections.clicked.connect(self._add_corner)
        page.sections.line_double_clicked.connect(self._insert_corner)
        page.sections.corner_moved.connect(self._move_corner)
        page.sections.corner_released.connect(self._end_gesture)
        page.sections.corner_removal_asked.connect(self._remove_corner)
        page.sections.drawing_ended.connect(lambda: page.path_row.draw.setChecked(False))

    # -- the present state --------------------

    @property
    def document(self) -> Document:
        """What was done here."""
        return self._desk.project.document

    @property
    def plane(self) -> PlaneChoice:
        """The plane that is shown."""
        return plane_choice(self.document, [loaded.result for loaded in self._known()])

    @property
    def path(self) -> PathChoice | None:
        """The path that is shown."""
        return path_choice(self.document, [loaded.result for loaded in self._known()])

    @property
    def structure(self) -> Crystal | None:
        """That tells names of sites: of the density shown, else of another."""
        structures = (loaded.density.structure for loaded in self._known())
        return next((structure for structure in structures if structure is not None), None)

    def forget(self) -> None:
        """Another project is open."""
        self.offered.clear()
        self._drawn = None
        self._page.path_row.draw.setChecked(False)

    # -- plane and level --------------------

    def choose_plane(self, plane: str, through: str) -> None:
        """Show a plane by its text; what is none is said, and the old one stays."""
        choice = PlaneChoice(plane, through or "0 0 0")
        try:
            for loaded in self._known()[:1]:
                choice.check(loaded.density.lattice, self.structure)
        except InputError as error:
            self._desk.messages.error("plane", error)
            return
        self._desk.project.apply(with_plane(self.document, choice), f"plane {plane}")

    def _move_plane(self, offset: float) -> None:
        choice = moved_to(self.plane, offset)
        if choice != self.plane:
            merge = f"density plane {self._gesture}"
            self._desk.project.apply(with_plane(self.document, choice), "move the plane", merge)

    def _move_level(self, level: float) -> None:
        merge = f"density level {self._gesture}"
        level = float(f"{level:.4g}")
        self._desk.project.apply(with_level(self.document, level), "level of the isosurface", merge)

    def _end_gesture(self) -> None:
        self._gesture = next(self._numbers)

    # -- path --------------------

    def type_path(self, text: str) -> None:
        """Show a path by its text; of several the first, the others are on offer."""
        try:
            found = choose_paths(text, self.structure)
        except InputError as error:
            self._desk.messages.error("path", error)
            return
        paths = [chosen_path(one) for one in found]
        self.offered = [path for path in paths if not path.drawn]
        self._apply_path(paths[0], f"path {text}")

    def _choose_path(self, path: PathChoice) -> None:
        if path != self.path:
            self._apply_path(path, f"path {path.kind}")

    def _apply_path(self, path: PathChoice | None, text: str, merge: str = "") -> None:
        self._desk.project.apply(with_path(self.document, path), text, merge)

    def _toggle_drawing(self, on: bool) -> None:
        self._drawn = None
        self._page.sections.set_drawing(on)

    def _add_corner(self, point: FloatArray) -> None:
        """A click while a path is drawn: begin it, or go on with it."""
        path = self.path
        begun = path is not None and path == self._drawn
        corners = path.points if begun and path is not None else ()
        if corners and np.allclose(corners[-1], point, atol=1e-6):
            return
        self._drawn = PathChoice(corners).with_corner(len(corners), point.tolist())
        self._apply_path(self._drawn, "add a corner" if begun else "draw a path")

    def _insert_corner(self, place: int, point: FloatArray) -> None:
        path = self.path
        if path is not None:
            self._apply_path(path.with_corner(place, point.tolist()), "add a corner")

    def _move_corner(self, corner: int, point: FloatArray) -> None:
        path = self.path
        if path is None or corner >= len(path.points):
            return
        moved = path.moved(corner, point.tolist())
        if moved.points != path.points:
            self._apply_path(moved, "move a corner", f"density corner {self._gesture}")

    def _remove_corner(self, corner: int) -> None:
        path = self.path
        if path is not None and corner < len(path.points):
            rest = path.without(corner)
            self._apply_path(rest if len(rest.points) > 1 else None, "remove a corner")
