"""What Welch's method shows of a damped harmonic oscillator in thermal equilibrium, exactly.

The classical spectrum of the velocity of the oscillator of `ixs_reduce.lineshape` (energy W, FWHM
G) is S(E) ∝ E F(E) = (2/π) W G E²/((E²-W²)² + G²E²): greatest at E = W for any damping, half of it
at two energies exactly G apart. A window of finite length blurs it. The expected periodogram is
computed from the oscillator's correlation function, so that it is right for any G down to 0, with
all leakage; A. M. Sykulski et al., Biometrika 106, 251 (2019). Neighbouring bins and segments are
correlated, by how much follows from the same function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.units import HBAR_MEV_PS
from simulate.md.welch import segment_starts, window_taper

_REACH_BINS = 12  # beyond which a Hann window lets 1e-6 of the power pass
_FORGOTTEN = 1e-3  # of a correlation, from which on segments are independent
_CRITICAL = 1e-4  # √|W²-G²/4|/W below which roots count as this far apart


@dataclass(frozen=True)
class Welch:
    """How spectra were made.

    Parameters
    ----------
    n_frames, frames : int
        Of the run, and of a segment under a Hann window.
    dt_ps : float
    differences : bool
        The velocities are central differences of positions.
    """

    n_frames: int
    frames: int
    dt_ps: float
    differences: bool = False

    @cached_property
    def starts(self) -> list[int]:
        """First frame of each segment."""
        return segment_starts(self.n_frames, self.frames)

    @cached_property
    def overlap(self) -> FloatArray:
        """(frames,) autocorrelation of the window, 1 at lag 0."""
        taper = window_taper("hann", self.frames)
        long = fft.rfft(taper, 2 * self.frames)
        products = fft.irfft(long.real**2 + long.imag**2, 2 * self.frames)[: self.frames]
        return np.asarray(products / products[0])

    def correlation(self, energy_mev: float, fwhm_mev: float, count: int) -> FloatArray:
        """(count,) ⟨v(0)v(t)⟩/⟨v²⟩ of the oscillator from frame to frame.

        With the roots r of r² + G r + W² = 0 that of the velocity is Σ± ±r± e^{r± t}/(r₊-r₋), and
        that of the displacement -Σ± ±e^{r± t}/(r± (r₊-r₋)); differences of the latter give that
        of central differences.
        """
        omega, rate = energy_mev / HBAR_MEV_PS, fwhm_mev / HBAR_MEV_PS / 2
        turn = np.sqrt(complex(omega**2 - rate**2))
        if abs(turn) < _CRITICAL * omega:
            turn = complex(_CRITICAL * omega)
        roots = -rate + 1j * turn, -rate - 1j * turn
        gap = roots[0] - roots[1]
        steps = np.arange(count + 2 if self.differences else count)
        first, second = (np.exp(root * self.dt_ps * steps) for root in roots)
        if not self.differences:
            return np.asarray(((roots[0] * first - roots[1] * second) / gap).real)
        moved = ((second / roots[1] - first / roots[0]) / gap).real
        before = moved[np.abs(np.arange(count) - 2)]
        return np.asarray((2 * moved[:count] - before - moved[2:]) / (2 * self.dt_ps) ** 2)

    def decay_ps(self, energy_mev: float, fwhm_mev: float) -> float:
        """Time in which the correlation falls by e in the end, 2ħ/G unless overdamped."""
        half = fwhm_mev / 2
        # The slow root of an overdamped oscillator, written so that nothing cancels.
        slow = (
            half
            if half <= energy_mev
            else energy_mev**2 / (half + np.sqrt(half**2 - energy_mev**2))
        )
        return float(HBAR_MEV_PS / slow) if slow > 0 else float("inf")

    def expected(self, correlation: FloatArray) -> FloatArray:
        """(frames//2 + 1,) mean of |Σ w v exp(-iωt)|²/Σw² at the bins from 0."""
        lags = self.overlap * correlation[: self.frames]
        return np.asarray(2 * fft.rfft(lags).real - lags[0])

    def covariance(self, correlation: FloatArray, bins: IntArray, decay_ps: float) -> FloatArray:
        """Covariance of the averaged spectra of a complex Gaussian process at some bins.

        Parameters
        ----------
        correlation : (n_frames + 1,) array
        bins : (nb,) int array
            Consecutive.
        decay_ps : float
            In which the correlation falls by e: segments long after are independent.

        Returns
        -------
        (nb, nb) array
            Σ_ij |⟨X_i(k)X_j*(l)⟩|²/K² over the segments i, j, in the units of `expected`.
        """
        frames, number = self.frames, len(self.starts)
        ratio = -(-2 * self.n_frames // frames)
        length = ratio * frames
        # On a circle of twice the run a correlation is a sum of independent waves.
        lags = np.arange(length)
        circle = fft.fft(correlation[np.minimum(lags, length - lags).clip(max=self.n_frames)]).real
        taper = window_taper("hann", frames)
        response = fft.fft(taper, length) / np.sqrt(length * (taper**2).sum())
        waves = np.arange((bins[0] - _REACH_BINS) * ratio, (bins[-1] + _REACH_BINS) * ratio + 1)
        seen = response[(waves - bins[:, None] * ratio) % length]
        weighted = seen * circle[waves % length]
        shift = self.starts[1] - self.starts[0] if number > 1 else 0
        total = np.zeros((len(bins), len(bins)))
        for apart in range(number):
            between_ps = (apart * shift - frames) * self.dt_ps
            if np.exp(-max(between_ps, 0.0) / decay_ps) < _FORGOTTEN:
                break
            turned = weighted * np.exp(2j * np.pi * apart * shift / length * waves)
            size = np.abs(turned @ seen.conj().T) ** 2
            total += number * size if apart == 0 else (number - apart) * (size + size.T)
        return total / number**2
