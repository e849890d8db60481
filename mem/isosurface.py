"""The surface ρ = level as a mesh of triangles, by marching tetrahedra.

Every cube of eight grid points is cut into the six tetrahedra around its body diagonal (Kuhn's
division), which meet those of the next cube face to face: so the mesh has no holes, and cases
that are ambiguous for cubes do not arise. Treece, Prager & Gee, Comput. Graph. 23, 583 (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from mem.density import Density

MOST_POINTS = 100_000_000
"""Larger boxes are refused."""

# Corners of a cube on the six ways from (0, 0, 0) to (1, 1, 1) along its edges.
_TETRAHEDRA = np.array(
    [np.cumsum([[0, 0, 0], *np.eye(3, dtype=int)[list(p)]], axis=0) for p in permutations(range(3))]
)


@dataclass(frozen=True)
class Isosurface:
    """Triangles of the surface on which ρ has one value.

    Parameters
    ----------
    vertices : (n, 3) array
        In Å, Cartesian in the frame of `Lattice.b_matrix`.
    faces : (m, 3) int array
        Vertices of each triangle, anticlockwise when seen from the side of smaller ρ.
    normals : (n, 3) array
        Unit vectors at the vertices, towards smaller ρ: means over the triangles by area.
    level : float
        In e/Å³.
    """

    vertices: FloatArray
    faces: IntArray
    normals: FloatArray
    level: float

    @property
    def area(self) -> float:
        """In Å²."""
        return float(np.linalg.norm(_area_vectors(self.vertices, self.faces), axis=1).sum())

    @property
    def enclosed_volume(self) -> float:
        """In Å³, of larger ρ inside a surface that is closed; Gauss' theorem."""
        centres = self.vertices[self.faces].mean(axis=1)
        return float(np.sum(centres * _area_vectors(self.vertices, self.faces)) / 3)


def isosurface(
    density: Density,
    level: float,
    low: ArrayLike = (0.0, 0.0, 0.0),
    high: ArrayLike = (1.0, 1.0, 1.0),
) -> Isosurface:
    """The surface ρ = level within a box of fractional coordinates.

    The box is that of the grid points nearest to its corners. The surface is open where it
    leaves the box. Between grid points ln ρ is taken as linear (ρ, if not positive there).

    Parameters
    ----------
    density : Density
    level : float
        In e/Å³.
    low, high : (3,) arrays
        Corners of the box, possibly outside 0..1.

    Returns
    -------
    Isosurface
        Without triangles when ρ does not cross the level in the box.

    Raises
    ------
    InputError
        The box has no extent or is too large, or the level is not a number.
    """
    shape = np.array(density.shape)
    first, last = (np.round(np.asarray(corner, dtype=float) * shape) for corner in (low, high))
    extent = last - first
    if not (np.all(extent >= 1) and np.prod(extent + 1) <= MOST_POINTS):
        raise InputError(
            "not a box for a surface",
            key="low, high",
            found=f"{first / shape} to {last / shape}",
            expected=f"a step of the grid at least along each axis, {MOST_POINTS} points at most",
        )
    if not np.isfinite(level):
        raise InputError("not a level", key="level", found=level, expected="a density in e/Å³")
    axes = [np.arange(int(a), int(b) + 1) for a, b in zip(first, last, strict=True)]
    block = np.asarray(
        density.values[np.ix_(*(axis % n for axis, n in zip(axes, shape, strict=True)))],
        dtype=float,
    )
    vertices, faces = _marched(block, level)
    steps = cell_vectors(density.lattice) / shape[:, None]
    vertices = (vertices + first) @ steps  # right-handed, so that faces keep their sense
    return Isosurface(vertices, faces, _normals(vertices, faces), float(level))


def thinned(density: Density, step_angstrom: float) -> Density:
    """A density with fewer points for a quick look: every n-th of its grid.

    Parameters
    ----------
    density : Density
    step_angstrom : float
        Wanted spacing; n is the largest divisor of the grid's size that is not beyond it.
    """
    lengths = np.array(density.cell[:3]) / density.shape
    strides = [
        max(
            d
            for d in range(1, n + 1)
            if n % d == 0 and (d == 1 or d * length <= step_angstrom * (1 + 1e-9))
        )
        for n, length in zip(density.shape, lengths, strict=True)
    ]
    values = np.ascontiguousarray(density.values[tuple(slice(None, None, d) for d in strides)])
    return Density(density.lattice, values, density.symmetry)


def _marched(block: FloatArray, level: float) -> tuple[FloatArray, IntArray]:
    """Vertices in steps of the grid, and triangles."""
    above = block > level
    cubes = _crossed_cubes(above)
    shape = np.array(block.shape)
    triangles: list[IntArray] = [np.empty((0, 3, 2), dtype=np.int64)]
    for tetrahedron in _TETRAHEDRA:
        corners = np.ravel_multi_index(
            tuple(np.moveaxis(cubes[:, None] + tetrahedron, -1, 0)), tuple(shape)
        )
        odd = _is_odd(tetrahedron)
        triangles += _cut_tetrahedra(corners, above.ravel()[corners], odd)
    edges = np.concatenate(triangles).reshape(-1, 2)
    edges.sort(axis=1)  # an edge is the same from both its ends
    keys, inverse = np.unique(edges[:, 0] * block.size + edges[:, 1], return_inverse=True)
    start, end = np.divmod(keys, block.size)
    share = _crossing(block.ravel()[start], block.ravel()[end], level)
    points = np.stack(np.unravel_index(start, tuple(shape)), axis=1).astype(float)
    others = np.stack(np.unravel_index(end, tuple(shape)), axis=1)
    return points + share[:, None] * (others - points), np.asarray(inverse.reshape(-1, 3))


def _crossed_cubes(above: BoolArray) -> IntArray:
    """(n, 3) lowest corners of the cubes that have corners on both sides."""
    count = np.zeros(np.array(above.shape) - 1, dtype=np.int8)
    for i, j, k in product((0, 1), repeat=3):
        count += above[i:, j:, k:][: count.shape[0], : count.shape[1], : count.shape[2]]
    return np.argwhere((count > 0) & (count < 8))


def _is_odd(tetrahedron: IntArray) -> bool:
    edges = tetrahedron[1:] - tetrahedron[0]
    return bool(np.linalg.det(edges) < 0)


def _cut_tetrahedra(corners: IntArray, above: BoolArray, odd: bool) -> list[IntArray]:
    """(n, 3, 2) the grid edges on which the vertices of triangles lie, for all ways to be cut."""
    case = above @ np.array([1, 2, 4, 8])
    found = []
    for number in range(1, 15):
        inside = [i for i in range(4) if number >> i & 1]
        chosen = corners[case == number]
        for triangle in _case_triangles(inside, odd):
            found.append(chosen[:, triangle])
    return found


def _case_triangles(inside: list[int], odd: bool) -> list[IntArray]:
    """The triangles (3, 2) of a tetrahedron with these corners inside, by its own corners 0..3.

    Their sense is such that the normal leaves the corners inside, for a tetrahedron whose edges
    from corner 0 are right-handed.
    """
    outside = [i for i in range(4) if i not in inside]
    if len(inside) == 2:
        (a, b), (c, d) = inside, outside
        ring = [(a, c), (a, d), (b, d), (b, c)]
        triangles = [np.array(ring)[[0, 1, 2]], np.array(ring)[[0, 2, 3]]]
    else:
        single = inside if len(inside) == 1 else outside
        others = outside if len(inside) == 1 else inside
        triangles = [np.array([(single[0], i) for i in others])]
    reference = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    way_out = reference[outside].mean(axis=0) - reference[inside].mean(axis=0)
    result = []
    for triangle in triangles:
        a, b, c = reference[triangle].mean(axis=1)
        points_out = np.cross(b - a, c - a) @ way_out > 0
        result.append(triangle if points_out != odd else triangle[::-1])
    return result


def _crossing(start: FloatArray, end: FloatArray, level: float) -> FloatArray:
    """Where between two grid points the level lies, 0..1."""
    share = (level - start) / (end - start)
    if level > 0:
        positive = (start > 0) & (end > 0)
        a, b = np.log(start[positive]), np.log(end[positive])
        share[positive] = (np.log(level) - a) / (b - a)
    # Not on the grid point itself, where triangles would have no area and no normal.
    return np.clip(share, 1e-4, 1 - 1e-4)


def _area_vectors(vertices: FloatArray, faces: IntArray) -> FloatArray:
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return np.asarray(np.cross(b - a, c - a) / 2)


def _normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    total = np.zeros_like(vertices)
    areas = _area_vectors(vertices, faces)
    for corner in range(3):
        np.add.at(total, faces[:, corner], areas)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, length, out=np.zeros_like(total), where=length > 0)
