"""A harmonic crystal whose motion is written down: simple cubic, springs between neighbours.

Springs K_j along a bond in direction j and k across it: branch j, polarised along axis j
everywhere, has ω_j² = (2/m) Σ_i k_ij (1 - cos q_i a), k_ij = K_j for i = j and k otherwise; K_j
differ, so that no two branches meet by symmetry and their waves do not interfere for ever.
Every mode has its classical energy kT exactly and a random phase:
u_j(R,t) = Re Σ_q A_qj exp(iq·R - iω_qj t), |A_qj|² = 2kT/(N m ω_qj²).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.md.trajectory import Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory

BOLTZMANN_MEV_K = 0.08617333262
HBAR_MEV_PS = 0.6582119569
HBAR2_PER_AMU_A2_MEV = 4.180159


@dataclass(frozen=True)
class HarmonicCrystal:
    """Cells along the axes, edge in Å, mass in amu, kelvin, meV of the bonds' K_j and k alone."""

    repeats: tuple[int, int, int] = (6, 5, 4)
    a: float = 3.0
    mass: float = 20.0
    temperature_k: float = 300.0
    along_mev: tuple[float, float, float] = (9.0, 8.1, 7.0)
    across_mev: float = 5.0

    @property
    def cell(self) -> np.ndarray:
        return np.diag(np.array(self.repeats) * self.a)

    @property
    def species(self) -> tuple[str, ...]:
        """Two names in turn; all atoms are alike."""
        return tuple("Cu" if n % 3 else "I" for n in range(int(np.prod(self.repeats))))

    def energy_mev(self, q: np.ndarray) -> np.ndarray:
        """(…, 3) energies by polarisation at q (…, 3) in r.l.u. of the cubic cell."""
        springs = np.full((3, 3), self.across_mev**2)
        np.fill_diagonal(springs, np.square(self.along_mev))
        return np.sqrt(2 * (1 - np.cos(2 * np.pi * q)) @ springs)

    def amplitudes(self, seed: int) -> np.ndarray:
        """(n1, n2, n3, 3) A in Å, zero for the three translations."""
        energy = self.energy_mev(self.wave_vectors())
        still = energy < 1e-6
        safe = np.where(still, 1.0, energy)
        kt = BOLTZMANN_MEV_K * self.temperature_k
        size = np.sqrt(2 * kt * HBAR2_PER_AMU_A2_MEV / (np.prod(self.repeats) * self.mass)) / safe
        phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, energy.shape)
        return np.where(still, 0.0, size * np.exp(1j * phase))

    def wave_vectors(self) -> np.ndarray:
        """(n1, n2, n3, 3) q in r.l.u., in the order of numpy's FFT."""
        axes = [np.fft.fftfreq(n) for n in self.repeats]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def trajectory(self, frames: int, dt_fs: float, seed: int = 0) -> Trajectory:
        """Frames in double precision."""
        amplitude = self.amplitudes(seed)
        omega = self.energy_mev(self.wave_vectors()) / HBAR_MEV_PS
        sites = np.stack(np.meshgrid(*map(np.arange, self.repeats), indexing="ij"), axis=-1)
        number = int(np.prod(self.repeats))
        positions = np.empty((frames, number, 3))
        turn, now = np.exp(-1j * omega * dt_fs / 1000), amplitude
        for frame in range(frames):
            u = np.fft.ifftn(now, axes=(0, 1, 2), norm="forward").real
            positions[frame] = (sites * self.a + u).reshape(number, 3)
            now = now * turn
        return memory_trajectory(positions, self.species, self.cell, dt_fs)
