"""Branches followed along a path, through crossings, by the likeness of their eigenvectors.

Energies alone would make every crossing look avoided. Eigenvectors q apart are compared in the
phases of the atoms' own places, u ∝ e exp(2πi q·(L + x_d)): these, unlike the lattice phases, do
not depend on which cell an atom is counted to. Degenerate modes offer a whole space, within which
a branch keeps the direction nearest to where it came from.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from simulate.phonons.degeneracy import degenerate_groups

_AT_GAMMA_RLU = 1e-8


def track_branches(
    q: FloatArray, energy_mev: FloatArray, eigenvectors: ComplexArray, positions: FloatArray
) -> IntArray:
    """Branch numbers of modes along a path of small steps.

    Parameters
    ----------
    q : (nq, 3) array
        In units of the primitive reciprocal vectors, not reduced to a zone: the path must not jump.
    energy_mev : (nq, ns) array
        Ascending.
    eigenvectors : (nq, 3n, ns) complex array
        Columns, lattice phases.
    positions : (n, 3) array
        Fractional coordinates of the atoms in the primitive cell.

    Returns
    -------
    branch : (nq, ns) int array
        From 1, in the order of energies at the first q that is not Γ: acoustic ones first.
    """
    vectors = _in_place_phases(np.asarray(q, dtype=float), eigenvectors, positions)
    groups = degenerate_groups(energy_mev)
    off_gamma = np.abs(q - np.rint(q)).max(axis=1) > _AT_GAMMA_RLU
    origin = int(off_gamma.argmax())
    branch = np.empty(energy_mev.shape, dtype=int)
    branch[origin] = np.arange(1, energy_mev.shape[1] + 1)
    for steps in (range(origin + 1, len(q)), range(origin - 1, -1, -1)):
        followed = vectors[origin]
        for point in steps:
            modes = _assigned(followed, vectors[point], groups[point])
            branch[point, modes] = branch[origin]
            followed = _carried(followed, vectors[point], groups[point], modes)
    return branch


def matched_modes(reference: ComplexArray, eigenvectors: ComplexArray) -> IntArray:
    """Which mode at each of many q continues each mode of a reference q nearby.

    Parameters
    ----------
    reference : (3n, ns) complex array
    eigenvectors : (nq, 3n, ns) complex array
        Both with columns in the same phases.

    Returns
    -------
    modes : (nq, ns) int array
        Indices of modes, in the order of the reference's.
    """
    alike = np.abs(np.swapaxes(eigenvectors.conj(), 1, 2) @ reference) ** 2
    return np.array([_best_permutation(one) for one in alike])


def _in_place_phases(
    q: FloatArray, eigenvectors: ComplexArray, positions: FloatArray
) -> ComplexArray:
    phases = np.exp(-2j * np.pi * (q @ positions.T)).repeat(3, axis=1)
    return np.asarray(eigenvectors * phases[:, :, None])


def _assigned(followed: ComplexArray, vectors: ComplexArray, groups: IntArray) -> IntArray:
    """The mode of each followed branch, by its part in the space of each degenerate group."""
    alike = np.abs(vectors.conj().T @ followed) ** 2  # [mode, branch]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    return _best_permutation(np.add.reduceat(alike, starts, axis=0)[groups])


def _best_permutation(alike: FloatArray) -> IntArray:
    """The row for each column that makes the sum of the elements largest."""
    rows, columns = linear_sum_assignment(alike, maximize=True)
    return np.asarray(rows[np.argsort(columns)])


def _carried(
    followed: ComplexArray, vectors: ComplexArray, groups: IntArray, modes: IntArray
) -> ComplexArray:
    """Each branch's vector at the next q: of its group's space, the nearest to the one before.

    Nearest for all branches of a group together: V U, with the unitary part U of V† F.
    """
    carried = np.empty_like(followed)
    for group in range(groups[-1] + 1):
        space = vectors[:, groups == group]
        members = np.flatnonzero(groups[modes] == group)
        left, _, right = np.linalg.svd(space.conj().T @ followed[:, members])
        carried[:, members] = space @ (left @ right)
    return carried
