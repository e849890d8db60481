"""The set cover against brute force, integer programming and its own bound."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from simulate.planning.cover import assignment, least_time_cover, lower_bound


def random_hours(seed: int, settings: int, targets: int, seen: float = 0.4) -> np.ndarray:
    """Hours spread over two decades; a target is seen by part of the settings."""
    random = np.random.default_rng(seed)
    hours = np.exp(random.normal(0, 1.2, (settings, targets)))
    hours[random.uniform(size=hours.shape) > seen] = np.inf
    for m in range(targets):
        hours[random.integers(settings), m] = np.exp(random.normal())
    return hours


def brute_force(hours: np.ndarray, move: float) -> float:
    """Least total over every way to give each target one of its settings."""
    choices = [np.flatnonzero(np.isfinite(column)) for column in hours.T]
    best = np.inf
    for choice in product(*choices):
        times = np.zeros(len(hours))
        for m, s in enumerate(choice):
            times[s] = max(times[s], hours[s, m])
        best = min(best, times.sum() + move * len(set(choice)))
    return float(best)


def integer_optimum(hours: np.ndarray) -> float:
    pairs = np.argwhere(np.isfinite(hours))
    level = hours[pairs[:, 0], pairs[:, 1]]
    measured = (hours[pairs[:, 0]] <= level[:, None]).T.astype(float)
    found = milp(
        level,
        constraints=LinearConstraint(measured, lb=1),
        integrality=np.ones(len(level)),
        bounds=Bounds(0, 1),
    )
    assert found.status == 0
    return float(found.fun)


def best_single_setting_per_group(hours: np.ndarray, groups: list[int]) -> float:
    """Every way to give each group one setting that measures all of it."""
    columns = [[m for m, g in enumerate(groups) if g == label] for label in dict.fromkeys(groups)]
    needed = [hours[:, column].max(axis=1) for column in columns]
    best = np.inf
    for choice in product(*[np.flatnonzero(np.isfinite(need)) for need in needed]):
        times = np.zeros(len(hours))
        for need, s in zip(needed, choice, strict=True):
            times[s] = max(times[s], need[s])
        best = min(best, times.sum())
    return float(best)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("move", [0.0, 0.5])
def test_small_covers_are_the_best_there_are(seed: int, move: float) -> None:
    hours = random_hours(seed, settings=7, targets=6)
    found = least_time_cover(hours, move)
    optimum = brute_force(hours, move)
    assert found.total >= optimum * (1 - 1e-12)
    assert found.total <= optimum * 1.02
    assert (hours <= found.hours[:, None]).any(axis=0).all()
    assert lower_bound(hours, move) <= optimum * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_larger_covers_are_near_the_integer_optimum(seed: int) -> None:
    hours = random_hours(100 + seed, settings=60, targets=40, seen=0.15)
    found = least_time_cover(hours)
    optimum = integer_optimum(hours)
    assert optimum * (1 - 1e-9) <= found.total <= 1.06 * optimum
    assert lower_bound(hours) <= optimum * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_never_longer_than_one_zone_per_branch(seed: int) -> None:
    random = np.random.default_rng(seed)
    hours = np.exp(random.normal(0, 1, (8, 9)))
    hours[random.uniform(size=hours.shape) > 0.85] = np.inf
    hours[seed % 8] = np.exp(random.normal(1, 1, 9))
    groups = [0, 0, 0, 1, 1, 1, 2, 2, 2]
    alone = best_single_setting_per_group(hours, groups)
    assert least_time_cover(hours, groups=groups).total <= alone * (1 + 1e-12)


def test_a_lone_setting_counts_for_its_slowest_target() -> None:
    found = least_time_cover(np.array([[1.0, 3.0, 2.0]]))
    assert found.total == 3.0
    assert found.used == (0,)
    assert assignment(found, np.array([[1.0, 3.0, 2.0]])) == ((0,), (0,), (0,))


def test_all_hours_scale_together() -> None:
    hours = random_hours(5, 20, 15)
    assert least_time_cover(7 * hours).total == pytest.approx(7 * least_time_cover(hours).total)


def test_nothing_wanted_takes_no_time() -> None:
    assert least_time_cover(np.empty((4, 0))).total == 0.0


def test_a_target_that_nobody_sees_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no setting"):
        least_time_cover(np.array([[1.0, np.inf]]))
