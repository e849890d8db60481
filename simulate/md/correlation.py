"""Correlation functions over all time origins, by fast Fourier transform.

The cost is F log F for F frames where the plain sums cost F². Arrays hold one series per row,
time along the last axis; results are summed over the rows, so that blocks of atoms add up.
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from ixs_core.arrays import FloatArray

_ROWS = 32  # transformed at once, so that the spectra stay small beside the series


def autocorrelation_sum(series: FloatArray, lags: int | None = None) -> FloatArray:
    """Autocorrelation C(τ) = Σ_rows ⟨x(t) x(t+τ)⟩ over all origins t.

    Parameters
    ----------
    series : (…, t) array
    lags : int, optional
        Number of lags 0, 1, …; all of them by default.

    Returns
    -------
    (lags,) array
        In the square of the series' unit; float64.

    Notes
    -----
    Wiener-Khinchin: the inverse transform of |X(ω)|² of the series padded with zeros to twice
    its length, divided by the number of origins of each lag.
    """
    rows = _rows(series)
    frames = rows.shape[1]
    wanted = frames if lags is None else min(lags, frames)
    return _correlation_sums(rows)[:wanted] / (frames - np.arange(wanted))


def squared_displacement_sum(series: FloatArray, lags: int | None = None) -> FloatArray:
    """Squared displacement Σ_rows ⟨(x(t+τ) - x(t))²⟩ over all origins t.

    Parameters
    ----------
    series : (…, t) array
        Positions, continuous in time.
    lags : int, optional
        Number of lags 0, 1, …; all of them by default.

    Returns
    -------
    (lags,) array
        In the square of the series' unit; float64, zero at lag 0.

    Notes
    -----
    S1 - 2 S2: S1(τ) = ⟨x²(t) + x²(t+τ)⟩ from running sums, S2 = ⟨x(t) x(t+τ)⟩ by FFT
    (Calandrini et al., Collection SFN 12, 201 (2011), section 4.2). The two nearly cancel where
    an atom moves little beside its distance from the origin, so each row's mean is taken off.
    """
    rows = _rows(series)
    centred = rows - rows.mean(axis=1, keepdims=True)
    frames = centred.shape[1]
    wanted = frames if lags is None else min(lags, frames)
    squares = np.einsum("rt,rt->t", centred, centred)
    dropped_first = np.concatenate([[0.0], np.cumsum(squares)[:-1]])
    dropped_last = np.concatenate([[0.0], np.cumsum(squares[::-1])[:-1]])
    both_ends = 2 * squares.sum() - dropped_first - dropped_last
    sums = (both_ends - 2 * _correlation_sums(centred))[:wanted]
    sums[0] = 0.0
    return np.maximum(sums, 0.0) / (frames - np.arange(wanted))


def _rows(series: FloatArray) -> FloatArray:
    return np.asarray(series, dtype=np.float64).reshape(-1, series.shape[-1])


def _correlation_sums(rows: FloatArray) -> FloatArray:
    """Σ_rows Σ_t x(t) x(t+τ) for all lags τ: one inverse transform for all rows together."""
    frames = rows.shape[1]
    length = fft.next_fast_len(2 * frames - 1, real=True)
    power = np.zeros(length // 2 + 1)
    for start in range(0, len(rows), _ROWS):
        spectrum = fft.rfft(rows[start : start + _ROWS], length, axis=1)
        power += np.einsum("rw,rw->w", spectrum.real, spectrum.real)
        power += np.einsum("rw,rw->w", spectrum.imag, spectrum.imag)
    return np.asarray(fft.irfft(power, length)[:frames])
