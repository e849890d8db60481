"""κ(T) as a power of the temperature, κ = a (T/300 K)ⁿ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.transport.formats.kappa_table import KappaTable

REFERENCE_K = 300.0

COMPONENTS = (("xx", 0, 0), ("yy", 1, 1), ("zz", 2, 2))

_FEWEST = 3  # temperatures of a window


@dataclass(frozen=True)
class PowerLaw:
    """The law κ = a (T/300 K)ⁿ fitted to a series.

    Parameters
    ----------
    n, a : float
        Exponent, and κ at 300 K in W/(m K), by unweighted least squares of κ.
    n_err, a_err : float
        Standard errors from the scatter about the law: how well a power describes the series, not
        how well the series is known. NaN with two temperatures.
    n_loglog, n_loglog_err : float
        Exponent from the straight line of ln κ against ln T, which weighs small κ more.
    temperature_k, kappa : (nt,) arrays
        What was fitted.
    rms : float
        Of the residuals, W/(m K).
    windows : (nw, 3) array
        First and last temperature, and the exponent, of every window of neighbouring
        temperatures (three or more): how much n depends on the range.
    """

    n: float
    a: float
    n_err: float
    a_err: float
    n_loglog: float
    n_loglog_err: float
    temperature_k: FloatArray
    kappa: FloatArray
    rms: float
    windows: FloatArray

    @property
    def n_range(self) -> tuple[float, float]:
        """Least and largest exponent of the windows."""
        return float(self.windows[:, 2].min()), float(self.windows[:, 2].max())

    def at(self, temperature_k: float | FloatArray) -> FloatArray:
        """κ of the law."""
        return np.asarray(self.a * (np.asarray(temperature_k) / REFERENCE_K) ** self.n)


def fit_power_law(
    temperature_k: FloatArray | Sequence[float],
    kappa: FloatArray | Sequence[float],
    window_k: tuple[float, float] | None = None,
) -> PowerLaw:
    """Fit κ = a (T/300 K)ⁿ.

    Parameters
    ----------
    temperature_k, kappa : (nt,) arrays
    window_k : (float, float), optional
        Temperatures to fit; all by default.

    Raises
    ------
    InputError
        Arrays of different lengths, fewer than two temperatures, or κ that is not above zero.
    """
    kelvin, value = np.asarray(temperature_k, float), np.asarray(kappa, float)
    if kelvin.shape != value.shape or kelvin.ndim != 1:
        raise InputError(
            "one κ for each temperature is needed",
            key="kappa",
            found=f"{value.shape} for {kelvin.shape} temperatures",
        )
    low, high = window_k or (0.0, math.inf)
    inside = (kelvin >= low) & (kelvin <= high)
    kelvin, value = kelvin[inside], value[inside]
    order = np.argsort(kelvin)
    kelvin, value = kelvin[order], value[order]
    if len(np.unique(kelvin)) < 2:
        raise InputError(
            "a power law needs two temperatures or more",
            key="window_k" if window_k else "temperature_k",
            found=f"{len(kelvin)} between {low:g} and {high:g} K",
        )
    if not (np.all(np.isfinite(value)) and np.all(value > 0) and kelvin[0] > 0):
        raise InputError(
            "a power law needs κ and T above zero",
            key="kappa",
            found=f"κ of {value.min():.3g} … {value.max():.3g} W/mK, T from {kelvin[0]:g} K",
        )
    line, line_err = _line(kelvin, value)
    n, a, covariance, rms = _least_squares(kelvin, value, line)
    return PowerLaw(
        n=n,
        a=a,
        n_err=math.sqrt(covariance[0, 0]),
        a_err=math.sqrt(covariance[1, 1]),
        n_loglog=line,
        n_loglog_err=line_err,
        temperature_k=kelvin,
        kappa=value,
        rms=rms,
        windows=_windows(kelvin, value, n),
    )


def fit_table(
    table: KappaTable, window_k: tuple[float, float] | None = None
) -> dict[str, PowerLaw]:
    """Laws of κ_xx, κ_yy, κ_zz of a table, those that it holds, and of their mean.

    Raises
    ------
    InputError
        As `fit_power_law`; a table without a diagonal component.
    """
    curves = {name: table.kappa[:, a, b] for name, a, b in COMPONENTS}
    held = {name: curve for name, curve in curves.items() if not np.all(np.isnan(curve))}
    if not held:
        raise InputError("the table has none of κ_xx, κ_yy, κ_zz", file=table.source or None)
    if len(held) == 3:
        held["mean"] = np.mean(list(held.values()), axis=0)
    return {
        name: fit_power_law(table.temperature_k, curve, window_k) for name, curve in held.items()
    }


def _line(kelvin: FloatArray, value: FloatArray) -> tuple[float, float]:
    """Slope of ln κ against ln T, and its standard error."""
    x, y = np.log(kelvin / REFERENCE_K), np.log(value)
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    freedom = len(x) - 2
    if freedom < 1:
        return slope, math.nan
    return slope, math.sqrt(float(residual @ residual) / freedom / float(centred @ centred))


def _least_squares(
    kelvin: FloatArray, value: FloatArray, start: float
) -> tuple[float, float, FloatArray, float]:
    """n, a, their covariance (NaN without freedom) and the rms of the residuals."""
    x = np.log(kelvin / REFERENCE_K)

    def design(parameters: FloatArray) -> FloatArray:
        power = np.exp(parameters[0] * x)
        return np.column_stack([parameters[1] * x * power, power])

    def residuals(parameters: FloatArray) -> FloatArray:
        return np.asarray(parameters[1] * np.exp(parameters[0] * x) - value)

    power = np.exp(start * x)
    first = np.array([start, power @ value / (power @ power)])
    fit = optimize.least_squares(residuals, first, design, x_scale="jac", xtol=1e-12, ftol=1e-12)
    freedom = len(x) - 2
    scatter = float(fit.fun @ fit.fun) / freedom if freedom else math.nan
    covariance = scatter * np.linalg.inv(fit.jac.T @ fit.jac)
    rms = math.sqrt(float(fit.fun @ fit.fun) / len(x))
    return float(fit.x[0]), float(fit.x[1]), covariance, rms


def _windows(kelvin: FloatArray, value: FloatArray, whole: float) -> FloatArray:
    """Exponents of all windows of three temperatures or more; with two, the one there is."""
    rows = [(kelvin[0], kelvin[-1], whole)]
    for first in range(len(kelvin) - _FEWEST + 1):
        for stop in range(first + _FEWEST, len(kelvin) + 1):
            if stop - first == len(kelvin):
                continue
            part = slice(first, stop)
            start, _ = _line(kelvin[part], value[part])
            n = _least_squares(kelvin[part], value[part], start)[0]
            rows.append((kelvin[first], kelvin[stop - 1], n))
    return np.array(rows)
