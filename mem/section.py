"""ρ on a plane: a lattice plane by its Miller indices, or the plane through three points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.interpolation import density_values, fractional_points

AROUND_ANGSTROM = 1.0
"""Frame that a section through three points shows around them."""

_MOST_POINTS = 20_000_000


@dataclass(frozen=True)
class Section:
    """A density on a plane.

    Parameters
    ----------
    values : (nu, nv) array
        In e/Å³, at origin + u·axes[0] + v·axes[1].
    u, v : (nu,), (nv,) arrays
        In Å from the origin, along two directions at right angles.
    origin : (3,) array
        Fractional coordinates of u = v = 0.
    axes : (2, 3) array
        Unit vectors of u and v in the Cartesian frame of `Lattice.b_matrix`.
    normal : (3,) array
        Their cross product; along the reciprocal vector of the plane.
    label : str
        "(0 1 0) at y = 0.25".
    u_label, v_label : str
        Directions of the axes: "[1 0 0]" along a lattice vector, otherwise empty.
    """

    values: FloatArray
    u: FloatArray
    v: FloatArray
    origin: FloatArray
    axes: FloatArray
    normal: FloatArray
    label: str
    u_label: str = ""
    v_label: str = ""

    def points(self, lattice: Lattice) -> FloatArray:
        """(nu, nv, 3) fractional coordinates of the values."""
        frame = _Frame(self.origin, self.axes, self.label)
        return frame.points(lattice, self.u, self.v)

    def fractional(self, lattice: Lattice, places: ArrayLike) -> FloatArray:
        """(…, 3) fractional coordinates of places (u, v, height above the plane) in Å."""
        frame = np.array([*self.axes, self.normal])
        return np.asarray(self.origin + np.asarray(places) @ frame @ _inverse(lattice))

    def places(self, lattice: Lattice, points: ArrayLike) -> FloatArray:
        """(…, 3) u, v and height above the plane in Å of fractional points."""
        frame = np.array([*self.axes, self.normal])
        return np.asarray((np.asarray(points) - self.origin) @ cell_vectors(lattice) @ frame.T)


@dataclass(frozen=True)
class SectionSite:
    """An atom near a section.

    Parameters
    ----------
    u, v : float
        In Å, as in the section.
    height_angstrom : float
        Above the plane, along its normal; negative below.
    label, element : str
    """

    u: float
    v: float
    height_angstrom: float
    label: str
    element: str


@dataclass(frozen=True)
class _Frame:
    origin: FloatArray  # fractional
    axes: FloatArray  # Cartesian
    label: str
    u_label: str = ""
    v_label: str = ""
    u_range: tuple[float, float] = (0.0, 0.0)  # shown unless a size is given
    v_range: tuple[float, float] = (0.0, 0.0)

    def points(self, lattice: Lattice, u: FloatArray, v: FloatArray) -> FloatArray:
        to_fractional = self.axes @ _inverse(lattice)
        return np.asarray(
            self.origin + u[:, None, None] * to_fractional[0] + v[None, :, None] * to_fractional[1]
        )


def section(
    density: Density,
    plane: ArrayLike,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    size: float | tuple[float, float] | None = None,
    step: float = 0.05,
) -> Section:
    """ρ on a plane, interpolated between the points of the grid.

    Parameters
    ----------
    density : Density
    plane : (3,) whole numbers or (3, 3) array
        Miller indices h k l: the plane through `origin` at right angles to the reciprocal
        vector. Its axes are the shortest lattice vectors in the plane, a cell axis before others
        of equal length, so that u × v is along the reciprocal vector: u along c and v along a
        for (010). In a plane whose two vectors are not at right angles, v is at right angles to u.
        Or three fractional points in the plane: u runs from the first to the second, the third
        is on the side of positive v, and the first is the origin.
    origin : (3,) array
        Fractional; only for Miller indices.
    size : float or (float, float) or None
        Extent in Å along u and v. None: one repeat of the plane's lattice, or the three points
        with `AROUND_ANGSTROM` around them (whose middle a given size has, too).
    step : float
        Wanted distance of points in Å; a little less or more, to fill the size.

    Returns
    -------
    Section

    Raises
    ------
    InputError
        Miller indices that are not whole numbers or all 0, points on one line, a size or step
        that is not positive, more than twenty million points.
    """
    given = fractional_points(plane, "plane")
    start = fractional_points(origin, "origin")
    if given.shape == (3,) and start.shape == (3,):
        frame = _lattice_plane(density.lattice, given, start)
    elif given.shape == (3, 3):
        if np.any(start != 0):
            raise InputError(
                "a plane through three points has its origin at the first of them",
                key="origin",
                found=start.tolist(),
                hint="leave the origin out, or give Miller indices",
            )
        frame = _through_points(density.lattice, given)
    else:
        raise InputError(
            "not a plane",
            key="plane",
            found=f"shape {given.shape}, origin of shape {start.shape}",
            expected="Miller indices [h, k, l] or three points [[x, y, z], …]",
        )
    u, v = _coordinates(frame, size, step)
    return Section(
        values=density_values(density, frame.points(density.lattice, u, v)),
        u=u,
        v=v,
        origin=frame.origin,
        axes=frame.axes,
        normal=np.cross(*frame.axes),
        label=frame.label,
        u_label=frame.u_label,
        v_label=frame.v_label,
    )


def difference_section(section: Section, lattice: Lattice, other: Density) -> Section:
    """A section minus another density at the same fractional coordinates.

    Parameters
    ----------
    section : Section
    lattice : Lattice
        Of the density that was cut.
    other : Density
        Its electrons are kept when its cell is drawn as that of the section (another
        temperature, a simulation), so that a cell with the same atoms gives 0.
    """
    scale = other.lattice.volume / lattice.volume
    there = density_values(other, section.points(lattice))
    return replace(section, values=section.values - scale * there)


def section_sites(
    section: Section, crystal: Crystal, within_angstrom: float = 0.3
) -> list[SectionSite]:
    """The atoms of a crystal within a distance of a section, inside its frame.

    Parameters
    ----------
    section : Section
    crystal : Crystal
        With the lattice of the density that was cut.
    within_angstrom : float
        From the plane, on either side.

    Returns
    -------
    list of SectionSite
    """
    vectors = cell_vectors(crystal.lattice)
    corners = np.array(list(product(section.u[[0, -1]], section.v[[0, -1]])))
    box = section.origin + corners @ section.axes @ np.linalg.inv(vectors)
    # An atom at this height may be in a cell that the plane itself does not touch.
    reach = within_angstrom * np.linalg.norm(np.linalg.inv(vectors), axis=0)
    low = np.floor(box.min(axis=0) - reach).astype(int)
    high = np.ceil(box.max(axis=0) + reach).astype(int)
    cells = np.array(list(product(*(range(a, b + 1) for a, b in zip(low, high, strict=True)))))
    atoms = crystal.atoms
    apart = (atoms.position[:, None] + cells - section.origin) @ vectors
    u, v, height = np.moveaxis(apart @ np.array([*section.axes, section.normal]).T, -1, 0)
    slack = 1e-6  # an atom on the frame is inside it
    shown = np.abs(height) <= within_angstrom + slack
    shown &= (u >= section.u[0] - slack) & (u <= section.u[-1] + slack)
    shown &= (v >= section.v[0] - slack) & (v <= section.v[-1] + slack)
    return [
        SectionSite(
            u=float(u[i, j]),
            v=float(v[i, j]),
            height_angstrom=float(height[i, j]),
            label=crystal.sites[atoms.site[i]].label,
            element=atoms.elements[i],
        )
        for i, j in np.argwhere(shown)
    ]


def plane_vectors(lattice: Lattice, miller: ArrayLike) -> IntArray:
    """(2, 3) the two shortest lattice vectors [u v w] of a lattice plane, u × v along h k l.

    Vectors of the conventional lattice; a cell axis goes before others of equal length.
    """
    h = np.asarray(miller, dtype=int)
    first, second = _reduced(lattice, _plane_basis(h))
    vectors = cell_vectors(lattice)
    candidates = [
        i * first + j * second for i, j in product(range(-2, 3), repeat=2) if (i, j) != (0, 0)
    ]

    def order(vector: IntArray) -> tuple[object, ...]:
        length = round(float(np.linalg.norm(vector @ vectors)), 4)
        return length, int(np.count_nonzero(vector)), tuple(-vector)

    candidates.sort(key=order)
    u = candidates[0]
    # The cross product of a basis of the plane's lattice is ±(h k l) in lowest terms.
    v = next(c for c in candidates if np.abs(np.cross(u, c)).sum() == np.abs(h).sum())
    return np.array([u, v] if np.cross(u, v) @ h > 0 else [v, u])


def _lattice_plane(lattice: Lattice, miller: FloatArray, origin: FloatArray) -> _Frame:
    indices = np.round(miller).astype(int)
    if np.any(indices != miller) or not indices.any() or np.abs(indices).max() > 100:
        raise InputError(
            "not Miller indices",
            key="plane",
            found=miller.tolist(),
            expected="three whole numbers up to 100, not all 0",
        )
    indices //= math.gcd(*indices.tolist())
    directions = plane_vectors(lattice, indices)
    u, v = directions @ cell_vectors(lattice)
    axes, width, height, skew = _right_angled(u, v)
    return _Frame(
        origin=origin,
        axes=axes,
        label=_plane_label(indices, origin),
        u_label=_direction_label(directions[0]),
        v_label=_direction_label(directions[1]) if abs(skew) < 1e-6 * height else "",
        u_range=(0.0, width),
        v_range=(0.0, height),
    )


def _through_points(lattice: Lattice, points: FloatArray) -> _Frame:
    u, v = (points[1:] - points[0]) @ cell_vectors(lattice)
    if np.linalg.norm(np.cross(u, v)) < 1e-6 * np.linalg.norm(u) * np.linalg.norm(v) + 1e-9:
        raise InputError("the three points lie on one line", key="plane", found=points.tolist())
    axes, width, height, skew = _right_angled(u, v)
    texts = ("(" + ", ".join(f"{x:.4g}" for x in point) + ")" for point in points)
    return _Frame(
        origin=points[0],
        axes=axes,
        label="through " + ", ".join(texts),
        u_range=(min(0.0, skew) - AROUND_ANGSTROM, max(width, skew) + AROUND_ANGSTROM),
        v_range=(-AROUND_ANGSTROM, height + AROUND_ANGSTROM),
    )


def _right_angled(u: FloatArray, v: FloatArray) -> tuple[FloatArray, float, float, float]:
    """Unit vectors along u and, in the plane, across it; |u|, and v along both of them."""
    width = float(np.linalg.norm(u))
    along = u / width
    skew = float(v @ along)
    across = v - skew * along
    height = float(np.linalg.norm(across))
    return np.array([along, across / height]), width, height, skew


def _coordinates(
    frame: _Frame, size: float | tuple[float, float] | None, step: float
) -> tuple[FloatArray, FloatArray]:
    ranges = np.array([frame.u_range, frame.v_range])
    if size is not None:
        extent = np.broadcast_to(np.asarray(size, dtype=float), (2,))
        # A lattice plane starts at the origin, three points stay in the middle.
        start = np.where(ranges[:, 0] == 0, 0.0, ranges.mean(axis=1) - extent / 2)
        ranges = np.stack([start, start + extent], axis=1)
    extent = ranges[:, 1] - ranges[:, 0]
    for key, value in (("size", extent.min()), ("step", step)):
        if not (np.isfinite(value) and value > 0):
            raise InputError(
                "a section needs an extent and a step", key=key, found=value, expected="Å above 0"
            )
    counts = np.maximum(np.round(extent / step), 1) + 1
    if not counts.prod() <= _MOST_POINTS:
        raise InputError(
            "the section has too many points",
            key="step",
            found=f"{counts[0]:.0f} × {counts[1]:.0f}",
            expected=f"{_MOST_POINTS} at most",
            hint="take a larger step or a smaller size",
        )
    u, v = (np.linspace(a, b, int(n)) for (a, b), n in zip(ranges, counts, strict=True))
    return u, v


def _inverse(lattice: Lattice) -> FloatArray:
    """(3, 3) from Cartesian to fractional, for rows."""
    return np.asarray(np.linalg.inv(cell_vectors(lattice)))


def _plane_basis(h: IntArray) -> IntArray:
    """(2, 3) a basis of the whole-number solutions of h·u = 0, for h without common divisor."""
    rows = np.eye(3, dtype=int)
    left = h.copy()
    # Euclid on the three values h·row; the rows stay a basis of the whole lattice.
    while np.count_nonzero(left) > 1:
        used = np.flatnonzero(left)
        smallest = used[np.abs(left[used]).argmin()]
        for i in used[used != smallest]:
            times = left[i] // left[smallest]
            rows[i] -= times * rows[smallest]
            left[i] -= times * left[smallest]
    return rows[left == 0]


def _reduced(lattice: Lattice, basis: IntArray) -> IntArray:
    """The basis of a plane's lattice made shortest (Lagrange-Gauss)."""
    vectors = cell_vectors(lattice)
    first, second = basis
    while True:
        if np.linalg.norm(second @ vectors) < np.linalg.norm(first @ vectors):
            first, second = second, first
        a, b = first @ vectors, second @ vectors
        times = round(float(a @ b / (a @ a)))
        if times == 0:
            return np.array([first, second])
        shorter = second - times * first
        if np.linalg.norm(shorter @ vectors) >= np.linalg.norm(b) * (1 - 1e-12):
            return np.array([first, second])
        second = shorter


def _plane_label(h: IntArray, origin: FloatArray) -> str:
    terms = [
        ("-" if index < 0 else "+") + (str(abs(index)) if abs(index) > 1 else "") + name
        for index, name in zip(h, "xyz", strict=True)
        if index
    ]
    left = " ".join(terms).removeprefix("+").replace(" +", " + ").replace(" -", " - ")
    value = round(float(h @ origin), 4) + 0.0
    return f"({h[0]} {h[1]} {h[2]}) at {left} = {value:g}"


def _direction_label(direction: IntArray) -> str:
    return "[" + " ".join(str(i) for i in direction) + "]"
