"""Phonon density of states from the velocities of a trajectory, by element and direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from scipy import fft

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from ixs_core.units import AMU_A2_PER_PS2_MEV, BOLTZMANN_MEV_K, FWHM_PER_SIGMA, HBAR_MEV_PS
from simulate.md.atom_series import (
    atom_blocks,
    centre_velocity,
    chosen_atoms,
    components_along,
    directions_matrix,
    displacement_series,
    drift_of,
    element_numbers,
    elements_of,
    masses_of,
    require_fixed_cell,
    require_frames,
    velocity_series,
)
from simulate.md.correlation import autocorrelation_sum
from simulate.md.trajectory import Trajectory

Source = Literal["auto", "velocities", "positions"]

_CUT = 0.75  # of the Nyquist energy: above, central differences keep less than 9 % of the power
_LOST = 0.01  # share of the power above the cut from which on it is reported
_RECTANGLE_FWHM = 0.8859  # of a run's own line shape sinc²(π ν T), times h/T


@dataclass(frozen=True)
class PhononDos:
    """Density of states, 3N in all.

    Parameters
    ----------
    energy_mev : (e,) array
        From 0, evenly spaced.
    elements : tuple of str
    dos : (s, 3, e) array
        States per meV of all atoms of an element along each direction.
    directions : (3, 3) array
        Unit vectors in rows.
    time_ps : (t,) array
    vacf : (s, 3, t) array
        ⟨v(t) v(t+τ)⟩ in Å²/ps², the mean over an element's atoms.
    temperature_k : float
        Of the kinetic energy.
    element_temperature_k : (s,) array
        The same of each element; they differ where the run is not in equilibrium.
    resolution_mev : float
        FWHM of a sharp mode.
    cut_mev : float
        No states are given above: the Nyquist energy, or what central differences resolve.
    source : {"velocities", "positions"}
    notes : tuple of str
    """

    energy_mev: FloatArray
    elements: tuple[str, ...]
    dos: FloatArray
    directions: FloatArray
    time_ps: FloatArray
    vacf: FloatArray
    temperature_k: float
    element_temperature_k: FloatArray
    resolution_mev: float
    cut_mev: float
    source: str
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> FloatArray:
        """Of all elements and directions, (e,)."""
        return self.dos.sum(axis=(0, 1))

    def maximum_mev(self) -> FloatArray:
        """Energy (s, 3) of the maximum of each element and direction."""
        return self.energy_mev[self.dos.argmax(axis=-1)]

    def mean_inverse_square(self) -> FloatArray:
        """⟨E⁻²⟩ in meV⁻² (s, 3) above the resolution: how soft an element is in a direction."""
        inside = self.energy_mev > self.resolution_mev
        energies, dos = self.energy_mev[inside], self.dos[..., inside]
        return np.asarray((dos / energies**2).sum(axis=-1) / dos.sum(axis=-1))


class _Settings(NamedTuple):
    """What a block of atoms needs to know."""

    from_positions: bool
    kinds: IntArray
    directions: FloatArray
    common: FloatArray | None


def phonon_dos(
    trajectory: Trajectory,
    elements: Sequence[str] | None = None,
    *,
    resolution_mev: float | None = None,
    source: Source = "auto",
    directions: FloatArray | None = None,
    remove_momentum: bool = True,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> PhononDos:
    """Density of states from the velocity autocorrelation, atoms in blocks so that memory is flat.

    Parameters
    ----------
    trajectory : Trajectory
        At constant cell.
    elements : sequence of str, optional
        All by default; the density then integrates to 3 times their atoms.
    resolution_mev : float, optional
        FWHM of the Gaussian that smooths the spectrum: by default twice h/T of a run of
        length T, at least 0.3 meV.
    source : {"auto", "velocities", "positions"}
        Velocities of the file, or central differences of positions; "auto" prefers the file's.
    directions : (3, 3) array, optional
        Orthonormal rows; the Cartesian axes by default.
    remove_momentum : bool
        Take off the velocity of the centre of mass.

    Raises
    ------
    InputError
        A varying cell, an unknown element, no velocities where they are asked for, a
        resolution finer than the run allows, or atoms at rest.
    Cancelled

    Notes
    -----
    g(E) = Σ m ∫⟨v(t) v(t+τ)⟩ cos(Eτ/ħ) dτ over kT, classical equipartition giving each mode
    the same weight (Dickey & Paskin, Phys. Rev. 188, 1407 (1969)). The correlation, over all
    origins, is divided by the full length of the run and multiplied by a Gaussian, so that g is
    the smoothed power spectrum and never negative. Central differences see a motion at ω
    smaller by sin(ωΔt)/(ωΔt): the spectrum is divided by the square of it.
    """
    require_fixed_cell(trajectory, "a density of states")
    require_frames(trajectory, 16, "a density of states")
    from_positions = _from_positions(trajectory, source)
    names = tuple(elements or elements_of(trajectory))
    atoms = chosen_atoms(trajectory, names)
    kinds = element_numbers(trajectory, names)
    settings = _Settings(
        from_positions,
        kinds,
        directions_matrix(directions),
        _common(trajectory, from_positions, remove_momentum, cancel),
    )
    found = parallel_map(
        partial(_correlations, trajectory, settings),
        atom_blocks(trajectory, atoms),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    counts = np.bincount(kinds[atoms], minlength=len(names))
    vacf = sum(found) / counts[:, None, None]
    return _density(trajectory, names, counts, vacf, settings, resolution_mev, remove_momentum)


def _from_positions(trajectory: Trajectory, source: Source) -> bool:
    if source == "velocities" and not trajectory.has_velocities:
        raise InputError(
            "the trajectory has no velocities",
            file=trajectory.name or None,
            key="source",
            found=source,
            expected="'positions' or 'auto'",
        )
    return source == "positions" or not trajectory.has_velocities


def _common(
    trajectory: Trajectory,
    from_positions: bool,
    remove_momentum: bool,
    cancel: CancelToken | None,
) -> FloatArray | None:
    if not remove_momentum:
        return None
    if trajectory.n_atoms < 2:
        raise InputError(
            "one atom has no motion about its centre of mass",
            key="remove_momentum",
            found=True,
            expected="False",
        )
    if from_positions:
        return drift_of(trajectory, elements_of(trajectory), cancel=cancel)
    return centre_velocity(trajectory, cancel)


def _correlations(trajectory: Trajectory, settings: _Settings, atoms: IntArray) -> FloatArray:
    """(s, 3, t) velocity autocorrelations summed over the atoms of a block, by element."""
    series: FloatArray
    if settings.from_positions:
        moved = displacement_series(trajectory, atoms, settings.common)
        span_ps = 2 * trajectory.dt_fs / 1000.0
        series = (moved[:, :, 2:] - moved[:, :, :-2]) / span_ps
    else:
        series = velocity_series(trajectory, atoms, settings.common)
    series = components_along(settings.directions, series)
    members = [settings.kinds[atoms] == kind for kind in range(settings.kinds.max() + 1)]
    return np.array(
        [[autocorrelation_sum(series[chosen, axis]) for axis in range(3)] for chosen in members]
    )


def _density(
    trajectory: Trajectory,
    names: tuple[str, ...],
    counts: IntArray,
    vacf: FloatArray,
    settings: _Settings,
    resolution_mev: float | None,
    momentum_removed: bool,
) -> PhononDos:
    dt_ps = trajectory.dt_fs / 1000.0
    frames = vacf.shape[-1]
    width = _smoothing(resolution_mev, frames * dt_ps)
    energies, spectra = _spectra(vacf, dt_ps, width)
    cut, notes = float(energies[-1]), trajectory.notes
    if settings.from_positions:
        cut *= _CUT
        spectra, lost = _corrected(energies, spectra, dt_ps, cut)
        if lost > _LOST:
            notes = (*notes, f"{lost:.0%} of the power lies above {cut:.1f} meV and is left out")
    all_masses = masses_of(trajectory)
    masses = np.array([all_masses[trajectory.species.index(name)] for name in names])
    # m⟨v²⟩ of an atom
    kinetic = masses * np.trapezoid(spectra, energies).sum(axis=1) * AMU_A2_PER_PS2_MEV
    if not kinetic.sum() > 0:
        raise InputError("all atoms are at rest", file=trajectory.name or None, key="velocities")
    # An atom's share in the motion of the centre of mass is gone with it.
    free = 1 - masses / all_masses.sum() if momentum_removed else np.ones(len(masses))
    weighted = spectra * (counts * masses)[:, None, None]
    shape = weighted * (3 * counts.sum() / np.trapezoid(weighted.sum(axis=(0, 1)), energies))
    own = _RECTANGLE_FWHM * 2 * math.pi * HBAR_MEV_PS / (frames * dt_ps)
    return PhononDos(
        energy_mev=energies,
        elements=names,
        dos=shape,
        directions=settings.directions,
        time_ps=np.arange(frames) * dt_ps,
        vacf=vacf,
        temperature_k=float(counts @ kinetic / (3 * BOLTZMANN_MEV_K * (counts @ free))),
        element_temperature_k=kinetic / (3 * BOLTZMANN_MEV_K * free),
        resolution_mev=math.hypot(width, own),
        cut_mev=cut,
        source="positions" if settings.from_positions else "velocities",
        notes=notes,
    )


def _smoothing(resolution_mev: float | None, duration_ps: float) -> float:
    """FWHM of the Gaussian in meV."""
    bin_mev = 2 * math.pi * HBAR_MEV_PS / duration_ps
    if resolution_mev is None:
        return max(0.3, 2 * bin_mev)
    # A broader line of the run itself would have side lobes below zero.
    if not resolution_mev >= 1.5 * bin_mev:
        raise InputError(
            "the run is too short for this resolution",
            key="resolution_mev",
            found=resolution_mev,
            expected=f"{1.5 * bin_mev:.3g} meV or more for {duration_ps:.4g} ps",
        )
    return resolution_mev


def _spectra(vacf: FloatArray, dt_ps: float, width_mev: float) -> tuple[FloatArray, FloatArray]:
    """Energies (e,) and one-sided spectra (s, 3, e), which integrate to the value at lag 0."""
    frames = vacf.shape[-1]
    lags = np.arange(frames)
    sigma = width_mev / FWHM_PER_SIGMA
    window = (1 - lags / frames) * np.exp(-0.5 * (sigma * lags * dt_ps / HBAR_MEV_PS) ** 2)
    period = 2 * math.pi * HBAR_MEV_PS / dt_ps  # twice the Nyquist energy
    length = 2 * fft.next_fast_len(max(frames, math.ceil(2.5 * period / width_mev)), real=True)
    even = np.zeros((*vacf.shape[:-1], length))
    even[..., :frames] = vacf * window
    even[..., -frames + 1 :] = even[..., frames - 1 : 0 : -1]
    energies = np.arange(length // 2 + 1) * (period / length)
    # Below zero by rounding, and by what the Gaussian leaves at the end of the run (< 1e-3).
    return energies, np.maximum(fft.rfft(even, axis=-1).real, 0.0) * (2 / period)


def _corrected(
    energies: FloatArray, spectra: FloatArray, dt_ps: float, cut_mev: float
) -> tuple[FloatArray, float]:
    """Spectra of central differences made those of velocities, and the share above the cut."""
    kept = energies <= cut_mev
    # numpy's sinc(x) is sin(πx)/(πx).
    response = np.sinc(energies[kept] * dt_ps / HBAR_MEV_PS / math.pi) ** 2
    true = np.zeros_like(spectra)
    true[..., kept] = spectra[..., kept] / response
    total = float(spectra.sum())
    lost = float(spectra[..., ~kept].sum()) / total if total > 0 else 0.0
    return true, lost
