"""Energies and widths of phonon branches in a simulation, by the experiment's line shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.jobs import CancelToken, Progress
from ixs_core.units import HBAR_MEV_PS
from simulate.md.mode_projection import ModeSpectra
from simulate.md.oscillator_fit import OscillatorFit, fit_oscillator
from simulate.md.oscillator_spectrum import Welch
from simulate.phonons.modes import IMAGINARY_MEV

_MISFIT = 2.0  # scatter about the fit, over that expected, from which on it is reported
_MAIN_SHARE = 0.7  # of a mode's kinetic energy, that its line should hold


@dataclass(frozen=True)
class ModeLinewidths:
    """Energies and widths of modes, (nq, ns) arrays; degenerate modes have those of their group.

    NaN for the translations at Γ, and for modes whose spectrum shows no line.

    Parameters
    ----------
    q_hkl, requested_hkl : (nq, 3) arrays
        Commensurate and asked for, r.l.u. of the conventional cell.
    distance : (nq,) array
        |ΔQ| between them in Å⁻¹.
    branch : (ns,) int array
        From 1 in the order of the harmonic energies.
    group : int array
    harmonic_mev : array
        Of the force constants.
    energy_mev, energy_err : arrays
        Undamped energy W and its standard error.
    fwhm_mev, fwhm_err : arrays
        G of the damped oscillator, the window's resolution taken out; 0 ± NaN where the fit
        ended there.
    fwhm_upper : array
        95 % limit of widths that are not resolved (below two standard errors), else NaN.
    overdamped : bool array
        Whether G > 2W.
    kinetic_temperature_k : array
        2/k times the kinetic energy of each mode: the temperature in equilibrium, but for chance.
    share : array
        Of that energy, how much the fitted line holds: low where the eigenvector is not that of
        one mode of the simulation.
    misfit : array
        Scatter of the spectrum about the fit over what is expected of one oscillator: about 1.
    fit : (nq, ns, ne) array
        Fitted spectrum, NaN outside of the energies fitted.
    temperature_k : float
        Of the kinetic energy.
    resolution_mev, segment_ps : float
        FWHM of an undamped mode, and the segment that gives it.
    segments : int
    name : str
        Of the trajectory's file.
    notes : tuple of str
    """

    q_hkl: FloatArray
    requested_hkl: FloatArray
    distance: FloatArray
    branch: IntArray
    group: IntArray
    harmonic_mev: FloatArray
    energy_mev: FloatArray
    energy_err: FloatArray
    fwhm_mev: FloatArray
    fwhm_err: FloatArray
    fwhm_upper: FloatArray
    overdamped: BoolArray
    kinetic_temperature_k: FloatArray
    share: FloatArray
    misfit: FloatArray
    fit: FloatArray
    temperature_k: float
    resolution_mev: float
    segment_ps: float
    segments: int
    name: str = ""
    notes: tuple[str, ...] = ()

    @property
    def lifetime_ps(self) -> FloatArray:
        """ħ/G, NaN where the width is not resolved."""
        resolved = np.isnan(self.fwhm_upper) & (self.fwhm_mev > 0)
        return np.where(resolved, HBAR_MEV_PS / np.where(resolved, self.fwhm_mev, 1.0), np.nan)


def mode_linewidths(
    spectra: ModeSpectra,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ModeLinewidths:
    """Fit each mode's spectrum with a damped harmonic oscillator seen through the window.

    The line shape is that of `ixs_reduce.lineshape.dho` in the classical limit, of the velocity;
    how it is fitted is said in `oscillator_fit`. A spectrum of several peaks is fitted about its
    strongest; `share` and `misfit` tell.

    Parameters
    ----------
    spectra : ModeSpectra

    Raises
    ------
    Cancelled
    """
    welch = Welch(
        spectra.n_frames,
        spectra.segment_frames,
        spectra.dt_fs / 1000,
        spectra.source == "positions",
    )
    fits, curves = _fits(spectra, welch, progress, cancel)
    power = _each(fits, "power_mev")
    result = ModeLinewidths(
        q_hkl=spectra.q_hkl,
        requested_hkl=spectra.requested_hkl,
        distance=spectra.distance,
        branch=np.arange(1, power.shape[1] + 1),
        group=spectra.group,
        harmonic_mev=spectra.harmonic_mev,
        energy_mev=_each(fits, "energy_mev"),
        energy_err=_each(fits, "energy_err"),
        fwhm_mev=_each(fits, "fwhm_mev"),
        fwhm_err=_each(fits, "fwhm_err"),
        fwhm_upper=_each(fits, "fwhm_upper"),
        overdamped=_each(fits, "overdamped") > 0,
        kinetic_temperature_k=spectra.mode_temperature_k,
        share=power / np.where(spectra.kinetic_mev > 0, 2 * spectra.kinetic_mev, np.nan),
        misfit=_each(fits, "misfit"),
        fit=curves,
        temperature_k=spectra.temperature_k,
        resolution_mev=spectra.fwhm_mev,
        segment_ps=spectra.segment_ps,
        segments=spectra.segments,
        name=spectra.name,
    )
    return replace(result, notes=(*spectra.notes, *_notes(spectra, result)))


def width_text(found: ModeLinewidths, row: int, mode: int) -> str:
    """ "0.54 ± 0.27", "< 0.83" or "" of one mode's FWHM."""
    if np.isnan(found.energy_mev[row, mode]):
        return ""
    limit = found.fwhm_upper[row, mode]
    if np.isnan(limit):
        return f"{found.fwhm_mev[row, mode]:.2f} ± {found.fwhm_err[row, mode]:.2f}"
    return f"< {limit:.2g}" if np.isfinite(limit) else "not determined"


def energy_text(found: ModeLinewidths, row: int, mode: int) -> str:
    """ "4.95 ± 0.13" or "" of one mode's energy."""
    if np.isnan(found.energy_mev[row, mode]):
        return ""
    error = float(found.energy_err[row, mode])
    digits = max(2, 1 - math.floor(math.log10(error))) if error > 0 else 2
    return f"{found.energy_mev[row, mode]:.{digits}f} ± {error:.{digits}f}"


def branch_text(found: ModeLinewidths, row: int, mode: int) -> str:
    """ "4", or "4-5" of a degenerate group."""
    members = found.branch[found.group[row] == found.group[row, mode]]
    return f"{members[0]}" if len(members) == 1 else f"{members[0]}-{members[-1]}"


_Fits = list[list[OscillatorFit | None]]


def _fits(
    spectra: ModeSpectra, welch: Welch, progress: Progress | None, cancel: CancelToken | None
) -> tuple[_Fits, FloatArray]:
    """The fit of every mode of every q, and the fitted spectra; of a group once."""
    nq, ns = spectra.harmonic_mev.shape
    fits: _Fits = [[None] * ns for _ in range(nq)]
    curves = np.full(spectra.spectrum.shape, np.nan)
    tasks = [(row, group) for row in range(nq) for group in np.unique(spectra.group[row])]
    for done, (row, group) in enumerate(tasks):
        if cancel is not None:
            cancel.check()
        members = np.flatnonzero(spectra.group[row] == group)
        found = None
        if not spectra.rigid[row, members].any():
            copies = len(members) * (1 if spectra.self_conjugate[row] else 2)
            spectrum = spectra.spectrum[row, members[0]]
            found = fit_oscillator(spectrum, welch, spectra.bin_mev, copies)
        if found is not None:
            curves[row, members, found.bins] = found.expected
            for member in members:
                fits[row][member] = found
        if progress is not None:
            progress(done + 1, len(tasks), "modes")
    return fits, curves


def _each(fits: _Fits, name: str) -> FloatArray:
    """(nq, ns) one number of every fit, NaN where there is none."""
    return np.array(
        [
            [float("nan") if fit is None else float(getattr(fit, name)) for fit in row]
            for row in fits
        ]
    )


def _notes(spectra: ModeSpectra, found: ModeLinewidths) -> tuple[str, ...]:
    none = np.isnan(found.energy_mev)
    counts = {
        "modes are translations of the crystal, without a line": spectra.rigid,
        "modes show no line": none & ~spectra.rigid,
        "widths are not resolved, only limits: longer segments would tell": ~np.isnan(
            found.fwhm_upper
        ),
        "modes are imaginary in the force constants": spectra.harmonic_mev < -IMAGINARY_MEV,
        f"spectra scatter more than {_MISFIT:g} times as expected of one oscillator": (
            found.misfit > _MISFIT
        ),
        f"lines hold less than {_MAIN_SHARE:.0%} of their mode's energy: the eigenvector is "
        "shared by several modes of the simulation": found.share < _MAIN_SHARE,
    }
    total = found.energy_mev.size
    return tuple(f"{int(at.sum())} of {total} {text}" for text, at in counts.items() if at.any())
