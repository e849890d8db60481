"""Physical constants and conversions in the suite's units, all from `scipy.constants` (CODATA).

Energies in meV, lengths in Å, wave vectors in Å⁻¹ including 2π, temperatures in K,
line widths as FWHM in meV, times in ps, velocities in km/s (1 km/s = 10 Å/ps).
"""

from __future__ import annotations

from scipy import constants

MEV = constants.milli * constants.e
"""One meV in joule."""

BOLTZMANN_MEV_K = constants.k / MEV
"""Boltzmann's constant in meV/K."""

HBAR_MEV_PS = constants.hbar / MEV / constants.pico
"""ħ in meV ps: a line of FWHM Γ (meV) lives τ = ħ/Γ (ps)."""

THZ_IN_MEV = constants.h * constants.tera / MEV
"""Energy of 1 THz in meV."""

INVERSE_CM_IN_MEV = constants.h * constants.c / constants.centi / MEV
"""Energy of 1 cm⁻¹ in meV."""

HC_KEV_ANGSTROM = constants.h * constants.c / (constants.kilo * constants.e * constants.angstrom)
"""h c in keV Å: wavelength (Å) = this / photon energy (keV)."""

MEV_ANGSTROM_IN_KM_PER_S = constants.angstrom * MEV / constants.hbar / constants.kilo
"""dE/dQ of 1 meV Å as a group velocity in km/s."""

HBAR2_PER_AMU_A2_MEV = constants.hbar**2 / constants.atomic_mass / constants.angstrom**2 / MEV
"""ħ²/(amu Å²) in meV (4.180159): the kinetic scale of displacements and one-phonon scattering."""

CONDUCTIVITY_W_M_K = MEV * constants.kilo**2 * constants.pico / constants.angstrom**3
"""1 meV/K (km/s)² ps/Å³ in W/(m K) (160.2177): what C v² τ/V of a phonon counts in."""

AMU_A2_PER_PS2_MEV = constants.atomic_mass * (constants.angstrom / constants.pico) ** 2 / MEV
"""1 amu (Å/ps)² in meV (0.103643): what m v² counts in."""

KCAL_PER_MOL_IN_EV = constants.kilo * constants.calorie / constants.N_A / constants.e
"""1 kcal/mol in eV (0.0433641)."""

EV_PER_K_A_PS_IN_W_PER_M_K = constants.e / (constants.angstrom * constants.pico)
"""1 eV/(K Å ps) in W/(m K) (1602.177): the unit of κ from a heat flux in eV Å/ps."""

THOMSON_BARN = constants.value("classical electron radius") ** 2 / 1e-28
"""r_e² in barn: what a scattering strength of one e² is worth."""

FWHM_PER_SIGMA = 2.3548200450309493
"""FWHM of a Gaussian of unit standard deviation, 2 √(2 ln 2)."""


def lifetime_ps(fwhm_mev: float) -> float:
    """Lifetime τ = ħ/FWHM in ps of a line of the given full width in meV (infinite at zero)."""
    return HBAR_MEV_PS / fwhm_mev if fwhm_mev > 0 else float("inf")


def wavelength_angstrom(energy_kev: float) -> float:
    """Wavelength in Å of photons of the given energy in keV."""
    return HC_KEV_ANGSTROM / energy_kev
