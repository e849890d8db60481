"""The refined sites in a density: where its maxima are, and how many electrons belong to each."""

from __future__ import annotations

import gemmi
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from mem.basins import Basins, atomic_basins, basins
from mem.density import Density
from mem.density_result import SiteResult
from mem.peaks import site_peaks
from mem.prior import procrystal_at

_RIPPLES = 0.02
"""Share of the electrons in maxima of no atom from which a caution is given."""

_REACH, _STEP = 0.12, 0.03  # Å: how far a maximum may be from its site, and how finely to look


def site_results(density: Density) -> tuple[tuple[SiteResult, ...], tuple[str, ...]]:
    """The maximum at every refined site, with the electrons of its basin, and notes on these.

    Nothing without a model; a density without maxima at the atoms has no basins either.
    """
    structure = density.structure
    if structure is None:
        return (), ()
    try:
        shares, notes = _shares(density)
    except InputError as error:
        shares, notes = None, (f"no electrons per atom: {error}",)
    maxima = model_maxima(structure)
    found = []
    for site, peak, maximum in zip(structure.sites, site_peaks(density), maxima, strict=True):
        atomic_number = gemmi.Element(site.element).atomic_number
        found.append(
            SiteResult(
                label=site.label,
                element=site.element,
                position=peak.position,
                density=peak.density,
                distance_angstrom=peak.distance_angstrom,
                model_distance_angstrom=_nearest_image(structure, maximum, peak.position),
                electrons=_electrons(shares, peak.position),
                charge_refined=atomic_number * site.occupancy,
            )
        )
    return tuple(found), notes


def _shares(density: Density) -> tuple[Basins, tuple[str, ...]]:
    """The atoms' basins, and a caution where many electrons were in maxima of no atom."""
    fine = basins(density)
    without = np.array([not site for site in fine.sites])
    elsewhere = float(fine.electrons[without].sum())
    shares = atomic_basins(density, fine)
    if elsewhere < _RIPPLES * density.electrons:
        return shares, ()
    return shares, (
        f"{elsewhere:.0f} of {density.electrons:.0f} electrons are in {int(without.sum())} maxima "
        "that belong to no atom (ripples of the method); they are counted with the atom behind "
        "their highest pass, so that electrons per atom are rough",
    )


def _electrons(shares: Basins | None, position: FloatArray) -> float | None:
    if shares is None or not np.all(np.isfinite(position)):
        return None
    return shares.electrons_of(position)


def model_maxima(crystal: Crystal) -> FloatArray:
    """(sites, 3) maxima of the refined atoms' own density near their sites, fractional.

    A skewed atom (Gram-Charlier terms) has its maximum beside its mean position, which is what
    a refinement calls the site. Within `_REACH` of it; the top is that of the paraboloid through
    the points around the highest, and good to a few 0.001 Å.
    """
    line = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    shifts = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    to_fractional = np.linalg.inv(cell_vectors(crystal.lattice))
    positions = np.array([site.position for site in crystal.sites])
    points = positions[:, None] + shifts @ to_fractional
    heights = np.log(procrystal_at(crystal, points.reshape(-1, 3))).reshape(len(positions), -1)
    tops = [_paraboloid_top(shifts, height) for height in heights]
    return np.asarray(positions + np.array(tops) @ to_fractional)


def _paraboloid_top(shifts: FloatArray, heights: FloatArray) -> FloatArray:
    """(3,) top of the paraboloid fitted around the highest of some points."""
    best = shifts[heights.argmax()]
    near = np.abs(shifts - best).max(axis=1) < 1.5 * _STEP
    x, y, z = (shifts[near] - best).T
    terms = np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
    c = np.linalg.lstsq(terms, heights[near], rcond=None)[0]
    curvature = np.array([[2 * c[4], c[7], c[8]], [c[7], 2 * c[5], c[9]], [c[8], c[9], 2 * c[6]]])
    return np.asarray(best - np.linalg.solve(curvature, c[1:4]))


def _nearest_image(crystal: Crystal, position: FloatArray, other: FloatArray) -> float:
    """Distance in Å of a position from the nearest of those equivalent to another."""
    apart = crystal.symmetry.images(position) - other
    apart -= np.round(apart)
    return float(np.linalg.norm(apart @ cell_vectors(crystal.lattice), axis=1).min())
