"""The least counting time in which a list is measured: a set cover with times.

A setting that counts for t hours measures every target it needs at most t hours for, all at once.
Wanted are the settings and their times with the least sum (each plus a fixed cost for moving
there). This is NP-hard; the greedy choice is within ln n of the optimum (V. Chvátal, Math. Oper.
Res. 4 (1979) 233) and usually within a few per cent after local improvement; `lower_bound` says
how far off it can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray

# Beyond this many settings in a plan, pairs of them are no longer tried for replacement.
_PAIRS_UP_TO = 14
_GAIN = 1e-9


@dataclass(frozen=True)
class Cover:
    """Which settings count how long.

    Parameters
    ----------
    hours : (n_settings,) array
        Counting time of each setting; 0 where it is not used.
    total : float
        Sum of the times and of the moves.
    """

    hours: FloatArray
    total: float

    @property
    def used(self) -> tuple[int, ...]:
        """Settings in use, longest first."""
        order = np.argsort(-self.hours, kind="stable")
        return tuple(int(s) for s in order if self.hours[s] > 0)


def least_time_cover(
    hours: FloatArray, move_hours: float = 0.0, groups: Sequence[object] | None = None
) -> Cover:
    """A cover of all targets in little total time.

    Greedy choices by two measures of gain per hour, and the best single setting per group of
    targets, are each improved until no removal of one or two settings with greedy repair helps;
    the best of the three is returned. So it never takes longer than the best single setting
    per group.

    Parameters
    ----------
    hours : (n_settings, n_targets) array
        Time after which a setting knows a target well enough; infinite where it never does.
        Every target needs one finite entry.
    move_hours : float
        Cost of every setting that is used.
    groups : sequence of n_targets labels, optional
        For the third start: targets that one setting could measure, such as those of a branch.
    """
    n_settings, n_targets = hours.shape
    if n_targets == 0:
        return Cover(np.zeros(n_settings), 0.0)
    if not np.isfinite(hours).any(axis=0).all():
        raise ValueError("a target is measured by no setting")
    best = np.min(hours, axis=0)
    weights = (np.ones(n_targets), best)
    start = np.zeros(n_settings)
    starts = [_shrunk(_greedy(hours, start, weight, move_hours), hours) for weight in weights]
    if groups is not None:
        alone = _single_per_group(hours, move_hours, groups)
        starts += [] if alone is None else [alone]
    improved = [_improved(times, hours, weights, move_hours) for times in starts]
    times = min(improved, key=lambda found: _total(found, move_hours))
    return Cover(times, _total(times, move_hours))


def lower_bound(hours: FloatArray, move_hours: float = 0.0) -> float:
    """No cover takes less than this many hours: the linear relaxation, solved by HiGHS.

    Variables are x(setting, level) ≥ 0 for every time worth counting at a setting; each target
    needs Σ x ≥ 1 over those that measure it.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    if hours.shape[1] == 0:
        return 0.0
    pairs = np.argwhere(np.isfinite(hours))
    level = hours[pairs[:, 0], pairs[:, 1]]
    measured = hours[pairs[:, 0]] <= level[:, None]
    found = linprog(
        level + move_hours,
        A_ub=csr_array(-measured.T.astype(float)),
        b_ub=-np.ones(hours.shape[1]),
        method="highs",
    )
    return float(found.fun) if found.status == 0 else 0.0


def assignment(cover: Cover, hours: FloatArray) -> tuple[tuple[int, ...], ...]:
    """Per target the settings of a cover that measure it, the quickest first."""
    enough = hours <= cover.hours[:, None]
    return tuple(
        tuple(int(s) for s in np.argsort(hours[:, m], kind="stable") if enough[s, m])
        for m in range(hours.shape[1])
    )


def _total(times: FloatArray, move_hours: float) -> float:
    return float(times.sum() + move_hours * np.count_nonzero(times))


def _covered(times: FloatArray, hours: FloatArray) -> BoolArray:
    # A setting without time measures nothing, even what would need none.
    return np.any((hours <= times[:, None]) & (times > 0)[:, None], axis=0)


def _greedy(
    hours: FloatArray, times: FloatArray, weight: FloatArray, move_hours: float
) -> FloatArray:
    """Add settings or lengthen them, most weight of newly measured targets per added hour first."""
    times = times.copy()
    while not (covered := _covered(times, hours)).all():
        open_hours = hours[:, ~covered]
        order = np.argsort(open_hours, axis=1, kind="stable")
        levels = np.take_along_axis(open_hours, order, axis=1)
        gain = np.cumsum(weight[~covered][order], axis=1)
        cost = levels - times[:, None] + np.where(times > 0, 0.0, move_hours)[:, None]
        ratio = np.where(np.isfinite(levels), gain / np.maximum(cost, 1e-300), 0.0)
        setting, place = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        times[setting] = levels[setting, place]
    return times


def _shrunk(times: FloatArray, hours: FloatArray) -> FloatArray:
    """Shorten each setting to what no other measures, the costliest first."""
    times = times.copy()
    for setting in np.argsort(-times, kind="stable"):
        if times[setting] == 0:
            continue
        own = times[setting]
        times[setting] = 0.0
        needed = ~_covered(times, hours) & (hours[setting] <= own)
        times[setting] = hours[setting, needed].max(initial=0.0)
    return times


def _improved(
    times: FloatArray, hours: FloatArray, weights: Iterable[FloatArray], move_hours: float
) -> FloatArray:
    """Take out one or two settings, repair greedily, keep what is shorter; until nothing is."""
    weights = tuple(weights)
    times = _shrunk(times, hours)
    while True:
        used = np.flatnonzero(times)
        removals: list[tuple[int, ...]] = [(int(s),) for s in used]
        if used.size <= _PAIRS_UP_TO:
            removals += list(combinations(used.tolist(), 2))
        for removed in removals:
            tried = _repaired(times, removed, hours, weights, move_hours)
            if _total(tried, move_hours) < _total(times, move_hours) * (1 - _GAIN):
                times = tried
                break
        else:
            return times


def _repaired(
    times: FloatArray,
    removed: tuple[int, ...],
    hours: FloatArray,
    weights: tuple[FloatArray, ...],
    move_hours: float,
) -> FloatArray:
    rest = times.copy()
    rest[list(removed)] = 0.0
    tried = [_shrunk(_greedy(hours, rest, weight, move_hours), hours) for weight in weights]
    return min(tried, key=lambda found: _total(found, move_hours))


def _single_per_group(
    hours: FloatArray, move_hours: float, groups: Sequence[object]
) -> FloatArray | None:
    """One setting for each group of targets, groups on the same setting counted once.

    None where some group has no setting that measures all of it. Solved as a cover whose targets
    are the groups.
    """
    labels = list(dict.fromkeys(groups))
    columns = [[m for m, group in enumerate(groups) if group == label] for label in labels]
    of_groups = np.stack([hours[:, column].max(axis=1) for column in columns], axis=1)
    if not np.isfinite(of_groups).any(axis=0).all():
        return None
    weights = (np.ones(len(labels)), of_groups.min(axis=0))
    found = [
        _improved(
            _greedy(of_groups, np.zeros(len(hours)), weight, move_hours),
            of_groups,
            weights,
            move_hours,
        )
        for weight in weights
    ]
    return min(found, key=lambda times: _total(times, move_hours))
