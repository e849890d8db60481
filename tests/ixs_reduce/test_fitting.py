"""Fits: known truths, lmfit as peer, starts, reproducibility, what cannot be fitted."""

from __future__ import annotations

import itertools

import lmfit
import numpy as np
import pytest

from ixs_core.errors import InputError
from ixs_core.jobs import Cancelled, CancelToken
from ixs_reduce import Resolution, Spectrum, SpectrumModel, fit_spectrum
from ixs_reduce.fitting import fit_from
from tests.ixs_reduce.synthetic_spectra import expected_spectrum, four_modes, pseudo_voigt
from tests.ixs_reduce.two_mode_spectrum import (
    ENERGY,
    MODEL,
    TRUTH,
    errors,
    fisher_covariance,
    noisy,
    start_at_truth,
    vector,
)


def test_noise_free_data_give_the_truth():
    fit = fit_spectrum(expected_spectrum(MODEL, TRUTH, ENERGY), MODEL)
    assert fit.converged
    assert fit.deviance < 1e-6
    assert fit.parameter_names == MODEL.parameter_names
    assert (np.abs(fit.parameters - vector(TRUTH)) < 1e-3 * errors(fit)).all()
    assert [m.energy.value for m in fit.modes] == pytest.approx([4.5, 9.5], rel=1e-4)
    assert fit.zero.value == pytest.approx(0.12, abs=1e-4)
    assert fit.elastic.value == pytest.approx(TRUTH["elastic"], rel=1e-4)
    assert [b.value for b in fit.background] == pytest.approx([20.0, 0.3], rel=1e-3)
    assert fit.quasielastic is None
    assert fit.dof == ENERGY.size - 10


def test_exposure_is_part_of_the_model():
    """Rates stay what they are when the counting time changes within the scan."""
    exposure = np.where(ENERGY > 5, 40.0, 10.0) * (1 + 0.1 * np.sin(ENERGY))
    exposure[3] = 0.0
    fit = fit_spectrum(expected_spectrum(MODEL, TRUTH, ENERGY, exposure), MODEL)
    assert (np.abs(fit.parameters - vector(TRUTH)) < 1e-3 * errors(fit)).all()
    np.testing.assert_allclose(
        fit.expected_counts, exposure * MODEL.evaluate(TRUTH, ENERGY), rtol=1e-4, atol=1e-3
    )


def test_large_known_zero():
    """Real analyzers have zeros of 5 meV and more; a rough value is known."""
    truth = TRUTH | {"zero": 6.3}
    spectrum = expected_spectrum(MODEL, truth, ENERGY + 6.0, zero_mev=5.8)
    fit = fit_spectrum(spectrum, MODEL)
    assert fit.zero.value == pytest.approx(6.3, abs=1e-3)
    assert [m.energy.value for m in fit.modes] == pytest.approx([4.5, 9.5], rel=1e-3)


def test_quasielastic_line_is_recovered():
    model = SpectrumModel(pseudo_voigt(), 300.0, modes=1, quasielastic=True, background="constant")
    truth = {
        "mode1_energy": 9.0,
        "mode1_fwhm": 1.0,
        "mode1_amplitude": 400.0,
        "elastic": 900.0,
        "qe_amplitude": 1500.0,
        "qe_fwhm": 5.0,
        "background_c0": 10.0,
        "zero": -0.1,
    }
    fit = fit_spectrum(expected_spectrum(model, truth, ENERGY), model)
    assert fit.deviance < 1e-4
    area, fwhm = fit.quasielastic
    assert area.value == pytest.approx(1500.0, rel=1e-3)
    assert fwhm.value == pytest.approx(5.0, rel=1e-3)
    assert (fit.quasielastic.amplitude, fit.quasielastic.fwhm) == (area, fwhm)
    assert (fit.quasielastic.value, fit.quasielastic.stderr) == (area.value, area.stderr)
    assert fit.background.c0.value == fit.background.value == pytest.approx(10.0, rel=1e-3)
    assert fit.background.c1 == (0.0, 0.0, False)  # the model has no slope


def test_numeric_resolution():
    axis = np.arange(-8.0, 8.01, 0.1)
    skewed = Resolution.from_components(
        [("gaussian", 0.6, 0.05, 1.3), ("gaussian", 0.4, -0.4, 2.0)]
    )
    exact = SpectrumModel(skewed, 300.0, modes=2)
    model = SpectrumModel(Resolution.from_table(axis, skewed(axis)), 300.0, modes=2)
    fit = fit_spectrum(expected_spectrum(exact, TRUTH, ENERGY), model)
    assert (np.abs(fit.parameters - vector(TRUTH)) < 0.02 * errors(fit)).all()


def test_measured_background_is_a_fixed_term():
    rate = 30 * np.exp(-((ENERGY - 7) ** 2) / 8)
    clean = expected_spectrum(MODEL, TRUTH, ENERGY, 2.0)
    spectrum = Spectrum(ENERGY, clean.counts + 2.0 * rate, clean.exposure, background_rate=rate)
    fit = fit_spectrum(spectrum, MODEL)
    assert (np.abs(fit.parameters - vector(TRUTH)) < 1e-2 * errors(fit)).all()
    np.testing.assert_allclose(fit.expected_counts, spectrum.counts, rtol=1e-4)
    ignored = fit_spectrum(Spectrum(ENERGY, spectrum.counts, spectrum.exposure), MODEL)
    assert ignored.deviance > fit.deviance + 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_agrees_with_lmfit(seed):
    """lmfit's Minimizer on deviance residuals written out here, with its numerical Jacobian."""
    spectrum = noisy(seed)

    def residuals(parameters):
        expected = spectrum.exposure * MODEL.evaluate(parameters, spectrum.energy_mev)
        expected = np.maximum(expected, 1e-9)
        n = spectrum.counts
        log = np.where(n > 0, n * np.log(np.maximum(n, 1) / expected), 0.0)
        return np.sign(expected - n) * np.sqrt(2 * np.maximum(expected - n + log, 0))

    minimizer = lmfit.Minimizer(residuals, start_at_truth(), scale_covar=False)
    peer = minimizer.minimize(method="leastsq", ftol=1e-14, xtol=1e-14, gtol=1e-14)
    fit = fit_spectrum(spectrum, MODEL)
    assert fit.deviance == pytest.approx(peer.chisqr, abs=1e-5)
    theirs = np.array([peer.params[name].value for name in fit.parameter_names])
    their_errors = np.array([peer.params[name].stderr for name in fit.parameter_names])
    assert (np.abs(fit.parameters - theirs) < 1e-3 * errors(fit)).all()
    np.testing.assert_allclose(errors(fit), their_errors, rtol=0.05)


def test_covariance_is_the_inverse_fisher_information():
    fit = fit_spectrum(noisy(), MODEL)
    assert not fit.held
    expected = fisher_covariance(fit, fit.parameter_names)
    scale = np.outer(errors(fit), errors(fit))
    np.testing.assert_allclose(fit.covariance / scale, expected / scale, atol=1e-4)


def test_covariance_matches_the_scatter_of_fits():
    """60 seeded spectra: a standard deviation of 60 values is known to 9 %."""
    fits = [fit_spectrum(noisy(seed), MODEL, starts=1) for seed in range(100, 160)]
    scatter = np.std([fit.parameters for fit in fits], axis=0, ddof=1)
    claimed = np.median([errors(fit) for fit in fits], axis=0)
    ratio = scatter / claimed
    print(
        "scatter over claimed error:", dict(zip(MODEL.parameter_names, ratio.round(2), strict=True))
    )
    assert ((ratio > 0.7) & (ratio < 1.35)).all()
    pull = (np.mean([f.parameters for f in fits], axis=0) - vector(TRUTH)) / (claimed / np.sqrt(60))
    assert (np.abs(pull) < 3.5).all()


def test_every_kind_of_start_finds_the_same():
    spectrum = noisy()
    reference = fit_spectrum(spectrum, MODEL)
    rough = MODEL.parameters([3.5, 11.0])
    rough["elastic"].set(value=500.0)
    for start in ([4.0, 10.0], [11.0, 4.2], (4.5, 9.0), rough, start_at_truth()):
        fit = fit_spectrum(spectrum, MODEL, start)
        assert fit.deviance == pytest.approx(reference.deviance, abs=1e-3)
        assert (np.abs(fit.parameters - reference.parameters) < 0.02 * errors(reference)).all()
    given = SpectrumModel(MODEL.resolution, 300.0, modes=[10.0, 4.0])
    fit = fit_spectrum(spectrum, given)
    assert (np.abs(fit.parameters - reference.parameters) < 0.02 * errors(reference)).all()


def test_modes_come_sorted():
    parameters = start_at_truth()
    for quantity in ("energy", "fwhm", "amplitude"):
        one, two = parameters[f"mode1_{quantity}"], parameters[f"mode2_{quantity}"]
        one.value, two.value = two.value, one.value
    fit = fit_spectrum(noisy(), MODEL, parameters)
    assert fit.modes[0].energy.value < fit.modes[1].energy.value
    expected = np.sqrt(np.diag(fisher_covariance(fit, fit.parameter_names)))
    np.testing.assert_allclose(errors(fit), expected, rtol=1e-3)


def test_held_names_follow_the_sorting():
    parameters = start_at_truth()
    for quantity in ("energy", "fwhm", "amplitude"):
        one, two = parameters[f"mode1_{quantity}"], parameters[f"mode2_{quantity}"]
        one.value, two.value = two.value, one.value
    parameters["mode1_fwhm"].set(value=0.8, max=0.9)  # what is mode 1 here comes out as mode 2
    fit = fit_spectrum(noisy(), MODEL, parameters)
    assert fit.held == ("mode2_fwhm",)
    assert fit.modes[1].fwhm.value == pytest.approx(0.9)


def test_same_seed_same_bits():
    data = four_modes(np.random.default_rng(11), 60.0)
    first = fit_spectrum(data.spectrum, data.model, seed=5)
    second = fit_spectrum(data.spectrum, data.model, seed=5)
    assert first.parameters.tobytes() == second.parameters.tobytes()
    assert first.covariance.tobytes() == second.covariance.tobytes()
    assert first.deviance == second.deviance
    assert first.start_vectors == second.start_vectors
    other = fit_spectrum(data.spectrum, data.model, seed=6)
    assert other.start_vectors != first.start_vectors


@pytest.mark.parametrize("seed", range(4))
def test_runs_again_bit_for_bit(seed):
    data = four_modes(np.random.default_rng(20 + seed), 60.0)
    fit = fit_spectrum(data.spectrum, data.model, seed=seed)
    assert fit.starts == len(fit.start_vectors) == 4
    vectors = [np.array(v) for v in fit.start_vectors]
    again = fit_from(data.spectrum, data.model, fit.start_parameters, vectors, seed=seed)
    assert again.parameters.tobytes() == fit.parameters.tobytes()
    assert again.covariance.tobytes() == fit.covariance.tobytes()
    assert again.deviance == fit.deviance
    assert again.held == fit.held
    assert again.message == fit.message


def test_more_starts_never_end_higher():
    data = four_modes(np.random.default_rng(31), 30.0)
    deviances = [fit_spectrum(data.spectrum, data.model, starts=n).deviance for n in (1, 2, 4, 8)]
    assert all(b <= a + 2e-3 for a, b in itertools.pairwise(deviances))


def test_cancel():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fit_spectrum(noisy(), MODEL, cancel=token)


def test_too_few_points():
    with pytest.raises(InputError, match="too few points"):
        fit_spectrum(expected_spectrum(MODEL, TRUTH, ENERGY[:10]), MODEL)
    fit_spectrum(expected_spectrum(MODEL, TRUTH, ENERGY[::14]), MODEL, start_at_truth(), starts=1)


def test_no_counts():
    with pytest.raises(InputError, match="no counts"):
        fit_spectrum(Spectrum(ENERGY, 0 * ENERGY, 1 + 0 * ENERGY), MODEL)
    with pytest.raises(InputError, match="no counts"):
        fit_spectrum(Spectrum(ENERGY, 1 + 0 * ENERGY, 0 * ENERGY), MODEL)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"objective": "gauss"}, "objective"),
        ({"starts": 0}, "start"),
        ({"start": [4.0]}, "start"),
        ({"start": [4.0, -9.0]}, "start"),
        ({"start": lmfit.Parameters()}, "missing"),
        ({"start": dict(TRUTH)}, "start"),
    ],
)
def test_bad_arguments(arguments, match):
    with pytest.raises(InputError, match=match):
        fit_spectrum(noisy(), MODEL, **arguments)


def test_a_start_that_is_not_a_number():
    parameters = start_at_truth()
    parameters["mode1_fwhm"].set(value=float("nan"))
    with pytest.raises(InputError, match="mode1_fwhm"):
        fit_spectrum(noisy(), MODEL, parameters)


def test_a_handful_of_counts_still_ends():
    """A dead analyzer that saw three photons gives a result or a clear error, no crash."""
    counts = np.zeros(ENERGY.size)
    counts[[20, 70, 110]] = 1.0
    fit = fit_spectrum(Spectrum(ENERGY, counts, np.ones(ENERGY.size)), MODEL)
    assert np.isfinite(fit.deviance)
    assert np.isfinite(fit.parameters).all()
