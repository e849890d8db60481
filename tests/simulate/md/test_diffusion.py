"""Displacements and diffusion coefficients: random walks of known D, and published values."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.arrhenius import arrhenius, haven_ratio, nernst_einstein
from simulate.md.diffusion_coefficient import Diffusion, diffusion, diffusion_table
from simulate.md.displacements import mean_square_displacement
from simulate.md.trajectory import FrameBlock, Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory


@dataclass(frozen=True)
class BreathingSource:
    """Frames in a cell that varies."""

    positions: np.ndarray
    cells: np.ndarray

    def read(self, start: int, stop: int, atoms: np.ndarray | None = None) -> FrameBlock:
        chosen = slice(None) if atoms is None else atoms
        positions = self.positions[start:stop][:, chosen]
        return FrameBlock(start, positions, None, self.cells[start:stop])


def walkers(
    seed: int, sigma: tuple[float, float, float], atoms: int = 8, frames: int = 1200
) -> Trajectory:
    """Li walks at random with D_α = σ_α²/2Δt on a framework of one heavy atom at rest."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(size=(frames, atoms, 3)) * sigma
    positions = np.concatenate([np.cumsum(steps, axis=0), np.zeros((frames, 1, 3))], axis=1)
    return memory_trajectory(positions, ("Li",) * atoms + ("I",), 10 * np.eye(3), dt_fs=100.0)


def true_diffusion(sigma: float) -> float:
    """In cm²/s, of a step σ (Å) every 100 fs: σ²/2Δt with 1 Å²/fs = 0.1 cm²/s."""
    return sigma**2 / 200.0 * 0.1


def test_the_interval_covers_the_true_value() -> None:
    sigma = 0.3
    covered = dict.fromkeys(("all", "x"), 0)
    for seed in range(100):
        msd = mean_square_displacement(
            walkers(seed, (sigma,) * 3), ["Li"], framework=["I"], workers=1
        )
        for axis in covered:
            low, high = diffusion(msd, "Li", axis).interval
            covered[axis] += low <= true_diffusion(sigma) <= high
    assert min(covered.values()) >= 89


def test_directions_are_told_apart() -> None:
    sigma = (0.1, 0.2, 0.4)
    msd = mean_square_displacement(walkers(5, sigma, atoms=100), ["Li"], framework=["I"])
    whole, *axes = diffusion_table(msd)
    for found, step in zip(axes, sigma, strict=True):
        assert found.diffusive
        assert found.upper_limit is None
        assert found.value == pytest.approx(true_diffusion(step), abs=4 * found.stderr)
        assert found.stderr < 0.1 * found.value
    assert whole.value == pytest.approx(np.mean([found.value for found in axes]), rel=1e-12)


def test_drift_of_the_framework_is_taken_off() -> None:
    trajectory = walkers(6, (0.2,) * 3)
    wind = np.linspace(0, 30, trajectory.n_frames)[:, None, None] * np.array([1.0, -2.0, 0.5])
    blown = memory_trajectory(
        trajectory.read().positions + wind, trajectory.species, trajectory.cell, 100.0
    )
    still, moved = (mean_square_displacement(run, framework=["I"]) for run in (trajectory, blown))
    np.testing.assert_allclose(moved.msd_A2, still.msd_A2, atol=1e-9)


def test_a_single_walker_is_not_its_own_framework() -> None:
    path = np.cumsum(np.random.default_rng(15).normal(size=(500, 1, 3)), axis=0)
    run = memory_trajectory(path, ("Li",), np.eye(3))
    alone = mean_square_displacement(run, single_origin=True).msd_A2[0]
    np.testing.assert_allclose(alone, ((path - path[0]) ** 2)[:, 0].T, rtol=1e-12)
    held = mean_square_displacement(run, framework=["Li"], single_origin=True)
    assert held.msd_A2.max() == 0


def test_a_rattling_ion_gets_a_limit_only() -> None:
    generator = np.random.default_rng(7)
    positions = generator.normal(size=(800, 12, 3)) * 0.2
    msd = mean_square_displacement(memory_trajectory(positions, ("Cu",) * 12, np.eye(3), 50.0))
    found = diffusion(msd, "Cu")
    assert not found.diffusive
    assert found.log_log_slope == pytest.approx(0, abs=0.05)
    assert found.upper_limit is not None
    assert 0 < found.upper_limit < 1e-5


def test_ballistic_motion_is_not_diffusion() -> None:
    speeds = np.random.default_rng(8).normal(size=(20, 3))
    positions = np.arange(400)[:, None, None] * speeds * 0.01
    msd = mean_square_displacement(memory_trajectory(positions, ("Cu",) * 20, np.eye(3)))
    found = diffusion(msd, "Cu")
    assert not found.diffusive
    assert found.log_log_slope == pytest.approx(2, abs=1e-6)


def test_directions_may_be_turned() -> None:
    trajectory = walkers(9, (0.1, 0.2, 0.4))
    turned = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    plain = mean_square_displacement(trajectory)
    other = mean_square_displacement(trajectory, directions=turned)
    np.testing.assert_allclose(other.msd_A2, plain.msd_A2[:, [2, 0, 1]], rtol=1e-12)
    with pytest.raises(InputError, match="perpendicular"):
        mean_square_displacement(trajectory, directions=np.ones((3, 3)))


def test_independent_ions_have_a_haven_ratio_of_one() -> None:
    trajectory = walkers(10, (0.2,) * 3, atoms=20, frames=20000)
    pair = [
        diffusion(
            mean_square_displacement(trajectory, ["Li"], framework=["I"], collective=collective),
            "Li",
            window_ps=(0.1, 20.0),
        )
        for collective in (False, True)
    ]
    ratio, error = haven_ratio(*pair)
    assert ratio == pytest.approx(1, abs=3 * error)
    assert error < 0.2


def test_atom_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    trajectory = walkers(11, (0.2,) * 3)
    whole = mean_square_displacement(trajectory)
    monkeypatch.setattr(
        "simulate.md.displacements.atom_blocks",
        lambda trajectory, atoms: [atoms[start : start + 3] for start in range(0, len(atoms), 3)],
    )
    parts = mean_square_displacement(trajectory, workers=2)
    np.testing.assert_allclose(parts.msd_A2, whole.msd_A2, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_processes_give_the_same_to_the_bit() -> None:
    pytest.importorskip("distributed")
    trajectory = walkers(16, (0.2,) * 3)
    threads = mean_square_displacement(trajectory)
    processes = mean_square_displacement(trajectory, scheduler="local:2")
    assert np.array_equal(processes.msd_A2, threads.msd_A2)
    assert np.array_equal(processes.block_msd_A2, threads.block_msd_A2)


def test_an_even_strain_is_no_displacement() -> None:
    """Fractional positions at rest in a cell that breathes, and one ion that goes 0.2 a."""
    generator = np.random.default_rng(14)
    fractions = np.repeat(generator.uniform(size=(1, 5, 3)), 50, axis=0)
    fractions[:, 4, 0] += np.linspace(0, 0.2, 50)
    cells = np.diag([10.0, 9.0, 8.0]) * (1 + 0.05 * np.sin(np.arange(50.0)))[:, None, None]
    mean = cells.mean(axis=0)
    still = memory_trajectory(fractions @ mean, ("I",) * 4 + ("Li",), mean)
    source = BreathingSource(fractions @ cells, cells)
    breathing = replace(still, source=source, varying_cell=True)
    found = mean_square_displacement(breathing, framework=["I"], single_origin=True)
    np.testing.assert_allclose(found.msd_A2[0], 0, atol=1e-20)
    assert found.msd_A2[1, 0, -1] == pytest.approx((0.2 * mean[0, 0]) ** 2)


def test_what_cannot_be_done_is_said() -> None:
    trajectory = walkers(12, (0.2,) * 3, frames=40)
    with pytest.raises(InputError, match="Na"):
        mean_square_displacement(trajectory, ["Na"])
    with pytest.raises(InputError, match="too few frames"):
        mean_square_displacement(trajectory, blocks=30)
    msd = mean_square_displacement(trajectory, ["Li"])
    with pytest.raises(InputError, match="axis"):
        diffusion(msd, "Li", "w")
    with pytest.raises(InputError, match="window"):
        diffusion(msd, "Li", window_ps=(50.0, 60.0))
    with pytest.raises(InputError, match="Cu"):
        diffusion(msd, "Cu")


def test_single_origin_diffusion_of_lgps(shared_data: Path) -> None:
    """The value stated in the tests of pymatgen-analysis-diffusion for smoothed=False."""
    text = (shared_data / "md/pymatgen-diffusion/DiffusionAnalyzer.json").read_text()
    data = json.loads(text)
    species = tuple(site["species"][0]["element"] for site in data["structure"]["sites"])
    trajectory = memory_trajectory(
        np.transpose(data["displacements"], (1, 0, 2)),
        species,
        data["structure"]["lattice"]["matrix"],
        dt_fs=data["time_step"] * data["step_skip"],
    )
    msd = mean_square_displacement(
        trajectory,
        ["Li"],
        framework=["Ge", "P", "S"],
        framework_weight="equal",
        single_origin=True,
    )
    found = diffusion(msd, "Li", window_ps=(0.0, 1e9))
    assert found.value == pytest.approx(4.25976905436e-07, rel=1e-9)
    assert np.isnan(found.stderr)


def test_conductivity_in_molar_units() -> None:
    """σ = c z² F² D/(R T), with c in mol/cm³: one mole per 100 cm³ at 300 K."""
    ions, faraday, gas = 1000, 96485.33212, 8.31446261815324
    volume_A3 = ions / 6.02214076e23 * 100 * 1e24
    expected = 0.01 * 4 * faraday**2 * 1e-6 / (gas * 300)
    assert nernst_einstein(1e-6, ions, volume_A3, 2.0, 300.0) == pytest.approx(expected, rel=1e-8)
    with pytest.raises(InputError, match="temperature_k"):
        nernst_einstein(1e-6, ions, volume_A3, 2.0, 0.0)


def test_displacements_of_lips(shared_data: Path) -> None:
    """Those of kinisi, which counts one more displacement from the origin, a step too short."""
    data = np.load(shared_data / "md/kinisi/LiPS_positions_f32.npz")
    published = np.load(shared_data / "md/kinisi/LiPS_msd.npy")
    species = tuple(str(symbol) for symbol in data["symbols"])
    trajectory = memory_trajectory(data["pos"], species, data["cell"])
    options = {"framework": ["P", "S"], "framework_weight": "equal", "max_lag_ps": 1.0}
    ours = mean_square_displacement(trajectory, ["Li"], **options).total_A2[0]
    first = mean_square_displacement(trajectory, ["Li"], single_origin=True, **options)
    pairs = 200 - np.arange(1, 200)
    theirs = (ours[1:] * pairs + first.total_A2[0, :-1]) / (pairs + 1)
    np.testing.assert_allclose(theirs, published[:199], rtol=1e-6)


def coefficient(value: float, stderr: float, limit: float | None = None) -> Diffusion:
    return Diffusion(
        "Cu", "all", value, stderr, limit, (0.0, 1.0), (0.0, 1.0), 1.0, 0.0, limit is None, 8
    )


def test_arrhenius_returns_the_law_it_was_given() -> None:
    boltzmann = 8.617333262e-2
    temperatures = [500.0, 600.0, 700.0, 800.0]
    exact = [1e-3 * np.exp(-250.0 / (boltzmann * t)) for t in temperatures]
    fit = arrhenius(temperatures, [coefficient(d, 0.05 * d) for d in exact])
    assert fit.activation_mev == pytest.approx(250.0, rel=1e-8)
    assert fit.prefactor_cm2_s == pytest.approx(1e-3, rel=1e-8)
    value, error = fit.at(600.0)
    assert value == pytest.approx(exact[1], rel=1e-8)
    assert error < 0.05 * value


def test_arrhenius_errors_cover_the_truth() -> None:
    boltzmann, covered = 8.617333262e-2, 0
    temperatures = np.array([500.0, 600.0, 700.0, 800.0, 900.0])
    exact = 1e-3 * np.exp(-250.0 / (boltzmann * temperatures))
    generator = np.random.default_rng(13)
    for _ in range(300):
        seen = exact * np.exp(0.05 * generator.normal(size=5))
        fit = arrhenius(list(temperatures), [coefficient(d, 0.05 * d) for d in seen])
        covered += abs(fit.activation_mev - 250.0) < fit.activation_err
    assert covered / 300 > 0.62


def test_arrhenius_names_what_it_leaves_out() -> None:
    given = [coefficient(1e-6, 1e-8), coefficient(2e-6, 1e-8), coefficient(1e-9, 1e-9, 3e-9)]
    fit = arrhenius([600.0, 700.0, 300.0], given)
    assert fit.used == 2
    assert fit.left_out == ("300 K: an upper limit only",)
    with pytest.raises(InputError, match="300 K"):
        arrhenius([600.0, 300.0], [given[0], given[2]])
