"""Velocities of a simulation projected onto phonon modes, and their spectra (SED).

With lattice phases the velocity of mode s at q is v_qs = Σ_Ld √M_d e*_d(qs)·v_Ld exp(-2πi q·L)/√N,
N primitive cells; ½⟨|v_qs|²⟩ = ½kT for every mode in equilibrium, and the sum over all modes and
commensurate q is the kinetic energy. Its power spectrum is the spectral energy density of one mode:
J. A. Thomas et al., Phys. Rev. B 81, 081411(R) (2010); A. Carreras, A. Togo, I. Tanaka, Comput.
Phys. Commun. 221, 221 (2017). It is E² times the spectrum of the mode's displacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.lattice import Lattice
from ixs_core.units import AMU_A2_PER_PS2_MEV, BOLTZMANN_MEV_K, HBAR_MEV_PS, THZ_IN_MEV
from simulate.md.atom_series import require_fixed_cell, require_frames
from simulate.md.commensurate import commensurate_q, conventional_cell
from simulate.md.mode_sites import SiteMap, map_sites
from simulate.md.trajectory import Trajectory
from simulate.md.welch import FWHM_BINS, segment_frames, segment_starts, window_taper
from simulate.phonons.degeneracy import degenerate_groups, group_means
from simulate.phonons.model import PhononModel
from simulate.phonons.modes import Modes

Source = Literal["auto", "velocities", "positions"]
"""Velocities of the file, or central differences of positions; "auto" prefers the file's."""

LONGEST_PS = 30.0
"""Of a segment that is chosen: 0.2 meV."""

CUT = 0.75
"""Of the Nyquist energy: above, central differences keep less than 9 % of the power."""

_BLOCK_BYTES = 16e6  # of velocities read at once
_MOST_FRAMES = 1024
_SAME_Q = 1e-6  # in primitive r.l.u.


@dataclass(frozen=True)
class ModeSpectra:
    """Spectra of the velocities of phonon modes; degenerate modes each have their group's mean.

    Parameters
    ----------
    energy_mev : (ne,) array
        From 0, in steps of `bin_mev`.
    spectrum : (nq, ns, ne) array
        Of M|v|², both signs of E together: ∫ dE = kT classically. Of central differences where
        `source` is "positions": smaller by (sin x/x)², x = E Δt/ħ.
    kinetic_mev : (nq, ns) array
        ½⟨M|v|²⟩, corrected for central differences.
    harmonic_mev : (nq, ns) array
        Energies of the force constants, ascending; negative for imaginary modes.
    group : (nq, ns) int array
        Equal for degenerate modes of one q.
    rigid : (nq, ns) bool array
        Translations of the whole crystal: acoustic modes at Γ.
    self_conjugate : (nq,) bool array
        Whether q and -q are one, so that both signs of E hold the same numbers.
    q_hkl : (nq, 3) array
        Commensurate q in r.l.u. of the conventional cell.
    requested_hkl : (nq, 3) array
    distance : (nq,) array
        |ΔQ| between them in Å⁻¹.
    dt_fs : float
    n_frames : int
        Of the velocities.
    segment_frames : int
        Of a segment, under a Hann window.
    source : {"velocities", "positions"}
    temperature_k : float
        Of the kinetic energy of all modes but translations.
    name : str
        Of the trajectory's file.
    notes : tuple of str
    """

    energy_mev: FloatArray
    spectrum: FloatArray
    kinetic_mev: FloatArray
    harmonic_mev: FloatArray
    group: IntArray
    rigid: BoolArray
    self_conjugate: BoolArray
    q_hkl: FloatArray
    requested_hkl: FloatArray
    distance: FloatArray
    dt_fs: float
    n_frames: int
    segment_frames: int
    source: str
    temperature_k: float
    name: str = ""
    notes: tuple[str, ...] = ()

    @property
    def segment_ps(self) -> float:
        """T of a segment."""
        return self.segment_frames * self.dt_fs / 1000

    @property
    def segments(self) -> int:
        """How many were averaged."""
        return len(segment_starts(self.n_frames, self.segment_frames))

    @property
    def bin_mev(self) -> float:
        """Step of the energies, h/T."""
        return THZ_IN_MEV / self.segment_ps

    @property
    def fwhm_mev(self) -> float:
        """FWHM of an undamped mode."""
        return FWHM_BINS["hann"] * self.bin_mev

    @property
    def mode_temperature_k(self) -> FloatArray:
        """(nq, ns) twice the kinetic energy over Boltzmann's constant."""
        return 2 * self.kinetic_mev / BOLTZMANN_MEV_K


def project_modes(
    trajectory: Trajectory,
    model: PhononModel,
    q_hkl: ArrayLike,
    *,
    lattice: Lattice | ArrayLike | None = None,
    segment_ps: float | None = None,
    source: Source = "auto",
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ModeSpectra:
    """Project a trajectory onto phonon modes at the commensurate q nearest to those asked for.

    Frames are read in blocks, so that memory does not grow with their number but for the modes'
    own amplitudes.

    Parameters
    ----------
    trajectory : Trajectory
        At constant cell.
    model : PhononModel
        Of the same crystal; lattice parameters may differ by some per cent.
    q_hkl : (nr, 3) or (3,) array
        r.l.u. of the conventional cell, any zone.
    lattice : optional
        The conventional cell in the simulation, as for `commensurate.conventional_cell`; by
        default the model's, whose multiples are found.
    segment_ps : float, optional
        T: energies are h/T apart. By default half the run, 30 ps at most.
    source : "auto", "velocities" or "positions"

    Raises
    ------
    InputError
        A varying cell, too few frames, atoms that do not match the model's sites, no velocities
        where they are asked for, a value that is not finite; errors of `commensurate_q`.
    Cancelled
    """
    require_fixed_cell(trajectory, "a mode projection")
    require_frames(trajectory, 16, "a mode projection")
    from_positions = _from_positions(trajectory, source)
    n_frames = trajectory.n_frames - 2 * from_positions
    chosen = min(trajectory.duration_ps / 2, LONGEST_PS) if segment_ps is None else segment_ps
    frames = segment_frames(n_frames, trajectory.dt_fs, chosen, trajectory.name)
    conventional = conventional_cell(trajectory.cell, model.lattice if lattice is None else lattice)
    q = commensurate_q(trajectory.cell, q_hkl, conventional)
    sites = _sites(trajectory, model, conventional, cancel)
    modes = model.modes(q.q_hkl)
    q_primitive = model.force_constants.q_primitive(q.q_hkl)
    projection = _Projection.of(model, modes, q_primitive, sites)
    series = _amplitudes(trajectory, projection, from_positions, progress, cancel)
    energy, spectrum = _spectra(series, frames, trajectory.dt_fs)
    group = degenerate_groups(modes.energy_mev)
    spectrum = np.stack([group_means(one, group) for one in np.moveaxis(spectrum, -1, 0)], -1)
    rigid = _rigid(model, modes, q_primitive)
    kinetic = _kinetic(series, energy, spectrum, group, from_positions, trajectory.dt_fs)
    if not kinetic[~rigid].max(initial=0.0) > 0:
        raise InputError(
            "nothing moves in these modes",
            file=trajectory.name or None,
            found="velocities that are all zero" if not from_positions else "atoms at rest",
        )
    return ModeSpectra(
        energy_mev=energy,
        spectrum=spectrum,
        kinetic_mev=kinetic,
        harmonic_mev=modes.energy_mev,
        group=group,
        rigid=rigid,
        self_conjugate=np.abs(2 * q_primitive - np.rint(2 * q_primitive)).max(axis=1) < _SAME_Q,
        q_hkl=q.q_hkl,
        requested_hkl=q.requested_hkl,
        distance=q.distance,
        dt_fs=trajectory.dt_fs,
        n_frames=n_frames,
        segment_frames=frames,
        source="positions" if from_positions else "velocities",
        temperature_k=float(2 * kinetic[~rigid].mean() / BOLTZMANN_MEV_K),
        name=trajectory.name,
        notes=(*trajectory.notes, *q.notes),
    )


def _from_positions(trajectory: Trajectory, source: Source) -> bool:
    if source not in ("auto", "velocities", "positions"):
        raise InputError(
            "unknown source",
            key="source",
            found=source,
            expected="'auto', 'velocities' or 'positions'",
        )
    if source == "velocities" and not trajectory.has_velocities:
        raise InputError(
            "the trajectory has no velocities",
            file=trajectory.name or None,
            key="source",
            found=source,
            expected="'positions' or 'auto'",
        )
    return source == "positions" or not trajectory.has_velocities


def _sites(
    trajectory: Trajectory, model: PhononModel, conventional: FloatArray, cancel: CancelToken | None
) -> SiteMap:
    positions = trajectory.reference
    if positions is None:
        positions = np.zeros((trajectory.n_atoms, 3))
        for start, stop in _ranges(trajectory):
            if cancel is not None:
                cancel.check()
            positions += trajectory.read(start, stop).positions.sum(axis=0, dtype=float)
        positions /= trajectory.n_frames
    return map_sites(
        trajectory.species,
        positions,
        trajectory.cell,
        conventional,
        model.force_constants,
        trajectory.name,
    )


@dataclass(frozen=True)
class _Projection:
    """What turns a frame into amplitudes of modes.

    atoms : (b, c) atoms by site; phases : (b, c, nq) √M_d exp(-2πi q·L)/√N;
    vectors : (nq, 3b, ns) conjugate eigenvectors in the frame of the simulation.
    """

    atoms: IntArray
    phases: ComplexArray
    vectors: ComplexArray

    @classmethod
    def of(
        cls, model: PhononModel, modes: Modes, q_primitive: FloatArray, sites: SiteMap
    ) -> _Projection:
        nq, size, ns = modes.eigenvectors.shape
        turned = np.einsum(
            "qbis,ij->qbjs", modes.eigenvectors.reshape(nq, size // 3, 3, ns), sites.rotation
        )
        scale = np.sqrt(model.force_constants.masses / sites.atoms.shape[1])
        phases = np.exp(-2j * np.pi * (sites.cells @ q_primitive.T)) * scale[:, None, None]
        return cls(sites.atoms, phases, turned.reshape(nq, size, ns).conj())

    def amplitudes(self, vectors: FloatArray) -> ComplexArray:
        """(f, nq, ns) of Cartesian vectors (f, n, 3) of the atoms."""
        frames, (n_sites, count) = len(vectors), self.atoms.shape
        sums = np.empty((frames, n_sites, 3, self.phases.shape[-1]), dtype=complex)
        for site, (atoms, phases) in enumerate(zip(self.atoms, self.phases, strict=True)):
            columns = np.moveaxis(vectors[:, atoms], 1, 2).reshape(-1, count)
            # Two real products: a complex one would first copy the vectors as complex.
            sums[:, site].real = (columns @ phases.real).reshape(frames, 3, -1)
            sums[:, site].imag = (columns @ phases.imag).reshape(frames, 3, -1)
        by_q = np.moveaxis(sums.reshape(frames, 3 * n_sites, -1), 2, 0)
        return np.moveaxis(by_q @ self.vectors, 0, 1)


def _amplitudes(
    trajectory: Trajectory,
    projection: _Projection,
    from_positions: bool,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> ComplexArray:
    """(nt, nq, ns) velocities of the modes in √meV."""
    nq, _, ns = projection.vectors.shape
    series = np.empty((trajectory.n_frames, nq, ns), dtype=np.complex64)
    first = None
    for start, stop in _ranges(trajectory):
        if cancel is not None:
            cancel.check()
        block = trajectory.read(start, stop)
        if from_positions:
            # From the first frame: absolute positions would cost single precision its digits.
            first = block.positions[0].astype(float) if first is None else first
            vectors: FloatArray | None = block.positions - first
        else:
            vectors = block.velocities
        if vectors is None or not np.isfinite(vectors).all():
            raise InputError(
                "frames without a finite position or velocity of every atom",
                file=trajectory.name or None,
                key=f"frames {start} to {stop - 1}",
            )
        series[start:stop] = projection.amplitudes(np.asarray(vectors, dtype=float))
        if progress is not None:
            progress(stop, trajectory.n_frames, "frames")
    if from_positions:
        series = (series[2:] - series[:-2]) / np.float32(2 * trajectory.dt_fs / 1000)
    series *= np.float32(np.sqrt(AMU_A2_PER_PS2_MEV))
    return series


def _ranges(trajectory: Trajectory) -> list[tuple[int, int]]:
    frames = int(np.clip(_BLOCK_BYTES / (24 * trajectory.n_atoms), 1, _MOST_FRAMES))
    end = trajectory.n_frames
    return [(start, min(start + frames, end)) for start in range(0, end, frames)]


def _spectra(series: ComplexArray, frames: int, dt_fs: float) -> tuple[FloatArray, FloatArray]:
    """Energies (ne,) and spectra (nq, ns, ne), the bins of which add up to the mean of |v|²."""
    taper = window_taper("hann", frames)
    starts = segment_starts(len(series), frames)
    power = np.zeros((frames, *series.shape[1:]))
    for start in starts:
        segment = series[start : start + frames] * taper[:, None, None]
        found = np.fft.fft(segment, axis=0)
        power += found.real**2 + found.imag**2
    step = THZ_IN_MEV / (frames * dt_fs / 1000)
    power /= frames * (taper**2).sum() * len(starts) * step
    half = frames // 2
    both = power[: half + 1].copy()
    both[1:] += power[:half:-1]
    return step * np.arange(half + 1), np.moveaxis(both, 0, -1)


def _kinetic(
    series: ComplexArray,
    energy: FloatArray,
    spectrum: FloatArray,
    group: IntArray,
    from_positions: bool,
    dt_fs: float,
) -> FloatArray:
    if from_positions:
        kept = energy <= CUT * energy[-1]
        # numpy's sinc(x) is sin(πx)/(πx).
        response = np.sinc(energy[kept] * dt_fs / 1000 / HBAR_MEV_PS / np.pi) ** 2
        return np.asarray((spectrum[..., kept] / response).sum(axis=-1) * energy[1] / 2)
    squared = np.zeros(series.shape[1:])
    for frame in series:  # one at a time: no copy of the whole in double precision
        squared += frame.real.astype(float) ** 2 + frame.imag.astype(float) ** 2
    return group_means(squared / (2 * len(series)), group)


def _rigid(model: PhononModel, modes: Modes, q_primitive: FloatArray) -> BoolArray:
    """Modes at Γ that are more translation of the whole than anything else."""
    masses = model.force_constants.masses
    along = np.kron(np.sqrt(masses / masses.sum())[:, None], np.eye(3))
    part = (np.abs(np.einsum("ai,qas->qis", along, modes.eigenvectors)) ** 2).sum(axis=1)
    at_gamma = np.abs(q_primitive - np.rint(q_primitive)).max(axis=1) < _SAME_Q
    return np.asarray(at_gamma[:, None] & (part > 0.5))
