"""Lines, boxes, rings, histograms and small copies, against numpy and scipy written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from ixs_core.errors import InputError
from ixs_core.frame_profiles import box_sum, line_profile, radial_profile, value_histogram
from ixs_core.frame_reduction import reduced_copies

COUNTS = np.random.default_rng(0).poisson(30, (60, 80)).astype(np.int32)
NO_GAPS = np.zeros(COUNTS.shape, dtype=bool)


def test_a_line_between_pixels() -> None:
    profile = line_profile(COUNTS, NO_GAPS, (3.2, 50.0), (70.1, 4.5))
    length = np.hypot(66.9, 45.5)
    assert profile.position[-1] == pytest.approx(length)
    x = np.linspace(3.2, 70.1, profile.position.size)
    y = np.linspace(50.0, 4.5, profile.position.size)
    expected = map_coordinates(COUNTS.astype(float), [y, x], order=1)
    assert np.allclose(profile.value, expected)


def test_a_wide_line_is_the_mean_across() -> None:
    profile = line_profile(COUNTS, NO_GAPS, (10, 20), (40, 20), width=5)
    assert np.allclose(profile.value, COUNTS[18:23, 10:41].mean(axis=0))


def test_gaps_and_edges_are_left_out() -> None:
    gaps = NO_GAPS.copy()
    gaps[:, 20:23] = True
    gaps[30, :] = True
    profile = line_profile(COUNTS, gaps, (10, 31), (90, 31), width=3)
    assert np.isnan(profile.value[10:13]).all()
    assert np.isnan(profile.value[70:]).all()
    known = COUNTS[31:33, 10:80].mean(axis=0)
    known[10:13] = np.nan
    assert np.allclose(profile.value[:70], known, equal_nan=True)


def test_a_line_without_length() -> None:
    with pytest.raises(InputError, match="no length"):
        line_profile(COUNTS, NO_GAPS, (3, 3), (3, 3))


def test_boxes() -> None:
    gaps = NO_GAPS.copy()
    gaps[12, 34] = True
    found = box_sum(COUNTS, gaps, (36.2, 10.4), (30.9, 14.0))
    part = COUNTS[11:15, 31:37].copy()
    known = ~gaps[11:15, 31:37]
    assert found.total == part[known].sum()
    assert (found.pixels, found.missing) == (23, 1)
    assert found.mean == pytest.approx(part[known].mean())
    assert found.largest == part[known].max()
    assert COUNTS[found.place[1], found.place[0]] == found.largest
    assert box_sum(COUNTS, NO_GAPS, (-50, -50), (500, 500)).total == COUNTS.sum()
    nothing = box_sum(COUNTS, ~NO_GAPS, (0, 0), (3, 3))
    assert (nothing.total, nothing.pixels, nothing.missing) == (0, 0, 16)
    with pytest.raises(InputError, match="no pixel"):
        box_sum(COUNTS, NO_GAPS, (3.1, 3.1), (3.9, 3.9))


def test_rings_around_a_point() -> None:
    gaps = NO_GAPS.copy()
    gaps[0:5] = True
    profile = radial_profile(COUNTS, gaps, (40.3, 28.8))
    y, x = np.mgrid[:60, :80]
    ring = np.rint(np.hypot(x - 40.3, y - 28.8))
    for position, value in zip(profile.position, profile.value, strict=True):
        chosen = COUNTS[(ring == position) & ~gaps]
        assert value == pytest.approx(chosen.mean()) if chosen.size else np.isnan(value)
    outside = radial_profile(COUNTS, NO_GAPS, (-500.0, 30.0))
    assert outside.position[0] == 500.0


@pytest.mark.parametrize("high", [0, 1, 7, 300, 10**5, 10**9])
def test_histograms_of_counts_have_every_pixel_once(high: int) -> None:
    random = np.random.default_rng(high % 97)
    counts = np.rint(np.exp(random.uniform(0, np.log(high + 1), (50, 40)))).astype(np.int64) - 1
    gaps = random.random(counts.shape) < 0.1
    histogram = value_histogram(counts, gaps)
    assert histogram.pixels.sum() == (~gaps).sum()
    assert histogram.pixels[0] == (counts[~gaps] <= 0).sum()
    expected, _ = np.histogram(np.clip(counts[~gaps], 0.3, None), histogram.edges)
    assert np.array_equal(histogram.pixels, expected)
    assert len(histogram.edges) <= 201


def test_histograms_of_other_numbers() -> None:
    values = np.random.default_rng(5).normal(2.0, 1.0, (40, 50))
    values[3] = np.nan
    histogram = value_histogram(values, np.isnan(values))
    assert histogram.pixels.sum() == 39 * 50
    clipped = np.clip(values[~np.isnan(values)], histogram.edges[0], None)
    assert np.array_equal(histogram.pixels, np.histogram(clipped, histogram.edges)[0])
    for empty in (np.zeros((2, 2)), -np.ones((2, 2))):
        assert value_histogram(empty, np.zeros((2, 2), dtype=bool)).pixels.sum() == 4
        assert value_histogram(empty, np.ones((2, 2), dtype=bool)).pixels.sum() == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**6))
def test_small_copies_hold_the_largest_of_their_blocks(ny: int, nx: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(0, 1000, (ny, nx))
    gaps = random.random((ny, nx)) < 0.3
    copies = reduced_copies(values, gaps, smallest=4)
    for level, copy in enumerate(copies, start=1):
        size = 2**level
        assert copy.shape == (-(-ny // size), -(-nx // size))
        for row in range(copy.shape[0]):
            for column in range(copy.shape[1]):
                block = np.s_[row * size : (row + 1) * size, column * size : (column + 1) * size]
                known = values[block][~gaps[block]]
                here = copy[row, column]
                assert here == known.max() if known.size else np.isnan(here)
    assert max(copies[-1].shape if copies else (ny, nx)) <= 4
