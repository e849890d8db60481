"""What a drawing of a fit shows, as numbers: points with intervals, curves, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

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
    plan : CurvePlan
        Of what they were made.
    terms : mapping of name to (n_nodes,) array
        The model's terms per unit exposure, at the nodes of the plan.
    """

    curves: FitCurves
    expected_counts: FloatArray
    plan: CurvePlan
    terms: Mapping[str, FloatArray]

    @cached_property
    def components_at_points(self) -> Mapping[str, FloatArray]:
        """The terms of the total at the drawn points, (n,) each, scaled like these."""
        seen, exposure = self.plan.spectrum.exposure > 0, self.curves.points.exposure
        here = {name: self.plan.from_nodes(term) for name, term in self.terms.items()}
        if self.plan.spectrum.background_rate is not None:
            here["measured"] = self.plan.spectrum.background_rate
        return {name: exposure * term[seen] for name, term in here.items()}

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
    nodes : (n_nodes,) array
        File energies at which the model is evaluated for the points: theirs; or, where very
        many lie much closer than R is wide, fewer with the points between them.
    at_nodes, between : ConvolutionPlan
        At the nodes, and at the energies of the curves.
    energy_mev : (m,) array
        File energies of the curves.
    """

    spectrum: Spectrum
    points: CountedPoints
    nodes: FloatArray
    at_nodes: ConvolutionPlan
    between: ConvolutionPlan
    energy_mev: FloatArray

    @classmethod
    def of(cls, spectrum: Spectrum, resolution: Resolution, n_points: int = 400) -> CurvePlan:
        """Prepare curves at `n_points` energies over a spectrum, through a resolution."""
        energy = np.linspace(spectrum.energy_mev[0], spectrum.energy_mev[-1], n_points)
        nodes = _nodes(spectrum.energy_mev, resolution)
        return cls(
            spectrum,
            counted_points(spectrum),
            nodes,
            plan_convolution(resolution, nodes),
            plan_convolution(resolution, energy),
            energy,
        )

    def from_nodes(self, values: FloatArray) -> FloatArray:
        """From values (n_nodes,) at the nodes to those (n_points,) at the spectrum's points."""
        energy = self.spectrum.energy_mev
        return values if self.nodes is energy else np.interp(energy, self.nodes, values)

    def curves(self, model: SpectrumModel, parameters: FloatArray) -> ModelCurves:
        """Curves of a model (with the resolution of this plan) at a parameter vector."""
        spectrum, zero = self.spectrum, float(parameters[-1])
        points = replace(self.points, energy_mev=self.points.energy_mev - zero)
        terms = PreparedModel(model, self.energy_mev, self.between).terms(parameters)
        here = PreparedModel(model, self.nodes, self.at_nodes).terms(parameters)
        if spectrum.background_rate is not None:
            terms["measured"] = np.interp(
                self.energy_mev, spectrum.energy_mev, spectrum.background_rate
            )
        components = {name: points.exposure * term for name, term in terms.items()}
        expected = self._expected(here)
        curves = FitCurves(
            points=points,
            residuals=self._residuals(expected),
            energy_mev=self.energy_mev - zero,
            total=np.sum(list(components.values()), axis=0)
            if components
            else np.zeros(self.energy_mev.size),
            components=components,
        )
        return ModelCurves(curves, expected, self, here)

    def _expected(self, terms: Mapping[str, FloatArray]) -> FloatArray:
        """Expected counts (n_points,) from the terms at the nodes."""
        spectrum = self.spectrum
        rate = np.sum(list(terms.values()), axis=0) if terms else np.zeros(self.nodes.size)
        rate = self.from_nodes(rate)
        if spectrum.background_rate is not None:
            rate = rate + spectrum.background_rate
        floor = _FLOOR * max(float(spectrum.counts.max(initial=0.0)), 1.0)
        return np.maximum(spectrum.exposure * rate, floor)

    def _residuals(self, expected: FloatArray) -> FloatArray:
        counts, seen = self.spectrum.counts, self.spectrum.exposure > 0
        if not seen.all():
            counts, expected = counts[seen], expected[seen]
        return deviance_residuals(counts, expected)


def _nodes(energy_mev: FloatArray, resolution: Resolution) -> FloatArray:
    """Where a model is evaluated for points at these energies; the energies themselves if few."""
    if energy_mev.size <= _FEW_POINTS:
        return energy_mev
    narrowest = min(
        (component.fwhm_mev for component in resolution.components), default=resolution.fwhm_mev
    )
    first, last = float(energy_mev[0]), float(energy_mev[-1])
    number = int(np.ceil(_NODES_PER_FWHM * (last - first) / narrowest)) + 1
    return np.linspace(first, last, number) if 2 * number < energy_mev.size else energy_mev


# So many points have a node each. Between nodes a line through R, which is smooth on the scale of
# its width, is straight: at 200 to the FWHM to 2e-5 of its height.
_FEW_POINTS = 20_000
_NODES_PER_FWHM = 200

# Expected counts that a start model puts below this share of the largest count have no logarithm.
_FLOOR = 1e-9
