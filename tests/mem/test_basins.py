"""Basins against separatrices known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.basins import atomic_basins, basins
from mem.density import Density
from tests.mem.analytic_densities import (
    P1,
    TRICLINIC,
    atom_density,
    crystal,
    fractions,
    gaussians,
    wave_density,
)

OBLIQUE = Lattice(8.0, 9.0, 7.0, 80.0, 110.0, 65.0)


def test_planes_between_the_maxima_of_waves() -> None:
    # ln ρ = Σ cos 2πx_i and one double wave: maxima at x = 0 and 1/2, separated at 1/4 and 3/4,
    # whatever the cell (the metric couples the directions in an oblique one).
    lattice = Lattice(6.0, 7.0, 8.0)
    waves = [(2.0, (2, 0, 0), 0.0), (1.0, (0, 1, 0), 0.0), (1.5, (0, 0, 1), 0.0)]
    found = basins(wave_density((40, 36, 32), lattice, waves))
    assert len(found) == 2
    first = found.labels[0, 0, 0]
    inside = [*range(10), *range(31, 40)]
    assert np.all(found.labels[inside] == first)
    assert np.all(found.labels[11:30] != first)
    assert np.isclose(found.volume.sum(), lattice.volume)


def test_equal_gaussians_part_at_the_plane_between_them() -> None:
    # Two equal atoms in a P1 cell: by symmetry the planes halfway between an atom and the
    # images of the other, here along a line through both and their images.
    lattice = Lattice(8.0, 5.0, 5.0)
    values = gaussians(
        fractions((96, 60, 60)),
        lattice,
        [(np.array([0.2, 0.5, 0.5]), 10.0, 0.6), (np.array([0.7, 0.5, 0.5]), 10.0, 0.6)],
    )
    found = basins(Density(lattice, values, P1))
    assert len(found) == 2
    x = np.arange(96) / 96
    left = (x > 0.95 + 1 / 96) | (x < 0.45 - 1 / 96)
    right = (x > 0.45 + 1 / 96) & (x < 0.95 - 1 / 96)
    label = found.labels[19, 30, 30]
    assert np.all(found.labels[left] == label)
    assert np.all(found.labels[right] != label)
    assert np.allclose(found.electrons, found.electrons.mean(), rtol=1e-2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rounding_of_the_density_moves_no_boundary(seed: int) -> None:
    # Points halfway between equal atoms are as near to one as to the other.
    lattice = Lattice(8.0, 5.0, 5.0)
    atoms = [(np.array([x, 0.5, 0.5]), 10.0, 0.6) for x in (0.25, 0.75)]
    values = gaussians(fractions((48, 30, 30)), lattice, atoms)
    rounding = 1 + 1e-14 * np.random.default_rng(seed).standard_normal(values.shape)
    labels = basins(Density(lattice, values, P1)).labels
    assert np.array_equal(basins(Density(lattice, values * rounding, P1)).labels, labels)


def test_unequal_gaussians_have_the_electrons_of_their_side() -> None:
    # Far apart in a large cell the zero-flux surface on the line of both is where the slopes
    # cancel; each atom has nearly its own electrons, up to the tails across.
    structure = crystal(OBLIQUE, P1, I1=(0.2, 0.3, 0.25), Cu1=(0.7, 0.8, 0.75))
    density = atom_density((80, 90, 70), structure, {"I": 53.0, "Cu": 29.0}, width=0.45, floor=1e-9)
    found = basins(density)
    assert found.sites[:2] == ("I1", "Cu1")
    assert np.isclose(found.electrons_of((0.2, 0.3, 0.25)), 53.0, atol=0.05)
    assert np.isclose(found.electrons_of((1.7, -0.2, 0.75)), 29.0, atol=0.05)
    assert np.isclose(found.electrons.sum(), density.electrons, rtol=1e-12)


def test_the_boundary_is_not_drawn_to_the_directions_of_the_grid() -> None:
    # Rows of equal atoms at an angle to the grid: the boundary between two rows is the plane
    # halfway, at 30 degrees to the grid's x in a 2-dimensional section.
    lattice = Lattice(10.0, 10.0, 3.0, 90.0, 90.0, 90.0)
    rows = [(np.array([0.15, 0.20, 0.5]), 5.0, 0.9), (np.array([0.62, 0.47, 0.5]), 5.0, 0.9)]
    points = fractions((100, 100, 12))
    density = Density(lattice, gaussians(points, lattice, rows), P1)
    found = basins(density)
    first = found.basin_at(rows[0][0])
    apart = np.stack([(points - p)[..., :2] @ np.diag([10.0, 10.0]) for p, _, _ in rows])
    apart -= 10.0 * np.round(apart / 10.0)
    near, far = np.linalg.norm(apart, axis=-1)
    # Between the two rows and their images the nearer one wins; a voxel of 0.1 Å is allowed.
    clear = np.abs(near - far) > 0.35
    share = np.mean((found.labels == first)[clear] == (near < far)[clear])
    assert share > 0.97


def test_half_of_a_gaussian_in_closed_form() -> None:
    # A chain of atoms d apart along z, alternating with voids: the basin is |z| < d/2.
    d, width = 4.0, 0.8
    lattice = Lattice(6.0, 6.0, 2 * d)
    atoms = [(np.array([0.5, 0.5, z]), 1.0, width) for z in (0.25, 0.75)]
    density = Density(lattice, gaussians(fractions((36, 36, 80)), lattice, atoms), P1)
    found = basins(density)
    whole = erf(d / 2 / width / np.sqrt(2))  # own electrons on its side of both planes
    from_others = 1 - whole  # and as many come over from the neighbours
    assert np.allclose(found.electrons, whole + from_others, rtol=1e-3)


def test_basins_of_equivalent_atoms_are_alike() -> None:
    cmcm = Symmetry.from_name("C m c m")
    structure = crystal(
        Lattice(10.6, 13.3, 6.1), cmcm, Cs1=(0.5, 0.825, 0.75), Cu1=(0.348, 0.5, 0.0)
    )
    density = atom_density((54, 66, 30), structure, {"Cs": 54.0, "Cu": 28.0}, width=0.6)
    found = basins(density)
    for label, atoms in (("Cs1", 4), ("Cu1", 8)):
        electrons = found.electrons[[site == label for site in found.sites]]
        assert len(electrons) == atoms
        # A layer of grid points (0.2 Å) on a mirror plane belongs to one side of it.
        assert np.ptp(electrons) < 1e-2 * electrons.mean()
    masked = found.mask(("Cs",))
    assert masked[27, 54, 22]
    assert not masked[19, 33, 0]
    assert np.array_equal(masked, found.mask(("Cs1",)))


def test_a_flat_or_negative_density_is_divided_too() -> None:
    flat = basins(Density(TRICLINIC, np.full((6, 5, 4), 2.0), P1))
    assert len(flat) == 1
    assert np.isclose(flat.electrons[0], 2.0 * TRICLINIC.volume)
    values = np.random.default_rng(4).integers(-3, 4, (12, 10, 8)).astype(float)
    noisy = basins(Density(TRICLINIC, values, P1))
    assert noisy.labels.min() >= 0
    assert np.isclose(noisy.electrons.sum(), values.mean() * TRICLINIC.volume)


def test_the_order_of_the_grid_points_does_not_matter() -> None:
    density = wave_density((30, 36, 32))
    first = basins(density)
    shifted = basins(Density(TRICLINIC, np.roll(density.values, (11, 5, 17), (0, 1, 2)), P1))
    assert np.allclose(first.electrons, shifted.electrons, rtol=2e-3)


def test_maxima_between_the_atoms_go_to_the_atom_beyond_the_higher_pass() -> None:
    # A low maximum between two atoms of a row, nearer to I than to Cu.
    lattice = Lattice(9.0, 4.0, 4.0)
    structure = crystal(lattice, P1, Cu1=(0.15, 0.5, 0.5), I1=(0.65, 0.5, 0.5))
    low = np.array([0.43, 0.5, 0.5])
    atoms = [(p, n, 0.4) for p, n in zip(structure.atoms.position, (29.0, 53.0), strict=True)]
    values = 1e-3 + gaussians(fractions((90, 40, 40)), lattice, [*atoms, (low, 1.0, 0.4)])
    density = Density(lattice, values, P1, structure=structure)
    fine, whole = basins(density), atomic_basins(density)
    extra = fine.basin_at(low)
    assert fine.sites[extra] == ""
    assert sorted(whole.sites) == ["Cu1", "I1"]
    assert whole.sites[whole.basin_at(low)] == "I1"
    assert np.isclose(whole.electrons.sum(), density.electrons)
    assert np.isclose(whole.volume.sum(), lattice.volume)
    gained = whole.electrons_of((0.65, 0.5, 0.5)) - fine.electrons_of((0.65, 0.5, 0.5))
    assert gained >= fine.electrons[extra] * 0.999
    assert np.isclose(
        gained + whole.electrons_of((0.15, 0.5, 0.5)),
        density.electrons - fine.electrons_of((0.65, 0.5, 0.5)),
    )


def test_atomic_basins_need_atoms() -> None:
    with pytest.raises(InputError, match="no structure"):
        atomic_basins(wave_density((12, 12, 12)))


def test_bad_questions() -> None:
    density = wave_density((12, 12, 12))
    with pytest.raises(InputError, match="no basin"):
        basins(density).mask(("Cu",))
    with pytest.raises(InputError, match="one point"):
        basins(density).basin_at([[0, 0, 0]])
    values = density.values.copy()
    values[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        basins(Density(TRICLINIC, values, P1))
