"""Phonon modes at a list of Q, and their x-ray (or neutron) structure factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_reduce.lineshape import bose_factor
from simulate.phonons.character import ModeCharacter

IMAGINARY_MEV = 1e-3
"""Energies above this are real phonons; acoustic modes at Γ lie below it."""


@dataclass(frozen=True)
class Modes:
    """Energies and eigenvectors at q-points.

    Parameters
    ----------
    q_hkl : (nq, 3) array
        In r.l.u. of the conventional cell, as asked (not reduced to a zone).
    energy_mev : (nq, ns) array
        Ascending; negative for imaginary modes (-|E| where E² < 0).
    eigenvectors : (nq, 3n, ns) complex array
        Columns are normalised mass-weighted polarisation vectors, atom by atom, xyz running
        fastest, in the **lattice** phase convention: u(L, d) ∝ e_d exp(2πi q·L) / √M_d, no
        phase of the atom's place in the cell.
    """

    q_hkl: FloatArray
    energy_mev: FloatArray
    eigenvectors: ComplexArray

    @property
    def imaginary(self) -> BoolArray:
        """(nq, ns) whether a mode is imaginary (below -IMAGINARY_MEV)."""
        return self.energy_mev < -IMAGINARY_MEV


@dataclass(frozen=True)
class ModeStructureFactor:
    """One-phonon structure factors.

    S(Q, E) = Σ_s I_s {[n+1] δ(E-E_s) + n δ(E+E_s)}.

    Parameters
    ----------
    q_hkl : (nq, 3) array
    q_abs : (nq,) array
        Å⁻¹.
    energy_mev : (nq, ns) array
        Signed, ascending.
    intensity : (nq, ns) array
        I_s in e² per primitive cell (x-rays) without the Bose factor; 0 for modes that are not
        real (imaginary, or acoustic at Γ).
    branch : (nq, ns) int array
        1-based, acoustic first: the order of energies unless tracked along a path.
    group : (nq, ns) int array
        Modes of one Q with the same number are degenerate: only their summed intensity means
        something.
    temperature_k : float
    formula_units : int
        Formula units per primitive cell.
    character : ModeCharacter or None
        Which sites move and how far along q, where it was calculated: along paths.
    """

    q_hkl: FloatArray
    q_abs: FloatArray
    energy_mev: FloatArray
    intensity: FloatArray
    branch: IntArray
    group: IntArray
    temperature_k: float
    formula_units: int = 1
    character: ModeCharacter | None = None

    @property
    def imaginary(self) -> BoolArray:
        """(nq, ns) whether a mode is imaginary."""
        return self.energy_mev < -IMAGINARY_MEV

    @property
    def loss_intensity(self) -> FloatArray:
        """(nq, ns) I_s [n+1] in e²: the area of the line on the side of energy loss."""
        real = self.energy_mev > IMAGINARY_MEV
        gain = bose_factor(np.where(real, self.energy_mev, 1.0), self.temperature_k)
        return np.where(real, self.intensity * gain, 0.0)
