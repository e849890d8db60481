"""The velocity operator of phonons: v_ss' = <e_s| ∂D/∂Q |e_s'> / (E_s + E_s') of each q.

Its diagonal are the group velocities; what stands beside it carries heat between modes. Only with
smooth phases (`simulate.phonons.smooth_gradient`) is that part independent of how the cell was
chosen. Ways that other codes take, and that are wrong, are here to be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import MEV_ANGSTROM_IN_KM_PER_S
from simulate.phonons.dynamical_matrix import DynamicalMatrix, signed_energy
from simulate.phonons.smooth_gradient import smooth_gradient

Variant = Literal["wigner", "step", "real_part", "hwhm"]
"""wigner: right. Wrong on purpose: step takes the derivative with lattice phases, real_part keeps
Re <e|∂D|e'> only, hwhm takes the half width for Γ."""

Normalisation = Literal["mean", "geometric"]
"""mean: v = <e|∂D|e'>/(E+E'). geometric: <e|∂D|e'>/(2 √(E E'))."""

VARIANTS: tuple[Variant, ...] = ("wigner", "step", "real_part", "hwhm")
NORMALISATIONS: tuple[Normalisation, ...] = ("mean", "geometric")

# No symmetry direction of any crystal, so that it tells apart all modes that separate at all.
_GENERIC = np.array([1.0, np.sqrt(2), np.sqrt(5)])


@dataclass(frozen=True)
class Slopes:
    """Modes of some q with the derivative of their dynamical matrix.

    Parameters
    ----------
    energy_mev : (nq, ns) array
        Ascending, signed.
    eigenvectors : (nq, 3n, ns) complex array
        Columns; lattice phases.
    gradient : (nq, 3, 3n, 3n) complex array
        ∂D/∂Q in meV² Å.
    """

    energy_mev: FloatArray
    eigenvectors: ComplexArray
    gradient: ComplexArray


def slopes_at(
    dynamical_matrix: DynamicalMatrix,
    positions: FloatArray,
    q: FloatArray,
    variant: Variant = "wigner",
) -> Slopes:
    """Modes and derivatives at q (nq, 3) in primitive units; `positions` (n, 3) of the atoms in Å.

    With smooth phases, but for the variant "step".
    """
    matrices, gradient = smooth_gradient(dynamical_matrix, positions, q)
    if variant == "step":
        apart = np.repeat(positions, 3, axis=0).T
        gradient -= 1j * (apart[:, None, :] - apart[:, :, None]) * matrices[:, None]
    squared, eigenvectors = np.linalg.eigh(matrices)
    return Slopes(signed_energy(squared), eigenvectors, gradient)


def velocity_operator(
    energy_mev: FloatArray,
    eigenvectors: ComplexArray,
    gradient: ComplexArray,
    variant: Variant = "wigner",
    normalisation: Normalisation = "mean",
) -> ComplexArray:
    """(nq, 3, ns, ns) v_ss' in km/s; 0 to and from modes of no positive energy."""
    bras = np.ascontiguousarray(eigenvectors.conj().swapaxes(1, 2))
    squared: ComplexArray = bras[:, None] @ (gradient @ eigenvectors[:, None])
    if variant == "real_part":
        squared = squared.real + 0j
    real = energy_mev > 0
    energy = np.where(real, energy_mev, 1.0)
    if normalisation == "mean":
        scale = energy[:, :, None] + energy[:, None, :]
    else:
        scale = 2 * np.sqrt(energy[:, :, None] * energy[:, None, :])
    factor = np.where(real[:, :, None] & real[:, None, :], MEV_ANGSTROM_IN_KM_PER_S / scale, 0.0)
    squared *= factor[:, None]
    return squared


def group_velocities_of(velocity: ComplexArray, groups: IntArray) -> FloatArray:
    """(nq, ns, 3) slopes of the modes in km/s from their velocity operator (nq, 3, ns, ns).

    Degenerate modes (alike in `groups` (nq, ns)) are told apart along a direction without
    symmetry, as in `simulate.phonons.group_velocity`.
    """
    own = np.einsum("qcss->qsc", velocity).real.copy()
    count = groups.shape[1]
    for size in range(2, count + 1):
        point, first = _groups_of(groups, size)
        if not len(point):
            continue
        members = first[:, None] + np.arange(size)
        blocks = velocity[point[:, None, None], :, members[:, :, None], members[:, None, :]]
        along = blocks @ _GENERIC
        _, turn = np.linalg.eigh((along + along.conj().swapaxes(1, 2)) / 2)
        own[point[:, None], members] = np.einsum(
            "gis,gijc,gjs->gsc", turn.conj(), blocks, turn, optimize=True
        ).real
    return own


def check_choice(variant: str, normalisation: str) -> None:
    """Raise an InputError where a variant or normalisation is none."""
    for key, found, known in (
        ("variant", variant, VARIANTS),
        ("normalisation", normalisation, NORMALISATIONS),
    ):
        if found not in known:
            raise InputError(f"unknown {key}", key=key, found=found, expected=", ".join(known))


def _groups_of(groups: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Point and first mode of every group of that many modes."""
    starts = np.diff(groups, axis=1, prepend=-1) != 0
    point, first = np.nonzero(starts)
    length = np.diff(np.append(point * groups.shape[1] + first, groups.size))
    chosen = length == size
    return point[chosen], first[chosen]
