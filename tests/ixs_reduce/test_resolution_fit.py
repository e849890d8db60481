"""The fitted resolution: known functions are found again, real scans are described."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import voigt_profile

from ixs_core.errors import Cancelled, InputError
from ixs_core.jobs import CancelToken
from ixs_reduce.formats import read_scans, select_scans
from ixs_reduce.quality import judge
from ixs_reduce.reduction import reduce_scan
from ixs_reduce.resolution_fit import ResolutionFit, ResolutionOptions, fit_resolution
from ixs_reduce.spectrum import Spectrum

ENERGY = np.linspace(-15, 15, 121)
SIGMA, HALF = 0.45, 0.35
ZERO = 0.83


def true_voigt(energy: np.ndarray) -> np.ndarray:
    """A Voigt function: no sum of Gaussians and Lorentzians equals it."""
    return voigt_profile(energy, SIGMA, HALF)


def voigt_fwhm() -> float:
    """Full width of `true_voigt`, from its values on a fine grid."""
    fine = np.linspace(0, 3, 300_001)
    return 2 * float(np.interp(-0.5, -true_voigt(fine) / true_voigt(np.array(0.0)), fine))


def made(
    shape: Callable[[np.ndarray], np.ndarray], area: float = 4e5, seed: int = 1, **fields: object
) -> Spectrum:
    """Poisson counts of a shape at `ZERO` with a background of 20 counts and a drifting beam."""
    exposure = 1000 * (1 + 0.1 * np.sin(ENERGY))
    expected = exposure / 1000 * (area * shape(ENERGY - ZERO) + 20)
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    return Spectrum(ENERGY, counts, exposure, analyzer="a", scan="1", **fields)  # type: ignore[arg-type]


def area_of(fit: ResolutionFit) -> float:
    fine = np.linspace(-400, 400, 1_600_001)
    return float(np.trapezoid(fit.resolution(fine), fine))


def test_known_voigt_is_found() -> None:
    fit = fit_resolution(made(true_voigt))
    assert len(fit.components) <= 6
    assert fit.reduced_deviance < 1.4
    assert fit.fwhm_mev == pytest.approx(voigt_fwhm(), abs=4 * fit.fwhm_err + 0.005)
    assert fit.e_zero_mev == pytest.approx(ZERO, abs=5 * fit.e_zero_err)
    near = np.linspace(-4, 4, 81)
    assert np.abs(fit.resolution(near) - true_voigt(near)).max() < 0.02 * true_voigt(
        np.array([0.0])
    )
    assert area_of(fit) == pytest.approx(1.0, abs=0.01)
    assert fit.background * 1000 == pytest.approx(20, abs=10)


def test_zero_is_the_middle_at_half_height() -> None:
    fit = fit_resolution(made(lambda e: 0.7 * true_voigt(e) + 0.3 * true_voigt(e - 0.8)))
    left, right = fit.resolution.half_height_points_mev
    assert left + right == pytest.approx(0, abs=1e-6)
    assert right - left == pytest.approx(fit.fwhm_mev)


def test_errors_are_those_of_repeated_scans() -> None:
    fits = [
        fit_resolution(made(true_voigt, 4e4, seed), ResolutionOptions(max_components=2))
        for seed in range(40)
    ]
    for value, error in (("fwhm_mev", "fwhm_err"), ("e_zero_mev", "e_zero_err")):
        scatter = np.std([getattr(fit, value) for fit in fits])
        stated = np.mean([getattr(fit, error) for fit in fits])
        assert 0.6 < stated / scatter < 1.6, value


def test_broad_scattering_is_told_from_the_resolution() -> None:
    sigma = 12 / np.sqrt(8 * np.log(2))

    def with_hump(energy: np.ndarray) -> np.ndarray:
        hump = np.exp(-0.5 * ((energy - 2) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        return 0.95 * true_voigt(energy) + 0.05 * hump

    fit = fit_resolution(made(with_hump))
    (broad,) = fit.broad
    assert broad.fwhm_mev > 8
    share = broad.weight / sum(c.weight for c in fit.components)
    assert share == pytest.approx(0.05, abs=0.025)
    assert all(component.fwhm_mev <= 8 for component in fit.resolution.components)
    assert fit.fwhm_mev == pytest.approx(voigt_fwhm(), abs=0.03)
    kept = fit_resolution(made(with_hump), ResolutionOptions(tail_mev=100))
    assert kept.broad == ()


def test_numeric_resolution_is_the_scan_without_background() -> None:
    fit = fit_resolution(made(true_voigt), ResolutionOptions(numeric=True))
    assert fit.resolution.numeric
    near = np.linspace(-3, 3, 61)
    assert np.abs(fit.resolution(near) - true_voigt(near)).max() < 0.03 * true_voigt(
        np.array([0.0])
    )
    assert fit.fwhm_mev == pytest.approx(voigt_fwhm(), abs=0.03)
    assert fit.e_zero_mev == pytest.approx(ZERO, abs=0.01)


def test_no_component_is_a_spike() -> None:
    spectrum = made(true_voigt)
    counts = spectrum.counts.copy()
    counts[61] *= 1.1  # one high point invites a narrow component
    spiked = Spectrum(spectrum.energy_mev, counts, spectrum.exposure, analyzer="a")
    step = float(ENERGY[1] - ENERGY[0])
    for component in fit_resolution(spiked).components:
        assert component.fwhm_mev >= 2 * step - 1e-9


def test_window_is_about_the_strongest_point() -> None:
    fit = fit_resolution(made(true_voigt), ResolutionOptions(window_mev=(-5, 6)))
    top = ENERGY[np.argmax(made(true_voigt).counts / made(true_voigt).exposure)]
    assert fit.spectrum.energy_mev[0] == pytest.approx(top - 5, abs=0.25)
    assert fit.spectrum.energy_mev[-1] == pytest.approx(top + 6, abs=0.25)
    assert fit.expected_counts.shape == fit.spectrum.counts.shape
    assert fit.dof == fit.spectrum.counts.size - 3 * len(fit.components) - 1


def test_bic_is_deviance_and_penalty() -> None:
    fit = fit_resolution(made(true_voigt, 1e4))
    n_parameters = fit.spectrum.counts.size - fit.dof
    assert fit.bic == pytest.approx(fit.deviance + n_parameters * np.log(ENERGY.size))
    single = fit_resolution(made(true_voigt, 1e4), ResolutionOptions(max_components=1))
    assert fit.bic <= single.bic


def test_deviance_is_that_of_poisson() -> None:
    fit = fit_resolution(made(true_voigt))
    n, mu = fit.spectrum.counts, fit.expected_counts
    logs = np.where(n > 0, n * np.log(np.maximum(n, 1) / mu), 0.0)
    assert fit.deviance == pytest.approx(2 * float(np.sum(mu - n + logs)), rel=1e-9)


def test_scans_that_cannot_give_a_resolution_are_refused() -> None:
    few = made(true_voigt).selected(np.arange(121) < 15)
    with pytest.raises(InputError, match=r"1 a cannot give.*15 points.*20 points"):
        fit_resolution(few)
    with pytest.raises(InputError, match=r"cannot give.*100 counts or more"):
        fit_resolution(made(true_voigt, area=30))
    flank = made(true_voigt).selected(ENERGY > ZERO + 0.5)
    with pytest.raises(InputError):
        fit_resolution(flank, ResolutionOptions(numeric=True))


def test_cancel_stops_the_fit() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fit_resolution(made(true_voigt), cancel=token)


@pytest.fixture(scope="module")
def real_fits(shared_data: Path) -> dict[str, ResolutionFit]:
    """Fits of the long PMMA scans at 9.86 nm⁻¹ by scan label."""
    scan_file = read_scans(shared_data / "ixs" / "plexiglas_1.spec")
    fits = {}
    for scan in judge(select_scans(scan_file, "2,4,6,8,12,14,16,18,20")):
        (spectrum,) = (s for s in reduce_scan(scan) if s.analyzer == scan.main_analyzer)
        fits[scan.label] = fit_resolution(spectrum)
    return fits


@pytest.mark.parametrize("label", ["2", "4", "6", "8", "12", "14", "16", "18", "20"])
def test_real_scans_are_described(real_fits: dict[str, ResolutionFit], label: str) -> None:
    fit = real_fits[label]
    assert fit.reduced_deviance <= 1.4
    assert len(fit.components) <= 6
    assert 1.45 <= fit.fwhm_mev <= 1.85
    assert 0 < fit.fwhm_err < 0.05
    # Half the height, read off the counts themselves, agrees with the function's width.
    energy, rate = fit.spectrum.energy_mev, fit.spectrum.counts / fit.spectrum.exposure
    top = int(np.argmax(rate))
    left = float(np.interp(rate[top] / 2, rate[top - 8 : top + 1], energy[top - 8 : top + 1]))
    right = float(np.interp(-rate[top] / 2, -rate[top : top + 9], energy[top : top + 9]))
    assert fit.fwhm_mev == pytest.approx(right - left, abs=0.06)
    assert fit.e_zero_mev == pytest.approx((left + right) / 2, abs=0.03)


def test_real_analyzers_are_nine_with_a_spread_in_width(
    real_fits: dict[str, ResolutionFit],
) -> None:
    assert {fit.analyzer for fit in real_fits.values()} == {f"Ana{i}" for i in range(1, 10)}
    widths = [fit.fwhm_mev for fit in real_fits.values()]
    assert 1.1 < max(widths) / min(widths) < 1.25
