"""Paths over saddles in closed form, round masked atoms, and potentials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.basins import basins
from mem.density import Density
from mem.pathway import minimum_density_path, potential
from mem.profile import Profile
from tests.mem.analytic_densities import (
    P1,
    TRICLINIC,
    crystal,
    fractions,
    gaussians,
    log_waves,
    wave_density,
)

LATTICE = Lattice(4.0, 5.0, 4.5)


def winding(shape: tuple[int, int, int]) -> Density:
    """A ridge that winds along a: ln ρ highest on y = 0.1 sin 2πx, saddle at x = 1/2."""
    x, y, z = np.moveaxis(fractions(shape), -1, 0)
    ridge = y - 0.1 * np.sin(2 * np.pi * x)
    log = np.cos(2 * np.pi * x) + 2.5 * np.cos(2 * np.pi * ridge) + 2 * np.cos(2 * np.pi * z)
    return Density(LATTICE, np.exp(log), P1)


def test_the_path_runs_over_the_saddle_along_a_winding_ridge() -> None:
    found = minimum_density_path(winding((80, 100, 90)), (0, 0, 0), (1, 0, 0))
    assert np.isclose(found.bottleneck, np.exp(-1 + 2.5 + 2), rtol=2e-3)
    assert np.allclose(found.bottleneck_position, [0.5, 0, 0], atol=0.01)
    x, y, z = found.points.T
    assert np.abs(y - 0.1 * np.sin(2 * np.pi * x)).max() < 0.03
    assert np.abs(z).max() < 0.01
    assert np.allclose(found.points[[0, -1]], [[0, 0, 0], [1, 0, 0]])
    straight = winding((80, 100, 90)).profile([[0, 0, 0], [1, 0, 0]])
    assert found.bottleneck >= straight.density.min() * 0.999


def test_the_end_may_be_in_another_cell() -> None:
    density = winding((40, 50, 45))
    back = minimum_density_path(density, (0, 0, 0), (-1, 0, 0))
    across = minimum_density_path(density, (0, 0, 0), (0, 1, 0))
    assert np.allclose(back.points[-1], [-1, 0, 0])
    assert np.isclose(back.bottleneck, np.exp(3.5), rtol=1e-2)
    # Across the ridges: saddles where y is half a period from the ridge.
    assert np.isclose(across.bottleneck, np.exp(1 - 2.5 + 2), rtol=2e-2)


def test_an_oblique_cell() -> None:
    # Three equal waves: straight rows of saddles along a, in any cell.
    waves = [(a, h, 0.0) for a, h in ((1.0, (1, 0, 0)), (1.5, (0, 1, 0)), (2.0, (0, 0, 1)))]
    found = minimum_density_path(wave_density((60, 70, 80), TRICLINIC, waves), (0, 0, 0), (1, 0, 0))
    assert np.isclose(found.bottleneck, np.exp(-1 + 1.5 + 2), rtol=2e-3)
    length = np.linalg.norm(np.diff(found.points @ cell_vectors(TRICLINIC), axis=0), axis=1).sum()
    assert np.isclose(found.length_angstrom, length)
    assert np.isclose(found.profile.density[0], np.exp(4.5), rtol=1e-3)


def anion_between() -> Density:
    """Two Cu 3.2 Å apart with an I beside their connection: the densest way is through it."""
    lattice = Lattice(8.0, 8.0, 6.0)
    structure = crystal(lattice, P1, Cu1=(0.3, 0.5, 0.5), Cu2=(0.7, 0.5, 0.5), I1=(0.5, 0.72, 0.5))
    points = fractions((60, 60, 45))
    # Far from the atoms ρ rises towards the anion, so that no point is undecided.
    background = 1e-3 * np.exp(np.cos(2 * np.pi * (points - (0.5, 0.72, 0.5))).sum(axis=-1))
    values = background + gaussians(
        points,
        lattice,
        [
            (np.array([0.3, 0.5, 0.5]), 28.0, 0.42),
            (np.array([0.7, 0.5, 0.5]), 28.0, 0.42),
            (np.array([0.5, 0.72, 0.5]), 54.0, 0.42),
        ],
    )
    return Density(lattice, values, P1, structure=structure)


def test_unmasked_the_path_runs_through_the_anion() -> None:
    density = anion_between()
    ends = (0.3, 0.5, 0.5), (0.7, 0.5, 0.5)
    free = minimum_density_path(density, *ends, step=0.2)
    masked = minimum_density_path(density, *ends, mask=("I",))
    iodine = np.array([0.5, 0.72, 0.5])
    apart = [
        np.linalg.norm((path.points - iodine) @ cell_vectors(density.lattice), axis=1).min()
        for path in (free, masked)
    ]
    assert apart[0] < 0.2
    assert apart[1] > 1.1
    assert free.profile.density.max() > 45  # the top of the anion, 46.3
    # The way that is allowed is worse, and no worse than the straight line, which is allowed.
    straight = density.profile(ends).density.min()
    assert straight * 0.999 <= masked.bottleneck < free.bottleneck
    # The mirror plane between the two Cu is all the anion's: its basin must be entered.
    assert masked.clearance_angstrom is not None
    assert 1.1 < masked.clearance_angstrom < 1.3  # about half the distance I-Cu
    assert free.clearance_angstrom is None


def test_a_path_keeps_out_of_masked_basins_where_there_is_a_ridge() -> None:
    density = anion_between()
    ridge = gaussians(
        fractions(density.shape), density.lattice, [(np.array([0.5, 0.42, 0.5]), 4.0, 0.5)]
    )
    joined = Density(density.lattice, density.values + ridge, P1, structure=density.structure)
    found = minimum_density_path(joined, (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), mask=("I",))
    assert found.clearance_angstrom is None
    regions = basins(joined)
    assert "I1" not in {regions.sites[regions.basin_at(point)] for point in found.points}


def test_masks_by_site_by_radius_and_by_grid_agree() -> None:
    density = anion_between()
    ends = (0.3, 0.5, 0.5), (0.7, 0.5, 0.5)
    by_site = minimum_density_path(density, *ends, mask=("I1",), regions=basins(density), step=0.2)
    by_element = minimum_density_path(density, *ends, mask="I", step=0.2)
    assert np.allclose(by_site.points, by_element.points)
    by_radius = minimum_density_path(density, *ends, mask=("I",), radius_angstrom=1.6, step=0.2)
    iodine = np.array([0.5, 0.72, 0.5])
    apart = np.linalg.norm((by_radius.points - iodine) @ cell_vectors(density.lattice), axis=1)
    assert apart.min() > 1.45
    points = (fractions(density.shape) - iodine) @ cell_vectors(density.lattice)
    by_grid = minimum_density_path(
        density, *ends, mask=np.linalg.norm(points, axis=-1) < 1.6, step=0.2
    )
    assert np.allclose(by_grid.points, by_radius.points)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": ("Cs",)}, "no basin"),
        ({"mask": ("Cs",), "radius_angstrom": 1.0}, "no such site"),
        ({"mask": ("Cu1",)}, "an end of the path"),
        ({"mask": np.zeros((2, 2, 2), dtype=bool)}, "not on the grid"),
        ({"end": (0.3, 0.5, 0.5)}, "the same"),
        ({"step": -1.0}, "extent"),
        ({"margin": 100.0}, "too large"),
    ],
)
def test_impossible_paths_are_refused(options: dict, words: str) -> None:
    arguments = {"start": (0.3, 0.5, 0.5), "end": (0.7, 0.5, 0.5), **options}
    with pytest.raises(InputError, match=words):
        minimum_density_path(anion_between(), **arguments)


def test_a_mask_may_leave_no_way() -> None:
    density = anion_between()
    wall = np.zeros(density.shape, dtype=bool)
    wall[30] = wall[0] = True
    with pytest.raises(InputError, match="no way"):
        minimum_density_path(density, (0.3, 0.5, 0.5), (0.7, 0.5, 0.5), mask=wall)


def test_a_density_that_is_not_positive_is_refused() -> None:
    density = Density(TRICLINIC, log_waves(fractions((12, 12, 12))), P1)
    with pytest.raises(InputError, match="positive"):
        minimum_density_path(density, (0, 0, 0), (1, 0, 0))


def test_a_harmonic_well_gives_its_parabola_back() -> None:
    # A classical particle in V = k u²/2 has ρ ∝ exp(-u²/2⟨u²⟩), ⟨u²⟩ = k_B T/k.
    temperature, mean_square = 500.0, 0.09
    distance = np.linspace(0, 1, 11)
    rho = 7.0 * np.exp(-(distance**2) / 2 / mean_square)
    profile = Profile(np.zeros((11, 3)), distance, rho, 0.1 * rho, distance[[0, -1]])
    found = potential(profile, temperature)
    kt = constants.k * temperature / constants.e * 1e3
    assert np.allclose(found.energy_mev, kt / mean_square * distance**2 / 2)
    assert np.allclose(found.sigma_mev, 0.1 * kt)
    assert np.isclose(potential(profile, temperature, 14.0).energy_mev[0], kt * np.log(2))
    assert np.allclose(potential(profile.normalised(), temperature).energy_mev, found.energy_mev)


@pytest.mark.parametrize(("temperature", "reference"), [(0.0, None), (300.0, -1.0)])
def test_impossible_potentials_are_refused(temperature: float, reference: float | None) -> None:
    one = np.ones(2)
    with pytest.raises(InputError, match="no potential"):
        potential(Profile(np.zeros((2, 3)), one, one, one, one), temperature, reference)
