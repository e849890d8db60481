"""What a drawing of an overlay shows, as numbers: curves at the median exposure, their range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fit_curves import CountedPoints, counted_points
from ixs_reduce.likelihood import deviance_residuals
from ixs_reduce.spectrum import Spectrum
from simulate.spectrum_overlay import SpectrumOverlay


@dataclass(frozen=True)
class OverlayCurves:
    """A prediction over a spectrum as drawn: counts per point at the median exposure.

    Parameters
    ----------
    energy_mev : (n,) array
        True energies of the points that have an exposure.
    expected, inelastic, elastic, background : (n,) arrays
        `expected` is the sum of the others.
    residuals : (n,) array
        Signed deviance residuals of the counts, standard normal for a true model.
    """

    energy_mev: FloatArray
    expected: FloatArray
    inelastic: FloatArray
    elastic: FloatArray
    background: FloatArray
    residuals: FloatArray


def overlaid_points(one: SpectrumOverlay) -> CountedPoints:
    """The counts that a prediction was laid over, at their median exposure."""
    data = one.overlay
    return counted_points(Spectrum(data.energy_mev, data.counts, data.exposure), one.zero_mev)


def curves_at_median(one: SpectrumOverlay, exposure: float) -> OverlayCurves:
    """The curves of an overlay at an exposure (the median one of its points)."""
    found = one.overlay
    seen = found.exposure > 0
    factor = exposure / found.exposure[seen]
    return OverlayCurves(
        energy_mev=found.energy_mev[seen] - one.zero_mev,
        expected=found.expected[seen] * factor,
        inelastic=found.inelastic[seen] * factor,
        elastic=found.elastic[seen] * factor,
        background=found.background[seen] * factor,
        residuals=deviance_residuals(found.counts[seen], found.expected[seen]),
    )


def shown_counts(group: Sequence[SpectrumOverlay], points: CountedPoints) -> tuple[float, float]:
    """The top of the count axis for overlays of one spectrum, and the largest count.

    Where the elastic line is more than twice as high as all else it is cut off.
    """
    full = float(points.upper.max(initial=1.0))
    away = np.abs(points.energy_mev) > 1.2 * group[0].resolution_mev
    tops = [4.0, float(points.upper[away].max(initial=1.0))]
    for one in group:
        curves = curves_at_median(one, points.exposure)
        tops.append(float(curves.inelastic.max()))
        full = max(full, float(curves.expected.max()))
    top = 1.25 * max(tops)
    return (min(1.05 * full, top) if full > 2 * top else max(1.05 * full, top)), full
