"""Density modes and S(Q,E) against dynasor: the same frames in memory, Q and window, one core.

dynasor is run at its default (every frame starts a window) and at its fastest setting (windows
that do not overlap). It computes F(Q,t) and S(Q,E) by pairs; ours is timed for the density
modes, F(Q,t) and S(Q,E) together. Frames are handed to both from memory, so that no reader
counts. Both F(Q,t) over all origins must agree to 10⁻⁴ of the largest value.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import numba
import numpy as np
from dynasor import compute_dynamic_structure_factors
from dynasor.trajectory.trajectory_frame import TrajectoryFrame

from benchmarks.timing import Measurement, best_seconds
from simulate.md.density_sums import DensityModes, density_modes
from simulate.md.scattering_in_time import intermediate_scattering
from simulate.md.scattering_spectrum import dynamic_structure_factor
from simulate.md.trajectory import Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory

ATOMS, FRAMES, WINDOW, DT_FS = 6000, 1600, 800, 20.0
AGREE = 1e-4


class Case(NamedTuple):
    """Wave vectors in the reciprocal lattice of the cell."""

    name: str
    index: np.ndarray


CASES = (
    Case(
        "30 Q of a grid",
        np.array([(h, k, m) for h in (30, 31, 32) for k in range(24, 29) for m in (0, 1)]),
    ),
    Case("28 Q of a line", np.array([(42, k, 0) for k in range(28, 56)])),
    Case("30 Q anywhere", np.random.default_rng(2).integers(-40, 40, (30, 3))),
    Case(
        "300 Q of a grid",
        np.array([(h, k, m) for h in range(30, 36) for k in range(24, 49) for m in (0, 14)]),
    ),
)


def run() -> list[Measurement]:
    """All measurements of this file."""
    trajectory = moving_atoms()
    lines = []
    logging.getLogger("dynasor").setLevel(logging.WARNING)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        for case in CASES:
            lines += _measured(case, trajectory)
    finally:
        numba.set_num_threads(threads)
    return lines


def _measured(case: Case, trajectory: Trajectory) -> list[Measurement]:
    ours = best_seconds(lambda: _ours(trajectory, case.index), 5)
    fastest = best_seconds(lambda: dynasor_f(trajectory, case.index, WINDOW, step=WINDOW + 1), 3)
    found = intermediate_scattering(_modes(trajectory, case.index), WINDOW * DT_FS / 1000).total
    name = f"S(Q,E), {ATOMS} atoms, {FRAMES} frames, window {WINDOW}, {case.name}"
    lines = [
        Measurement(name, ours, "dynasor, windows that do not overlap", fastest, "≥ 3 × faster")
    ]
    theirs: list[np.ndarray] = []
    default = best_seconds(
        lambda: theirs.append(dynasor_f(trajectory, case.index, WINDOW, step=1)), 1
    )
    off = float(np.abs(found - theirs[0]).max() / np.abs(theirs[0]).max())
    if off > AGREE:
        raise RuntimeError(f"{case.name}: F(Q,t) differs from dynasor's by {off:.2g}")
    lines.append(Measurement(name, ours, "dynasor's default", default, "≥ 20 × faster"))
    return lines


def _modes(trajectory: Trajectory, index: np.ndarray) -> DensityModes:
    return density_modes(trajectory, index, workers=1)


def _ours(trajectory: Trajectory, index: np.ndarray) -> None:
    modes = _modes(trajectory, index)
    intermediate_scattering(modes, WINDOW * DT_FS / 1000)
    dynamic_structure_factor(modes, WINDOW * DT_FS / 1000, quantum="none")


def moving_atoms() -> Trajectory:
    """Two species that wander slowly about random places."""
    rng = np.random.default_rng(1)
    edge = 42.0
    places = rng.uniform(0, edge, (ATOMS, 3))
    steps = rng.standard_normal((FRAMES, ATOMS, 3), dtype=np.float32) * np.float32(0.02)
    positions = places + np.cumsum(steps, axis=0)
    species = ("Cu",) * (ATOMS // 2) + ("I",) * (ATOMS // 2)
    return memory_trajectory(positions, species, np.eye(3) * edge, DT_FS)


def dynasor_f(trajectory: Trajectory, index: np.ndarray, window: int, step: int) -> np.ndarray:
    """dynasor's F(Q,t), (nq, window + 1), of all atoms."""
    q = 2 * np.pi * index @ np.linalg.inv(trajectory.cell).T
    sample = compute_dynamic_structure_factors(
        _Frames(trajectory), q, trajectory.dt_fs, window, step, logging_interval=0
    )
    return np.asarray(sample.Fqt_coh)


class _Frames:
    """Frames from memory with what dynasor asks of a trajectory."""

    filename = "memory"
    frame_step = 1
    has_positions = True
    has_velocities = False

    def __init__(self, trajectory: Trajectory) -> None:
        self.cell = trajectory.cell
        self.n_atoms = trajectory.n_atoms
        self.atomic_indices: dict[str, Any] = {
            element: trajectory.atoms_of(element) for element in sorted(set(trajectory.species))
        }
        self.atom_types = list(self.atomic_indices)
        self.number_of_frames_read = trajectory.n_frames
        self._frames = self._read(trajectory)

    def _read(self, trajectory: Trajectory) -> Iterator[TrajectoryFrame]:
        positions = trajectory.read().positions
        for number, frame in enumerate(positions):
            yield TrajectoryFrame(self.atomic_indices, number, frame)

    def __iter__(self) -> _Frames:
        return self

    def __next__(self) -> TrajectoryFrame:
        return next(self._frames)


if __name__ == "__main__":
    for line in run():
        print(line)
