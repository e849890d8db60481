"""Structure factors F(h) = Σ exp(2πi h·x) inside a sphere, and the densities they stand for.

A density over the cell is ρ(x) = Σ_h F(h) exp(-2πi h·x) / V. It is real, so F(-h) = F(h)*, and
only the half with l ≥ 0 is kept (with both h and -h where l = 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.grid import Shape
from simulate.md.spline_spreading import OVERSAMPLING, spline_transform, spread


@dataclass(frozen=True)
class Harmonics:
    """The h of a sphere in reciprocal space, one half of them.

    Parameters
    ----------
    hkl : (n, 3) int array
        l ≥ 0.
    q_abs : (n,) array
        Å⁻¹ with 2π.
    d_min : float
        Å: all h with d ≥ d_min are there.
    """

    hkl: IntArray
    q_abs: FloatArray
    d_min: float

    def __len__(self) -> int:
        return len(self.hkl)

    @classmethod
    def within(cls, lattice: Lattice, d_min: float) -> Harmonics:
        """All h of a cell with d ≥ d_min (Å)."""
        largest = np.floor(np.array(lattice.cell[:3]) / d_min).astype(int)
        axes = [np.arange(-n, n + 1) for n in largest]
        axes[2] = axes[2][axes[2] >= 0]
        hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        q_abs = np.asarray(lattice.q_abs(hkl))
        inside = q_abs <= 2 * np.pi / d_min
        return cls(hkl[inside], q_abs[inside], d_min)

    @property
    def s(self) -> FloatArray:
        """(n,) sinθ/λ = |Q|/4π in Å⁻¹."""
        return np.asarray(self.q_abs / (4 * np.pi))

    @property
    def largest(self) -> IntArray:
        """(3,) largest |h|, |k|, |l|."""
        return np.asarray(np.abs(self.hkl).max(axis=0))

    @property
    def mates(self) -> FloatArray:
        """(n,) how many of h and -h a row stands for: 2, but 1 where l = 0 has both."""
        return np.where(self.hkl[:, 2] == 0, 1.0, 2.0)

    def chosen(self, rows: BoolArray) -> Harmonics:
        """Some of them."""
        return Harmonics(self.hkl[rows], self.q_abs[rows], self.d_min)


def phase_sums(points: FloatArray, harmonics: Harmonics) -> ComplexArray:
    """(n,) Σ exp(2πi h·x) over fractional points (m, 3), in any cell."""
    n1, n2, n3 = (
        scipy.fft.next_fast_len(int(OVERSAMPLING * n + 2), real=True) for n in harmonics.largest
    )
    grid = np.zeros((n1, n2, n3))
    spread(points, grid)
    h, k, m = harmonics.hkl.T
    found = np.asarray(scipy.fft.rfftn(grid)[h, k, m])
    for index, n in zip((h, k, m), grid.shape, strict=True):
        found /= spline_transform(index, n)
    return found.conj()  # the transform has exp(-2πi h·x)


def density_on_grid(f: ComplexArray, harmonics: Harmonics, shape: Shape) -> FloatArray:
    """(nx, ny, nz) Σ_h F(h) exp(-2πi h·x) at x = (i/nx, j/ny, k/nz), per cell.

    Parameters
    ----------
    f : (n,) complex array
    harmonics : Harmonics
        All with 2|h| < n of their axis.
    shape : (nx, ny, nz)
    """
    nx, ny, nz = shape
    half = np.zeros((nx, ny, nz // 2 + 1), dtype=complex)
    h, k, m = harmonics.hkl.T
    half[h, k, m] = f.conj()
    return np.asarray(scipy.fft.irfftn(half, s=shape, norm="forward"))


def moved(f: ComplexArray, harmonics: Harmonics, shift: FloatArray) -> ComplexArray:
    """(…, n) F after every x has become x + shift."""
    return np.asarray(f * np.exp(2j * np.pi * (harmonics.hkl @ shift)))


def closed_under(symmetry: Symmetry, harmonics: Harmonics) -> BoolArray:
    """(n,) whether all images hR are there too.

    They all are where the cell has the symmetry; in a simulation's cell, strained by a fraction
    of a percent, a few at the surface of the sphere are not.
    """
    table = _rows(harmonics)
    inside = np.ones(len(harmonics), dtype=bool)
    for rotation in np.unique(symmetry.rotations, axis=0):
        row, _ = _images(harmonics, table, rotation)
        inside &= row >= 0
    return inside


def averaged(f: ComplexArray, harmonics: Harmonics, symmetry: Symmetry) -> ComplexArray:
    """(…, n) F of the density averaged over the operators x' = R x + t of a group.

    F(h) = ⟨F(hR) exp(2πi h·t)⟩ over the operators; International Tables B (2001), section 1.4.2.

    Parameters
    ----------
    f : (…, n) complex array
    harmonics : Harmonics
        Closed under the group (`closed_under`).
    symmetry : Symmetry
    """
    table = _rows(harmonics)
    total = np.zeros_like(f)
    for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True):
        row, mate = _images(harmonics, table, rotation)
        image = f[..., row]
        phase = np.exp(2j * np.pi * (harmonics.hkl @ translation))
        total += np.where(mate, image.conj(), image) * phase
    return np.asarray(total / len(symmetry))


def _rows(harmonics: Harmonics) -> IntArray:
    """(2H + 1, 2K + 1, L + 1) row of every h of the box around the sphere, -1 outside."""
    h_max, k_max, l_max = harmonics.largest
    table = np.full((2 * h_max + 1, 2 * k_max + 1, l_max + 1), -1)
    h, k, m = harmonics.hkl.T
    table[h + h_max, k + k_max, m] = np.arange(len(harmonics))
    return table


def _images(
    harmonics: Harmonics, table: IntArray, rotation: IntArray
) -> tuple[IntArray, BoolArray]:
    """Row of hR, or of -hR where `mate` (-1: not there)."""
    image = harmonics.hkl @ rotation
    mate = image[:, 2] < 0
    image = np.where(mate[:, None], -image, image)
    place = image + np.array([table.shape[0] // 2, table.shape[1] // 2, 0])
    there = np.all((place >= 0) & (place < table.shape), axis=1)
    row = np.full(len(image), -1)
    row[there] = table[tuple(place[there].T)]
    return row, mate
