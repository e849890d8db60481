"""Energies against quadrature of α(T), published photon energies and beamline practice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from ixs_core.errors import InputError
from ixs_reduce.energy import (
    BL43LXU_EXPANSION_PER_K,
    REFERENCE_K,
    energy_from_temperatures,
    mono_temperature,
    silicon_energy_kev,
    silicon_order,
    silicon_wavelength,
    thermistor_temperature,
)


@pytest.mark.parametrize(
    ("order", "kev"), [(8, 15.816), (9, 17.793), (11, 21.747), (12, 23.724), (13, 25.701)]
)
def test_photon_energies_of_the_beamlines(order, kev):
    assert round(silicon_energy_kev(order), 3) == kev


def test_wavelength_used_at_the_beamline():
    assert silicon_wavelength(11) == pytest.approx(0.570119, abs=5e-7)
    assert silicon_order(0.570107) == 11
    assert silicon_order(0.6) is None
    assert silicon_order(20.0) is None


@pytest.mark.parametrize(("analyzer", "mono"), [(300.5, 300.0), (296.0, 299.3), (310.0, 285.0)])
def test_integral_is_the_quadrature_of_the_expansion(analyzer, mono):
    def alpha(kelvin):
        return 2.581e-6 + 0.016e-6 * (kelvin - 295.65)

    strain, _ = quad(alpha, mono, analyzer, epsabs=1e-18)
    expected = 1977.0e3 * 11 * strain
    assert energy_from_temperatures(analyzer, mono, 11) == pytest.approx(expected, rel=1e-10)


def test_id28_is_the_integral_with_the_mono_at_the_reference():
    for step in (-0.8, 0.5, 3.0):
        integral = energy_from_temperatures(REFERENCE_K + step, REFERENCE_K, 9, "integral")
        elsewhere = energy_from_temperatures(300 + step, 300.0, 9, "id28")
        assert elsewhere == pytest.approx(integral, rel=1e-9)


def test_id28_and_integral_are_apart_as_known_at_300_k():
    integral = energy_from_temperatures(300.5, 300.0, 11)
    id28 = energy_from_temperatures(300.5, 300.0, 11, "id28")
    assert integral / id28 - 1 == pytest.approx(0.027, abs=5e-4)


def test_fixed_expansion_gives_the_beamline_millikelvin_per_mev():
    one_kelvin = energy_from_temperatures(300.0, 299.0, 11, BL43LXU_EXPANSION_PER_K)
    assert 1000 / one_kelvin == pytest.approx(17.425, abs=5e-4)
    # it is the slope of the integral at 299.3 K
    slope = energy_from_temperatures(299.3005, 299.2995, 11) / 0.001
    assert one_kelvin == pytest.approx(slope, rel=3e-4)


def test_hotter_analyzer_is_energy_loss_and_the_correction_is_subtracted():
    assert energy_from_temperatures(300.1, 300.0, 11) > 0
    plain = energy_from_temperatures(300.1, 300.0, 11)
    assert energy_from_temperatures(300.4, 300.0, 11, t_correction=0.3) == pytest.approx(plain)


@pytest.mark.parametrize("method", ["integral", "id28", 2.639e-6])
def test_mono_temperature_inverts(method):
    energy = np.linspace(-90, 150, 13)
    mono = mono_temperature(energy, 299.3, 11, method)
    back = energy_from_temperatures(299.3, mono, 11, method)
    np.testing.assert_allclose(back, energy, atol=1e-7)


def test_arrays_broadcast():
    energy = energy_from_temperatures(np.full((28, 1), 300.0), np.linspace(299, 301, 7), 11)
    assert energy.shape == (28, 7)


def test_thermistor_satisfies_steinhart_hart():
    ohm = np.array([5e3, 1e4, 2e4])
    kelvin = thermistor_temperature(ohm)
    log = np.log(ohm)
    inverse = 0.001130065 + 0.0002405245 * log + 1.089848e-7 * log**3
    np.testing.assert_allclose(kelvin * inverse, 1.0, rtol=1e-14)
    assert np.all(np.diff(kelvin) < 0)  # a thermistor of negative coefficient
    assert 290 < thermistor_temperature(1e4) < 300  # 10 kΩ near room temperature


def test_bad_input_is_named():
    with pytest.raises(InputError, match="id28"):
        energy_from_temperatures(300, 300, 11, "linear")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="alpha"):
        energy_from_temperatures(300, 300, 11, 2.6)
    with pytest.raises(InputError, match="order"):
        energy_from_temperatures(300, 300, 0)
    with pytest.raises(InputError, match="thermistor"):
        thermistor_temperature([1e4, -1.0])
