"""Force constants without their dipole part.

A supercell fixes the dynamical matrix at the wave vectors that it holds. There the dipole sum is
subtracted; what remains goes back to real space, where it is short-ranged and interpolates.
"""

from __future__ import annotations

import itertools

import numpy as np
from ase.geometry.minkowski_reduction import minkowski_reduce

from ixs_core.arrays import ComplexArray, FloatArray, IntArray

IMAGE_TOLERANCE_ANGSTROM = 1e-5
"""Images of an atom whose distances differ by less than this share its force constants."""

_STEPS = np.array(list(itertools.product((-1, 0, 1), repeat=3)))


def commensurate_q(supercell: IntArray) -> FloatArray:
    """(N, 3) wave vectors in primitive units that are periodic in the supercell; rows q.

    `supercell` has the supercell's vectors in primitive ones as rows; N is its determinant.
    """
    inverse = np.linalg.inv(supercell)
    return np.asarray(lattice_points(supercell.T) @ inverse.T) % 1.0


def lattice_points(supercell: IntArray) -> IntArray:
    """(N, 3) lattice vectors, one of each class that the supercell's vectors make equal."""
    count = round(float(np.linalg.det(supercell)))
    size = abs(count)
    adjugate = np.rint(count * np.linalg.inv(supercell)).astype(int)
    corners = np.array(list(itertools.product((0, 1), repeat=3))) @ supercell
    ranges = [range(a, b + 1) for a, b in zip(corners.min(0), corners.max(0), strict=True)]
    points = np.array(list(itertools.product(*ranges)))
    # In units of the supercell's vectors the coordinates are these integers over `size`.
    scaled = points @ adjugate * np.sign(count)
    inside = ((scaled >= 0) & (scaled < size)).all(axis=1)
    return np.asarray(points[inside])


def nearest_images(
    vectors: FloatArray, positions: FloatArray, supercell: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """How each pair of atoms shares its force constants among equally near images.

    Parameters
    ----------
    vectors : (3, 3) array
        Rows are the primitive vectors, Å.
    positions : (n, 3) array
        Fractional.
    supercell : (3, 3) int array
        Rows are its vectors in primitive ones.

    Returns
    -------
    translations : (m, 3) int array
        Cells that hold an image of atom j nearest to atom i in the home cell, for any pair.
    member : (m,) int array
        Which of the supercell's `lattice_points` a translation is equal to.
    share : (m, n, n) array
        [translation, i, j] part of the force constant that this image gets; the parts of one
        class sum to one.
    """
    classes = lattice_points(supercell)
    reduced, to_reduced = minkowski_reduce(supercell @ vectors)
    separation = positions[None, :] - positions[:, None]
    # (N, n, n, 3): from atom i in the home cell to atom j in each class, wrapped
    start = separation + classes[:, None, None]
    wrap = np.rint(start @ vectors @ np.linalg.inv(reduced)).astype(int)
    steps = (_STEPS - wrap[..., None, :]) @ (to_reduced @ supercell)  # (N, n, n, 27, 3)
    distance = np.linalg.norm((start[..., None, :] + steps) @ vectors, axis=-1)
    near = distance < distance.min(axis=-1, keepdims=True) + IMAGE_TOLERANCE_ANGSTROM
    weight = near / near.sum(axis=-1, keepdims=True)

    which, i, j, step = np.nonzero(near)
    cells = classes[which] + steps[which, i, j, step]
    keys, place = np.unique(np.column_stack([which, cells]), axis=0, return_inverse=True)
    share = np.zeros((len(keys), len(positions), len(positions)))
    share[place.ravel(), i, j] = weight[which, i, j, step]
    return keys[:, 1:], keys[:, 0], share


def to_real_space(matrices: ComplexArray, q: FloatArray, supercell: IntArray) -> FloatArray:
    """(N, m, m) force constants of the `lattice_points` from D(q) at the commensurate q.

    Φ(L) = (1/N) Σ_q D(q) exp(-2πi q·L), the inverse of D(q) = Σ_L Φ(L) exp(2πi q·L).
    """
    phases = np.exp(-2j * np.pi * (lattice_points(supercell) @ q.T))
    return np.asarray(np.tensordot(phases, matrices, axes=1).real / len(q))
