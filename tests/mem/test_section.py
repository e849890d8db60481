"""Sections: geometry in oblique cells, values in closed form, atoms near the plane."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.section import plane_vectors, section, section_sites
from tests.mem.analytic_densities import TRICLINIC, crystal, log_waves, wave_density

ORTHORHOMBIC = Lattice(10.6, 13.3, 6.1)
HEXAGONAL = Lattice(5.0, 5.0, 9.0, 90.0, 90.0, 120.0)


@pytest.mark.parametrize("miller", [(0, 1, 0), (1, 1, 0), (2, -1, 3), (-1, 0, 0)])
@pytest.mark.parametrize("lattice", [TRICLINIC, ORTHORHOMBIC, HEXAGONAL])
def test_a_lattice_plane(lattice: Lattice, miller: tuple[int, int, int]) -> None:
    density = wave_density((96, 120, 108), lattice)
    origin = np.array([0.1, 0.25, -0.4])
    cut = section(density, miller, origin, step=0.11)
    points = cut.points(lattice)
    assert np.abs(cut.values / np.exp(log_waves(points)) - 1).max() < 3e-6
    # In the plane through the origin: h·r is the same everywhere.
    assert np.abs((points - origin) @ np.array(miller)).max() < 1e-9
    assert np.allclose(cut.axes @ cut.axes.T, np.eye(2))
    reciprocal = lattice.q_cartesian(miller)
    assert np.allclose(cut.normal, reciprocal / np.linalg.norm(reciprocal))
    # u and v are Å: points lie as far apart in space as in the drawing.
    across = (points[-1, -1] - points[0, 0]) @ cell_vectors(lattice)
    assert np.isclose(np.linalg.norm(across), np.hypot(np.ptp(cut.u), np.ptp(cut.v)))


@pytest.mark.parametrize("lattice", [TRICLINIC, ORTHORHOMBIC, HEXAGONAL])
@pytest.mark.parametrize("miller", [(0, 0, 1), (0, 1, 1), (3, -2, 1), (1, 1, 1)])
def test_default_extent_is_one_repeat(lattice: Lattice, miller: tuple[int, int, int]) -> None:
    cut = section(wave_density((8, 8, 8), lattice), miller, step=0.5)
    # Area of a plane's repeat unit = cell volume / spacing, for coprime h k l.
    area = lattice.volume / lattice.d_spacing(miller)
    assert np.isclose(np.ptp(cut.u) * np.ptp(cut.v), area)


def test_axes_are_those_a_crystallographer_expects() -> None:
    assert plane_vectors(ORTHORHOMBIC, (0, 1, 0)).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert plane_vectors(ORTHORHOMBIC, (0, 0, 1)).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert plane_vectors(ORTHORHOMBIC, (1, 1, 0)).tolist() == [[0, 0, 1], [1, -1, 0]]
    # Of the equally short a, b and a + b of the hexagonal plane, the cell axes.
    assert plane_vectors(HEXAGONAL, (0, 0, 1)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("miller", [(1, 2, 3), (5, -3, 2), (0, 7, 4), (11, 6, -5)])
def test_the_plane_vectors_are_the_shortest(miller: tuple[int, int, int]) -> None:
    found = plane_vectors(TRICLINIC, miller)
    assert np.array_equal(np.cross(*found), miller)
    vectors = cell_vectors(TRICLINIC)
    search = np.array(list(product(range(-12, 13), repeat=3)))
    search = search[(search @ np.array(miller) == 0) & search.any(axis=1)]
    lengths = np.sort(np.linalg.norm(search @ vectors, axis=1))
    shortest = np.sort(np.linalg.norm(found @ vectors, axis=1))
    assert np.isclose(shortest[0], lengths[0])
    others = search[np.abs(np.cross(search, found[0])).any(axis=1)]
    others = others[np.abs(np.cross(others, found[1])).any(axis=1)]
    assert np.linalg.norm(others @ vectors, axis=1).min() >= shortest[1] - 1e-9


def test_labels() -> None:
    density = wave_density((8, 8, 8), ORTHORHOMBIC)
    cut = section(density, (0, 2, 0), (0, 0.25, 0), step=1.0)
    assert (cut.label, cut.u_label, cut.v_label) == ("(0 1 0) at y = 0.25", "[0 0 1]", "[1 0 0]")
    assert section(density, (1, -2, 0), (0, 0.25, 0), step=1.0).label == (
        "(1 -2 0) at x - 2y = -0.5"
    )
    # In an oblique plane v is no lattice direction.
    assert section(wave_density((8, 8, 8), HEXAGONAL), (0, 0, 1), step=1.0).v_label == ""


def test_three_points_span_the_section() -> None:
    atoms = np.array([[0.1, 0.2, 0.3], [0.6, 0.25, 0.35], [0.3, 0.7, 0.8]])
    cut = section(wave_density((96, 120, 108)), atoms, step=0.1)
    inverse = np.array([*cut.axes, cut.normal]).T
    u, v, height = ((atoms - atoms[0]) @ cell_vectors(TRICLINIC) @ inverse).T
    assert np.allclose(height, 0)
    assert np.allclose([u[0], v[0], v[1]], 0)
    assert u[1] > 0
    assert v[2] > 0
    assert cut.u[0] <= u.min() - 1 + 1e-9
    assert cut.v[-1] >= v.max() + 1 - 1e-9
    expected = np.exp(log_waves(cut.points(TRICLINIC)))
    assert np.abs(cut.values / expected - 1).max() < 3e-6


def test_size_and_step() -> None:
    density = wave_density((16, 16, 16))
    cut = section(density, (0, 0, 1), size=(3.0, 1.03), step=0.1)
    assert (cut.u[0], cut.u[-1], cut.v[-1]) == (0, 3.0, 1.03)
    assert cut.values.shape == (31, 11)
    # Three points stay in the middle of a given size.
    atoms = [[0.1, 0.2, 0.3], [0.6, 0.2, 0.3], [0.1, 0.7, 0.3]]
    whole, small = (section(density, atoms, size=size, step=0.1) for size in (None, 2.0))
    assert np.isclose(whole.u.mean(), small.u.mean())
    assert np.isclose(np.ptp(small.v), 2.0)


def test_atoms_near_the_plane() -> None:
    pmmm = Symmetry.from_name("P m m m")
    structure = crystal(ORTHORHOMBIC, pmmm, Cu1=(0.3, 0.25, 0.1), I1=(0.5, 0.26, 0.5))
    cut = section(wave_density((16, 16, 16), ORTHORHOMBIC), (0, 1, 0), (0, 0.25, 0), step=0.3)
    found = section_sites(cut, structure, within_angstrom=0.2)
    # y = 0.25 only, not 0.75: of eight Cu four, of two I one; u is along c, v along a.
    assert sorted(site.label for site in found) == ["Cu1"] * 4 + ["I1"]
    iodine = next(site for site in found if site.label == "I1")
    assert np.allclose([iodine.u, iodine.v], [0.5 * 6.1, 0.5 * 10.6])
    assert np.isclose(iodine.height_angstrom, 0.01 * 13.3)
    copper = {(round(s.u / 6.1, 3), round(s.v / 10.6, 3)) for s in found if s.element == "Cu"}
    assert copper == {(0.1, 0.3), (0.9, 0.3), (0.1, 0.7), (0.9, 0.7)}
    assert [s.label for s in section_sites(cut, structure, 0.05)] == ["Cu1"] * 4


def test_atoms_on_the_frame_are_drawn_at_all_its_corners() -> None:
    structure = crystal(TRICLINIC, Symmetry.from_triplets(["x,y,z"]), Cs1=(0.0, 0.0, 0.0))
    cut = section(wave_density((8, 8, 8)), (0, 0, 1), step=0.5)
    found = sorted((round(s.v, 9), s.u) for s in section_sites(cut, structure))
    # The next row of the lattice is shifted by b cos γ, and a further one repeats it.
    gamma = np.radians(98.0)
    expected = [(0.0, 0.0), (0.0, 6.0), (7.0 * np.sin(gamma), 6.0 + 7.0 * np.cos(gamma))]
    assert np.allclose(found, expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0, 0, 0),), "Miller"),
        (((0.5, 1, 0),), "Miller"),
        (((1, 2),), "fractional coordinates"),
        ((np.zeros((2, 3)),), "not a plane"),
        (([[0, 0, 0], [0.1, 0, 0], [0.5, 0, 0]],), "one line"),
        (([[0, 0, 0], [0.1, 0, 0], [0, 0.2, 0]], (0, 0, 0.5)), "first of them"),
        (((0, 1, 0), (0, 0, 0), -1.0), "size"),
        (((0, 1, 0), (0, 0, 0), None, 0.0), "step"),
        (((0, 1, 0), (0, 0, 0), None, np.nan), "step"),
        (((0, 1, 0), (0, 0, 0), None, 1e-6), "too many"),
    ],
)
def test_impossible_sections_are_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(InputError, match=words):
        section(wave_density((8, 8, 8)), *arguments)
