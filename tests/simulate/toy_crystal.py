"""A crystal whose phonons are written down: one atom in an orthorhombic cell, springs along axes.

E_j(q)² = Σ_i S_ij² sin²(π q_i): branch j is polarised along axis j everywhere, so
I_j = (ħ²/2ME_j) f(Q)² Q_j².
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ixs_core.lattice import Lattice
from simulate.phonons.modes import ModeStructureFactor

HBAR2_PER_AMU_A2_MEV = 4.180159


@dataclass(frozen=True)
class ToyGrid:
    """Energies and degenerate groups (nq, ns), intensities (nq, ng, ns)."""

    energy_mev: np.ndarray
    intensity: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class ToyAverage:
    """Lines at the centres of windows, with means over them, and the spread of their energies."""

    lines: ModeStructureFactor
    spread_mev: np.ndarray


@dataclass(frozen=True)
class ToyCrystal:
    """Springs in meV (rows: direction of q, columns: polarisation), electrons, mass in amu."""

    lattice: Lattice
    springs: tuple[tuple[float, float, float], ...] = (
        (12.0, 5.0, 4.0),
        (5.0, 12.0, 4.0),
        (3.0, 3.5, 9.0),
    )
    electrons: float = 400.0
    mass: float = 500.0

    def branches(self, q_hkl: np.ndarray) -> np.ndarray:
        """(nq, 3) energies by polarisation x, y, z."""
        return np.sqrt(np.sin(np.pi * q_hkl) ** 2 @ np.array(self.springs) ** 2)

    def polarised(self, q_hkl: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Energies and intensities (nq, 3) by polarisation x, y, z."""
        energy = self.branches(q_hkl)
        cartesian = self.lattice.q_cartesian(q_hkl)
        form = self.electrons * np.exp(-0.02 * (cartesian**2).sum(axis=1))
        scale = HBAR2_PER_AMU_A2_MEV / 2 / self.mass
        safe = np.where(energy > 1e-3, energy, np.inf)
        return energy, scale * form[:, None] ** 2 * cartesian**2 / safe

    def structure_factor(self, q_hkl: np.ndarray, temperature_k: float) -> ModeStructureFactor:
        q = np.atleast_2d(np.asarray(q_hkl, dtype=float))
        energy, intensity = self.polarised(q)
        length = np.linalg.norm(self.lattice.q_cartesian(q), axis=1)
        order = np.argsort(energy, axis=1, kind="stable")
        energy = np.take_along_axis(energy, order, axis=1)
        number = np.tile(np.arange(1, 4), (len(q), 1))
        same = np.diff(energy, axis=1) < 1e-6
        group = np.concatenate([np.zeros((len(q), 1), int), np.cumsum(~same, axis=1)], axis=1)
        return ModeStructureFactor(
            q, length, energy, np.take_along_axis(intensity, order, axis=1), number, group,
            temperature_k,
        )  # fmt: skip

    def structure_factor_grid(
        self, q_hkl: np.ndarray, g_hkl: np.ndarray, temperature_k: float
    ) -> ToyGrid:
        at_q = self.structure_factor(q_hkl, temperature_k)
        all_q = (np.asarray(q_hkl)[:, None] + g_hkl).reshape(-1, 3)
        everywhere = self.structure_factor(all_q, temperature_k).intensity
        shape = (len(q_hkl), len(g_hkl), 3)
        return ToyGrid(at_q.energy_mev, everywhere.reshape(shape), at_q.group)

    def window_average(
        self,
        q_hkl: np.ndarray,
        dq_horizontal: np.ndarray,
        dq_vertical: np.ndarray,
        temperature_k: float,
    ) -> ToyAverage:
        """Simple means over 5 × 5 points of each window, polarisation by polarisation."""
        centre = self.structure_factor(q_hkl, temperature_k)
        order = np.argsort(self.branches(q_hkl), axis=1, kind="stable")
        steps = (np.arange(5) - 2) / 5
        x, y = (a.ravel()[:, None] for a in np.meshgrid(steps, steps))
        mean, intensity, spread = (np.empty_like(centre.energy_mev) for _ in range(3))
        for i, q in enumerate(q_hkl):
            e, s = self.polarised(q + x * dq_horizontal[i] + y * dq_vertical[i])
            weight = s + 1e-12 * s.max()
            weight = weight / weight.sum(axis=0)
            mean[i] = (weight * e).sum(axis=0)[order[i]]
            intensity[i] = s.mean(axis=0)[order[i]]
            spread[i] = np.sqrt((weight * (e - (weight * e).sum(axis=0)) ** 2).sum(axis=0))[
                order[i]
            ]
        return ToyAverage(replace(centre, energy_mev=mean, intensity=intensity), spread)
