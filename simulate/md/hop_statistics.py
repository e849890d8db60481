"""What hops amount to: rates, residence times, and the diffusion they carry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ixs_core.arrays import FloatArray
from simulate.md.diffusion_coefficient import A2_PER_PS_IN_CM2_PER_S, Diffusion
from simulate.md.hopping import Hops


@dataclass(frozen=True)
class HopRate:
    """Rate of hops of one ion, and its inverse, the mean residence time.

    Parameters
    ----------
    count : int
        Completed hops.
    time_ps : float
        Watched, summed over the ions.
    per_ps, stderr : float
        count/time and √count/time.
    interval : (float, float)
        Exact two-sided 95 % interval of the rate.
    upper_limit : float or None
        95 % limit where no hop was seen.
    residence_ps : float
        1/rate; infinite without a hop.
    residence_interval : (float, float)
        95 %.
    """

    count: int
    time_ps: float
    per_ps: float
    stderr: float
    interval: tuple[float, float]
    upper_limit: float | None
    residence_ps: float
    residence_interval: tuple[float, float]


@dataclass(frozen=True)
class ResidenceSurvival:
    """Share of ions still at their site a time after they arrived.

    Parameters
    ----------
    time_ps, share, stderr : (k,) arrays
        Kaplan-Meier estimate after each time at which an ion left, with Greenwood's error.
    arrivals : int
        Stays whose beginning was seen.
    censored : int
        Those of them that the end of the run cut off.
    """

    time_ps: FloatArray
    share: FloatArray
    stderr: FloatArray
    arrivals: int
    censored: int


@dataclass(frozen=True)
class JumpDiffusion:
    """Diffusion that the hops would give if each were independent of the one before, in cm²/s.

    Parameters
    ----------
    value, stderr : (3,) arrays
        Along x, y, z.
    mean : float
        A third of their sum.
    mean_stderr : float
    """

    value: FloatArray
    stderr: FloatArray
    mean: float
    mean_stderr: float


def hop_rate(found: Hops, site: int | None = None) -> HopRate:
    """Rate of hops of an ion, from all sites or from one.

    Notes
    -----
    The maximum-likelihood rate of a Poisson process watched for a time: all stays count with
    their length, whether or not their end was seen, so that long stays which the run cuts off
    do not bias it. Interval: Garwood, Biometrika 28, 437 (1936).
    """
    stays = found.residences
    chosen = np.ones(len(stays.site), bool) if site is None else stays.site == site
    time = float((stays.stop - stays.start)[chosen].sum()) * found.dt_fs / 1000.0
    count = int(stays.left[chosen].sum())
    if time == 0:
        unknown = (0.0, math.inf)
        return HopRate(count, 0.0, math.nan, math.nan, unknown, None, math.nan, unknown)
    low = float(stats.chi2.ppf(0.025, 2 * count)) / (2 * time) if count else 0.0
    high = float(stats.chi2.ppf(0.975, 2 * count + 2)) / (2 * time)
    return HopRate(
        count=count,
        time_ps=time,
        per_ps=count / time,
        stderr=math.sqrt(count) / time,
        interval=(low, high),
        upper_limit=None if count else -math.log(0.05) / time,
        residence_ps=time / count if count else math.inf,
        residence_interval=(1 / high, 1 / low if low else math.inf),
    )


def residence_survival(found: Hops) -> ResidenceSurvival:
    """Kaplan-Meier estimate of how long ions stay, of those stays whose beginning was seen.

    Notes
    -----
    S(t) = Π (1 - d/n) over the times up to t, with d ions of n leaving at each; a straight line
    of ln S says that a hop does not remember the one before. Kaplan & Meier, J. Am. Stat.
    Assoc. 53, 457 (1958); error: Greenwood.
    """
    stays = found.residences
    length = (stays.stop - stays.start)[stays.entered]
    left = stays.left[stays.entered]
    times = np.unique(length[left])
    at_risk = np.array([np.count_nonzero(length >= time) for time in times])
    leaving = np.array([np.count_nonzero(length[left] == time) for time in times])
    staying = at_risk - leaving
    share = np.cumprod(staying / np.maximum(at_risk, 1))
    # Where all have left the share is zero and no error is known.
    terms = leaving / np.maximum(at_risk * staying, 1)
    return ResidenceSurvival(
        time_ps=times * found.dt_fs / 1000.0,
        share=share,
        stderr=share * np.sqrt(np.cumsum(terms)),
        arrivals=len(length),
        censored=int(np.count_nonzero(~left)),
    )


def jump_diffusion(found: Hops) -> JumpDiffusion:
    """D_α = Σ l_α²/(2 t) over all hops of length l, with t the time watched of all ions.

    The errors are those of a compound Poisson process: Σ l_α⁴ is the variance of Σ l_α².
    """
    scale = A2_PER_PS_IN_CM2_PER_S / (2 * found.time_ps) if found.time_ps else math.nan
    squares = found.vector_A**2
    whole = squares.sum(axis=1)
    return JumpDiffusion(
        value=squares.sum(axis=0) * scale,
        stderr=np.sqrt((squares**2).sum(axis=0)) * scale,
        mean=float(whole.sum() * scale / 3),
        mean_stderr=float(np.sqrt((whole**2).sum()) * scale / 3),
    )


def correlation_factor(tracer: Diffusion, jumps: JumpDiffusion) -> tuple[float, float]:
    """f = D(tracer)/D(jumps) and its standard error: below 1 where ions tend to hop back.

    nan where there was no hop.
    """
    axes = {"x": 0, "y": 1, "z": 2}
    index = axes.get(tracer.axis)
    value = jumps.mean if index is None else float(jumps.value[index])
    error = jumps.mean_stderr if index is None else float(jumps.stderr[index])
    if not value > 0:
        return math.nan, math.nan
    ratio = tracer.value / value
    return ratio, math.hypot(tracer.stderr / value, ratio * error / value)


def reversal_share(found: Hops) -> float:
    """Share of hops that undo the hop before of the same ion; nan where no ion hopped twice."""
    order = np.lexsort((found.frame_arrived, found.atom))
    atom, vector = found.atom[order], found.vector_A[order]
    again = atom[1:] == atom[:-1]
    if not again.any():
        return math.nan
    back = np.linalg.norm(vector[1:] + vector[:-1], axis=1) < 2 * found.core_radius_A
    return float(np.mean(back[again]))
