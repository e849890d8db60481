"""Diffusion coefficients from mean square displacements, with errors that can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import constants, stats

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.displacements import MeanSquareDisplacement, mean_square_displacement

__all__ = [
    "A2_PER_PS_IN_CM2_PER_S",
    "AXES",
    "Diffusion",
    "diffusion",
    "diffusion_table",
    "log_log_slope",
    "mean_square_displacement",
]

A2_PER_PS_IN_CM2_PER_S = constants.angstrom**2 / constants.pico / constants.centi**2
"""1 Å²/ps in cm²/s (1e-4; so 1 Å²/fs is 0.1 cm²/s)."""

AXES = ("x", "y", "z")

_TOLERANCE = 0.1  # of the log-log slope from 1
_STARTS_PER_OCTAVE = 4


@dataclass(frozen=True)
class Diffusion:
    """A diffusion coefficient in cm²/s.

    Parameters
    ----------
    element : str
    axis : str
        "x", "y" or "z" (first, second, third direction), or "all": a third of their sum.
    value, stderr : float
        The error from the scatter of the time blocks; nan where the blocks are shorter than
        the fitted window.
    upper_limit : float or None
        95 % limit, where the value is not significantly above zero or the motion is not yet
        diffusive; None where the value itself counts, or where no error is known.
    interval : (float, float)
        Two-sided 95 % interval of Student's t.
    window_ps : (float, float)
        Times fitted.
    log_log_slope, log_log_slope_err : float
        d ln MSD / d ln t over the last octave of the window: 1 in diffusion, 0 in a cage. The
        error is nan where that of the value is.
    diffusive : bool
        Whether that slope is 1, within its error or 0.1, all through the window.
    blocks : int
        Number of time blocks.
    """

    element: str
    axis: str
    value: float
    stderr: float
    upper_limit: float | None
    interval: tuple[float, float]
    window_ps: tuple[float, float]
    log_log_slope: float
    log_log_slope_err: float
    diffusive: bool
    blocks: int


class _Window(NamedTuple):
    """Lags fitted, and whether the log-log slope is 1 there."""

    first: int
    last: int
    slope: float
    slope_err: float
    diffusive: bool


def diffusion(
    msd: MeanSquareDisplacement,
    element: str,
    axis: str = "all",
    window_ps: tuple[float, float] | None = None,
) -> Diffusion:
    """Diffusion coefficient of an element: D_α = slope/2, D = (D_x + D_y + D_z)/3.

    Parameters
    ----------
    msd : MeanSquareDisplacement
    element : str
    axis : {"all", "x", "y", "z"}
    window_ps : (float, float), optional
        Times to fit. By default from where the log-log slope of the total displacement stays
        at 1 to half of a time block; where it never gets there, the last octave of that, and
        the result is marked as not diffusive.

    Raises
    ------
    InputError
        An unknown element or axis, or a window with fewer than three times.

    Notes
    -----
    The points of one curve are correlated, so that the errors of a least-squares line through
    them are too small by an order of magnitude. Each time block gives an independent slope
    instead: stderr = s/√b, with Student's t of b - 1 degrees of freedom for the limits. All
    axes of an element share one window, so that D is exactly the mean of the three. A window
    longer than the blocks leaves no error: take fewer blocks for slow motion.
    """
    which = msd.index(element)
    if axis not in ("all", *AXES):
        raise InputError("no such axis", key="axis", found=axis, expected="all, x, y or z")
    window = _window(msd, which, window_ps)
    times = msd.time_ps[window.first : window.last + 1]
    curve = _curve(msd.msd_A2[which], axis)[window.first : window.last + 1]
    value = _slope(times, curve) / 2 * A2_PER_PS_IN_CM2_PER_S
    parts = _curve(msd.block_msd_A2[:, which], axis)
    stderr = math.nan
    if window.last < parts.shape[-1] and len(parts) > 1:
        slopes = _slope(times, parts[:, window.first : window.last + 1])
        stderr = float(_scatter(slopes)) / 2 * A2_PER_PS_IN_CM2_PER_S
    low, high, limit = _limits(float(value), stderr, len(parts), window.diffusive)
    return Diffusion(
        element=element,
        axis=axis,
        value=float(value),
        stderr=stderr,
        upper_limit=limit,
        interval=(low, high),
        window_ps=(float(times[0]), float(times[-1])),
        log_log_slope=window.slope,
        log_log_slope_err=window.slope_err,
        diffusive=window.diffusive,
        blocks=len(parts),
    )


def diffusion_table(
    msd: MeanSquareDisplacement, window_ps: tuple[float, float] | None = None
) -> tuple[Diffusion, ...]:
    """Of every element: all directions together, then x, y, z."""
    return tuple(
        diffusion(msd, element, axis, window_ps)
        for element in msd.elements
        for axis in ("all", *AXES)
    )


def log_log_slope(time_ps: FloatArray, msd_A2: FloatArray) -> FloatArray:
    """d ln MSD / d ln t of curves (…, t): their straight line on logarithmic scales.

    0 for a curve that is not above zero throughout.
    """
    positive = np.all(msd_A2 > 0, axis=-1)
    safe = np.where(positive[..., None], msd_A2, 1.0)
    return np.where(positive, _slope(np.log(time_ps), np.log(safe)), 0.0)


def _window(
    msd: MeanSquareDisplacement, which: int, window_ps: tuple[float, float] | None
) -> _Window:
    total = msd.total_A2[which]
    parts = msd.block_msd_A2[:, which].sum(axis=1)
    if window_ps is not None:
        inside = np.flatnonzero((msd.time_ps >= window_ps[0]) & (msd.time_ps <= window_ps[1]))
        if len(inside) < 3:
            raise InputError(
                "too few times in the window",
                key="window_ps",
                found=f"{len(inside)} of {window_ps[0]:g} … {window_ps[1]:g} ps",
                expected=f"at least 3; times run to {msd.time_ps[-1]:g} ps",
            )
        first, last = int(inside[0]), int(inside[-1])
    else:
        first, last = 0, min(parts.shape[-1] // 2, len(total) - 1)
    starts, slopes, errors = _octaves(msd.time_ps, total, parts, max(first, 1), last)
    good = np.abs(slopes - 1) <= np.fmax(_TOLERANCE, 2 * errors)  # also where no error is known
    # Good from here to the end: on the way from ballistic to caged the slope crosses 1, too.
    stays = np.logical_and.accumulate(good[::-1])[::-1]
    if window_ps is None:
        first = int(starts[np.argmax(stays)]) if stays[-1] else int(starts[-1])
    diffusive = bool(stays[-1]) if window_ps is None else bool(stays[0])
    return _Window(first, last, float(slopes[-1]), float(errors[-1]), diffusive)


def _octaves(
    time_ps: FloatArray, total: FloatArray, parts: FloatArray, first: int, last: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """First lags of octaves between two lags, the log-log slopes in them, and their errors."""
    end = max(last // 2, first)
    number = max(int(_STARTS_PER_OCTAVE * math.log2(end / first)) + 1, 1)
    starts = np.unique(np.geomspace(first, end, number).round().astype(int))
    slopes, errors = np.empty(len(starts)), np.full(len(starts), math.nan)
    for index, start in enumerate(starts):
        # At least three points, which at the very first lags are a little more than an octave.
        stop = min(max(2 * start, start + 2), last) + 1
        span = slice(min(start, stop - 2), stop)
        slopes[index] = log_log_slope(time_ps[span], total[span])
        if stop <= parts.shape[-1] and len(parts) > 1:
            errors[index] = _scatter(log_log_slope(time_ps[span], parts[:, span]))
    return starts, slopes, errors


def _curve(msd_A2: FloatArray, axis: str) -> FloatArray:
    """(…, t) of (…, 3, t): one direction, or the mean of the three."""
    if axis == "all":
        return np.asarray(msd_A2.mean(axis=-2))
    return msd_A2[..., AXES.index(axis), :]


def _slope(x: FloatArray, y: FloatArray) -> FloatArray:
    """Slope of the least-squares line through y (…, t) at x (t,)."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))


def _scatter(values: FloatArray) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def _limits(
    value: float, stderr: float, blocks: int, diffusive: bool
) -> tuple[float, float, float | None]:
    """Two-sided 95 % interval, and the one-sided limit where the value alone does not count."""
    if math.isnan(stderr):
        return math.nan, math.nan, None
    wide = float(stats.t.ppf(0.975, blocks - 1)) * stderr
    if diffusive and value > wide:
        return value - wide, value + wide, None
    limit = max(value, 0.0) + float(stats.t.ppf(0.95, blocks - 1)) * stderr
    return value - wide, value + wide, limit
