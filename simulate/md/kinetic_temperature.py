"""The temperature of a simulation, from the velocities of some of its frames."""

from __future__ import annotations

import numpy as np

from ixs_core.units import AMU_A2_PER_PS2_MEV, BOLTZMANN_MEV_K
from simulate.md.atom_series import masses_of
from simulate.md.trajectory import Trajectory


def kinetic_temperature(trajectory: Trajectory, frames: int = 64) -> float | None:
    """T = ⟨Σ m v²⟩/(3(N-1) k) in K over frames spread evenly; None without velocities.

    The motion of the centre of mass is left out. With N atoms and independent frames the standard
    error is T √(2/(3 N frames)).
    """
    if not trajectory.has_velocities or trajectory.n_atoms < 2:
        return None
    masses = masses_of(trajectory)
    chosen = np.unique(np.linspace(0, trajectory.n_frames - 1, frames).astype(int))
    kinetic = []
    for frame in chosen:
        block = trajectory.read(int(frame), int(frame) + 1)
        assert block.velocities is not None
        velocity = block.velocities[0] - masses @ block.velocities[0] / masses.sum()
        kinetic.append(float(masses @ (velocity**2).sum(axis=1)))
    mean = float(np.mean(kinetic)) * AMU_A2_PER_PS2_MEV
    return mean / (3 * (trajectory.n_atoms - 1) * BOLTZMANN_MEV_K)
