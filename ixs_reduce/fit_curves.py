"""What a drawing of a fit shows, as numbers: points with intervals, curves, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.convolution import ConvolutionPlan, plan_convolution
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.likelihood import deviance_residuals, poisson_interval
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import PreparedModel, SpectrumModel


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


@dataclass(frozen=True)
class ModelCurves:
    """What a model with given parameters looks like over a spectrum, fitted or not.

    Parameters
    ----------
    curves : FitCurves
    expected_counts : (n_points,) array
        At every point of the spectrum, exposed or not.
    components_at_points : mapping of name to (n,) array
        The terms of the total at the drawn points, scaled like these.
    """

    curves: FitCurves
    expected_counts: FloatArray
    components_at_points: Mapping[str, FloatArray]

    @property
    def total_at_points(self) -> FloatArray:
        """The total at the drawn points, scaled like these."""
        terms = list(self.components_at_points.values())
        return np.sum(terms, axis=0) if terms else np.zeros(self.curves.points.counts.size)


@dataclass(frozen=True)
class CurvePlan:
    """What all curves over one spectrum share, made once so that a drag can draw many.

    Parameters
    ----------
    spectrum : Spectrum
    points : CountedPoints
        At the energies of the file.
    at_points, between : ConvolutionPlan
        At the spectrum's points, and at the energies of the curves.
    energy_mev : (m,) array
        File energies of the curves.
    """

    spectrum: Spectrum
    points: CountedPoints
    at_points: ConvolutionPlan
    between: ConvolutionPlan
    energy_mev: FloatArray

    @classmethod
    def of(cls, spectrum: Spectrum, resolution: Resolution, n_points: int = 400) -> CurvePlan:
        """Prepare curves at `n_points` energies over a spectrum, through a resolution."""
        energy = np.linspace(spectrum.energy_mev[0], spectrum.energy_mev[-1], n_points)
        return cls(
            spectrum,
            counted_points(spectrum),
            plan_convolution(resolution, spectrum.energy_mev),
            plan_convolution(resolution, energy),
            energy,
        )

    def curves(self, model: SpectrumModel, parameters: FloatArray) -> ModelCurves:
        """Curves of a model (with the resolution of this plan) at a parameter vector."""
        spectrum, zero = self.spectrum, float(parameters[-1])
        points = replace(self.points, energy_mev=self.points.energy_mev - zero)
        terms = PreparedModel(model, self.energy_mev, self.between).terms(parameters)
        here = PreparedModel(model, spectrum.energy_mev, self.at_points).terms(parameters)
        if spectrum.background_rate is not None:
            terms["measured"] = np.interp(
                self.energy_mev, spectrum.energy_mev, spectrum.background_rate
            )
            here["measured"] = spectrum.background_rate
        rate = np.sum(list(here.values()), axis=0) if here else np.zeros(spectrum.counts.size)
        floor = _FLOOR * max(float(spectrum.counts.max(initial=0.0)), 1.0)
        expected = np.maximum(spectrum.exposure * rate, floor)
        seen = spectrum.exposure > 0
        components = {name: points.exposure * term for name, term in terms.items()}
        curves = FitCurves(
            points=points,
            residuals=deviance_residuals(spectrum.counts[seen], expected[seen]),
            energy_mev=self.energy_mev - zero,
            total=np.sum(list(components.values()), axis=0)
            if components
            else np.zeros(self.energy_mev.size),
            components=components,
        )
        at_points = {name: points.exposure * term[seen] for name, term in here.items()}
        return ModelCurves(curves, expected, at_points)


# Expected counts that a start model puts below this share of the largest count have no logarithm.
_FLOOR = 1e-9
