"""Particle-like, wave-like, or no phonon at all: lifetimes against two limits.

Ioffe and Regel: a phonon of lifetime τ < 1/ω decays before it has vibrated once; in widths,
FWHM > ħω. Wigner: where τ < 1/Δω_avg, lines are wider than the average distance of branches,
Δω_avg = ω_max/(3N) with N atoms in the primitive cell, and heat tunnels between them
(M. Simoncelli, N. Marzari, F. Mauri, Phys. Rev. X 12, 041011 (2022)). Whether an oscillator is
overdamped (FWHM > 2W) is another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.lifetimes import Linewidths

if TYPE_CHECKING:
    from simulate.md.mode_lines import ModeLinewidths
    from simulate.phonons.model import PhononModel
    from simulate.transport.measured_widths import MeasuredWidths
    from simulate.transport.mesh_widths import LinewidthSeries

PARTICLE, WAVE, BELOW_IOFFE_REGEL = 0, 1, 2
"""Codes of the regimes."""

REGIMES = ("particle-like", "wave-like", "below Ioffe-Regel")
"""Their names, by code."""

_STILL_MEV = 0.05  # translations at Γ, which have no lifetime
_NEAR_MEV = 1.0  # a line farther from every branch, and from its own error, matches none


@dataclass(frozen=True)
class RegimeLimits:
    """The limits of a crystal.

    Parameters
    ----------
    average_spacing_mev : float
        ħΔω_avg.
    """

    average_spacing_mev: float

    @property
    def wigner_ps(self) -> float:
        """τ below which transport is wave-like."""
        return HBAR_MEV_PS / self.average_spacing_mev

    def ioffe_regel_ps(self, energy_mev: FloatArray) -> FloatArray:
        """1/ω at energies above 0."""
        return np.asarray(HBAR_MEV_PS / energy_mev)

    def regime(self, energy_mev: FloatArray, fwhm_mev: FloatArray) -> IntArray:
        """Code of the regime of each mode."""
        wide = fwhm_mev > self.average_spacing_mev
        return np.where(fwhm_mev > energy_mev, BELOW_IOFFE_REGEL, np.where(wide, WAVE, PARTICLE))


@dataclass(frozen=True)
class Lifetimes:
    """Modes of one source with their widths, as the figure of regimes shows them.

    Parameters
    ----------
    name : str
    temperature_k : float
    energy_mev, fwhm_mev : (n,) arrays
        meV; of a limit its upper limit.
    energy_err, fwhm_err : (n,) arrays
        Standard errors, 0 where there are none.
    is_limit : (n,) bool array
        Whether only an upper limit of the width is known.
    weight : (n,) array
        How many q-points of a mesh each stands for.
    measured : bool
        Drawn with error bars, not as a cloud.
    """

    name: str
    temperature_k: float
    energy_mev: FloatArray
    fwhm_mev: FloatArray
    energy_err: FloatArray
    fwhm_err: FloatArray
    is_limit: BoolArray
    weight: FloatArray
    measured: bool = False

    @property
    def lifetime_ps(self) -> FloatArray:
        """ħ/FWHM; a lower limit where the width is an upper one."""
        return np.asarray(HBAR_MEV_PS / self.fwhm_mev)

    def decided(self, limits: RegimeLimits) -> BoolArray:
        """(n,) whether the regime is known: a limit of a width decides for particles only."""
        particle = limits.regime(self.energy_mev, self.fwhm_mev) == PARTICLE
        return np.asarray(~self.is_limit | particle)

    def shares(self, limits: RegimeLimits) -> FloatArray:
        """(3,) share of the modes in each regime, of those whose regime is known; NaN without."""
        known = self.decided(limits)
        codes = limits.regime(self.energy_mev, self.fwhm_mev)[known]
        counts = np.bincount(codes, weights=self.weight[known], minlength=len(REGIMES))
        return np.asarray(counts / counts.sum() if known.any() else counts * np.nan)


@dataclass(frozen=True)
class MatchedLine:
    """A measured line beside the branch nearest in energy at its Q.

    Parameters
    ----------
    row : int
        Of the measured line.
    branch : int
        From 1 by rising energy.
    energy_mev : float
        Of the branch.
    fwhm_mev : float
        Calculated, at the nearest q of the mesh; NaN without linewidths.
    distance : float
        |Δq| to that q in Å⁻¹; NaN without linewidths.
    """

    row: int
    branch: int
    energy_mev: float
    fwhm_mev: float
    distance: float


def regime_limits(energy_mev: FloatArray) -> RegimeLimits:
    """The limits of a crystal from its energies (nq, ns), all branches.

    Raises
    ------
    InputError
        There is no positive energy.
    """
    highest = float(np.nanmax(energy_mev))
    if not highest > 0:
        raise InputError("no phonon has a positive energy", found=f"{highest:g} meV at most")
    return RegimeLimits(highest / energy_mev.shape[1])


def lifetimes_of(linewidths: Linewidths, temperature_k: float, name: str = "") -> Lifetimes:
    """The modes of a mesh that have a width.

    Raises
    ------
    InputError
        No widths at the temperature, or none above zero.
    """
    width = linewidths.at(temperature_k)
    known = (width > 0) & (linewidths.energy_mev > _STILL_MEV)
    if not known.any():
        raise InputError("no mode has a width above zero", file=linewidths.source or None)
    weight = np.broadcast_to(linewidths.weights[:, None], width.shape)
    none = np.zeros(int(known.sum()))
    return Lifetimes(
        name=name or linewidths.source,
        temperature_k=temperature_k,
        energy_mev=linewidths.energy_mev[known],
        fwhm_mev=width[known],
        energy_err=none,
        fwhm_err=none,
        is_limit=none > 0,
        weight=weight[known].astype(float),
    )


def simulated_lifetimes(lines: Sequence[ModeLinewidths], name: str) -> Lifetimes:
    """Branches of a simulation (`mode_linewidths`), one of each degenerate group.

    Raises
    ------
    InputError
        None has a width.
    """
    rows = [row for one in lines for row in _rows_of(one)]
    if not rows:
        raise InputError("no branch of the simulation has a width", file=name or None)
    energy, energy_err, width, error, upper, count = np.array(rows).T
    limited = np.isfinite(upper)
    return Lifetimes(
        name=name,
        temperature_k=float(np.mean([one.temperature_k for one in lines])),
        energy_mev=energy,
        fwhm_mev=np.where(limited, upper, width),
        energy_err=np.nan_to_num(energy_err),
        fwhm_err=np.where(limited, 0.0, np.nan_to_num(error)),
        is_limit=limited,
        weight=count,
        measured=True,
    )


def measured_lifetimes(measured: MeasuredWidths, temperature_k: float) -> Lifetimes:
    """Lines of fitted spectra at a temperature.

    Raises
    ------
    InputError
        None was measured there.
    """
    lines = measured.near(temperature_k)
    return Lifetimes(
        name=f"IXS, {lines.source}" if lines.source else "IXS",
        temperature_k=temperature_k,
        energy_mev=lines.energy_mev,
        fwhm_mev=lines.fwhm_mev,
        energy_err=np.nan_to_num(lines.energy_err),
        fwhm_err=np.nan_to_num(lines.fwhm_err),
        is_limit=lines.is_limit,
        weight=np.ones(len(lines)),
        measured=True,
    )


def match_branches(
    measured: MeasuredWidths,
    model: PhononModel,
    temperature_k: float,
    widths: LinewidthSeries | None = None,
) -> list[MatchedLine]:
    """For each measured line the branch nearest in energy at its Q, with the calculated width.

    Lines without Q, and lines farther than 1 meV and three standard errors from every branch,
    match none.

    Raises
    ------
    InputError
        Widths of another crystal or temperature.
    """
    known = np.flatnonzero(np.isfinite(measured.q_hkl).all(axis=1))
    if not len(known):
        return []
    hkl = measured.q_hkl[known]
    energy = model.modes(hkl).energy_mev
    apart = np.abs(energy - measured.energy_mev[known, None])
    branch = apart.argmin(axis=1)
    reach = np.maximum(_NEAR_MEV, 3 * np.nan_to_num(measured.energy_err[known]))
    width, distance = np.full(energy.shape, np.nan), np.full(len(known), np.nan)
    if widths is not None:
        mesh = widths.at(temperature_k)
        width, distance = mesh(hkl, energy), mesh.distance(hkl)
    return [
        MatchedLine(
            int(known[i]),
            int(s) + 1,
            float(energy[i, s]),
            float(width[i, s]),
            float(distance[i]),
        )
        for i, s in enumerate(branch)
        if apart[i, s] <= reach[i]
    ]


def _rows_of(lines: ModeLinewidths) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for i in range(len(lines.q_hkl)):
        group = lines.group[i]
        _, first, count = np.unique(group, return_index=True, return_counts=True)
        for s, number in zip(first, count, strict=True):
            width, upper = lines.fwhm_mev[i, s], lines.fwhm_upper[i, s]
            if np.isfinite(lines.energy_mev[i, s]) and (np.isfinite(upper) or width > 0):
                rows.append(
                    (
                        lines.energy_mev[i, s],
                        lines.energy_err[i, s],
                        width,
                        lines.fwhm_err[i, s],
                        upper,
                        float(number),
                    )
                )
    return rows
