"""The scale on which sections are drawn, everywhere alike: weak channels and atoms in one map."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray

LOWEST_E_A3, HIGHEST_E_A3 = 0.02, 20.0
"""Range of the colours of a section in e/Å³: weak channels and atoms on one scale."""

CONTOURS_E_A3 = tuple(0.05 * 2.0**n for n in range(10))
"""Contour lines of a section in e/Å³."""

DIFFERENCE_CONTOURS_E_A3 = CONTOURS_E_A3[3:]
"""Contour lines of a difference, with both signs: from 0.4 e/Å³, above the ripples."""

_SHARE = 0.99  # of the values of a difference that the colours reach to


def difference_reach(values: FloatArray) -> float:
    """± end of the colours of a difference in e/Å³, robust against single points."""
    sizes = np.abs(values[np.isfinite(values)])
    if not sizes.size:
        return 1.0
    return float(np.quantile(sizes, _SHARE)) or float(sizes.max()) or 1.0
