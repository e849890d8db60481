"""Damped oscillators in a heat bath, sampled exactly.

du = v dt, dv = -(W² u + G v) dt + noise: over a step the state moves by expm(A Δt) and gains noise
of the covariance P - F P Fᵀ, P that of equilibrium (⟨v²⟩ = 1).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm

from tests.simulate.md.harmonic_crystal import HBAR_MEV_PS


def step_matrices(energy_mev: float, fwhm_mev: float, time_ps: float) -> tuple[np.ndarray, ...]:
    """F and P of the state (u, v)."""
    omega, rate = energy_mev / HBAR_MEV_PS, fwhm_mev / HBAR_MEV_PS
    return expm(np.array([[0, 1], [-(omega**2), -rate]]) * time_ps), np.diag([1 / omega**2, 1.0])


def oscillators(
    energy_mev: float, fwhm_mev: float, dt_ps: float, frames: int, runs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Displacements and velocities (frames, runs) of independent oscillators."""
    generator = np.random.default_rng(seed)
    move, rest = step_matrices(energy_mev, fwhm_mev, dt_ps)
    values, axes = np.linalg.eigh(rest - move @ rest @ move.T)
    kick = axes * np.sqrt(np.maximum(values, 0))
    state = np.sqrt(rest) @ generator.standard_normal((2, runs))
    series = np.empty((frames, 2, runs))
    for frame in range(frames):
        series[frame] = state
        state = move @ state + kick @ generator.standard_normal((2, runs))
    return series[:, 0], series[:, 1]


def complex_velocities(*arguments: float, runs: int, seed: int, frames: int) -> np.ndarray:
    """(frames, runs) velocities of two oscillators each as one complex number, ⟨|v|²⟩ = 1."""
    velocity = oscillators(*arguments, frames, 2 * runs, seed)[1]
    return (velocity[:, :runs] + 1j * velocity[:, runs:]) / np.sqrt(2)


def spectra(series: np.ndarray, frames: int, dt_ps: float) -> tuple[np.ndarray, float]:
    """Spectra (runs, ne) of both signs of E by half-overlapping Hann segments, and the bin."""
    shift, total = frames // 2, len(series)
    number = 1 + -(-(total - frames) // shift)
    starts = np.rint(np.linspace(0, total - frames, number)).astype(int)
    taper = np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 2
    power = np.mean(
        [
            np.abs(np.fft.fft(series[start : start + frames] * taper[:, None], axis=0)) ** 2
            for start in starts
        ],
        axis=0,
    )
    bin_mev = 2 * np.pi * HBAR_MEV_PS / (frames * dt_ps)
    power /= frames * (taper**2).sum() * bin_mev
    half = frames // 2
    both = power[: half + 1].copy()
    both[1:] += power[:half:-1]
    return both.T, bin_mev
