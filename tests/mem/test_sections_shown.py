"""What the viewer asks of sections: places, moved planes, differences, quick surfaces."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from mem.isosurface import thinned
from mem.plane_choice import shifted_plane
from mem.profile import profile
from mem.residual_distribution import residual_histogram
from mem.section import difference_section

CELL = (5.0, 6.0, 7.0, 80.0, 95.0, 105.0)


@pytest.fixture(scope="module")
def wavy() -> Density:
    """A smooth positive density in a triclinic cell."""
    x, y, z = np.meshgrid(*(np.arange(n) / n for n in (24, 30, 36)), indexing="ij")
    values = 1 + 0.3 * np.cos(2 * np.pi * (x + 2 * y)) + 0.2 * np.sin(2 * np.pi * (z - x))
    return Density(Lattice.from_cell(CELL), values, Symmetry.from_triplets(["x,y,z"]))


def test_places_and_points_are_the_same_thing(wavy: Density) -> None:
    section = wavy.section([1, 2, 1], [0.1, 0.2, 0.3])
    grid = section.points(wavy.lattice)
    assert np.allclose(
        section.fractional(wavy.lattice, [section.u[3], section.v[5], 0.0]), grid[3, 5]
    )
    point = np.array([0.7, -0.2, 1.4])
    u, v, height = section.places(wavy.lattice, point)
    assert np.allclose(section.fractional(wavy.lattice, [u, v, height]), point)
    # The height above a lattice plane: h·(x - origin) d.
    spacing = wavy.lattice.d_spacing([1, 2, 1])
    assert height == pytest.approx(np.dot([1, 2, 1], point - [0.1, 0.2, 0.3]) * spacing)


@pytest.mark.parametrize("points", [None, [[0, 0, 0], [1, 0, 0.2], [0, 1, 0.1]]])
def test_a_shifted_plane_is_so_far_away(wavy: Density, points: list | None) -> None:
    plane = np.array([1.0, 2, 1] if points is None else points)
    origin = np.zeros(3)
    before = wavy.section(plane, origin)
    moved, at = shifted_plane(wavy.lattice, plane, origin, 0.8)
    after = wavy.section(moved, at)
    assert before.places(wavy.lattice, after.origin) == pytest.approx([0, 0, 0.8], abs=1e-9)
    assert np.allclose(after.axes, before.axes)


def test_a_difference_keeps_the_electrons_of_the_other_cell(wavy: Density) -> None:
    section = wavy.section([0, 1, 0])
    assert np.abs(difference_section(section, wavy.lattice, wavy).values).max() < 1e-9
    larger = Lattice.from_cell((5.5, 6.0, 7.0, *CELL[3:]))
    spread = Density(larger, wavy.values * 5.0 / 5.5, wavy.symmetry)
    assert np.abs(difference_section(section, wavy.lattice, spread).values).max() < 1e-9


def test_a_thinned_density_has_the_same_values(wavy: Density) -> None:
    thin = thinned(wavy, 0.5)
    assert thin.shape == (12, 15, 18)
    assert np.array_equal(thin.values, wavy.values[::2, ::2, ::2])
    assert thinned(wavy, 0.01).shape == wavy.shape
    line = [[0, 0, 0], [0.5, 0, 0]]
    assert np.allclose(profile(thin, line, 7).density, profile(wavy, line, 7).density, atol=0.01)


def test_the_histogram_counts_every_residual() -> None:
    residual = np.random.default_rng(1).normal(size=20_000)
    residual[0] = -12.0
    found = residual_histogram(residual)
    assert found.counts.sum() == len(residual)
    assert found.edges[-1] == pytest.approx(1.05 * 12)
    middles = (found.edges[1:] + found.edges[:-1]) / 2
    inside = np.abs(middles) < 2
    expected = found.gaussian(middles)[inside]
    assert np.abs(found.counts[inside] - expected).max() < 0.1 * expected.max()
    assert residual_histogram(np.empty(0)).counts.sum() == 0
