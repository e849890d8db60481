"""What the tab Density draws, computed in workers from loaded densities. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import contourpy
import numpy as np

from gui.models.density_choices import PathChoice, PlaneChoice
from gui.models.density_entries import LoadedDensity
from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.density_result import DensityResult, DrawnSection, PathResult
from mem.isosurface import Isosurface, isosurface, thinned
from mem.section import (
    Section,
    SectionSite,
    difference_section,
    plane_vectors,
    section_sites,
)
from mem.section_levels import CONTOURS_E_A3, DIFFERENCE_CONTOURS_E_A3

Scale = Literal["log", "linear", "difference"]
POINTS = 201  # of a profile, as `ixs mem` has it

_WIDE = 1.2  # width by height that a section is to fill with whole cells
_MOST_CELLS = 4
_FINE_STEP_A, _COARSE_STEP_A = 0.16, 0.32  # of surfaces: some 50 and 10 ms


@dataclass(frozen=True)
class Lines:
    """Polylines as pyqtgraph draws them: points, and whether each is joined to the next."""

    x: FloatArray
    y: FloatArray
    joined: BoolArray


@dataclass(frozen=True, eq=False)
class Cut:
    """A section as it is drawn.

    Parameters
    ----------
    loaded : LoadedDensity
    section : Section
        Of the density, or of its difference from another one.
    sites : tuple of SectionSite
    contours, negative : Lines
    outline : Lines
        The cells of the plane's own lattice.
    scale : "log", "linear" or "difference"
        For which it was cut.
    other : str
        Name of the density that was taken off.
    """

    loaded: LoadedDensity
    section: Section
    sites: tuple[SectionSite, ...]
    contours: Lines
    negative: Lines
    outline: Lines
    scale: Scale
    other: str = ""

    @property
    def name(self) -> str:
        """Of the density, with that of the one taken off."""
        return self.loaded.entry.name + (f" − {self.other}" if self.other else "")

    @property
    def lattice(self) -> Lattice:
        """Of the density."""
        return self.loaded.density.lattice

    @property
    def result(self) -> DensityResult:
        """With this section in place of the stored ones, for the figures of the core."""
        sites = tuple((site.label, site.u, site.v) for site in self.sites)
        drawn = DrawnSection(self.section, sites)
        return replace(self.loaded.result, name=self.name, sections=(drawn,))


@dataclass(frozen=True, eq=False)
class DrawnProfile:
    """A profile as it is drawn.

    Parameters
    ----------
    loaded : LoadedDensity
    path : PathResult
    stored : bool
        Whether it was stored with the density, and not cut from it now.
    """

    loaded: LoadedDensity
    path: PathResult
    stored: bool

    @property
    def result(self) -> DensityResult:
        """With this path in place of the stored ones, for the figures of the core."""
        return replace(self.loaded.result, name=self.loaded.entry.name, paths=(self.path,))


@dataclass(frozen=True)
class CutRequest:
    """Which sections to cut.

    Parameters
    ----------
    densities : tuple of LoadedDensity
    plane : PlaneChoice
    scale : "log", "linear" or "difference"
    other : LoadedDensity or None
        What is taken off, for differences.
    cells : int
        Of the plane's lattice along both axes; 0: as many as fill a wide picture.
    structure : Crystal or None
        For names of sites in `plane`, where a density knows none.
    """

    densities: tuple[LoadedDensity, ...]
    plane: PlaneChoice
    scale: Scale = "log"
    other: LoadedDensity | None = None
    cells: int = 0
    structure: Crystal | None = field(default=None, compare=False)


def cut_all(
    request: CutRequest, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> tuple[Cut, ...]:
    """The same section of several densities.

    Raises
    ------
    InputError
        The plane is none.
    """
    cuts = []
    for loaded in request.densities:
        if cancel is not None:
            cancel.check()
        cuts.append(_cut(loaded, request))
    return tuple(cuts)


def _cut(loaded: LoadedDensity, request: CutRequest) -> Cut:
    density = loaded.density
    structure = density.structure or request.structure
    plane, origin = request.plane.resolved(density.lattice, structure)
    size, outline = None, _no_lines()
    if plane.shape == (3,):
        size, outline = _cells(density, plane, origin, request.cells)
    section = density.section(plane, origin, size)
    if request.other is not None:
        section = difference_section(section, density.lattice, request.other.density)
    sites = () if density.structure is None else section_sites(section, density.structure)
    levels: tuple[float, ...] = CONTOURS_E_A3
    negative: tuple[float, ...] = ()
    if request.other is not None:
        levels = DIFFERENCE_CONTOURS_E_A3
        negative = tuple(-level for level in levels)
    return Cut(
        loaded,
        section,
        tuple(sites),
        contour_lines(section, levels),
        contour_lines(section, negative),
        outline,
        "difference" if request.other is not None else request.scale,
        "" if request.other is None else request.other.entry.name,
    )


def _cells(
    density: Density, plane: FloatArray, origin: FloatArray, cells: int
) -> tuple[tuple[float, float], Lines]:
    """Extent of whole cells of a lattice plane, and their outlines."""
    flat = Density(density.lattice, np.ones((4, 4, 4)), density.symmetry)
    frame = flat.section(plane, origin, step=1.0)
    width, height = float(frame.u[-1]), float(frame.v[-1])
    along = across = cells
    if cells == 0:
        along = int(np.clip(round(_WIDE * height / width), 1, _MOST_CELLS))
        across = int(np.clip(round(width / height / _WIDE), 1, _MOST_CELLS))
    miller = np.round(plane).astype(int)
    vectors = plane_vectors(density.lattice, miller // np.gcd.reduce(miller))
    u, v = vectors @ cell_vectors(density.lattice) @ frame.axes.T
    lines = [np.array([i * u, i * u + across * v]) for i in range(along + 1)]
    lines += [np.array([j * v, j * v + along * u]) for j in range(across + 1)]
    return (along * width, across * height), _joined(lines)


def contour_lines(section: Section, levels: Sequence[float]) -> Lines:
    """Lines of equal density on a section, in Å."""
    values = np.ascontiguousarray(section.values.T)
    generator = contourpy.contour_generator(section.u, section.v, values)
    return _joined([np.asarray(line) for level in levels for line in generator.lines(level)])


def _joined(lines: Sequence[FloatArray]) -> Lines:
    if not lines:
        return _no_lines()
    points = np.concatenate(lines)
    joined = np.ones(len(points), dtype=bool)
    joined[np.cumsum([len(line) for line in lines]) - 1] = False
    return Lines(points[:, 0], points[:, 1], joined)


def _no_lines() -> Lines:
    return Lines(np.empty(0), np.empty(0), np.empty(0, dtype=bool))


def profiles(
    densities: Sequence[LoadedDensity],
    path: PathChoice,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[DrawnProfile, ...]:
    """The profile of several densities along a path: the stored one, else from the grid.

    Raises
    ------
    InputError
        The path has fewer than two corners, or two equal ones in a row.
    """
    return tuple(_profile(loaded, path) for loaded in densities)


def _profile(loaded: LoadedDensity, path: PathChoice) -> DrawnProfile:
    from simulate.md.density_comparison import View, seen

    for stored in loaded.result.paths:
        if stored.kind == path.kind and not path.drawn:
            return DrawnProfile(loaded, stored, True)
    view = View(paths=(path.named,), points=POINTS)
    return DrawnProfile(loaded, seen(loaded.density, view, loaded.entry.name).paths[0], False)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """A surface of a density, and the same on a coarser grid for while it is turned."""

    loaded: LoadedDensity
    fine: Isosurface
    coarse: Isosurface


def surfaces(
    loaded: LoadedDensity,
    level: float,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Surfaces:
    """The surface of one density in a cell, on grids that are fine enough for pictures."""
    fine, coarse = (
        isosurface(thinned(loaded.density, step), level) for step in (_FINE_STEP_A, _COARSE_STEP_A)
    )
    return Surfaces(loaded, fine, coarse)


def default_level(loaded: LoadedDensity) -> float:
    """A level at which atoms are apart: one contour line near 3 % of the highest."""
    highest = float(loaded.density.values.max())
    levels = np.array(CONTOURS_E_A3)
    return float(levels[np.abs(np.log(levels / max(0.03 * highest, 1e-6))).argmin()])
