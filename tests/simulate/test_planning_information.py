"""Hours to a precision against closed forms, scaling laws and scatter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.units import FWHM_PER_SIGMA
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.predicted_modes import PredictedModes
from ixs_reduce.resolution import Resolution
from simulate.planning.conditions import (
    absorption_per_mm,
    estimated_calibration,
    measured_calibration,
)
from simulate.planning.information import (
    ExpectedSpectrum,
    Goal,
    automatic_scan,
    expected_spectrum,
    hours_to_goal,
    precision,
    scan_energies,
)
from tests.simulate.toy_beamtime import toy_beamtime, toy_instrument

GAUSSIAN = Resolution.from_components([("gaussian", 1.0, 0.0, 1.5)])
SCAN = scan_energies(-10, 30, 0.1)


def predicted(
    energy: list[float], intensity: list[float], fwhm: float = 0.0, group: list[int] | None = None
) -> PredictedModes:
    n = len(energy)
    return PredictedModes(
        *("", "", "a06", np.array([0.0, 8.2, 0.0]), 300.0),
        np.array(energy),
        np.array(intensity),
        np.arange(1, n + 1),
        np.array(group if group is not None else range(n)),
        np.full(n, fwhm),
        np.zeros(n),
    )


def spectrum_of(
    modes: PredictedModes,
    scale: float = 1e-3,
    elastic: float = 0.0,
    background: float = 1e-9,
    goal: Goal | None = None,
) -> ExpectedSpectrum:
    return expected_spectrum(modes, GAUSSIAN, scale, elastic, background, SCAN, goal)


def test_a_lone_gaussian_line_is_known_to_sigma_over_root_n() -> None:
    # 20 meV at 300 K: the gain side (43 % of the loss side) lies outside the scan.
    modes = predicted([20.0], [100.0])
    spectrum = spectrum_of(modes, goal=Goal(zero_known=True))
    after = precision(spectrum)
    seconds_per_mev = 3600 / SCAN.size / 0.1
    counts = 1e-3 * 100 * float(bose_factor(20.0, 300.0)) * seconds_per_mev
    sigma = 1.5 / FWHM_PER_SIGMA / math.sqrt(counts)
    # The width has its own slope for the mean energy (detailed balance), a few per cent.
    assert after.energy_mev[0] == pytest.approx(sigma, rel=0.03)


def test_hours_are_the_square_of_the_precision() -> None:
    spectrum = spectrum_of(predicted([6.0, 9.0], [100.0, 60.0], 0.5), elastic=50.0, background=0.01)
    fine, coarse = (hours_to_goal(spectrum, [1, 2], Goal(s)) for s in (0.05, 0.2))
    assert fine == pytest.approx(16 * coarse)
    after = precision(spectrum)
    assert coarse == pytest.approx((after.energy_mev / 0.2) ** 2)


def test_hours_shrink_with_the_rate_when_everything_scales() -> None:
    modes = predicted([6.0, 9.0], [100.0, 60.0], 0.5)
    once = hours_to_goal(spectrum_of(modes, 1e-3, 50.0, 1e-3), [1, 2], Goal())
    thrice = hours_to_goal(spectrum_of(modes, 3e-3, 50.0, 3e-3), [1, 2], Goal())
    assert once == pytest.approx(3 * thrice, rel=1e-6)


@pytest.mark.parametrize("worse", ["overlap", "elastic", "background", "weak"])
def test_what_disturbs_costs_time(worse: str) -> None:
    good = hours_to_goal(spectrum_of(predicted([3.0], [100.0], 0.5)), [1], Goal())[0]
    disturbed = {
        "overlap": spectrum_of(predicted([3.0, 4.2], [100.0, 100.0], 0.5)),
        "elastic": spectrum_of(predicted([3.0], [100.0], 0.5), elastic=1e5),
        "background": spectrum_of(predicted([3.0], [100.0], 0.5), background=0.5),
        "weak": spectrum_of(predicted([3.0], [50.0], 0.5)),
    }[worse]
    assert hours_to_goal(disturbed, [1], Goal())[0] > 1.3 * good


def test_widths_have_their_own_time() -> None:
    spectrum = spectrum_of(predicted([6.0], [100.0], 1.0))
    after = precision(spectrum)
    hours = hours_to_goal(spectrum, [1], Goal(sigma_energy_mev=None, relative_fwhm=0.2))[0]
    fwhm = spectrum.fwhm_mev(0)
    assert after.fwhm_mev[0] / math.sqrt(hours) == pytest.approx(0.2 * fwhm)
    both = hours_to_goal(spectrum, [1], Goal(1.0, 0.2))[0]
    assert both == pytest.approx(hours)


def test_a_branch_lost_in_a_stronger_one_is_never_known() -> None:
    spectrum = spectrum_of(predicted([6.0, 6.3], [100.0, 20.0], 0.5))
    hours = hours_to_goal(spectrum, [1, 2, 3], Goal())
    assert np.isfinite(hours[0])
    assert np.isinf(hours[1:]).all()
    partners = spectrum_of(predicted([6.0, 6.0], [100.0, 20.0], 0.5, group=[0, 0]))
    assert np.isfinite(hours_to_goal(partners, [1, 2], Goal())).all()


def test_lines_outside_the_scan_are_not_fitted() -> None:
    inside = spectrum_of(predicted([6.0], [100.0], 0.5))
    also = spectrum_of(predicted([6.0, 31.5], [100.0, 100.0], 0.5))
    assert hours_to_goal(also, [1], Goal())[0] == pytest.approx(
        hours_to_goal(inside, [1], Goal())[0], rel=0.05
    )
    assert np.isinf(hours_to_goal(also, [2], Goal())[0])


def test_the_precision_is_that_of_fits_of_simulated_counts() -> None:
    # The bound against the scatter of maximum-likelihood estimates, from a one-step estimator
    # (score over information), which needs no fitting code.
    spectrum = spectrum_of(predicted([6.0], [100.0], 0.8), elastic=60.0, background=0.01)
    hours = hours_to_goal(spectrum, [1], Goal(0.05))[0]
    seconds = 3600 * hours / SCAN.size
    rate, jacobian = spectrum.model.prepare(SCAN)(spectrum.parameters)
    random = np.random.default_rng(3)
    counts = random.poisson(seconds * rate, (4000, SCAN.size))
    information = seconds * (jacobian / rate) @ jacobian.T
    score = (counts / (seconds * rate) - 1) * seconds @ jacobian.T
    estimates = score @ np.linalg.inv(information)
    assert estimates[:, 0].std() == pytest.approx(0.05, rel=0.05)


def test_scans_hold_what_is_asked() -> None:
    scan = automatic_scan([4.0, 12.3], 1.5)
    assert np.allclose(np.diff(scan), 0.5)
    assert scan[0] <= -4.0 - 1.5
    assert scan[-1] >= 12.3 + 1.5
    assert 0.0 in scan
    assert scan_energies(-10, 20, 0.5).size == 61
    with pytest.raises(InputError, match="no energies"):
        scan_energies(5, -5)


@pytest.mark.parametrize("goal", [(None, None), (0.0, None), (0.1, -1.0)])
def test_a_goal_is_a_positive_error(goal: tuple[float | None, float | None]) -> None:
    with pytest.raises(InputError, match="not positive"):
        Goal(*goal)


def test_absorption_of_copper_as_tabulated() -> None:
    # NIST X-ray mass attenuation at 20 keV: Cu 33.79 cm²/g, I 25.43 cm²/g; some per cent of it
    # are scattering, which is left out here.
    assert absorption_per_mm("Cu", 8.96, 20.0) == pytest.approx(0.1 * 33.79 * 8.96, rel=0.08)
    assert absorption_per_mm("I", 1.0, 20.0) == pytest.approx(0.1 * 25.43, rel=0.08)
    with pytest.raises(InputError, match="formula"):
        absorption_per_mm("Qq2", 1.0, 20.0)


def test_the_estimated_rate_is_flux_times_cross_section_times_solid_angle() -> None:
    instrument = toy_instrument()
    estimate = estimated_calibration(instrument, 400.0, 1e10, 0.1, 5.0, 0.5)
    width, height = instrument.spectrometer.accepted_mm(instrument.slits_mm)
    solid = width * height / 9800.0**2
    cells_per_cm2 = 0.01 / 400e-24
    by_hand = 1e10 * 0.0794079e-24 * cells_per_cm2 * math.exp(-0.5) * solid * 0.5
    assert estimate.counts_per_s == pytest.approx(by_hand, rel=1e-4)


def test_a_measured_rate_is_the_median_ratio() -> None:
    random = np.random.default_rng(1)
    strength = random.uniform(10, 100, 50)
    measured = measured_calibration(0.02 * strength * np.exp(random.normal(0, 0.2, 50)), strength)
    assert measured.counts_per_s == pytest.approx(0.02, rel=0.1)
    assert 1.0 < measured.uncertain < 1.2
    with pytest.raises(InputError, match="no fitted mode"):
        measured_calibration([0.0], [1.0])


def test_polarisation_and_path_lower_the_rate_at_large_angles() -> None:
    conditions = toy_beamtime().conditions
    at = conditions.rate_scale("a06", np.array([0.0, 30.0]))
    assert at[0] == pytest.approx(1e-3)
    stretch = 1 / math.cos(math.radians(15))
    assert at[1] == pytest.approx(1e-3 * math.cos(math.radians(30)) ** 2 * stretch)
