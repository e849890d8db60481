"""The procrystal against the structure factors of the model, at points and on grids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.cif import read_crystal
from ixs_core.crystal import Crystal, Site, isotropic_u
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factor_table
from ixs_core.symmetry import Symmetry
from mem.atomic_density import U_SMALLEST
from mem.model_structure import structure_factors
from mem.prior import FLOOR, procrystal, procrystal_at, procrystal_notes
from tests.mem.model_crystals import random_crystal

GROUPS = ("P -1", "C 1 c 1", "P 61 2 2")


def _one_atom(u: float, lattice: Lattice, **others: object) -> Crystal:
    site = Site("Cu", "Cu", "Cu", np.zeros(3), u=isotropic_u(u, lattice), **others)
    return Crystal(lattice, (site,), Symmetry.from_triplets(["x,y,z"]))


def _gentle(group: str, seed: int) -> Crystal:
    """Gram-Charlier terms small enough for a positive density, neutral atoms."""
    crystal = random_crystal(group, seed)
    sites = [replace(s, ion=s.element, gram_charlier=0.05 * s.gram_charlier) for s in crystal.sites]
    return replace(crystal, sites=tuple(sites))


@pytest.mark.parametrize("group", GROUPS)
def test_its_transform_is_f_calc(group: str) -> None:
    crystal = _gentle(group, 1)
    assert not procrystal_notes(crystal)
    grid = (48, 60, 90)  # about 0.1 Å: fine enough for the sharpest atom
    density = procrystal(crystal, grid)
    f = np.fft.ifftn(density) * crystal.lattice.volume
    hkl = np.random.default_rng(1).integers(-7, 8, (60, 3))
    # IT92 gives Z only to a few thousandths of an electron.
    at_zero = structure_factors(crystal, [[0, 0, 0]], dispersion=False)[0].real
    expected = structure_factors(crystal, hkl, dispersion=False)
    expected *= crystal.electrons_per_cell / at_zero
    found = f[tuple((hkl % grid).T)]
    np.testing.assert_allclose(found, expected, atol=2e-6 * crystal.electrons_per_cell)


@pytest.mark.parametrize("group", GROUPS)
def test_points_and_grid_are_the_same_function(group: str) -> None:
    crystal = _gentle(group, 2)
    grid = (54, 60, 96)
    density = procrystal(crystal, grid)
    index = np.random.default_rng(2).integers(0, grid, (40, 3))
    at = procrystal_at(crystal, index / np.array(grid) + [[1, 0, -2]])
    np.testing.assert_allclose(at, density[tuple(index.T)], rtol=2e-6)


def test_it_has_the_symmetry() -> None:
    crystal = _gentle("P 61 2 2", 3)
    points = np.random.default_rng(3).random((6, 3))
    images = np.array([crystal.symmetry.images(point) for point in points])
    density = procrystal_at(crystal, images.reshape(-1, 3)).reshape(images.shape[:2])
    np.testing.assert_allclose(density, np.tile(density[:, :1], density.shape[1]), rtol=1e-8)


def test_one_atom_is_a_sum_of_gaussians() -> None:
    u, lattice = 0.04, Lattice.cubic(12.0)
    table = form_factor_table(["Cu"], "it92")
    r = np.linspace(0, 2.5, 7)
    variance = u + np.append(table.exponents[0], 0.0) / (8 * np.pi**2)
    amplitude = np.append(table.amplitudes[0], table.constants[0])
    density = amplitude * (2 * np.pi * variance) ** -1.5 * np.exp(-(r[:, None] ** 2) / 2 / variance)
    expected = density.sum(axis=1) * 29 / amplitude.sum()
    points = np.stack([r / 12, np.zeros(7), np.zeros(7)], axis=1)
    np.testing.assert_allclose(procrystal_at(_one_atom(u, lattice), points), expected, rtol=5e-5)


def test_the_electrons_are_exact_and_all_is_positive() -> None:
    crystal = random_crystal("P 21 21 21", 4)
    for grid in ((20, 24, 27), (1, 2, 3), (45, 50, 60)):
        density = procrystal(crystal, grid)
        assert density.shape == grid
        assert density.min() > 0
        assert density.mean() * crystal.lattice.volume == pytest.approx(
            crystal.electrons_per_cell, rel=1e-12
        )


def test_coarse_grids_are_samples_of_fine_ones() -> None:
    crystal = _gentle("C 1 c 1", 5)
    coarse, fine = procrystal(crystal, (18, 14, 15)), procrystal(crystal, (90, 70, 75))
    ratio = coarse / fine[::5, ::5, ::5]  # a constant: each has its own mean
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-9)


def test_a_negative_expansion_is_raised_and_said() -> None:
    lattice = Lattice.cubic(6.0)
    crystal = _one_atom(0.05, lattice, gram_charlier=np.array([0.1] + [0.0] * 9))
    (note,) = procrystal_notes(crystal)
    assert "raised to that" in note
    density = procrystal(crystal, (64, 64, 64))
    mean = crystal.electrons_per_cell / lattice.volume
    assert density.min() == pytest.approx(FLOOR * mean, rel=0.02)
    at = procrystal_at(crystal, [[i / 64, 0, 0] for i in range(64)])
    np.testing.assert_allclose(at, density[:, 0, 0], rtol=2e-3)


def test_impossible_displacements_are_raised_and_said() -> None:
    crystal = _one_atom(-0.002, Lattice.cubic(4.0))
    (note,) = procrystal_notes(crystal)
    assert f"raised to {U_SMALLEST:g}" in note
    assert procrystal(crystal, (20, 20, 20)).min() > 0


def test_the_skew_of_an_atom_is_its_third_order_coefficient() -> None:
    """⟨x³⟩ = C^{111}: tells the sign and the factor of the Gram-Charlier terms in real space."""
    a, c111 = 8.0, 0.01e-3
    crystal = _one_atom(0.1, Lattice.cubic(a), gram_charlier=np.array([c111 * 1e3] + [0.0] * 9))
    n = 80
    line = procrystal(crystal, (n, n, n)).sum(axis=(1, 2))
    x = (np.arange(n) + n // 2) % n / n - 0.5
    assert np.sum(line * x**3) / line.sum() == pytest.approx(
        c111, rel=0.03
    )  # the cell ends the tails


@pytest.mark.parametrize("kelvin", [100, 500])
def test_real_refinements(shared_data: Path, kelvin: int) -> None:
    crystal = read_crystal(shared_data / "cscu2i3" / "structure" / f"{kelvin}K.cif")
    grid = (120, 150, 72)
    density = procrystal(crystal, grid)
    assert not procrystal_notes(crystal)
    f = np.fft.ifftn(density) * crystal.lattice.volume
    hkl = np.array([[2, 2, 1], [0, 4, 2], [7, 5, 2], [3, 1, 0], [1, 0, 0]])
    expected = structure_factors(crystal, hkl, dispersion=False)
    # 1088 electrons, of which IT92 gives 1087.85.
    np.testing.assert_allclose(f[tuple(hkl.T)], expected, rtol=2e-4, atol=1e-3)


def test_bad_input() -> None:
    crystal = random_crystal("P -1")
    with pytest.raises(InputError, match="grid"):
        procrystal(crystal, (10, 0, 10))
    with pytest.raises(InputError, match="points"):
        procrystal_at(crystal, [0.1, 0.2, 0.3])
    still = replace(crystal, sites=(replace(crystal.sites[0], u=None),))
    with pytest.raises(InputError, match="displacement"):
        procrystal(still, (10, 10, 10))
