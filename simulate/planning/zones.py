"""Which momenta Q = q + τ show the phonons of a wanted q: zones, ±q, the star of q.

τ runs over the reciprocal lattice of the *primitive* cell, so in a centred conventional cell over
part of the integer hkl. All hkl count in the conventional cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice

if TYPE_CHECKING:
    from simulate.phonons.force_constants import ForceConstants

_SAME = 1e-6


def _identity() -> FloatArray:
    return np.eye(3)


@dataclass(frozen=True)
class CrystalSymmetry:
    """Translations and rotations of a crystal, as far as momenta know them.

    Parameters
    ----------
    lattice : Lattice
        The conventional cell.
    conventional : (3, 3) array
        Rows are the conventional cell's vectors in units of the primitive ones; unity for a
        primitive lattice.
    rotations : (n, 3, 3) array
        Rotations of hkl (as columns) that leave S(Q, E) unchanged; inversion of q always counts,
        whether it is in the point group or not (time reversal).
    """

    lattice: Lattice
    conventional: FloatArray = field(default_factory=_identity)
    rotations: FloatArray = field(default_factory=lambda: np.eye(3)[None])

    @property
    def primitive_volume(self) -> float:
        """Volume of the primitive cell in Å³."""
        return self.lattice.volume / abs(float(np.linalg.det(self.conventional)))

    def primitive(self, hkl: FloatArray) -> FloatArray:
        """(…, 3) hkl of the conventional cell in units of the primitive reciprocal vectors."""
        return np.asarray(hkl, dtype=float) @ np.linalg.inv(self.conventional).T

    def is_reciprocal_vector(self, hkl: FloatArray) -> np.ndarray:
        """(…) whether hkl (…, 3) is a vector τ of the primitive reciprocal lattice."""
        inside = self.primitive(hkl)
        return np.all(np.abs(inside - np.round(inside)) < _SAME, axis=-1)

    def star(self, q_hkl: FloatArray) -> FloatArray:
        """(m, 3) the different ±R q, equal ones up to a τ left out; q itself first."""
        q = np.asarray(q_hkl, dtype=float)
        images = np.concatenate([self.rotations @ q, -(self.rotations @ q)])
        images = np.concatenate([q[None], images])
        kept: list[FloatArray] = []
        for image in images:
            if not any(self.is_reciprocal_vector(image - other) for other in kept):
                kept.append(image)
        return np.array(kept)


def symmetry_of(force_constants: ForceConstants) -> CrystalSymmetry:
    """Lattice, centring and point group of the crystal that force constants belong to.

    The point group is found by spglib from the primitive cell (symprec 1e-3 Å); where it finds
    none only the identity is used.
    """
    import spglib

    numbers = {symbol: i for i, symbol in enumerate(dict.fromkeys(force_constants.symbols))}
    found = spglib.get_symmetry(
        (
            force_constants.vectors.tolist(),
            force_constants.positions.tolist(),
            [numbers[symbol] for symbol in force_constants.symbols],
        ),
        symprec=1e-3,
    )
    conventional = np.asarray(force_constants.conventional, dtype=float)
    rotations = np.eye(3)[None]
    if found is not None:
        # x' = W x in the direct basis turns hkl (a row) into hkl W⁻¹.
        of_primitive = np.unique(np.linalg.inv(found["rotations"]).round().astype(int), axis=0)
        to_primitive = np.linalg.inv(conventional)
        rotations = conventional @ of_primitive.transpose(0, 2, 1) @ to_primitive
    return CrystalSymmetry(force_constants.lattice, conventional, rotations)


def reciprocal_vectors(symmetry: CrystalSymmetry, q_max: float) -> FloatArray:
    """(n, 3) every τ of the primitive reciprocal lattice with |τ| ≤ q_max (Å⁻¹), shortest first."""
    lattice = symmetry.lattice
    reach = [int(np.ceil(q_max * edge / (2 * np.pi))) for edge in (lattice.a, lattice.b, lattice.c)]
    axes = [np.arange(-n, n + 1) for n in reach]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    hkl = hkl[symmetry.is_reciprocal_vector(hkl)]
    length = np.asarray(lattice.q_abs(hkl))
    order = np.lexsort((*hkl.T[::-1], np.round(length, 9)))
    return hkl[order[length[order] <= q_max]]


@dataclass(frozen=True)
class Momenta:
    """Momenta at which the phonons of one q show.

    Parameters
    ----------
    q_hkl : (3,) array
        As wanted, r.l.u.
    tau_hkl, hkl : (n, 3) arrays
        Q = τ + (a member of the star of q).
    q_abs : (n,) array
        |Q| in Å⁻¹.
    """

    q_hkl: FloatArray
    tau_hkl: FloatArray
    hkl: FloatArray
    q_abs: FloatArray


def momenta_of(
    symmetry: CrystalSymmetry,
    q_hkl: FloatArray,
    q_max: float,
    with_star: bool = True,
    tau_hkl: FloatArray | None = None,
) -> Momenta:
    """Every Q = τ ± q with |Q| ≤ q_max, and those of the symmetry-equivalent q.

    Parameters
    ----------
    symmetry : CrystalSymmetry
    q_hkl : (3,) array
        r.l.u. of the conventional cell.
    q_max : float
        Å⁻¹.
    with_star : bool
        Whether the symmetry equivalents of q count beside ±q.
    tau_hkl : (n, 3) array, optional
        The τ to use; default all within reach.

    Raises
    ------
    InputError
        q is not three finite numbers.
    """
    q = np.asarray(q_hkl, dtype=float)
    if q.shape != (3,) or not np.isfinite(q).all():
        raise InputError("q is not three numbers", key="q", found=q_hkl, expected="(0, 0.3, 0)")
    own = symmetry if with_star else CrystalSymmetry(symmetry.lattice, symmetry.conventional)
    star = own.star(q)
    if tau_hkl is None:
        longest = float(np.max(symmetry.lattice.q_abs(star)))
        tau_hkl = reciprocal_vectors(symmetry, q_max + longest)
    hkl = (tau_hkl[None] + star[:, None]).reshape(-1, 3)
    tau = np.tile(tau_hkl, (len(star), 1))
    length = np.asarray(symmetry.lattice.q_abs(hkl))
    keep = (length <= q_max) & (length > 0)
    hkl, tau, length = hkl[keep], tau[keep], length[keep]
    order = np.lexsort((*hkl.T[::-1], np.round(length, 9)))
    return Momenta(q, tau[order], hkl[order], length[order])
