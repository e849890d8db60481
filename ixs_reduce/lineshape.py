"""Line shapes before the resolution: Bose factor, damped harmonic oscillator, quasi-elastic line.

One convention throughout: S(E) = A [n(E)+1] F(E), E > 0 energy loss, with the damped
harmonic oscillator F(E) = (2/π) W G E / ((E²-W²)² + G²E²) of undamped energy W and
FWHM G (B. Fåk & B. Dorner, Physica B 234-236 (1997) 1107).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.units import BOLTZMANN_MEV_K

Bose = Literal["standard", "as_printed"]
BOSE_CHOICES = '"standard" or "as_printed"'


def thermal_energy(temperature_k: float) -> float:
    """kT in meV; InputError unless the temperature is positive and finite."""
    if not (np.isfinite(temperature_k) and temperature_k > 0):
        raise InputError(
            "the sample temperature is not usable",
            key="temperature_k",
            found=temperature_k,
            expected="a positive number of kelvin",
        )
    return BOLTZMANN_MEV_K * float(temperature_k)


def reduced_bose_factor(energy_mev: ArrayLike, temperature_k: float) -> FloatArray:
    """(E/kT) [n(E)+1], finite (1) at E = 0; energy_mev of any shape, in meV."""
    x = np.asarray(energy_mev, dtype=float) / thermal_energy(temperature_k)
    # Beyond ±700 exp overflows; there x/(1-exp(-x)) is x, or zero to double precision.
    clipped = np.clip(x, -700.0, None)
    denominator = -np.expm1(-clipped)
    return np.where(x == 0, 1.0, clipped / np.where(denominator == 0, 1.0, denominator))


def bose_factor(energy_mev: ArrayLike, temperature_k: float) -> FloatArray:
    """n(E)+1 = 1/(1 - exp(-E/kT)); energy_mev of any shape, in meV, not zero."""
    x = np.asarray(energy_mev, dtype=float) / thermal_energy(temperature_k)
    return -1.0 / np.expm1(-np.clip(x, -700.0, None))


def dho(
    energy_mev: ArrayLike,
    mode_energy: float,
    fwhm: float,
    temperature_k: float,
    amplitude: float = 1.0,
    bose: Bose = "standard",
) -> FloatArray:
    """Damped harmonic oscillator S(E) = A [n+1] (2/π) W G E / ((E²-W²)² + G²E²).

    Parameters
    ----------
    energy_mev : array
        Energy transfer in meV, E > 0 energy loss.
    mode_energy, fwhm : float
        Undamped energy W and full width G at half maximum, meV, both positive.
    temperature_k : float
        Sample temperature in K.
    amplitude : float
        A; ∫ E S(E) dE = A W for any G and T.
    bose : "standard" or "as_printed"
        "as_printed" replaces n+1 by 1/n as eq. (3) of Y. Li et al., Adv. Mater. 2025
        (doi:10.1002/adma.202513381) prints it, 4 sinh²(E/2kT) times the standard form. It
        is here to show the difference only: fitted with it, a 4 meV mode of 3 meV width
        comes out 30-45 % low.

    Returns
    -------
    array
        In units of amplitude per meV.

    Raises
    ------
    InputError
        For an energy, width or temperature that is not positive.
    """
    check_mode(mode_energy, fwhm)
    energy = np.asarray(energy_mev, dtype=float)
    kt = thermal_energy(temperature_k)
    denominator = (energy**2 - mode_energy**2) ** 2 + (fwhm * energy) ** 2
    shape = (2 / np.pi) * mode_energy * fwhm / denominator
    if bose == "standard":
        return amplitude * kt * reduced_bose_factor(energy, temperature_k) * shape
    if bose == "as_printed":
        return amplitude * energy * np.expm1(energy / kt) * shape
    raise InputError("unknown Bose factor", key="bose", found=bose, expected=BOSE_CHOICES)


def quasielastic(energy_mev: ArrayLike, fwhm: float, temperature_k: float) -> FloatArray:
    """Relaxation line (E/kT)[n+1] (1/π) g/(E²+g²), g = FWHM/2: detailed balance included."""
    energy = np.asarray(energy_mev, dtype=float)
    half = fwhm / 2
    lorentzian = half / np.pi / (energy**2 + half**2)
    return reduced_bose_factor(energy, temperature_k) * lorentzian


def check_mode(mode_energy: float, fwhm: float, *, undamped: bool = False) -> None:
    """InputError unless energy and width are positive and finite; `undamped` allows fwhm = 0."""
    for key, value in (("mode_energy", mode_energy), ("fwhm", fwhm)):
        if not np.isfinite(value) or value < 0 or (value == 0 and not (undamped and key == "fwhm")):
            raise InputError(
                "a mode needs a positive energy and width", key=key, found=value, expected="> 0 meV"
            )
