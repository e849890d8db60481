"""Structure factors against sum rules, symmetry, satellites summed atom by atom, and phonopy."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

from ixs_core.errors import InputError
from ixs_core.scattering_factors import form_factors
from simulate.phonons import PhononModel, intensity_in, polarisation_factor
from simulate.phonons.debye_waller import DebyeWaller
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.phonons.structure_factor import structure_factor
from tests.simulate.crystals import from_phonopy, phonopy_example
from tests.simulate.spring_crystals import (
    cubic_zincblende,
    spring_crystal,
    triclinic,
    zincblende,
)

HBAR2 = constants.hbar**2 / constants.atomic_mass / 1e-20 / (constants.e * 1e-3)  # meV amu Å²
AT_KEV = 11.9  # between the K edges of Ga and As, where f'' of Ga is large

ZINCBLENDE = PhononModel.of(zincblende())
TRICLINIC = PhononModel.of(triclinic())
NaCl_IONS = {"Na": "Na1+", "Cl": "Cl1-"}

hkl = st.tuples(*[st.floats(-6, 6)] * 3).filter(lambda q: np.abs(q - np.rint(q)).max() > 0.05)


def random_u(n: int, seed: int = 3) -> DebyeWaller:
    root = np.random.default_rng(seed).normal(size=(n, 3, 3)) * 0.08
    return DebyeWaller(root @ root.swapaxes(1, 2), 300.0, "random")


def grouped(energy: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    """Intensity summed over degenerate modes: what is measurable."""
    starts = np.flatnonzero(np.diff(energy, prepend=-np.inf) > 1e-5)
    return np.add.reduceat(intensity, starts)


@given(hkl)
@settings(deadline=None, max_examples=40)
def test_first_moment_is_that_of_free_atoms(q):
    """Σ E I = Σ_d |f_d|² e^{-2W_d} ħ²Q²/2M_d: cross terms vanish by completeness."""
    crystal = TRICLINIC.force_constants
    u = random_u(len(crystal.symbols))
    result = TRICLINIC.structure_factor(q, 300.0, debye_waller=u, energy_kev=AT_KEV)
    vector = crystal.q_cartesian(np.array(q))
    length = np.linalg.norm(vector)
    f = form_factors(crystal.symbols, length, energy_kev=AT_KEV)
    damped = np.abs(f) ** 2 * np.exp(-np.einsum("i,nij,j->n", vector, u.tensor, vector))
    expected = (damped * HBAR2 * length**2 / (2 * crystal.masses)).sum()
    assert (result.energy_mev > IMAGINARY_MEV).all()
    assert (result.energy_mev * result.intensity).sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("energy_kev", [None, AT_KEV])
def test_satellites_of_a_modulated_crystal(energy_kev):
    """The derivative of the crystallographer's Σ f e^{+iQ·R} by a mode's amplitude, atom by atom.

    It settles that the eigenvector stands conjugated, also where f'' is not zero.
    """
    crystal = TRICLINIC.force_constants
    size = np.array([4, 3, 5])
    q = np.array([1, -1, 2]) / size
    wanted = q + np.array([3, -2, 1])
    modes = TRICLINIC.modes(wanted)
    result = TRICLINIC.structure_factor(wanted, 300.0, debye_waller="none", energy_kev=energy_kev)
    cells = np.array(list(itertools.product(*map(range, size))))
    vector = crystal.q_cartesian(wanted)
    places = (cells[:, None] + crystal.positions) @ crystal.vectors
    f = form_factors(crystal.symbols, np.linalg.norm(vector), energy_kev=energy_kev)
    wave = np.exp(2j * np.pi * cells @ q)[:, None, None]
    for s in range(crystal.n_modes):
        shape = modes.eigenvectors[0, :, s].reshape(-1, 3) / np.sqrt(crystal.masses)[:, None]

        def scattered(amplitude: complex, shape: np.ndarray = shape) -> complex:
            moved = places + np.real(amplitude * wave * shape)
            return (f * np.exp(1j * moved @ vector)).sum() / len(cells)

        # A real displacement wave of amplitude a holds a e^{iqL}/2 and its conjugate; turning
        # the phase of a by 90° tells the two apart.
        step = 1e-4
        real = (scattered(step) - scattered(-step)) / (2 * step)
        quarter = (scattered(1j * step) - scattered(-1j * step)) / (2 * step)
        assert abs(real - 1j * quarter) < 1e-4 * max(abs(real), 1.0)
        strength = HBAR2 / (2 * modes.energy_mev[0, s]) * abs(2 * real) ** 2
        assert result.intensity[0, s] == pytest.approx(strength, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("bragg", [(1, 1, 1), (-1, -1, -1), (3, 1, 1), (2, 0, 0), (4, 0, 0)])
def test_acoustic_modes_near_a_bragg_peak_have_its_structure_factor(bragg):
    """Σ_acoustic E I -> ħ²Q²|F(hkl)|²/2M: with f'' zincblende's differs at hkl and -hkl."""
    towards = np.array([0.3, 0.5, -0.2]) * 1e-4
    result = ZINCBLENDE.structure_factor(
        np.array(bragg) + towards, 300.0, debye_waller="none", energy_kev=AT_KEV
    )
    q_abs = ZINCBLENDE.lattice.q_abs(np.array(bragg))
    f_ga, f_as = form_factors(["Ga", "As"], q_abs, energy_kev=AT_KEV)
    bragg_amplitude = f_ga + f_as * 1j ** (sum(bragg) % 4)
    mass = ZINCBLENDE.force_constants.masses.sum()
    expected = HBAR2 * q_abs**2 * abs(bragg_amplitude) ** 2 / (2 * mass)
    # The displacements mix with the optic ones by O(q): that is all of a weak reflection.
    assert (result.energy_mev * result.intensity)[0, :3].sum() == pytest.approx(expected, rel=2e-3)


@given(hkl)
@settings(deadline=None, max_examples=40)
def test_friedel_holds_without_absorption(q):
    both = [
        TRICLINIC.structure_factor(np.multiply(s, q), 300.0, debye_waller="none") for s in (1, -1)
    ]
    assert both[0].intensity == pytest.approx(both[1].intensity, rel=1e-9, abs=1e-12)


@given(hkl)
@settings(deadline=None, max_examples=25)
def test_friedel_holds_with_absorption_in_a_centrosymmetric_crystal(q):
    """CsCu2I3 at 33.3 keV, above the K edge of I: f'' is large, and no matter."""
    model = centrosymmetric()
    both = [
        model.structure_factor(np.multiply(s, q), 300.0, debye_waller="none", energy_kev=33.3)
        for s in (1, -1)
    ]
    one, other = (grouped(r.energy_mev[0], r.intensity[0]) for r in both)
    assert one == pytest.approx(other, rel=1e-6, abs=1e-7 * one.max())


@functools.cache
def centrosymmetric():
    samples = Path(__file__).resolve().parents[2] / "sample_data" / "cscu2i3"
    return PhononModel.load(samples / "phonopy_params_eff300K.yaml.xz")


def test_friedel_fails_with_absorption_without_a_centre():
    q = np.random.default_rng(1).uniform(-5, 5, (20, 3))
    absorbing = [
        TRICLINIC.structure_factor(s * q, 300.0, debye_waller="none", energy_kev=9.0).intensity
        for s in (1, -1)
    ]
    assert np.abs(absorbing[0] - absorbing[1]).max() > 0.01 * absorbing[0].max()


@given(hkl, st.integers(0, 23))
@settings(deadline=None, max_examples=40)
def test_the_point_group_leaves_intensities(q, number):
    """-43m: permutations of hkl with an even number of sign changes."""
    order = list(itertools.permutations(range(3)))[number % 6]
    signs = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)][number // 6]
    turned = np.array(q)[list(order)] * signs
    u = DebyeWaller(np.array([0.01, 0.02])[:, None, None] * np.eye(3), 300.0, "isotropic")
    one, other = (
        ZINCBLENDE.structure_factor(at, 300.0, debye_waller=u, energy_kev=AT_KEV)
        for at in (q, turned)
    )
    assert one.energy_mev == pytest.approx(other.energy_mev, abs=1e-9)
    for group in np.unique(one.group):
        members = one.group == group
        assert one.intensity[members].sum() == pytest.approx(
            other.intensity[members].sum(), rel=1e-6, abs=1e-8
        )


CUBIC = PhononModel.of(cubic_zincblende())


@given(hkl)
@settings(deadline=None, max_examples=40)
def test_conventional_cell_gives_the_same_per_formula_unit(q):
    small, large = (
        model.structure_factor(q, 300.0, debye_waller="none", energy_kev=AT_KEV)
        for model in (ZINCBLENDE, CUBIC)
    )
    assert (small.formula_units, large.formula_units) == (1, 4)
    per_unit = intensity_in(large, per="formula unit")[0]
    for energy in small.energy_mev[0]:
        same = np.abs(large.energy_mev[0] - energy) < 1e-6
        near = np.abs(small.energy_mev[0] - energy) < 1e-6
        assert per_unit[same].sum() == pytest.approx(
            small.intensity[0, near].sum(), rel=1e-8, abs=1e-9
        )
    assert per_unit.sum() == pytest.approx(small.intensity.sum(), rel=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_turned_degenerate_eigenvectors_leave_group_sums(seed):
    """A basis of a degenerate pair is arbitrary: turn it by any unitary matrix."""

    class Turned:
        def modes(self, q, direction, scratch):
            energy, vectors = ZINCBLENDE.dynamical_matrix.modes(q, direction, scratch)
            generator = np.random.default_rng(seed)
            for i in range(len(energy)):
                for first in np.flatnonzero(np.diff(energy[i]) < 1e-6):
                    noise = generator.normal(size=(2, 2, 2)) @ [1, 1j]
                    unitary, _ = np.linalg.qr(noise)
                    vectors[i, :, first : first + 2] = vectors[i, :, first : first + 2] @ unitary
            return energy, vectors

    q = np.linspace(0.05, 0.45, 7)[:, None] * [1, 1, 1] + [2, 0, 2]
    plain = ZINCBLENDE.structure_factor(q, 300.0, debye_waller="none")
    turned = structure_factor(
        Turned(),
        ZINCBLENDE.force_constants,
        q,
        ZINCBLENDE.scatterers(),
        ZINCBLENDE.choose_debye_waller("none", 300.0),
        300.0,
    )
    assert np.abs(plain.intensity - turned.intensity).max() > 1e-9
    for i in range(len(q)):
        assert grouped(plain.energy_mev[i], plain.intensity[i]) == pytest.approx(
            grouped(turned.energy_mev[i], turned.intensity[i]), rel=1e-9, abs=1e-12
        )
        assert len(np.unique(plain.group[i])) == 4


def test_grid_of_zones_is_the_list_of_its_momenta():
    generator = np.random.default_rng(7)
    q = generator.uniform(-0.5, 0.5, (9, 3))
    g = np.array([[2, 0, 0], [1, 1, 1], [3, -1, 5], [0, 0, 0]])
    u = random_u(2)
    options = {"debye_waller": u, "energy_kev": AT_KEV, "form_factor": {"As": "As", 1: "Ga3+"}}
    grid = ZINCBLENDE.structure_factor_grid(q, g, 300.0, **options)
    points = (q[:, None] + g).reshape(-1, 3)
    single = ZINCBLENDE.structure_factor(points, 300.0, **options)
    assert grid.intensity.reshape(-1, 6) == pytest.approx(single.intensity, rel=1e-9, abs=1e-12)
    assert np.repeat(grid.energy_mev, len(g), axis=0) == pytest.approx(single.energy_mev, rel=1e-9)
    assert (np.repeat(grid.group, len(g), axis=0) == single.group).all()


def test_extinct_zone_is_no_zone():
    with pytest.raises(InputError, match="centring"):
        ZINCBLENDE.structure_factor_grid([0.1, 0, 0], [1, 0, 0], 300.0, debye_waller="none")


def test_imaginary_and_zero_modes_have_no_intensity_and_are_counted():
    stable = zincblende()
    # A negative spring on site alone shifts all squared energies down.
    unstable = spring_crystal(stable.vectors, stable.positions, stable.symbols, stable.conventional)
    home = np.flatnonzero((unstable.translations == 0).all(axis=1))[0]
    unstable.matrices[home] -= 1.0 * np.eye(6)
    result = PhononModel.of(unstable).structure_factor(
        [[1.05, 1, 1], [1.3, 1.2, 0.9]], 300.0, debye_waller="none"
    )
    assert (result.energy_mev < -IMAGINARY_MEV).any()
    assert (result.imaginary == (result.energy_mev < -IMAGINARY_MEV)).all()
    assert (result.intensity[result.imaginary] == 0).all()
    assert np.isfinite(result.intensity).all()
    at_bragg = ZINCBLENDE.structure_factor([1, 1, 1], 300.0, debye_waller="none")
    assert (at_bragg.intensity[0, :3] == 0).all()
    assert at_bragg.intensity[0, 3:].sum() > 0
    assert not at_bragg.imaginary.any()


def test_units():
    result = ZINCBLENDE.structure_factor([1.2, 0.3, 0.7], 300.0, debye_waller="none")
    radius = constants.physical_constants["classical electron radius"][0]
    assert intensity_in(result, "barn") == pytest.approx(result.intensity * radius**2 * 1e28)
    with pytest.raises(InputError, match="unit"):
        intensity_in(result, "cm2")


@pytest.mark.parametrize(
    ("form_factor", "message"),
    [("neutron", "form factor"), ({"Na": "Na1+"}, "does not have"), ({"Ga": "As"}, "element"),
     ({7: "Ga3+"}, "does not have")],
)  # fmt: skip
def test_form_factors_that_do_not_fit(form_factor, message):
    with pytest.raises(InputError, match=message):
        ZINCBLENDE.structure_factor([1, 1, 0.5], 300.0, form_factor, "none")


@pytest.mark.parametrize("q", [[1, 2], [[1, 2, np.nan]], np.zeros((2, 2, 3))])
def test_what_is_no_list_of_momenta(q):
    with pytest.raises(InputError, match="q_hkl"):
        ZINCBLENDE.structure_factor(q, 300.0, debye_waller="none")


def test_polarisation_factor_is_that_of_a_dipole():
    """Σ over outgoing polarisations of (ε·ε')², with the two of them built explicitly."""
    for tth, gam in [(0, 0), (30, 0), (90, 0), (25, 11), (0, 40)]:
        a, b = np.radians([tth, gam])
        out = np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), -np.sin(b)])
        first = np.cross(out, [0.3, 0.4, 0.86])
        first /= np.linalg.norm(first)
        second = np.cross(out, first)
        assert polarisation_factor(tth, gam) == pytest.approx(first[0] ** 2 + second[0] ** 2)


def to_phonopy_units(result):
    """(n+1) I in the m²/J of phonopy: 1e-32/h."""
    from ixs_reduce.lineshape import bose_factor

    real = result.energy_mev > IMAGINARY_MEV
    bose = bose_factor(np.where(real, result.energy_mev, 1.0), result.temperature_k)
    return 1e-32 / constants.h * result.intensity * bose


def test_documented_values_of_phonopy_for_nacl(shared_data: Path):
    """phonopy's manual, dynamic structure factor of NaCl along (-1, 1, -1), 11³ mesh, 300 K."""
    folder = shared_data / "phonons" / "NaCl"
    model = PhononModel.load(folder / "phonopy_disp.yaml", born=folder / "BORN")
    u = model.debye_waller(300.0, mesh=(11, 11, 11))
    q = [[2.97, -2.97, 2.97], [2.5, -2.5, 2.5]]
    values = to_phonopy_units(model.structure_factor(q, 300.0, NaCl_IONS, u))
    longitudinal = np.sort(values, axis=1)[:, -2:]
    assert longitudinal == pytest.approx(
        np.array([[61.862136, 989.100086], [36.788580, 78.865720]]), rel=1e-6
    )
    neutral = to_phonopy_units(model.structure_factor(q, 300.0, debye_waller=u)).max(axis=1)
    assert neutral == pytest.approx([994.27, 79.42], rel=1e-4)


@pytest.mark.parametrize("name", ["NaCl", "Zr3N4"])
def test_against_phonopy_at_random_momenta(shared_data: Path, name):
    """Zr3N4 has no centre of symmetry, so the relative sign of phase and eigenvector shows."""
    phonon = phonopy_example(shared_data, name)
    model = PhononModel.of(from_phonopy(phonon))
    q = np.random.default_rng(11).uniform(-3, 3, (12, 3))
    primitive = model.force_constants.q_primitive(q)
    mesh = (3, 3, 3) if name == "Zr3N4" else (5, 5, 5)
    phonon.run_mesh(mesh, is_mesh_symmetry=False, with_eigenvectors=True)

    def f0(symbol: str, s: float) -> float:
        return float(form_factors([symbol], 4 * np.pi * s)[0].real)

    phonon.run_dynamic_structure_factor(primitive, 300.0, atomic_form_factor_func=f0, freq_min=1e-3)
    theirs = phonon.dynamic_structure_factor
    ours = model.structure_factor(q, 300.0, debye_waller=model.debye_waller(300.0, mesh))
    values = to_phonopy_units(ours)
    for i in range(len(q)):
        frequency = theirs.frequencies[i] * constants.h * 1e12 / constants.e * 1e3
        assert ours.energy_mev[i] == pytest.approx(frequency, rel=1e-5, abs=1e-4)
        assert grouped(ours.energy_mev[i], values[i]) == pytest.approx(
            grouped(ours.energy_mev[i], theirs.dynamic_structure_factors[i]), rel=1e-4, abs=1e-4
        )


def test_bragg_position_is_the_limit_along_a_direction(shared_data: Path):
    """LO-TO splitting at Γ itself depends on where one comes from, as does the intensity."""
    model = PhononModel.of(from_phonopy(phonopy_example(shared_data, "NaCl")))
    bragg, towards = np.array([2.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0])
    at = model.structure_factor(bragg, 300.0, debye_waller="none", direction=towards)
    near = model.structure_factor(bragg + 1e-5 * towards, 300.0, debye_waller="none")
    assert at.energy_mev[0, 3:] == pytest.approx(near.energy_mev[0, 3:], abs=1e-4)
    assert at.intensity[0, 3:5].sum() == pytest.approx(0.0, abs=1e-6)
    assert at.intensity[0, 5] == pytest.approx(near.intensity[0, 5], rel=1e-4)
    without = model.structure_factor(bragg, 300.0, debye_waller="none")
    assert without.energy_mev[0, 5] == pytest.approx(at.energy_mev[0, 3], abs=1e-6)
