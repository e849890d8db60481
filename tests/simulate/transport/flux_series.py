"""Heat fluxes of exactly known spectrum: autoregressive series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter

from ixs_core.arrays import FloatArray

VOLUME_A3, KELVIN, DT_FS = 1000.0, 100.0, 1.0


def autoregressive(
    coefficients: Sequence[float], rows: int, seed: int, warm_up: int = 2000
) -> FloatArray:
    """(rows, 3) x_t = Σ φ_k x_{t-k} + e_t with unit noise, independent axes, stationary."""
    noise = np.random.default_rng(seed).normal(size=(rows + warm_up, 3))
    series = lfilter([1.0], [1.0, *(-phi for phi in coefficients)], noise, axis=0)
    return np.asarray(series[warm_up:])


def exact_kappa(coefficients: Sequence[float]) -> float:
    """κ in W/(m K) of such a series in eV Å/ps: S(0)/2 = dt / (2 (1 - Σ φ)²)."""
    electron, boltzmann = 1.602176634e-19, 1.380649e-23
    flux2 = (electron * 1e-10 / 1e-12) ** 2  # (eV Å/ps)² in (W m)²
    power = 0.5 * DT_FS * 1e-15 / (1 - sum(coefficients)) ** 2
    return flux2 * power / (boltzmann * KELVIN**2 * VOLUME_A3 * 1e-30)
