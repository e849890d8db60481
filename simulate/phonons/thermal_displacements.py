"""Mean square displacements of atoms from sums over a mesh of q-points.

u_ij(d) = (1/N) Σ_q Σ_s (ħ²/2M_d E) coth(E/2kT) e_di e*_dj. Near Γ the acoustic modes contribute
as 1/q², which a mesh without them misses by an amount ∝ 1/N_side; all other errors fall as
1/N_side³. A mesh divisible by 4 holds those of half and a quarter of its divisions, so one
sum gives three values, and 2 U(N) - U(N/2) is free of the 1/N error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR2_PER_AMU_A2_MEV
from ixs_reduce.lineshape import thermal_energy
from simulate.phonons.modes import IMAGINARY_MEV

TOLERANCE = 1e-3
"""Wanted error of displacements, relative to the largest of them."""

_CHUNK = 256
_MOST_POINTS = 40_000
_TRANSLATION_MEV = 0.5  # what an imperfect sum rule may leave of a translation's zero energy
_START_SPACING = 0.4  # Å⁻¹ between the points of the first mesh tried


ModesOf = Callable[[FloatArray], tuple[FloatArray, ComplexArray]]
"""What solves for the modes at (nq, 3) q in primitive r.l.u.: `DynamicalMatrix.modes`."""


@dataclass(frozen=True)
class Displacements:
    """Mean square displacements as a mesh sum gives them.

    Parameters
    ----------
    tensor : (n, 3, 3) array
        U in Å², Cartesian.
    mesh : three ints
        Divisions of the finest mesh that entered.
    error : float
        Estimated error of the elements of U in Å²; NaN where one mesh alone cannot tell.
    left_out : int
        Modes of the mesh that are imaginary or zero and do not enter (Γ's three acoustic ones,
        which belong to no displacement, are not counted).
    lowest_mev : float
        The lowest energy met away from Γ's acoustic modes.
    """

    tensor: FloatArray
    mesh: tuple[int, int, int]
    error: float
    left_out: int
    lowest_mev: float


def converged_displacements(
    modes_of: ModesOf,
    masses: FloatArray,
    reciprocal: FloatArray,
    temperature_k: float,
    tolerance: float = TOLERANCE,
    lowest_allowed_mev: float = -np.inf,
) -> Displacements:
    """Displacements extrapolated to an infinite mesh, refined until they are good enough.

    Parameters
    ----------
    modes_of : callable
        (nq, 3) q in primitive r.l.u. -> signed energies (nq, ns) in meV and eigenvectors.
    masses : (n,) array
        amu.
    reciprocal : (3, 3) array
        Rows are the primitive reciprocal vectors in Å⁻¹.
    temperature_k : float
    tolerance : float
        Wanted error relative to the largest element of U; at about 40 000 points refining ends.
    lowest_allowed_mev : float
        A mode below it ends the refining: the caller will not use the result.
    """
    lengths = np.linalg.norm(reciprocal, axis=1)
    mesh = _counts(4 * np.ceil(lengths / (4 * _START_SPACING)))
    while True:
        sums = _nested_sums(modes_of, masses, mesh, temperature_k)
        better = 2 * sums.values[0] - sums.values[1]
        coarser = 2 * sums.values[1] - sums.values[2]
        # The rest falls at least as the square of the divisions, mostly as the cube.
        error = float(np.abs(better - coarser).max() / 3)
        done = error <= tolerance * np.abs(better).max() or 8 * np.prod(mesh) > _MOST_POINTS
        if done or sums.lowest_mev < lowest_allowed_mev:
            return Displacements(better, mesh, error, sums.left_out, sums.lowest_mev)
        mesh = _counts(2 * np.array(mesh))


def mesh_displacements(
    modes_of: ModesOf, masses: FloatArray, mesh: Sequence[int], temperature_k: float
) -> Displacements:
    """The plain sum over one mesh, without extrapolation.

    An odd number of divisions holds Γ, an even one straddles it (Monkhorst & Pack). The error
    is estimated from a mesh of half the divisions.

    Raises
    ------
    InputError
        The mesh is not three positive integers.
    """
    counts = _checked_mesh(mesh)
    fine = _nested_sums(modes_of, masses, counts, temperature_k, odd_holds_gamma=True)
    halved = _counts(
        n // 2 - (n - n // 2) % 2 if n > 1 else 1 for n in counts
    )  # of the same parity
    error = float("nan")
    if min(halved) > 0 and halved != counts:
        coarse = _nested_sums(modes_of, masses, halved, temperature_k, odd_holds_gamma=True)
        ratio = max(n / m for n, m in zip(counts, halved, strict=True))
        error = float(np.abs(fine.values[0] - coarse.values[0]).max() / (ratio - 1))
    return Displacements(fine.values[0], counts, error, fine.left_out, fine.lowest_mev)


@dataclass(frozen=True)
class _Sums:
    """(3, n, 3, 3) values of the mesh and of its half and quarter, and what was left out."""

    values: FloatArray
    left_out: int
    lowest_mev: float


def _nested_sums(
    modes_of: ModesOf,
    masses: FloatArray,
    mesh: tuple[int, int, int],
    temperature_k: float,
    *,
    odd_holds_gamma: bool = False,
) -> _Sums:
    index, weight = _half_of_mesh(mesh, odd_holds_gamma)
    shift = np.where(np.array(mesh) % 2 == 0, 0.5, 0.0) if odd_holds_gamma else np.zeros(3)
    kt = thermal_energy(temperature_k)
    total = np.zeros((3, masses.size, 3, 3))
    points = np.zeros(3)
    left_out, lowest = 0, np.inf
    for start in range(0, len(index), _CHUNK):
        part = slice(start, start + _CHUNK)
        q = (index[part] + shift) / np.array(mesh)
        energy, eigenvectors = modes_of(q)
        acoustic = _acoustic_at_gamma(q, energy)
        real = energy > IMAGINARY_MEV
        left_out += int((weight[part, None] * ~(real | acoustic)).sum())
        lowest = min(lowest, float(np.where(acoustic, np.inf, energy).min()))
        shared = weight[part] * _in_coarser(index[part])
        points += shared.sum(axis=1)
        each = _displacements(energy, real & ~acoustic, eigenvectors, masses, kt)
        total += np.tensordot(shared, each, axes=1)
    return _Sums(total / points[:, None, None, None], left_out, lowest)


def _displacements(
    energy: FloatArray, real: BoolArray, eigenvectors: ComplexArray, masses: FloatArray, kt: float
) -> FloatArray:
    """(nq, n, 3, 3) real part of the sum over modes at each q."""
    safe = np.where(real, energy, 1.0)
    strength = np.where(real, 0.5 * HBAR2_PER_AMU_A2_MEV / (safe * np.tanh(safe / (2 * kt))), 0.0)
    vectors = eigenvectors * np.sqrt(strength)[:, None, :]
    vectors = vectors.reshape(len(energy), masses.size, 3, -1)
    # q and -q together leave the real part.
    real_part, imaginary_part = vectors.real, vectors.imag
    product = real_part @ real_part.swapaxes(-1, -2) + imaginary_part @ imaginary_part.swapaxes(
        -1, -2
    )
    return product / masses[:, None, None]


def _acoustic_at_gamma(q: FloatArray, energy: FloatArray) -> BoolArray:
    """(nq, ns) the three modes nearest to zero energy at q = 0, where they are near zero."""
    mask = np.zeros(energy.shape, dtype=bool)
    for i in np.flatnonzero((q == 0).all(axis=1)):
        mask[i, np.argsort(np.abs(energy[i]))[:3]] = True
    return mask & (np.abs(energy) < _TRANSLATION_MEV)


def _half_of_mesh(mesh: tuple[int, int, int], odd_holds_gamma: bool) -> tuple[IntArray, FloatArray]:
    """One of each pair q, -q of a mesh, (m, 3) indices, and how many points it stands for."""
    counts = np.array(mesh)
    index = np.indices(mesh).reshape(3, -1).T
    offset = np.where(counts % 2 == 0, 1, 0) if odd_holds_gamma else np.zeros(3, dtype=int)
    partner = np.ravel_multi_index(tuple(((-index - offset) % counts).T), mesh)
    own = np.arange(len(index))
    kept = own <= partner
    return index[kept], np.where(own == partner, 1.0, 2.0)[kept]


def _in_coarser(index: IntArray) -> BoolArray:
    """(3, m) whether points lie in the mesh, in that of half and of a quarter its divisions."""
    return np.array([(index % step == 0).all(axis=1) for step in (1, 2, 4)])


def _checked_mesh(mesh: Sequence[int]) -> tuple[int, int, int]:
    counts = np.asarray(mesh)
    if counts.shape != (3,) or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise InputError(
            "not a mesh of q-points",
            key="mesh",
            found=mesh,
            expected="three positive whole numbers, such as (11, 11, 11)",
        )
    return _counts(counts)


def _counts(values: object) -> tuple[int, int, int]:
    a, b, c = (int(value) for value in values)  # type: ignore[attr-defined]
    return a, b, c
