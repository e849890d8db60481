"""Densities of a simulation and of a measurement side by side: same sections, paths and sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.density_result import DensityResult, DrawnSection, PathResult
from mem.interpolation import density_values
from mem.path_choice import NamedPath
from mem.peaks import Peak
from mem.profile import Profile
from mem.section import section_sites
from simulate.md.density_map import MdDensity

_AT_SITE_A = 0.5  # along a path, within which its highest point is the peak of the site at an end


@dataclass(frozen=True)
class View:
    """What is shown of densities, all of it in fractional coordinates.

    Parameters
    ----------
    planes : sequence of (plane, origin)
        As `mem.section.section` takes them.
    paths : sequence of NamedPath
    points : int
        Of a profile.
    """

    planes: Sequence[tuple[FloatArray, FloatArray]] = ()
    paths: Sequence[NamedPath] = ()
    points: int = 201


@dataclass(frozen=True)
class MapComparison:
    """Two densities at the same fractional coordinates, per electron of each cell.

    Parameters
    ----------
    difference : float
        ½ ∫|p₁ - p₂|, p = ρ/∫ρ: the share of the electrons that would have to move.
    correlation : float
        Of the values at the points of the grid; NaN where one density is flat.
    log_correlation : float
        Of their logarithms, which weighs channels as much as atoms; NaN where a density is not
        above zero.
    """

    difference: float
    correlation: float
    log_correlation: float


def compare_maps(ours: Density, other: Density) -> MapComparison:
    """How alike two densities are, at the points of our grid."""
    a = ours.values / ours.values.mean(dtype=float)
    if other.shape == ours.shape:
        b = np.asarray(other.values, dtype=float)
    else:
        places = np.meshgrid(*(np.arange(n) / n for n in ours.shape), indexing="ij")
        b = density_values(other, np.stack(places, axis=-1))
    b = b / b.mean()
    positive = min(a.min(), b.min()) > 0
    return MapComparison(
        difference=0.5 * float(np.mean(np.abs(a - b))),
        correlation=_correlation(a, b),
        log_correlation=_correlation(np.log(a), np.log(b)) if positive else float("nan"),
    )


@dataclass(frozen=True)
class SideBySide:
    """A simulation's density and, beside it, another one, as they are drawn and tabulated.

    Parameters
    ----------
    densities : tuple of Density
        The simulation's first, in the cell of the other one.
    results : tuple of DensityResult
        Sections and profiles of these, for `mem.figures`.
    comparison : MapComparison or None
        None for the simulation alone.
    scale : float
        By which the simulation's density is multiplied here: the ratio of the cells' volumes.
    """

    densities: tuple[Density, ...]
    results: tuple[DensityResult, ...]
    comparison: MapComparison | None
    scale: float = 1.0


def side_by_side(
    ours: MdDensity, other: Density | None, view: View, names: Sequence[str] = ("MD", "measured")
) -> SideBySide:
    """The same sections and profiles of a simulation and of a reconstruction.

    The simulation's density is drawn in the cell of the other, at equal fractional coordinates
    and with its electrons kept, so that the atoms of both stand at the same places of the figure.

    Parameters
    ----------
    ours : MdDensity
    other : Density or None
        On the same origin, which that of `md_density` is with the structure of the other.
    view : View
    names : (str, str)
        For the headings.

    Raises
    ------
    InputError
        From `section` and `profile`.
    """
    if other is None:
        return SideBySide((ours,), (seen(ours, view, names[0]),), None)
    pair = (in_cell_of(ours, other.lattice), with_sites(other, ours.structure))
    results = tuple(seen(one, view, name) for one, name in zip(pair, names, strict=True))
    scale = ours.lattice.volume / other.lattice.volume
    return SideBySide(pair, results, compare_maps(ours, other), scale)


def on_points_of(
    ours: MdDensity, measured: DensityResult, lattice: Lattice, name: str
) -> DensityResult:
    """A simulation's density at the very points at which a stored reconstruction is drawn.

    Parameters
    ----------
    ours : MdDensity
        On the origin of the reconstruction.
    measured : DensityResult
        With sections and paths.
    lattice : Lattice
        Its cell.
    name : str
        For the headings.
    """
    drawn = in_cell_of(ours, lattice)
    sections = tuple(
        replace(one, section=replace(one.section, values=_at(drawn, one.section.points(lattice))))
        for one in measured.sections
    )
    paths = []
    for path in measured.paths:
        places = path.profile.points
        sigma = np.full(len(places), np.nan)
        if drawn.stderr is not None:
            sigma = _at(replace(drawn, values=drawn.stderr), places)
        profile = replace(path.profile, density=_at(drawn, places), sigma=sigma, peak=None)
        ends = (path.peak_label, path.peak_label)
        paths.append(_path_result(profile, path.kind, path.name, ends))
    empty = seen(drawn, View(), name)
    return replace(empty, sections=sections, paths=tuple(paths))


def in_cell_of(density: MdDensity, lattice: Lattice) -> MdDensity:
    """The same electrons at the same fractional coordinates of another cell, for drawing."""
    scale = density.lattice.volume / lattice.volume
    structure = density.structure
    return replace(
        density,
        lattice=lattice,
        values=density.values * scale,
        structure=None if structure is None else replace(structure, lattice=lattice),
        stderr=None if density.stderr is None else density.stderr * scale,
    )


def with_sites(density: Density, structure: Crystal | None) -> Density:
    """A density with the sites of a structure, unless it has its own."""
    if density.structure is not None or structure is None:
        return density
    return replace(density, structure=replace(structure, lattice=density.lattice))


def seen(density: Density, view: View, name: str) -> DensityResult:
    """Sections and profiles of a density, as the figures of `mem` draw them.

    Parameters
    ----------
    density : Density
        The bands of a simulation's profiles are the errors from its blocks of time.
    view : View
    name : str
        For the headings.

    Raises
    ------
    InputError
        From `section` and `profile`.
    """
    empty = np.empty(0)
    return DensityResult(
        name=name,
        temperature_k=density.temperature_k,
        statistics={"grid": density.shape, "electrons": density.electrons},
        sites=(),
        sections=tuple(_section(density, plane, origin) for plane, origin in view.planes),
        paths=tuple(_path(density, path, view.points) for path in view.paths),
        hkl=np.empty((0, 3), dtype=int),
        f_observed=empty,
        sigma=empty,
        residual=empty,
        d_spacing=empty,
        notes=density.notes,
    )


def peaks_at_sites(density: Density) -> list[Peak]:
    """For each site of the structure the maximum nearest to it of those above the mean density.

    A site whose ions are elsewhere has none. (`mem.peaks.site_peaks` looks at all maxima: in a
    density with the chance of few frames there are hundreds, and it takes seconds.)
    """
    if density.structure is None:
        return []
    found = density.peaks()
    own = [[peak for peak in found if peak.label == site.label] for site in density.structure.sites]
    return [min(peaks, key=lambda peak: peak.distance_angstrom) for peaks in own if peaks]


def _correlation(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else float("nan")


def _at(density: Density, points: FloatArray) -> FloatArray:
    return np.asarray(density_values(density, points), dtype=float)


def _section(density: Density, plane: FloatArray, origin: FloatArray) -> DrawnSection:
    section = density.section(plane, origin)
    if density.structure is None:
        return DrawnSection(section)
    near = section_sites(section, density.structure)
    return DrawnSection(section, tuple((site.label, site.u, site.v) for site in near))


def _path(density: Density, path: NamedPath, points: int) -> PathResult:
    profile = density.profile(path.points, points)
    return _path_result(profile, path.kind, path.name, (path.labels[0], path.labels[-1]))


def _path_result(profile: Profile, kind: str, name: str, ends: tuple[str, str]) -> PathResult:
    highest = int(profile.density.argmax())
    peak = float(profile.density[highest])
    # The first of equals: on a symmetric path rounding would choose between two.
    inside = profile.density[1:-1]
    lowest = 1 + int(np.flatnonzero(inside <= inside.min() + 1e-6 * abs(peak))[0])
    along = float(profile.distance[highest])
    places = ((along, ends[0]), (float(profile.distance[-1]) - along, ends[1]))
    apart, label = min(places, key=lambda end: end[0])
    known = bool(np.isfinite(profile.sigma).all())
    return PathResult(
        kind=kind,
        name=name,
        profile=profile,
        peak=peak,
        peak_label=label if label and apart <= _AT_SITE_A else "highest",
        band=profile.sigma if known else None,
        middle={
            "distance_angstrom": float(profile.distance[lowest]),
            "ratio": float(profile.density[lowest]) / peak,
            "sigma": float(profile.sigma[lowest]) / peak if known else None,
            **dict.fromkeys(("bias", "null", "model", "claimed")),
        },
    )
