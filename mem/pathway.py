"""The way between two sites on which the lowest density is as high as it can be.

Density that atoms leave behind on their way from site to site marks the channel. Without a mask
the densest way runs through the atoms of the framework: their basins are excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K
from mem.basins import Basins
from mem.density import Density
from mem.interpolation import fractional_points, is_positive, local_log_density
from mem.path_search import (
    Search,
    bottleneck,
    easiest_way,
    forbidden_points,
    masked_values,
    nearest_node,
    search_box,
)
from mem.profile import Profile, path_points, profile

_WORTH_A_DETOUR = 0.9  # a way is as good as the best if its lowest ρ is no lower than this
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
    which they are connected through points with ρ ≥ ρ_b. Among the ways through points with
    ρ ≥ 0.9 ρ_b (less is not worth a detour) the one with the smallest ∫ds/ρ is taken (Dijkstra),
    and relaxed to the ridge of ρ: its points
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
        Keep this far from the masked atoms instead of out of their basins (`atomic_basins`).
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
    nodes, values = search_box(density, ends, step, margin)
    places = tuple(nearest_node(nodes, point * density.shape) for point in ends)
    forbidden, clearance = forbidden_points(
        density, mask, radius_angstrom, regions, Search(nodes, values, places)
    )
    search = Search(nodes, masked_values(values, nodes, forbidden), places)
    for point, place in zip(ends, places, strict=True):
        if search.values[place] == 0:
            raise InputError(
                "an end of the path lies where the mask forbids it",
                key="mask",
                found=f"{point.tolist()}",
                hint="mask other sites, or start elsewhere",
            )
    rough = easiest_way(density, search, _WORTH_A_DETOUR * bottleneck(search))
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
