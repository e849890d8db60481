"""Energy and width of one damped oscillator from the averaged spectrum of its velocity.

Maximum (Whittle) likelihood: each bin of the spectrum is gamma distributed about its expectation,
P. Whittle, Bull. Int. Stat. Inst. 39, 105 (1961), which is that of `oscillator_spectrum`, so that
the fit sees through the window as the experiment's fit sees through the resolution. Bins and
segments are correlated; the errors account for it, V = H⁻¹ J H⁻¹ with the curvature H and the
covariance J of the score (C. Varin, N. Reid, D. Firth, Stat. Sinica 21, 5 (2011)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, least_squares
from scipy.special import gammainc

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.oscillator_spectrum import Welch
from simulate.md.welch import FWHM_BINS

_PASSES = ((1.0, 0.25), (1.0,), (1.0,))  # widths tried while the range fitted follows the line
_REACH = 2.5  # of the range, in widths G on either side
_REACH_FWHM = 3.5  # and at least so many resolutions
_FEWEST_BINS = 8
_NARROWEST = 1e-3  # of the resolution: a width below is none
_TINY = 1e-12
_HAZE = 1e-3  # of the maximum: side lobes far below it tell of other lines, not of this one
_RESOLVED = 2.0  # standard errors that a width must be
_CHANCE = 0.05  # of a width above its limit
_BROADEST = 2  # of a limit, in ranges of energy
_FLOOR = 2 * 6.6  # times the variance of a bin: deviance that a floor must save. χ² of 99 %, and
# neighbouring bins under a Hann window repeat each other nearly twice
_HIGHEST_FLOOR = 0.1  # of the maximum: a spike on a higher one is chance, or another mode's line
_STEP = 1e-4  # of numerical derivatives


@dataclass(frozen=True)
class OscillatorFit:
    """A fitted spectrum.

    Parameters
    ----------
    energy_mev, energy_err : float
        Undamped energy W.
    fwhm_mev, fwhm_err : float
        G; 0 ± NaN where the fit ended there.
    fwhm_upper : float
        95 % limit where G is less than two standard errors, else NaN.
    power_mev : float
        ⟨M v²⟩ of the oscillator.
    misfit : float
        Scatter of the data about the fit over what is expected; 1 for a single oscillator.
    bins : slice
        Of the spectrum, that were fitted.
    expected : (nb,) array
        The fit at these bins.
    """

    energy_mev: float
    energy_err: float
    fwhm_mev: float
    fwhm_err: float
    fwhm_upper: float
    power_mev: float
    misfit: float
    bins: slice
    expected: FloatArray

    @property
    def overdamped(self) -> bool:
        """Whether G > 2W: no oscillation is left."""
        return self.fwhm_mev > 2 * self.energy_mev


def fit_oscillator(
    spectrum: FloatArray, welch: Welch, bin_mev: float, copies: int = 2
) -> OscillatorFit | None:
    """Fit the strongest line of a spectrum and a flat floor.

    Parameters
    ----------
    spectrum : (ne,) array
        Both signs of E together, from E = 0, per meV.
    welch : Welch
    bin_mev : float
    copies : int
        Independent spectra that were averaged: 2 for both signs of E of a complex amplitude,
        times the number of degenerate modes.

    Returns
    -------
    OscillatorFit or None
        None where there is no line: too few bins, or none above E = 0 that is positive.
    """
    line = _Line(spectrum, welch, bin_mev, copies, np.empty(0, dtype=int))
    if len(spectrum) <= _FEWEST_BINS or not spectrum[1:].max(initial=0.0) > 0:
        return None
    values = line.start()
    for widths in _PASSES:
        around = line.around(values)
        if np.array_equal(around.bins, line.bins):
            break
        line = around
        values = line.best(values, widths)
    values = line.with_floor(values)
    return line.described(values)


@dataclass(frozen=True)
class _Line:
    """A spectrum and the bins to be fitted; parameters are power, W, G, floor."""

    spectrum: FloatArray
    welch: Welch
    bin_mev: float
    copies: int
    bins: IntArray

    @property
    def resolution(self) -> float:
        return FWHM_BINS["hann"] * self.bin_mev

    @property
    def scale(self) -> float:
        """From |X|² of a unit variance at one sign of E to a density of both."""
        return 2 / (self.welch.frames * self.bin_mev)

    def start(self) -> FloatArray:
        """From the maximum and the area; no floor."""
        top = 1 + int(np.argmax(self.spectrum[1:]))
        height, area = self.spectrum[top], self.spectrum.sum() * self.bin_mev
        broad = max(2 * area / (np.pi * height) - self.resolution, 0.3 * self.resolution)
        return np.array([area, top * self.bin_mev, broad, 0.0])

    def around(self, values: FloatArray) -> _Line:
        """The bins about a line: its neighbours have their own shapes."""
        reach = max(_REACH * values[2], _REACH_FWHM * self.resolution) / self.bin_mev
        middle, last = values[1] / self.bin_mev, len(self.spectrum) - 1
        high = int(min(np.ceil(middle + reach), last))
        low = int(max(np.floor(middle - reach), 1))
        low, high = max(min(low, last - _FEWEST_BINS + 1), 1), max(high, min(_FEWEST_BINS, last))
        return replace(self, bins=np.arange(low, high + 1))

    def expected(self, values: FloatArray) -> FloatArray:
        """Of the spectrum at the bins."""
        power, energy, fwhm, floor = values
        correlation = self.welch.correlation(energy, fwhm, self.welch.frames)
        shape = self.welch.expected(correlation)
        return np.asarray(power * self.scale * np.maximum(shape[self.bins], 0) + floor)

    @property
    def haze(self) -> float:
        """What is added to the data and to the expectation before they are compared."""
        return float(_HAZE * self.spectrum[self.bins].max())

    def relative(self, expected: FloatArray) -> FloatArray:
        """P/μ - 1 at the bins."""
        return np.asarray((self.spectrum[self.bins] - expected) / (expected + self.haze))

    def residuals(self, values: FloatArray) -> FloatArray:
        """Signed roots of the gamma deviance 2(P/μ - 1 - ln(P/μ))."""
        ratio = np.maximum(self.relative(self.expected(values)), _TINY - 1)
        return np.asarray(np.sign(ratio) * np.sqrt(2 * np.maximum(ratio - np.log1p(ratio), 0)))

    def with_floor(self, values: FloatArray) -> FloatArray:
        """The same, or with a floor where the spectrum asks for one.

        A floor that is always free, and never negative, would take from the tails of the line.
        """
        floored = self.best(values, (1.0,), with_floor=True)
        gain = float((self.residuals(values) ** 2).sum() - (self.residuals(floored) ** 2).sum())
        return floored if gain > _FLOOR * self.spread(values)[1].mean() else values

    def best(
        self, values: FloatArray, widths: tuple[float, ...], with_floor: bool = False
    ) -> FloatArray:
        """The likeliest of the optima reached from a width times each of some factors."""
        top = self.spectrum[self.bins].max()
        span = (self.bins[-1] - self.bins[0]) * self.bin_mev
        lower = np.array([0.0, self.bin_mev / 10, _NARROWEST / 10 * self.resolution, 0.0])
        ends = self.bins[-1] * self.bin_mev, max(3 * span, self.resolution)
        upper = np.array([np.inf, *ends, _HIGHEST_FLOOR * top])
        scale = np.array([max(values[0], _TINY), self.resolution, self.resolution, top])
        free = np.arange(3 + with_floor)

        def whole(point: FloatArray) -> FloatArray:
            return np.append(point, np.zeros(4 - len(point)))

        found = []
        for factor in widths:
            first = values * [1, 1, factor, 1]
            first[3] = max(first[3], 1e-4 * top)
            found.append(
                least_squares(
                    lambda point: self.residuals(whole(point)),
                    np.clip(first, lower * 1.01, upper * 0.99)[free],
                    bounds=(lower[free], upper[free]),
                    x_scale=scale[free],
                    xtol=1e-6,
                    ftol=1e-8,
                )
            )
        return whole(min(found, key=lambda each: float(each.cost)).x)

    def spread(self, values: FloatArray, bounded: bool = True) -> tuple[FloatArray, FloatArray]:
        """Covariance of the parameters, and expected squares of P/μ - 1 after the fit.

        bounded : whether a width of (nearly) zero is at its bound, where it has no error.
        """
        mu = self.expected(values) + self.haze
        no_width = bounded and values[2] < _NARROWEST * self.resolution
        free = np.flatnonzero([True, True, not no_width, values[3] > 0])
        slope = np.empty((len(mu), len(free)))
        for column, k in enumerate(free):
            step = np.zeros(4)
            step[k] = _STEP * (values[k] if k in (0, 3) else min(values[k], self.resolution))
            change = self.expected(values + step) - self.expected(values - step)
            slope[:, column] = change / (2 * step[k] * mu)
        power, energy, fwhm, floor = values
        correlation = power * self.welch.correlation(energy, fwhm, self.welch.n_frames + 1)
        correlation[0] += floor / self.scale
        decay = self.welch.decay_ps(energy, fwhm)
        noise = self.welch.covariance(correlation, self.bins, decay)
        noise *= self.scale**2 / (np.outer(mu, mu) * self.copies)
        solved = np.linalg.pinv(slope)
        matrix = np.full((4, 4), np.nan)
        matrix[np.ix_(free, free)] = solved @ noise @ solved.T
        left = np.eye(len(mu)) - slope @ solved
        return matrix, np.diag(left @ noise @ left.T)

    def described(self, values: FloatArray) -> OscillatorFit:
        """The fit with its errors."""
        matrix, squares = self.spread(values)
        errors = np.sqrt(np.diag(matrix))
        expected = self.expected(values)
        none = bool(np.isnan(errors[2]))
        resolved = not none and values[2] >= _RESOLVED * errors[2]
        return OscillatorFit(
            energy_mev=float(values[1]),
            energy_err=float(errors[1]),
            fwhm_mev=0.0 if none else float(values[2]),
            fwhm_err=float(errors[2]),
            fwhm_upper=float("nan") if resolved else self._limit(values),
            power_mev=float(values[0]),
            misfit=float((self.relative(expected) ** 2).sum() / squares.sum()),
            bins=slice(int(self.bins[0]), int(self.bins[-1]) + 1),
            expected=expected,
        )

    def _limit(self, values: FloatArray) -> float:
        """The width from which chance would give one as small in 5 % of the cases.

        A short run sees few independent changes of phase, whose squares make the width: a χ²
        distribution about the true width with the standard error there.
        """
        seen = max(values[2], _NARROWEST * self.resolution)

        def chance(width: float) -> float:
            trial = np.array([*values[:2], width, values[3]])
            shape = width**2 / self.around(trial).spread(trial, bounded=False)[0][2, 2]
            return float(gammainc(shape, shape * seen / width)) - _CHANCE

        highest = 2 * seen
        while chance(highest) > 0:
            highest *= 2
            if highest > _BROADEST * self.bin_mev * len(self.spectrum):
                return float("inf")
        return float(brentq(chance, seen, highest, rtol=1e-2))
