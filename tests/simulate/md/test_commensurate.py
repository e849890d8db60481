"""Commensurate wave vectors against the definition Q·A = 2π n and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from simulate.md.commensurate import commensurate_q, conventional_cell

SKEW = np.array([[12.0, 0, 0], [-5.5, 10.0, 0], [3.0, 2.0, 15.0]])


def test_the_phases_of_the_cell_edges_are_whole_turns() -> None:
    cell = SKEW @ Rotation.from_euler("xyz", [20, -30, 50], degrees=True).as_matrix()
    q = commensurate_q(cell, [[7.1, 0.3, -2.2], [0, 0, 0]], lattice=(3, 2, 4))
    turns = q.q_cartesian @ cell.T / (2 * np.pi)
    assert np.allclose(turns, q.index, atol=1e-12)
    assert np.allclose(q.q_hkl * [3, 2, 4], q.index)


def test_the_nearest_is_the_nearest_in_a_skew_cell() -> None:
    rng = np.random.default_rng(3)
    wanted = rng.uniform(-3, 3, (50, 3))
    q = commensurate_q(SKEW, wanted)
    reciprocal = 2 * np.pi * np.linalg.inv(SKEW).T
    grid = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), -1).reshape(-1, 3)
    distance = np.linalg.norm((grid - wanted[:, None]) @ reciprocal, axis=2)
    assert np.allclose(q.distance, distance.min(axis=1))
    assert np.array_equal(q.index, grid[distance.argmin(axis=1)])


def test_the_conventional_cell_keeps_the_simulated_edges() -> None:
    lattice = Lattice(4.0, 5.0, 6.0, 90, 100, 90)
    rows = 2 * np.pi * np.linalg.inv(lattice.b_matrix)
    cell = np.diag([2, 3, 4]) @ rows * 1.01
    assert np.allclose(conventional_cell(cell, lattice), rows * 1.01)
    q = commensurate_q(cell, [1, 1, 1], lattice)
    assert q.q_abs == pytest.approx(lattice.q_abs([1, 1, 1]) / 1.01)


def test_a_window_holds_what_is_within_it() -> None:
    cell = np.diag([40.0, 40.0, 40.0])
    q = commensurate_q(
        cell, [[7, 6.03, 0], [1, 1, 1]], (10, 10, 10), "acceptance", [[0.21, 0.4, 0], [0.1, 0.1, 0]]
    )
    first = q.q_hkl[q.owner == 0]
    assert np.allclose(np.unique(first[:, 0]), [6.9, 7.0, 7.1])
    assert np.allclose(np.unique(first[:, 1]), [5.9, 6.0, 6.1, 6.2])
    assert len(first) == 12
    assert np.allclose(q.q_hkl[q.owner == 1], [[1, 1, 1]])


def test_an_empty_window_takes_the_nearest_and_says_so() -> None:
    q = commensurate_q(np.eye(3) * 4, [0.4, 0, 0], None, "acceptance", [0.1, 0.1, 0.1])
    assert len(q) == 1
    assert q.distance[0] == pytest.approx(0.4 * np.pi / 2)
    assert "1 of 1 windows" in q.notes[0]


def test_what_is_not_commensurate_is_refused_when_it_must_be_exact() -> None:
    cell = np.eye(3) * 20
    commensurate_q(cell, [0.2, 0, 1], (5, 5, 5), "exact")
    with pytest.raises(InputError, match=r"1 of 2 Q are not commensurate.*0\.25"):
        commensurate_q(cell, [[0.2, 0, 1], [0.25, 0, 0]], (5, 5, 5), "exact")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([np.nan, 0, 0],), "not three finite numbers"),
        (([[1, 2]],), "not three finite numbers"),
        (([1, 0, 0], Lattice.cubic(7.0)), "no multiple of the lattice"),
        (([1, 0, 0], Lattice(4, 4, 4, 90, 90, 120)), "no multiple of the lattice"),
        (([1, 0, 0], (1.5, 1, 1)), "not usable"),
        (([1, 0, 0], None, "acceptance"), "acceptance is not known"),
        (([1, 0, 0], None, "acceptance", [-1, 0, 0]), "acceptance is not usable"),
        (([1, 0, 0], None, "acceptance", [900, 900, 900]), "too many"),
        (([1, 0, 0], None, "snap"), "unknown sampling"),
    ],
)
def test_errors(arguments: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        commensurate_q(np.eye(3) * 12.0, *arguments)
