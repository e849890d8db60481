"""How the residuals of structure factors are distributed, beside the Gaussian of pure noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ixs_core.arrays import FloatArray, IntArray

_BINS = 40
_NARROWEST = 3.5  # σ, shown on both sides at least


@dataclass(frozen=True)
class ResidualHistogram:
    """Numbers of reflections by (|F| - |F_o|)/σ.

    Parameters
    ----------
    edges : (n + 1,) array
        In σ, symmetric about 0; all residuals are inside.
    counts : (n,) int array
    """

    edges: FloatArray
    counts: IntArray

    def gaussian(self, x: FloatArray) -> FloatArray:
        """Reflections per bin that noise of standard deviation 1 would give, at x in σ."""
        width = float(self.edges[1] - self.edges[0])
        return np.asarray(self.counts.sum() * width * stats.norm.pdf(x))


def residual_histogram(residual: FloatArray) -> ResidualHistogram:
    """The distribution of (|F| - |F_o|)/σ (n,) in 40 bins."""
    largest = float(np.abs(residual).max()) if residual.size else 0.0
    limit = max(_NARROWEST, 1.05 * largest)
    counts, edges = np.histogram(residual, np.linspace(-limit, limit, _BINS + 1))
    return ResidualHistogram(edges, counts)
