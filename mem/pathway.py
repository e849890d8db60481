"""The way between two sites on which the lowest density is as high as it can be.

Density that atoms leave behind on their way from site to site marks the channel. Without a mask
the densest way runs through the atoms of the framework: their basins are excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage, sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K
from mem.basins import Basins, basins
from mem.density import Density
from mem.interpolation import fractional_points, is_positive, local_log_density
from mem.profile import Profile, path_points, profile

_MOST_NODES = 3_000_000
_IMAGE_ANGSTROM = 0.08  # distance of the points that relax to the ridge
_SMOOTH_IMAGES = 2.0
_TENSION = 0.02  # share of the second difference taken off per step; holds the points in line
_RELAXATION_A2 = 0.004  # step per gradient of ln ρ: stable for curvatures up to 500 Å⁻²
_LONGEST_STEP = 0.03  # Å
_AT_REST = 2e-5  # Å per step
_MOST_STEPS = 2000


@dataclass(frozen=True)
class DensityPath:
    """The densest way between two points.

    Parameters
    ----------
    profile : Profile
        Points (fractional, unwrapped), distance in Å and ρ in e/Å³ along it; sigma is NaN.
    bottleneck : float
        Lowest ρ on it in e/Å³.
    bottleneck_position : (3,) array
        Fractional.
    clearance_angstrom : float or None
        How far the path keeps from the masked atoms where it may enter their basins; None when
        it keeps out of them altogether, and for no mask or one given as grid points.
    """

    profile: Profile
    bottleneck: float
    bottleneck_position: FloatArray
    clearance_angstrom: float | None = None

    @property
    def points(self) -> FloatArray:
        """(n, 3) fractional coordinates."""
        return self.profile.points

    @property
    def length_angstrom(self) -> float:
        """Length of the path."""
        return float(self.profile.distance[-1])


@dataclass(frozen=True)
class Potential:
    """An effective potential along a path.

    Parameters
    ----------
    distance : (n,) array
        In Å.
    energy_mev, sigma_mev : (n,) arrays
        V = -k_B T ln(ρ/ρ₀) and its standard uncertainty, that of ρ₀ left out.
    temperature_k : float
    reference : float
        ρ₀ in the unit of the profile.
    """

    distance: FloatArray
    energy_mev: FloatArray
    sigma_mev: FloatArray
    temperature_k: float
    reference: float


def minimum_density_path(
    density: Density,
    start: ArrayLike,
    end: ArrayLike,
    mask: Sequence[str] | BoolArray = (),
    *,
    radius_angstrom: float | None = None,
    regions: Basins | None = None,
    step: float = 0.1,
    margin: float = 2.5,
    n: int = 201,
) -> DensityPath:
    """The way from one point to another on which the lowest ρ is highest, then the easiest one.

    On a grid of about `step` Å in a box around the two points, the largest ρ_b is found for
    which they are connected through points with ρ ≥ ρ_b. Among the ways through those points
    the one with the smallest ∫ds/ρ is taken (Dijkstra), and relaxed to the ridge of ρ: its points
    move along the gradient of ln ρ at right angles to the path, at equal distances, so that it
    runs over the saddle itself (string method; E, Ren & Vanden-Eijnden, J. Chem. Phys. 126,
    164103 (2007)). Points that would enter the mask stay where they are.

    Basins of masked atoms fill space together with those of the others, and may leave no way:
    where no ridge of ρ joins the ends, the basins of the framework meet between them. Then only
    the spheres around its atoms that touch the nearest other basin stay forbidden, and
    `clearance_angstrom` is their radius.

    Parameters
    ----------
    density : Density
        Positive everywhere.
    start, end : (3,) arrays
        Fractional; the end may be in another cell, and the path goes to that very image.
    mask : sequence of str, or (nx, ny, nz) bool array
        Site labels or elements whose atoms the path keeps out of, or the forbidden grid points.
    radius_angstrom : float or None
        Keep this far from the masked atoms instead of out of their Bader basins.
    regions : Basins or None
        The basins of this density, if they are known already.
    step : float
        In Å; not finer than the grid of the density.
    margin : float
        In Å: how far the path may leave the box of its two ends.
    n : int
        Points of the result.

    Returns
    -------
    DensityPath

    Raises
    ------
    InputError
        The density is not positive, the ends are the same or masked, a name in the mask is
        unknown, the box is too large, or the mask leaves no way.
    """
    ends = np.array([fractional_points(start, "start"), fractional_points(end, "end")])
    path_points(density.lattice, ends, 2)  # two different points
    if not is_positive(density):
        raise InputError(
            "a path needs a density that is positive everywhere",
            file=density.source or None,
            found=f"{float(density.values.min()):g} e/Å³",
        )
    nodes, values = _box(density, ends, step, margin)
    places = tuple(_nearest(nodes, point * density.shape) for point in ends)
    forbidden, clearance = _forbidden(
        density, mask, radius_angstrom, regions, _Search(nodes, values, places)
    )
    search = _Search(nodes, _masked(values, nodes, forbidden), places)
    for point, place in zip(ends, places, strict=True):
        if search.values[place] == 0:
            raise InputError(
                "an end of the path lies where the mask forbids it",
                key="mask",
                found=f"{point.tolist()}",
                hint="mask other sites, or start elsewhere",
            )
    rough = _easiest(density, search, _bottleneck(search))
    rough[0], rough[-1] = ends
    return replace(_best(density, rough, forbidden, n), clearance_angstrom=clearance)


def potential(profile: Profile, temperature_k: float, reference: float | None = None) -> Potential:
    """The effective one-particle potential V = -k_B T ln(ρ/ρ₀) along a profile.

    σ_V = k_B T σ/ρ. It takes ρ for the probability density of one classical particle: where the
    electrons of an atom are spread more widely than its motion, it is a lower bound of the
    barrier at best.

    Parameters
    ----------
    profile : Profile
    temperature_k : float
    reference : float or None
        ρ₀ in the unit of the profile; None for the largest density along it.

    Returns
    -------
    Potential

    Raises
    ------
    InputError
        The temperature, the reference or a density is not positive.
    """
    zero = float(profile.density.max()) if reference is None else float(reference)
    for key, value in (
        ("temperature", temperature_k),
        ("reference", zero),
        ("density", float(profile.density.min())),
    ):
        if not (np.isfinite(value) and value > 0):
            raise InputError("no potential follows", key=key, found=value, expected="above 0")
    energy = BOLTZMANN_MEV_K * temperature_k
    return Potential(
        distance=profile.distance,
        energy_mev=-energy * np.log(profile.density / zero),
        sigma_mev=energy * profile.sigma / profile.density,
        temperature_k=float(temperature_k),
        reference=zero,
    )


@dataclass(frozen=True)
class _Search:
    nodes: list[IntArray]  # grid indices along each axis, unwrapped
    values: FloatArray  # ρ there, 0 where it is forbidden
    ends: tuple[tuple[int, ...], ...]  # places of the two ends in `values`

    def connected(self, allowed: BoolArray) -> bool:
        """Whether the ends are joined by neighbours (of 26) that are all allowed."""
        parts, _ = ndimage.label(allowed, structure=np.ones((3, 3, 3)))
        return bool(parts[self.ends[0]] == parts[self.ends[1]] != 0)


def _forbidden(
    density: Density,
    mask: Sequence[str] | BoolArray,
    radius: float | None,
    regions: Basins | None,
    search: _Search,
) -> tuple[BoolArray | None, float | None]:
    """(nx, ny, nz) the grid points that the mask forbids, or None for no mask; the clearance."""
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        if mask.shape != density.shape:
            raise InputError(
                "the mask is not on the grid of the density",
                key="mask",
                found=f"shape {mask.shape}",
                expected=f"{density.shape}",
            )
        return mask, None
    names = (mask,) if isinstance(mask, str) else tuple(str(name) for name in mask)
    if not names:
        return None, None
    if radius is not None:
        return _near_atoms(density, names, radius), radius
    inside = (regions or basins(density)).mask(names)
    allowed = _masked(search.values, search.nodes, inside) > 0
    if search.connected(allowed) or not all(allowed[end] for end in search.ends):
        return inside, None
    clearance = _inscribed(density, names, allowed, search)
    return inside & _near_atoms(density, names, clearance), clearance


def _masked(values: FloatArray, nodes: list[IntArray], forbidden: BoolArray | None) -> FloatArray:
    if forbidden is None:
        return values
    wrapped = (axis % n for axis, n in zip(nodes, forbidden.shape, strict=True))
    return np.where(forbidden[np.ix_(*wrapped)], 0.0, values)


def _inscribed(
    density: Density, names: tuple[str, ...], allowed: BoolArray, search: _Search
) -> float:
    """Distance in Å from the masked atoms to the nearest point in a basin that is not theirs."""
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    points = np.stack(np.meshgrid(*search.nodes, indexing="ij"), axis=-1)[allowed]
    # All images in the cells that the box touches and those around them.
    cells = product(
        *(
            range(int(axis[0] // n) - 1, int(axis[-1] // n) + 2)
            for axis, n in zip(search.nodes, shape, strict=True)
        )
    )
    images = _masked_atoms(density, names) + np.array(list(cells))[:, None]
    distance, _ = KDTree(images.reshape(-1, 3) * shape @ steps).query(points @ steps)
    return float(distance.min())


def _near_atoms(density: Density, names: tuple[str, ...], radius: float) -> BoolArray:
    """(nx, ny, nz) the grid points within a distance of the masked atoms."""
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    reach = np.ceil(radius * np.linalg.norm(np.linalg.inv(steps), axis=0)).astype(int) + 1
    ball = np.array(list(product(*(range(-r, r + 1) for r in reach))))
    result = np.zeros(density.shape, dtype=bool)
    for position in _masked_atoms(density, names):
        centre = np.round(position * shape).astype(int)
        apart = (centre + ball - position * shape) @ steps
        near = (centre + ball)[np.linalg.norm(apart, axis=1) < radius] % shape
        result[tuple(near.T)] = True
    return result


def _masked_atoms(density: Density, names: tuple[str, ...]) -> FloatArray:
    """(n, 3) fractional positions of the atoms of these sites or elements."""
    structure = density.structure
    sites = structure.sites if structure else ()
    unknown = set(names) - {s.label for s in sites} - {s.element for s in sites}
    if unknown or structure is None:
        raise InputError(
            "no such site or element",
            key="mask",
            found=", ".join(sorted(unknown)),
            expected=", ".join(site.label for site in sites) or "a density with a structure",
        )
    chosen = [sites[i].label in names or sites[i].element in names for i in structure.atoms.site]
    return np.asarray(structure.atoms.position[np.array(chosen)])


def _box(
    density: Density, ends: FloatArray, step: float, margin: float
) -> tuple[list[IntArray], FloatArray]:
    """Grid indices along each axis, unwrapped, of a box around the ends, and ρ there."""
    if not (step > 0 and margin >= 0):
        raise InputError(
            "not the extent of a search", key="step, margin", found=f"{step}, {margin}"
        )
    shape = np.array(density.shape)
    steps = cell_vectors(density.lattice) / shape[:, None]
    stride = np.maximum(1, np.round(step / np.linalg.norm(steps, axis=1))).astype(int)
    reach = margin * np.linalg.norm(np.linalg.inv(steps), axis=0)
    low = np.floor(ends.min(axis=0) * shape - reach).astype(int)
    high = np.ceil(ends.max(axis=0) * shape + reach).astype(int)
    nodes = [np.arange(a, b + s, s) for a, b, s in zip(low, high, stride, strict=True)]
    count = int(np.prod([len(axis) for axis in nodes]))
    if count > _MOST_NODES:
        raise InputError(
            "the box around the path is too large",
            key="step",
            found=f"{count} points",
            expected=f"{_MOST_NODES} at most",
            hint="take a larger step or a smaller margin, or go by way of a site in between",
        )
    wrapped = (axis % m for axis, m in zip(nodes, shape, strict=True))
    return nodes, np.asarray(density.values[np.ix_(*wrapped)], dtype=float)


def _nearest(nodes: list[IntArray], index: FloatArray) -> tuple[int, ...]:
    return tuple(int(np.abs(a - i).argmin()) for a, i in zip(nodes, index, strict=True))


def _bottleneck(search: _Search) -> float:
    """The largest level at which two points are connected through neighbours not below it."""
    levels = np.unique(search.values[search.values > 0])
    levels = levels[levels <= min(search.values[end] for end in search.ends)]
    low, high = 0, len(levels)  # connected at levels[low], if anywhere; not at levels[high]
    while high - low > 1:
        middle = (low + high) // 2
        if search.connected(search.values >= levels[middle]):
            low = middle
        else:
            high = middle
    if not search.connected(search.values >= levels[low]):
        raise InputError(
            "the mask leaves no way between the ends",
            key="mask",
            hint="mask fewer sites, give a smaller radius, or allow a larger margin",
        )
    return float(levels[low])


def _easiest(density: Density, search: _Search, level: float) -> FloatArray:
    """(m, 3) fractional points of the way with the smallest ∫ds/ρ through ρ ≥ level."""
    values = search.values
    parts, _ = ndimage.label(values >= level, structure=np.ones((3, 3, 3)))
    usable = parts == parts[search.ends[0]]
    number = np.full(values.shape, -1)
    number[usable] = np.arange(np.count_nonzero(usable))
    graph = _neighbour_costs(density, search, usable, number)
    first, last = (int(number[end]) for end in search.ends)
    _, before = csgraph.dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    way = [last]
    while way[-1] != first:
        way.append(int(before[way[-1]]))
    index = np.argwhere(usable)[way[::-1]]
    along = [axis[i] for axis, i in zip(search.nodes, index.T, strict=True)]
    return np.stack(along, axis=1) / density.shape


def _neighbour_costs(
    density: Density, search: _Search, usable: BoolArray, number: IntArray
) -> sparse.csr_array:
    """∫ds/ρ between neighbours (trapezium rule), every pair once."""
    values = search.values
    steps = cell_vectors(density.lattice) / np.array(density.shape)[:, None]
    strides = np.array([axis[1] - axis[0] for axis in search.nodes])
    rows, columns, costs = [], [], []
    for move in product((-1, 0, 1), repeat=3):
        if move <= (0, 0, 0):
            continue
        pairs = list(zip(move, values.shape, strict=True))
        here = tuple(slice(max(0, -d), min(m, m - d)) for d, m in pairs)
        there = tuple(slice(max(0, d), min(m, m + d)) for d, m in pairs)
        both = usable[here] & usable[there]
        length = float(np.linalg.norm(np.array(move) * strides @ steps))
        rows.append(number[here][both])
        columns.append(number[there][both])
        costs.append(length * (1 / values[here][both] + 1 / values[there][both]) / 2)
    size = int(usable.sum())
    edges = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(costs), edges), shape=(size, size))


def _best(density: Density, rough: FloatArray, forbidden: BoolArray | None, n: int) -> DensityPath:
    """The relaxed path, or the one along the grid where relaxing lost density."""
    paths = [_sampled(density, way, n) for way in (_relaxed(density, rough, forbidden), rough)]
    relaxed, unrelaxed = paths
    return relaxed if relaxed.bottleneck >= 0.99 * unrelaxed.bottleneck else unrelaxed


def _sampled(density: Density, way: FloatArray, n: int) -> DensityPath:
    distinct = np.concatenate([[True], np.linalg.norm(np.diff(way, axis=0), axis=1) > 1e-9])
    points = _redistributed(way[distinct], cell_vectors(density.lattice), n)
    along = profile(density, points, n)
    lowest = int(along.density.argmin())
    ends = along.corners[[0, -1]]
    return DensityPath(
        profile=Profile(along.points, along.distance, along.density, along.sigma, ends),
        bottleneck=float(along.density[lowest]),
        bottleneck_position=along.points[lowest],
    )


def _relaxed(density: Density, rough: FloatArray, forbidden: BoolArray | None) -> FloatArray:
    vectors = cell_vectors(density.lattice)
    inverse = np.linalg.inv(vectors)
    length = np.linalg.norm(np.diff(rough, axis=0) @ vectors, axis=1).sum()
    way = _redistributed(rough, vectors, max(8, round(length / _IMAGE_ANGSTROM) + 1))
    way = _smoothed(way, forbidden)
    around = int(np.ceil(0.6 / min(density.lattice.cell[:3]) * max(density.shape)))
    height = local_log_density(density, rough, around)
    moves = np.array([*np.eye(3), *-np.eye(3)]) * 0.01  # Å
    for _ in range(_MOST_STEPS):
        sides = height(way[1:-1, None] + moves @ inverse)
        gradient = (sides[:, :3] - sides[:, 3:]) / 0.02
        tangent = (way[2:] - way[:-2]) @ vectors
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        across = gradient - np.sum(gradient * tangent, axis=1, keepdims=True) * tangent
        shift = _RELAXATION_A2 * across
        size = np.linalg.norm(shift, axis=1, keepdims=True)
        shift *= np.minimum(1.0, _LONGEST_STEP / np.maximum(size, 1e-12))
        moved = way.copy()
        moved[1:-1] += shift @ inverse
        moved[1:-1] += _TENSION * (way[2:] - 2 * way[1:-1] + way[:-2])
        if forbidden is not None:
            wrong = _is_forbidden(moved, forbidden)
            moved[wrong] = way[wrong]
        following = _redistributed(moved, vectors, len(way))
        change = np.linalg.norm((following - way) @ vectors, axis=1).max()
        way = following
        if change < _AT_REST:
            break
    return way


def _smoothed(way: FloatArray, forbidden: BoolArray | None) -> FloatArray:
    """Without the zigzag of the grid, which has no restoring force where ρ is flat."""
    smooth = ndimage.gaussian_filter1d(way, _SMOOTH_IMAGES, axis=0, mode="nearest")
    smooth[[0, -1]] = way[[0, -1]]
    if forbidden is not None:
        wrong = _is_forbidden(smooth, forbidden)
        smooth[wrong] = way[wrong]
    return np.asarray(smooth)


def _is_forbidden(way: FloatArray, forbidden: BoolArray) -> BoolArray:
    index = np.round(way * forbidden.shape).astype(int) % forbidden.shape
    return np.asarray(forbidden[tuple(index.T)])


def _redistributed(way: FloatArray, vectors: FloatArray, n: int) -> FloatArray:
    """n points at equal distances along a polyline."""
    lengths = np.linalg.norm(np.diff(way, axis=0) @ vectors, axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0, at[-1], n)
    return np.stack([np.interp(wanted, at, way[:, i]) for i in range(3)], axis=1)
