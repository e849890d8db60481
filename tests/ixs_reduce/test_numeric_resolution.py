"""A resolution kept as measured, a table: convolution against quadrature and exact sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants
from scipy.special import erfcx

from ixs_reduce.convolution import (
    convolved_dho,
    convolved_oscillators,
    plan_convolution,
)
from ixs_reduce.resolution import Resolution
from tests.ixs_reduce.line_quadrature import (
    LONGEST_FLOATS,
    convolve,
    convolve_function,
    oscillator,
)

BOLTZMANN = constants.k / constants.e * 1e3


# An asymmetric resolution function: a Gaussian with an exponential tail (both in meV).
SIGMA, TAIL, REACH = 0.62, 0.5, 9.0
SKEW = (("gaussian", 0.6, 0.05, 1.3), ("gaussian", 0.3, -0.4, 1.9), ("gaussian", 0.1, 0.7, 1.2))


def tailed(u):
    """Exponentially modified Gaussian of unit area, to 1e-8 zero beyond ±9 meV."""
    x = np.asarray(u, dtype=float) + TAIL
    z = (SIGMA / TAIL - x / SIGMA) / np.sqrt(2)
    gauss = np.exp(-0.5 * (x / SIGMA) ** 2)
    near = gauss * erfcx(np.maximum(z, -5)) / (2 * TAIL)
    far = np.exp(0.5 * (SIGMA / TAIL) ** 2 - x / TAIL) / TAIL
    return np.where(z > -5, near, far)


@pytest.mark.parametrize("step", [0.1, 0.25])
@pytest.mark.parametrize("fwhm", [1e-3, 0.3, 3.0, 12.0])
def test_numeric_resolution_with_a_tail(step, fwhm):
    axis = np.arange(-REACH, REACH + step / 2, step)
    energies = np.linspace(-15, 25, 60)
    found = convolved_dho(energies, 4.0, fwhm, 300.0, Resolution.from_table(axis, tailed(axis)))
    exact = convolve_function(
        oscillator(4.0, fwhm, 300.0), tailed, (-REACH, REACH), SIGMA, energies.tolist()
    )
    assert np.abs(found - exact).max() < 1e-4 * exact.max()


@pytest.mark.parametrize("step", [0.1, 0.25])
@pytest.mark.parametrize("fwhm", [1e-3, 1.0, 8.0])
def test_numeric_resolution_of_gaussians(step, fwhm):
    """Sampled anywhere, the table of a sum of Gaussians convolves as the sum itself."""
    smooth = Resolution.from_components(SKEW)
    axis = np.arange(-8, 8.01, step) + 0.03
    table = Resolution.from_table(axis, smooth(axis))
    energies = np.linspace(-20, 30, 120)
    exact = convolve(oscillator(4.0, fwhm, 300.0), SKEW, energies[::12].tolist(), LONGEST_FLOATS)
    found = convolved_dho(energies, 4.0, fwhm, 300.0, table)[::12]
    same = convolved_dho(energies, 4.0, fwhm, 300.0, smooth)
    assert np.abs(found - exact[0]).max() < 1e-4 * same.max()


def test_derivatives_through_a_numeric_resolution():
    smooth = Resolution.from_components(SKEW)
    axis = np.arange(-8, 8.01, 0.1)
    energies = np.linspace(-10, 20, 31)
    plan = plan_convolution(Resolution.from_table(axis, smooth(axis)), energies)
    lines = convolved_oscillators(plan, 0.1, np.array([4.0]), np.array([1.0]), BOLTZMANN * 300.0)
    exact = convolve(oscillator(4.0, 1.0, 300.0), SKEW, (energies - 0.1).tolist(), LONGEST_FLOATS)
    for line, reference in zip(
        (lines.value, lines.by_energy, lines.by_fwhm, lines.by_shift), exact, strict=True
    ):
        error = np.abs(plan.finish(line[0]) - reference).max()
        assert error < 2e-4 * np.abs(reference).max()
