"""How well expected counts explain counts: Poisson deviance, or χ² on request."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray

Objective = Literal["poisson", "chi2"]


class LowCountsWarning(UserWarning):
    """χ² was asked for at counts so low that it is biased."""


def poisson_deviance(counts: FloatArray, expected: FloatArray) -> float:
    """2 Σ [μ - N + N ln(N/μ)] (W. Cash, ApJ 228 (1979) 939, less its value at μ = N)."""
    return float(2 * np.sum(expected - counts + _counts_log_ratio(counts, expected)))


def deviance_residuals(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """sign(N-μ) √(2 [μ - N + N ln(N/μ)]), standard normal for many counts."""
    term = expected - counts + _counts_log_ratio(counts, expected)
    return np.sign(counts - expected) * np.sqrt(2 * np.maximum(term, 0.0))


def neyman_weights(counts: FloatArray) -> FloatArray:
    """1/max(N, 1), the weights of the χ² objective."""
    return 1 / np.maximum(counts, 1.0)


def objective_value(objective: Objective, counts: FloatArray, expected: FloatArray) -> float:
    """The minimised number: deviance, or χ² = Σ (N-μ)²/max(N, 1)."""
    if objective == "poisson":
        return poisson_deviance(counts, expected)
    return float(np.sum(neyman_weights(counts) * (counts - expected) ** 2))


def poisson_interval(
    counts: FloatArray, confidence: float = 0.6827
) -> tuple[FloatArray, FloatArray]:
    """Central confidence interval of the mean of Poisson counts.

    F. Garwood, Biometrika 28 (1936) 437. Returns lower and upper ends, shaped as `counts`;
    lower is 0 for zero counts.
    """
    from scipy.stats import chi2

    tail = (1 - confidence) / 2
    lower = np.where(counts > 0, chi2.ppf(tail, 2 * np.maximum(counts, 0.5)) / 2, 0.0)
    return lower, chi2.ppf(1 - tail, 2 * counts + 2) / 2


def _counts_log_ratio(counts: FloatArray, expected: FloatArray) -> FloatArray:
    """N ln(N/μ), zero where N is zero."""
    seen = counts > 0
    return np.where(seen, counts * np.log(np.where(seen, counts, 1.0) / expected), 0.0)
