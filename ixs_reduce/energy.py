"""Photon energy of silicon backscattering and energy transfer from crystal temperatures.

The monochromator and the analyzers reflect from the same planes of silicon; one is scanned in
temperature against the other. A hotter analyzer has a larger lattice spacing, reflects photons of
less energy, and so selects an energy **loss**: E > 0.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core import units
from ixs_core.errors import InputError

SILICON_LATTICE_ANGSTROM = 5.431109
"""Edge of the silicon cell near room temperature."""

EXPANSION_PER_K = 2.581e-6
"""Thermal expansion of silicon at `REFERENCE_K`."""

EXPANSION_SLOPE_PER_K2 = 0.016e-6
"""How fast the expansion grows with temperature: α(T) = 2.581e-6 + 0.016e-6 (T - T₀)."""

REFERENCE_K = 295.65
"""T₀ of the expansion."""

MEV_PER_ORDER = 1977.0e3
"""Photon energy per order of Si(n n n) in meV, as used with these expansion coefficients."""

BL43LXU_EXPANSION_PER_K = 2.639e-6
"""Fixed α in use at BL35XU and BL43LXU (α(T) at 299.3 K): 17.425 mK/meV at Si(11 11 11)."""

Method = Literal["integral", "id28"] | float


def silicon_wavelength(order: int) -> float:
    """Wavelength in Å backscattered by Si(n n n): λ = 2 a/(n √3)."""
    return 2 * SILICON_LATTICE_ANGSTROM / (_checked_order(order) * math.sqrt(3))


def silicon_energy_kev(order: int) -> float:
    """Photon energy in keV backscattered by Si(n n n)."""
    return units.HC_KEV_ANGSTROM / silicon_wavelength(order)


def silicon_order(wavelength: float, tolerance: float = 1e-3) -> int | None:
    """The order n of Si(n n n) that backscatters a wavelength (Å), or None if none is that near."""
    order = round(silicon_wavelength(1) / wavelength)
    if order < 1 or abs(silicon_wavelength(order) / wavelength - 1) > tolerance:
        return None
    return order


def energy_from_temperatures(
    analyzer_k: ArrayLike,
    mono_k: ArrayLike,
    order: int,
    method: Method = "integral",
    t_correction: ArrayLike = 0.0,
) -> Any:
    """Energy transfer in meV (E > 0: energy loss) from the temperatures of the crystals.

    Parameters
    ----------
    analyzer_k, mono_k : array_like
        Temperatures of the analyzer and the monochromator in K; they broadcast.
    order : int
        n of Si(n n n); E₀ = 1977.0 eV n.
    method : "integral", "id28" or float
        "integral": E = E₀ ∫ α dT from Tm to Ta, that is
        E₀ [2.581e-6 (Ta - Tm) + 0.008e-6 ((Ta - T₀)² - (Tm - T₀)²)], T₀ = 295.65 K.
        "id28": E = E₀ dT (2.581e-6 + 0.008e-6 dT), dT = Ta - Tm (ESRF ID28): the same with Tm = T₀.
        A number: E = E₀ α (Ta - Tm) with that α in 1/K (2.639e-6 at BL35XU and BL43LXU).
    t_correction : array_like
        Correction of the analyzer's thermometer in K, subtracted from analyzer_k.

    Raises
    ------
    InputError
        A method or order that does not exist.
    """
    photon_mev = MEV_PER_ORDER * _checked_order(order)
    analyzer = np.asarray(analyzer_k, dtype=float) - np.asarray(t_correction, dtype=float)
    mono = np.asarray(mono_k, dtype=float)
    method = _checked_method(method)
    if method == "integral":
        strain = _strain(analyzer) - _strain(mono)
    elif method == "id28":
        strain = _strain(REFERENCE_K + (analyzer - mono))
    else:
        strain = method * (analyzer - mono)
    energy = photon_mev * strain
    return float(energy) if np.ndim(energy) == 0 else energy


def mono_temperature(
    energy_mev: ArrayLike, analyzer_k: ArrayLike, order: int, method: Method = "integral"
) -> Any:
    """Temperature in K of the monochromator for an energy transfer in meV.

    The inverse of `energy_from_temperatures`, with analyzer_k already corrected.
    """
    strain = np.asarray(energy_mev, dtype=float) / (MEV_PER_ORDER * _checked_order(order))
    analyzer = np.asarray(analyzer_k, dtype=float)
    method = _checked_method(method)
    if method == "integral":
        mono = _temperature_of_strain(_strain(analyzer) - strain)
    elif method == "id28":
        mono = analyzer - (_temperature_of_strain(strain) - REFERENCE_K)
    else:
        mono = analyzer - strain / method
    return float(mono) if np.ndim(mono) == 0 else mono


def thermistor_temperature(ohm: ArrayLike) -> Any:
    """Temperature in K of an ID28 analyzer from its thermistor's resistance in ohm.

    Steinhart-Hart: T = 1/(0.001130065 + 0.0002405245 ln R + 1.089848e-7 (ln R)³), coefficients
    of ESRF ID28.

    Raises
    ------
    InputError
        A resistance is not positive.
    """
    resistance = np.asarray(ohm, dtype=float)
    if not np.all(resistance > 0):
        raise InputError(
            "a thermistor resistance is not positive",
            key="ohm",
            found=float(np.min(resistance)),
            expected="resistances above 0 ohm",
        )
    log = np.log(resistance)
    temperature = 1 / (0.001130065 + 0.0002405245 * log + 1.089848e-7 * log**3)
    return float(temperature) if temperature.ndim == 0 else temperature


def _strain(temperature: Any) -> Any:
    """ΔL/L of silicon from T₀ to a temperature: ∫ α dT."""
    above = temperature - REFERENCE_K
    return EXPANSION_PER_K * above + EXPANSION_SLOPE_PER_K2 / 2 * above**2


def _temperature_of_strain(strain: Any) -> Any:
    # The root of the quadratic that vanishes with the strain, free of cancellation.
    root = np.sqrt(EXPANSION_PER_K**2 + 2 * EXPANSION_SLOPE_PER_K2 * strain)
    return REFERENCE_K + 2 * strain / (EXPANSION_PER_K + root)


def _checked_order(order: int) -> int:
    if order != int(order) or order < 1:
        raise InputError(
            "no such silicon reflection", key="order", found=order, expected="n of Si(n n n), n ≥ 1"
        )
    return int(order)


def _checked_method(method: Method) -> Method:
    if method in ("integral", "id28"):
        return method
    if isinstance(method, str) or not (0 < method < 1e-4):
        raise InputError(
            "no such way to turn temperatures into energy",
            key="alpha",
            found=method,
            expected='"integral", "id28" or an expansion in 1/K such as 2.639e-6',
        )
    return method
