"""Damped oscillators seen by Welch's method: exact theory against exact samples."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_reduce.lineshape import dho, reduced_bose_factor
from simulate.md.oscillator_fit import OscillatorFit, fit_oscillator
from simulate.md.oscillator_spectrum import Welch
from tests.simulate.md.damped_oscillator import (
    complex_velocities,
    oscillators,
    spectra,
    step_matrices,
)
from tests.simulate.md.harmonic_crystal import BOLTZMANN_MEV_K

DT_PS = 0.02
OSCILLATORS = [(5.0, 0.8), (5.0, 0.05), (4.0, 10.0), (5.0, 10.0)]


@pytest.mark.parametrize(("energy", "fwhm"), OSCILLATORS)
def test_correlation_is_that_of_the_equation_of_motion(energy: float, fwhm: float) -> None:
    """Critical damping (5, 10) included; ⟨x(t) x(0)ᵀ⟩ = expm(A t) P."""
    states = []
    for step in range(-2, 42):
        move, rest = step_matrices(energy, fwhm, abs(step) * DT_PS)
        states.append(move @ rest)
    displacement, velocity = np.array([(s[0, 0], s[1, 1]) for s in states]).T
    plain = Welch(800, 267, DT_PS).correlation(energy, fwhm, 40)
    np.testing.assert_allclose(plain, velocity[2:42], atol=1e-6)
    differences = (2 * displacement[2:42] - displacement[:40] - displacement[4:]) / (2 * DT_PS) ** 2
    found = Welch(800, 267, DT_PS, differences=True).correlation(energy, fwhm, 40)
    np.testing.assert_allclose(found, differences, atol=1e-6)


@pytest.mark.parametrize(("energy", "fwhm"), [(5.0, 1.0), (4.0, 10.0)])
def test_a_long_segment_shows_the_line_shape_of_the_experiment(energy: float, fwhm: float) -> None:
    """E² times the classical limit of `dho`, which is its shape without the Bose factor."""
    welch = Welch(40001, 40001, 0.01)
    seen = welch.expected(welch.correlation(energy, fwhm, 40001))
    bin_mev = 4.135667696 / 400.01
    spectrum = 2 * seen / (40001 * bin_mev)
    at = np.arange(40001 // 2 + 1) * bin_mev
    near = (at > 2) & (at < 12)  # at 413 meV the sampling repeats it
    kt = BOLTZMANN_MEV_K * 300
    classical = dho(at[near], energy, fwhm, 300) / reduced_bose_factor(at[near], 300)
    np.testing.assert_allclose(spectrum[near], at[near] ** 2 * classical / (kt * energy), rtol=5e-3)
    above = at[spectrum > spectrum.max() / 2]
    assert at[np.argmax(spectrum)] == pytest.approx(energy, abs=bin_mev)
    assert above[-1] - above[0] == pytest.approx(fwhm, abs=2 * bin_mev)


@pytest.mark.parametrize(("energy", "fwhm"), OSCILLATORS)
def test_mean_and_covariance_of_the_spectra(energy: float, fwhm: float) -> None:
    runs, welch = 3000, Welch(800, 267, DT_PS)
    series = complex_velocities(energy, fwhm, DT_PS, frames=800, runs=runs, seed=1)
    found, bin_mev = spectra(series, 267, DT_PS)
    bins = np.arange(2, 40)
    scale = 2 / (267 * bin_mev)
    correlation = welch.correlation(energy, fwhm, 801)
    expected = scale * welch.expected(correlation)[bins]
    error = found[:, bins].std(axis=0) / np.sqrt(runs)
    assert (np.abs(found[:, bins].mean(axis=0) - expected) < 4 * error).all()
    # Both signs of E are independent and averaged.
    covariance = welch.covariance(correlation, bins, welch.decay_ps(energy, fwhm)) * scale**2 / 2
    sampled = np.cov(found[:, bins].T)
    np.testing.assert_allclose(covariance, sampled, atol=0.12 * sampled.max())
    np.testing.assert_allclose(np.diag(covariance), np.diag(sampled), rtol=0.15)


def fits(
    energy: float, fwhm: float, frames: int, real: bool = False, runs: int = 100
) -> list[OscillatorFit]:
    """Fits to independent runs of unit power."""
    if real:
        series = oscillators(energy, fwhm, DT_PS, frames, runs, seed=3)[1].astype(complex)
    else:
        series = complex_velocities(energy, fwhm, DT_PS, frames=frames, runs=runs, seed=3)
    found, bin_mev = spectra(series, 401, DT_PS)
    welch = Welch(frames, 401, DT_PS)
    lines = [fit_oscillator(one, welch, bin_mev, 1 if real else 2) for one in found]
    return [line for line in lines if line is not None]


def numbers(found: list[OscillatorFit], name: str) -> np.ndarray:
    return np.array([getattr(fit, name) for fit in found])


def covered(found: list[OscillatorFit], energy: float, fwhm: float) -> tuple[int, int]:
    """How many 95 % intervals of the energy, and intervals or limits of the width, are right."""
    off = np.abs(numbers(found, "energy_mev") - energy) < 1.96 * numbers(found, "energy_err")
    inside = np.abs(numbers(found, "fwhm_mev") - fwhm) < 1.96 * numbers(found, "fwhm_err")
    upper = numbers(found, "fwhm_upper")
    return int(off.sum()), int(np.where(np.isnan(upper), inside, upper > fwhm).sum())


def test_errors_are_honest() -> None:
    """FWHM 0.8 meV seen with 0.74 meV in runs of 30 ps."""
    found = fits(5.0, 0.8, 1500, runs=50)
    assert min(covered(found, 5.0, 0.8)) >= 43
    width, error = numbers(found, "fwhm_mev"), numbers(found, "fwhm_err")
    assert width.mean() == pytest.approx(0.8, abs=3 * width.std() / np.sqrt(50))
    assert error.mean() == pytest.approx(width.std(), rel=0.2)
    assert numbers(found, "misfit").mean() == pytest.approx(1, abs=0.15)
    assert numbers(found, "power_mev").mean() == pytest.approx(1, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("energy", "fwhm", "frames", "real"),
    [
        (5.0, 0.8, 800, True),
        (5.0, 0.8, 800, False),
        (5.0, 0.8, 1500, False),
        (5.0, 0.2, 1500, False),
        (5.0, 0.1, 800, True),
        (5.0, 0.02, 800, False),
        (5.0, 0.005, 3000, True),
        (12.0, 3.0, 800, False),
        (4.0, 10.0, 800, False),
        (4.0, 10.0, 3000, False),
    ],
)
def test_errors_are_honest_from_narrow_to_overdamped(
    energy: float, fwhm: float, frames: int, real: bool
) -> None:
    """Widths from 1/150 of the resolution to 14 times it, short runs and long ones."""
    found = fits(energy, fwhm, frames, real)
    assert min(covered(found, energy, fwhm)) >= 88
    energies = numbers(found, "energy_mev")
    assert np.median(energies) == pytest.approx(energy, abs=4 * energies.std() / 10)


def test_narrow_lines_get_limits() -> None:
    """Of a line 1/40 of the resolution wide the limit says so, within an order of magnitude."""
    found = fits(5.0, 0.02, 800, runs=25)
    upper = numbers(found, "fwhm_upper")
    assert np.isnan(upper).sum() <= 2
    assert (upper[~np.isnan(upper)] > 0.02).mean() > 0.9
    assert np.nanmedian(upper) < 0.2


def test_overdamped_is_said() -> None:
    found = fits(4.0, 10.0, 3000, runs=10)
    assert all(fit.overdamped for fit in found)
    assert not any(fit.overdamped for fit in fits(5.0, 0.8, 1500, runs=10))


def test_a_floor_is_taken_off() -> None:
    """White noise of a twentieth of the power per bin width does not widen the line."""
    frames, runs = 3000, 30
    series = complex_velocities(5.0, 0.8, DT_PS, frames=frames, runs=runs, seed=4)
    noise = np.random.default_rng(5).normal(scale=np.sqrt(0.4), size=(2, frames, runs))
    found, bin_mev = spectra(series + noise[0] + 1j * noise[1], 401, DT_PS)
    lines = [fit_oscillator(one, Welch(frames, 401, DT_PS), bin_mev) for one in found]
    width = np.array([line.fwhm_mev for line in lines if line is not None])
    assert width.mean() == pytest.approx(0.8, abs=3 * width.std() / np.sqrt(runs) + 0.02)


def test_no_line_no_fit() -> None:
    welch = Welch(100, 41, DT_PS)
    assert fit_oscillator(np.zeros(21), welch, 1.0) is None
    assert fit_oscillator(np.ones(5), Welch(100, 9, DT_PS), 1.0) is None
