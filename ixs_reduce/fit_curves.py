"""What a drawing of a fit shows, as numbers: points with intervals, curves, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.likelihood import deviance_residuals, poisson_interval
from ixs_reduce.spectrum import Spectrum


@dataclass(frozen=True)
class CountedPoints:
    """Counts of a spectrum as drawn: what each point would have at the median exposure.

    Parameters
    ----------
    energy_mev : (n,) array
        True energy transfer: file energy minus zero.
    counts, lower, upper : (n,) arrays
        Counts per point and the ends of their 68 % Poisson interval (Garwood), scaled by
        median exposure / exposure of the point.
    exposure : float
        The median exposure.
    unexposed : int
        Points without any exposure; they carry no information and are not drawn.
    """

    energy_mev: FloatArray
    counts: FloatArray
    lower: FloatArray
    upper: FloatArray
    exposure: float
    unexposed: int


@dataclass(frozen=True)
class FitCurves:
    """Points, curves and residuals of a fit on the axis of true energy transfer.

    Parameters
    ----------
    points : CountedPoints
    residuals : (n,) array
        Signed deviance residuals of the points, standard normal for a true model.
    energy_mev : (m,) array
        True energies of the curves.
    total : (m,) array
        Expected counts per point at the median exposure, measured background included.
    components : mapping of name to (m,) array
        The terms of the total: mode1 …, elastic, quasielastic, folded, background,
        measured.
    """

    points: CountedPoints
    residuals: FloatArray
    energy_mev: FloatArray
    total: FloatArray
    components: Mapping[str, FloatArray]

    def mode(self, index: int) -> FloatArray:
        """Curve (m,) of the mode with a 0-based index."""
        return self.components[f"mode{index + 1}"]


def counted_points(spectrum: Spectrum, zero_mev: float = 0.0) -> CountedPoints:
    """The points of a spectrum at its median exposure, with 68 % Poisson intervals."""
    seen = spectrum.exposure > 0
    exposure = spectrum.exposure[seen]
    median = float(np.median(exposure)) if exposure.size else 1.0
    scale = median / exposure
    counts = spectrum.counts[seen]
    lower, upper = poisson_interval(counts)
    return CountedPoints(
        energy_mev=spectrum.energy_mev[seen] - zero_mev,
        counts=counts * scale,
        lower=lower * scale,
        upper=upper * scale,
        exposure=median,
        unexposed=int(np.sum(~seen)),
    )


def fit_curves(fit: SpectrumFit, n_points: int = 400) -> FitCurves:
    """Points, curves and residuals of a fit.

    Parameters
    ----------
    fit : SpectrumFit
    n_points : int
        Number of energies of the curves.
    """
    spectrum = fit.spectrum
    zero = fit.zero.value
    points = counted_points(spectrum, zero)
    energy = np.linspace(spectrum.energy_mev[0], spectrum.energy_mev[-1], n_points)
    values = dict(zip(fit.parameter_names, fit.parameters.tolist(), strict=True))
    terms = fit.model.components(values, energy)
    if spectrum.background_rate is not None:
        terms["measured"] = np.interp(energy, spectrum.energy_mev, spectrum.background_rate)
    components = {name: points.exposure * term for name, term in terms.items()}
    seen = spectrum.exposure > 0
    return FitCurves(
        points=points,
        residuals=deviance_residuals(spectrum.counts[seen], fit.expected_counts[seen]),
        energy_mev=energy - zero,
        total=np.sum(list(components.values()), axis=0) if components else np.zeros(energy.size),
        components=components,
    )
