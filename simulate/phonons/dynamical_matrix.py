"""The dynamical matrix of a crystal at many wave vectors at once, and its modes.

Lattice ("C-type") phases throughout: D_ij(q) = Σ_L Φ_ij(L) exp(2πi q·L) / √(M_iM_j), in which
D(q+G) = D(q) and the displacement of atom d in cell L is u ∝ e_d exp(2πi q·L) / √M_d. Scaled by
ħ², the eigenvalues are squared energies in meV².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV
from simulate.phonons.brillouin_zone import FirstZone
from simulate.phonons.dipole import EWALD_POINTS, DipoleSum, atom_pairs
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.scratch import Scratch
from simulate.phonons.short_range import commensurate_q, nearest_images, to_real_space

CHUNK = 128
"""Wave vectors worked on at once: enough to spread the cost of a call, few enough for the cache."""


@dataclass(frozen=True)
class DynamicalMatrix:
    """Arrays prepared for the sum over lattice vectors, L and -L folded into one.

    The block of atoms i ≥ j is Φ(0) + Σ_{L>0} {[Φ(L)+Φ(-L)] cos 2πq·L + i [Φ(L)-Φ(-L)] sin 2πq·L}.

    Parameters
    ----------
    n_atoms : int
    vectors : (3, 3) array
        Rows are the primitive lattice vectors, Å.
    zone : FirstZone
    half : (nL, 3) int array
        Zero, then one L of each pair ±L.
    even, odd : (nL, pairs · 9) array
        What multiplies the cosines and the sines, meV².
    element : (3n · 3n,) int array
        Where each element of D, or its mirror image if above the diagonal, is in the blocks.
    mirror : (3n · 3n,) array
        -1 for the elements above the diagonal, else 1: they are complex conjugates.
    dipole : DipoleSum or None
        None in a non-polar crystal.
    """

    n_atoms: int
    vectors: FloatArray
    zone: FirstZone
    half: IntArray
    even: FloatArray
    odd: FloatArray
    element: IntArray
    mirror: FloatArray
    dipole: DipoleSum | None

    @classmethod
    def of(
        cls, force_constants: ForceConstants, ewald_points: int = EWALD_POINTS
    ) -> DynamicalMatrix:
        """Prepare the matrices, the dipole part taken out of the force constants.

        Parameters
        ----------
        force_constants : ForceConstants
        ewald_points : int
            Sets down to which distance the dipole part is that of point charges: about the number
            of reciprocal lattice vectors summed. The default is phonopy's. More are slower, and
            better where the supercell is so small that dipoles still couple across it below that
            distance: 3000 move Zr3N4 in a cell of 28 atoms by up to 0.3 meV, NaCl in one of 64 by
            1e-8 meV.

        Raises
        ------
        InputError
            The force constants break Φ(-L) = Φ(L)ᵀ, or the dielectric tensor is not positive.
        """
        masses = np.repeat(force_constants.masses, 3)
        matrices = force_constants.matrices * (
            1e3 * HBAR2_PER_AMU_A2_MEV / np.sqrt(np.outer(masses, masses))
        )
        translations = force_constants.translations
        dipole = None
        zone = FirstZone.of(force_constants.vectors)
        if force_constants.polar is not None:
            dipole = DipoleSum.of(force_constants, ewald_points)
            translations, matrices = _without_dipoles(force_constants, matrices, dipole, zone)
        half, even, odd = _folded(translations, matrices, force_constants.source)
        n_atoms = len(force_constants.symbols)
        element, mirror = _places(n_atoms)
        return cls(n_atoms, force_constants.vectors, zone, half, even, odd, element, mirror, dipole)

    def at(self, q: FloatArray, direction: FloatArray | None = None) -> ComplexArray:
        """(nq, 3n, 3n) Hermitian dynamical matrices in meV².

        Parameters
        ----------
        q : (nq, 3) array
            In units of the primitive reciprocal vectors; any zone.
        direction : (3,) array, optional
            In the same units, any length: along which Γ is approached in a polar crystal. Without
            it the matrix at Γ has no macroscopic field (no LO-TO splitting).
        """
        reduced = self._reduced(q)
        size = 3 * self.n_atoms
        matrices = np.empty((len(reduced), size * size), dtype=complex)
        scratch = Scratch()
        for part in _chunks(len(reduced)):
            self._fill(matrices[part], reduced[part], direction, scratch)
        return matrices.reshape(-1, size, size)

    def modes(
        self,
        q: FloatArray,
        direction: FloatArray | None = None,
        scratch: Scratch | None = None,
    ) -> tuple[FloatArray, ComplexArray]:
        """Energies and eigenvectors.

        Parameters
        ----------
        q, direction
            As for `at`.
        scratch : Scratch, optional
            For loops that ask for a few hundred wave vectors at a time: work arrays to keep from
            one call to the next, which is faster.

        Returns
        -------
        energy_mev : (nq, 3n) array
            Ascending; -|E| where E² is negative (imaginary modes).
        eigenvectors : (nq, 3n, 3n) complex array
            Columns, orthonormal, lattice phases.
        """
        reduced = self._reduced(q)
        size = 3 * self.n_atoms
        energy = np.empty((len(reduced), size))
        vectors = np.empty((len(reduced), size, size), dtype=complex)
        scratch = scratch or Scratch()
        for part in _chunks(len(reduced)):
            matrices = scratch("matrices", len(reduced[part]), size * size, dtype=complex)
            self._fill(matrices, reduced[part], direction, scratch)
            squared, vectors[part] = np.linalg.eigh(matrices.reshape(-1, size, size))
            energy[part] = signed_energy(squared)
        return energy, vectors

    def gradient(self, q: FloatArray, direction: FloatArray | None = None) -> ComplexArray:
        """(nq, 3, 3n, 3n) derivatives dD/dQ in meV² Å, [q, Cartesian axis of Q, row, column].

        Parameters as for `at`. At Γ of a polar crystal the slope of the macroscopic field's part
        is that along `direction`.
        """
        reduced = self._reduced(q)
        size = 3 * self.n_atoms
        out = np.empty((len(reduced), 3, size, size), dtype=complex)
        scratch = Scratch()
        phases = _lattice_phases(self.half, reduced, scratch)
        for axis, place in enumerate((self.half @ self.vectors).T):
            blocks = np.empty((len(reduced), self.even.shape[1]), dtype=complex)
            blocks.real = (phases.imag * -place[:, None]).T @ self.even
            blocks.imag = (phases.real * place[:, None]).T @ self.odd
            out[:, axis] = self._whole(blocks).reshape(-1, size, size)
        if self.dipole is not None:
            out += self.dipole.gradient(reduced, direction)
        return out

    def to_cartesian(self, q: FloatArray) -> FloatArray:
        """Å⁻¹ with 2π, of (…, 3) in units of the primitive reciprocal vectors."""
        return np.asarray(2 * np.pi * np.asarray(q) @ np.linalg.inv(self.vectors).T)

    def _reduced(self, q: FloatArray) -> FloatArray:
        return self.zone.reduce(np.atleast_2d(np.asarray(q, dtype=float)))[0]

    def _fill(
        self, out: ComplexArray, q: FloatArray, direction: FloatArray | None, scratch: Scratch
    ) -> None:
        """Write D at reduced q (nq, 3) to `out` (nq, 3n · 3n)."""
        phases = _lattice_phases(self.half, q, scratch)
        blocks = scratch("blocks", len(q), self.even.shape[1], dtype=complex)
        blocks.real = phases.real.T @ self.even
        blocks.imag = phases.imag.T @ self.odd
        if self.dipole is not None:
            blocks += self.dipole.blocks(q, direction, scratch).reshape(blocks.shape)
        self._whole(blocks, out)

    def _whole(self, blocks: ComplexArray, out: ComplexArray | None = None) -> ComplexArray:
        """(nq, 3n · 3n) Hermitian matrices of the blocks (nq, pairs · 9) of their lower half."""
        whole = np.take(blocks, self.element, axis=1, out=out, mode="clip")
        whole.imag *= self.mirror
        return whole


def signed_energy(squared: FloatArray) -> FloatArray:
    """E in meV from E² in meV²: √E², and -√|E²| for imaginary modes."""
    return np.asarray(np.copysign(np.sqrt(np.abs(squared)), squared))


def _chunks(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _lattice_phases(translations: IntArray, q: FloatArray, scratch: Scratch) -> ComplexArray:
    """(nL, nq) exp(2πi q·L), by powers of the three exp(2πi q_a): far cheaper than sines."""
    shape = len(translations), len(q)
    phases = scratch("phases", *shape, dtype=complex)
    factor = scratch("phase factor", *shape, dtype=complex)
    for axis, step in enumerate(np.exp(2j * np.pi * q.T)):
        counts = translations[:, axis]
        highest = int(np.abs(counts).max())
        powers = np.ones((2 * highest + 1, len(q)), dtype=complex)  # of 0..highest, -highest..-1
        for power in range(1, highest + 1):
            np.multiply(powers[power - 1], step, out=powers[power])
            np.conjugate(powers[power], out=powers[-power])
        np.take(powers, counts, axis=0, out=factor if axis else phases, mode="wrap")
        if axis:
            phases *= factor
    return phases


def _without_dipoles(
    force_constants: ForceConstants, matrices: FloatArray, dipole: DipoleSum, zone: FirstZone
) -> tuple[IntArray, FloatArray]:
    """Translations and mass-weighted force constants from which the dipole part is taken."""
    n_atoms = len(force_constants.symbols)
    q = commensurate_q(force_constants.supercell)
    element, mirror = _places(n_atoms)
    blocks = dipole.blocks(zone.reduce(q)[0], None, Scratch())
    long_range = blocks.reshape(len(q), -1)[:, element]
    long_range.imag *= mirror
    in_supercell = to_real_space(
        long_range.reshape(len(q), 3 * n_atoms, 3 * n_atoms), q, force_constants.supercell
    )
    cells, member, share = nearest_images(
        force_constants.vectors, force_constants.positions, force_constants.supercell
    )
    taken = in_supercell[member] * share.repeat(3, axis=1).repeat(3, axis=2)
    union, place = np.unique(
        np.vstack([force_constants.translations, cells]), axis=0, return_inverse=True
    )
    rest = np.zeros((len(union), 3 * n_atoms, 3 * n_atoms))
    np.add.at(rest, place.ravel(), np.concatenate([matrices, -taken]))
    return union, rest


def _folded(
    translations: IntArray, matrices: FloatArray, source: str
) -> tuple[IntArray, FloatArray, FloatArray]:
    """`half`, `even` and `odd` of `DynamicalMatrix`."""
    index = {tuple(cell): place for place, cell in enumerate(translations.tolist())}
    try:
        opposite = np.array([index[tuple(-x for x in cell)] for cell in translations.tolist()])
    except KeyError as error:
        raise InputError(
            "the force constants have a lattice vector without its opposite",
            file=source or None,
            found=f"none at {error}",
        ) from None
    transposed = matrices[opposite].swapaxes(1, 2)
    asymmetry = np.abs(matrices - transposed).max()
    if asymmetry > 1e-8 * np.abs(matrices).max():
        raise InputError(
            "the force constants between two atoms differ from those seen from the other one",
            file=source or None,
            found=f"a difference of {asymmetry / np.abs(matrices).max():.1e} of the largest",
            expected="Φ(-L) = Φ(L)ᵀ",
            hint="symmetrise them where they were made",
        )
    matrices = (matrices + transposed) / 2  # rounding off, for matrices Hermitian to the last bit
    n_atoms = matrices.shape[1] // 3
    blocks = matrices.reshape(-1, n_atoms, 3, n_atoms, 3).transpose(0, 1, 3, 2, 4)
    i, j = atom_pairs(n_atoms)
    blocks = blocks[:, i, j].reshape(len(matrices), -1)
    kept = [place for place, cell in enumerate(translations.tolist()) if cell > [0, 0, 0]]
    order = [index[0, 0, 0], *kept]
    forth, back = blocks[order], blocks[opposite[order]]
    even = forth + back
    even[0] /= 2
    return translations[order], even, forth - back


def _places(n_atoms: int) -> tuple[IntArray, FloatArray]:
    """`element` and `mirror` of `DynamicalMatrix`."""
    row, column = np.indices((3 * n_atoms, 3 * n_atoms)).reshape(2, -1)
    mirror = np.where(column > row, -1.0, 1.0)
    row, column = np.maximum(row, column), np.minimum(row, column)
    pair_of = np.empty((n_atoms, n_atoms), dtype=int)
    i, j = atom_pairs(n_atoms)
    pair_of[i, j] = np.arange(len(i))
    return 9 * pair_of[row // 3, column // 3] + 3 * (row % 3) + column % 3, mirror
