"""The intermediate scattering function F(Q,t): how density modes are correlated in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import fft, ifft, next_fast_len

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.density_sums import DensityModes


@dataclass(frozen=True)
class IntermediateScattering:
    """F_ab(Q,t) = Re⟨ρ_a*(Q,0) ρ_b(Q,t)⟩/N, the mean of both orders of a and b, all origins.

    Parameters
    ----------
    time_ps : (nl,) array
    partials : (ns, ns, nq, nl) array
        Without weights, N the number of all atoms.
    species : tuple of str
    """

    time_ps: FloatArray
    partials: FloatArray
    species: tuple[str, ...]

    @property
    def total(self) -> FloatArray:
        """(nq, nl) sum of the partials: every atom of weight 1."""
        return np.asarray(self.partials.sum(axis=(0, 1)))


def intermediate_scattering(modes: DensityModes, longest_ps: float) -> IntermediateScattering:
    """F(Q,t) up to a time, by FFT: every frame is an origin.

    Raises
    ------
    InputError
        The time is not positive or longer than the trajectory.
    """
    frames = modes.n_frames
    last = round(longest_ps * 1000 / modes.dt_fs) if np.isfinite(longest_ps) else -1
    if not 0 < last < frames:
        raise InputError(
            "F(Q,t) does not reach this time",
            file=modes.name or None,
            key="longest_ps",
            found=longest_ps,
            expected=f"above 0 and up to {(frames - 1) * modes.dt_fs / 1000:g} ps",
        )
    lags = last + 1
    size = next_fast_len(frames + last)
    origins = frames - np.arange(lags)
    ns, nq, _ = modes.rho.shape
    partials = np.empty((ns, ns, nq, lags))
    for q in range(nq):
        spectrum = fft(modes.rho[:, q].astype(np.complex128), size, axis=1)
        for a in range(ns):
            for b in range(a, ns):
                # The real part of the correlation, both orders together, is even in t.
                both = ifft((spectrum[a].conj() * spectrum[b]).real)[:lags].real
                partials[a, b, q] = partials[b, a, q] = both / origins
    partials /= modes.n_atoms
    return IntermediateScattering(np.arange(lags) * modes.dt_fs / 1000, partials, modes.species)
