"""Spectra of very many points: curves from fewer nodes, bursts without a loop over points."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import binom

from ixs_reduce.bursts import burst_points
from ixs_reduce.fit_curves import CurvePlan
from ixs_reduce.resolution import Resolution
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

PARTS = (("gaussian", 0.7, 0.1, 1.5), ("lorentzian", 0.3, 0.0, 1.2))
R = Resolution.from_components(PARTS)
_U = np.linspace(-5, 5, 101)
TABLE = Resolution.from_table(_U, np.exp(-(_U**2)) + 0.1 * np.exp(-((_U - 1) ** 2)))
VALUES = {
    "mode1_energy": 8.0,
    "mode1_fwhm": 0.3,
    "mode1_amplitude": 20.0,
    "elastic": 500.0,
    "background_c0": 2.0,
    "background_c1": 0.03,
    "zero": 0.21,
}


@pytest.mark.parametrize("resolution", [R, TABLE], ids=["components", "table"])
def test_curves_over_many_points_are_the_model_at_the_points(resolution: Resolution) -> None:
    energy = np.linspace(-15, 25, 50_000)
    model = SpectrumModel(resolution, 300.0, modes=1)
    exposure = np.where(np.arange(energy.size) % 100, 2.0, 0.0)
    rate = 0.5 + 0.01 * np.abs(energy)
    counts = np.random.default_rng(0).poisson(5.0, energy.size).astype(float)
    spectrum = Spectrum(energy, counts, exposure, background_rate=rate)
    plan = CurvePlan.of(spectrum, resolution)
    assert plan.nodes.size < 0.5 * energy.size
    shown = plan.curves(model, model.vector(VALUES))
    some = np.arange(3, energy.size, 101)
    exact = model.evaluate(VALUES, energy[some])
    expected = exposure[some] * (exact + rate[some])
    seen = expected > 0
    np.testing.assert_allclose(shown.expected_counts[some][seen], expected[seen], rtol=2e-4)
    places = np.cumsum(exposure > 0)[some] - 1  # among the drawn points
    np.testing.assert_allclose(shown.total_at_points[places][seen], expected[seen], rtol=2e-4)
    assert set(shown.components_at_points) == {"mode1", "elastic", "background", "measured"}


def test_few_points_have_a_node_each() -> None:
    energy = np.linspace(-15, 25, 401)
    spectrum = Spectrum(energy, np.ones(401), np.ones(401))
    plan = CurvePlan.of(spectrum, R)
    assert plan.nodes is spectrum.energy_mev
    model = SpectrumModel(R, 300.0, modes=1)
    expected = plan.curves(model, model.vector(VALUES)).expected_counts
    np.testing.assert_allclose(expected, model.evaluate(VALUES, energy), rtol=1e-13)


def _one_by_one(spectrum: Spectrum, resolution: Resolution) -> set[int]:
    """Bursts as the docstring of `burst_points` has them, run by run."""
    energy, counts, exposure = spectrum.energy_mev, spectrum.counts, spectrum.exposure
    low, high = resolution.half_height_points_mev
    found: set[int] = set()
    for length in (1, 2):
        for first in range(1, counts.size - length):
            run, sides = np.arange(first, first + length), [first - 1, first + length]
            if not found.isdisjoint(run.tolist()) or not exposure[run].mean() > 0:
                continue
            ratios = []
            for place in energy[run].mean() - np.linspace(low, high, 21):
                inside = resolution(energy[run] - place).sum()
                if inside > 0:
                    ratios.append(resolution(energy[sides] - place).sum() / inside)
            ratio = 0.8 * min(ratios, default=0.0)
            ratio *= exposure[sides].mean() / exposure[run].mean()
            inside, outside = counts[run].sum(), counts[sides].sum()
            if inside <= 4 or outside >= ratio * inside:
                continue
            if binom.sf(inside - 1, inside + outside, 1 / (1 + ratio)) < 1e-4:
                found.update(run.tolist())
    return found


@pytest.mark.parametrize("seed", range(12))
def test_bursts_are_those_found_run_by_run(seed: int) -> None:
    random = np.random.default_rng(seed)
    energy = np.sort(random.uniform(-15, 30, int(random.integers(0, 150))))
    counts = random.poisson(random.choice([1.0, 20.0, 300.0]), energy.size).astype(float)
    for _ in range(4 if energy.size else 0):
        place = int(random.integers(energy.size))
        counts[place : place + int(random.integers(1, 4))] += random.choice([10.0, 60.0, 900.0])
    exposure = random.choice([0.0, 1.0, 2.0], energy.size, p=[0.1, 0.8, 0.1])
    spectrum = Spectrum(energy, counts, exposure)
    narrow = Resolution.from_components([("gaussian", 1.0, 0.0, 0.05)])
    for resolution in (R, TABLE, narrow):
        assert set(burst_points(spectrum, resolution)) == _one_by_one(spectrum, resolution)


def test_a_burst_in_any_block_of_a_long_spectrum_is_found() -> None:
    energy = np.linspace(-15, 25, 50_000)
    counts = np.random.default_rng(1).poisson(3.0, energy.size).astype(float)
    places = (1, 19_999, 20_000, 20_001 + 5, 40_001, 49_998)
    counts[list(places)] += 200.0
    started = time.process_time()
    found = burst_points(Spectrum(energy, counts, np.ones_like(energy)), R)
    assert set(places) <= set(found)
    assert time.process_time() - started < 20  # a loop over the points takes some minutes
