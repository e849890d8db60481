"""Thermal displacements against one-mode crystals, phonopy, a finer mesh, and structures' U_ij."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import constants

from ixs_core.crystal import Crystal, Site
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from simulate.phonons import PhononModel
from simulate.phonons.crystal_displacements import crystal_debye_waller
from simulate.phonons.debye_waller import no_debye_waller
from simulate.phonons.thermal_displacements import converged_displacements, mesh_displacements
from tests.simulate.crystals import from_phonopy, phonopy_example
from tests.simulate.spring_crystals import (
    ZINCBLENDE_A,
    cubic_zincblende,
    triclinic,
    zincblende,
)

HBAR2 = constants.hbar**2 / constants.atomic_mass / 1e-20 / (constants.e * 1e-3)
KB = constants.k / constants.e * 1e3


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return PhononModel.of(zincblende())


def einstein(energy: float, n_atoms: int = 2):
    """Every atom in its own well: the modes are the Cartesian directions, at every q."""

    def modes(q):
        vectors = np.broadcast_to(np.eye(3 * n_atoms, dtype=complex), (len(q), 6, 6))
        return np.full((len(q), 3 * n_atoms), energy), vectors

    return modes


@pytest.mark.parametrize("kelvin", [5.0, 300.0, 1200.0])
def test_atoms_in_wells_of_their_own(kelvin):
    masses = np.array([10.0, 40.0])
    energy = 12.0
    found = mesh_displacements(einstein(energy), masses, (4, 6, 4), kelvin)
    expected = HBAR2 / (2 * masses * energy) / np.tanh(energy / (2 * KB * kelvin))
    assert found.tensor == pytest.approx(expected[:, None, None] * np.eye(3), rel=1e-12)
    assert found.error == pytest.approx(0.0, abs=1e-15)
    assert found.mesh == (4, 6, 4)


def test_extrapolation_reaches_watsons_integral():
    """Simple cubic lattice with nearest-neighbour springs, E² = s² (3 - Σ cos 2πq_i).

    Where kT ≫ E, U = (ħ²kT/M) ⟨1/E²⟩ + ħ²/(12 M kT), and ⟨1/(3 - Σ cos)⟩ is the integral of
    G. N. Watson, Q. J. Math. 10, 266 (1939).
    """
    watson, scale, kelvin, mass = 0.505462019717326, 10.0, 3000.0, 50.0

    def modes(q):
        squared = 3 - np.cos(2 * np.pi * q).sum(axis=1)
        energy = scale * np.sqrt(np.maximum(squared, 1e-18))
        return np.repeat(energy[:, None], 3, axis=1), np.tile(
            np.eye(3, dtype=complex), (len(q), 1, 1)
        )

    kt = KB * kelvin
    exact = HBAR2 / mass * (kt * watson / scale**2 + 1 / (12 * kt))
    found = converged_displacements(modes, np.array([mass]), 2 * np.eye(3), kelvin, tolerance=1e-4)
    assert found.tensor[0] == pytest.approx(exact * np.eye(3), rel=1e-4, abs=1e-12)
    assert abs(found.tensor[0, 0, 0] - exact) < found.error < 1e-4 * exact
    plain = mesh_displacements(modes, np.array([mass]), found.mesh, kelvin)
    assert abs(plain.tensor[0, 0, 0] - exact) > 100 * abs(found.tensor[0, 0, 0] - exact)


@pytest.mark.parametrize("make", [zincblende, triclinic])
def test_the_stated_error_is_honest(make):
    crystal = PhononModel.of(make())
    rough = crystal.debye_waller(300.0, tolerance=0.05)
    fine = crystal.debye_waller(300.0, tolerance=1e-5)
    apart = np.abs(rough.tensor - fine.tensor).max()
    assert apart <= 2 * rough.error
    assert rough.error <= 0.05 * rough.tensor.max()
    # The gap without Γ closes as 1/N: halving the spacing halves it.
    gaps = [
        np.abs(crystal.debye_waller(300.0, mesh=(n, n, n)).tensor - fine.tensor).max()
        for n in (5, 11)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(11 / 5, rel=0.1)
    explicit = crystal.debye_waller(300.0, mesh=(11, 11, 11))
    assert explicit.error == pytest.approx(gaps[1], rel=0.2)


def test_symmetry_of_the_site(model):
    """-43m sites: U is isotropic; the triclinic crystal's are symmetric and positive."""
    tensor = model.debye_waller(300.0).tensor
    assert tensor == pytest.approx(tensor[:, :1, :1] * np.eye(3), abs=1e-10)
    skew = PhononModel.of(triclinic()).debye_waller(300.0).tensor
    assert skew == pytest.approx(skew.swapaxes(1, 2))
    assert (np.linalg.eigvalsh(skew) > 0).all()


def test_primitive_and_conventional_cell_agree(model):
    small, large = model.debye_waller(300.0), PhononModel.of(cubic_zincblende()).debye_waller(300.0)
    assert large.tensor == pytest.approx(np.repeat(small.tensor, 4, axis=0), rel=3e-3, abs=1e-9)


@pytest.mark.parametrize(("name", "mesh"), [("NaCl", (5, 5, 5)), ("NaCl", (4, 6, 5))])
def test_against_phonopy_on_its_own_mesh(shared_data: Path, name, mesh):
    phonon = phonopy_example(shared_data, name)
    phonon.run_mesh(mesh, is_mesh_symmetry=False, with_eigenvectors=True)
    phonon.run_thermal_displacement_matrices(temperatures=[250.0], freq_min=1e-3)
    theirs = phonon.thermal_displacement_matrices.thermal_displacement_matrices[0]
    ours = PhononModel.of(from_phonopy(phonon)).debye_waller(250.0, mesh)
    assert ours.tensor == pytest.approx(theirs, rel=1e-5, abs=1e-8)


def test_exponent_is_half_quq():
    generator = np.random.default_rng(0)
    root = generator.normal(size=(3, 3, 3))
    u = replace(no_debye_waller(3), tensor=root @ root.swapaxes(1, 2))
    q = generator.normal(size=(5, 3))
    assert u.exponent(q) == pytest.approx(0.5 * np.einsum("qi,nij,qj->qn", q, u.tensor, q))


def unstable_crystal():
    crystal = triclinic()
    home = np.flatnonzero((crystal.translations == 0).all(axis=1))[0]
    crystal.matrices[home, :3, :3] -= 3.0 * np.eye(3)
    return crystal


def test_imaginary_modes_are_refused_unless_left_out():
    crystal = PhononModel.of(unstable_crystal())
    with pytest.raises(InputError, match='debye_waller="none"'):
        crystal.structure_factor([1, 0.2, 0], 300.0)
    with pytest.raises(InputError, match=r"springs.*meV"):
        crystal.debye_waller(300.0, mesh=(3, 3, 3))
    chosen = crystal.debye_waller(300.0, mesh=(3, 3, 3), imaginary="leave out")
    assert chosen.left_out > 0
    assert str(chosen.left_out) in chosen.notes[0]
    assert np.isfinite(chosen.tensor).all()
    assert crystal.structure_factor([1, 0.2, 0], 300.0, debye_waller=chosen).imaginary.any()


def test_harmonic_cscu2i3_is_refused(shared_data: Path):
    crystal = PhononModel.of(from_phonopy(phonopy_example(shared_data, "harmonic0K")))
    with pytest.raises(InputError, match="imaginary"):
        crystal.debye_waller(300.0, mesh=(2, 2, 2))


@pytest.mark.parametrize("mesh", [(0, 1, 1), (3, 3), (2.5, 2, 2)])
def test_what_is_no_mesh(model, mesh):
    with pytest.raises(InputError, match="mesh"):
        model.debye_waller(300.0, mesh=mesh)


@pytest.mark.parametrize("kelvin", [0.0, -3.0, float("nan")])
def test_what_is_no_temperature(model, kelvin):
    with pytest.raises(InputError, match="temperature"):
        model.debye_waller(kelvin)


def test_displacements_are_kept_and_can_be_shared(model):
    first = model.debye_waller(280.0)
    assert model.debye_waller(280.0) is first
    q = [1.3, 0.2, 0.1]
    assert model.structure_factor(q, 280.0).intensity == pytest.approx(
        model.structure_factor(q, 280.0, debye_waller=first).intensity
    )
    other = PhononModel.of(zincblende())
    assert other.debye_waller(280.0) is not first


def refined(u_ga=0.011, u_as=0.017, origin=0.0, element="As") -> Crystal:
    """GaAs as a refinement has it; `origin` moves all atoms along the diagonal."""
    sites = tuple(
        Site(e, e, e, np.full(3, x + origin), u=None if value is None else value * np.eye(3))
        for e, x, value in (("Ga", 0.0, u_ga), (element, 0.25, u_as))
    )
    symmetry = Symmetry.from_name("F -4 3 m")
    return Crystal(Lattice.cubic(ZINCBLENDE_A * 1.01), sites, symmetry, temperature_k=295.0)


def test_displacements_of_a_refined_structure(model):
    chosen = crystal_debye_waller(refined(), model.force_constants)
    assert chosen.tensor == pytest.approx(np.array([0.011, 0.017])[:, None, None] * np.eye(3))
    assert chosen.temperature_k == 295.0
    result = model.structure_factor([1.2, 0.1, 0], 300.0, debye_waller=refined())
    assert result.temperature_k == 300.0
    bare = model.structure_factor([1.2, 0.1, 0], 300.0, debye_waller="none")
    assert (result.intensity <= bare.intensity).all()
    assert result.intensity.sum() < bare.intensity.sum()


def test_anisotropic_displacements_in_a_skew_cell():
    """W from hkl and the CIF's own U, against W from our tensor in another Cartesian frame."""
    crystal = triclinic()
    generator = np.random.default_rng(4)
    sites = []
    for symbol, x in zip(crystal.symbols, crystal.positions, strict=True):
        root = generator.normal(size=(3, 3)) * 0.1
        sites.append(Site(symbol, symbol, symbol, x + 0.01, u=root @ root.T))
    structure = Crystal(crystal.lattice, tuple(sites), Symmetry.from_name("P 1"))
    chosen = crystal_debye_waller(structure, crystal)
    hkl = generator.uniform(-4, 4, (6, 3))
    expected = structure.debye_waller_exponent(hkl)
    assert chosen.exponent(crystal.q_cartesian(hkl)) == pytest.approx(expected, rel=1e-9)


def test_another_origin_is_found_and_stated(model):
    # Atoms at 1/4 and 1/2: the other atom of zincblende's two origins.
    shifted = refined(origin=0.25)
    fractions = {s.element: s.position[0] for s in shifted.sites}
    assert fractions == {"Ga": 0.25, "As": 0.5}
    chosen = crystal_debye_waller(shifted, model.force_constants)
    assert chosen.tensor[:, 0, 0] == pytest.approx([0.011, 0.017])
    assert "origin" in chosen.notes[0]


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (refined(u_as=None), "no displacement"),
        (replace(refined(), lattice=Lattice.cubic(6.2)), "cell"),
        (refined(element="I"), "no As"),
    ],
)
def test_structures_that_do_not_fit(model, structure, message):
    with pytest.raises(InputError, match=message):
        model.structure_factor([1, 0.2, 0], 300.0, debye_waller=structure)
