"""The nearest of a crystal's sites, with its periodic images, to any position."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import KDTree

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError

_REACH_A = 4.0  # images this far outside the cell are kept at first


class Nearest(NamedTuple):
    """For each position: the site, the cell it stands in, and how far it is.

    Parameters
    ----------
    site : (…) array of int
    cell : (…, 3) array of int
        Of the site's image, counted in lattice vectors from the site as given.
    distance_A : (…) array
    """

    site: IntArray
    cell: IntArray
    distance_A: FloatArray


@dataclass(frozen=True)
class SiteFinder:
    """Sites (m, 3) in a periodic cell, ready to be searched.

    Parameters
    ----------
    sites : (m, 3) array
        Cartesian in Å.
    cell : (3, 3) array
        Rows a, b, c in Å.
    reach_A : float
        Positions farther than this from every site are found by searching wider.
    """

    sites: FloatArray
    cell: FloatArray
    reach_A: float
    _tree: Any
    _image_site: IntArray
    _image_cell: IntArray

    @classmethod
    def of(cls, sites: FloatArray, cell: FloatArray, reach_A: float = _REACH_A) -> SiteFinder:
        """Prepare the search.

        Raises
        ------
        InputError
            No sites, or not three coordinates each.
        """
        places = np.asarray(sites, dtype=float)
        if places.ndim != 2 or places.shape[1] != 3 or not len(places):
            raise InputError(
                "the sites are not a list of positions",
                key="sites",
                found=f"shape {places.shape}",
                expected="(number of sites, 3), Cartesian in Å",
            )
        inverse = np.linalg.inv(cell)
        fractions = places @ inverse
        home = np.floor(fractions).astype(int)
        # Distance between opposite faces: the inverse of the length of the reciprocal vector.
        margin = reach_A * np.linalg.norm(inverse, axis=0)
        spans = [range(-n, n + 1) for n in np.ceil(margin).astype(int)]
        shifts = np.array(list(product(*spans)))
        images = (fractions - home)[:, None] + shifts
        kept = np.all((images >= -margin) & (images <= 1 + margin), axis=2)
        which, shift = np.nonzero(kept)
        return cls(
            places,
            np.asarray(cell, dtype=float),
            reach_A,
            KDTree(images[kept] @ cell),
            which,
            shifts[shift] - home[which],
        )

    def nearest(self, positions: FloatArray) -> Nearest:
        """The site nearest to each of the positions (…, 3), which may lie in any cell."""
        fractions = positions @ np.linalg.inv(self.cell)
        home = np.floor(fractions).astype(int)
        distance, image = self._tree.query((fractions - home) @ self.cell)
        if distance.size and distance.max() > self.reach_A:
            # An image that was not kept might be nearer.
            return SiteFinder.of(self.sites, self.cell, 2 * self.reach_A).nearest(positions)
        return Nearest(self._image_site[image], self._image_cell[image] + home, distance)

    def position(self, site: IntArray, cell: IntArray) -> FloatArray:
        """Cartesian positions in Å of images of sites."""
        return self.sites[site] + cell @ self.cell

    def shortest_distance_A(self) -> float:
        """Between two sites, images included."""
        distance, _ = self._tree.query(self.sites - self._home() @ self.cell, k=2)
        if distance[:, 1].max() > self.reach_A:
            return SiteFinder.of(self.sites, self.cell, 2 * self.reach_A).shortest_distance_A()
        return float(distance[:, 1].min())

    def _home(self) -> IntArray:
        return np.floor(self.sites @ np.linalg.inv(self.cell)).astype(int)
