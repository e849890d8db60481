"""ρ of a reconstruction at any point, from its multipliers instead of its grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from mem.density import Density
from mem.interpolation import density_values, fractional_points
from mem.prior_grid import PriorSource
from mem.transform import LOWEST_EXPONENT

_NUMBERS = 1 << 21  # phase factors at a time


def density_at(density: Density, points: ArrayLike, prior: Density | None = None) -> FloatArray:
    """ρ in e/Å³ at fractional points (…, 3), shape (…).

    ρ(r) = (F(000)/V) τ(r) exp[Σ_H a_H exp(-2πi H·r)]/Z, exact between the grid's points too for a
    uniform or procrystal prior.

    Parameters
    ----------
    density : Density
        Of `reconstruct`.
    points : (…, 3) array
    prior : Density, optional
        That from which the density was made, if any; without it, the density itself is
        interpolated from its grid, as is one without multipliers (`mem.interpolation`).

    Raises
    ------
    InputError
        The points are none; the density has a prior "procrystal", but no structure.
    """
    places = fractional_points(points)
    flat = places.reshape(-1, 3)
    multipliers, report = density.multipliers, density.report
    by_name = report is not None and report.prior in ("uniform", "procrystal")
    if multipliers is None or report is None or not (by_name or prior is not None):
        return density_values(density, places)
    exponent = np.empty(len(flat))
    step = max(1, _NUMBERS // max(1, len(multipliers.hkl)))
    for first in range(0, len(flat), step):
        part = slice(first, first + step)
        angle = 2 * np.pi * (flat[part] @ multipliers.hkl.T)
        # The terms of H and -H are conjugate: the sum is real.
        exponent[part] = np.cos(angle) @ multipliers.a.real + np.sin(angle) @ multipliers.a.imag
    tau = _source(density, prior).at(flat, report.grid)
    with_z = np.exp(np.maximum(exponent - multipliers.log_z, LOWEST_EXPONENT))
    mean = density.electrons / density.lattice.volume
    return np.asarray((mean * tau * with_z).reshape(places.shape[:-1]))


def _source(density: Density, prior: Density | None) -> PriorSource:
    if prior is not None:
        return PriorSource("density", density.symmetry, density=prior)
    assert density.report is not None
    if density.report.prior == "uniform":
        return PriorSource("uniform", density.symmetry)
    if density.structure is None:
        raise InputError(
            "the density has a procrystal prior, but no structure to calculate it from",
            key="density",
            found=density.source or "a density",
        )
    return PriorSource("procrystal", density.symmetry, crystal=density.structure)
