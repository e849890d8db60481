"""Density of states: a harmonic crystal known exactly, and the runs of CsCu2I3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.reading import read_trajectory
from simulate.md.trajectory import Trajectory
from simulate.md.vibrational_states import phonon_dos
from tests.simulate.md.memory_trajectory import memory_trajectory

HBAR = 0.6582119569  # meV ps
KT_OVER_MASS = 8.617333262e-2 * 300.0 / (0.10364269656 * 63.546)  # of Cu, in Å²/ps²
TOP_MEV = (8.0, 16.0, 30.0)
RING = 16


def ring_energies(top_mev: float) -> np.ndarray:
    """Of a ring of atoms with springs between neighbours, the translation left out."""
    return top_mev * np.abs(np.sin(np.pi * np.arange(1, RING) / RING))


def harmonic_ring(dt_ps: float = 0.04, frames: int = 1500) -> Trajectory:
    """A ring of Cu atoms at 300 K, every normal mode with the mean kinetic energy kT/2."""
    times = np.arange(frames) * dt_ps
    sites = np.arange(RING)
    generator = np.random.default_rng(1)
    moved, speeds = np.zeros((2, frames, RING, 3))
    for axis, top in enumerate(TOP_MEV):
        for k, energy in enumerate(ring_energies(top), start=1):
            phase = 2 * np.pi * k * sites / RING
            pattern = np.cos(phase) if k <= RING // 2 else np.sin(phase)
            pattern = pattern / np.linalg.norm(pattern)
            omega = energy / HBAR
            angle = omega * times + generator.uniform(0, 2 * np.pi)
            amplitude = np.sqrt(2 * KT_OVER_MASS)
            moved[:, :, axis] += amplitude / omega * np.outer(np.cos(angle), pattern)
            speeds[:, :, axis] -= amplitude * np.outer(np.sin(angle), pattern)
    positions = moved + 2.5 * sites[:, None] * [1.0, 0, 0]
    return memory_trajectory(positions, ("Cu",) * RING, 40 * np.eye(3), 1000 * dt_ps, speeds)


@pytest.mark.parametrize("source", ["velocities", "positions"])
def test_a_harmonic_crystal_has_its_own_modes(source: str) -> None:
    found = phonon_dos(harmonic_ring(), source=source)
    assert found.source == source
    assert np.trapezoid(found.total, found.energy_mev) == pytest.approx(3 * RING)
    assert found.temperature_k == pytest.approx(300.0, rel=0.01)
    assert found.total.min() >= 0
    step = found.energy_mev[1]
    for axis, top in enumerate(TOP_MEV):
        levels = np.unique(ring_energies(top).round(9))
        counts = np.where(levels < levels[-1], 2, 1) * RING / (RING - 1)  # 15 modes count as 16
        middles = (levels[1:] + levels[:-1]) / 2
        below = np.cumsum(found.dos[0, axis]) * step
        seen = np.interp(middles, found.energy_mev, below)
        # Where lines lie closer than two widths, they run into one another.
        apart = np.diff(levels) > 2 * found.resolution_mev
        assert apart.sum() >= 3
        np.testing.assert_allclose(seen[apart], np.cumsum(counts)[:-1][apart], atol=0.25)


def test_the_width_of_a_mode_is_the_resolution() -> None:
    times = np.arange(4000) * 0.02
    speeds = np.cos(times * 10 / HBAR)[:, None, None] * np.ones((1, 1, 3))
    run = memory_trajectory(np.zeros_like(speeds), ("I",), 10 * np.eye(3), 20.0, speeds)
    found = phonon_dos(run, resolution_mev=0.4, remove_momentum=False)
    curve = found.dos[0, 0]
    above = found.energy_mev[curve > curve.max() / 2]
    assert above[-1] - above[0] == pytest.approx(found.resolution_mev, abs=2 * found.energy_mev[1])
    assert found.maximum_mev()[0, 0] == pytest.approx(10.0, abs=found.energy_mev[1])


def test_momentum_is_no_temperature() -> None:
    run = harmonic_ring()
    block = run.read()
    wind = np.array([3.0, -1.0, 2.0])
    blown = memory_trajectory(
        block.positions + np.arange(run.n_frames)[:, None, None] * 0.04 * wind,
        run.species,
        run.cell,
        run.dt_fs,
        block.velocities + wind,
    )
    for source in ("velocities", "positions"):
        assert phonon_dos(blown, source=source).temperature_k == pytest.approx(
            phonon_dos(run, source=source).temperature_k, rel=1e-9
        )


def test_fast_motion_that_differences_miss_is_reported() -> None:
    times = np.arange(500) * 0.06
    moved = np.cos(times * 30 / HBAR)[:, None, None] * np.ones((1, 2, 3)) * [[[1.0], [-1.0]]]
    found = phonon_dos(memory_trajectory(moved, ("I", "I"), np.eye(3), 60.0))
    assert found.cut_mev < 30
    assert any("left out" in note for note in found.notes)


def test_what_cannot_be_done_is_said() -> None:
    run = harmonic_ring(frames=100)
    with pytest.raises(InputError, match="resolution"):
        phonon_dos(run, resolution_mev=0.1)
    with pytest.raises(InputError, match="no velocities"):
        phonon_dos(
            memory_trajectory(run.read().positions, run.species, run.cell), source="velocities"
        )
    with pytest.raises(InputError, match="at rest"):
        phonon_dos(memory_trajectory(np.zeros((50, 2, 3)), ("I", "I"), np.eye(3)))


@pytest.mark.parametrize(
    ("name", "kelvin", "amplitudes"),
    [
        ("md_300K_2x2x3.h5", 286, [0.031, 0.034, 0.066]),
        ("md_600K_2x2x3.h5", 597, [0.084, 0.083, 0.125]),
    ],
)
def test_copper_in_cscu2i3_is_softest_along_z(
    shared_data: Path, name: str, kelvin: float, amplitudes: list[float]
) -> None:
    run = read_trajectory(shared_data / "cscu2i3/md" / name)
    found = phonon_dos(run, resolution_mev=0.5)
    assert found.temperature_k == pytest.approx(kelvin, abs=2)
    np.testing.assert_allclose(found.element_temperature_k, kelvin, rtol=0.03)
    copper = found.elements.index("Cu")
    # ⟨u²⟩ = ħ² kT ⟨E⁻²⟩/m of a classical harmonic motion, against that of the positions.
    scale = 4.180159 / 63.546 * 8.617333e-2 * found.temperature_k
    np.testing.assert_allclose(found.mean_inverse_square()[copper] * scale, amplitudes, rtol=0.1)
    other = phonon_dos(run, resolution_mev=0.5, source="positions")
    assert other.temperature_k == pytest.approx(found.temperature_k, rel=0.01)
    # One frame less at each end, so not quite the same energies.
    shifted = np.interp(found.energy_mev, other.energy_mev, other.total)
    assert np.trapezoid(np.abs(shifted - found.total), found.energy_mev) < 0.05 * 3 * run.n_atoms


def test_maxima_of_copper_at_286_k(shared_data: Path) -> None:
    found = phonon_dos(
        read_trajectory(shared_data / "cscu2i3/md/md_300K_2x2x3.h5"), resolution_mev=1.0
    )
    copper = found.elements.index("Cu")
    np.testing.assert_allclose(found.maximum_mev()[copper], [8.1, 5.7, 3.2], atol=0.4)
