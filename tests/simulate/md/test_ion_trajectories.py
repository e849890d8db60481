"""Single ions: amplitudes known beforehand, and those of CsCu2I3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ixs_core.errors import InputError
from simulate.md.ion_trajectories import ion_motion, ion_paths
from simulate.md.reading import read_trajectory
from simulate.md.trajectory import Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory

SITES = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0], [0.0, 0.0, 0.0]])
WIND = np.array([4.0, -1.0, 2.0])


def swinging() -> Trajectory:
    """One ion swings along x by 0.4 Å, one goes 3 Å along z; all drift with the framework."""
    share = np.linspace(0, 1, 1001)
    path = np.repeat(SITES[None], 1001, axis=0)
    path[:, 0, 0] += 0.4 * np.sin(20 * np.pi * share)
    path[:, 1, 2] += 3 * share
    run = memory_trajectory(
        path + share[:, None, None] * WIND, ("Cu", "Cu", "I"), 10 * np.eye(3), 20.0
    )
    return replace(run, reference=SITES - [0.1, 0.0, 0.0])


def test_amplitudes_and_reach() -> None:
    found = ion_motion(swinging(), ["Cu"], framework=["I"])
    middle = SITES[:2] + np.array([[0, 0, 0], [0, 0, 1.5]])
    np.testing.assert_allclose(found.mean_A, middle, atol=1e-9)
    np.testing.assert_allclose(found.mean_square_A2[0], [0.08, 0, 0], atol=1e-3)
    np.testing.assert_allclose(found.reach_A, [0.4, 3.0], atol=1e-6)
    np.testing.assert_allclose(found.net_A[1], [0, 0, 3], atol=1e-9)
    assert list(found.farthest(1)) == [1]
    with pytest.raises(InputError, match="I"):
        found.mean_square_of("I")


def test_paths_begin_at_the_ideal_sites() -> None:
    run = swinging()
    found = ion_paths(run, [1], every=10, framework=["I"])
    assert found.position_A.shape == (1, 3, 101)
    assert found.time_ps[-1] == pytest.approx(20.0)
    np.testing.assert_allclose(found.position_A[0, 0], 0.1, atol=1e-9)
    np.testing.assert_allclose(found.position_A[0, 2], np.linspace(0, 3, 101), atol=1e-9)
    with pytest.raises(InputError, match="no such atom"):
        ion_paths(run, [3])
    with pytest.raises(InputError, match="every"):
        ion_paths(run, [0], every=0)


@pytest.mark.parametrize(
    ("name", "amplitudes"),
    [
        ("md_300K_2x2x3.h5", [0.031, 0.034, 0.066]),
        ("md_300K_small.h5", [0.029, 0.034, 0.065]),
        ("md_600K_2x2x3.h5", [0.084, 0.083, 0.125]),
        ("md_600K_small.h5", [0.081, 0.079, 0.116]),
    ],
)
def test_copper_amplitudes_of_cscu2i3(
    shared_data: Path, name: str, amplitudes: list[float]
) -> None:
    run = read_trajectory(shared_data / "cscu2i3/md" / name)
    np.testing.assert_allclose(ion_motion(run).mean_square_of("Cu"), amplitudes, rtol=0.03)
