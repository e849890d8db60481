"""Degenerate modes: which belong together, and sums over them.

The eigenvectors of degenerate modes are any orthonormal basis of their common space, so a number
of one such mode alone (its intensity, an atom's share in it) means nothing; sums over the group do.
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray, IntArray

TOLERANCE_MEV = 1e-4
"""Neighbours closer than this are degenerate: far above rounding, far below any resolution."""


def degenerate_groups(energy_mev: FloatArray, tolerance_mev: float = TOLERANCE_MEV) -> IntArray:
    """Number modes of one q alike where each is within a tolerance of the next.

    Parameters
    ----------
    energy_mev : (nq, ns) array
        Ascending.
    tolerance_mev : float

    Returns
    -------
    group : (nq, ns) int array
        From 0, ascending with energy.
    """
    groups = np.zeros(np.shape(energy_mev), dtype=int)
    np.cumsum(np.diff(energy_mev, axis=1) > tolerance_mev, axis=1, out=groups[:, 1:])
    return groups


def group_sums(values: FloatArray, groups: IntArray) -> FloatArray:
    """(nq, ns) each mode's value replaced by the sum over its group."""
    first = np.diff(groups, axis=1, prepend=-1) != 0
    starts = np.flatnonzero(first)
    sums = np.add.reduceat(np.ravel(values), starts)
    return np.asarray(sums[np.cumsum(first) - 1]).reshape(np.shape(values))


def group_means(values: FloatArray, groups: IntArray) -> FloatArray:
    """(nq, ns) each mode's value replaced by the mean of its group: the same for any basis."""
    return group_sums(values, groups) / group_sums(np.ones(np.shape(values)), groups)
