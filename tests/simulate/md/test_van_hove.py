"""Van Hove function: Gaussian motion, and hops of a known distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ixs_core.errors import InputError
from simulate.md.self_correlation import van_hove
from simulate.md.trajectory import Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory

SIGMA = np.array([0.1, 0.2, 0.3])


def walk(steps: np.ndarray) -> Trajectory:
    frames, atoms = steps.shape[:2]
    path = np.concatenate([np.cumsum(steps, axis=0), np.zeros((frames, 1, 3))], axis=1)
    return memory_trajectory(path, ("Cu",) * atoms + ("I",), 10 * np.eye(3), 100.0)


def test_a_random_walk_is_gaussian() -> None:
    steps = np.random.default_rng(1).normal(size=(3000, 20, 3)) * SIGMA
    found = van_hove(walk(steps), [0.1, 1.0], framework=["I"], bin_A=0.1)
    np.testing.assert_allclose(found.time_ps, [0.1, 1.0])
    np.testing.assert_allclose(found.mean_square_A2, np.outer([1, 10], SIGMA**2), rtol=0.05)
    np.testing.assert_allclose(found.non_gaussian_along, 0, atol=0.06)
    for k, lag in enumerate((1, 10)):
        for axis in range(3):
            expected = stats.norm.pdf(found.displacement_A, scale=SIGMA[axis] * np.sqrt(lag))
            area = np.abs(found.along[k, axis] - expected).sum() * 0.1
            assert area < 0.06
            fitted = found.gaussian_along()[k, axis]
            assert np.abs(fitted - expected).sum() * 0.1 < 0.04
    np.testing.assert_allclose(found.radial.sum(axis=1) * 0.1 + found.beyond, 1, rtol=1e-12)
    np.testing.assert_allclose(
        found.density * 4 * np.pi * found.distance_A**2, found.radial, rtol=1e-12
    )


def test_an_isotropic_walk_has_the_maxwell_distribution() -> None:
    steps = np.random.default_rng(2).normal(size=(3000, 20, 3)) * 0.3
    found = van_hove(walk(steps), [0.1], framework=["I"], bin_A=0.1)
    expected = stats.maxwell.pdf(found.distance_A, scale=0.3)
    assert np.abs(found.radial[0] - expected).sum() * 0.1 < 0.03
    assert found.non_gaussian[0] == pytest.approx(0, abs=0.03)


def test_rare_hops_are_not_gaussian() -> None:
    """Hops of length l in a share p of the steps: ⟨x²⟩ = p l², ⟨x⁴⟩ = p l⁴."""
    generator = np.random.default_rng(3)
    steps = np.zeros((4000, 20, 3))
    steps[..., 0] = 3.0 * generator.choice([-1, 0, 1], size=(4000, 20), p=[0.01, 0.98, 0.01])
    found = van_hove(walk(steps), [0.1], framework=["I"], longest_A=2.0, origin_step=3)
    assert found.non_gaussian_along[0, 0] == pytest.approx(1 / (3 * 0.02) - 1, rel=0.1)
    assert found.beyond[0] == pytest.approx(0.02, rel=0.1)
    assert found.non_gaussian_along[0, 1] == 0
    assert found.samples[0] == 20 * -(-3999 // 3)


def test_what_cannot_be_done_is_said() -> None:
    run = walk(np.zeros((10, 2, 3)))
    for times in ([], [0.0], [1.0]):
        with pytest.raises(InputError, match="times_ps"):
            van_hove(run, times)
    with pytest.raises(InputError, match="bin_A"):
        van_hove(run, [0.1], bin_A=0.0)
