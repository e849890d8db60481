"""What holds exactly after the convolution: detailed balance, sum rules, limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants

from ixs_reduce.convolution import convolved_dho
from ixs_reduce.line_poles import oscillator_area
from ixs_reduce.lineshape import dho
from ixs_reduce.resolution import Resolution
from tests.ixs_reduce.line_quadrature import integral

BOLTZMANN = constants.k / constants.e * 1e3
GAUSSIANS = (("gaussian", 0.7, 0.0, 1.5), ("gaussian", 0.3, 0.4, 2.2))


@given(
    st.floats(0.5, 20.0),
    st.floats(1e-3, 30.0),
    st.floats(250.0, 900.0),
    st.floats(0.5, 2.5),
    st.floats(0.1, 25.0),
)
@settings(deadline=None, max_examples=60)
def test_detailed_balance_through_a_gaussian(mode_energy, fwhm, kelvin, width, transfer):
    """S(-e) = S(e) exp(-e/kT) under a centred Gaussian of variance v becomes
    I(-E) = exp(v/2kT² - E/kT) I(E - v/kT)."""
    kt = BOLTZMANN * kelvin
    variance = width**2 / (8 * np.log(2))
    resolution = Resolution.from_components([("gaussian", 1.0, 0.0, width)])
    gain, loss = convolved_dho(
        [-transfer, transfer - variance / kt], mode_energy, fwhm, kelvin, resolution
    )
    largest = convolved_dho(mode_energy, mode_energy, fwhm, kelvin, resolution)
    expected = np.exp(variance / (2 * kt**2) - transfer / kt) * loss
    assert gain == pytest.approx(expected, rel=3e-9, abs=3e-12 * largest)


@given(st.floats(0.5, 20.0), st.floats(0.05, 30.0), st.floats(20.0, 900.0))
@settings(deadline=None, max_examples=20)
def test_sum_rule_through_gaussians(mode_energy, fwhm, kelvin):
    """∫ E (S∗R) dE = W + <E>_R ∫ S dE, with ∫ S dE as `oscillator_area` gives it."""
    resolution = Resolution.from_components(GAUSSIANS)
    mean = 0.3 * 0.4
    area, _, _ = oscillator_area(mode_energy, fwhm, BOLTZMANN * kelvin)
    span = 300.0

    def within(e):
        return e * convolved_dho(e.astype(float), mode_energy, fwhm, kelvin, resolution)

    def beyond(e):  # there R only moves S
        return e * (
            dho(e - mean, mode_energy, fwhm, kelvin) - dho(-e - mean, mode_energy, fwhm, kelvin)
        )

    # The convolution varies on the scale of R near zero and the mode, of E far from them.
    inner = integral(within, [1j, mode_energy + 1j, -mode_energy + 1j], reach=(-span, span))
    outer = integral(beyond, [mode_energy + 0j, fwhm + 0j], reach=(span, 2.0**60))
    assert inner + outer == pytest.approx(mode_energy + mean * area, rel=3e-5)


@given(st.floats(1.0, 20.0), st.floats(0.05, 20.0), st.floats(20.0, 900.0))
@settings(deadline=None, max_examples=40)
def test_narrow_resolution_gives_the_bare_shape(mode_energy, fwhm, kelvin):
    """As R narrows the limit at E → 0, 2kT G/(πW³), and every other value return."""
    resolution = Resolution.from_components([("gaussian", 1.0, 0.0, 1e-5)])
    found = convolved_dho([0.0, 1.0, mode_energy], mode_energy, fwhm, kelvin, resolution)
    limit = 2 * BOLTZMANN * kelvin * fwhm / (np.pi * mode_energy**3)
    assert found[0] == pytest.approx(limit, rel=1e-6, abs=1e-9 * found.max())
    bare = dho([0.0, 1.0, mode_energy], mode_energy, fwhm, kelvin)
    np.testing.assert_allclose(found, bare, rtol=1e-6, atol=1e-9 * found.max())


def test_undamped_mode_has_the_shape_of_the_resolution():
    """Width 0: (n+1) R(E-W) + n R(E+W)."""
    resolution = Resolution.from_components([*GAUSSIANS, ("lorentzian", 0.2, -0.1, 1.4)])
    energy = np.linspace(-20.0, 20.0, 81)
    n = 1 / np.expm1(5.0 / (BOLTZMANN * 300.0))
    expected = (n + 1) * resolution(energy - 5.0) + n * resolution(energy + 5.0)
    found = convolved_dho(energy, 5.0, 0.0, 300.0, resolution)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
