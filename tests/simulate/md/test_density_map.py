"""Densities of simulations against sums over atoms, refined models and known distributions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import form_factors
from mem.grid import grid_permutation
from mem.model_structure import structure_factors
from mem.prior import procrystal
from simulate.md.cell_harmonics import Harmonics, phase_sums
from simulate.md.density_map import (
    MdDensity,
    electron_density,
    fold_onto,
    md_density,
    number_density,
)
from simulate.md.map_frame import density_frame
from tests.simulate.md.density_crystals import (
    TRICLINIC,
    cartesian_u,
    resting,
    rock_salt,
    site,
    two_atoms,
    vibrating,
)
from tests.simulate.md.memory_trajectory import memory_trajectory

HKL = np.array([[0, 0, 0], [1, 0, 0], [0, -2, 1], [3, 1, -2], [-4, 5, 3], [2, 2, 6]])


def factors_of(density: MdDensity, hkl: FloatArray) -> np.ndarray:
    """F(h) of a density from its grid, by the transform that defines it."""
    transform = np.fft.fftn(density.values) * density.lattice.volume / density.values.size
    return transform[tuple(np.asarray(hkl).T)].conj()


def model_density(crystal: Crystal, shape: tuple[int, int, int], d_min: float) -> FloatArray:
    """Fourier sum of the model's structure factors, the table of f0 being ours."""
    axes = [np.rint(np.fft.fftfreq(n) * n).astype(int) for n in shape]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = crystal.lattice.d_spacing(hkl) >= d_min
    terms = np.zeros(shape, dtype=complex)
    factors = structure_factors(crystal, hkl[inside], table="waasmaier-kirfel")
    terms[tuple(hkl[inside].T)] = factors.conj()
    return np.fft.ifftn(terms, norm="forward").real / crystal.lattice.volume


def test_phase_sums_are_those_of_the_points() -> None:
    rng = np.random.default_rng(2)
    points = rng.uniform(-4, 4, size=(7, 3))
    harmonics = Harmonics.within(TRICLINIC, 0.4)
    found = phase_sums(points, harmonics)
    direct = np.exp(2j * np.pi * (harmonics.hkl @ points.T)).sum(axis=1)
    edge = np.max(np.abs(harmonics.hkl) / harmonics.largest, axis=1)
    # The alias of h is h - N with N ≥ 4 h_max: (h / (N - h))⁶ of a sum of at most 7, per axis.
    bound = 3 * 2 * 7 * (edge / (4 - edge)) ** 6
    assert np.all(np.abs(found - direct) <= bound + 1e-12)
    assert np.abs(found - direct)[edge < 0.25].max() < 1e-4


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 3)])
def test_atoms_at_rest_have_the_factors_of_the_model(repeats: tuple[int, int, int]) -> None:
    crystal = two_atoms()
    run = resting(crystal, repeats)
    found = md_density(run, lattice=crystal.lattice, step=0.05, d_min=0.2)
    expected = structure_factors(crystal, HKL, table="waasmaier-kirfel")
    # Their f0 misses Z by 0.0083 and 0.0025 electrons of Cu and I at Q = 0, ours is scaled.
    np.testing.assert_allclose(factors_of(found, HKL), expected, atol=0.0108)
    assert found.electrons == pytest.approx(29 + 53, abs=1e-9)
    assert found.cell == pytest.approx(crystal.lattice.cell)


def test_atoms_at_rest_are_the_sum_of_their_own_densities() -> None:
    """The cut series of each atom, summed in space."""
    crystal = two_atoms()
    found = md_density(resting(crystal), step=0.1, d_min=0.35)
    harmonics = Harmonics.within(crystal.lattice, 0.35)
    hkl = np.concatenate([harmonics.hkl, -harmonics.hkl[harmonics.hkl[:, 2] > 0]])
    f0 = form_factors(["Cu", "I"], crystal.lattice.q_abs(hkl)).real
    index = np.array([[5, 15, 39], [23, 36, 18], [0, 0, 0], [37, 10, 28]])
    value = np.zeros(len(index))
    for number, atom in enumerate(crystal.sites):
        angle = 2 * np.pi * ((index / found.shape - atom.position) @ hkl.T)
        value += np.cos(angle) @ f0[:, number] / crystal.lattice.volume
    np.testing.assert_allclose(found.values[tuple(index.T)], value, atol=1e-3 * value.max())


def test_gaussian_displacements_are_the_models_u() -> None:
    u = np.array([[0.030, 0.006, -0.004], [0.006, 0.022, 0.003], [-0.004, 0.003, 0.041]])
    crystal = two_atoms(u, 0.025)
    run = vibrating(crystal, (2, 2, 2), 4096, seed=5, evenly=True)
    found = md_density(run, lattice=crystal.lattice, step=0.08)
    expected = structure_factors(crystal, HKL, table="waasmaier-kirfel")
    np.testing.assert_allclose(factors_of(found, HKL), expected, atol=0.1)
    model = model_density(crystal, found.shape, d_min=0.2)
    assert np.abs(found.values - model).max() < 0.005 * model.max()
    assert np.abs(found.values - model).mean() < 0.01 * model.mean()
    assert (found.values - model)[model < 0.1].mean() == pytest.approx(0, abs=1e-4)
    # Of another table of f0, and as sums of Gaussians around the atoms.
    gaussians = procrystal(crystal, found.shape)
    assert np.abs(found.values - gaussians).max() < 0.02 * gaussians.max()
    assert np.abs(found.values - gaussians).mean() < 0.02 * gaussians.mean()
    assert found.values.min() > 0
    assert found.electrons == pytest.approx(82, abs=1e-9)


def test_the_electrons_are_those_of_the_ions() -> None:
    run = resting(two_atoms(), (2, 1, 1))
    found = md_density(run, lattice=(2, 1, 1), step=0.2, d_min=0.5, ions={"Cu": "Cu2+", "I": "I1-"})
    assert found.electrons == pytest.approx(27 + 54, abs=1e-9)


def test_folded_cells_are_one_cell() -> None:
    crystal = two_atoms(0.02, 0.03)
    one = vibrating(crystal, (2, 1, 1), 40, seed=1)
    block = one.read()
    many = np.concatenate([block.positions + i * one.cell[1] for i in range(3)], axis=1)
    rows = one.cell * np.array([[1], [3], [1]])
    repeated = memory_trajectory(many, one.species * 3, rows)
    single = md_density(one, lattice=crystal.lattice, step=0.15, d_min=0.4)
    folded = md_density(repeated, lattice=(2, 3, 1), step=0.15, d_min=0.4)
    np.testing.assert_allclose(folded.values, single.values, atol=1e-9 * single.values.max())
    assert folded.stderr is not None
    assert single.stderr is not None
    np.testing.assert_allclose(folded.stderr, single.stderr, atol=1e-7)


def test_vectors_in_the_frame_of_the_simulation_may_be_turned() -> None:
    crystal = rock_salt()
    run = resting(crystal, (2, 2, 1))
    # Half of the diagonals of two cells: a tetragonal cell of half the volume.
    vectors = cell_vectors(crystal.lattice)
    rows = np.array([(vectors[0] + vectors[1]) / 2, (vectors[1] - vectors[0]) / 2, vectors[2]])
    found = md_density(run, lattice=rows, step=0.15, d_min=0.4)
    assert found.electrons == pytest.approx(2 * (29 + 53), abs=1e-9)
    assert found.cell[0] == pytest.approx(5.6 / np.sqrt(2))


def test_symmetric_atoms_are_left_as_they_are() -> None:
    crystal = rock_salt()
    run = resting(crystal, (2, 2, 2))
    plain = md_density(run, lattice=crystal.lattice, grid=(32, 32, 32), d_min=0.5)
    same = md_density(
        run, lattice=crystal.lattice, grid=(32, 32, 32), d_min=0.5, symmetry=crystal.symmetry
    )
    # The splines themselves have errors of 3⁻⁶ at the shortest periods of atoms at rest.
    np.testing.assert_allclose(same.values, plain.values, atol=2e-3 * plain.values.max())
    assert same.symmetry.number == 225


def test_the_average_has_the_symmetry() -> None:
    crystal = rock_salt()
    run = vibrating(crystal, (2, 1, 1), 10, seed=3)
    found = md_density(
        run, lattice=crystal.lattice, grid=(24, 24, 24), symmetry=crystal.symmetry, d_min=0.6
    )
    for rotation, translation in zip(
        crystal.symmetry.rotations, crystal.symmetry.translations, strict=True
    ):
        image = grid_permutation(found.shape, rotation, translation)
        np.testing.assert_allclose(found.values.ravel()[image], found.values.ravel(), atol=1e-9)
    assert found.electrons == pytest.approx(4 * 82, abs=1e-9)


def test_a_strained_cell_is_averaged_all_the_same() -> None:
    crystal = rock_salt()
    run = vibrating(crystal, (2, 1, 1), 30, seed=4)
    stretch = np.diag([1.004, 0.997, 1.0])
    strained = memory_trajectory(run.read().positions @ stretch, run.species, run.cell @ stretch)
    found = md_density(
        strained,
        lattice=(2, 1, 1),
        grid=(24, 24, 24),
        symmetry=crystal.symmetry,
        d_min=0.6,
        blocks=1,
    )
    image = grid_permutation(found.shape, np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]), np.zeros(3))
    np.testing.assert_allclose(found.values.ravel()[image], found.values.ravel(), atol=1e-9)
    assert found.stderr is None
    assert found.cell[0] == pytest.approx(5.6 * 1.004)


def test_a_drift_of_the_whole_is_none() -> None:
    crystal = two_atoms(0.02, 0.03)
    still = vibrating(crystal, (2, 1, 1), 50, seed=6)
    wind = np.linspace(0, 7, 50)[:, None, None] * np.array([1.0, -0.4, 0.7])
    blown = memory_trajectory(still.read().positions + wind, still.species, still.cell)
    a, b = (md_density(r, lattice=crystal.lattice, step=0.15, d_min=0.4) for r in (still, blown))
    np.testing.assert_allclose(a.values, b.values, atol=1e-6 * a.values.max())


def test_the_origin_is_that_of_the_files_own_sites() -> None:
    crystal = two_atoms(0.02, 0.02)
    run = vibrating(crystal, (2, 1, 1), 60, seed=7)
    block = run.read()
    sites = resting(crystal, (2, 1, 1), 1).read().positions[0]
    away = np.array([0.7, 0.3, -1.1])
    moved = memory_trajectory(block.positions + away, run.species, run.cell)
    a = md_density(replace(run, reference=sites), lattice=(2, 1, 1), step=0.15)
    b = md_density(replace(moved, reference=sites), lattice=(2, 1, 1), step=0.15)
    np.testing.assert_allclose(a.values, b.values, atol=1e-6 * a.values.max())


def test_the_origin_is_that_of_the_structure() -> None:
    crystal = two_atoms(0.02, 0.02)
    run = vibrating(crystal, (2, 1, 1), 60, seed=8)
    away = np.array([0.31, 0.77, 0.45])
    rows = cell_vectors(crystal.lattice)
    moved = memory_trajectory(run.read().positions + away @ rows, run.species, run.cell)
    found = md_density(moved, structure=crystal, step=0.15)
    assert found.shift is not None
    apart = found.shift + away
    np.testing.assert_allclose(apart, np.round(apart), atol=2e-3)
    np.testing.assert_allclose(
        found.values,
        md_density(run, structure=crystal, step=0.15).values,
        atol=1e-4 * found.values.max(),
    )
    assert any("two.cif" in note and "moved by" in note for note in found.notes)
    assert found.structure is not None


def test_of_equivalent_origins_the_nearest_counts() -> None:
    """In rock salt half a cell along the face diagonals is none, and must not be chosen."""
    crystal = rock_salt()
    found = md_density(vibrating(crystal, (2, 1, 1), 20, seed=9), structure=crystal, step=0.2)
    assert found.shift is not None
    assert np.abs(found.shift).max() < 0.01


def test_the_group_of_the_ideal_sites_is_found_with_its_origin() -> None:
    crystal = rock_salt()
    run = resting(crystal, (2, 1, 1))
    places = run.read().positions[0] + np.array([0.4, 0.1, 0.2])
    moved = memory_trajectory(np.array([places, places]), run.species, run.cell)
    found = md_density(
        replace(moved, reference=places), lattice=(2, 1, 1), symmetry="reference", d_min=0.6
    )
    assert found.symmetry.number == 225
    assert found.shift is not None
    corner = (found.shift + np.array([0.4, 0.1, 0.2]) / 5.6) % 0.5
    np.testing.assert_allclose(np.minimum(corner, 0.5 - corner), 0, atol=1e-6)
    plain = md_density(
        replace(run, reference=run.read().positions[0]), lattice=(2, 1, 1), d_min=0.6
    )
    assert found.values.max() == pytest.approx(plain.values.max(), rel=2e-3)


def test_an_even_strain_moves_nothing() -> None:
    """A cell that breathes with all atoms in it."""
    crystal = two_atoms()
    run = resting(crystal, (2, 1, 1), frames=6)
    factors = 1 + 0.02 * np.sin(np.arange(6))
    source = _Breathing(run.read().positions[0], run.cell, factors)
    breathing = replace(
        run, source=source, cell=run.cell * factors.mean(), varying_cell=True, n_frames=6
    )
    a, b = (
        md_density(r, lattice=(2, 1, 1), grid=(24, 30, 27), d_min=0.5) for r in (run, breathing)
    )
    np.testing.assert_allclose(
        a.values * a.lattice.volume,
        b.values * b.lattice.volume,
        atol=0.02 * a.values.max() * a.lattice.volume,
    )


class _Breathing:
    """Frames of atoms at rest in a cell of varying size."""

    def __init__(self, places: FloatArray, cell: FloatArray, factors: FloatArray) -> None:
        self._places, self._cell, self._factors = places, cell, factors

    def read(self, start: int, stop: int, atoms: FloatArray | None = None) -> object:
        from simulate.md.trajectory import FrameBlock

        scale = self._factors[start:stop, None, None]
        places = self._places if atoms is None else self._places[atoms]
        return FrameBlock(start, scale * places, None, scale * self._cell)


def test_the_standard_error_is_the_scatter_of_repeated_runs() -> None:
    crystal = two_atoms(0.03, 0.03)
    path = [[0.12, 0.31, 0.83], [0.55, 0.72, 0.37]]
    profiles = [
        md_density(
            vibrating(crystal, (2, 1, 1), 64, seed=seed), lattice=(2, 1, 1), d_min=0.5
        ).profile(path, 9)
        for seed in range(24)
    ]
    scatter = np.std([one.density for one in profiles], axis=0, ddof=1)
    stated = np.sqrt(np.mean([one.sigma**2 for one in profiles], axis=0))
    assert np.all(scatter / stated < 1.6)
    assert np.all(scatter / stated > 0.6)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    crystal = two_atoms(0.02, 0.02)
    run = vibrating(crystal, (2, 2, 1), 50, seed=11)
    a, b = (md_density(run, lattice=(2, 2, 1), step=0.15, workers=n) for n in (1, 3))
    assert np.array_equal(a.values, b.values)


def test_ions_are_counted_where_they_are() -> None:
    crystal = two_atoms(0.04, 0.04)
    run = vibrating(crystal, (2, 2, 2), 512, seed=12, evenly=True)
    frame = density_frame(run, lattice=(2, 2, 2), step=0.1)
    folded = fold_onto(run, frame)
    found = number_density(frame, folded, "Cu", blur_angstrom=0.15)
    volume = crystal.lattice.volume
    assert found.values.mean() * volume == pytest.approx(1.0, abs=1e-9)
    width = cartesian_u(crystal, 0) + 0.15**2 * np.eye(3)
    height = 1 / np.sqrt(np.linalg.det(2 * np.pi * width))
    assert found.profile([[0.12, 0.31, 0.83], [0.5, 0.5, 0.5]], 3).density[0] == pytest.approx(
        height, rel=0.01
    )
    assert found.unit == "ions/angstrom^3"
    both = electron_density(frame, folded)
    assert both.electrons == pytest.approx(82, abs=1e-9)


def test_cubic_cells_of_any_lattice_parameter_match_the_structure() -> None:
    """The simulation's lattice is its own; the structure's a few percent off."""
    crystal = rock_salt()
    run = vibrating(crystal, (2, 1, 1), 20, seed=13)
    smaller = memory_trajectory(run.read().positions * 0.97, run.species, run.cell * 0.97)
    found = md_density(smaller, structure=crystal, step=0.2, symmetry="structure")
    assert found.lattice.a == pytest.approx(5.6 * 0.97)
    assert any("-3.00, -3.00, -3.00 %" in note for note in found.notes)


def one_atom(lattice: Lattice) -> Crystal:
    return Crystal(lattice, (site("Cu", (0.0, 0.0, 0.0), 0.02),), two_atoms().symmetry)


def test_the_simulation_cell_is_the_default() -> None:
    crystal = one_atom(Lattice.cubic(3.0))
    found = md_density(resting(crystal, (1, 1, 2)), step=0.2, d_min=0.6)
    assert found.lattice.c == pytest.approx(6.0)
    assert found.electrons == pytest.approx(58, abs=1e-9)
