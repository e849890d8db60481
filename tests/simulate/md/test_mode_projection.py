"""Projection onto modes: a crystal of springs whose motion is found without wave vectors."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from simulate.md.mode_lines import mode_linewidths
from simulate.md.mode_projection import ModeSpectra, project_modes
from simulate.md.reading import read_trajectory
from simulate.md.trajectory import Trajectory
from simulate.phonons.model import PhononModel
from simulate.phonons.modes import Modes
from tests.simulate.md.bonded_crystal import EDGES, BondedCrystal
from tests.simulate.md.harmonic_crystal import BOLTZMANN_MEV_K
from tests.simulate.md.memory_trajectory import memory_trajectory

CRYSTAL = BondedCrystal()
SOME_Q = np.array([[0, 0, 0], [1 / 3, 0.5, 0], [4 / 3, 0.5, -0.5], [1, 0, 0], [-5 / 3, 1, 1.5]])
MV2 = 0.10364269656  # meV of 1 amu (Å/ps)²


@pytest.fixture(scope="module")
def model() -> PhononModel:
    return CRYSTAL.model()


@pytest.fixture(scope="module")
def run() -> Trajectory:
    return CRYSTAL.trajectory(1501, 20.0)


@pytest.fixture(scope="module")
def projected(run: Trajectory, model: PhononModel) -> ModeSpectra:
    return project_modes(run, model, SOME_Q, segment_ps=10.0)


def optical(spectra: ModeSpectra) -> np.ndarray:
    return ~spectra.rigid


def test_energies_and_half_kt(projected: ModeSpectra, model: PhononModel) -> None:
    assert projected.rigid.sum() == 3
    assert projected.self_conjugate.tolist() == [True, False, False, True, False]
    np.testing.assert_allclose(projected.harmonic_mev, model.modes(SOME_Q).energy_mev)
    kinetic = projected.kinetic_mev[optical(projected)]
    np.testing.assert_allclose(kinetic, BOLTZMANN_MEV_K * 300 / 2, rtol=0.02)
    assert projected.temperature_k == pytest.approx(300, rel=0.005)


@pytest.mark.parametrize("source", ["velocities", "positions"])
def test_undamped_lines(run: Trajectory, model: PhononModel, source: str) -> None:
    """Energies to a small part of a bin (that lines at -E reach over), widths below a limit."""
    spectra = project_modes(run, model, [[1 / 3, 0.5, 0]], segment_ps=10.0, source=source)
    found = mode_linewidths(spectra)
    np.testing.assert_allclose(
        found.energy_mev, found.harmonic_mev, rtol=0, atol=0.03 * spectra.bin_mev
    )
    assert (found.fwhm_upper < 0.05 * spectra.fwhm_mev).all()
    assert np.isnan(found.lifetime_ps).all()
    assert not found.overdamped.any()
    np.testing.assert_allclose(found.share, 1, atol=0.05)
    assert found.notes == (
        "9 of 9 widths are not resolved, only limits: longer segments would tell",
    )


def test_one_mode_alone_is_seen_by_none_else(run: Trajectory, model: PhononModel) -> None:
    """The power of each mode's spectrum lies within the response of the window."""
    spectra = project_modes(run, model, SOME_Q, segment_ps=20.0)
    apart = np.abs(spectra.energy_mev - spectra.harmonic_mev[..., None]) > 3 * spectra.bin_mev
    share = (spectra.spectrum * apart).sum(axis=-1) / spectra.spectrum.sum(axis=-1)
    assert share[optical(spectra)].max() < 1e-3


def test_all_modes_hold_the_kinetic_energy(run: Trajectory, model: PhononModel) -> None:
    steps = itertools.product(range(3), range(2), range(2))
    q = np.array([np.array(step) / CRYSTAL.repeats for step in steps])
    # The C-centred cell has twice the wave vectors: those with h + k odd are others.
    q = np.vstack([q, q + np.array([1, 0, 0])])
    spectra = project_modes(run, model, q, segment_ps=10.0)
    velocities = run.read().velocities
    masses = np.where(np.array(run.species) == "Cu", 63.5, 126.9)
    whole = MV2 / 2 * (masses[:, None] * velocities**2).sum() / run.n_frames
    assert spectra.kinetic_mev.sum() == pytest.approx(whole, rel=1e-5)


def test_positions_give_what_velocities_give(
    run: Trajectory, projected: ModeSpectra, model: PhononModel
) -> None:
    bare = replace(run, has_velocities=False, reference=None)
    found = project_modes(bare, model, SOME_Q, segment_ps=10.0)
    assert found.source == "positions"
    assert found.temperature_k == pytest.approx(300, rel=0.005)
    seen = optical(found)
    np.testing.assert_allclose(found.kinetic_mev[seen], projected.kinetic_mev[seen], rtol=0.02)


def test_frame_origin_order_and_lattice_of_the_simulation(
    run: Trajectory, projected: ModeSpectra, model: PhononModel
) -> None:
    """Turned, shifted, strained and shuffled, the same motion is the same motion."""
    turn = Rotation.from_euler("zyx", [0.4, -0.8, 1.3]).as_matrix()
    order = np.random.default_rng(2).permutation(run.n_atoms)
    block = run.read()
    sites = run.reference * [1.02, 0.99, 1.01] + [1.3, -0.7, 9.1]
    moved = (sites + block.positions - run.reference)[:, order] @ turn
    other = memory_trajectory(
        moved,
        tuple(run.species[atom] for atom in order),
        run.cell * [1.02, 0.99, 1.01] @ turn,
        run.dt_fs,
        block.velocities[:, order] @ turn,
    )
    rows = np.diag(EDGES * [1.02, 0.99, 1.01]) @ turn
    for lattice in (None, CRYSTAL.repeats, rows):
        found = project_modes(other, model, SOME_Q, segment_ps=10.0, lattice=lattice)
        np.testing.assert_allclose(found.spectrum, projected.spectrum, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found.q_hkl, SOME_Q, atol=1e-9)


class Turned(PhononModel):
    """Other eigenvectors of the same modes: phases, and rotations among degenerate ones."""

    def modes(self, q_hkl: ArrayLike, direction: ArrayLike | None = None) -> Modes:
        found = super().modes(q_hkl, direction)
        generator = np.random.default_rng(9)
        vectors = found.eigenvectors.copy()
        for row, energy in enumerate(found.energy_mev):
            for first in np.flatnonzero(np.diff(energy, prepend=-99) > 1e-4):
                members = np.flatnonzero(np.abs(energy - energy[first]) < 1e-4)
                size = len(members)
                parts = generator.normal(size=(2, size, size))
                unitary = np.linalg.qr(parts[0] + 1j * parts[1])[0]
                vectors[row][:, members] = vectors[row][:, members] @ unitary
        return replace(found, eigenvectors=vectors)


@pytest.mark.parametrize("isotropic", [False, True])
def test_any_eigenvectors_of_degenerate_modes_will_do(isotropic: bool) -> None:
    crystal = BondedCrystal((2, 1, 2), isotropic=isotropic)
    run, model = crystal.trajectory(400, 20.0), crystal.model()
    one = project_modes(run, model, [[0.5, 0, 0.5], [0, 0, 0]])
    other = project_modes(
        run, Turned(model.force_constants, model.dynamical_matrix), [[0.5, 0, 0.5], [0, 0, 0]]
    )
    assert np.unique(one.group[0]).size == (3 if isotropic else 9)
    atol = 1e-5 * one.spectrum.max()
    np.testing.assert_allclose(other.spectrum, one.spectrum, rtol=1e-4, atol=atol)
    np.testing.assert_allclose(other.kinetic_mev, one.kinetic_mev, rtol=1e-4, atol=1e-6)


def test_the_nearest_q_is_named(run: Trajectory, model: PhononModel) -> None:
    found = project_modes(run, model, [0.3, 0.5, 0.1], segment_ps=10.0)
    np.testing.assert_allclose(found.q_hkl, [[1 / 3, 0.5, 0]])
    apart = 2 * np.pi * np.hypot((1 / 3 - 0.3) / 5.0, 0.1 / 4.1)
    np.testing.assert_allclose(found.distance, [apart])


def test_progress_and_cancel(run: Trajectory, model: PhononModel) -> None:
    seen: list[tuple[int, int]] = []
    project_modes(run, model, SOME_Q, progress=lambda done, total, _: seen.append((done, total)))
    assert seen[-1] == (1501, 1501)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        project_modes(run, model, SOME_Q, cancel=token)


def other_order(run: Trajectory) -> Trajectory:
    return replace(run, species=run.species[::-1])


def hopped(run: Trajectory) -> Trajectory:
    sites = run.reference.copy()
    sites[4] += [0, 1.4, 0]
    return replace(run, reference=sites)


def not_a_number(run: Trajectory) -> Trajectory:
    block = run.read(0, 40)
    speeds = block.velocities.copy()
    speeds[17, 3, 1] = np.nan
    found = memory_trajectory(block.positions, run.species, run.cell, run.dt_fs, speeds)
    return replace(found, reference=run.reference)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda run: replace(run, varying_cell=True), {}, "fixed cell"),
        (lambda run: replace(run, n_frames=15), {}, "too few frames.*found 15"),
        (lambda run: replace(run, has_velocities=False), {"source": "velocities"}, "no velocities"),
        (lambda run: run, {"source": "forces"}, "unknown source"),
        (lambda run: run, {"segment_ps": 31.0}, "too short for this resolution"),
        (lambda run: run, {"lattice": np.diag([5.0, 6.2, 4.7])}, "no whole number of primitive"),
        (lambda run: replace(run, species=("Cu",) * 72), {}, "other atoms.*72 Cu.*48 Cu, 24 I"),
        (other_order, {}, "do not match the sites"),
        (hopped, {}, r"do not match the sites.*1 of 72 farther.*1\.[34]"),
        (not_a_number, {}, "without a finite position or velocity.*"),
    ],
)
def test_errors(
    run: Trajectory, model: PhononModel, change: object, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        project_modes(change(run), model, SOME_Q, **options)


def test_cscu2i3(shared_data: Path) -> None:
    """All modes at all commensurate q of the real run hold its kinetic energy, evenly shared."""
    folder = shared_data / "cscu2i3"
    run = read_trajectory(folder / "md" / "md_300K_2x2x3.h5")
    model = PhononModel.load(folder / "force_constants" / "phonopy_params_eff300K.yaml.xz")
    steps = itertools.product(range(2), range(2), range(3))
    q = np.array([np.array(step) / (2, 2, 3) for step in steps])
    spectra = project_modes(run, model, np.vstack([q, q + np.array([1, 0, 0])]))
    velocities = run.read().velocities.astype(float)
    by_name = dict(zip(model.force_constants.symbols, model.force_constants.masses, strict=True))
    masses = np.array([by_name[name] for name in run.species])
    whole = MV2 / 2 * (masses[:, None] * velocities**2).sum() / run.n_frames
    assert spectra.kinetic_mev.sum() == pytest.approx(whole, rel=1e-4)
    assert spectra.temperature_k == pytest.approx(2 * whole / (861 * BOLTZMANN_MEV_K), rel=1e-4)
    assert spectra.temperature_k == pytest.approx(286, abs=3)
    # Low, middle and high energies alike.
    kelvin = spectra.mode_temperature_k[~spectra.rigid]
    energy = spectra.harmonic_mev[~spectra.rigid]
    for low, high in ((0, 5), (5, 10), (10, 20)):
        assert kelvin[(energy > low) & (energy < high)].mean() == pytest.approx(286, rel=0.06)
