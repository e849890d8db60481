"""The first Brillouin zone: where a wave vector lies once a reciprocal lattice vector is taken off.

Exact for skew cells too: the reciprocal basis is first made as short as possible (Minkowski),
so that of a vector rounded into that basis the shortest equivalent one is at most one step
away along each of the three.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from ase.geometry.minkowski_reduction import minkowski_reduce
from scipy.spatial import Voronoi

from ixs_core.arrays import FloatArray, IntArray

_STEPS = np.array(sorted(itertools.product((-1, 0, 1), repeat=3), key=lambda s: np.abs(s).sum()))


@dataclass(frozen=True)
class FirstZone:
    """The cell of points nearer to the origin than to any other point of a reciprocal lattice.

    Parameters
    ----------
    basis : (3, 3) array
        Rows are the shortest basis of the reciprocal lattice, in Å⁻¹ with 2π.
    to_given : (3, 3) int array
        Rows are that basis in units of the reciprocal vectors of the cell as given.
    from_given : (3, 3) int array
        The inverse.
    """

    basis: FloatArray
    to_given: IntArray
    from_given: IntArray

    @classmethod
    def of(cls, vectors: FloatArray) -> FirstZone:
        """Zone of the crystal whose lattice vectors are the rows of `vectors` (Å)."""
        given = 2 * np.pi * np.linalg.inv(vectors).T
        basis, to_given = minkowski_reduce(given)
        from_given = np.rint(np.linalg.inv(to_given)).astype(int)
        return cls(np.asarray(basis), np.asarray(to_given, dtype=int), from_given)

    def reduce(self, q: FloatArray) -> tuple[FloatArray, IntArray]:
        """The shortest q0 and the integers g with q = q0 + g.

        Parameters
        ----------
        q : (nq, 3) array
            In units of the reciprocal vectors of the cell.

        Returns
        -------
        q0 : (nq, 3) array
        g : (nq, 3) int array
            Points on the border of the zone go to any one of their equivalent places there.
        """
        short = q @ self.from_given
        nearest = np.rint(short)
        # |q + s|² - |q|² = s·(2 q + s) for the 27 steps s
        steps = _STEPS @ self.basis
        excess = (2 * ((short - nearest) @ self.basis)) @ steps.T
        excess += np.einsum("sc,sc->s", steps, steps)
        g = (nearest - _STEPS[excess.argmin(axis=1)]).astype(int) @ self.to_given
        return q - g, g

    def corners(self) -> FloatArray:
        """(n, 3) corners of the zone in Å⁻¹, Cartesian."""
        points = _STEPS @ self.basis
        diagram = Voronoi(points)
        home = diagram.regions[diagram.point_region[0]]
        return np.asarray(diagram.vertices[home])
