"""Correlations of a heat flux with itself and between its parts, and their running integrals."""

from __future__ import annotations

import numpy as np
from scipy import fft

from ixs_core.arrays import FloatArray

PARTS = ("virial", "convective", "virial-convective", "convective-virial")
"""⟨VV⟩, ⟨CC⟩, ⟨V(0)C(t)⟩, ⟨C(0)V(t)⟩: their sum is the correlation of the total flux."""


def correlation_sums(
    total: FloatArray, convective: FloatArray | None, lags: int
) -> tuple[FloatArray, FloatArray]:
    """Σ_t j_α(t) j_α(t+τ) of the total flux and of the parts, over all origins.

    Parameters
    ----------
    total, convective : (nt, 3) arrays
        `convective` may be None: then there are no parts.
    lags : int
        Number of lags 0, 1, …; at most nt.

    Returns
    -------
    (lags, 3) array, (4 or 0, lags, 3) array
        Sums, not yet divided by the nt - τ origins; parts as `PARTS` names them.

    Notes
    -----
    Wiener-Khinchin: series padded with zeros to twice their length. The mean is not taken off: in
    equilibrium it is zero, and the mean of a finite series would bias the integral to t by
    -κ 2t/T.
    """
    rows = len(total)
    length = fft.next_fast_len(rows + lags, real=True)

    def sums(first: FloatArray, second: FloatArray) -> FloatArray:
        return np.asarray(fft.irfft(np.conj(first) * second, length, axis=0)[:lags])

    whole = fft.rfft(total, length, axis=0)
    if convective is None:
        return sums(whole, whole), np.empty((0, lags, 3))
    virial = fft.rfft(total - convective, length, axis=0)
    carried = fft.rfft(convective, length, axis=0)
    pairs = ((virial, virial), (carried, carried), (virial, carried), (carried, virial))
    return sums(whole, whole), np.array([sums(*pair) for pair in pairs])


def running_integral(correlation: FloatArray, dt: float) -> FloatArray:
    """∫₀^t C(t') dt' by the trapezoidal rule, along the last axis but one (time).

    The first point counts half: in a dielectric solid C(0) dt/2 alone can be as much as κ.
    """
    steps = 0.5 * dt * (correlation[..., 1:, :] + correlation[..., :-1, :])
    start = np.zeros_like(correlation[..., :1, :])
    return np.concatenate([start, np.cumsum(steps, axis=-2)], axis=-2)
