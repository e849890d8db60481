"""Heat capacity of a mode."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.units import BOLTZMANN_MEV_K

STILL_MEV = 4e-4
"""Modes below carry nothing: translations at Γ, and 1e-4 THz in phono3py."""


def mode_heat_capacity(energy_mev: FloatArray, temperature_k: float) -> FloatArray:
    """C = k_B x² n (n+1), x = E/k_B T, in meV/K; 0 for imaginary modes and translations.

    Parameters
    ----------
    energy_mev : array of any shape
    temperature_k : float
    """
    real = energy_mev > STILL_MEV
    x = np.where(real, energy_mev, 1.0) / (BOLTZMANN_MEV_K * temperature_k)
    capacity = BOLTZMANN_MEV_K * x**2 * np.exp(-x) / np.expm1(-x) ** 2
    return np.where(real, capacity, 0.0)
