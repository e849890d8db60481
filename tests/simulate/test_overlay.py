"""`scale_to_counts` against numbers written down and against another minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from simulate.overlay import scale_to_counts

ENERGY = np.arange(-12.0, 12.01, 0.4)
LINE = Resolution.from_components([("gaussian", 1, 0, 1.5)])(ENERGY)
SHAPE = np.exp(-((np.abs(ENERGY) - 5) ** 2))
EXPOSURE = np.linspace(0.5, 1.5, ENERGY.size)


def test_exact_counts_give_their_numbers_back() -> None:
    measured = 0.2 + 0.01 * ENERGY
    counts = EXPOSURE * (50 * SHAPE + 8 * LINE + 3 + measured)
    found = scale_to_counts(
        ENERGY, counts, EXPOSURE, SHAPE, 0 * LINE, LINE, background_rate=measured
    )
    assert found.scale == pytest.approx(50)
    assert found.elastic_area == pytest.approx(8)
    assert found.background_rate == pytest.approx(3)
    np.testing.assert_allclose(found.expected, counts)
    np.testing.assert_allclose(found.background, EXPOSURE * (3 + measured))
    np.testing.assert_allclose(found.inelastic + found.elastic + found.background, found.expected)
    assert found.chi2 == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_largest_poisson_likelihood(seed: int) -> None:
    rate = EXPOSURE * (6 * SHAPE + 4 * LINE + 0.3)
    counts = np.random.default_rng(seed).poisson(rate).astype(float)
    found = scale_to_counts(ENERGY, counts, EXPOSURE, SHAPE, 0 * LINE, LINE)

    def cost(numbers: np.ndarray) -> float:
        mean = EXPOSURE * (numbers[0] * SHAPE + numbers[1] * LINE + numbers[2])
        return float((mean - counts * np.log(mean)).sum())

    best = minimize(cost, [6, 4, 0.3], bounds=[(1e-6, None)] * 3, tol=1e-12)
    np.testing.assert_allclose(
        [found.scale, found.elastic_area, found.background_rate], best.x, rtol=2e-3, atol=1e-3
    )


def test_an_elastic_line_that_scales_along() -> None:
    counts = EXPOSURE * 7 * (SHAPE + 2 * LINE)
    found = scale_to_counts(
        ENERGY, counts, EXPOSURE, SHAPE, 2 * LINE, LINE, elastic="simulated", background=False
    )
    assert found.scale == pytest.approx(7)
    np.testing.assert_allclose(found.elastic, EXPOSURE * 14 * LINE)


def test_a_prediction_without_intensity_is_refused() -> None:
    with pytest.raises(InputError, match="no intensity"):
        scale_to_counts(ENERGY, EXPOSURE, EXPOSURE, 0 * SHAPE, 0 * LINE, LINE)
