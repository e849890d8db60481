"""Which atoms move in a mode, and how far along q: closed forms, invariances, and phonopy."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import unitary_group

from simulate.phonons import Modes, PhononModel, parse_path, path_lines
from simulate.phonons.character import ModeCharacter, share_along, site_shares
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.paths import ReciprocalPath, character_of
from simulate.phonons.site_labels import sites_of
from tests.simulate.crystals import diatomic_chain, from_phonopy, phonopy_example, simple_cubic
from tests.simulate.spring_crystals import rocksalt, triclinic, zincblende

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"


def along(crystal: ForceConstants, text: str) -> tuple[ModeCharacter, np.ndarray, ReciprocalPath]:
    """Character, energies (nq, ns) and path."""
    model = PhononModel.of(crystal)
    path = parse_path(text, model.lattice)
    lines = path_lines(model, path, 300.0, debye_waller="none")
    assert lines.character is not None
    return lines.character, lines.energy_mev, path


def nearest_directions(crystal: ForceConstants, hkl: np.ndarray) -> list[np.ndarray]:
    """Unit vectors from all nearest reciprocal lattice points, by trying hundreds of them."""
    reciprocal = 2 * np.pi * np.linalg.inv(crystal.vectors).T
    q = np.linalg.inv(crystal.conventional) @ hkl
    around = np.rint(q) + np.array(list(itertools.product(range(-3, 4), repeat=3)))
    offsets = (q - around) @ reciprocal
    length = np.linalg.norm(offsets, axis=1)
    return [v / np.linalg.norm(v) for v in offsets[length < length.min() + 1e-6]]


def test_diatomic_chain_at_gamma_shares_by_mass_and_the_other_way_round() -> None:
    masses = (23.0, 35.5)
    character, energy, _ = along(diatomic_chain(4.0, masses), "0 0 0 : 0 0 0.5 : 11")
    assert character.labels == ("Na", "Cl")
    assert energy[0, 2] < 1e-3 < energy[0, 3]
    part = np.array(masses) / sum(masses)
    np.testing.assert_allclose(character.shares[0, :3], np.tile(part, (3, 1)), atol=1e-9)
    np.testing.assert_allclose(character.shares[0, 3:], np.tile(part[::-1], (3, 1)), atol=1e-9)
    # All three polarisations have one energy: the mean over them is a third, whatever q.
    np.testing.assert_allclose(character.longitudinal, 1 / 3, atol=1e-12)
    assert (character.degeneracy == 3).all()


def test_diatomic_chain_at_the_border_moves_one_sublattice() -> None:
    """At qz = ½ the lower mode moves the heavy atoms alone, the upper one the light ones."""
    character, _, _ = along(diatomic_chain(4.0, (23.0, 35.5)), "0 0 0 : 0 0 0.5 : 11")
    np.testing.assert_allclose(character.shares[-1, :3], [[0.0, 1.0]] * 3, atol=1e-9)
    np.testing.assert_allclose(character.shares[-1, 3:], [[1.0, 0.0]] * 3, atol=1e-9)


def test_diatomic_chain_between_them_has_the_textbooks_ratio() -> None:
    """u_Cl/u_Na = (2K - M_Na ω²)/(2K cos πq), so shares follow from masses and ω alone."""
    stiffness, (light, heavy) = 4.0, (23.0, 35.5)
    character, energy, path = along(diatomic_chain(stiffness, (light, heavy)), "0 0 0:0 0 0.5:11")
    ev_to_mev2 = 1e3 * 4.180159  # ħ²/(amu Å²) in meV
    for i in (3, 6, 9):
        for s in (0, 5):
            mass_omega2 = light * energy[i, s] ** 2 / ev_to_mev2
            ratio = (2 * stiffness - mass_omega2) / (
                2 * stiffness * np.cos(np.pi * path.q_hkl[i, 2])
            )
            kinetic = np.array([light, heavy * ratio**2])
            np.testing.assert_allclose(character.shares[i, s], kinetic / kinetic.sum(), atol=2e-5)


@pytest.mark.parametrize("start", ["0 0 0", "2 0 0", "3 1 1"])
@pytest.mark.parametrize("crystal", [rocksalt(), zincblende()], ids=["rocksalt", "zincblende"])
def test_cubic_crystal_along_100_is_longitudinal_or_transverse(
    crystal: ForceConstants, start: str
) -> None:
    h, rest = float(start.split()[0]), start[1:]
    character, _, _ = along(crystal, f"{start} : {h + 1} {rest} : 21")
    inside = character.longitudinal[1:]
    assert ((inside > 1 - 1e-9) | (inside < 1e-9)).all()
    np.testing.assert_allclose(inside.sum(axis=1), 2.0)  # one LA, one LO of six
    single = character.degeneracy[1:] == 1
    assert (inside[single] > 1 - 1e-9).all()


def test_at_gamma_the_direction_of_the_path_counts() -> None:
    stiffness = np.array([[4.0, 1.0, 2.0], [1.0, 4.0, 2.5], [1.0, 1.5, 3.0]])
    chain = simple_cubic(stiffness)
    there, _, path = along(chain, "1 0 0 : 1 0.2 0 : 3 ; 1 0.2 0 : 1.2 0.2 0 : 3")
    assert not there.q_reduced[0].any()
    np.testing.assert_allclose(there.longitudinal[0], 1 / 3)  # the three translations together
    assert (there.degeneracy[0] == 3).all()
    np.testing.assert_allclose(there.q_reduced[1:], path.q_hkl[1:] - [1, 0, 0], atol=1e-12)
    single = PhononModel.of(chain).modes([0.0, 0.1, 0.0])
    # Polarised along x, y, z by construction, softest first: x (1.0), z (2.5), y (4.0).
    np.testing.assert_allclose(there.longitudinal[1], [0, 0, 1], atol=1e-9)
    assert single.energy_mev[0, 2] > single.energy_mev[0, 1]


def test_polar_crystal_at_gamma_splits_along_the_path(shared_data: Path) -> None:
    """LO of NaCl at Γ moves along the path, the two TO across it, from either end."""
    crystal = from_phonopy(phonopy_example(shared_data, "NaCl"))
    character, energy, _ = along(crystal, "2 0 0 : 3 0 0 : 11 ; 3 0 0 : 2 0 0 : 11")
    for end in (0, -1):
        assert energy[end, 5] - energy[end, 4] > 10
        np.testing.assert_allclose(character.longitudinal[end, 3:], [0, 0, 1], atol=1e-6)
        assert (character.degeneracy[end] == [3, 3, 3, 2, 2, 1]).all()


def test_without_a_direction_at_gamma_it_is_not_known() -> None:
    model = PhononModel.of(zincblende())
    modes = model.modes([[1.0, 1, 1], [1.1, 1, 1]])
    character = character_of(model, modes, np.zeros((2, 3)))
    assert np.isnan(character.longitudinal[0]).all()
    assert np.isfinite(character.longitudinal[1]).all()
    np.testing.assert_allclose(character.shares.sum(axis=2), 1)


def test_shares_are_the_same_for_any_phase_and_any_basis_of_degenerate_modes() -> None:
    model = PhononModel.of(zincblende())
    path = parse_path("0 0 0 : 1 0 0 : 9 ; 0 0 0 : 0.5 0.5 0.5 : 7", model.lattice)
    modes = model.modes(path.q_hkl)
    approach = np.tile([1.0, 0.0, 0.0], (len(path.q_hkl), 1))
    generator = np.random.default_rng(3)
    turned = modes.eigenvectors * np.exp(
        1j * generator.uniform(0, 7, (len(path.q_hkl), 1, model.n_modes))
    )
    for i, energy in enumerate(modes.energy_mev):
        for value in energy:
            same = np.flatnonzero(np.abs(energy - value) < 1e-4)
            if same.size > 1:
                basis = unitary_group.rvs(same.size, random_state=generator)
                turned[i][:, same] = turned[i][:, same] @ basis
    one = character_of(model, modes, approach)
    other = character_of(model, replace(modes, eigenvectors=turned), approach)
    assert (one.degeneracy > 1).any()
    np.testing.assert_allclose(other.shares, one.shares, atol=1e-9)
    np.testing.assert_allclose(other.longitudinal, one.longitudinal, atol=1e-9)
    # The shares of single modes do depend on it: the mean is needed.
    one_by_one = [site_shares(v, np.arange(2)) for v in (modes.eigenvectors, turned)]
    along_x = [share_along(v, approach) for v in (modes.eigenvectors, turned)]
    assert np.abs(along_x[0] - along_x[1]).max() > 0.1
    assert np.abs(one_by_one[0] - one_by_one[1]).max() < 1e-6  # symmetry of zincblende


def test_two_chains_of_one_energy_share_their_atoms() -> None:
    """Atoms that never meet, by chance at one energy: a basis may mix them, the mean is ½ each."""
    model = PhononModel.of(diatomic_chain(4.0, (30.0, 30.0)))
    vectors = np.eye(6, dtype=complex)[None]
    quarter = np.kron(np.array([[1, 1], [-1, 1]]) / np.sqrt(2), np.eye(3))[None].astype(complex)
    for basis in (vectors, quarter):
        modes = Modes(np.array([[0.0, 0.0, 0.3]]), np.full((1, 6), 5.0), basis)
        character = character_of(model, modes, np.zeros((1, 3)))
        np.testing.assert_allclose(character.shares, 0.5)
        np.testing.assert_allclose(character.longitudinal, 1 / 3)


def test_sums_are_one_and_longitudinal_shares_sum_to_the_number_of_atoms() -> None:
    """Σ_X p_X = 1; over all modes Σ_s p_X = 3 n_X and Σ_s l = n, for eigenvectors are complete."""
    crystal = triclinic()
    character, _, _ = along(crystal, "0.3 0 0.1 : 2.2 1.3 0.7 : 23")
    np.testing.assert_allclose(character.shares.sum(axis=2), 1, atol=1e-12)
    counts = np.bincount(sites_of(crystal).of_atom)
    np.testing.assert_allclose(
        character.shares.sum(axis=1), np.tile(3.0 * counts, (23, 1)), atol=1e-9
    )
    np.testing.assert_allclose(character.longitudinal.sum(axis=1), 4, atol=1e-9)
    assert (character.longitudinal >= 0).all()
    assert (character.longitudinal <= 1).all()


def test_on_the_border_all_nearest_lattice_points_count_alike() -> None:
    crystal = rocksalt()
    model = PhononModel.of(crystal)
    points = np.array([[0.9, 0.9, 0], [1, 0.5, 0], [0.75, 0.75, 0], [1.2, 0.1, 0.3]])
    modes = model.modes(points)
    found = character_of(model, modes, np.zeros((4, 3)))
    for i, q in enumerate(points):
        directions = nearest_directions(crystal, q)
        assert len(directions) == (2, 4, 3, 1)[i]
        vectors = modes.eigenvectors[i].reshape(2, 3, 6)
        each = [(np.abs(np.einsum("c,dcs->ds", d, vectors)) ** 2).sum(axis=0) for d in directions]
        expected = np.mean(each, axis=0)
        for value in modes.energy_mev[i]:
            same = np.abs(modes.energy_mev[i] - value) < 1e-4
            expected[same] = expected[same].mean()
        np.testing.assert_allclose(found.longitudinal[i], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("eff300K", "7 7 0 : 7 6 0 : 6 ; 4.4 4.1 0.2 : 5.3 4.7 0.9 : 5"),
        ("Si", "1 1 1 : 2 1 1 : 5 ; 0.1 0.2 0.3 : 1.1 0.4 0 : 4"),
        ("NaCl", "0.1 0 0 : 1 0 0 : 4 ; 0.1 0.1 0 : 0.7 0.7 0 : 4"),
    ],
)
def test_equal_to_what_phonopys_eigenvectors_give(shared_data: Path, name: str, text: str) -> None:
    phonon = phonopy_example(shared_data, name)
    crystal = from_phonopy(phonon)
    character, energy, path = along(crystal, text)
    q = path.q_hkl @ np.linalg.inv(crystal.conventional).T
    phonon.run_qpoints(q, with_eigenvectors=True)
    # Acoustic modes at Γ: roots of rounding in both.
    np.testing.assert_allclose(4.13566770 * phonon.qpoints.frequencies, energy, atol=2e-3)
    elements = [label.split()[0] for label in character.labels]
    for i, hkl in enumerate(path.q_hkl):
        step = hkl
        if np.abs(q[i] - np.rint(q[i])).max() < 1e-9:  # Γ: along the path, at its end from before
            j = min(i, next(part.stop for part in path.stretches if i < part.stop) - 2)
            step = path.q_hkl[j + 1] - path.q_hkl[j]
        directions = nearest_directions(crystal, step)
        vectors = phonon.qpoints.eigenvectors[i].reshape(len(crystal.symbols), 3, -1)
        by_atom = (np.abs(vectors) ** 2).sum(axis=1)
        along_q = [np.abs(np.einsum("c,dcs->ds", d, vectors)) ** 2 for d in directions]
        longitudinal = np.mean(along_q, axis=0).sum(axis=0)
        for members in _sets(np.where(energy[i] < 1e-3, 0.0, energy[i])):
            by_atom[:, members] = by_atom[:, members].mean(axis=1, keepdims=True)
            longitudinal[members] = longitudinal[members].mean()
        for element in set(elements):
            of_element = [symbol == element for symbol in crystal.symbols]
            labelled = [own == element for own in elements]
            np.testing.assert_allclose(
                character.shares[i][:, labelled].sum(axis=1),
                by_atom[of_element].sum(axis=0),
                atol=2e-4,
            )
        np.testing.assert_allclose(character.longitudinal[i], longitudinal, atol=2e-4)


def _sets(energy: np.ndarray) -> list[np.ndarray]:
    """Indices of modes within 1e-4 meV of each other, set by set."""
    ends = np.flatnonzero(np.diff(energy) > 1e-4) + 1
    return np.split(np.arange(energy.size), ends)


def test_sites_are_told_apart_by_symmetry_and_counted_as_in_the_space_group() -> None:
    """CsCu2I3 (Cmcm): Cs 4c, Cu 8e, I on 4c and 8g; the primitive cell holds half of each."""
    path = SAMPLES / "cscu2i3" / "phonopy_params_eff300K.yaml.xz"
    crystal = PhononModel.load(path).force_constants
    sites = sites_of(crystal)
    assert sorted(sites.labels) == ["Cs", "Cu", "I (4c)", "I (8g)"]
    count = dict(zip(sites.labels, np.bincount(sites.of_atom).tolist(), strict=True))
    assert count == {"Cs": 2, "Cu": 4, "I (4c)": 2, "I (8g)": 4}
    for atom, symbol in enumerate(crystal.symbols):
        assert sites.labels[sites.of_atom[atom]].split()[0] == symbol


def test_without_symmetry_sites_are_numbered() -> None:
    """P1: both iodines on 1a."""
    sites = sites_of(triclinic())
    assert sites.labels == ("Cs", "Cu", "I (1a) 1", "I (1a) 2")
    assert sites.of_atom.tolist() == [0, 1, 2, 3]
