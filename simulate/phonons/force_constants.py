"""Harmonic force constants of a crystal, as read from any file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.lattice import Lattice


@dataclass(frozen=True)
class PolarTerms:
    """What the long-range dipole term of an insulator needs.

    Parameters
    ----------
    born : (n, 3, 3) array
        Born effective charges in units of e, [atom, direction of displacement, polarisation].
    dielectric : (3, 3) array
        High-frequency dielectric tensor.
    coulomb : float
        e²/(4πε₀) in eV Å, as used when the force constants were made (14.3996).
    """

    born: FloatArray
    dielectric: FloatArray
    coulomb: float


@dataclass(frozen=True)
class ForceConstants:
    """Force constants of a primitive cell with its neighbours in a supercell.

    Parameters
    ----------
    vectors : (3, 3) array
        Rows are the primitive lattice vectors in Å.
    positions : (n, 3) array
        Fractional coordinates of the atoms in the primitive cell.
    symbols : tuple of str
        Element of each atom.
    masses : (n,) array
        In atomic mass units.
    translations : (n_translations, 3) int array
        Lattice vectors L in units of the primitive ones, closed under L -> -L, zero included.
    matrices : (n_translations, 3n, 3n) array
        Φ(L) in eV/Å²: rows atom i in the home cell, columns atom j in cell L, xyz running
        fastest. A pair with several equally near images in the supercell is shared evenly
        among them. Φ(-L) = Φ(L)ᵀ. With `polar`, the dipole part is still inside.
    supercell : (3, 3) int array
        Rows are the supercell's vectors in units of the primitive ones.
    conventional : (3, 3) array
        Rows are the conventional cell's vectors in units of the primitive ones;
        hkl always count in the conventional cell: hkl_primitive = conventional⁻¹ hkl.
    polar : PolarTerms or None
        None where the crystal is treated as non-polar.
    source : str
        Name of the file.
    sha256 : str
        Its digest; empty for objects that came from no file.
    notes : tuple of str
        Repairs and choices that the user should know.
    """

    vectors: FloatArray
    positions: FloatArray
    symbols: tuple[str, ...]
    masses: FloatArray
    translations: IntArray
    matrices: FloatArray
    supercell: IntArray
    conventional: FloatArray
    polar: PolarTerms | None = None
    source: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_modes(self) -> int:
        """Number of branches, three per atom of the primitive cell."""
        return 3 * len(self.symbols)

    @property
    def volume(self) -> float:
        """Volume of the primitive cell in Å³."""
        return float(abs(np.linalg.det(self.vectors)))

    @property
    def lattice(self) -> Lattice:
        """The conventional cell."""
        from ase.cell import Cell

        return Lattice.from_cell(Cell(self.conventional @ self.vectors).cellpar())

    def q_primitive(self, q_hkl: FloatArray) -> FloatArray:
        """(…, 3) of the conventional cell -> (…, 3) in the primitive reciprocal basis."""
        return np.asarray(q_hkl, dtype=float) @ np.linalg.inv(self.conventional).T

    def q_cartesian(self, q_hkl: FloatArray) -> FloatArray:
        """Q in Å⁻¹ (with 2π), in the Cartesian frame of `vectors`, of hkl (…, 3)."""
        return 2 * np.pi * self.q_primitive(q_hkl) @ np.linalg.inv(self.vectors).T
