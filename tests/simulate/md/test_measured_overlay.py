"""Simulated spectra through resolutions known in closed form, and scales found in noise."""

from __future__ import annotations

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import THZ_IN_MEV
from ixs_reduce.convolution import convolved_dho
from ixs_reduce.lineshape import dho
from ixs_reduce.resolution import Resolution
from simulate.md.measured_overlay import overlay_spectrum, through_resolution
from simulate.md.scattering_spectrum import DynamicStructureFactor

KELVIN = 300.0
PSEUDO_VOIGT = Resolution.from_components([("gaussian", 0.7, 0, 1.4), ("lorentzian", 0.3, 0, 1.2)])
ENERGY = np.arange(-25.0, 25.1, 0.5)


def simulated(bin_mev: float = 0.138, elastic: float = 2.0) -> DynamicStructureFactor:
    """Two damped oscillators on the bins of a simulation."""
    half = int(100 / bin_mev)
    energy = bin_mev * np.arange(-half, half + 1)
    shape = sum(
        dho(energy + 1e-9, mode, fwhm, KELVIN, area)
        for mode, fwhm, area in ((8.0, 1.2, 5.0), (14.0, 2.5, 3.0))
    )
    one = np.ones(1)
    return DynamicStructureFactor(
        energy_mev=energy,
        inelastic=np.asarray(shape)[None],
        elastic=elastic * one,
        static=one,
        partials=np.ones((1, 1, 1, len(energy))),
        species=("I",),
        q_hkl=np.zeros((1, 3)),
        q_abs=one,
        distance=0 * one,
        owner=np.zeros(1, int),
        requested_hkl=np.zeros((1, 3)),
        segment_ps=THZ_IN_MEV / bin_mev,
        segments=9,
        window="hann",
        quantum="harmonic",
        weights="xray",
        temperature_k=KELVIN,
    )


@pytest.mark.parametrize("bin_mev", [0.05, 0.138])
def test_oscillators_through_a_resolution(bin_mev: float) -> None:
    """Against the closed form of the fits."""
    found = through_resolution(simulated(bin_mev), 0, PSEUDO_VOIGT, ENERGY)
    exact = sum(
        convolved_dho(ENERGY, mode, fwhm, KELVIN, PSEUDO_VOIGT, amplitude=area)
        for mode, fwhm, area in ((8.0, 1.2, 5.0), (14.0, 2.5, 3.0))
    )
    assert np.abs(found.inelastic - exact).max() < 0.004 * np.max(exact)
    assert np.allclose(found.elastic, 2.0 * PSEUDO_VOIGT(ENERGY))


def test_the_area_stays() -> None:
    narrow = Resolution.from_components([("gaussian", 1, 0.4, 0.3)])
    energy = np.arange(-90, 90, 0.02)
    found = through_resolution(simulated(0.4), 0, narrow, energy)
    area = simulated(0.4).inelastic.sum() * 0.4
    assert found.inelastic.sum() * 0.02 == pytest.approx(area, rel=2e-3)
    assert found.elastic.sum() * 0.02 == pytest.approx(2.0, rel=1e-6)


def noisy(seed: int, elastic_area: float) -> tuple[np.ndarray, np.ndarray]:
    exposure = np.linspace(0.8, 1.2, ENERGY.size)
    through = through_resolution(simulated(), 0, PSEUDO_VOIGT, ENERGY - 0.3)
    rate = 40.0 * through.inelastic + elastic_area * PSEUDO_VOIGT(ENERGY - 0.3) + 1.5
    return np.random.default_rng(seed).poisson(exposure * rate).astype(float), exposure


def test_scale_and_chi2_of_simulated_counts() -> None:
    pulls, chi2, areas = [], [], []
    for seed in range(100):
        counts, exposure = noisy(seed, 300.0)
        found = overlay_spectrum(
            ENERGY, counts, exposure, simulated(), 0, PSEUDO_VOIGT, zero_mev=0.3
        )
        pulls.append((found.scale - 40.0) / found.scale_err)
        chi2.append(found.reduced_chi2)
        areas.append(found.elastic_area)
        # Where the likelihood is largest the total is that of the data.
        assert found.expected.sum() == pytest.approx(counts.sum(), rel=1e-6)
        assert np.allclose(found.expected, found.inelastic + found.elastic + found.background)
    assert abs(np.mean(pulls)) < 0.35
    assert 0.8 < np.std(pulls) < 1.2
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.05)
    assert np.mean(areas) == pytest.approx(300.0, rel=0.02)


def test_the_simulated_elastic_line_scales_along() -> None:
    counts, exposure = noisy(1, 40.0 * 2.0)
    found = overlay_spectrum(
        ENERGY, counts, exposure, simulated(), 0, PSEUDO_VOIGT, zero_mev=0.3, elastic="simulated"
    )
    assert abs(found.scale - 40.0) < 4 * found.scale_err
    assert found.elastic.sum() / found.inelastic.sum() == pytest.approx(
        2.0 / (simulated().inelastic.sum() * 0.138), rel=0.1
    )


def test_a_wrong_simulation_has_a_large_chi2() -> None:
    counts, exposure = noisy(2, 300.0)
    found = overlay_spectrum(ENERGY, counts, exposure, simulated(), 0, PSEUDO_VOIGT, zero_mev=2.0)
    assert found.reduced_chi2 > 3


def test_notes() -> None:
    exposure = np.ones(ENERGY.size)
    coarse = simulated(0.8)
    found = overlay_spectrum(ENERGY, 0 * exposure, exposure, coarse, 0, PSEUDO_VOIGT)
    assert found.scale == 0
    assert "own resolution" in found.notes[0]
    assert "scale is zero" in found.notes[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"energy_mev": ENERGY * 9}, "beyond the energies"),
        ({"counts": np.ones(3)}, "differ in length"),
        ({"counts": np.full(ENERGY.size, np.nan)}, "not finite"),
        ({"counts": np.full(ENERGY.size, -1.0)}, "negative"),
        ({"elastic": "tied"}, "unknown treatment"),
        ({"energy_mev": [1, 2], "counts": [1, 2], "exposure": [1, 1]}, "too few points"),
        ({"exposure": np.zeros(ENERGY.size)}, "any exposure"),
    ],
)
def test_errors(change: dict, message: str) -> None:
    one = np.ones(ENERGY.size)
    given = {"energy_mev": ENERGY, "counts": one, "exposure": one} | change
    with pytest.raises(InputError, match=message):
        overlay_spectrum(simulated=simulated(), row=0, resolution=PSEUDO_VOIGT, **given)
