"""A made-up crystal with the traits of CsCu2I3, for SIMULATED spectra: a few documented formulas.

Nothing here is fitted to anything or derived from forces. Only the slopes of the acoustic branches
and the energies of the flat modes are taken from what is known of CsCu2I3; the rest is chosen so
that spectra look alike and differ from analyzer to analyzer.

All functions are periodic in the reciprocal lattice of the C-centred cell (h + k even) where they
depend on the reduced wave vector, and depend on the whole Q where scattering does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.lattice import Lattice
from ixs_core.units import MEV_ANGSTROM_IN_KM_PER_S

Hkl = tuple[float, float, float]

TRANSVERSE_KM_PER_S = (0.86, 0.90)
"""Sound velocity of transverse waves polarised normal to c, and along c."""

LONGITUDINAL_KM_PER_S = 1.89
"""Sound velocity of longitudinal waves."""

MEAN_SQUARE_ANGSTROM2_AT_300_K = 0.02
"""⟨u²⟩ along Q of every atom at 300 K; it grows as T."""

VISIBLE_SHARE = 0.08
"""Modes weaker than this share of the strongest amplitude at that Q are left out."""


@dataclass(frozen=True)
class Mode:
    """One mode at one Q: name, undamped energy and FWHM in meV, amplitude.

    The amplitude is that of the suite's line shape, A [n+1] F(E), for 10⁶ monitor counts and an
    analyzer of efficiency 1.
    """

    name: str
    energy_mev: float
    fwhm_mev: float
    amplitude: float


@dataclass(frozen=True)
class AcousticBranch:
    """Energy from which the branch bends over, widths at 300 and 600 K (meV), strength."""

    name: str
    ceiling_mev: float
    fwhm_mev: tuple[float, float]
    strength: float


@dataclass(frozen=True)
class OpticBranch:
    """Energy at 300 K = middle + ripple · `ripple`, widths at Γ at 300 and 600 K, all in meV."""

    name: str
    middle_mev: float
    ripple_mev: float
    fwhm_mev: tuple[float, float]
    strength: float
    sites_apart: Hkl


TRANSVERSE = AcousticBranch("TA", 3.2, (0.35, 0.7), 1.5)
LONGITUDINAL = AcousticBranch("LA", 12.0, (0.6, 1.2), 2.5)
OPTIC = (
    OpticBranch("Cu flat", 3.9, -0.15, (1.0, 6.4), 10.0, (0.28, 0.17, 0.25)),
    OpticBranch("optic 8", 8.0, 0.30, (0.8, 2.0), 18.0, (0.13, 0.27, 0.40)),
    OpticBranch("optic 12", 12.0, 0.40, (1.0, 2.6), 24.0, (0.32, 0.18, 0.15)),
)
_BRAGG_SITES_APART = (0.30, 0.11, 0.35)


def modes(hkl: Hkl, lattice: Lattice, temperature_k: float) -> tuple[Mode, ...]:
    """The modes that scatter at Q, by rising energy.

    Parameters
    ----------
    hkl : three floats
        Q in conventional r.l.u.
    lattice : Lattice
    temperature_k : float
        In K.

    Returns
    -------
    tuple of Mode
        At most five: those with less than `VISIBLE_SHARE` of the strongest amplitude do not
        scatter at all, so that what is in a spectrum can be found in it.

    Notes
    -----
    One-phonon intensities go as |F|² (Q·e)² exp(-⟨u²⟩Q²)/W. Acoustic waves are those of an
    isotropic medium: e of LA is along the reduced wave vector q, and of the two transverse waves
    only the one with e along the part of Q normal to q scatters. Optic modes have no preferred
    direction: (Q·e)² stands as Q².
    """
    found = [*_acoustic(hkl, lattice, temperature_k), *_optic(hkl, lattice, temperature_k)]
    fall = debye_waller(lattice.q_abs(hkl) ** 2, temperature_k)
    least = VISIBLE_SHARE * max(mode.amplitude for mode in found)
    visible = [
        replace(mode, amplitude=mode.amplitude * fall) for mode in found if mode.amplitude >= least
    ]
    return tuple(sorted(visible, key=lambda mode: mode.energy_mev))


def elastic_area(hkl: Hkl, lattice: Lattice, temperature_k: float) -> float:
    """Area (meV) of the elastic line with its central peak, for 10⁶ monitor counts.

    60 exp(-⟨u²⟩Q²) [1 + (0.2 Å⁻¹/q)²] (1 + (T - 300 K)/600 K): diffuse scattering that falls with
    the distance q from the nearest Bragg point, and copper disorder that grows with temperature.
    The central peak is narrower than any resolution.
    """
    q = lattice.q_abs(np.subtract(hkl, nearest_bragg(hkl, lattice)))
    fall = debye_waller(lattice.q_abs(hkl) ** 2, temperature_k)
    return 60.0 * fall * (1 + (0.2 / q) ** 2) * (1 + (temperature_k - 300) / 600)


def nearest_bragg(hkl: Hkl, lattice: Lattice) -> Hkl:
    """The reciprocal lattice point (h + k even) nearest to Q in Å⁻¹."""
    middle = np.round(hkl)
    around = middle + np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    points = around[(around[:, 0] + around[:, 1]) % 2 == 0]
    h, k, l = points[np.argmin(lattice.q_abs(np.subtract(hkl, points)))]  # noqa: E741
    return float(h), float(k), float(l)


def acoustic_energy(q_inverse_angstrom: float, velocity_km_per_s: float, ceiling: float) -> float:
    """E(q) = c tanh(ħ v q/c) in meV: slope ħ v at q = 0, bent over towards the ceiling c."""
    linear = velocity_km_per_s / MEV_ANGSTROM_IN_KM_PER_S * q_inverse_angstrom
    return ceiling * math.tanh(linear / ceiling)


def transverse_velocity(across: FloatArray) -> float:
    """Velocity in km/s of the transverse wave polarised along `across`; its square is a mean."""
    normal, axial = TRANSVERSE_KM_PER_S
    share = float(across[2] ** 2 / max(across @ across, 1e-30))
    return math.sqrt(normal**2 * (1 - share) + axial**2 * share)


def ripple(hkl: Hkl) -> float:
    """Nearest-neighbour dispersion of the C-centred lattice, from 1 (at Γ) downward.

    [cos π(h+k) + cos π(h-k) + cos 2πl]/3.
    """
    h, k, l = hkl  # noqa: E741
    turns = (h + k) / 2, (h - k) / 2, l
    return sum(math.cos(2 * math.pi * turn) for turn in turns) / 3


def interference(hkl: Hkl, sites_apart: Hkl) -> float:
    """|1 + 0.6 exp(2πi Q·d)|²/1.36 of two unlike sites d apart (fractional): 0.12 … 1.88."""
    phase = 2 * math.pi * float(np.dot(hkl, sites_apart))
    return (1.36 + 1.2 * math.cos(phase)) / 1.36


def debye_waller(q_squared: float, temperature_k: float) -> float:
    """exp(-⟨u²⟩ Q²) for Q² in Å⁻², with ⟨u²⟩ proportional to T."""
    return math.exp(-MEAN_SQUARE_ANGSTROM2_AT_300_K * temperature_k / 300 * q_squared)


def softening(temperature_k: float) -> float:
    """Factor on every energy: 1 at 300 K, 0.96 at 600 K."""
    return 1 - 0.04 * (temperature_k - 300) / 300


def _acoustic(hkl: Hkl, lattice: Lattice, temperature_k: float) -> Iterator[Mode]:
    bragg = nearest_bragg(hkl, lattice)
    q = lattice.q_cartesian(np.subtract(hkl, bragg))
    along, across = _split(lattice.q_cartesian(hkl), q)
    for branch, velocity, polarised in (
        (TRANSVERSE, transverse_velocity(across), across),
        (LONGITUDINAL, LONGITUDINAL_KM_PER_S, along),
    ):
        energy = acoustic_energy(float(np.linalg.norm(q)), velocity, branch.ceiling_mev)
        energy *= softening(temperature_k)
        seen = float(polarised @ polarised) * interference(bragg, _BRAGG_SITES_APART)
        width = _warmed(branch.fwhm_mev, temperature_k)
        yield Mode(branch.name, energy, width, branch.strength * seen / energy)


def _optic(hkl: Hkl, lattice: Lattice, temperature_k: float) -> Iterator[Mode]:
    for branch in OPTIC:
        energy = branch.middle_mev + branch.ripple_mev * ripple(hkl)
        energy *= softening(temperature_k)
        # Widest at the zone boundary, by 30 % at most of that at Γ (ripple goes down to -1).
        width = _warmed(branch.fwhm_mev, temperature_k) * (1 + 0.15 * (1 - ripple(hkl)))
        seen = lattice.q_abs(hkl) ** 2 * interference(hkl, branch.sites_apart)
        yield Mode(branch.name, energy, width, branch.strength * seen / energy)


def _warmed(at_300_and_600: tuple[float, float], temperature_k: float) -> float:
    cold, hot = at_300_and_600
    return cold + (hot - cold) * (temperature_k - 300) / 300


def _split(whole: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The parts of Q along and normal to q."""
    direction = q / np.linalg.norm(q)
    along = direction * float(whole @ direction)
    return along, whole - along
