"""Density modes against the plain sum in double precision, and against dynasor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.density_sums import density_modes, join_modes
from simulate.md.scattering_in_time import intermediate_scattering
from simulate.md.trajectory import Trajectory
from tests.simulate.md.harmonic_crystal import HarmonicCrystal
from tests.simulate.md.memory_trajectory import memory_trajectory

SKEW = np.array([[12.0, 0, 0], [-5.5, 10.0, 0], [3.0, 2.0, 15.0]])
GRID = np.array([(h, k, m) for h in (0, 7, 8, 9) for k in range(-3, 4) for m in (-5, 20)])
SCATTERED = np.array([[31, -7, 4], [2, 90, -33], [-200, 5, 17], [0, 0, 0]])


@pytest.fixture(scope="module")
def gas() -> Trajectory:
    """Atoms anywhere, also far outside the cell, species in no order."""
    rng = np.random.default_rng(5)
    species = tuple(rng.choice(["Cu", "I", "Cs"], 1500))
    return memory_trajectory(rng.uniform(-50, 50, (7, 1500, 3)), species, SKEW, 20.0)


def plain(trajectory: Trajectory, index: np.ndarray, element: str) -> np.ndarray:
    positions = trajectory.read().positions[:, trajectory.atoms_of(element)]
    q = 2 * np.pi * index @ np.linalg.inv(trajectory.cell).T
    return np.exp(1j * positions @ q.T).sum(axis=1).T


@pytest.mark.parametrize("index", [GRID, SCATTERED], ids=["grid", "scattered"])
def test_the_sum_over_atoms(gas: Trajectory, index: np.ndarray) -> None:
    modes = density_modes(gas, index)
    assert modes.rho.shape == (3, len(index), 7)
    assert modes.counts.sum() == modes.n_atoms == 1500
    for row, element in enumerate(modes.species):
        exact = plain(gas, index, element)
        # Sums are of the size √n ≈ 22, but n = 500 at Q = 0.
        assert np.abs(modes.rho[row] - exact).max() < 2e-4


def test_bragg_peaks_do_not_lose_their_fluctuations() -> None:
    rng = np.random.default_rng(1)
    sites = np.stack(np.meshgrid(*[np.arange(20)] * 3, indexing="ij"), -1).reshape(-1, 3) * 3.0
    moved = sites + 0.01 * rng.standard_normal((4, 8000, 3))
    trajectory = memory_trajectory(moved, ("I",) * 8000, np.eye(3) * 60.0)
    modes = density_modes(trajectory, [[20, 40, 0]])
    exact = plain(trajectory, np.array([[20, 40, 0]]), "I")
    assert np.abs(modes.rho[0] - exact).max() < 3e-6 * 8000


def test_results_do_not_depend_on_blocks_or_workers(
    gas: Trajectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = density_modes(gas, GRID, workers=1)
    monkeypatch.setattr("simulate.md.density_sums._BLOCK_BYTES", 24 * 1500 * 2.0)
    assert np.array_equal(whole.rho, density_modes(gas, GRID, workers=3).rho)


def test_stretches_join_to_the_whole(gas: Trajectory) -> None:
    parts = [density_modes(gas, GRID, start=a, stop=b) for a, b in ((1, 3), (3, 7))]
    joined = join_modes(parts)
    assert np.array_equal(joined.rho, density_modes(gas, GRID, start=1).rho)
    with pytest.raises(InputError, match="do not follow"):
        join_modes(parts[::-1])
    with pytest.raises(InputError, match="other Q"):
        join_modes([parts[0], density_modes(gas, SCATTERED, start=3)])


def test_a_varying_cell_carries_its_wave_vectors(gas: Trajectory) -> None:
    scale = np.array([0.99, 1.0, 1.02])[:, None, None]

    class Breathing:
        def read(self, start: int, stop: int, atoms: object = None) -> object:
            block = gas.read(start, stop)
            return replace(
                block,
                positions=block.positions * scale[start:stop],
                cells=block.cells * scale[start:stop],
            )

    breathing = replace(gas, n_frames=3, source=Breathing(), varying_cell=True)
    modes = density_modes(breathing, GRID)
    assert np.abs(modes.rho - density_modes(gas, GRID, stop=3).rho).max() < 1e-4
    assert "cell varies" in modes.notes[-1]


def test_single_precision_positions_are_read_as_they_are(gas: Trajectory) -> None:
    block = gas.read().positions.astype(np.float32)
    source = replace(gas.source, positions=block)
    modes = density_modes(replace(gas, source=source), GRID)
    exact = density_modes(memory_trajectory(block, gas.species, SKEW), GRID)
    assert np.array_equal(modes.rho, exact.rho)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_position_that_is_no_number_is_named(value: float) -> None:
    positions = np.random.default_rng(0).random((5, 9, 3))
    positions[3, 6, 1] = value
    trajectory = memory_trajectory(positions, ("Cu", "I", "I") * 3, np.eye(3))
    with pytest.raises(InputError, match="frame 3, atom 6"):
        density_modes(trajectory, [1, 0, 0])


def test_no_frames(gas: Trajectory) -> None:
    with pytest.raises(InputError, match="no frames are left"):
        density_modes(gas, [1, 0, 0], start=7)


@pytest.mark.slow
def test_two_processes_give_the_same_to_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulate.md.density_sums._BLOCK_BYTES", 24 * 120 * 2.0)
    crystal = HarmonicCrystal().trajectory(8, 10.0)
    alone = density_modes(crystal, GRID)
    spread = density_modes(crystal, GRID, scheduler="local:2")
    assert np.allclose(alone.rho, spread.rho, rtol=0, atol=1e-5)


def test_the_intermediate_function_is_the_plain_mean_over_origins(gas: Trajectory) -> None:
    modes = density_modes(gas, GRID)
    found = intermediate_scattering(modes, 4 * 0.02)
    rho = modes.rho.astype(complex)
    for lag in range(5):
        product = rho[:, None, :, : 7 - lag].conj() * rho[None, :, :, lag:]
        mean = product.real.mean(axis=3)
        both = (mean + mean.swapaxes(0, 1)) / 2 / 1500
        assert np.allclose(found.partials[..., lag], both, atol=1e-9 * np.abs(both).max())
    with pytest.raises(InputError, match="does not reach"):
        intermediate_scattering(modes, 1.0)


def test_dynasor_finds_the_same() -> None:
    pytest.importorskip("dynasor")
    from benchmarks.density_modes import dynasor_f

    crystal = HarmonicCrystal().trajectory(60, 10.0)
    index = np.array([[6, 5, 0], [7, 3, 2], [1, 1, 1]])
    theirs = dynasor_f(crystal, index, window=20, step=1)
    ours = intermediate_scattering(density_modes(crystal, index), 0.2).total
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
