"""The parts of the pole sums: Faddeeva function, thermal poles, areas of lines."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from scipy import constants
from scipy.special import polygamma, wofz, zeta

from ixs_reduce.faddeeva import faddeeva
from ixs_reduce.line_poles import oscillator_area
from ixs_reduce.thermal_poles import thermal_poles
from tests.ixs_reduce.line_quadrature import LONGEST_FLOATS, integral, oscillator

BOLTZMANN = constants.k / constants.e * 1e3


@pytest.mark.parametrize("kelvin", [20.0, 300.0])
@pytest.mark.parametrize(
    ("mode_energy", "fwhm"), [(4.0, 0.01), (4.0, 1.0), (4.0, 8.0), (4.0, 25.0), (15.0, 3.0)]
)
def test_area_and_its_derivatives(mode_energy, fwhm, kelvin):
    shape = oscillator(mode_energy, fwhm, kelvin)
    kt = BOLTZMANN * kelvin
    places = [*shape.poles, 2j * np.pi * kt]
    found = oscillator_area(mode_energy, fwhm, kt)
    for k in range(3):
        exact = integral(lambda e, k=k: shape.parts(e, LONGEST_FLOATS)[k], places, scale=6 * kt)
        assert found[k] == pytest.approx(exact, rel=1e-9, abs=1e-11 * found[0])


def test_faddeeva_against_scipy():
    rng = np.random.default_rng(3)
    size = 10 ** rng.uniform(-6, 5, 40_000)
    z = size * np.exp(1j * np.pi * rng.uniform(0, 1, size.size))
    z = np.concatenate((z, np.linspace(-30, 30, 4001) + 0j, 1j * np.linspace(0, 30, 301)))
    found, exact = faddeeva(z), wofz(z)
    error = np.abs(found - exact)
    print(f"absolute {error.max():.1e}, relative {(error / np.abs(exact)).max():.1e}")
    assert error.max() < 1e-14
    assert (error / np.abs(exact)).max() < 3e-13


@pytest.mark.parametrize("kelvin", [5.0, 20.0, 300.0, 900.0])
def test_thermal_sums_against_closed_forms(kelvin):
    """Σ 1/(ν²+a²) = coth(a/2kT)/(4akT) - 1/(2a²), Σ ν⁻ⁿ = ζ(n)/(2πkT)ⁿ, Σ (ν+a)⁻² = ψ'."""
    kt = BOLTZMANN * kelvin
    spacing = 2 * np.pi * kt
    largest = 60.0
    nu, weight, explicit = thermal_poles(kt, largest)
    np.testing.assert_allclose(nu[:explicit], spacing * np.arange(1, explicit + 1), rtol=1e-14)
    assert (weight[:explicit] == 1).all()
    for a in (0.1, 1.0, 7.0, 30.0, 60.0):
        with mp.workdps(30):
            x = mp.mpf(a)
            coth = float(mp.coth(x / (2 * kt)) / (4 * x * kt) - 1 / (2 * x**2))
        assert weight @ (1 / (nu**2 + a**2)) == pytest.approx(coth, rel=1e-12)
        trigamma = polygamma(1, 1 + a / spacing) / spacing**2
        assert weight @ (nu + a) ** -2 == pytest.approx(float(trigamma), rel=1e-12)
    for power in (2, 3, 4, 7):
        assert weight @ nu**-power == pytest.approx(zeta(power) / spacing**power, rel=1e-12)
