"""Structure factors of a few Gaussian atoms, by the plain sum over every atom of the cell."""

from __future__ import annotations

import gemmi
import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.reflections import Reflections

CELLS = {
    "triclinic": (5.0, 6.0, 7.0, 80.0, 95.0, 105.0),
    "monoclinic": (5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
    "orthorhombic": (5.0, 6.0, 7.0, 90.0, 90.0, 90.0),
    "tetragonal": (5.0, 5.0, 7.0, 90.0, 90.0, 90.0),
    "trigonal": (6.0, 6.0, 9.0, 90.0, 90.0, 120.0),
    "hexagonal": (6.0, 6.0, 9.0, 90.0, 90.0, 120.0),
    "cubic": (6.0, 6.0, 6.0, 90.0, 90.0, 90.0),
}
ATOMS = np.array([[0.11, 0.23, 0.31], [0.37, 0.05, 0.18]])
ELECTRONS = np.array([20.0, 9.0])
WIDTH = 0.25  # Å


def reflections_of(name: str, limit: int = 3, cell: tuple[float, ...] | None = None) -> Reflections:
    """Unique reflections with |h|, |k|, |l| up to a limit; σ grows with the index."""
    group = gemmi.SpaceGroup(name)
    system = group.crystal_system_str()
    if group.ext == "R":
        cell = (6.0, 6.0, 6.0, 75.0, 75.0, 75.0)
    lattice = Lattice.from_cell(cell or CELLS[system])
    symmetry = Symmetry.from_name(group.xhm(), lattice)
    indices = np.arange(-limit, limit + 1)
    hkl = np.stack(np.meshgrid(indices, indices, indices, indexing="ij"), axis=-1).reshape(-1, 3)
    operations = group.operations()
    asymmetric = gemmi.ReciprocalAsu(group)
    unique = np.array(
        [
            index
            for index in hkl.tolist()
            if any(index)
            and asymmetric.is_in(index)
            and not operations.is_systematically_absent(index)
        ]
    )
    f = structure_factors(symmetry, lattice, unique)
    return Reflections(
        lattice=lattice,
        symmetry=symmetry,
        hkl=unique,
        f=f,
        sigma=0.01 + 0.001 * np.abs(unique).sum(axis=1),
        electrons=float(len(symmetry) * ELECTRONS.sum()),
        source=f"{name} made up",
    )


def structure_factors(symmetry: Symmetry, lattice: Lattice, hkl: IntArray) -> ComplexArray:
    """F(h) = Σ_j Z_j exp(-|Q|² w²/2) exp(2πi h·r_j) over all images of the atoms."""
    total: ComplexArray = np.zeros(len(hkl), complex)
    damping = np.exp(-0.5 * (np.asarray(lattice.q_abs(hkl)) * WIDTH) ** 2)
    for electrons, position in zip(ELECTRONS, ATOMS, strict=True):
        for image in symmetry.images(position):
            total += electrons * damping * np.exp(2j * np.pi * (hkl @ image))
    return total


def density_of(
    reflections: Reflections, grid: tuple[int, int, int], limit: int | None = None
) -> FloatArray:
    """The same atoms on a grid, e/Å³: all that it resolves, or only |h|, |k|, |l| ≤ limit."""
    lattice = reflections.lattice
    frequencies = [np.rint(np.fft.fftfreq(n, 1 / n)).astype(int) for n in grid]
    hkl = np.stack(np.meshgrid(*frequencies, indexing="ij"), axis=-1).reshape(-1, 3)
    f = structure_factors(reflections.symmetry, lattice, hkl)
    even = [n // 2 for n in grid]
    f[(np.abs(hkl) == even).any(axis=1)] = 0  # no mate on the grid
    f[(np.abs(hkl) > (limit or max(grid))).any(axis=1)] = 0
    return np.asarray(np.fft.fftn(f.reshape(grid)).real / lattice.volume)
