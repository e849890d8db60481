"""Cepstral κ of series of exactly known spectrum, and of published simulations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from ixs_core.errors import InputError
from simulate.transport import cepstral_kappa, read_heat_flux
from simulate.transport.cepstral import zero_frequency
from tests.simulate.transport.flux_series import (
    DT_FS,
    KELVIN,
    VOLUME_A3,
    autoregressive,
    exact_kappa,
)

SET = (DT_FS, VOLUME_A3, KELVIN)


def test_noise_of_a_flat_spectrum_has_the_bias_and_the_error_of_the_formula() -> None:
    rng = np.random.default_rng(1)
    components, n = 3, 401
    found = np.array(
        [
            zero_frequency(
                rng.chisquare(2 * components, n) / (2 * components), components, 4
            ).chosen
            for _ in range(600)
        ]
    )
    logarithm = np.log(found[:, 0])
    expected = np.sqrt(special.polygamma(1, components) * (4 * 4 - 2) / (2 * (n - 1)))
    np.testing.assert_allclose(found[:, 1] / found[:, 0], expected)
    assert abs(logarithm.mean()) < 4 * expected / np.sqrt(600)
    assert logarithm.std() == pytest.approx(expected, rel=0.12)


def test_a_smooth_spectrum_without_noise_is_found_exactly() -> None:
    """ln S = 1 + 2 Σ c_n cos(2π n k/N*) has just these coefficients."""
    coefficients = np.array([0.5, -0.3, 0.2])
    n = 201
    angle = np.pi * np.arange(n) / (n - 1)
    logarithm = 1 + 2 * np.cos(np.outer(angle, [1, 2, 3])) @ coefficients
    # f = 0 is taken from its neighbour, so that the sum rule holds to (1/N*)².
    found = zero_frequency(np.exp(logarithm), 100000, p_star=4)
    assert np.log(found.chosen[0]) == pytest.approx(1 + 2 * coefficients.sum(), abs=2e-3)


@pytest.mark.parametrize("coefficients", [(0.5,), (1.2, -0.5), (1.6, -0.9), (0.0, -0.8)])
def test_error_bars_hold_the_truth(coefficients: tuple[float, ...]) -> None:
    """Over seeds: with the choice of P*, the error bars have about the coverage of a Gaussian."""
    exact = exact_kappa(coefficients)
    found = [cepstral_kappa(autoregressive(coefficients, 4000, seed), *SET) for seed in range(100)]
    off = np.array([(one.kappa - exact) / one.stderr_with_choice for one in found])
    assert abs(off.mean()) < 0.6
    assert stats.binomtest(int((np.abs(off) < 1).sum()), 100, 0.68).pvalue > 1e-3
    assert (np.abs(off) < 2).mean() > 0.88


def test_a_sharp_peak_at_zero_is_underestimated_and_said_so() -> None:
    """What the criterion does on red spectra: up to 1 σ low; the doubled P* tells."""
    exact = exact_kappa((0.95,))
    found = [cepstral_kappa(autoregressive((0.95,), 8000, seed), *SET) for seed in range(60)]
    off = np.array([(one.kappa - exact) / one.stderr_with_choice for one in found])
    assert -1.2 < off.mean() < 0
    assert (np.abs(off) < 2).mean() > 0.8
    warned = np.array([any("2 P*" in note for note in one.notes) for one in found])
    assert off[warned].mean() < off[~warned].mean()


def test_more_runs_give_smaller_errors_and_unequal_axes_are_seen() -> None:
    coefficients = (1.2, -0.5)
    runs = [autoregressive(coefficients, 4000, seed) for seed in range(9)]
    nine = cepstral_kappa(runs, *SET)
    assert nine.components == 27
    fixed = [cepstral_kappa(some, *SET, cutoff_thz=200.0, p_star=8) for some in (runs[0], runs)]
    relative = [found.stderr / found.kappa for found in fixed]
    expected = np.sqrt(special.polygamma(1, 3) / special.polygamma(1, 27))
    assert relative[0] / relative[1] == pytest.approx(expected)
    assert nine.kappa == pytest.approx(exact_kappa(coefficients), abs=3 * nine.stderr_with_choice)
    unequal = [run * np.array([1.0, 1.0, 2.0]) for run in runs]
    assert any("the axes differ" in note for note in cepstral_kappa(unequal, *SET).notes)
    apart = cepstral_kappa(unequal, *SET, equivalent=False)
    assert apart.kappa == pytest.approx(apart.per_axis.mean())
    np.testing.assert_allclose(
        apart.per_axis, exact_kappa(coefficients) * np.array([1, 1, 4]), rtol=0.25
    )


def test_the_mean_of_the_flux_does_not_count() -> None:
    series = autoregressive((0.5,), 4000, 3)
    shifted = cepstral_kappa(series + 7.0, *SET)
    assert shifted.kappa == pytest.approx(cepstral_kappa(series, *SET).kappa, rel=1e-9)


def test_errors_name_what_is_wrong() -> None:
    series = autoregressive((0.5,), 1000, 3)
    with pytest.raises(InputError, match=r"cutoff.*too few frequencies"):
        cepstral_kappa(series, *SET, cutoff_thz=1.0)
    with pytest.raises(InputError, match="constant"):
        cepstral_kappa(np.ones((1000, 3)), *SET)
    with pytest.raises(InputError, match="too short"):
        cepstral_kappa(series[:50], *SET)
    with pytest.raises(InputError, match="volume_A3"):
        cepstral_kappa(series, DT_FS, None, KELVIN)
    series[4, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        cepstral_kappa(series, *SET)


def test_silica_as_published(shared_data: Path) -> None:
    """The log of its own analysis says 2.205 ± 0.215 W/mK with P* = 34 at f* = 27.78 THz."""
    flux = read_heat_flux(shared_data / "kappa/sportran_silica/Silica.dat.gz")
    assert flux.temperature_k == pytest.approx(983.1726, abs=1e-3)
    found = cepstral_kappa(flux, 1.0, 3130.431110818, cutoff_thz=27.77778)
    assert found.p_star == 34
    assert found.kappa == pytest.approx(2.205, abs=0.01)
    assert found.stderr == pytest.approx(0.215, abs=0.005)
    for cutoff in (20.0, 28.0, 40.0, 56.0):
        other = cepstral_kappa(flux, 1.0, 3130.431110818, cutoff_thz=cutoff)
        assert abs(other.kappa - 2.205) < 0.3


def test_argon(shared_data: Path) -> None:
    folder = shared_data / "kappa/lammps_argon"
    flux = read_heat_flux(folder / "T40_first500ps.dat.gz", log=folder / "T40.log.gz")
    found = cepstral_kappa(flux, cutoff_thz=3.0)
    assert found.kappa == pytest.approx(0.32, abs=0.01)
    assert found.stderr == pytest.approx(0.035, abs=0.006)
    default = cepstral_kappa(flux)
    assert default.cutoff_thz == pytest.approx(3.1, abs=0.1)
    assert any("2 P*" in note for note in default.notes)  # whole runs of 6 ns: 0.41(2)
