"""Whether a running integral has come to a plateau, and where."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ixs_core.arrays import BoolArray, FloatArray

_GROWTH = 0.2  # of κ over an octave, which a plateau is shown to stay below
_CONFIDENCE = 0.95
_SURE = 0.995  # that a later octave grows: there are many of them
_NEGLIGIBLE = 0.02  # of κ
_FEWEST_BLOCKS = 4
_STARTS_PER_OCTAVE = 4
_FEWEST_POINTS = 5  # in a window


@dataclass(frozen=True)
class Plateau:
    """The outcome of the search.

    Parameters
    ----------
    window_ps : (float, float) or None
        Where the plateau lies; None where there is none.
    reason : str
        Why it was taken, or why none was.
    """

    window_ps: tuple[float, float] | None
    reason: str


def find_plateau(time_ps: FloatArray, mean: FloatArray, blocks: FloatArray) -> Plateau:
    """Look for the first octave of time over which a running integral is shown not to change.

    Parameters
    ----------
    time_ps : (nl,) array
        From 0, at equal steps.
    mean : (nl,) array
        The running integral.
    blocks : (nb, nl) array
        The same of independent parts of the simulation.

    Notes
    -----
    Over an octave from t to 2t the change Δ is the slope of the least-squares line times t, its
    error that of the blocks' mean. A plateau needs |Δ| + t₉₅ σ(Δ) ≤ 0.2 κ: not "no growth is
    seen", which any noise achieves, but "no growth is there"; what is seen all the same, more than
    2 σ(Δ) and 0.02 κ, is growth. All of the curve lies within 0.2 κ there, for an oscillation is
    level at its crests, too. And no later octave may grow significantly: a fast decay before a
    slow one looks like a plateau.
    """
    number = len(blocks)
    if number < _FEWEST_BLOCKS:
        return Plateau(None, f"{number} blocks give no error; {_FEWEST_BLOCKS} or more do")
    changes = _changes(time_ps, mean, blocks)
    if not len(changes):
        return Plateau(None, "the correlation is too short for a window of an octave")
    quantile = float(stats.t.ppf(_CONFIDENCE, number - 1))
    start, level, change, error, extent = changes.T
    flat = np.fmax(np.abs(change) + quantile * error, extent) <= _GROWTH * level
    flat &= np.abs(change) <= np.fmax(2 * error, _NEGLIGIBLE * level)
    sure = float(stats.t.ppf(_SURE, number - 1))
    grows = (np.abs(change) > sure * error) & (np.abs(change) > _GROWTH / 2 * np.abs(level))
    # Nothing that grows may follow.
    stays = ~np.logical_or.accumulate(grows[::-1])[::-1]
    good = np.flatnonzero(flat & stays)
    if len(good):
        k = int(good[0])
        return Plateau(
            (float(start[k]), float(2 * start[k])),
            f"between {start[k]:.3g} and {2 * start[k]:.3g} ps the integral changes by "
            f"{change[k] / level[k]:+.0%} ± {error[k] / level[k]:.0%}",
        )
    return Plateau(None, _refusal(changes, flat, stays, quantile))


def _changes(time_ps: FloatArray, mean: FloatArray, blocks: FloatArray) -> FloatArray:
    """(nw, 5): start, mean value, change and its error, and extent, of octaves of time."""
    step, last = float(time_ps[1] - time_ps[0]), float(time_ps[-1])
    begin = (_FEWEST_POINTS - 1) * step
    if 2 * begin > last:
        return np.empty((0, 5))
    number = int(_STARTS_PER_OCTAVE * math.log2(last / 2 / begin)) + 1
    rows = []
    for start in last / 2 * 2.0 ** (-np.arange(number)[::-1] / _STARTS_PER_OCTAVE):
        inside = (time_ps >= start - step / 2) & (time_ps <= 2 * start + step / 2)
        centred = time_ps[inside] - time_ps[inside].mean()
        rise = start * centred / (centred @ centred)  # of the line through the points, over t
        of_blocks = blocks[:, inside] @ rise
        error = float(np.std(of_blocks, ddof=1)) / math.sqrt(len(blocks))
        curve = mean[inside]
        rows.append((start, curve.mean(), curve @ rise, error, np.ptp(curve)))
    return np.array(rows)


def _refusal(changes: FloatArray, flat: BoolArray, stays: BoolArray, quantile: float) -> str:
    """The closest that it came, in words."""
    start, level, change, error, extent = changes.T
    if flat.any():
        k = int(np.flatnonzero(flat)[0])
        later = int(np.flatnonzero(stays)[0]) - 1 if stays.any() else len(start) - 1
        return (
            f"level from {start[k]:.3g} to {2 * start[k]:.3g} ps, but from {start[later]:.3g} to "
            f"{2 * start[later]:.3g} ps it changes by {change[later] / level[later]:+.0%}"
        )
    bound = np.fmax(np.abs(change) + quantile * error, extent) / np.abs(level)
    still = np.abs(change) <= 2 * error
    k = int(np.argmin(np.where(still, bound, np.inf) if still.any() else bound))
    text = (
        f"in no octave of time is the integral shown to stand still within {_GROWTH:.0%}; "
        f"the best, {start[k]:.3g} to {2 * start[k]:.3g} ps: {change[k] / level[k]:+.0%} ± "
        f"{error[k] / abs(level[k]):.0%}"
    )
    noise = quantile * error / np.abs(level)
    if noise[-1] > _GROWTH:
        return text + f", and later the noise is ± {noise[-1]:.0%}: more or longer runs are needed"
    return text + "; it still changes: correlate to longer times"
