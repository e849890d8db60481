"""The damped harmonic oscillator against its sum rules, limits and detailed balance."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import constants
from scipy.integrate import quad

from ixs_core.errors import InputError
from ixs_reduce.lineshape import bose_factor, dho, quasielastic, reduced_bose_factor
from tests.ixs_reduce.line_quadrature import integral

BOLTZMANN = constants.k / constants.e * 1e3

energies = st.floats(0.5, 40.0)
widths = st.floats(1e-3, 60.0)
temperatures = st.floats(10.0, 1500.0)
transfers = st.floats(1e-3, 80.0)


def poles(mode_energy, fwhm, *others):
    damped = np.sqrt(complex(mode_energy**2 - fwhm**2 / 4))
    return [damped - 0.5j * fwhm, -damped - 0.5j * fwhm, *others]


@given(transfers, energies, widths, temperatures)
def test_detailed_balance(transfer, mode_energy, fwhm, kelvin):
    gain, loss = dho(np.array([-transfer, transfer]), mode_energy, fwhm, kelvin)
    assert gain * np.exp(transfer / (BOLTZMANN * kelvin)) == pytest.approx(loss, rel=1e-11)


@given(energies, widths, temperatures, st.floats(0.01, 1e4))
@settings(deadline=None, max_examples=50)
def test_energy_weighted_integral_is_amplitude_times_energy(mode_energy, fwhm, kelvin, amplitude):
    kt = BOLTZMANN * kelvin
    moment = integral(
        lambda e: e * dho(e, mode_energy, fwhm, kelvin, amplitude),
        poles(mode_energy, fwhm, 2j * np.pi * kt),
        reach=(-(2.0**80), 2.0**80),
        scale=6 * kt,
    )
    assert moment == pytest.approx(amplitude * mode_energy, rel=1e-10)


@pytest.mark.parametrize(("mode_energy", "fwhm"), [(4.0, 1.0), (4.0, 12.0), (15.0, 0.2)])
def test_energy_weighted_integral_by_scipy(mode_energy, fwhm):
    """The same sum rule by an adaptive quadrature that knows nothing of poles."""

    def odd(e):
        return e * (dho(e, mode_energy, fwhm, 300.0) - dho(-e, mode_energy, fwhm, 300.0))

    near, _ = quad(odd, 0, 4 * mode_energy, points=[mode_energy], limit=200, epsabs=1e-10)
    far, _ = quad(odd, 4 * mode_energy, np.inf, limit=200, epsabs=1e-10)
    assert near + far == pytest.approx(mode_energy, rel=1e-8)


@given(energies, widths, temperatures)
@settings(deadline=None, max_examples=50)
def test_static_susceptibility(mode_energy, fwhm, kelvin):
    """∫ F/E dE = 2/W, F = S/(n+1)."""

    def response_over_energy(e):
        return dho(e, mode_energy, fwhm, kelvin) / bose_factor(e, kelvin) / e

    # F is even over E: e > 0 is half of it, and there n+1 is not small.
    half = integral(response_over_energy, poles(mode_energy, fwhm), reach=(0.0, 2.0**40))
    assert half == pytest.approx(1 / mode_energy, rel=1e-10)


@given(energies, widths, temperatures, st.floats(0.01, 100.0))
def test_value_at_zero_energy(mode_energy, fwhm, kelvin, amplitude):
    expected = 2 * BOLTZMANN * kelvin * amplitude * fwhm / (np.pi * mode_energy**3)
    assert dho(0.0, mode_energy, fwhm, kelvin, amplitude) == pytest.approx(expected, rel=1e-12)


@given(energies, widths, temperatures, st.floats(1e-14, 1e-4))
def test_continuous_through_zero_energy(mode_energy, fwhm, kelvin, small):
    around = dho(np.array([-small, small]) * min(mode_energy, 1.0), mode_energy, fwhm, kelvin)
    middle = dho(0.0, mode_energy, fwhm, kelvin)
    # Beside (E/2kT) and (E/W)² there is the width of an overdamped line, W²/G.
    slack = small * (1 / (BOLTZMANN * kelvin) + 2 * (fwhm / mode_energy) ** 2)
    assert np.abs(around / middle - 1).max() <= slack + 1e-12


@pytest.mark.parametrize("kelvin", [20.0, 300.0, 900.0])
@pytest.mark.parametrize(("mode_energy", "fwhm"), [(4.0, 0.01), (4.0, 3.0), (4.0, 20.0)])
def test_values_in_thirty_digits(mode_energy, fwhm, kelvin):
    with mp.workdps(30):
        boltzmann = mp.mpf("1.380649e-23") / mp.mpf("1.602176634e-22")
        for e in (-35.0, -4.0, -1e-9, 1e-9, 0.3, 4.0, 35.0):
            x, w, g = mp.mpf(e), mp.mpf(mode_energy), mp.mpf(fwhm)
            bose = 1 / (1 - mp.exp(-x / (boltzmann * kelvin)))
            exact = bose * 2 / mp.pi * w * g * x / ((x**2 - w**2) ** 2 + (g * x) ** 2)
            assert dho(e, mode_energy, fwhm, kelvin) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("kelvin", [20.0, 300.0])
def test_narrow_limit_is_a_pair_of_lines(kelvin):
    """G → 0: areas n+1 at W and n at -W."""
    mode_energy, fwhm = 5.0, 1e-6
    occupation = 1 / np.expm1(mode_energy / (BOLTZMANN * kelvin))
    for center, area in ((mode_energy, occupation + 1), (-mode_energy, occupation)):
        found = integral(
            lambda e: dho(e, mode_energy, fwhm, kelvin),
            poles(mode_energy, fwhm),
            reach=(center - 1, center + 1),
        )
        assert found == pytest.approx(area, rel=1e-5)


@given(st.floats(-60.0, 60.0), energies, widths, temperatures)
def test_as_printed_is_four_sinh_squared_times_the_standard_form(
    transfer, mode_energy, fwhm, kelvin
):
    standard = dho(transfer, mode_energy, fwhm, kelvin)
    printed = dho(transfer, mode_energy, fwhm, kelvin, bose="as_printed")
    ratio = 4 * np.sinh(transfer / (2 * BOLTZMANN * kelvin)) ** 2
    assert printed == pytest.approx(ratio * standard, rel=1e-10, abs=1e-300)


def test_as_printed_at_one_mev_and_room_temperature():
    """The design's number: 0.0015 of the standard form."""
    ratio = dho(1.0, 4.0, 3.0, 300.0, bose="as_printed") / dho(1.0, 4.0, 3.0, 300.0)
    assert ratio == pytest.approx(0.0015, abs=5e-5)


@given(transfers, energies, widths, temperatures)
def test_as_printed_keeps_detailed_balance(transfer, mode_energy, fwhm, kelvin):
    gain, loss = dho(np.array([-transfer, transfer]), mode_energy, fwhm, kelvin, bose="as_printed")
    assert gain * np.exp(transfer / (BOLTZMANN * kelvin)) == pytest.approx(
        loss, rel=1e-10, abs=1e-300
    )


@given(transfers, widths, temperatures)
def test_quasielastic_detailed_balance(transfer, fwhm, kelvin):
    gain, loss = quasielastic(np.array([-transfer, transfer]), fwhm, kelvin)
    assert gain * np.exp(transfer / (BOLTZMANN * kelvin)) == pytest.approx(loss, rel=1e-11)


@given(widths, temperatures)
def test_quasielastic_is_the_overdamped_oscillator(fwhm, kelvin):
    """W, G → ∞ at W²/G = FWHM/2: the susceptibility 2/W times kT times the relaxation line."""
    half = fwhm / 2
    mode_energy = 1e5 * fwhm
    transfer = np.array([-3.0, -0.5, 0.2, 1.0]) * min(fwhm, 10.0)
    oscillator = dho(transfer, mode_energy, mode_energy**2 / half, kelvin)
    line = quasielastic(transfer, fwhm, kelvin) * 2 * BOLTZMANN * kelvin / mode_energy
    np.testing.assert_allclose(oscillator, line, rtol=1e-8)


def test_quasielastic_at_zero_energy():
    assert quasielastic(0.0, 3.0, 300.0) == pytest.approx(2 / (np.pi * 3.0))


def test_reduced_bose_factor_is_one_at_zero_and_finite_far_out():
    assert reduced_bose_factor(0.0, 300.0) == 1.0
    far = reduced_bose_factor(np.array([-1e5, 1e5]), 10.0)
    assert far[0] == pytest.approx(0.0, abs=1e-200)
    assert far[1] == pytest.approx(1e5 / (BOLTZMANN * 10.0))


def test_shape_follows_the_energies():
    assert dho(np.zeros((3, 2)), 4.0, 1.0, 300.0).shape == (3, 2)
    assert np.ndim(dho(1.0, 4.0, 1.0, 300.0)) == 0


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("mode_energy", (0.0, 1.0, 300.0)),
        ("mode_energy", (float("nan"), 1.0, 300.0)),
        ("fwhm", (4.0, 0.0, 300.0)),
        ("fwhm", (4.0, -1.0, 300.0)),
        ("fwhm", (4.0, float("inf"), 300.0)),
        ("temperature_k", (4.0, 1.0, 0.0)),
        ("temperature_k", (4.0, 1.0, float("nan"))),
    ],
)
def test_bad_numbers_are_named(key, arguments):
    with pytest.raises(InputError, match=key):
        dho(1.0, *arguments)


def test_unknown_bose_factor():
    with pytest.raises(InputError, match=r"as_printed"):
        dho(1.0, 4.0, 1.0, 300.0, bose="wrong")
