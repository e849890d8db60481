"""Which zones are worth a closer look: a quick estimate of hours over all Q = τ ± q.

The estimate takes one Gaussian-like line on what lies below it; the modes of each q are solved
once for all its zones. It only decides what is looked at closely, never what a plan reports.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.resolution import Resolution
from simulate.phonons.modes import IMAGINARY_MEV
from simulate.planning.expected_counts import Beamtime
from simulate.planning.information import Goal

_HOUR = 3600.0
_LOWEST_SHARE = 0.6
_STEP_RLU = 0.01


@dataclass(frozen=True)
class ZoneHours:
    """Estimated hours of the branches of one q in all zones near reach.

    Parameters
    ----------
    q_hkl : (3,) array
    hkl : (n, 3) array
        Q = τ + a member of the star of q.
    branches : (nb,) int array
    hours : (n, nb) array
        Infinite where the branch does not dominate its line.
    intensity : (n, nb) array
        I_s in e² per primitive cell.
    partners : tuple of tuples of int
        For each branch those degenerate with it.
    """

    q_hkl: FloatArray
    hkl: FloatArray
    branches: np.ndarray
    hours: FloatArray
    intensity: FloatArray
    partners: tuple[tuple[int, ...], ...]


def zone_hours(
    beamtime: Beamtime,
    q_hkl: FloatArray,
    branches: Sequence[int],
    energy_mev: FloatArray,
    goal: Goal,
) -> ZoneHours:
    """Estimate the hours of branches of one q in all zones near reach, its star included.

    A Gaussian line of rate A and peak p on a background b tells its position with the
    information A / (σ² (1 + 2 b/p)), σ being the width of R, natural width and acceptance
    (slope of the branch times the window near τ) together. With L and G that of the loss and the
    gain side, and Z that of the elastic line and the other modes about the energy zero, a mode's
    energy is known with L + G - (L - G)²/(L + G + Z).

    Parameters
    ----------
    beamtime : Beamtime
    q_hkl : (3,) array
    branches : sequence of int
    energy_mev : (m,) array
        Points of the scan.
    goal : Goal
    """
    star = beamtime.symmetry.star(np.asarray(q_hkl, dtype=float))
    conditions, near = beamtime.conditions, beamtime.zones_near_reach
    factor = beamtime.calculation.structure_factor_grid(
        star, near.tau_hkl, conditions.temperature_k
    )
    hkl = (star[:, None] + near.tau_hkl).reshape(-1, 3)
    intensity = factor.intensity.reshape(len(hkl), -1)
    # The members of a star have the same energies, up to rounding.
    energy, group = factor.energy_mev[0], factor.group[0]
    wanted = np.asarray(branches) - 1
    own = group[wanted][:, None] == group
    resolution = conditions.resolution(beamtime.central_analyzer)
    own_width = float(np.hypot(resolution.fwhm_mev, conditions.fwhm_mev)) / FWHM_PER_SIGMA
    width = np.sqrt(own_width**2 + _smearing(beamtime, star)[:, wanted] ** 2)
    profile = _profile_of(resolution)
    scale = conditions.rate_scale("", scattering_angle(beamtime, hkl))[:, None]
    loss, gain = (
        scale * intensity * factor_of(energy, conditions.temperature_k, energy_mev)
        for factor_of in (_loss_factor, _gain_factor)
    )
    elastic = scale * conditions.elastic(beamtime.bragg_distance(hkl))[:, None]
    apart = np.abs(energy[wanted][:, None] - energy)
    beside = elastic * profile(energy[wanted]) + conditions.background_per_s
    sides = [
        _line_information(
            side @ own.T, side @ (profile(apart) * ~own).T + beside, width, profile(0.0)
        )
        for side in (loss, gain)
    ]
    both = loss + gain
    others = 4 * loss * gain / np.where(both > 0, both, 1.0)
    zero = (others @ (~own).T + elastic) / own_width**2
    with np.errstate(divide="ignore", invalid="ignore"):
        known = sides[0] + sides[1] - (sides[0] - sides[1]) ** 2 / (sides[0] + sides[1] + zero)
        share = (loss @ own.T) / (loss @ (own | (apart < goal.closest * resolution.fwhm_mev)).T)
        length = float(energy_mev.max() - energy_mev.min())
        hours = length / (known * _sigma(goal, conditions.fwhm_mev) ** 2) / _HOUR
    bright = (share > _LOWEST_SHARE * goal.least_share) & (known > 0)
    hours[~bright | (energy[wanted] <= IMAGINARY_MEV)] = np.inf
    partners = tuple(
        tuple(int(other) + 1 for other in np.flatnonzero(row) if other != mode)
        for row, mode in zip(own, wanted, strict=True)
    )
    return ZoneHours(star[0], hkl, wanted + 1, hours, intensity[:, wanted], partners)


def _loss_factor(energy_mev: FloatArray, temperature_k: float, scan_mev: FloatArray) -> FloatArray:
    """(ns,) n + 1 of real modes inside the scan, else 0."""
    seen = (energy_mev > IMAGINARY_MEV) & (energy_mev <= scan_mev.max())
    safe = np.where(seen, energy_mev, 1.0)
    return np.where(seen, bose_factor(safe, temperature_k), 0.0)


def _gain_factor(energy_mev: FloatArray, temperature_k: float, scan_mev: FloatArray) -> FloatArray:
    """(ns,) n of real modes whose gain side is inside the scan, else 0."""
    seen = (energy_mev > IMAGINARY_MEV) & (-energy_mev >= scan_mev.min())
    safe = np.where(seen, energy_mev, 1.0)
    return np.where(seen, bose_factor(safe, temperature_k) - 1, 0.0)


def _line_information(
    rate: FloatArray, below: FloatArray, width: FloatArray, height: FloatArray
) -> FloatArray:
    """A / (σ² (1 + 2 b/p)) per second and meV of the scan, 0 for dark lines."""
    peak = rate * height
    lit = peak > 0
    return np.where(lit, rate / (width**2 * (1 + 2 * below / np.where(lit, peak, 1.0))), 0.0)


def _smearing(beamtime: Beamtime, star: FloatArray) -> FloatArray:
    """(n_star × n_τ, ns) standard deviation in meV of the energies over the windows near τ.

    From the slopes of the branches at q by central differences, in the order of energies.
    """
    steps = _STEP_RLU * np.eye(3)
    around = np.concatenate([star[:, None] + steps, star[:, None] - steps], axis=1)
    temperature = beamtime.conditions.temperature_k
    energy = beamtime.calculation.structure_factor(around.reshape(-1, 3), temperature).energy_mev
    energy = energy.reshape(len(star), 2, 3, -1)
    slope = (energy[:, 0] - energy[:, 1]) / (2 * _STEP_RLU)
    near = beamtime.zones_near_reach
    across = np.einsum("ti,nis->nts", near.dq_horizontal, slope)
    up = np.einsum("ti,nis->nts", near.dq_vertical, slope)
    return np.sqrt((across**2 + up**2) / 12).reshape(-1, energy.shape[-1])


def scattering_angle(beamtime: Beamtime, hkl: FloatArray) -> FloatArray:
    """(n,) scattering angle in degrees of hkl (n, 3); 180 where |Q| is longer than 2k."""
    half_k = beamtime.instrument.wavelength / (4 * np.pi)
    length = np.asarray(beamtime.symmetry.lattice.q_abs(hkl))
    return 2 * np.degrees(np.arcsin(np.minimum(length * half_k, 1.0)))


def _sigma(goal: Goal, fwhm_mev: float) -> float:
    """The σ (meV) to estimate with: a width is known about half as well as an energy."""
    wanted = [goal.sigma_energy_mev or np.inf]
    if goal.relative_fwhm is not None:
        wanted.append(0.5 * goal.relative_fwhm * fwhm_mev)
    return min(wanted)


def _profile_of(resolution: Resolution) -> Callable[[ArrayLike], FloatArray]:
    """R(|E|), symmetrised, by interpolation in a table."""
    table = np.linspace(0, 30 * resolution.fwhm_mev, 3001)
    values = 0.5 * (resolution(table) + resolution(-table))

    def profile(energy_mev: ArrayLike) -> FloatArray:
        return np.asarray(np.interp(np.abs(energy_mev), table, values))

    return profile
