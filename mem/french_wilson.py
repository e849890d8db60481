"""Amplitudes |F| of weak and negative intensities, after French & Wilson.

Acta Cryst. A34, 517 (1978): the measured F² is Gaussian about the true J ≥ 0, and J has, before
the measurement, Wilson's distribution exp(-J/Σ)/Σ (acentric) or exp(-J/2Σ)/√(2πΣJ) (centric).
In units of x = |F|/√σ the amplitude has after it the probability density

    p(x) ∝ x^k exp(-(x² - t)²/2),  k = 1, t = F²/σ - σ/Σ   (acentric)
                                  k = 0, t = F²/σ - σ/2Σ  (centric),

whose mean and standard deviation are what the paper tabulates. They are integrated here.
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray

WEAK = 3.0
"""Intensities below this many σ are treated so; above, |F| = √F² and σ(|F|) = σ(F²)/2|F|.

A strong reflection outgrows Wilson's expectation for its shell by nature, and needs no prior.
"""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_NEGLIGIBLE = 40.0  # e^-40 of the largest value ends the integral
_BATCH = 1 << 14
_MOST_NEGATIVE = -1e4  # t from here on: F² is so negative that only its sign counts


def amplitudes(
    intensity: FloatArray, sigma: FloatArray, expectation: FloatArray, centric: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """|F| and its standard uncertainty.

    Parameters
    ----------
    intensity, sigma : (n,) arrays
        F² and σ(F²) > 0.
    expectation : (n,) array
        ε Σ > 0: the mean of F² expected before the measurement.
    centric : (n,) bool array

    Returns
    -------
    amplitude, sigma : (n,) arrays
        Both positive.
    """
    weak = intensity < WEAK * sigma
    amplitude = np.sqrt(np.where(weak, 1.0, intensity))
    uncertainty = sigma / (2 * amplitude)
    amplitude[weak], uncertainty[weak] = posterior(
        intensity[weak], sigma[weak], expectation[weak], centric[weak]
    )
    return amplitude, uncertainty


def posterior(
    intensity: FloatArray, sigma: FloatArray, expectation: FloatArray, centric: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of |F| for any intensity; parameters as in `amplitudes`."""
    t = intensity / sigma - sigma / (expectation * np.where(centric, 2.0, 1.0))
    t = np.maximum(t, _MOST_NEGATIVE)
    mean, deviation = np.empty(len(t)), np.empty(len(t))
    for first in range(0, len(t), _BATCH):
        part = slice(first, first + _BATCH)
        mean[part], deviation[part] = _moments(t[part], centric[part])
    root = np.sqrt(sigma)
    return mean * root, deviation * root


def _moments(t: FloatArray, centric: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of x, by Gauss-Legendre quadrature."""
    low, high = _limits(t)
    x = 0.5 * (high + low)[:, None] + 0.5 * (high - low)[:, None] * _NODES
    peak = np.maximum(t, 0.0)[:, None]
    exponent = -0.5 * ((x**2 - t[:, None]) ** 2 - (peak - t[:, None]) ** 2)
    density = _WEIGHTS * np.exp(exponent) * np.where(centric[:, None], 1.0, x)
    norm = density.sum(axis=1)
    mean = (density * x).sum(axis=1) / norm
    variance = (density * (x - mean[:, None]) ** 2).sum(axis=1) / norm
    return mean, np.sqrt(variance)


def _limits(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where exp(-(x² - t)²/2) has fallen to e^-40 of its largest value for x ≥ 0."""
    least = np.minimum(t, 0.0) ** 2
    reach = np.sqrt(least + 2 * _NEGLIGIBLE)
    return np.sqrt(np.maximum(t - reach, 0.0)), np.sqrt(t + reach)
