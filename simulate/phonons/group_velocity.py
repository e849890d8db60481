"""Group velocities, from the exact derivative of the dynamical matrix.

E² is an eigenvalue of D, so dE/dQ = <e| ∂D/∂Q |e> / 2|E| (Hellmann and Feynman); among degenerate
modes the derivative along a direction is diagonalised first.
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.units import MEV_ANGSTROM_IN_KM_PER_S
from simulate.phonons.degeneracy import degenerate_groups
from simulate.phonons.dynamical_matrix import DynamicalMatrix
from simulate.phonons.modes import IMAGINARY_MEV

_CHUNK = 32
# No symmetry direction of any crystal, so that it tells apart all modes that separate at all.
_GENERIC = np.array([1.0, np.sqrt(2), np.sqrt(5)])
_NEAR_GAMMA = 1e-3  # Å⁻¹: dispersion bends by less than 1e-5, rounding stays below 1e-6


def group_velocities(
    dynamical_matrix: DynamicalMatrix, q: FloatArray, direction: FloatArray | None = None
) -> FloatArray:
    """dE/dQ/ħ of every mode.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
    q : (nq, 3) array
        In units of the primitive reciprocal vectors.
    direction : (3,) array, optional
        In the same units: along which degenerate modes are told apart, and Γ is approached. By
        default one without symmetry, and no macroscopic field at Γ.

    Returns
    -------
    velocity : (nq, ns, 3) array
        km/s, Cartesian, in the frame of the lattice vectors. For signed energies, so that an
        imaginary mode that softens has its slope downwards. NaN for acoustic modes at Γ, whose
        energy has a kink: see `sound_velocities`.
    """
    q = np.atleast_2d(np.asarray(q, dtype=float))
    along = _GENERIC if direction is None else dynamical_matrix.to_cartesian(direction)
    velocity = np.empty((len(q), 3 * dynamical_matrix.n_atoms, 3))
    for start in range(0, len(q), _CHUNK):
        part = slice(start, start + _CHUNK)
        energy, vectors = dynamical_matrix.modes(q[part], direction)
        gradient = dynamical_matrix.gradient(q[part], direction)
        vectors = _separated(energy, vectors, np.tensordot(gradient, along, axes=(1, 0)))
        squared_slope = np.einsum(
            "qis,qcis->qsc", vectors.conj(), gradient @ vectors[:, None], optimize=True
        ).real
        scale = np.where(np.abs(energy) > IMAGINARY_MEV, 2 * np.abs(energy), np.nan)
        velocity[part] = squared_slope / scale[:, :, None] * MEV_ANGSTROM_IN_KM_PER_S
    return velocity


def sound_velocities(dynamical_matrix: DynamicalMatrix, direction: FloatArray) -> FloatArray:
    """(3,) slopes of the acoustic branches at Γ in km/s, ascending.

    `direction` (3,) is in units of the primitive reciprocal vectors. Negative for a branch that
    starts out imaginary.
    """
    length = float(np.linalg.norm(dynamical_matrix.to_cartesian(direction)))
    energy, _ = dynamical_matrix.modes(np.asarray(direction)[None] * (_NEAR_GAMMA / length))
    acoustic = np.sort(energy[0, np.argsort(np.abs(energy[0]))[:3]])
    return np.asarray(acoustic / _NEAR_GAMMA * MEV_ANGSTROM_IN_KM_PER_S)


def _separated(energy: FloatArray, vectors: ComplexArray, slope: ComplexArray) -> ComplexArray:
    """Eigenvectors that within every degenerate group diagonalise the slope (nq, 3n, 3n) of D."""
    separated = vectors.copy()
    groups = degenerate_groups(energy)
    for point in np.flatnonzero(groups[:, -1] < groups.shape[1] - 1):
        for group in np.flatnonzero(np.bincount(groups[point]) > 1):
            members = groups[point] == group
            space = vectors[point][:, members]
            _, rotation = np.linalg.eigh(space.conj().T @ slope[point] @ space)
            separated[point][:, members] = space @ rotation
    return separated
