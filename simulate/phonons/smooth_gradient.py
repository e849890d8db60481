"""The derivative of the dynamical matrix with the phases of the atoms' own places.

With smooth ("D-type", Wallace) phases the matrix is D^W_ij = D_ij exp(iq·(r_j-r_i)), of the same
modes as D with lattice phases. Its derivative, seen from the basis of lattice phases, is

    exp(-iq·(r_j-r_i)) ∂D^W_ij/∂Q = ∂D_ij/∂Q + i (r_j-r_i) D_ij.

Only this one does not change when an atom is described by its image in another cell, so only its
matrix elements between different modes mean something (Simoncelli, Marzari & Mauri, Phys. Rev. X
12, 041011 (2022), sect. III).

In smooth phases the dipole sum Σ_K w(K) K_a K_b exp(iG·(r_i-r_j)), K = q+G, depends on q only
through w(K) K_a K_b: for many q its derivative is two products of real matrices.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray
from simulate.phonons.dipole import GAMMA_RLU, DipoleSum
from simulate.phonons.dynamical_matrix import DynamicalMatrix

_A, _B = np.array([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]).T
"""Cartesian indices of the six components, in the order of `DipoleSum.contraction`."""
_COSINE = _SINE = 6
"""The moment of order zero in `DipoleSum.even` and `odd`: cos and sin of G·(r_i-r_j)."""


def smooth_gradient(
    dynamical_matrix: DynamicalMatrix, positions: FloatArray, q: FloatArray
) -> tuple[ComplexArray, ComplexArray]:
    """The dynamical matrix and its derivative with smooth phases, in the basis of lattice phases.

    Parameters
    ----------
    dynamical_matrix : DynamicalMatrix
    positions : (n, 3) array
        Of the atoms that the matrix was made for, Å.
    q : (nq, 3) array
        In units of the primitive reciprocal vectors; any zone.

    Returns
    -------
    matrices : (nq, 3n, 3n) array
        D in meV², as of `DynamicalMatrix.at`.
    gradient : (nq, 3, 3n, 3n) array
        In meV² Å, [q, Cartesian axis of Q, row, column]. At Γ of a polar crystal without the
        macroscopic field, whose slope is odd in the direction and has no mean.
    """
    short = replace(dynamical_matrix, dipole=None)
    matrices = short.at(q)
    gradient = short.gradient(q)
    apart = np.repeat(positions, 3, axis=0)
    for axis in range(3):
        gradient[:, axis] += 1j * (apart[None, :, axis] - apart[:, None, axis]) * matrices
    if dynamical_matrix.dipole is not None:
        matrices = dynamical_matrix.at(q)
        reduced = dynamical_matrix.zone.reduce(np.atleast_2d(np.asarray(q, dtype=float)))[0]
        blocks = _dipole_slopes(dynamical_matrix.dipole, reduced)
        whole = np.take(blocks, dynamical_matrix.element, axis=-1)
        whole.imag *= dynamical_matrix.mirror
        gradient += whole.reshape(gradient.shape)
    return matrices, gradient


def _dipole_slopes(dipole: DipoleSum, q: FloatArray) -> ComplexArray:
    """(nq, 3, pairs · 9) blocks of the dipole part of `smooth_gradient` at reduced q."""
    nq = len(q)
    q_cart = q @ dipole.reciprocal
    up = _slopes_of_terms(dipole, q_cart[:, None] + dipole.half)
    down = _slopes_of_terms(dipole, q_cart[:, None] - dipole.half)
    separations = (len(dipole.half), -1, 10)
    cosine = dipole.even.reshape(separations)[:, :, _COSINE]
    sine = dipole.odd.reshape(separations)[:, :, _SINE]
    real = (np.swapaxes(up + down, 1, 2) @ cosine).reshape(nq, 3, 6, -1)
    imaginary = (np.swapaxes(up - down, 1, 2) @ sine).reshape(nq, 3, 6, -1)
    real += _slope_at_home(dipole, q, q_cart).reshape(nq, 3, 6, 1)

    # Pairs of two atoms first, then each atom with itself, whose blocks are real.
    between = dipole.pairs.shape[1] - len(dipole.positions)
    blocks = np.empty((nq, 3, dipole.pairs.shape[1], 9), dtype=complex)
    for plane, tensor in ((blocks.real, real), (blocks.imag, imaginary)):
        rows = tensor[..., :between].transpose(3, 0, 1, 2).reshape(between, 3 * nq, 6)
        product = rows @ dipole.contraction[:between]
        plane[:, :, :between] = product.reshape(between, nq, 3, 9).transpose(1, 2, 0, 3)
    phase = np.exp(1j * (q_cart @ dipole.positions.T))
    i, j = dipole.pairs[:, :between]
    blocks[:, :, :between] *= (phase[:, i] * phase[:, j].conj())[:, None, :, None]
    own = np.einsum("qca,pax->qcpx", real[..., -1], dipole.contraction[between:], optimize=True)
    blocks[:, :, between:] = own
    return blocks.reshape(nq, 3, -1)


def _slopes_of_terms(dipole: DipoleSum, k: FloatArray) -> FloatArray:
    """(nq, n, 18) ∂(w K_aK_b)/∂K_c at K (nq, n, 3), [c · 6 + ab], w = exp(-K·ε·K/4Λ²)/K·ε·K."""
    screened = k @ dipole.dielectric
    squared = np.einsum("qka,qka->qk", screened, k)
    weight = np.exp(-dipole.damping * squared) / squared
    slope = (-2 * weight * (dipole.damping + 1 / squared))[:, :, None] * screened
    out = slope[:, :, :, None] * (k[:, :, _A] * k[:, :, _B])[:, :, None, :]
    weighted = weight[:, :, None] * k
    for component, (a, b) in enumerate(zip(_A, _B, strict=True)):
        out[:, :, a, component] += weighted[:, :, b]
        out[:, :, b, component] += weighted[:, :, a]
    return np.asarray(out.reshape(*k.shape[:2], 18))


def _slope_at_home(dipole: DipoleSum, q: FloatArray, q_cart: FloatArray) -> FloatArray:
    """(nq, 18) the term K = q; zero at Γ."""
    gamma = np.abs(q).max(axis=1, keepdims=True) < GAMMA_RLU
    away = np.where(gamma, 1.0, q_cart)
    return np.where(gamma, 0.0, _slopes_of_terms(dipole, away[:, None])[:, 0])
