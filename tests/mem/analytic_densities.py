"""Densities known in closed form, to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, Site, cell_vectors
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density

TRICLINIC = Lattice(6.0, 7.0, 8.0, 75.0, 105.0, 98.0)
P1 = Symmetry.from_triplets(["x,y,z"])

Wave = tuple[float, tuple[int, int, int], float]
"""Amplitude, h k l and phase in radians of a wave of ln ρ."""

WAVES: tuple[Wave, ...] = ((1.5, (1, 0, 1), 0.3), (0.8, (0, 2, -1), 1.0), (0.6, (2, 1, 0), -0.7))


def fractions(shape: Sequence[int]) -> FloatArray:
    """(nx, ny, nz, 3) fractional coordinates of a grid."""
    axes = (np.arange(n) / n for n in shape)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def log_waves(points: FloatArray, waves: Sequence[Wave] = WAVES) -> FloatArray:
    """Σ a cos(2π h·r + φ) at fractional points (…, 3)."""
    return sum(
        (a * np.cos(2 * np.pi * points @ np.array(h) + phase) for a, h, phase in waves),
        start=np.zeros(points.shape[:-1]),
    )


def wave_density(
    shape: Sequence[int], lattice: Lattice = TRICLINIC, waves: Sequence[Wave] = WAVES
) -> Density:
    """ρ = exp Σ a cos(2π h·r + φ), the form of a maximum-entropy density with a flat prior."""
    return Density(lattice, np.exp(log_waves(fractions(shape), waves)), P1)


def gaussians(
    points: FloatArray, lattice: Lattice, atoms: Sequence[tuple[FloatArray, float, float]]
) -> FloatArray:
    """Σ n (2π s²)^{-3/2} exp(-d²/2s²) over atoms (position, electrons n, width s) and images."""
    vectors = cell_vectors(lattice)
    total = np.zeros(points.shape[:-1])
    for position, electrons, width in atoms:
        apart = points - np.asarray(position)
        apart -= np.round(apart)
        for shift in product((-1, 0, 1), repeat=3):
            squared = np.sum(((apart + np.array(shift)) @ vectors) ** 2, axis=-1)
            total += electrons * (2 * np.pi * width**2) ** -1.5 * np.exp(-squared / 2 / width**2)
    return total


def crystal(lattice: Lattice, symmetry: Symmetry, **sites: tuple[float, float, float]) -> Crystal:
    """A crystal with sites such as Cu1=(x, y, z); the element is the label without its digits."""
    return Crystal(
        lattice,
        tuple(
            Site(label, label.rstrip("0123456789"), label.rstrip("0123456789"), np.array(xyz))
            for label, xyz in sites.items()
        ),
        symmetry,
    )


def atom_density(
    shape: Sequence[int],
    structure: Crystal,
    electrons: dict[str, float],
    width: float = 0.35,
    floor: float = 1e-3,
) -> Density:
    """Gaussian atoms of one width (Å) on the sites of a structure, and a constant floor."""
    atoms = structure.atoms
    spheres = [
        (position, electrons[element], width)
        for position, element in zip(atoms.position, atoms.elements, strict=True)
    ]
    values = floor + gaussians(fractions(shape), structure.lattice, spheres)
    return Density(structure.lattice, values, structure.symmetry, structure=structure)
