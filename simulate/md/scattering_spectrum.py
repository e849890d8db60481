"""The dynamic structure factor S(Q,E) of a simulation, from its density modes.

Welch's method: the modes are cut into segments of T that overlap by half or more, the mean of
each segment is taken out (its square is the elastic part), what remains is windowed and its
power spectrum averaged over the segments; so S is never negative. P. D. Welch, IEEE Trans. Audio
Electroacoust. 15 (1967) 70. In equilibrium the classical S(Q,E) is even in E: both sides are
averaged.

Quantum corrections make detailed balance, S(Q,-E) = e^{-x} S(Q,E) with x = E/kT, out of the even
classical S. The harmonic one, x/(1-e^{-x}), is exact for one-phonon scattering of harmonic
crystals and keeps the first moment at the recoil energy; J. Borysow, M. Moraldi, L. Frommhold,
Mol. Phys. 56 (1985) 913. They contain the Bose factor, which must not be applied again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.scattering_factors import TableName, form_factors, parse_ion
from ixs_core.units import THZ_IN_MEV
from ixs_reduce.lineshape import reduced_bose_factor, thermal_energy
from simulate.md.density_sums import DensityModes
from simulate.md.welch import (
    FWHM_BINS,
    Window,
    segment_frames,
    segment_starts,
    window_taper,
)

Quantum = Literal["harmonic", "schofield", "standard", "none"]
"""x/(1-e^{-x}); e^{x/2}; 2/(1+e^{-x}); 1."""

Weights = Literal["xray", "neutron"] | Mapping[str, float]
"""f0 at |Q|, coherent scattering lengths in fm, or a number for every element."""


@dataclass(frozen=True)
class DynamicStructureFactor:
    """S(Q,E) per atom, E > 0 energy loss.

    Parameters
    ----------
    energy_mev : (ne,) array
        Ascending, symmetrical about 0, in steps of `bin_mev`.
    inelastic : (nq, ne) array
        In units²/meV per atom, units those of the weights (e for x-rays, fm for neutrons).
    elastic : (nq,) array
        Area of the elastic line, units² per atom.
    static : (nq,) array
        S(Q): before the quantum correction, ∫ inelastic dE + elastic.
    partials : (ns, ns, nq, ne) array
        Classical S_ab without weights, 1/meV per atom of the whole: Re⟨ρ_a* ρ_b⟩/N.
    species : tuple of str
    q_hkl : (nq, 3) array
        Commensurate Q in r.l.u.; their means after `averaged`.
    q_abs : (nq,) array
        Å⁻¹.
    distance : (nq,) array
        |ΔQ| in Å⁻¹ from the requested Q (its mean after `averaged`).
    owner : (nq,) int array
        Row of the requested Q.
    requested_hkl : (nr, 3) array
    segment_ps : float
        T, of an odd number of frames.
    segments : int
        How many were averaged.
    window, quantum, weights : str
    temperature_k : float or None
        That of the correction.
    notes : tuple of str
    """

    energy_mev: FloatArray
    inelastic: FloatArray
    elastic: FloatArray
    static: FloatArray
    partials: FloatArray
    species: tuple[str, ...]
    q_hkl: FloatArray
    q_abs: FloatArray
    distance: FloatArray
    owner: IntArray
    requested_hkl: FloatArray
    segment_ps: float
    segments: int
    window: Window
    quantum: Quantum
    weights: str
    temperature_k: float | None
    notes: tuple[str, ...] = ()

    @property
    def bin_mev(self) -> float:
        """Step of the energies, h/T."""
        return THZ_IN_MEV / self.segment_ps

    @property
    def unit(self) -> str:
        """What S(Q,E) per atom counts in."""
        return {"xray": "e²/meV", "neutron": "fm²/meV"}.get(self.weights, "weights²/meV")

    @property
    def fwhm_mev(self) -> float:
        """FWHM of the simulation's own resolution."""
        return FWHM_BINS[self.window] * self.bin_mev

    @property
    def relative_error(self) -> float:
        """Standard error of S over S at one Q and bin, from the number of segments.

        1/√(2K/1.056): both sides of E count, and K overlapping Hann segments are worth K/1.056
        (Welch's eq. for half overlap). Neighbouring bins are correlated.
        """
        return float(np.sqrt(1.056 / (2 * self.segments)))

    def averaged(self) -> DynamicStructureFactor:
        """Mean over the commensurate Q of each requested one: the analyzers' acceptance."""
        rows = range(len(self.requested_hkl))
        members = [np.flatnonzero(self.owner == row) for row in rows]

        def mean(values: FloatArray, axis: int = 0) -> FloatArray:
            return np.stack([values.take(m, axis).mean(axis) for m in members], axis)

        return replace(
            self,
            inelastic=mean(self.inelastic),
            elastic=mean(self.elastic),
            static=mean(self.static),
            partials=mean(self.partials, 2),
            q_hkl=mean(self.q_hkl),
            q_abs=mean(self.q_abs),
            distance=mean(self.distance),
            owner=np.arange(len(self.requested_hkl)),
        )


def dynamic_structure_factor(
    modes: DensityModes,
    segment_ps: float,
    window: Window = "hann",
    quantum: Quantum = "harmonic",
    weights: Weights | None = None,
    temperature_k: float | None = None,
    *,
    ions: Mapping[str, str] | None = None,
    table: TableName = "waasmaier-kirfel",
) -> DynamicStructureFactor:
    """S(Q,E) = 1/N Σ_ab w_a w_b S_ab(Q,E) with its elastic part apart.

    Parameters
    ----------
    modes : DensityModes
    segment_ps : float
        T: the energies are h/T apart, the resolution with a Hann window is 1.44 h/T (30 ps:
        0.138 and 0.20 meV). Cut to an odd number of frames, so that E = 0 is the middle.
    window : "hann" or "rectangular"
    quantum : "harmonic", "schofield", "standard" or "none"
        The correction of the classical S(Q,E); needs the temperature.
    weights : "xray", "neutron" or mapping, optional
        f0 at |Q|, coherent scattering lengths, or a number for every element; without it that
        of the modes.
    temperature_k : float, optional
        Without it that of the trajectory.
    ions : mapping, optional
        Element -> ion for the form factors ({"Cs": "Cs1+"}); neutral atoms otherwise.
    table : str
        Whose f0.

    Raises
    ------
    InputError
        Fewer frames than a segment, a segment of fewer than 9 frames, an unknown window,
        correction or weight, no temperature, a value that is not finite.
    """
    _require_choice("window", window, get_args(Window))
    _require_choice("quantum", quantum, get_args(Quantum))
    frames = segment_frames(modes.n_frames, modes.dt_fs, segment_ps, modes.name)
    factors, units = _weights(modes, modes.weights if weights is None else weights, ions, table)
    if not np.isfinite(modes.rho).all():
        raise InputError("the density modes hold values that are not finite", file=modes.name)
    temperature = modes.temperature_k if temperature_k is None else temperature_k
    taper = window_taper(window, frames)
    starts = segment_starts(modes.n_frames, frames)
    step = THZ_IN_MEV / (frames * modes.dt_fs / 1000)
    energy = step * np.arange(-(frames // 2), frames // 2 + 1)
    correction = _correction(quantum, energy, temperature)
    classical, elastic, partials = _spectra(modes, factors, taper, starts)
    return DynamicStructureFactor(
        energy_mev=energy,
        inelastic=classical / step * correction,
        elastic=elastic,
        static=classical.sum(axis=1) + elastic,
        partials=partials / step,
        species=modes.species,
        q_hkl=modes.q.q_hkl,
        q_abs=modes.q.q_abs,
        distance=modes.q.distance,
        owner=modes.q.owner,
        requested_hkl=modes.q.requested_hkl,
        segment_ps=frames * modes.dt_fs / 1000,
        segments=len(starts),
        window=window,
        quantum=quantum,
        weights=units,
        temperature_k=temperature,
        notes=modes.notes,
    )


def quantum_correction(
    quantum: Quantum, energy_mev: FloatArray, temperature_k: float
) -> FloatArray:
    """The factor from the classical to the quantum S at energies in meV, 1 at E = 0."""
    x = energy_mev / thermal_energy(temperature_k)
    if quantum == "harmonic":
        return reduced_bose_factor(energy_mev, temperature_k)
    if quantum == "schofield":
        return np.asarray(np.exp(np.clip(x / 2, -300, 300)))
    if quantum == "standard":
        # 2/(1+e^{-x}) = tanh(x/2) + 1, which does not overflow.
        return np.asarray(np.tanh(x / 2) + 1)
    return np.ones_like(x)


def _spectra(
    modes: DensityModes, factors: FloatArray, taper: FloatArray, starts: list[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Spectra (nq, ne) and elastic areas of the whole, and of pairs; integrals over the bins."""
    ns, nq, _ = modes.rho.shape
    frames = len(taper)
    power = np.zeros((nq, frames))
    elastic = np.zeros(nq)
    pairs = np.zeros((ns, ns, nq, frames))
    # Parseval: Σ_k |FFT(w ρ)|² = n Σ w²|ρ|², so that the bins add up to the mean of |ρ|².
    scale = 1 / (frames * (taper**2).sum() * modes.n_atoms * len(starts))
    for start in starts:
        segment = modes.rho[:, :, start : start + frames].astype(np.complex128)
        mean = segment @ taper**2 / (taper**2).sum()
        spectrum = np.fft.fft((segment - mean[..., None]) * taper, axis=2)
        whole = np.einsum("qs,sqk->qk", factors, spectrum)
        power += _squared(whole)
        elastic += _squared(np.einsum("qs,sq->q", factors, mean))
        for a in range(ns):
            for b in range(a, ns):
                pairs[a, b] += (spectrum[a].conj() * spectrum[b]).real
    for a in range(ns):
        for b in range(a):
            pairs[a, b] = pairs[b, a]
    elastic /= modes.n_atoms * len(starts)
    return _even(power) * scale, elastic, _even(pairs) * scale


def _squared(values: ComplexArray) -> FloatArray:
    return np.asarray(values.real**2 + values.imag**2)


def _even(spectrum: FloatArray) -> FloatArray:
    """Ascending energies, the mean of both sides; the number of bins is odd."""
    shifted = np.fft.fftshift(spectrum, axes=-1)
    return np.asarray((shifted + shifted[..., ::-1]) / 2)


def _correction(quantum: Quantum, energy: FloatArray, temperature_k: float | None) -> FloatArray:
    if quantum == "none":
        return np.ones_like(energy)
    if temperature_k is None:
        raise InputError(
            "the temperature is not known",
            key="temperature_k",
            expected="kelvin, for the quantum correction",
            hint='give temperature_k, or choose quantum="none"',
        )
    return quantum_correction(quantum, energy, temperature_k)


def _weights(
    modes: DensityModes,
    weights: Weights | str,
    ions: Mapping[str, str] | None,
    table: TableName,
) -> tuple[FloatArray, str]:
    """(nq, ns) weights, and their name."""
    nq = len(modes.q)
    if isinstance(weights, Mapping):
        missing = [element for element in modes.species if element not in weights]
        if missing:
            raise InputError(
                "an element has no weight",
                key="weights",
                found=", ".join(weights),
                expected=", ".join(modes.species),
            )
        given = np.array([float(weights[element]) for element in modes.species])
        return np.broadcast_to(given, (nq, len(given))), "given"
    _require_choice("weights", weights, get_args(get_args(Weights)[0]))
    if weights == "neutron":
        return np.broadcast_to(_lengths(modes.species), (nq, len(modes.species))), "neutron"
    names = [(ions or {}).get(element, element) for element in modes.species]
    return form_factors(names, modes.q.q_abs, table).real, "xray"


def _lengths(species: tuple[str, ...]) -> FloatArray:
    """Coherent scattering lengths in fm of the natural elements."""
    import periodictable

    lengths = [
        getattr(periodictable.elements.symbol(parse_ion(element)[0]).neutron, "b_c", None)
        for element in species
    ]
    unknown = [element for element, b in zip(species, lengths, strict=True) if b is None]
    if unknown:
        raise InputError(
            "no scattering length is tabulated",
            key="weights",
            found=", ".join(unknown),
            hint="give the weights as a mapping",
        )
    return np.array(lengths, dtype=float)


def _require_choice(key: str, found: object, choices: tuple[str, ...]) -> None:
    if found not in choices:
        raise InputError(f"unknown {key}", key=key, found=found, expected=" or ".join(choices))
