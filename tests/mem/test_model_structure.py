"""F_calc: invariances, gemmi, a quadrature, and what Jana2020 wrote."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

from ixs_core.cif import read_crystal
from ixs_core.cif_block import open_block
from ixs_core.crystal import GRAM_CHARLIER_ORDER, Crystal, Site, isotropic_u
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factors
from ixs_core.symmetry import Symmetry
from mem import model_structure
from mem.model_structure import dispersion_words, model_notes, structure_factors
from tests.mem.model_crystals import CELLS, random_crystal


def _reflections(seed: int = 0, n: int = 40, largest: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(-largest, largest + 1, (n, 3))


@pytest.mark.parametrize(("kelvin", "largest"), [(100, 0.0005), (300, 0.0005), (500, 0.001)])
def test_it_gives_what_jana_calculated(shared_data: Path, kelvin: int, largest: float) -> None:
    path = shared_data / "cscu2i3" / "structure" / f"{kelvin}K.cif"
    block = open_block(path, ("_refln_index_h",))
    hkl = np.array([[int(x) for x in block.column(f"_refln_index_{index}")] for index in "hkl"]).T
    squared = np.array([float(x) for x in block.column("_refln_F_squared_calc")])
    crystal = read_crystal(path)
    f = np.abs(structure_factors(crystal, hkl))
    assert np.abs(f - np.sqrt(squared)).sum() / np.sqrt(squared).sum() <= largest
    harmonic = np.abs(structure_factors(crystal, hkl, anharmonic=False))
    # What the Gram-Charlier terms are worth.
    assert np.abs(harmonic - np.sqrt(squared)).sum() / np.sqrt(squared).sum() > 4 * largest


@pytest.mark.parametrize("group", CELLS)
def test_operators_turn_structure_factors(group: str) -> None:
    crystal = random_crystal(group, seed=1)
    hkl = _reflections(1)
    f = structure_factors(crystal, hkl)
    symmetry = crystal.symmetry
    for rotation, shift in zip(symmetry.rotations, symmetry.translations, strict=True):
        turned = structure_factors(crystal, hkl @ rotation)
        np.testing.assert_allclose(
            turned, f * np.exp(-2j * np.pi * (hkl @ shift)), atol=1e-9 * np.abs(f).max()
        )


@pytest.mark.parametrize("group", CELLS)
def test_all_atoms_one_by_one_give_the_same(group: str) -> None:
    crystal = random_crystal(group, seed=2)
    hkl = _reflections(2)
    np.testing.assert_allclose(
        structure_factors(_in_p1(crystal), hkl),
        structure_factors(crystal, hkl),
        atol=1e-9 * crystal.electrons_per_cell,
    )


def _in_p1(crystal: Crystal) -> Crystal:
    """Every image of every site as a site of its own, tensors turned index by index."""
    metric = np.linalg.norm(crystal.lattice.b_matrix, axis=0) / (2 * np.pi)
    sites = []
    for site in crystal.sites:
        assert site.u is not None
        fractional = site.u * np.outer(metric, metric)
        full = np.zeros((3, 3, 3))
        for name, value in zip(GRAM_CHARLIER_ORDER, site.gram_charlier, strict=True):
            for axes in itertools.permutations(int(digit) - 1 for digit in name):
                full[axes] = value
        for rotation, shift in zip(
            crystal.symmetry.rotations, crystal.symmetry.translations, strict=True
        ):
            tensor = np.einsum("aj,bk,cl,jkl->abc", rotation, rotation, rotation, full)
            third = [tensor[tuple(int(d) - 1 for d in name)] for name in GRAM_CHARLIER_ORDER]
            sites.append(
                replace(
                    site,
                    label=f"{site.label}_{len(sites)}",
                    position=rotation @ site.position + shift,
                    u=(rotation @ fractional @ rotation.T) / np.outer(metric, metric),
                    gram_charlier=np.array(third),
                )
            )
    return replace(crystal, sites=tuple(sites), symmetry=Symmetry.from_triplets(["x,y,z"]))


def test_a_shift_of_the_origin_is_a_phase() -> None:
    crystal = random_crystal("P 21/n", seed=3)
    shift = np.array([1, 3, 5]) / 24
    symmetry = crystal.symmetry
    translations = symmetry.translations + shift - symmetry.rotations @ shift
    moved = replace(
        crystal,
        sites=tuple(replace(s, position=s.position + shift) for s in crystal.sites),
        symmetry=replace(symmetry, translations=translations % 1),
    )
    hkl = _reflections(3)
    np.testing.assert_allclose(
        structure_factors(moved, hkl),
        structure_factors(crystal, hkl) * np.exp(2j * np.pi * (hkl @ shift)),
        atol=1e-9,
    )


def test_friedel_mates_differ_by_dispersion_only() -> None:
    crystal = random_crystal("P 21 21 21", seed=4)
    hkl = _reflections(4)
    without = structure_factors(crystal, hkl, dispersion=False)
    np.testing.assert_allclose(
        structure_factors(crystal, -hkl, dispersion=False), without.conj(), atol=1e-9
    )
    plus, minus = (np.abs(structure_factors(crystal, sign * hkl)) for sign in (1, -1))
    assert np.abs(plus - minus).max() > 0.5


def test_the_imaginary_part_is_positive_and_turns_phases_forward() -> None:
    # One atom at the origin: F = f, of the wave e^{+2πi h·x}.
    site = Site("Cu", "Cu", "Cu", np.zeros(3), u=isotropic_u(0.01, Lattice.cubic(4.0)))
    crystal = Crystal(
        Lattice.cubic(4.0), (site,), Symmetry.from_triplets(["x,y,z"]), dispersion={"Cu": 2.5j}
    )
    f = structure_factors(crystal, [[1, 0, 0]])
    damping = np.exp(-2 * np.pi**2 * 0.01 / 16)
    assert f[0].imag == pytest.approx(2.5 * damping)
    expected = form_factors(["Cu"], [2 * np.pi / 4], "it92")[0, 0].real * damping
    assert f[0].real == pytest.approx(expected)


@pytest.mark.parametrize("group", ["P -1", "P 21 21 21", "C m c m", "P 61 2 2"])
def test_harmonic_atoms_are_those_of_gemmi(group: str) -> None:
    crystal = random_crystal(group, seed=5, anharmonic=False)
    crystal = crystal.with_ions({"Cu": "Cu", "I": "I"})
    structure = gemmi.make_small_structure_from_block(_cif(crystal, group))
    structure.change_occupancies_to_crystallographic()
    calculator = gemmi.StructureFactorCalculatorX(structure.cell)
    hkl = _reflections(5)
    expected = np.array(
        [calculator.calculate_sf_from_small_structure(structure, h) for h in hkl.tolist()]
    )
    found = structure_factors(crystal, hkl, dispersion=False)
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def _cif(crystal: Crystal, group: str) -> gemmi.cif.Block:
    block = gemmi.cif.Block("x")
    block.set_pair("_symmetry_space_group_name_H-M", f"'{group}'")
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    for name, value in zip(names, crystal.lattice.cell, strict=True):
        block.set_pair(f"_cell_{name}", repr(value))
    atoms = block.init_loop(
        "_atom_site_", ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    )
    for site in crystal.sites:
        place = [repr(float(x)) for x in (*site.position, site.occupancy)]
        atoms.add_row([site.label, site.element, *place])
    # A loop that was made before is lost with the next one.
    tensors = block.init_loop(
        "_atom_site_aniso_", ["label", "U_11", "U_22", "U_33", "U_12", "U_13", "U_23"]
    )
    for site in crystal.sites:
        assert site.u is not None
        u = site.u[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
        tensors.add_row([site.label, *(repr(float(x)) for x in u)])
    return block


def test_a_gram_charlier_atom_is_the_transform_of_its_density() -> None:
    """Against Gauss-Hermite quadrature of N(u)[1 + C H/6] exp(2πi h·u), H by derivatives."""
    lattice = Lattice.from_cell((5.1, 6.3, 7.2, 81.0, 95.0, 104.0))
    rng = np.random.default_rng(6)
    coefficients = rng.normal(size=10) * 0.02
    site = Site("Cu", "Cu", "Cu", np.zeros(3), u=isotropic_u(0.03, lattice))
    anharmonic = replace(site, gram_charlier=coefficients)
    p1 = Symmetry.from_triplets(["x,y,z"])
    hkl = _reflections(6, 20, 4)
    hkl = hkl[np.any(hkl, axis=1)]
    ratio = structure_factors(Crystal(lattice, (anharmonic,), p1), hkl) / structure_factors(
        Crystal(lattice, (site,), p1), hkl
    )

    # In standard normal variables v of the fractional displacement x = L v the tensor is
    # L⁻¹L⁻¹L⁻¹C, and H = v_a v_b v_c - δ_ab v_c - δ_ac v_b - δ_bc v_a.
    to_fractional = np.linalg.inv(2 * np.pi * np.linalg.inv(lattice.b_matrix))
    covariance = 0.03 * to_fractional.T @ to_fractional
    lower = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(lower)
    full = np.zeros((3, 3, 3))
    for name, value in zip(GRAM_CHARLIER_ORDER, coefficients, strict=True):
        for axes in itertools.permutations(int(digit) - 1 for digit in name):
            full[axes] = 1e-3 * value
    full = np.einsum("aj,bk,cl,jkl->abc", inverse, inverse, inverse, full)
    nodes, weights = np.polynomial.hermite_e.hermegauss(30)
    v = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    w = np.prod(np.meshgrid(weights, weights, weights, indexing="ij"), axis=0).ravel()
    w = w / w.sum()
    hermite = np.einsum("abc,na,nb,nc->n", full, v, v, v) - 3 * np.einsum("aac,nc->n", full, v)
    waves = np.exp(2j * np.pi * (hkl @ lower @ v.T))
    expected = (waves @ (w * (1 + hermite / 6))) / (waves @ w)
    np.testing.assert_allclose(ratio, expected, atol=1e-9)
    assert np.abs(ratio - 1).max() > 0.05


def test_tensors_obey_the_site_symmetry() -> None:
    # On a centre of inversion no odd tensor can be.
    crystal = random_crystal("P -1", seed=7)
    on_centre = replace(crystal.sites[0], position=np.array([0.5, 0.0, 0.5]))
    here = replace(crystal, sites=(on_centre,))
    hkl = _reflections(7)
    np.testing.assert_allclose(
        structure_factors(here, hkl), structure_factors(here, hkl, anharmonic=False), atol=1e-12
    )


def test_forbidden_reflections_vanish() -> None:
    crystal = random_crystal("C m c m", seed=8)
    forbidden = [[1, 0, 0], [2, 1, 0], [0, 0, 1], [2, 0, 3]]
    assert np.abs(structure_factors(crystal, forbidden)).max() < 1e-9


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    crystal = random_crystal("P 21 21 21", seed=9)
    hkl = _reflections(9)
    whole = structure_factors(crystal, hkl)
    monkeypatch.setattr(model_structure, "_BATCH", 10)
    np.testing.assert_allclose(structure_factors(crystal, hkl), whole, rtol=1e-12)
    assert structure_factors(crystal, np.empty((0, 3))).shape == (0,)


def test_at_zero_all_electrons_scatter_together() -> None:
    crystal = random_crystal("P 61 2 2", seed=10).with_ions({"Cu": "Cu", "I": "I"})
    f = structure_factors(crystal, [[0, 0, 0]], dispersion=False)[0]
    assert f.real == pytest.approx(crystal.electrons_per_cell, rel=1e-3)  # IT92's own rounding
    assert abs(f.imag) < 1e-9


def test_dispersion_comes_from_the_file_or_the_wavelength_or_is_none() -> None:
    crystal = random_crystal("P -1", seed=11)
    hkl = _reflections(11)
    assert "those of the file" in dispersion_words(crystal)
    by_wavelength = replace(crystal, dispersion={}, wavelength_angstrom=0.71)
    assert "calculated for 0.71 Å" in dispersion_words(by_wavelength)
    plain = replace(crystal, dispersion={})
    assert "without dispersion" in dispersion_words(plain)
    f = [structure_factors(c, hkl) for c in (crystal, by_wavelength, plain)]
    np.testing.assert_array_equal(f[2], structure_factors(crystal, hkl, dispersion=False))
    assert np.abs(f[1] - f[2]).max() > 0.5


def test_an_ion_outside_the_table_is_the_neutral_atom_and_said() -> None:
    crystal = random_crystal("P -1", seed=12)
    odd = replace(crystal, sites=(replace(crystal.sites[1], ion="I3+"),))
    assert any("neutral I is used" in note for note in model_notes(odd))
    neutral = replace(odd, sites=(replace(crystal.sites[1], ion="I"),))
    hkl = _reflections(12)
    np.testing.assert_array_equal(structure_factors(odd, hkl), structure_factors(neutral, hkl))


def test_what_cannot_be_calculated_is_an_error() -> None:
    crystal = random_crystal("P -1", seed=13)
    still = replace(crystal, sites=(replace(crystal.sites[0], u=None), *crystal.sites[1:]))
    with pytest.raises(InputError, match="Cu0"):
        structure_factors(still, [[1, 0, 0]])
    with pytest.raises(InputError, match="whole numbers"):
        structure_factors(crystal, [[0.5, 0, 0]])
    with pytest.raises(InputError, match="outside the range"):
        structure_factors(crystal, [[40, 0, 0]])
