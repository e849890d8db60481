"""Bursts are told from lines by the resolution: nothing real is sharper than R."""

from __future__ import annotations

import numpy as np

from ixs_reduce.bursts import burst_points, without_bursts
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum

R = Resolution.from_components([("gaussian", 0.7, 0.0, 1.5), ("lorentzian", 0.3, 0.0, 1.5)])
ENERGY = np.arange(-15, 30.1, 0.5)


def _spectrum(expected: np.ndarray, seed: int) -> Spectrum:
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Spectrum(ENERGY, counts, np.ones_like(ENERGY), analyzer="Ana4")


def _lines(peak: float) -> np.ndarray:
    return peak * (R(ENERGY - 2.2) + R(ENERGY + 6.1)) / float(R(0.0)) + 4.0


def test_lines_of_any_strength_raise_no_alarm() -> None:
    """600 spectra with lines as sharp as R itself, 10 to 10,000 counts: at most one alarm."""
    alarms = sum(
        bool(burst_points(_spectrum(_lines(peak), seed), R))
        for peak in (10, 30, 100, 1000, 10_000, 0)
        for seed in range(100)
    )
    assert alarms <= 1


def test_single_and_double_bursts_are_found() -> None:
    for seed in range(20):
        counts = _spectrum(_lines(50), seed).counts.copy()
        counts[5] += 40
        counts[60:62] += 45
        spectrum = Spectrum(ENERGY, counts, np.ones_like(ENERGY), analyzer="Ana4")
        assert {5, 60, 61} <= set(burst_points(spectrum, R))


def test_what_is_left_out_is_said() -> None:
    counts = _spectrum(_lines(50), 1).counts.copy()
    counts[5] += 60
    spectrum = Spectrum(ENERGY, counts, np.ones_like(ENERGY), analyzer="Ana4")
    clean = without_bursts(spectrum, R)
    assert clean.counts.size == ENERGY.size - 1
    (flag,) = clean.flags
    assert flag.code == "burst-left-out"
    assert flag.points == (5,)
    assert "-12.5 meV" in flag.message


def test_a_resolution_narrower_than_the_step_and_dark_points_raise_nothing() -> None:
    """With R between the points a single high point may be a line; without beam no point is."""
    counts = _spectrum(_lines(50), 0).counts
    exposure = np.full_like(ENERGY, 1e12)
    exposure[20:23] = 0.0
    for width in (0.1, 0.01, 1e-4):
        sharp = Resolution.from_components([("gaussian", 1.0, 0.0, width)])
        assert burst_points(Spectrum(ENERGY, counts, exposure), sharp) == ()
