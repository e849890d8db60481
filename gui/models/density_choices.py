"""Which plane and which path the tab Density shows: read from the document, kept as JSON. Qt-free.

Places are fractions of the cell, so that the same choice serves all temperatures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gui.models.document import Document
from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.density_result import DensityResult, PathResult
from mem.path_choice import NamedPath
from mem.plane_choice import parse_place, parse_plane, shifted_plane

TAB = "density"
DRAWN = "drawn path"

_MILLER = re.compile(r"^\((-?\d+) (-?\d+) (-?\d+)\) at ")
_POINT = re.compile(r"\(([^()]+)\)")


@dataclass(frozen=True)
class PlaneChoice:
    """The plane of the section.

    Parameters
    ----------
    plane : str
        "h k l", or three points "x y z : x y z : x y z".
    through : str
        Point or site that a plane by Miller indices contains.
    offset : float
        Å along the normal from there.
    """

    plane: str = "0 0 1"
    through: str = "0 0 0"
    offset: float = 0.0

    def resolved(
        self, lattice: Lattice, structure: Crystal | None
    ) -> tuple[FloatArray, FloatArray]:
        """Plane and origin as `Density.section` takes them.

        Raises
        ------
        InputError
            The texts name no plane or no place.
        """
        plane, origin = parse_plane(self.plane, parse_place(self.through, structure))
        return shifted_plane(lattice, plane, origin, self.offset)

    def check(self, lattice: Lattice, structure: Crystal | None) -> None:
        """Cut a density of nothing, which is quick.

        Raises
        ------
        InputError
            There is no such plane.
        """
        plane, origin = self.resolved(lattice, structure)
        symmetry = Symmetry.from_triplets(["x,y,z"])
        Density(lattice, np.ones((4, 4, 4)), symmetry).section(plane, origin, step=1.0)

    @property
    def by_miller(self) -> bool:
        """Whether it is a lattice plane, not one through three points."""
        return ":" not in self.plane


@dataclass(frozen=True)
class PathChoice:
    """The path of the profile.

    Parameters
    ----------
    points : tuple of (x, y, z)
        Fractional corners.
    kind : str
        As stored paths are called; `DRAWN` for one drawn by hand.
    labels : tuple of str
        Site at each corner, empty where unknown.
    """

    points: tuple[tuple[float, float, float], ...]
    kind: str = DRAWN
    labels: tuple[str, ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether it was drawn, or changed, by hand."""
        return self.kind == DRAWN

    @property
    def array(self) -> FloatArray:
        """(m, 3) the corners."""
        return np.array(self.points, dtype=float).reshape(-1, 3)

    @property
    def text(self) -> str:
        """The corners as `ixs mem --path` takes them."""
        return " : ".join(" ".join(f"{x:.5g}" for x in point) for point in self.points)

    @property
    def named(self) -> NamedPath:
        """As the core follows it."""
        labels = self.labels if len(self.labels) == len(self.points) else ("",) * len(self.points)
        return NamedPath(self.kind, self.array, labels)

    def moved(self, corner: int, point: Sequence[float]) -> PathChoice:
        """With one corner elsewhere."""
        points = list(self.points)
        points[corner] = _triple(point)
        return PathChoice(tuple(points))

    def with_corner(self, place: int, point: Sequence[float]) -> PathChoice:
        """With a further corner, before that of a number (its length: at the end)."""
        return PathChoice((*self.points[:place], _triple(point), *self.points[place:]))

    def without(self, corner: int) -> PathChoice:
        """With one corner less."""
        return PathChoice((*self.points[:corner], *self.points[corner + 1 :]))


def plane_choice(document: Document, results: Iterable[DensityResult]) -> PlaneChoice:
    """What was chosen, else the first plane that a result was stored with, else (0 0 1)."""
    chosen = document.choice(TAB, "plane")
    if chosen is not None:
        return PlaneChoice(str(chosen["plane"]), str(chosen["through"]), float(chosen["offset"]))
    sections = (drawn.section for result in results for drawn in result.sections)
    for section in sections:
        found = plane_of(section.label, section.origin)
        if found is not None:
            return found
    return PlaneChoice()


def with_plane(document: Document, plane: PlaneChoice) -> Document:
    """The document with another plane."""
    return document.with_choice(TAB, "plane", vars(plane))


def plane_of(label: str, origin: FloatArray) -> PlaneChoice | None:
    """The plane of a stored section, from its label."""
    miller = _MILLER.match(label)
    if miller is not None:
        return PlaneChoice(" ".join(miller.groups()), point_text(origin))
    points = [match.replace(",", " ") for match in _POINT.findall(label)]
    return PlaneChoice(" : ".join(points)) if len(points) == 3 else None


def path_choice(document: Document, results: Iterable[DensityResult]) -> PathChoice | None:
    """What was chosen, else the first stored path; None when there is none, or it was removed."""
    chosen = document.choice(TAB, "path")
    if chosen is not None:
        points = tuple(_triple(point) for point in chosen["points"])
        return PathChoice(points, str(chosen["kind"]), tuple(chosen["labels"])) if points else None
    paths = stored_paths(results)
    return next(iter(paths.values()), None)


def with_path(document: Document, path: PathChoice | None) -> Document:
    """The document with another path, or with none."""
    path = path or PathChoice(())
    value: dict[str, Any] = {
        "points": [list(point) for point in path.points],
        "kind": path.kind,
        "labels": list(path.labels),
    }
    return document.with_choice(TAB, "path", value)


def stored_paths(results: Iterable[DensityResult]) -> dict[str, PathChoice]:
    """The paths that results were stored with, by kind."""
    found: dict[str, PathChoice] = {}
    for result in results:
        for path in result.paths:
            found.setdefault(path.kind, PathChoice(_corners(path), path.kind))
    return found


def chosen_path(named: NamedPath) -> PathChoice:
    """A path that the core made of words."""
    points = tuple(_triple(point) for point in named.points)
    if not any(named.labels):
        return PathChoice(points)
    return PathChoice(points, named.kind, named.labels)


def level_choice(document: Document, default: float) -> float:
    """The density in e/Å³ of the isosurface and of the marked contour."""
    return float(document.choice(TAB, "level", default))


def with_level(document: Document, level: float) -> Document:
    """The document with another level."""
    return document.with_choice(TAB, "level", level)


def offset_reach(plane: PlaneChoice, lattice: Lattice) -> float:
    """Å by which a plane may be moved to both sides: half of the spacing of equal planes."""
    if not plane.by_miller:
        return 3.0
    try:
        miller, _ = parse_plane(plane.plane, np.zeros(3))
    except InputError:
        return 3.0
    # In lowest terms, planes of the lattice repeat after d; of (0 2 0) as of (0 1 0).
    whole = np.round(miller).astype(int)
    divisor = int(np.gcd.reduce(whole)) or 1
    spacing = float(lattice.d_spacing(whole / divisor))
    return spacing / 2 if np.isfinite(spacing) else 3.0


def moved_to(plane: PlaneChoice, offset: float) -> PlaneChoice:
    """The plane at another distance from where it was put."""
    return replace(plane, offset=round(offset, 4) + 0.0)


def _corners(path: PathResult) -> tuple[tuple[float, float, float], ...]:
    """The corners of a stored profile; those of one that follows the density are its points."""
    distance, corners = path.profile.distance, path.profile.corners
    index = [int(np.abs(distance - corner).argmin()) for corner in corners]
    return tuple(_triple(path.profile.points[i]) for i in index)


def _triple(point: Sequence[float] | FloatArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 6) + 0.0 for value in point)
    return x, y, z


def point_text(point: FloatArray) -> str:
    """Three numbers as they are typed."""
    return " ".join(f"{round(float(x), 6) + 0.0:g}" for x in point)
