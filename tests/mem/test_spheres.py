"""Electrons in spheres against volumes and Gaussians in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammainc

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.spheres import electrons_in_sphere
from tests.mem.analytic_densities import P1, TRICLINIC, fractions, gaussians

CENTRE = (0.113, 0.207, 0.911)


@pytest.mark.parametrize("lattice", [TRICLINIC, Lattice(5.0, 5.0, 9.0, 90.0, 90.0, 120.0)])
@pytest.mark.parametrize(("radius", "error"), [(0.5, 1e-3), (1.5, 1e-4), (2.9, 1e-4)])
def test_a_constant_density_gives_the_volume(lattice: Lattice, radius: float, error: float) -> None:
    density = Density(lattice, np.full((48, 54, 60), 1.7), P1)
    expected = 4 / 3 * np.pi * radius**3 * 1.7
    assert np.isclose(electrons_in_sphere(density, CENTRE, radius), expected, rtol=error)


def test_a_sphere_larger_than_the_cell_counts_its_images() -> None:
    lattice = Lattice.cubic(3.0)
    density = Density(lattice, np.full((20, 20, 20), 1.0), P1)
    radius = 5.0
    assert np.isclose(electrons_in_sphere(density, CENTRE, radius), 4 / 3 * np.pi * 125, rtol=1e-4)


@pytest.mark.parametrize("radius", [0.4, 0.8, 1.4])
def test_a_gaussian_atom(radius: float) -> None:
    width = 0.4
    shape = (60, 70, 80)
    values = gaussians(fractions(shape), TRICLINIC, [(np.array(CENTRE), 28.0, width)])
    found = electrons_in_sphere(Density(TRICLINIC, values, P1), CENTRE, radius)
    # ∫ of a normal distribution within r: the regularised incomplete Γ(3/2, r²/2s²).
    expected = 28.0 * gammainc(1.5, radius**2 / 2 / width**2)
    assert np.isclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("radius", [0.0, -1.0, np.nan, np.inf])
def test_impossible_radii_are_refused(radius: float) -> None:
    density = Density(TRICLINIC, np.ones((4, 4, 4)), P1)
    with pytest.raises(InputError, match="radius"):
        electrons_in_sphere(density, CENTRE, radius)


def test_one_centre_is_asked_for() -> None:
    density = Density(TRICLINIC, np.ones((4, 4, 4)), P1)
    with pytest.raises(InputError, match="one point"):
        electrons_in_sphere(density, [CENTRE, CENTRE], 1.0)
