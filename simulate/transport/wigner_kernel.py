"""Eqs. (4) and (5) of the paper for the modes of some q-points: who carries how much heat.

κ^{αβ} = ħ²/(k_B T² V N) Σ_q Σ_{ss'} (ω_s+ω_s')/2 v^α_ss' v^β_s's
         [ω_s n_s(n_s+1) + ω_s' n_s'(n_s'+1)] (Γ_s+Γ_s') / [4 (ω_s-ω_s')² + (Γ_s+Γ_s')²],

Γ = 1/τ the full width. For s = s' it is the particle-like C v v τ of eq. (4), to which pairs nearer
than 10⁻⁴ THz are counted; all others make the wave-like κ_c of eq. (5). (The paper prints
v^α_ss' v^β_ss' there, a slip: that has a phase.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray
from ixs_core.units import CONDUCTIVITY_W_M_K, HBAR_MEV_PS, THZ_IN_MEV
from simulate.transport.heat_capacity import mode_heat_capacity

PARTICLE_MEV = 1e-4 * THZ_IN_MEV
"""Modes nearer than this (10⁻⁴ THz) carry heat as one: their pairs belong to κ_p."""

COMPONENTS = ("xx", "yy", "zz", "yz", "xz", "xy")
"""Order of the six elements of a symmetric tensor."""

ROWS, COLUMNS = np.array([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]).T


@dataclass(frozen=True)
class PairProducts:
    """What of every pair of modes does not depend on temperature and widths.

    Parameters
    ----------
    energy_mev : (nq, ns) array
    usable : (nq, ns) bool array
    products : (6, nq, ns, ns) array
        Re v^α_ss' v^β_s's in (km/s)².
    """

    energy_mev: FloatArray
    usable: BoolArray
    products: FloatArray


def pair_products(
    energy_mev: FloatArray, usable: BoolArray, velocity: ComplexArray
) -> PairProducts:
    """Of the velocity operator (nq, 3, ns, ns) in km/s."""
    real, imaginary = velocity.real, velocity.imag
    products = np.empty((6, len(velocity), *velocity.shape[2:]))
    for component, (a, b) in enumerate(zip(ROWS, COLUMNS, strict=True)):
        np.multiply(real[:, a], real[:, b], out=products[component])
        products[component] += imaginary[:, a] * imaginary[:, b]
    return PairProducts(energy_mev, usable, products)


def mode_conductivity(
    pairs: PairProducts, fwhm_mev: FloatArray, temperature_k: float, volume_A3: float
) -> tuple[FloatArray, FloatArray]:
    """Particle-like and wave-like conductivity of every mode, as if its q were the whole mesh.

    Parameters
    ----------
    pairs : PairProducts
    fwhm_mev : (nq, ns) array
        Γ.
    temperature_k : float
    volume_A3 : float
        Of the primitive cell.

    Returns
    -------
    particle, wave : (nq, ns, 6) arrays
        W m⁻¹ K⁻¹. A pair's wave-like part is shared in the ratio of the heat capacities (as
        Simoncelli, Marzari & Mauri, Phys. Rev. X 12, 041011 (2022) do).
    """
    weight = _pair_weights(pairs, fwhm_mev, temperature_k, volume_A3)
    near = _near(pairs.energy_mev)
    capacity = np.where(pairs.usable, mode_heat_capacity(pairs.energy_mev, temperature_k), 1.0)
    share = 2 * capacity[:, :, None] / (capacity[:, :, None] + capacity[:, None, :])
    particle = np.einsum("cqst,qst->qsc", pairs.products, np.where(near, weight, 0.0))
    wave = np.einsum("cqst,qst->qsc", pairs.products, np.where(near, 0.0, weight * share))
    return particle, wave


def total_conductivity(
    pairs: PairProducts, fwhm_mev: FloatArray, temperature_k: float, volume_A3: float
) -> tuple[FloatArray, FloatArray]:
    """(nq, 6) sums over the modes of `mode_conductivity`, without sharing them out: faster."""
    weight = _pair_weights(pairs, fwhm_mev, temperature_k, volume_A3)
    near = _near(pairs.energy_mev)
    particle = np.einsum("cqst,qst->qc", pairs.products, np.where(near, weight, 0.0))
    both = np.einsum("cqst,qst->qc", pairs.products, weight)
    return particle, both - particle


def whole_tensor(components: FloatArray) -> FloatArray:
    """(…, 3, 3) of the six components (…, 6)."""
    tensor = np.empty((*components.shape[:-1], 3, 3))
    tensor[..., ROWS, COLUMNS] = components
    tensor[..., COLUMNS, ROWS] = components
    return tensor


def six_components(tensor: FloatArray) -> FloatArray:
    """(…, 6) of symmetric (…, 3, 3)."""
    return np.asarray(tensor[..., ROWS, COLUMNS])


def _near(energy_mev: FloatArray) -> BoolArray:
    return np.asarray(np.abs(energy_mev[:, :, None] - energy_mev[:, None, :]) < PARTICLE_MEV)


def _pair_weights(
    pairs: PairProducts, fwhm_mev: FloatArray, temperature_k: float, volume_A3: float
) -> FloatArray:
    """(nq, ns, ns) what multiplies v v: 0 for pairs with a mode that cannot carry heat.

    E n(n+1)/k_BT² is C/E.
    """
    energy = np.where(pairs.usable, pairs.energy_mev, 1.0)
    per_energy = np.where(pairs.usable, mode_heat_capacity(energy, temperature_k) / energy, 0.0)
    width = np.where(pairs.usable, fwhm_mev, 0.0)
    first, second = (slice(None), slice(None), None), (slice(None), None, slice(None))
    both = pairs.usable[first] & pairs.usable[second]
    width_sum = width[first] + width[second]
    apart = energy[first] - energy[second]
    weight = (energy[first] + energy[second]) * (per_energy[first] + per_energy[second])
    weight *= width_sum / np.where(both, 4 * apart**2 + width_sum**2, 1.0)
    weight[~both] = 0.0
    weight *= HBAR_MEV_PS * CONDUCTIVITY_W_M_K / (2 * volume_A3)
    return np.asarray(weight)
