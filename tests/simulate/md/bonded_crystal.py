"""A crystal of springs, known twice: its force constants, and its motion from its whole Hessian.

Two Cu and an I in the primitive cell of a C-centred one, every pair of neighbours held by a spring
tensor of its own. The motion is a sum over the normal modes of the simulation cell, found without
a wave vector: each has its classical energy kT exactly and a random phase.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from simulate.md.trajectory import Trajectory
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.model import PhononModel
from tests.simulate.md.harmonic_crystal import (
    BOLTZMANN_MEV_K,
    HBAR2_PER_AMU_A2_MEV,
    HBAR_MEV_PS,
)
from tests.simulate.md.memory_trajectory import memory_trajectory

CONVENTIONAL = np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 1]])
EDGES = np.array([5.0, 6.2, 4.1])
VECTORS = np.array([[2.5, -3.1, 0], [2.5, 3.1, 0], [0, 0, 4.1]])
PLACES = np.array([[0.05, 0.1, 0.2], [0.55, 0.48, 0.1], [0.3, 0.62, 0.6]])
SYMBOLS = ("Cu", "Cu", "I")
MASSES = np.array([63.5, 63.5, 126.9])
REACH = 5.2  # Å


@dataclass(frozen=True)
class BondedCrystal:
    """Conventional cells along the axes; `isotropic` springs make all modes degenerate."""

    repeats: tuple[int, int, int] = (3, 2, 2)
    temperature_k: float = 300.0
    isotropic: bool = False

    def bonds(self) -> list[tuple[int, int, tuple[int, ...], np.ndarray]]:
        """Atoms i and j, the cell of j, and the spring in eV/Å²: each bond once."""
        generator = np.random.default_rng(5)
        found = []
        for i, j in itertools.combinations_with_replacement(range(3), 2):
            for cell in itertools.product((-1, 0, 1), repeat=3):
                if i == j and cell <= (0, 0, 0):
                    continue
                distance = np.linalg.norm((PLACES[j] + cell - PLACES[i]) @ VECTORS)
                if distance < REACH:
                    half = generator.normal(size=(3, 3)) * 0.25
                    tensor = half @ half.T + 0.05 * np.eye(3)
                    if self.isotropic:
                        tensor = np.trace(tensor) / 3 * np.eye(3)
                    found.append((i, j, cell, tensor))
        return found

    def model(self) -> PhononModel:
        """Its phonons."""
        cells = list(itertools.product((-1, 0, 1), repeat=3))
        matrices = {cell: np.zeros((9, 9)) for cell in cells}
        for i, j, cell, tensor in self.bonds():
            opposite = tuple(-x for x in cell)
            a, b = slice(3 * i, 3 * i + 3), slice(3 * j, 3 * j + 3)
            matrices[cell][a, b] -= tensor
            matrices[opposite][b, a] -= tensor
            matrices[0, 0, 0][a, a] += tensor
            matrices[0, 0, 0][b, b] += tensor
        return PhononModel.of(
            ForceConstants(
                VECTORS,
                PLACES,
                SYMBOLS,
                MASSES,
                np.array(cells),
                np.array([matrices[cell] for cell in cells]),
                3 * np.eye(3, dtype=int),
                CONVENTIONAL,
            )
        )

    @property
    def cell(self) -> np.ndarray:
        """The simulation cell, rows in Å."""
        return np.diag(EDGES * self.repeats)

    def sites(self) -> tuple[np.ndarray, np.ndarray]:
        """Kind (n,) and ideal position (n, 3) of every atom."""
        corners = itertools.product(*(range(n) for n in self.repeats))
        origins = [
            (np.array(corner) + centre) * EDGES
            for corner in corners
            for centre in ((0, 0, 0), (0.5, 0.5, 0))
        ]
        positions = np.array([origin + place @ VECTORS for origin in origins for place in PLACES])
        return np.tile(np.arange(3), len(origins)), positions

    def normal_modes(self) -> tuple[np.ndarray, np.ndarray]:
        """Energies in meV (m,) and mass-weighted patterns (n · 3, m), translations left out."""
        kinds, positions = self.sites()
        inverse = np.linalg.inv(self.cell)
        hessian = np.zeros((3 * len(kinds), 3 * len(kinds)))
        for i, j, cell, tensor in self.bonds():
            step = (PLACES[j] + cell - PLACES[i]) @ VECTORS
            for first in np.flatnonzero(kinds == i):
                apart = (positions - positions[first] - step) @ inverse
                apart -= np.round(apart)
                second = int(np.argmin(np.where(kinds == j, (apart**2).sum(axis=1), np.inf)))
                a, b = slice(3 * first, 3 * first + 3), slice(3 * second, 3 * second + 3)
                hessian[a, a] += tensor
                hessian[b, b] += tensor
                hessian[a, b] -= tensor
                hessian[b, a] -= tensor
        masses = np.repeat(MASSES[kinds], 3)
        squared, patterns = np.linalg.eigh(
            1e3 * HBAR2_PER_AMU_A2_MEV * hessian / np.sqrt(np.outer(masses, masses))
        )
        return np.sqrt(squared[3:]), patterns[:, 3:]

    def trajectory(self, frames: int, dt_fs: float, seed: int = 0) -> Trajectory:
        """Frames with velocities, and the ideal sites as reference."""
        kinds, sites = self.sites()
        energy, patterns = self.normal_modes()
        omega = energy / HBAR_MEV_PS
        # m v² of kT, in amu (Å/ps)²
        size = np.sqrt(2 * BOLTZMANN_MEV_K * self.temperature_k * HBAR2_PER_AMU_A2_MEV)
        size /= HBAR_MEV_PS
        phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(omega))
        angle = np.outer(np.arange(frames) * dt_fs / 1000, omega) + phase
        masses = np.sqrt(np.repeat(MASSES[kinds], 3))
        moved = (size / omega * np.cos(angle)) @ patterns.T / masses
        speeds = -(size * np.sin(angle)) @ patterns.T / masses
        shape = frames, len(kinds), 3
        found = memory_trajectory(
            sites + moved.reshape(shape),
            tuple(SYMBOLS[kind] for kind in kinds),
            self.cell,
            dt_fs,
            speeds.reshape(shape),
        )
        return replace(found, reference=sites)
