"""Figures of moving ions show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from simulate.md.diffusion_coefficient import diffusion_table
from simulate.md.displacements import mean_square_displacement
from simulate.md.ion_trajectories import ion_paths
from simulate.md.motion_figures import (
    displacement_figure,
    dos_figure,
    ion_paths_figure,
    van_hove_figure,
)
from simulate.md.self_correlation import van_hove
from simulate.md.trajectory import Trajectory
from simulate.md.vibrational_states import phonon_dos
from tests.simulate.md.memory_trajectory import memory_trajectory


@pytest.fixture(scope="module")
def walk() -> Trajectory:
    """Cu walks, I rattles."""
    steps = np.random.default_rng(1).normal(size=(300, 6, 3)) * 0.2
    path = np.cumsum(steps, axis=0)
    path[:, 3:] = steps[:, 3:]
    return memory_trajectory(path, ("Cu",) * 3 + ("I",) * 3, 10 * np.eye(3), 50.0)


def curves(figure: Figure) -> list[np.ndarray]:
    """Heights of all lines of a figure."""
    return [np.asarray(line.get_ydata()) for axes in figure.axes for line in axes.lines]


def test_displacements_are_drawn_with_their_coefficients(walk: Trajectory) -> None:
    msd = mean_square_displacement(walk)
    figure = displacement_figure(msd, diffusion_table(msd))
    assert any(np.array_equal(drawn, msd.total_A2[0][1:]) for drawn in curves(figure))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    copper, iodine = (text.get_text() for text in legend.get_texts())
    assert copper.startswith("Cu  D = ")
    assert iodine.startswith("I  D < ")


def test_states_are_drawn_by_element_and_direction(walk: Trajectory) -> None:
    dos = phonon_dos(walk)
    drawn = curves(dos_figure(dos))
    assert len(drawn) == 6
    assert np.array_equal(drawn[4], dos.dos[1, 1])


def test_van_hove_beside_its_gaussian(walk: Trajectory) -> None:
    found = van_hove(walk, [0.05, 0.5])
    drawn = curves(van_hove_figure(found))
    assert len(drawn) == 12
    assert np.array_equal(drawn[0], found.along[0, 0][found.along[0, 0] > 0])


def test_each_ion_has_its_panel(walk: Trajectory) -> None:
    paths = ion_paths(walk, [2, 0])
    figure = ion_paths_figure(paths)
    assert len(figure.axes) == 2
    assert np.array_equal(curves(figure)[2], paths.position_A[0, 2])
    assert figure.axes[0].get_title(loc="left") == "atom 2"
