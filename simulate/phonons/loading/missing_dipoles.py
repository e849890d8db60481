"""The dipole part of force constants, for files that keep it apart (Euphonic, Quantum ESPRESSO).

X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), eq. (71-75): point dipoles Z*u in a medium of
dielectric tensor ε are coupled by

    C_ij(q) = (4π e²/V) Σ_G (Z_i K)(Z_j K) / (K·ε·K) exp(-K·ε·K/4Λ²) exp(iK·(r_i - r_j))

with K = q + G other than 0, and C_ii(q) less Σ_j C_ij(0), so that a shift of the whole crystal
costs nothing. What the Gaussian takes away falls off with distance as erfc(Λd): with a large Λ
nothing of it is left at the nearest atom, and the sum is that of all point dipoles.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.supercell_model import SupercellModel
from simulate.phonons.short_range import commensurate_q, to_real_space

NOTE = "the dipole part, which the file keeps apart, is added to its force constants"

_EXPONENT_AT_END = 32.0
_LAMBDA_TIMES_NEAREST = 5.3  # erfc(5.3) ~ 1e-13


def with_dipole_part(
    model: SupercellModel,
    polar: PolarTerms,
    *,
    inverse_range: float | None = None,
    exponent_at_end: float = _EXPONENT_AT_END,
) -> SupercellModel:
    """Force constants with the dipole part of the supercell's wave vectors added.

    Parameters
    ----------
    model : SupercellModel
        Without its dipole part.
    polar : PolarTerms
        The charges with which it was taken away.
    inverse_range : float, optional
        Λ in Å⁻¹ with which it was taken away; by default so large that all of it is meant.
    exponent_at_end : float
        Terms with K·ε·K/4Λ² above this are left out.
    """
    if inverse_range is None:
        inverse_range = _LAMBDA_TIMES_NEAREST / _nearest_pair(model, polar)
    q = commensurate_q(model.supercell)
    sums = np.array([_dipole_sum(model, polar, one, inverse_range, exponent_at_end) for one in q])
    n = len(model.positions)
    blocks = sums.reshape(len(q), n, 3, n, 3)
    at_gamma = np.abs(q).max(axis=1) < 1e-9
    own = blocks[at_gamma][0].sum(axis=2)  # [i, xyz, xyz]: Σ_j C_ij(0)
    for i in range(n):
        blocks[:, i, :, i, :] -= own[i]
    real = to_real_space(blocks.reshape(sums.shape), q, model.supercell)
    added = real.reshape(len(q), n, 3, n, 3).transpose(1, 0, 3, 2, 4)
    return replace(model, blocks=model.blocks + added, notes=(*model.notes, NOTE))


def _dipole_sum(
    model: SupercellModel,
    polar: PolarTerms,
    q: FloatArray,
    inverse_range: float,
    exponent_at_end: float,
) -> ComplexArray:
    """(3n, 3n) C(q) in eV/Å², without the term that makes a shift free."""
    reciprocal = 2 * np.pi * np.linalg.inv(model.vectors).T
    largest = 4 * inverse_range**2 * exponent_at_end
    k, squared = _waves(reciprocal, q, polar.dielectric, largest)
    weight = np.sqrt(np.exp(-squared / (4 * inverse_range**2)) / squared)
    phase = np.exp(1j * (k @ (model.positions @ model.vectors).T)) * weight[:, None]
    dipoles = np.einsum("gb,iab->gia", k, polar.born) * phase[:, :, None]
    rows = dipoles.reshape(len(k), -1)
    volume = abs(float(np.linalg.det(model.vectors)))
    return 4 * np.pi * polar.coulomb / volume * (rows.T @ rows.conj())


def _waves(
    reciprocal: FloatArray, q: FloatArray, dielectric: FloatArray, largest: float
) -> tuple[FloatArray, FloatArray]:
    """(nG, 3) all K = q + G with 0 < K·ε·K < largest, and that product."""
    stretched = reciprocal @ np.linalg.cholesky((dielectric + dielectric.T) / 2)
    bounds = np.ceil(np.sqrt(largest) * np.linalg.norm(np.linalg.inv(stretched), axis=0)) + 1
    ranges = [np.arange(-b, b + 1) for b in bounds.astype(int)]
    kept = []
    for first in ranges[0]:  # plane by plane, so that the box is never held at once
        box = np.array(list(itertools.product([first], ranges[1], ranges[2]))) + q
        squared = ((box @ stretched) ** 2).sum(axis=1)
        kept.append(box[(squared > 1e-12) & (squared < largest)])
    k = np.concatenate(kept)
    return k @ reciprocal, ((k @ stretched) ** 2).sum(axis=1)


def _nearest_pair(model: SupercellModel, polar: PolarTerms) -> float:
    """The smallest √(d·ε⁻¹·d) between two atoms in Å, which the Gaussian must resolve."""
    steps = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)))
    apart = model.positions[:, None] - model.positions[None, :]
    distance = (apart[:, :, None, :] + steps) @ model.vectors
    squared = np.einsum("ijga,ab,ijgb->ijg", distance, np.linalg.inv(polar.dielectric), distance)
    return float(np.sqrt(squared[squared > 1e-6].min()))
