"""Rotational invariance of force constants: how far it is missed, and the nearest that have it.

With r_ij from atom i to atom j (M. Born and K. Huang, Dynamical Theory of Crystal Lattices, § 23;
C. Lin, S. Poncé and N. Marzari, npj Comput. Mater. 8, 236 (2022)):

    translations  Σ_j Φ_iα,jβ = 0
    Born-Huang    Σ_j (Φ_iα,jβ r_γ - Φ_iα,jγ r_β) = 0
    Huang         Σ_ij (Φ_iα,jβ r_γ r_δ - Φ_iγ,jδ r_α r_β) = 0

Without the last, the same elastic constant gives two velocities of sound: that along y with
displacements along z, and that along z with displacements along y.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray

_RANK = 1e-10


class SumRules(NamedTuple):
    """Largest residual of each rule.

    Parameters
    ----------
    translation : float
        eV/Å².
    born_huang : float
        eV/Å.
    huang : float
        eV.
    """

    translation: float
    born_huang: float
    huang: float


class _Rules(NamedTuple):
    """Rows that shall give zero with the flattened force constants, by kind."""

    translation: FloatArray
    born_huang: FloatArray
    huang: FloatArray


def sum_rules(phonon: Any) -> SumRules:
    """Residuals of a Phonopy object that has force constants."""
    values = _compact(phonon).ravel()
    return SumRules(*(float(np.abs(rows @ values).max(initial=0.0)) for rows in _rules(phonon)))


def rotationally_invariant(phonon: Any) -> FloatArray:
    """The force constants (p, n, 3, 3) nearest to those of a Phonopy object that keep all rules.

    The change is the smallest (root mean square over the pairs of the supercell). As the rules
    hold alike for all atoms that symmetry makes equal, the symmetry stays; that of exchanging
    the two atoms is kept by symmetrising each rule.
    """
    values = _compact(phonon)
    exchange = _exchange(phonon)
    rows = np.concatenate([np.asarray(kind) for kind in _rules(phonon)])
    shaped = rows.reshape(len(rows), -1, 9)
    turned = rows.reshape(len(rows), -1, 3, 3).transpose(0, 1, 3, 2).reshape(shaped.shape)
    rows = ((shaped + turned[:, exchange]) / 2).reshape(len(rows), -1)
    # In units where each rule counts alike.
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    _, size, directions = np.linalg.svd(rows, full_matrices=False)
    directions = directions[size > _RANK * size[0]]
    flat = values.ravel()
    return (flat - directions.T @ (directions @ flat)).reshape(values.shape)


def _compact(phonon: Any) -> FloatArray:
    constants = np.asarray(phonon.force_constants, dtype=float)
    home = phonon.primitive.p2s_map
    return constants if len(constants) == len(home) else constants[home]


def _arms(phonon: Any) -> tuple[FloatArray, FloatArray]:
    """r and r ⊗ r of each pair (p, n), averaged over its equally near images, in Å."""
    vectors, counts = phonon.primitive.get_smallest_vectors()
    vectors = vectors @ phonon.primitive.cell
    n_super, n_home = counts.shape[:2]
    first, second = np.empty((n_home, n_super, 3)), np.empty((n_home, n_super, 3, 3))
    for j in range(n_super):
        for i in range(n_home):
            number, start = counts[j, i]
            images = vectors[start : start + number]
            first[i, j] = images.mean(axis=0)
            second[i, j] = images.T @ images / number
    return first, second


def _rules(phonon: Any) -> _Rules:
    first, second = _arms(phonon)
    n_home, n_super = first.shape[:2]
    shape = (n_home, n_super, 3, 3)
    translation, born_huang, huang = [], [], []
    for i in range(n_home):
        for a in range(3):
            for b in range(3):
                row = np.zeros(shape)
                row[i, :, a, b] = 1.0
                translation.append(row.ravel())
            for b, c in ((0, 1), (0, 2), (1, 2)):
                row = np.zeros(shape)
                row[i, :, a, b] += first[i, :, c]
                row[i, :, a, c] -= first[i, :, b]
                born_huang.append(row.ravel())
    pairs = [(a, b) for a in range(3) for b in range(a, 3)]
    for left, (a, b) in enumerate(pairs):
        for c, d in pairs[left + 1 :]:
            row = np.zeros(shape)
            row[:, :, a, b] += second[:, :, c, d]
            row[:, :, c, d] -= second[:, :, a, b]
            huang.append(row.ravel())
    return _Rules(np.array(translation), np.array(born_huang), np.array(huang))


def _exchange(phonon: Any) -> Any:
    """Flat index (p n) of the pair that is j, i shifted back to the home cell."""
    primitive = phonon.primitive
    home = np.asarray(primitive.p2s_map)
    number = {int(atom): index for index, atom in enumerate(home)}
    owner = [number[int(atom)] for atom in primitive.s2p_map]
    moves = np.asarray(primitive.atomic_permutations)
    n_super = len(owner)
    flat = np.empty((len(home), n_super), dtype=int)
    for j in range(n_super):
        back = moves[np.flatnonzero(moves[:, j] == home[owner[j]])[0]]
        flat[:, j] = owner[j] * n_super + back[home]
    return flat.ravel()
