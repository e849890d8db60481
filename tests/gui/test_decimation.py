"""Few points that draw the picture of many: nothing that can be seen is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.plots.decimation import in_order, in_view

_VIEW = (-3.0, 4.0)


def _points(seed: int, number: int) -> tuple[np.ndarray, ...]:
    """Points uneven in x, some at equal x, with gaps; bars of uneven length."""
    random = np.random.default_rng(seed)
    x = np.round(random.normal(0.0, 3.0, number), random.integers(1, 6))
    x = x[(x < 1.0) | (x > 1.5)]
    y = random.poisson(random.choice([1.0, 30.0, 1e4]), x.size).astype(float)
    return in_order(x, y, y - random.random(x.size), y + random.exponential(2.0, x.size))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    number=st.integers(0, 3000),
    columns=st.integers(1, 200),
    most=st.integers(0, 500),
)
def test_every_column_keeps_its_extremes(seed: int, number: int, columns: int, most: int) -> None:
    x, y, lower, upper = _points(seed, number)
    drawn = in_view(x, y, lower, upper, _VIEW, columns, most)
    seen = (x >= _VIEW[0]) & (x <= _VIEW[1])
    if seen.sum() <= most:
        for given_, shown in ((x, drawn.x), (y, drawn.y), (x, drawn.bar_x)):
            np.testing.assert_array_equal(shown, given_[seen])
        np.testing.assert_array_equal(drawn.lower, lower[seen])
        np.testing.assert_array_equal(drawn.upper, upper[seen])
        return
    assert drawn.x.size <= 2 * columns
    assert drawn.bar_x.size <= columns
    edges = np.linspace(*_VIEW, columns + 1)

    def column(places: np.ndarray) -> np.ndarray:
        return np.clip(np.searchsorted(edges[:-1], places, "right") - 1, 0, columns - 1)

    # The searchsorted above puts a point on an edge to the right, as the columns do.
    for which in np.unique(column(x[seen])):
        here = seen & (column(x) == which)
        dots, bars = column(drawn.x) == which, column(drawn.bar_x) == which
        assert drawn.y[dots].min() == y[here].min()
        assert drawn.y[dots].max() == y[here].max()
        assert drawn.lower[bars].min() == lower[here].min()
        assert drawn.upper[bars].max() == upper[here].max()
    assert np.all(np.diff(drawn.x) >= 0)
    assert np.all(np.diff(drawn.bar_x) > 0)
    known = set(zip(x.tolist(), y.tolist(), strict=True))
    assert known.issuperset(zip(drawn.x.tolist(), drawn.y.tolist(), strict=True))


def test_a_single_outlier_among_a_million_is_there() -> None:
    random = np.random.default_rng(0)
    x = np.linspace(-20, 20, 1_000_000)
    y = random.poisson(5.0, x.size).astype(float)
    y[123_456] = 400.0
    drawn = in_view(x, y, y - 1, y + 1, (-20.0, 20.0), 1000)
    assert (x[123_456], 400.0) in set(zip(drawn.x.tolist(), drawn.y.tolist(), strict=True))
    assert drawn.upper.max() == 401.0
    assert drawn.x.size <= 2000


def test_points_come_in_order_and_an_end_that_is_no_number_hides_none() -> None:
    x, y = np.array([2.0, 1.0, 1.0, 3.0]), np.array([5.0, 6.0, 7.0, 8.0])
    ordered = in_order(x, y, y - 1, y + 1)
    np.testing.assert_array_equal(ordered[0], [1, 1, 2, 3])
    np.testing.assert_array_equal(ordered[1], [6, 7, 5, 8])
    upper = np.array([np.nan, 9.0, 3.0, 4.0])
    drawn = in_view(ordered[0], ordered[1], ordered[1], upper, (0.0, 4.0), 1, most=0)
    assert drawn.upper.tolist() == [9.0]


@pytest.mark.parametrize("view", [(5.0, 6.0), (0.5, 0.6)])
def test_where_nothing_is_nothing_is_drawn(view: tuple[float, float]) -> None:
    x = np.array([0.0, 1.0, 2.0])
    assert in_view(x, x, x, x, view, 10, most=0).x.size == 0
