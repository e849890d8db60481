"""The procrystal: the density of the refined atoms, as a prior of a reconstruction.

ρ(r) = Σ_atoms o ∫ ρ_atom(r - x - u) p(u) du, with IT92's Gaussians for the free atom and the
refined displacements (Gram-Charlier terms included) for p; see `mem.atomic_density`.

On a grid the broad Gaussians are summed in reciprocal space and the narrow ones where they are,
so that both sums are short; the result is the density at the grid points themselves, for any
grid. A Gram-Charlier expansion, or a negative Gaussian of an ion, can make the sum negative: it
is raised to `FLOOR` of the mean density, and everything scaled to the electrons of the cell.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.atomic_density import (
    U_SMALLEST,
    GaussianAtom,
    density_at,
    density_on_box,
    gaussian_atoms,
    ion_gaussians,
)
from mem.model_structure import ion_table, site_geometry, site_ions

FLOOR = 1e-5
"""Least density, in units of the mean density of the cell."""

_BROAD = 0.25  # Å: Gaussians at least so wide are summed in reciprocal space
_LARGEST_RECIPROCAL = 1.2 / _BROAD  # 1/d in Å⁻¹: exp(-2π² 0.25² /d²) is 5e-13 there
_NORM_STEP = 0.12  # Å: spacing of the grid that says how much a clipped density integrates to
_BATCH = 1 << 16


def procrystal(
    crystal: Crystal, grid: tuple[int, int, int], *, anharmonic: bool = True
) -> FloatArray:
    """Density of the refined atoms on a grid over the conventional cell.

    Parameters
    ----------
    crystal : Crystal
    grid : (nx, ny, nz)
    anharmonic : bool
        With Gram-Charlier terms.

    Returns
    -------
    (nx, ny, nz) array
        e/Å³ at (i/nx, j/ny, k/nz); at least about `FLOOR` of the mean; its mean is exactly
        `crystal.electrons_per_cell` / V.

    Raises
    ------
    InputError
        Sites have no displacement parameters, or the grid is none.
    """
    shape = _grid_shape(grid)
    mean = _mean_density(crystal)
    values = np.maximum(_on_grid(crystal, shape, anharmonic), FLOOR * mean)
    values *= mean / values.mean()
    return values


def procrystal_at(crystal: Crystal, points: ArrayLike, *, anharmonic: bool = True) -> FloatArray:
    """The same density in e/Å³ at fractional points (n, 3), each image of every atom summed.

    The scale is that of the density's integral, not of its mean over a grid; the two agree as
    far as a grid resolves the atoms.
    """
    places = np.asarray(points, dtype=float)
    if places.ndim != 2 or places.shape[1] != 3 or not np.all(np.isfinite(places)):
        raise InputError(
            "not a list of fractional points",
            key="points",
            found=f"shape {places.shape}",
            expected="finite numbers in the shape (n, 3)",
        )
    gaussians = gaussian_atoms(crystal, anharmonic)
    total = np.zeros(len(places))
    for gaussian in gaussians:
        total += density_at(gaussian, places)
    mean = _mean_density(crystal)
    raised, _ = _raised(crystal, anharmonic)
    integral = sum(gaussian.electrons for gaussian in gaussians) + raised
    scale = crystal.electrons_per_cell / integral
    return np.asarray(np.maximum(total / crystal.lattice.volume, FLOOR * mean) * scale)


def procrystal_notes(crystal: Crystal, *, anharmonic: bool = True) -> tuple[str, ...]:
    """What had to be changed to have a density above zero everywhere, as sentences."""
    notes = []
    flat = [
        crystal.sites[i].label
        for i in dict.fromkeys(crystal.atoms.site.tolist())
        if np.linalg.eigvalsh(crystal.atoms.u[np.argmax(crystal.atoms.site == i)])[0] < U_SMALLEST
    ]
    if flat:
        notes.append(
            f"the mean-square displacements of {', '.join(flat)} are raised to {U_SMALLEST:g} Å² "
            "in the procrystal density"
        )
    electrons, share = _raised(crystal, anharmonic)
    if share > 0:
        notes.append(
            f"the procrystal density is below {FLOOR:g} of the mean in {100 * share:.2g} % of the "
            "cell (far from all atoms, or where the Gram-Charlier expansion is negative): raised "
            f"to that, {electrons:.2g} electrons in all"
        )
    return tuple(notes)


def _grid_shape(grid: tuple[int, int, int]) -> tuple[int, int, int]:
    if len(grid) != 3 or any(int(n) != n or n < 1 for n in grid):
        raise InputError(
            "not a grid", key="grid", found=grid, expected="three whole numbers above 0"
        )
    nx, ny, nz = (int(n) for n in grid)
    return nx, ny, nz


def _mean_density(crystal: Crystal) -> float:
    return crystal.electrons_per_cell / crystal.lattice.volume


def _raised(crystal: Crystal, anharmonic: bool) -> tuple[float, float]:
    """Electrons that raising to the floor adds, and the share of the cell where it does."""
    cell = np.array(crystal.lattice.cell[:3])
    nx, ny, nz = (scipy.fft.next_fast_len(int(np.ceil(a / _NORM_STEP)), real=True) for a in cell)
    values = _on_grid(crystal, (nx, ny, nz), anharmonic)
    lack = np.maximum(FLOOR * _mean_density(crystal) - values, 0.0)
    return float(lack.mean() * crystal.lattice.volume), float(np.mean(lack > 0))


def _on_grid(crystal: Crystal, grid: tuple[int, int, int], anharmonic: bool) -> FloatArray:
    """The sum of all atoms in e/Å³, as it stands."""
    gaussians = gaussian_atoms(crystal, anharmonic)
    values = _broad_part(crystal, grid, anharmonic, gaussians)
    for gaussian in gaussians:
        if gaussian.width_angstrom < _BROAD:
            density_on_box(gaussian, grid, values)
    values /= crystal.lattice.volume
    return values


def _broad_part(
    crystal: Crystal,
    grid: tuple[int, int, int],
    anharmonic: bool,
    gaussians: tuple[GaussianAtom, ...],
) -> FloatArray:
    """(nx, ny, nz) electrons per cell of the broad Gaussians: Σ_h F(h) exp(-2πi h·x).

    Every h at which they have not died away counts, also beyond what the grid resolves, which
    folds back: so the values are those at the grid points.
    """
    broad = {(g.site, g.term) for g in gaussians if g.width_angstrom >= _BROAD}
    nx, ny, nz = grid
    half = (nx, ny, nz // 2 + 1)
    real, imaginary = np.zeros(math.prod(half)), np.zeros(math.prod(half))
    hkl = _half_space(crystal.lattice)
    for first in range(0, len(hkl), _BATCH):
        part = hkl[first : first + _BATCH]
        f = _broad_structure_factors(crystal, part, anharmonic, broad)
        # F(-h) = F(h)*; (000) has no mate. irfftn has e^{+2πi h·x}: so all is conjugated.
        for indices, values in ((part, f.conj()), (-part[part.any(axis=1)], f[part.any(axis=1)])):
            h, k, m = (indices % grid).T
            kept = m <= nz // 2
            place = np.ravel_multi_index((h[kept], k[kept], m[kept]), half)
            np.add.at(real, place, values[kept].real)
            np.add.at(imaginary, place, values[kept].imag)
    folded = (real + 1j * imaginary).reshape(half)
    return np.asarray(scipy.fft.irfftn(folded, s=grid, norm="forward"))


def _broad_structure_factors(
    crystal: Crystal, hkl: IntArray, anharmonic: bool, broad: set[tuple[int, int]]
) -> ComplexArray:
    table, ions = ion_table(crystal, dispersion=False), site_ions(crystal)
    s_squared = (crystal.lattice.q_abs(hkl) / (4 * np.pi)) ** 2
    geometry = site_geometry(crystal, hkl, anharmonic)
    total = np.zeros(len(hkl), dtype=complex)
    for site, name in enumerate(ions):
        for term, (a, b) in enumerate(ion_gaussians(table, table.ions.index(name))):
            if (site, term) in broad:
                total += a * np.exp(-b * s_squared) * geometry[:, site]
    return total


def _half_space(lattice: Lattice) -> IntArray:
    """(n, 3) all h within `_LARGEST_RECIPROCAL`, one of each pair h and -h; (000) too."""
    largest = np.floor(np.array(lattice.cell[:3]) * _LARGEST_RECIPROCAL).astype(int)
    layers = []
    for h in range(int(largest[0]) + 1):
        k, m = np.meshgrid(*(np.arange(-n, n + 1) for n in largest[1:]), indexing="ij")
        layer = np.stack([np.full(k.size, h), k.ravel(), m.ravel()], axis=1)
        if h == 0:
            layer = layer[(layer[:, 1] > 0) | ((layer[:, 1] == 0) & (layer[:, 2] >= 0))]
        layers.append(layer[lattice.q_abs(layer) <= 2 * np.pi * _LARGEST_RECIPROCAL])
    return np.concatenate(layers)
