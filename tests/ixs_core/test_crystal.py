"""Crystals: cell content, displacements and densities against gemmi, symmetry and real data."""

from __future__ import annotations

import pickle

import gemmi
import numpy as np
import pytest
from scipy import constants

from ixs_core.cif import read_block, read_crystal, read_lattice
from ixs_core.crystal import (
    GRAM_CHARLIER_ORDER,
    Crystal,
    Site,
    isotropic_u,
    site_orbit,
    u_to_cartesian,
)
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factors
from ixs_core.symmetry import Symmetry
from tests.ixs_core.cif_texts import NACL, QUARTZ, TRICLINIC


@pytest.fixture(params=[NACL, QUARTZ, TRICLINIC], ids=["NaCl", "quartz", "triclinic"])
def crystal(request, write) -> Crystal:
    return read_crystal(write(request.param))


def structure_factors(crystal: Crystal, hkl: np.ndarray, table: str = "it92") -> np.ndarray:
    """F(hkl) as the plain sum over the atoms of the cell, without dispersion."""
    atoms = crystal.atoms
    f0 = form_factors(atoms.ions, crystal.lattice.q_abs(hkl), table).real
    phase = np.exp(2j * np.pi * hkl @ atoms.position.T)
    return np.sum(
        atoms.occupancy * f0 * np.exp(-crystal.debye_waller_exponent(hkl)) * phase, axis=1
    )


def gemmi_structure_factors(text: str, hkl: np.ndarray) -> np.ndarray:
    structure = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text)[0])
    structure.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    return np.array(
        [calculator.calculate_sf_from_small_structure(structure, list(map(int, h))) for h in hkl]
    )


HKL = np.array(
    [(0, 0, 1), (1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, -1), (-1, 2, 3), (0, 3, 2), (4, 0, 2)]
)


@pytest.mark.parametrize("text", [NACL, QUARTZ, TRICLINIC], ids=["NaCl", "quartz", "triclinic"])
def test_structure_factors_are_those_of_gemmi(text, write):
    neutral = text.replace(" Na1+ ", " Na ").replace(" Cl1- ", " Cl ")
    crystal = read_crystal(write(neutral))
    ours, theirs = structure_factors(crystal, HKL), gemmi_structure_factors(neutral, HKL)
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * np.abs(theirs).max())


def test_equivalent_reflections_have_equal_intensity(crystal):
    """F(hR) = F(h) exp(-2πi h·t) for every operator: positions and U turn rightly."""
    expected = structure_factors(crystal, HKL)
    symmetry = crystal.symmetry
    for rotation, translation in zip(symmetry.rotations, symmetry.translations, strict=True):
        turned = structure_factors(crystal, HKL @ rotation)
        phase = np.exp(-2j * np.pi * HKL @ translation)
        np.testing.assert_allclose(turned, expected * phase, atol=1e-9 * np.abs(expected).max())


def test_displacements_are_tensors_of_the_cell(crystal):
    """⟨u uᵀ⟩ turned as a Cartesian tensor is that of the atom where the operator takes it."""
    vectors = 2 * np.pi * np.linalg.inv(crystal.lattice.b_matrix).T  # columns a, b, c
    atoms = crystal.atoms
    for rotation, translation in zip(
        crystal.symmetry.rotations, crystal.symmetry.translations, strict=True
    ):
        cartesian = vectors @ rotation @ np.linalg.inv(vectors)
        np.testing.assert_allclose(cartesian @ cartesian.T, np.eye(3), atol=1e-12)
        for i in range(len(atoms)):
            apart = atoms.position - (rotation @ atoms.position[i] + translation)
            j = np.linalg.norm(apart - np.round(apart), axis=1).argmin()
            assert atoms.site[j] == atoms.site[i]
            turned = cartesian @ atoms.u[i] @ cartesian.T
            np.testing.assert_allclose(atoms.u[j], turned, atol=1e-12)


def test_u_in_an_oblique_cell_against_the_formula_of_the_cif_dictionary():
    """exp(-2π² Σ U^ij a*_i a*_j h_i h_j) with reciprocal lengths from gemmi."""
    lattice = Lattice(5.2, 6.9, 8.3, 77.0, 101.0, 63.0)
    u = np.array([[0.021, 0.009, 0.003], [0.009, 0.017, -0.004], [0.003, -0.004, 0.026]])
    reciprocal = gemmi.UnitCell(*lattice.cell).reciprocal()
    h = HKL * np.array([reciprocal.a, reciprocal.b, reciprocal.c])
    expected = 2 * np.pi**2 * np.einsum("ni,ij,nj->n", h, u, h)
    site = Site("S1", "S", "S", np.array([0.1, 0.2, 0.3]), u=u)
    crystal = Crystal(lattice, (site,), Symmetry.from_triplets(["x,y,z"]))
    np.testing.assert_allclose(crystal.debye_waller_exponent(HKL)[:, 0], expected, rtol=1e-12)


def test_isotropic_u_is_isotropic_in_an_oblique_cell():
    lattice = Lattice(5.2, 6.9, 8.3, 77.0, 101.0, 63.0)
    np.testing.assert_allclose(
        u_to_cartesian(isotropic_u(0.02, lattice), lattice), 0.02 * np.eye(3), atol=1e-16
    )


def test_sodium_chloride(write):
    crystal = read_crystal(write(NACL))
    assert crystal.repairs == ()
    assert (crystal.formula, crystal.formula_units_per_cell) == ("ClNa", 4)
    assert crystal.content == {"Na": 4, "Cl": 4}
    assert [site.ion for site in crystal.sites] == ["Na1+", "Cl1-"]
    assert (crystal.symmetry.number, len(crystal.symmetry)) == (225, 192)
    assert crystal.temperature_k == 293
    assert crystal.density_g_cm3 == pytest.approx(2.163, abs=0.003)  # handbook: 2.163-2.165
    assert crystal.formula_mass == pytest.approx(58.443, abs=0.003)
    assert crystal.electrons_per_cell == 4 * (11 + 17)
    assert read_lattice(write(NACL)) == Lattice.cubic(5.6402)


@pytest.mark.parametrize("name", ["I a -3 d", "R -3 m:H", "P 63/m m c", "C 1 2/c 1", "F d -3 m:2"])
def test_orbits_have_the_size_that_group_theory_gives(name):
    """The orbit of a position times the order of its site symmetry is the order of the group."""
    symmetry = Symmetry.from_name(name)
    assert symmetry.name == name
    cell = {"I": (12.0,) * 3 + (90.0,) * 3, "F": (8.0,) * 3 + (90.0,) * 3}.get(
        name[0], (6.0, 6.0, 15.0, 90.0, 90.0, 120.0)
    )
    lattice = Lattice.from_cell(cell if name[0] != "C" else (9.0, 8.0, 6.0, 90.0, 103.0, 90.0))
    assert symmetry.strain(lattice) < 1e-12
    general = site_orbit(Site("A", "C", "C", np.array([0.113, 0.247, 0.071])), symmetry, lattice)
    assert len(general.operator) == len(symmetry)
    origin = site_orbit(Site("A", "C", "C", np.zeros(3)), symmetry, lattice)
    stabiliser = np.sum(np.all(symmetry.translations % 1 == 0, axis=1))
    assert len(origin.operator) * stabiliser == len(symmetry)
    np.testing.assert_allclose(  # the operator named really makes the atom
        general.position, symmetry.images(np.array([0.113, 0.247, 0.071]))[general.operator] % 1
    )


def test_a_position_in_thirds_is_put_on_its_special_position():
    symmetry = Symmetry.from_name("P 63/m m c")
    lattice = Lattice(3.2, 3.2, 5.2, 90, 90, 120)
    orbit = site_orbit(Site("Mg", "Mg", "Mg", np.array([0.333, 0.667, 0.25])), symmetry, lattice)
    np.testing.assert_allclose(orbit.position[0], [1 / 3, 2 / 3, 0.25], atol=1e-12)
    assert len(orbit.operator) == 2
    assert 0 < orbit.moved_angstrom < 0.003


def test_a_site_between_two_images_is_refused():
    symmetry = Symmetry.from_triplets(["x,y,z", "-x,y,z", "x,-y,z"])
    site = Site("A", "C", "C", np.array([0.0049, 0.0101, 0.3]))  # 0.098 and 0.202 Å between images
    assert len(site_orbit(site, symmetry, Lattice.cubic(10)).operator) == 2
    chain = Symmetry.from_name("P 63/m m c")
    near = Site("A", "C", "C", np.array([0.011, 0.0, 0.25]))
    with pytest.raises(InputError, match=r"'A'.*near a special position"):
        site_orbit(near, chain, Lattice(6, 6, 9, 90, 90, 120), merge_angstrom=0.07)


def test_absorption_against_published_attenuation():
    """Mass attenuation coefficients in cm²/g at 20 keV (Hubbell & Seltzer, NIST), of which 95 to
    99 % is absorption for these elements."""
    for element, attenuation in {"Fe": 25.68, "Cu": 33.79, "Pb": 86.36}.items():
        crystal = Crystal(
            Lattice.cubic(4.0),
            (Site(element, element, element, np.zeros(3)),),
            Symmetry.from_triplets(["x,y,z"]),
        )
        per_density = 10 * crystal.absorption_per_mm(20.0) / crystal.density_g_cm3
        assert 0.94 < per_density / attenuation < 1


def test_mass_and_density_by_hand():
    site = Site("Cu", "Cu", "Cu", np.zeros(3), occupancy=0.5)
    crystal = Crystal(Lattice.cubic(3.0), (site,), Symmetry.from_triplets(["x,y,z"]))
    expected = 0.5 * 63.546 * constants.atomic_mass * 1e3 / (3e-8) ** 3
    assert crystal.density_g_cm3 == pytest.approx(expected, rel=1e-9)


def test_ions_are_chosen_by_label_or_element(write):
    crystal = read_crystal(write(QUARTZ)).with_ions({"Si": "Si4+", "O": "O2-"})
    assert set(crystal.atoms.ions) == {"Si4+", "O2-"}
    with pytest.raises(InputError, match="no such site or element"):
        crystal.with_ions({"Al": "Al3+"})
    with pytest.raises(InputError, match="not one of the site's element"):
        crystal.with_ions({"Si": "Al3+"})


def test_crystals_travel_between_processes(write):
    crystal = read_crystal(write(QUARTZ))
    _ = crystal.content
    copy = pickle.loads(pickle.dumps(crystal))  # noqa: S301
    np.testing.assert_array_equal(copy.atoms.position, crystal.atoms.position)


def test_absorption_of_a_real_crystal(shared_data):
    """The file's attenuation at 50 keV has scattering in it, about 5 % there."""
    crystal = read_crystal(shared_data / "cscu2i3/structure/300K.cif")
    attenuation = crystal.absorption_per_mm(12.398419843 / 0.2481) / 5.361
    assert 0.93 < attenuation < 1


@pytest.mark.parametrize(
    ("name", "harmonic", "anharmonic"),
    [("100K", 0.006, 0.0005), ("300K", 0.03, 0.0005), ("500K", 0.06, 0.001)],
)
def test_calculated_structure_factors_of_real_refinements(shared_data, name, harmonic, anharmonic):
    """|F| of the refinement program, which a harmonic model misses and the third order meets."""
    path = shared_data / f"cscu2i3/structure/{name}.cif"
    crystal = read_crystal(path)
    block, _ = read_block(path, containing=("_refln_index_h",))
    indices = [[int(value) for value in block.find_loop(f"_refln_index_{x}")] for x in "hkl"]
    squares = [float(value) for value in block.find_loop("_refln_F_squared_calc")]
    hkl, given = np.array(indices).T, np.sqrt(squares)
    with_third_order = np.abs(anharmonic_structure_factors(crystal, hkl))
    without = np.abs(anharmonic_structure_factors(crystal, hkl, third_order=False))
    assert r_factor(with_third_order, given) <= anharmonic
    assert 2 * anharmonic < r_factor(without, given) <= harmonic


def r_factor(ours: np.ndarray, given: np.ndarray) -> float:
    scale = given @ ours / (ours @ ours)
    return float(np.abs(scale * ours - given).sum() / given.sum())


def anharmonic_structure_factors(
    crystal: Crystal, hkl: np.ndarray, third_order: bool = True
) -> np.ndarray:
    """Sum over the atoms with f' + if'' and the Gram-Charlier factor of the turned hkl."""
    atoms = crystal.atoms
    f = form_factors(atoms.ions, crystal.lattice.q_abs(hkl), "it92", dispersion=crystal.dispersion)
    f = (
        f
        * np.exp(-crystal.debye_waller_exponent(hkl))
        * np.exp(2j * np.pi * hkl @ atoms.position.T)
    )
    for i in range(len(atoms) if third_order else 0):
        coefficients = crystal.sites[atoms.site[i]].gram_charlier
        if coefficients is None:
            continue
        turned = hkl @ crystal.symmetry.rotations[atoms.operator[i]]
        total = np.zeros(len(hkl))
        for name, value in zip(GRAM_CHARLIER_ORDER, coefficients, strict=True):
            axes = [int(digit) - 1 for digit in name]
            permutations = {1: 1, 2: 3, 3: 6}[len(set(axes))]
            total += permutations * value * turned[:, axes].prod(axis=1)
        f[:, i] *= 1 + (1j**3 / 6) * (2 * np.pi) ** 3 * 1e-3 * total
    return f.sum(axis=1)
