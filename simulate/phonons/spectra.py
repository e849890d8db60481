"""Spectra S(Q,E) of phonon lines: damped oscillators, convolved exactly with the resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.convolution import ConvolutionPlan, convolved_oscillators, plan_convolution
from ixs_reduce.lineshape import thermal_energy
from ixs_reduce.resolution import Resolution
from simulate.phonons.modes import ModeStructureFactor

Linewidth = float | Sequence[float] | FloatArray | Callable[[FloatArray, FloatArray], FloatArray]
"""FWHM in meV: one for all, one per branch (ns,), one per Q and mode (nq, ns), or a function of
(q_hkl (nq, 3), energy_mev (nq, ns)) such as a `LinewidthTable`."""


@dataclass(frozen=True)
class LinewidthTable:
    """Linewidths that depend on the energy alone, linear between the table's points.

    Parameters
    ----------
    energy_mev, fwhm_mev : (n,) arrays
        Ascending energies; beyond the ends the last width holds.

    Raises
    ------
    InputError
        The columns differ in length, the energies do not ascend, or a width is negative.
    """

    energy_mev: FloatArray
    fwhm_mev: FloatArray

    def __post_init__(self) -> None:
        energy, fwhm = np.asarray(self.energy_mev, float), np.asarray(self.fwhm_mev, float)
        if energy.ndim != 1 or energy.shape != fwhm.shape or not energy.size:
            raise InputError(
                "a table of linewidths needs two columns of equal length",
                found=f"shapes {energy.shape} and {fwhm.shape}",
            )
        if not (np.diff(energy) > 0).all() or not (fwhm >= 0).all():
            raise InputError(
                "the table of linewidths is not usable",
                expected="ascending energies and widths of 0 or more, in meV",
            )

    def __call__(self, q_hkl: FloatArray, energy_mev: FloatArray) -> FloatArray:
        """FWHM in meV in the shape of the energies."""
        return np.interp(energy_mev, self.energy_mev, self.fwhm_mev)


def linewidths(linewidth: Linewidth, lines: ModeStructureFactor) -> FloatArray:
    """FWHM in meV of every line, (nq, ns).

    Raises
    ------
    InputError
        The widths do not fit the lines, or are negative or not finite.
    """
    shape = lines.energy_mev.shape
    if callable(linewidth):
        fwhm = np.asarray(linewidth(lines.q_hkl, lines.energy_mev), dtype=float)
    else:
        fwhm = np.asarray(linewidth, dtype=float)
        if fwhm.ndim == 1 and fwhm.size == shape[1]:
            fwhm = fwhm[lines.branch - 1]
        elif fwhm.ndim == 0:
            fwhm = np.full(shape, float(fwhm))
    if fwhm.shape != shape:
        raise InputError(
            "the linewidths do not fit the modes",
            key="linewidth",
            found=f"shape {fwhm.shape}",
            expected=f"a number, {shape[1]} numbers (one per branch), or shape {shape}",
        )
    used = fwhm[lines.intensity > 0]
    if not (np.isfinite(used).all() and (used >= 0).all()):
        raise InputError(
            "a linewidth is not usable", key="linewidth", expected="a FWHM of 0 meV or more"
        )
    return fwhm


def line_spectra(
    lines: ModeStructureFactor,
    energy_mev: ArrayLike,
    resolution: Resolution | Sequence[Resolution],
    linewidth: Linewidth = 0.0,
    elastic: ArrayLike = 0.0,
) -> FloatArray:
    """S(Q,E) convolved with the resolution, in e²/meV per primitive cell.

    S(Q,E) = Σ_s I_s [n(E)+1] F(E; E_s, Γ_s) ∗ R + elastic R(E), with F the damped harmonic
    oscillator of `ixs_reduce.lineshape.dho`; Γ = 0 gives the bare lines
    I_s {[n+1] δ(E-E_s) + n δ(E+E_s)} ∗ R.

    Parameters
    ----------
    lines : ModeStructureFactor
        Modes without intensity (imaginary ones among them) give nothing.
    energy_mev : (n,) array
        Energy transfer, E > 0 energy loss.
    resolution : Resolution, or one per Q
    linewidth : float, sequence, array or callable
        See `Linewidth`.
    elastic : float or (nq,) array
        Area of an elastic line in e².

    Returns
    -------
    (nq, n) array

    Raises
    ------
    InputError
        For linewidths, resolutions, energies or a temperature that do not fit.
    """
    energy = np.asarray(energy_mev, dtype=float)
    if energy.ndim != 1 or not energy.size or not np.isfinite(energy).all():
        raise InputError(
            "not an energy axis", key="energy_mev", found=f"shape {energy.shape}", expected="(n,)"
        )
    count = len(lines.q_hkl)
    resolutions = [resolution] * count if isinstance(resolution, Resolution) else list(resolution)
    if len(resolutions) != count:
        raise InputError(
            "the number of resolutions is not that of the momenta",
            key="resolution",
            found=len(resolutions),
            expected=f"one, or {count}",
        )
    kt = thermal_energy(lines.temperature_k)
    fwhm = linewidths(linewidth, lines)
    areas = np.broadcast_to(np.asarray(elastic, dtype=float), (count,))
    plans: dict[int, ConvolutionPlan] = {}
    spectra = np.zeros((count, energy.size))
    for i, own in enumerate(resolutions):
        if id(own) not in plans:
            plans[id(own)] = plan_convolution(own, energy)
        plan = plans[id(own)]
        seen = lines.intensity[i] > 0
        if seen.any():
            shapes = convolved_oscillators(plan, 0.0, lines.energy_mev[i, seen], fwhm[i, seen], kt)
            spectra[i] = plan.finish(lines.intensity[i, seen] @ shapes.value)
        if areas[i]:
            spectra[i] += areas[i] * own(energy)
    return spectra
