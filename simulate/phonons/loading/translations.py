"""Force constants by lattice translations, and how well they keep the sum rules.

In a periodic supercell the force on atom j is that of all its images together. It is given to the
image nearest to atom i, and where several are equally near, in equal parts to each
(K. Parlinski, Z. Q. Li and Y. Kawazoe, Phys. Rev. Lett. 78, 4063 (1997)).
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from simulate.phonons.loading.supercell_model import SupercellModel
from simulate.phonons.short_range import nearest_images


def by_translations(model: SupercellModel) -> tuple[IntArray, FloatArray]:
    """Lattice translations and Φ(L) between the home cell and cell L, as the file has it.

    Returns
    -------
    translations : (n_translations, 3) int array
        Closed under L -> -L, zero included, in units of the primitive vectors.
    matrices : (n_translations, 3n, 3n) array
        In eV/Å²; Φ(-L) = Φ(L)ᵀ only as well as the file keeps it.
    """
    found, member, share = nearest_images(model.vectors, model.positions, model.supercell)
    zero = np.zeros((1, 3), dtype=np.int64)
    every = np.unique(np.concatenate([found, -found, zero]), axis=0)
    n = len(model.positions)
    matrices = np.zeros((len(every), n, 3, n, 3))
    blocks = model.blocks[:, member].transpose(1, 0, 3, 2, 4)  # [translation, i, xyz, j, xyz]
    matrices[_index(every, found)] = share[:, :, None, :, None] * blocks
    return every, matrices.reshape(len(every), 3 * n, 3 * n)


def symmetrised(translations: IntArray, matrices: FloatArray) -> tuple[FloatArray, float]:
    """Φ(L) averaged with Φ(-L)ᵀ, and the largest change in eV/Å².

    That action equals reaction makes the dynamical matrix Hermitian.
    """
    opposite = matrices[_index(translations, -translations)].transpose(0, 2, 1)
    mean = 0.5 * (matrices + opposite)
    return mean, float(np.abs(mean - matrices).max())


def acoustic_sum_violation(matrices: FloatArray) -> float:
    """Largest |Σ_L,j Φ_ij(L)| in eV/Å²: the force on an atom when the whole crystal shifts."""
    total = matrices.sum(axis=0)
    n = len(total) // 3
    return float(np.abs(total.reshape(3 * n, n, 3).sum(axis=1)).max())


def _index(table: IntArray, rows: IntArray) -> IntArray:
    """Where each row stands in a table of unique rows that has them all."""
    low = table.min(axis=0)
    size = tuple(table.max(axis=0) - low + 1)
    keys = np.ravel_multi_index(tuple((table - low).T), size)
    wanted = np.ravel_multi_index(tuple((rows - low).T), size)
    order = np.argsort(keys)
    return np.asarray(order[np.searchsorted(keys, wanted, sorter=order)])
