"""Simulations on a cluster of two processes: the same numbers, and a killed worker costs none."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from simulate.md.density_sums import density_modes
from simulate.md.displacements import mean_square_displacement
from simulate.md.hop_statistics import hop_rate
from simulate.md.hopping import hops
from simulate.md.reading import read_trajectory
from simulate.md.store import write_store
from simulate.md.trajectory import FrameBlock, FrameSource, Trajectory
from simulate.md.vibrational_states import phonon_dos
from tests.simulate.md.harmonic_crystal import HarmonicCrystal

pytestmark = pytest.mark.slow

CRYSTAL = HarmonicCrystal(repeats=(12, 10, 8))
SPREAD = {"scheduler": "local:2"}


@dataclass(frozen=True)
class MortalSource:
    """Frames of another source; the first read beyond the middle kills its process, once."""

    source: FrameSource
    middle: int
    mark: Path
    home: int

    def read(self, start: int, stop: int, atoms: np.ndarray | None = None) -> FrameBlock:
        late = start >= self.middle if atoms is None else atoms[0] >= self.middle
        if late and os.getpid() != self.home and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.source.read(start, stop, atoms)


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    """A store, which each process opens for itself."""
    pytest.importorskip("distributed")
    path = tmp_path_factory.mktemp("cluster") / "crystal.h5"
    write_store(CRYSTAL.trajectory(5001, 20.0), path)
    return read_trajectory(path)


def mortal(trajectory: Trajectory, middle: int, mark: Path) -> Trajectory:
    return replace(trajectory, source=MortalSource(trajectory.source, middle, mark, os.getpid()))


def test_density_modes_survive_a_killed_worker(crystal: Trajectory, tmp_path: Path) -> None:
    q = np.array([[12.0, 1, 0], [13, 0, 2], [25, 3, 1]])
    dying = mortal(crystal, 2500, tmp_path / "died")
    spread = density_modes(dying, q, **SPREAD)
    assert (tmp_path / "died").exists()
    assert np.array_equal(spread.rho, density_modes(crystal, q).rho)


def test_displacements_survive_a_killed_worker(crystal: Trajectory, tmp_path: Path) -> None:
    dying = mortal(crystal, 500, tmp_path / "died")
    spread = mean_square_displacement(dying, framework=["I"], **SPREAD)
    assert (tmp_path / "died").exists()
    alone = mean_square_displacement(crystal, framework=["I"])
    np.testing.assert_allclose(spread.msd_A2, alone.msd_A2, rtol=1e-12, atol=1e-12)


def test_states_and_hops_of_two_processes(crystal: Trajectory) -> None:
    alone, spread = phonon_dos(crystal), phonon_dos(crystal, **SPREAD)
    np.testing.assert_allclose(spread.dos, alone.dos, rtol=1e-9, atol=1e-12)
    places = [np.arange(number) * CRYSTAL.a for number in CRYSTAL.repeats]
    sites = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, 3)
    how = {"sites": sites, "element": "Cu", "core_radius_A": 0.3}
    one, other = hops(crystal, **how), hops(crystal, **how, **SPREAD)
    assert hop_rate(one) == hop_rate(other)
    assert np.array_equal(one.residences.start, other.residences.start)
