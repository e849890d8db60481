"""The moment tensor potential against motep, finite differences and conservation laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.md.verlet import VelocityVerlet
from ase.neighborlist import neighbor_list

from ixs_core.errors import InputError
from simulate.md.moment_tensor_calculator import MomentTensorCalculator
from simulate.md.moment_tensor_potential import read_moment_tensor_potential
from simulate.md.neighbour_pairs import neighbour_pairs
from simulate.md.run import thermal_momenta

SPECIES = ("Cs", "Cu", "I")
TINY = """MTP
version = 1.1.0
scaling = 1.0e-01
species_count = 2
radial_basis_type = RBChebyshev
\tmin_dist = 1.0
\tmax_dist = 4.0
\tradial_basis_size = 3
\tradial_funcs_count = 1
\tradial_coeffs
\t\t0-0
\t\t\t{0.1, 0.2, 0.3}
\t\t0-1
\t\t\t{0.4, 0.5, 0.6}
\t\t1-0
\t\t\t{0.4, 0.5, 0.6}
\t\t1-1
\t\t\t{0.7, 0.8, 0.9}
alpha_moments_count = 5
alpha_index_basic_count = 4
alpha_index_basic = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}
alpha_index_times_count = 3
alpha_index_times = {{1, 1, 1, 4}, {2, 2, 1, 4}, {3, 3, 1, 4}}
alpha_scalar_moments = 2
alpha_moment_mapping = {0, 4}
species_coeffs = {-1.0, -2.0}
moment_coeffs = {0.5, 0.25}
"""


def _tiny(tmp_path: Path, old: str = "", new: str = "") -> Path:
    file = tmp_path / "tiny.mtp"
    assert not old or old in TINY
    file.write_text(TINY.replace(old, new) if old else TINY, encoding="utf-8")
    return file


def cscu2i3(rattle: float = 0.05) -> Atoms:
    """96 atoms of the Cmcm crystal (2 × 1 × 2 cells), displaced."""
    cell = np.array([10.0365, 12.9392, 6.0538])
    base = {
        "Cs": [(0, 0.338, 0.25), (0, -0.338, 0.75)],
        "Cu": [(0.1328, 0, s) for s in (0, 0.5)] + [(-0.1328, 0, s) for s in (0, 0.5)],
        "I": [
            *((x, -0.1170, 0.75) for x in (0.2791, -0.2791)),
            *((x, 0.1170, 0.25) for x in (0.2791, -0.2791)),
            (0.5, -0.3696, 0.75),
            (0.5, 0.3696, 0.25),
        ],
    }
    symbols, places = [], []
    for element, found in base.items():
        for place in found:
            for centring in ((0, 0, 0), (0.5, 0.5, 0)):
                symbols.append(element)
                places.append(np.add(place, centring))
    atoms = Atoms(symbols, scaled_positions=places, cell=cell, pbc=True).repeat((2, 1, 2))
    atoms.rattle(rattle, seed=3)
    return atoms


@pytest.fixture
def potential(shared_data: Path) -> Path:
    return shared_data / "cscu2i3" / "potential" / "cscuI.mtp"


def test_equals_motep(potential: Path) -> None:
    motep = pytest.importorskip("motep.calculator")
    from motep.io.mlip.mtp import read_mtp

    peer_data = read_mtp(potential)
    peer_data.species = [55, 29, 53]
    ours, peer = cscu2i3(), cscu2i3()
    ours.calc, peer.calc = MomentTensorCalculator(potential, SPECIES), motep.MTP(peer_data)
    assert len(ours) == 96
    assert ours.get_potential_energy() == pytest.approx(peer.get_potential_energy(), abs=1e-9)
    assert np.abs(ours.get_forces() - peer.get_forces()).max() < 1e-10
    assert np.abs(ours.get_forces()).max() > 0.1
    assert np.abs(ours.get_stress() - peer.get_stress()).max() < 1e-12


def test_forces_and_stress_are_derivatives_of_the_energy(potential: Path) -> None:
    atoms = cscu2i3()
    atoms.calc = MomentTensorCalculator(potential, SPECIES)
    forces, stress = atoms.get_forces(), atoms.get_stress(voigt=False)
    step = 1e-4
    for atom, axis in ((0, 0), (20, 1), (70, 2)):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.calc = atoms.calc
            moved.positions[atom, axis] += sign * step
            energies.append(moved.get_potential_energy())
        assert -(energies[0] - energies[1]) / (2 * step) == pytest.approx(
            forces[atom, axis], abs=2e-7
        )
    energies = []
    for sign in (1, -1):
        strained = atoms.copy()
        strained.calc = atoms.calc
        strain = np.eye(3)
        strain[0, 1] += sign * step
        strained.set_cell(atoms.cell @ strain, scale_atoms=True)
        energies.append(strained.get_potential_energy())
    slope = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
    assert slope == pytest.approx(stress[0, 1], abs=1e-8)


def test_threads_and_lists_with_skin_change_nothing(potential: Path) -> None:
    atoms = cscu2i3()
    calculator = MomentTensorCalculator(potential, SPECIES, threads=3)
    atoms.calc = calculator
    atoms.get_forces()
    atoms.rattle(0.02, seed=5)  # within the skin: the list stays
    kept = atoms.get_forces()
    fresh = atoms.copy()
    fresh.calc = MomentTensorCalculator(potential, SPECIES)
    np.testing.assert_allclose(kept, fresh.get_forces(), atol=1e-12)
    wrapped = atoms.copy()
    wrapped.wrap()
    wrapped.calc = calculator
    np.testing.assert_allclose(wrapped.get_forces(), kept, atol=1e-12)


def test_two_atoms_by_hand(tmp_path: Path) -> None:
    atoms = Atoms("NaCl", [(0, 0, 0), (0, 0, 2.0)])
    atoms.calc = MomentTensorCalculator(_tiny(tmp_path), ("Na", "Cl"))
    # ξ = -1/3: T = 1, -1/3, -7/9; f = 0.1 (4-2)² (0.4 - 0.5/3 - 0.6 × 7/9)
    f = 0.1 * 4 * (0.4 - 0.5 / 3 - 0.6 * 7 / 9)
    expected = -3 + 2 * (0.5 * f + 0.25 * f**2)
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1e-14)
    # Farther than the cutoff only the atoms' own energies are left.
    atoms.positions[1, 2] = 4.0
    assert atoms.get_potential_energy() == -3


@pytest.mark.parametrize("periodic", [(True, True, True), (True, False, True)])
@pytest.mark.parametrize("distance", [2.0, 7.0])
def test_pairs_equal_those_of_ase(periodic: tuple[bool, ...], distance: float) -> None:
    rng = np.random.default_rng(0)
    cell = np.array([[6.0, 0, 0], [2.5, 5.0, 0], [-1.0, 1.5, 7.0]])
    atoms = Atoms("Ar25", rng.uniform(-4, 12, (25, 3)), cell=cell, pbc=periodic)
    pairs = neighbour_pairs(atoms.positions, cell, np.array(periodic), distance)
    i, j, arm = neighbor_list("ijD", atoms, distance)
    ours = np.repeat(np.arange(25), np.diff(pairs.start))
    arms = atoms.positions[pairs.other] + pairs.shift - atoms.positions[ours]
    mine = np.column_stack([ours, pairs.other, arms])
    theirs = np.column_stack([i, j, arm])
    assert mine.shape == theirs.shape
    order = [np.lexsort(np.round(pairs_, 6).T[::-1]) for pairs_ in (mine, theirs)]
    np.testing.assert_allclose(mine[order[0]], theirs[order[1]], atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("MTP\nversion", "MLIP\nversion", "not a moment tensor potential"),
        ("RBChebyshev", "RBTaylor", "not supported"),
        ("{0.4, 0.5, 0.6}\n\t\t1-0", "{0.4, 0.5}\n\t\t1-0", "number of values"),
        ("0.1, 0.2", "0.1, nan", "not finite"),
        ("0.1, 0.2", "0.1, __import__('os')", "no number"),
        ("moment_coeffs = {0.5, 0.25}", "", "not trained"),
        ("{3, 3, 1, 4}", "{3, 9, 1, 4}", "out of range"),
        ("{3, 3, 1, 4}", "{4, 4, 1, 4}", "before it is complete"),
        ("mapping = {0, 4}", "mapping = {0, 5}", "out of range"),
        ("max_dist = 4.0", "max_dist = 0.5", "out of range"),
        ("alpha_moments_count = 5", "alpha_moments_count = 5000000", "nothing defines"),
        ("version = 1.1.0", "magnetic_basis_type = RBChebyshev", "magnetic"),
        ("1-0\n", "0-1\n", "another pair"),
        ("{0, 0, 0, 1}}", "{7, 0, 0, 1}}", "does not exist"),
    ],
)
def test_faults_of_files_are_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_moment_tensor_potential(_tiny(tmp_path, old, new))


def test_faults_of_use_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="number of species"):
        MomentTensorCalculator(_tiny(tmp_path), ("Na",))
    atoms = Atoms("NaAr", [(0, 0, 0), (0, 0, 2.0)])
    atoms.calc = MomentTensorCalculator(_tiny(tmp_path), ("Na", "Cl"))
    with pytest.raises(InputError, match="Ar"):
        atoms.get_potential_energy()
    with pytest.raises(InputError, match="cannot be read"):
        read_moment_tensor_potential(tmp_path / "none.mtp")


@pytest.mark.slow
def test_energy_is_conserved(potential: Path) -> None:
    atoms = cscu2i3(0.01)
    atoms.calc = MomentTensorCalculator(potential, SPECIES)
    atoms.set_momenta(thermal_momenta(atoms, 300.0, 1))
    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    totals: list[float] = []
    dynamics.attach(lambda: totals.append(atoms.get_total_energy()), interval=10)
    dynamics.run(1000)
    tenth = len(totals) // 10
    drift = abs(np.mean(totals[-tenth:]) - np.mean(totals[:tenth])) / len(atoms)
    assert drift < 0.05e-3
