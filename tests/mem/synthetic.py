"""Small crystals of known density for tests: Gaussian atoms, their exact F, and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.reflection_symmetry import restricted_phase, unique_reflections
from mem.reflections import Reflections

ATOMS = (((0.11, 0.23, 0.34), 9.0, 0.02), ((0.37, 0.41, 0.08), 5.0, 0.03))
"""Position, electrons, mean-square displacement (Å², of the whole electron cloud)."""


def gaussian_structure_factors(
    lattice: Lattice, symmetry: Symmetry, hkl: IntArray, atoms: Sequence = ATOMS
) -> ComplexArray:
    """(n,) F in electrons of Gaussian atoms at all images of the positions."""
    s_squared = lattice.q_abs(hkl) ** 2
    total = np.zeros(len(hkl), complex)
    for position, electrons, u in atoms:
        phases = np.exp(2j * np.pi * hkl @ symmetry.images(np.array(position)).T).sum(axis=1)
        total += electrons * np.exp(-u * s_squared / 2) * phases
    return total


def synthetic_reflections(
    name: str,
    cell: Sequence[float],
    d_min: float = 0.9,
    *,
    noise: float = 1.0,
    atoms: Sequence = ATOMS,
    seed: int = 3,
    symmetry: Symmetry | None = None,
) -> Reflections:
    """All unique reflections to d_min, with σ of 1 % plus a floor and Gaussian noise along F."""
    lattice = Lattice.from_cell(cell)
    symmetry = symmetry or Symmetry.from_name(name, lattice)
    hkl = unique_reflections(symmetry, lattice, d_min)
    f = gaussian_structure_factors(lattice, symmetry, hkl, atoms)
    electrons = sum(electrons for _, electrons, _ in atoms) * len(symmetry)
    sigma: FloatArray = 0.01 * np.abs(f) + 0.0015 * electrons
    along = np.exp(1j * np.where(np.abs(f) > 0, np.angle(f), 0.0))
    phase = restricted_phase(symmetry, hkl)
    along = np.where(np.isnan(phase), along, np.exp(1j * np.nan_to_num(phase)))
    random = np.random.default_rng(seed).standard_normal(len(hkl))
    return Reflections(lattice, symmetry, hkl, f + noise * random * sigma * along, sigma, electrons)
