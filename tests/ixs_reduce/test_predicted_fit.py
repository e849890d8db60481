"""Fits with the modes of a flawed calculation, on invented crystals whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_reduce import Resolution, Spectrum, SpectrumModel
from ixs_reduce.batch import BatchResult, FitOptions, fit_batch
from ixs_reduce.fit_record import identical, rerun
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_choice import PredictionOptions, choose_modes
from ixs_reduce.mode_merging import effective_mode
from ixs_reduce.predicted_fit import fit_predicted
from ixs_reduce.predicted_zero import judged_by_prediction
from ixs_reduce.zero_finder import find_zero, zero_profile
from tests.ixs_reduce.predicted_sets import KELVIN, Case, array_of_28
from tests.ixs_reduce.synthetic_spectra import counted, expected_spectrum, pseudo_voigt
from tests.ixs_reduce.test_predicted_modes import predicted

R = pseudo_voigt(1.5)


def bare(resolution: Resolution = R) -> SpectrumModel:
    return SpectrumModel(resolution, KELVIN, modes=0)


def simulated(
    modes: Sequence[tuple[float, float, float]], seed: int = 1, axis: np.ndarray | None = None
) -> Spectrum:
    """Counts of modes (energy, fwhm, amplitude), an elastic line and a background of 2."""
    model = SpectrumModel(R, KELVIN, modes=len(modes))
    truth = {"elastic": 900.0, "background_c0": 2.0, "background_c1": 0.0, "zero": 0.2}
    for i, (energy, fwhm, amplitude) in enumerate(modes, start=1):
        truth |= {f"mode{i}_energy": energy, f"mode{i}_fwhm": fwhm, f"mode{i}_amplitude": amplitude}
    axis = np.arange(-10, 22, 0.25) if axis is None else axis
    spectrum = expected_spectrum(model, truth, axis, analyzer="a1", scan="61", file="run.spec")
    made = counted(spectrum, np.random.default_rng(seed))
    return replace(
        made,
        zero_mev=0.2,
        temperature_k=KELVIN,
        q_hkl=(1.0, 0.2, 0.0),
        analyzer="a1",
        scan="61",
        file="run.spec",
    )


def fitted(cases: Sequence[Case], **options: object) -> BatchResult:
    return fit_batch(
        [case.spectrum for case in cases],
        {str(case.spectrum.analyzer): case.resolution for case in cases},
        FitOptions(modes="predicted", **options),  # type: ignore[arg-type]
        predictions={case.predicted.key: case.predicted for case in cases},
    )


def recovered(cases: Sequence[Case], fits: Sequence[SpectrumFit]) -> list[bool]:
    """For modes whose energy is foretold to 0.3 meV: is it the true one within 3σ?

    Each is looked up by its label, so that a wrong label shows as a wrong energy.
    """
    by_name = {case.spectrum.analyzer: case for case in cases}
    found = []
    for fit in fits:
        case = by_name[fit.spectrum.analyzer]
        choice = choose_modes(fit.spectrum, bare(case.resolution), case.predicted)
        foretold = {mode.branch: error for mode, error in choice.fitted}
        for mode in fit.modes:
            if foretold[mode.branch] < 0.3:
                places = [int(number) - 1 for number in mode.branch.split("+")]
                truth = case.truth.energy_of(effective_mode(case.predicted, places))
                found.append(abs(mode.energy.value - truth) < 3 * mode.energy.stderr)
    return found


@pytest.mark.parametrize(
    ("seed", "branches"),
    [
        pytest.param(2, 18, marks=pytest.mark.slow),
        pytest.param(1, 12, marks=pytest.mark.slow),
        pytest.param(3, 24, marks=pytest.mark.slow),
        pytest.param(13, 30, marks=pytest.mark.slow),
        pytest.param(4, 36, marks=pytest.mark.slow),
    ],
)
def test_28_analyzers_without_a_number_set_by_hand(seed: int, branches: int) -> None:
    """Energies 2 % and intensities 20 % off, zeros unknown: 95 % of the modes come out."""
    cases = array_of_28(seed, branches)
    result = fitted(cases)
    assert len(result.fits) == 28
    assert not result.left_out
    for case, fit in zip(cases, result.fits, strict=True):
        assert fit.zero.value == pytest.approx(case.zero_mev, abs=0.15)
        assert fit.reduced_deviance < 1.8
        numbers = [int(n) for label in fit.branches for n in label.split("+")]
        numbers += [int(n) for line in fit.model.folded_lines for n in line.branch.split("+")]
        assert len(set(numbers)) == len(numbers)
        energies = [mode.energy.value for mode in fit.modes]
        assert energies == sorted(energies)
    good = recovered(cases, result.fits)
    assert len(good) > 60
    assert np.mean(good) >= 0.95


@pytest.mark.slow
def test_energies_that_are_each_off_by_two_per_cent_more() -> None:
    cases = [_scrambled(case, 0.02) for case in array_of_28(11, 15)]
    assert np.mean(recovered(cases, fitted(cases).fits)) >= 0.95


def _scrambled(case: Case, off: float) -> Case:
    generator = np.random.default_rng(case.predicted.n_modes + ord(case.predicted.analyzer[-1]))
    energy = case.predicted.energy_mev * (1 + generator.normal(0, off, case.predicted.n_modes))
    order = np.argsort(energy)
    wrong = replace(
        case.predicted, energy_mev=energy[order], intensity=case.predicted.intensity[order]
    )
    truth = case.truth
    return replace(
        case,
        predicted=wrong,
        truth=replace(
            truth,
            energy_mev=truth.energy_mev[order],
            fwhm_mev=truth.fwhm_mev[order],
            amplitude=truth.amplitude[order],
        ),
    )


def test_unresolved_branches_are_one_mode_with_their_own_width() -> None:
    """Two narrow lines 0.7 meV apart: their mean, and not their distance as a width."""
    spectrum = simulated([(8.0, 0.3, 3000.0), (8.7, 0.3, 1500.0), (14.0, 0.6, 2000.0)])
    modes = predicted([7.9, 8.6, 13.8], [2.0, 1.0, 1.3])
    fit = fit_predicted(spectrum, bare(), modes)
    assert fit.branches == ("1+2", "3")
    first, second = fit.modes
    weight = np.array([3000.0, 1500.0]) / (1 - np.exp(-np.array([8.0, 8.7]) / 25.852))
    mean = weight @ [8.0, 8.7] / weight.sum()
    assert first.energy.value == pytest.approx(mean, abs=4 * first.energy.stderr)
    assert first.fwhm.value == pytest.approx(0.3, abs=0.2)
    assert second.branch == "3"
    assert any(text.startswith("merged: 1+2") for text in fit.remarks)


def test_weak_modes_become_one_term_and_are_listed() -> None:
    weak = [(11.0, 0.4, 1.6), (17.0, 0.4, 1.2)]
    spectrum = simulated([(6.0, 0.5, 800.0), *weak])
    modes = predicted([5.9, 10.8, 16.7, 40.0], [1.0, 0.002, 0.0015, 3.0])
    fit = fit_predicted(spectrum, bare(), modes)
    assert fit.branches == ("1",)
    assert [line.branch for line in fit.model.folded_lines] == ["2", "3"]
    scale = fit.folded_scale
    assert scale is not None
    assert scale.at_bound or abs(scale.value - 1) < 4 * scale.stderr
    said = " | ".join(fit.remarks)
    assert "folded: 2 modes" in said
    assert "outside: 1 mode" in said


def test_folding_asks_for_what_was_stated() -> None:
    """The very mode that is folded at eight standard errors stays when one is enough."""
    spectrum = simulated([(6.0, 0.5, 800.0), (12.0, 0.4, 4.0)])
    modes = predicted([6.0, 12.0], [1.0, 0.005])
    strict = choose_modes(spectrum, bare(), modes, PredictionOptions(significance=8.0))
    lenient = choose_modes(spectrum, bare(), modes, PredictionOptions(significance=1.0))
    assert [mode.branch for mode in strict.modes] == ["1"]
    assert [mode.branch for mode in lenient.modes] == ["1", "2"]


def test_modes_seen_on_the_gain_side_only() -> None:
    spectrum = simulated([(7.0, 0.5, 900.0)], axis=np.arange(-15, 3, 0.2))
    fit = fit_predicted(spectrum, bare(), predicted([6.8, 30.0]))
    assert fit.branches == ("1",)
    assert fit.modes[0].energy.value == pytest.approx(7.0, abs=4 * fit.modes[0].energy.stderr)


def test_more_modes_than_points_allow() -> None:
    axis = np.arange(-6, 20, 1.8)
    spectrum = simulated([(6.0, 0.5, 4e5), (10.0, 0.5, 3e5), (14.0, 0.5, 2e5)], axis=axis)
    fit = fit_predicted(spectrum, bare(), predicted([6.0, 10.0, 14.0], [4.0, 3.0, 2.0]))
    assert spectrum.counts.size > len(fit.parameter_names) + 3
    assert fit.model.folded
    assert "1" in fit.branches


def test_a_mode_that_is_not_there_is_reported() -> None:
    spectrum = simulated([(6.0, 0.5, 2000.0)])
    fit = fit_predicted(spectrum, bare(), predicted([6.0, 13.0], [1.0, 0.5]))
    assert fit.branches == ("1", "2")
    absent = fit.modes[1]
    told = any(
        text.startswith(("no-intensity", "far-from-prediction", "too-wide")) for text in fit.remarks
    )
    assert told or absent.amplitude.value < 3 * absent.amplitude.stderr


def test_no_predicted_mode_at_all() -> None:
    fit = fit_predicted(simulated([(6.0, 0.5, 500.0)]), bare(), predicted([]))
    assert fit.modes == ()
    assert fit.branches == ()


def test_a_calculation_for_another_temperature_is_told() -> None:
    modes = replace(predicted([6.0]), temperature_k=20.0, imaginary=2)
    fit = fit_predicted(simulated([(6.0, 0.5, 500.0)]), bare(), modes)
    assert any("calculated for 20 K, measured at 300 K" in text for text in fit.remarks)
    assert any(text.startswith("imaginary: 2 modes") for text in fit.remarks)


def test_saved_fits_run_again() -> None:
    case = array_of_28(5, 24)[3]
    fit = fitted([case]).fits[0]
    assert fit.model.folded
    again = rerun(fit)
    assert identical(again, fit)
    assert again.branches == fit.branches


def test_processes_give_the_same_numbers() -> None:
    cases = array_of_28(5, 12)[:3]
    here = fitted(cases).fits
    there = fit_batch(
        [case.spectrum for case in cases],
        {str(case.spectrum.analyzer): case.resolution for case in cases},
        FitOptions(modes="predicted"),
        predictions={case.predicted.key: case.predicted for case in cases},
        scheduler="local:2",
    ).fits
    assert all(identical(one, two) for one, two in zip(here, there, strict=True))


def test_the_prediction_decides_between_rival_zeros() -> None:
    """A spectrum that alone is taken 9 meV off comes to its zero by the predicted lines."""
    case = next(c for c in array_of_28(1, 12) if c.spectrum.analyzer == "a04")
    alone = find_zero(case.spectrum, case.resolution, KELVIN)
    assert abs(alone.value_mev - case.zero_mev) > 5
    profile = judged_by_prediction(
        zero_profile(case.spectrum, case.resolution, KELVIN), case.predicted
    )
    best = profile.trial_mev[np.argmin(profile.score)]
    assert best == pytest.approx(case.zero_mev, abs=0.2)


def test_a_clear_zero_is_left_alone() -> None:
    case = next(c for c in array_of_28(2, 18) if c.spectrum.analyzer == "a00")
    profile = zero_profile(case.spectrum, case.resolution, KELVIN)
    judged = judged_by_prediction(profile, case.predicted)
    assert np.argmin(judged.score) == np.argmin(profile.score)


def test_spectra_without_a_prediction_of_their_own_q_are_left_out() -> None:
    cases = array_of_28(5, 12)[:3]
    moved = replace(cases[1].predicted, q_hkl=cases[1].predicted.q_hkl + 0.01)
    result = fit_batch(
        [case.spectrum for case in cases],
        {str(case.spectrum.analyzer): case.resolution for case in cases},
        FitOptions(modes="predicted"),
        predictions={cases[0].predicted.key: cases[0].predicted, moved.key: moved},
    )
    assert [fit.spectrum.analyzer for fit in result.fits] == ["a00"]
    reasons = {item.spectrum.analyzer: item.reason for item in result.left_out}
    assert "another Q" in reasons["a01"]
    assert "ixs sqe FC --at" in reasons["a02"]


def test_no_predictions_at_all_is_an_error() -> None:
    case = array_of_28(5, 12)[0]
    with pytest.raises(InputError, match="no modes are predicted"):
        fit_batch([case.spectrum], {"a00": case.resolution}, FitOptions(modes="predicted"))
