"""Profiles against densities in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.crystal import cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from mem.density import Density
from mem.interpolation import density_values, local_log_density
from mem.profile import Profile, path_points
from tests.mem.analytic_densities import (
    P1,
    TRICLINIC,
    fractions,
    log_waves,
    wave_density,
)


@pytest.mark.parametrize(
    "path",
    [
        [[0.1, 0.2, 0.3], [0.4, 0.2, 0.3]],
        [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]],
        [[-0.3, 1.7, 0.2], [2.1, 0.4, -1.2], [0.0, 0.5, 0.5]],
    ],
)
def test_a_profile_is_the_closed_form(path: list[list[float]]) -> None:
    profile = wave_density((96, 120, 108)).profile(path, 150)
    expected = np.exp(log_waves(profile.points))
    assert np.abs(profile.density / expected - 1).max() < 2e-6
    assert np.isnan(profile.sigma).all()


def test_the_error_falls_with_the_fourth_power_of_the_step() -> None:
    points = np.random.default_rng(1).uniform(-1, 2, (300, 3))
    errors = [
        np.abs(np.log(density_values(wave_density((n, n, n)), points)) - log_waves(points)).max()
        for n in (32, 64)
    ]
    assert 11 < errors[0] / errors[1] < 22


def test_interpolation_gives_the_grid_back_across_the_faces_of_the_cell() -> None:
    density = wave_density((24, 30, 20))
    points = fractions(density.shape) + np.array([1, -2, 0])
    assert np.allclose(density_values(density, points), density.values, rtol=1e-8)


def test_a_few_points_do_not_depend_on_their_company() -> None:
    density = wave_density((96, 120, 108))
    points = np.random.default_rng(2).uniform(0, 1, (400, 3))
    together = density_values(density, points)
    alone = np.array([density_values(density, point) for point in points[:20]])
    assert np.allclose(together[:20], alone, rtol=1e-8)


def test_a_density_that_is_negative_somewhere_is_interpolated_itself() -> None:
    shape = (48, 60, 40)
    density = Density(TRICLINIC, log_waves(fractions(shape)), P1)
    profile = density.profile([[0.1, 0.0, 0.2], [0.9, 0.7, 0.3]], 90)
    assert profile.density.min() < 0
    assert np.abs(profile.density - log_waves(profile.points)).max() < 2e-4


def test_the_local_spline_agrees_with_the_closed_form() -> None:
    way = np.linspace([-0.2, 0.1, 0.9], [0.3, 0.2, 1.2], 9)
    log_density = local_log_density(wave_density((96, 120, 108)), way, 5)
    shifted = way[:, None] + np.array([[0.0, 0.0, 0.0], [0.02, -0.01, 0.03]])
    assert np.abs(log_density(shifted) - log_waves(shifted)).max() < 2e-6


def test_distances_are_those_of_the_polyline_in_an_oblique_cell() -> None:
    path = np.array([[0.1, 0.2, 0.3], [0.6, 0.2, -0.3], [0.6, 0.9, -0.3]])
    points, distance, corners = path_points(TRICLINIC, path, 73)
    lengths = np.linalg.norm(np.diff(path, axis=0) @ cell_vectors(TRICLINIC), axis=1)
    assert np.allclose(corners, [0, lengths[0], lengths.sum()])
    assert all(np.any(np.isclose(distance, corner, atol=1e-12)) for corner in corners)
    assert all(np.linalg.norm(points - corner, axis=1).min() < 1e-12 for corner in path)
    steps = np.linalg.norm(np.diff(points, axis=0) @ cell_vectors(TRICLINIC), axis=1)
    assert np.allclose(np.diff(distance), steps)
    assert steps.max() / steps.min() < 1.05


def test_normalising_divides_density_and_sigma() -> None:
    one = np.ones(3)
    profile = Profile(np.zeros((3, 3)), one, np.array([1.0, 4.0, 2.0]), 0.2 * one, one[:2])
    by_maximum = profile.normalised()
    assert np.allclose(by_maximum.density, [0.25, 1, 0.5])
    assert np.allclose(by_maximum.sigma, 0.05)
    assert by_maximum.peak == 4.0
    again = by_maximum.normalised(0.5)
    assert again.peak == 2.0
    assert np.allclose(again.density, profile.density / 2)


@pytest.mark.parametrize(
    ("path", "n", "words"),
    [
        ([[0, 0, 0]], 9, "two points"),
        ([[0, 0, 0], [0, 0, 0], [1, 0, 0]], 9, "the same"),
        ([[0, 0, 0], [0.5, 0, 0], [1, 0, 0]], 2, "too few"),
        ([[0, 0, 0], [1, 0, 0]], 10**9, "not a number of points.*to 1e\\+06"),
        ([[0, 0, 0], [1, 0, 0]], 9.5, "not a number of points"),
        ([[0, 0, 0], [1, 0, 0]], "nine", "not a number of points"),
        ([[0, 0, 0], [1, 0, 0]], np.nan, "not a number of points"),
        ([[0, 0], [1, 1]], 9, "fractional coordinates"),
        ([[0, 0, np.nan], [1, 1, 1]], 9, "fractional coordinates"),
        ([["a", 0, 0], [1, 1, 1]], 9, "not numbers"),
        ([[0, 0, 0], [1, 1]], 9, "not numbers"),
    ],
)
def test_impossible_paths_are_refused(path: list[list[float]], n: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        path_points(Lattice.cubic(5.0), path, n)


def test_many_points_keep_the_steps_equal() -> None:
    corners = [[0, 0, 0], [0.3, 0, 0], [0.3, 0.5, 0], [0.3, 0.5, 1.0]]
    points, distance, at = path_points(Lattice.cubic(5.0), corners, 100_001)
    steps = np.diff(distance)
    assert len(points) == 100_001
    assert np.isin(at, distance).all()
    assert np.ptp(steps) < 1e-4 * steps.mean()


def test_no_peak_to_divide_by() -> None:
    zero = Profile(np.zeros((2, 3)), np.arange(2.0), np.zeros(2), np.zeros(2), np.arange(2.0))
    with pytest.raises(InputError, match="peak"):
        zero.normalised()


def test_waves_have_the_period_of_the_cell() -> None:
    points = np.random.default_rng(3).uniform(0, 1, (20, 3))
    assert np.allclose(log_waves(points), log_waves(points + np.array([1, -3, 2])))
