"""Fit an analyzer's resolution function to a scan of an elastic scatterer (PMMA, Tempax).

R is a sum of a few shifted Gaussians and Lorentzians with positive weights; a single
pseudo-Voigt does not describe the tens of thousands of counts such scans have. The number of
components is chosen by BIC. Components wider than the tail setting are the scatterer's own
inelastic scattering (D. Ishikawa & A. Q. R. Baron, J. Synchrotron Rad. 28 (2021) 804): they
explain the scan but are cut from R.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.fisher_scoring import Optimum, covariance, held_at_bounds, minimise
from ixs_reduce.resolution import Component, Resolution
from ixs_reduce.spectrum import Spectrum

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken

Kind = Literal["gaussian", "lorentzian"]


@dataclass(frozen=True)
class ResolutionOptions:
    """How resolutions are fitted.

    max_components : at most this many components.
    window_mev : fit only file energies within (low, high) of the strongest point.
    tail_mev : components of larger FWHM, or further than half of this from the peak, are the
        scatterer's, not the analyzer's.
    numeric : take R as measured (background and broad components subtracted) instead.
    """

    max_components: int = 6
    window_mev: tuple[float, float] | None = None
    tail_mev: float = 8.0
    numeric: bool = False


@dataclass(frozen=True)
class ResolutionFit:
    """The resolution of one analyzer and how well it explains the scan.

    Parameters
    ----------
    resolution : Resolution
        Unit area, E = 0 at the midpoint at half height.
    spectrum : Spectrum
        The fitted points.
    components : tuple of Component
        All of them in the file's energies; weights are areas in counts × meV per exposure.
    background : float
        Constant background per exposure.
    broad : tuple of Component
        Those of `components` that were cut from R: wide or off-centre.
    e_zero_mev, e_zero_err : float
        File energy of E = 0, and its standard error.
    fwhm_mev, fwhm_err : float
        FWHM of R and its standard error.
    deviance, dof, bic : float, int, float
    expected_counts : (n,) array
    others : tuple of str
        Other scans of this analyzer that were not used.
    """

    resolution: Resolution
    spectrum: Spectrum
    components: tuple[Component, ...]
    background: float
    broad: tuple[Component, ...]
    e_zero_mev: float
    e_zero_err: float
    fwhm_mev: float
    fwhm_err: float
    deviance: float
    dof: int
    bic: float
    expected_counts: FloatArray
    others: tuple[str, ...] = ()

    @property
    def analyzer(self) -> str:
        """Name of the analyzer."""
        return self.spectrum.analyzer or "analyzer"

    @property
    def reduced_deviance(self) -> float:
        """Deviance per degree of freedom."""
        return self.deviance / max(self.dof, 1)


def fit_resolution(
    spectrum: Spectrum,
    options: ResolutionOptions | None = None,
    cancel: CancelToken | None = None,
) -> ResolutionFit:
    """Fit R to the scan of an elastic scatterer.

    Parameters
    ----------
    spectrum : Spectrum
    options : ResolutionOptions, optional
    cancel : CancelToken, optional

    Raises
    ------
    InputError
        For too few points or counts, or an elastic line that leaves the scanned range.
    """
    options = options or ResolutionOptions()
    data = _within_window(spectrum, options.window_mev)
    _check_scan(data)
    best = _select(data, options, cancel)
    lower, upper = _bounds(data, len(best.kinds))
    kept = _of_analyzer(best.components, options.tail_mev)
    if not kept:
        raise InputError(f"{data.label}: no component is narrower than the tail setting")
    resolution, zero = Resolution.from_components(kept, data.analyzer).at_half_height()
    errors = _shape_errors(best, options.tail_mev, lower, upper)
    if options.numeric:
        resolution, zero = _numeric(data, best, options.tail_mev).at_half_height()
    return ResolutionFit(
        resolution=resolution,
        spectrum=data,
        components=best.components,
        background=float(best.optimum.point[-1]),
        broad=tuple(c for c in best.components if c.weight > 0 and c not in kept),
        e_zero_mev=zero,
        e_zero_err=errors[0],
        fwhm_mev=resolution.fwhm_mev,
        fwhm_err=errors[1],
        deviance=best.optimum.objective,
        dof=data.counts.size - best.optimum.point.size,
        bic=best.bic(data.counts.size),
        expected_counts=best.optimum.expected,
    )


@dataclass(frozen=True)
class _Candidate:
    """A fitted set of components."""

    kinds: tuple[Kind, ...]
    optimum: Optimum

    @property
    def components(self) -> tuple[Component, ...]:
        return _components(self.kinds, self.optimum.point)

    def bic(self, n_points: int) -> float:
        """Deviance + parameters × ln n."""
        return self.optimum.objective + self.optimum.point.size * float(np.log(n_points))


def _select(data: Spectrum, options: ResolutionOptions, cancel: CancelToken | None) -> _Candidate:
    """Add components one by one where they help most, as long as BIC falls."""
    best: _Candidate | None = None
    current: _Candidate | None = None
    for _ in range(options.max_components):
        trials = [
            _fitted(data, (*_kinds(current), kind), start, cancel)
            for kind, start in _starts(data, current)
        ]
        current = min(trials, key=lambda trial: trial.optimum.objective)
        if best is None or current.bic(data.counts.size) < best.bic(data.counts.size):
            best = current
    assert best is not None
    return best


def _kinds(candidate: _Candidate | None) -> tuple[Kind, ...]:
    return () if candidate is None else candidate.kinds


def _starts(data: Spectrum, current: _Candidate | None) -> list[tuple[Kind, FloatArray]]:
    """Start points with one more component: kinds, places and widths worth trying."""
    energy = data.energy_mev
    intensity = data.counts / data.exposure
    kinds: tuple[Kind, Kind] = ("gaussian", "lorentzian")
    if current is None:
        center = float(energy[np.argmax(intensity)])
        half = energy[intensity > intensity.max() / 2]
        width = max(float(np.ptp(half)), 2 * _step(energy))
        area = float(intensity.max()) * width
        background = max(float(intensity.min()), 1e-12)
        return [(kind, np.array([area, center, width, background])) for kind in kinds]
    components = current.components
    main = max(components, key=lambda c: c.weight / c.fwhm_mev)
    share = 0.1 * sum(c.weight for c in components)
    narrow = min(c.fwhm_mev for c in components)
    places = [
        (main.center_mev + offset * main.fwhm_mev, width)
        for offset, width in ((0.0, 3 * narrow), (0.5, narrow), (-0.5, narrow), (0.0, 0.6 * narrow))
    ]
    places += [(main.center_mev + 4.0, 12.0), (main.center_mev - 2.0, 2.5 * main.fwhm_mev)]
    starts = []
    for center, width in places:
        for kind in kinds:
            point = current.optimum.point
            added = np.array([share, center, width])
            starts.append((kind, np.concatenate((point[:-1], added, point[-1:]))))
    return starts


def _fitted(
    data: Spectrum, kinds: tuple[Kind, ...], start: FloatArray, cancel: CancelToken | None
) -> _Candidate:
    def evaluate(point: FloatArray) -> tuple[FloatArray, FloatArray]:
        intensity, jacobian = _intensity(kinds, point, data.energy_mev)
        return data.exposure * intensity, data.exposure * jacobian

    lower, upper = _bounds(data, len(kinds))
    optimum = minimise(
        evaluate,
        start,
        lower,
        upper,
        data.counts,
        tolerance=1e-3,
        max_iterations=150,
        cancel=cancel,
    )
    return _Candidate(kinds, optimum)


def _bounds(data: Spectrum, n: int) -> tuple[FloatArray, FloatArray]:
    """Weights ≥ 0, centres within the scan, FWHM of two steps (no spikes) to the span."""
    energy = data.energy_mev
    span = float(np.ptp(energy))
    lower = np.tile([0.0, energy[0], 2 * _step(energy)], n)
    upper = np.tile([np.inf, energy[-1], 2 * span], n)
    return np.append(lower, 0.0), np.append(upper, np.inf)


def _components(kinds: Sequence[Kind], point: FloatArray) -> tuple[Component, ...]:
    rows = point[:-1].reshape(len(kinds), 3)
    return tuple(
        Component(kind, float(w), float(c), float(f))
        for kind, (w, c, f) in zip(kinds, rows, strict=True)
    )


def _intensity(
    kinds: Sequence[Kind], point: FloatArray, energy: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sum of components and background, and its derivatives with (weight, centre, FWHM)…"""
    jacobian = np.ones((point.size, energy.size))
    total = np.full(energy.size, point[-1])
    for i, (kind, weight, center, fwhm) in enumerate(_components(kinds, point)):
        unit, slope = Component(kind, 1.0, center, fwhm).density(energy)
        x = energy - center
        if kind == "gaussian":
            by_fwhm = ((FWHM_PER_SIGMA * x / fwhm) ** 2 - 1) / fwhm * unit
        else:
            by_fwhm = (1 / fwhm - fwhm / 2 / (x**2 + fwhm**2 / 4)) * unit
        jacobian[3 * i : 3 * i + 3] = unit, -weight * slope, weight * by_fwhm
        total += weight * unit
    return total, jacobian


def _shape_errors(
    best: _Candidate, tail_mev: float, lower: FloatArray, upper: FloatArray
) -> tuple[float, float]:
    """Standard errors of the half-height midpoint and FWHM, from the components' covariance."""
    point = best.optimum.point
    matrix = covariance(best.optimum, held_at_bounds(best.optimum, lower, upper))

    def shape(values: FloatArray) -> FloatArray:
        parts = _of_analyzer(_components(best.kinds, values), tail_mev)
        left, right = Resolution.from_components(parts).half_height_points_mev
        return np.array([(left + right) / 2, right - left])

    gradient = np.zeros((2, point.size))
    for i in np.flatnonzero(np.diag(matrix) > 0):
        step = 1e-4 * np.sqrt(matrix[i, i])
        ahead, behind = point.copy(), point.copy()
        ahead[i] += step
        behind[i] = max(behind[i] - step, lower[i])
        gradient[:, i] = (shape(ahead) - shape(behind)) / (ahead[i] - behind[i])
    variance = np.einsum("ki,ij,kj->k", gradient, matrix, gradient)
    zero_err, fwhm_err = np.sqrt(np.maximum(variance, 0.0))
    return float(zero_err), float(fwhm_err)


def _numeric(data: Spectrum, best: _Candidate, tail_mev: float) -> Resolution:
    """R as measured, less the fitted background and broad components."""
    kept = _of_analyzer(best.components, tail_mev)
    scattered = np.full(data.energy_mev.size, best.optimum.point[-1])
    for component in best.components:
        if component.weight > 0 and component not in kept:
            scattered += component.density(data.energy_mev)[0]
    return Resolution.from_table(
        data.energy_mev, data.counts / data.exposure - scattered, data.analyzer
    )


def _of_analyzer(components: Sequence[Component], tail_mev: float) -> list[Component]:
    """The components that make R: neither wide nor far from the strongest."""
    highest = max(components, key=lambda c: c.weight / c.fwhm_mev)
    return [
        c
        for c in components
        if c.weight > 0
        and c.fwhm_mev <= tail_mev
        and abs(c.center_mev - highest.center_mev) <= tail_mev / 2
    ]


def _step(energy: FloatArray) -> float:
    return float(np.median(np.diff(energy)))


def _within_window(spectrum: Spectrum, window: tuple[float, float] | None) -> Spectrum:
    if window is None:
        return spectrum
    top = spectrum.energy_mev[np.argmax(spectrum.counts / np.maximum(spectrum.exposure, 1e-300))]
    offset = spectrum.energy_mev - top
    return spectrum.selected((offset >= window[0]) & (offset <= window[1]))


def _check_scan(data: Spectrum) -> None:
    if data.counts.size < 20 or data.counts.max(initial=0.0) < 100:
        raise InputError(
            f"{data.label} cannot give a resolution function",
            found=f"{data.counts.size} points, {data.counts.max(initial=0.0):.0f} counts at most",
            expected="20 points or more with a peak of 100 counts or more",
        )
