"""French & Wilson's amplitudes against quadrature of the definition and the limits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from mem.french_wilson import WEAK, amplitudes, posterior


def _by_definition(intensity: float, sigma: float, mean: float, centric: bool) -> tuple[float, ...]:
    """E[√J] and its deviation from ∫ √J p(J) exp(-(I-J)²/2σ²) dJ, with 30 digits."""

    def density(j: mpmath.mpf) -> mpmath.mpf:
        if centric:
            prior = mpmath.exp(-j / (2 * mean)) / mpmath.sqrt(2 * mpmath.pi * mean * j)
        else:
            prior = mpmath.exp(-j / mean) / mean
        return prior * mpmath.exp(-((intensity - j) ** 2) / (2 * mpmath.mpf(sigma) ** 2))

    top = max(intensity, 0) + 12 * sigma
    points = sorted({0, sigma / 100, sigma / 3, sigma, max(intensity, 0) + sigma, top})
    with mpmath.workdps(30):
        norm, first, second = (
            mpmath.quad(lambda j, p=p: j ** (mpmath.mpf(p) / 2) * density(j), points)
            for p in (0, 1, 2)
        )
        average = first / norm
        return float(average), float(mpmath.sqrt(second / norm - average**2))


@pytest.mark.parametrize("centric", [False, True])
@pytest.mark.parametrize(
    ("intensity", "sigma", "mean"),
    [(-7.0, 2.0, 30.0), (-1.0, 1.0, 0.5), (0.0, 3.0, 100.0), (2.0, 1.0, 5.0), (9.0, 3.5, 4.0)],
)
def test_mean_and_deviation_are_those_of_the_definition(
    intensity: float, sigma: float, mean: float, centric: bool
) -> None:
    found = posterior(
        np.array([intensity]), np.array([sigma]), np.array([mean]), np.array([centric])
    )
    expected = _by_definition(intensity, sigma, mean, centric)
    assert [float(x[0]) for x in found] == pytest.approx(expected, rel=1e-7)


def test_a_very_negative_intensity_leaves_wilson_with_a_small_sigma() -> None:
    # For t → -∞ p(x) ∝ x^k exp(-|t| x²): half-Gaussian or Rayleigh, means known.
    t = 500.0
    mean, _ = posterior(np.array([-t, -t]), np.ones(2), np.full(2, 1e9), np.array([True, False]))
    expected = [np.sqrt(1 / (np.pi * t)), np.sqrt(np.pi / (4 * t))]
    np.testing.assert_allclose(mean, expected, rtol=2e-5)


def test_strong_intensities_are_square_roots() -> None:
    intensity, sigma = np.array([100.0, 4e4]), np.array([10.0, 7.0])
    f, s = amplitudes(intensity, sigma, np.ones(2), np.array([True, False]))
    np.testing.assert_allclose(f, np.sqrt(intensity))
    np.testing.assert_allclose(s, sigma / (2 * np.sqrt(intensity)))


def test_the_posterior_tends_to_the_square_root() -> None:
    intensity = np.array([1e4, 1e6])
    f, s = posterior(intensity, np.ones(2), np.full(2, 1e5), np.array([True, False]))
    np.testing.assert_allclose(f, np.sqrt(intensity), rtol=1e-8)
    np.testing.assert_allclose(s, 1 / (2 * np.sqrt(intensity)), rtol=1e-4)


def test_everything_is_positive_and_scales() -> None:
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.1, 50, 400)
    intensity = sigma * rng.uniform(-60, 2 * WEAK, 400)
    mean, centric = rng.uniform(0.01, 1e4, 400), rng.random(400) < 0.5
    f, s = amplitudes(intensity, sigma, mean, centric)
    assert np.all(f > 0)
    assert np.all(s > 0)
    f2, s2 = amplitudes(9 * intensity, 9 * sigma, 9 * mean, centric)
    np.testing.assert_allclose(f2, 3 * f, rtol=1e-9)
    np.testing.assert_allclose(s2, 3 * s, rtol=1e-6)
