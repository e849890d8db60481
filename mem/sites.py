"""The refined sites in a density: where its maxima are, and how many electrons belong to each."""

from __future__ import annotations

import gemmi
import numpy as np
from scipy.optimize import minimize

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from mem.basins import atomic_basins
from mem.density import Density
from mem.density_result import SiteResult
from mem.peaks import site_peaks
from mem.prior import procrystal_at


def site_results(density: Density) -> tuple[SiteResult, ...]:
    """The maximum at every refined site, with the electrons of its basin; none without a model."""
    structure = density.structure
    if structure is None:
        return ()
    shares = atomic_basins(density)
    found = []
    for site, peak in zip(structure.sites, site_peaks(density), strict=True):
        atomic_number = gemmi.Element(site.element).atomic_number
        found.append(
            SiteResult(
                label=site.label,
                element=site.element,
                position=peak.position,
                density=peak.density,
                distance_angstrom=peak.distance_angstrom,
                model_distance_angstrom=_nearest_image(
                    structure, model_maximum(structure, site.position), peak.position
                ),
                electrons=shares.electrons_of(peak.position),
                charge_refined=atomic_number * site.occupancy,
            )
        )
    return tuple(found)


def model_maximum(crystal: Crystal, position: FloatArray) -> FloatArray:
    """The maximum of the refined atoms' own density near a site, in fractional coordinates.

    A skewed atom (Gram-Charlier terms) has its maximum beside its mean position, which is what
    a refinement calls the site.
    """
    vectors = cell_vectors(crystal.lattice)
    to_fractional = np.linalg.inv(vectors)

    def height(shift_angstrom: FloatArray) -> float:
        return -float(
            np.log(procrystal_at(crystal, (position + shift_angstrom @ to_fractional)[None])[0])
        )

    start = 0.05 * np.vstack([np.zeros(3), np.eye(3)])  # Å
    best = minimize(
        height,
        np.zeros(3),
        method="Nelder-Mead",
        options={"initial_simplex": start, "xatol": 1e-4, "fatol": 1e-9},
    )
    return np.asarray(position + best.x @ to_fractional)


def _nearest_image(crystal: Crystal, position: FloatArray, other: FloatArray) -> float:
    """Distance in Å of a position from the nearest of those equivalent to another."""
    apart = crystal.symmetry.images(position) - other
    apart -= np.round(apart)
    return float(np.linalg.norm(apart @ cell_vectors(crystal.lattice), axis=1).min())
