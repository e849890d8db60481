"""Global fits: inverse-variance means, lmfit on stacked residuals, Wilks' theorem, bounds."""

from __future__ import annotations

import lmfit
import numpy as np
import pytest
from scipy.stats import chi2, kstest

from ixs_core.errors import InputError
from ixs_core.jobs import Cancelled, CancelToken
from ixs_reduce import SpectrumModel, fit_global, fit_spectrum
from ixs_reduce.fitting import fit_from
from ixs_reduce.likelihood import deviance_residuals
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)

ENERGY = np.linspace(-10.0, 16.0, 105)
ONE = SpectrumModel(pseudo_voigt(1.5), 300.0, modes=1)
TWO = SpectrumModel(pseudo_voigt(1.6, 0.3), 300.0, modes=1)


def truth_of(model, energy=6.0, peak=300.0, zero=0.1, slope=0.0, level=0.05):
    return true_parameters(
        model,
        [(energy, 1.0, peak)],
        elastic_peak=2 * peak,
        background=(level * peak, slope),
        zero=zero,
    )


def clean(model, **options):
    return expected_spectrum(model, truth_of(model, **options), ENERGY)


def draw(spectrum, seed):
    return counted(spectrum, np.random.default_rng(seed))


def given(model, truth=None):
    """Parameters at the truth."""
    parameters = model.parameters()
    for name, value in (truth or truth_of(model)).items():
        parameters[name].set(value=value)
    return parameters


def quick(spectrum, model, truth):
    """A fit of its own from the truth."""
    return fit_spectrum(spectrum, model, given(model, truth), starts=1)


def test_two_spectra_of_one_energy():
    """Nearly uncorrelated with what is not shared: the inverse-variance mean and its error."""
    spectra = [draw(clean(ONE), 1), draw(clean(TWO, peak=150.0, zero=-0.2), 2)]
    result = fit_global(spectra, [ONE, TWO], ["mode1_energy"])
    alone = [fit.value("mode1_energy") for fit in result.individual]
    weights = np.array([a.stderr**-2 for a in alone])
    value = result.value("mode1_energy")
    assert value.stderr == pytest.approx(weights.sum() ** -0.5, rel=0.05)
    mean = np.average([a.value for a in alone], weights=weights)
    assert value.value == pytest.approx(mean, abs=0.2 * value.stderr)
    assert value.value == pytest.approx(6.0, abs=4 * value.stderr)
    assert [fit.modes[0].energy for fit in result.fits] == [value, value]
    assert result.deviance == pytest.approx(sum(fit.deviance for fit in result.fits))
    assert result.dof == 2 * ENERGY.size - 2 * 7 + 1
    assert result.test.delta_dof == 1
    assert result.converged
    # What is not shared hardly gains.
    for together, own in zip(result.fits, result.individual, strict=True):
        ratio = together.modes[0].fwhm.stderr / own.modes[0].fwhm.stderr
        assert 0.9 < ratio < 1.02


def test_noise_free_spectra_give_the_truth():
    """Temperatures, zeros and slopes differ; energy and background slope are one."""
    models = [SpectrumModel(pseudo_voigt(), t, modes=1) for t in (100.0, 300.0, 500.0)]
    truths = [
        truth_of(m, peak=p, zero=z, slope=0.2, level=0.1)
        for m, p, z in zip(models, (100, 300, 200), (0.1, -0.3, 0.2), strict=True)
    ]
    spectra = [expected_spectrum(m, t, ENERGY) for m, t in zip(models, truths, strict=True)]
    result = fit_global(spectra, models, ("mode1_energy", "background_c1"))
    assert result.deviance < 1e-5
    assert result.value("mode1_energy").value == pytest.approx(6.0, abs=1e-4)
    assert result.value("background_c1").value == pytest.approx(0.2, rel=1e-2)
    for fit, truth in zip(result.fits, truths, strict=True):
        error = np.sqrt(np.diag(fit.covariance))
        expected = np.array([truth[n] for n in fit.parameter_names])
        assert (np.abs(fit.parameters - expected) < 1e-2 * error).all()
    assert result.test.delta_deviance < 1e-4
    assert result.test.justified


@pytest.mark.parametrize(
    "names",
    [("mode1_energy",), ("mode1_energy", "background_c1"), ("background_c0", "background_c1")],
)
def test_agrees_with_lmfit(names):
    """lmfit minimises the residuals of both spectra end to end, with its numerical Jacobian."""
    models = [ONE, TWO]
    truths = [truth_of(ONE, slope=0.2), truth_of(TWO, zero=-0.2, slope=0.2)]
    spectra = [
        draw(expected_spectrum(m, t, ENERGY), s)
        for s, (m, t) in enumerate(zip(models, truths, strict=True))
    ]
    result = fit_global(spectra, models, names)
    parameters = lmfit.Parameters()
    for i, (model, truth) in enumerate(zip(models, truths, strict=True)):
        for name in model.parameter_names:
            lowest = 0.0 if name.endswith(("fwhm", "amplitude", "elastic")) else -np.inf
            parameters.add(f"s{i}_{name}", truth[name], min=lowest)
    for name in names:
        parameters[f"s1_{name}"].set(expr=f"s0_{name}", min=-np.inf)

    def residuals(values):
        parts = []
        for i, (model, spectrum) in enumerate(zip(models, spectra, strict=True)):
            own = {n: values[f"s{i}_{n}"].value for n in model.parameter_names}
            expected = np.maximum(model.evaluate(own, ENERGY), 1e-9)
            parts.append(deviance_residuals(spectrum.counts, expected))
        return np.concatenate(parts)

    peer = lmfit.Minimizer(residuals, parameters, scale_covar=False).minimize(
        ftol=1e-13, xtol=1e-13, gtol=1e-13
    )
    assert result.deviance == pytest.approx(peer.chisqr, abs=1e-4)
    assert result.dof == peer.nfree
    for i, fit in enumerate(result.fits):
        for name in fit.parameter_names:
            theirs = peer.params[f"s{i}_{name}"]
            ours = fit.value(name)
            assert ours.value == pytest.approx(theirs.value, abs=1e-2 * theirs.stderr)
            assert ours.stderr == pytest.approx(theirs.stderr, rel=0.05)


def test_named_members():
    """The shared branch is the first mode of one spectrum and the second of the other."""
    other = SpectrumModel(pseudo_voigt(), 300.0, modes=2)
    truth = true_parameters(
        other,
        [(3.5, 0.6, 200.0), (6.0, 1.0, 300.0)],
        elastic_peak=500.0,
        background=(15.0, 0.0),
        zero=0.0,
    )
    spectra = [draw(clean(ONE), 3), draw(expected_spectrum(other, truth, ENERGY), 4)]
    groups = {"LA": [(0, "mode1_energy"), (1, "mode2_energy")]}
    result = fit_global(spectra, [ONE, other], groups)
    (shared,) = result.shared
    assert shared.name == "LA"
    assert shared.members == ((0, "mode1_energy"), (1, "mode2_energy"))
    assert result.fits[0].modes[0].energy == result.fits[1].modes[1].energy == shared.value
    assert result.fits[1].modes[0].energy.value == pytest.approx(3.5, abs=0.2)
    assert result.test.delta_dof == 1


def test_wilks():
    """With sharing right the test's p-values are uniform and the rise has its mean of 2."""
    models = [ONE, TWO]
    truths = [truth_of(ONE), truth_of(TWO, zero=-0.2)]
    cleans = [expected_spectrum(m, t, ENERGY) for m, t in zip(models, truths, strict=True)]
    rises, p = [], []
    for seed in range(60):
        fits = [
            quick(draw(c, 900 + 2 * seed + i), m, t)
            for i, (c, m, t) in enumerate(zip(cleans, models, truths, strict=True))
        ]
        result = fit_global(
            [f.spectrum for f in fits], models, ("mode1_energy", "mode1_fwhm"), fits
        )
        rises.append(result.test.delta_deviance)
        p.append(result.test.p_value)
    assert result.test.p_value == pytest.approx(chi2.sf(rises[-1], 2))
    assert kstest(p, "uniform").pvalue > 0.01
    assert np.mean(rises) == pytest.approx(2.0, abs=4 * 2 / np.sqrt(60))


def test_wrong_sharing_is_contradicted():
    spectra = [draw(clean(ONE), 1), draw(clean(TWO, energy=6.5), 2)]
    result = fit_global(spectra, [ONE, TWO], ["mode1_energy"])
    alone = [fit.value("mode1_energy") for fit in result.individual]
    distance = (alone[1].value - alone[0].value) / np.hypot(alone[0].stderr, alone[1].stderr)
    # Two independent values: the rise is the square of their distance in standard errors.
    assert result.test.delta_deviance == pytest.approx(distance**2, rel=0.15)
    assert not result.test.justified
    assert "contradict" in result.test.words
    assert result.test.words in result.warnings


def test_background_stays_positive_with_one_slope():
    """Data whose backgrounds fall to zero: single fits and the global one never go below."""
    spectra = [
        draw(clean(ONE, level=0.025, slope=-0.45), 1),
        draw(clean(TWO, level=0.03, slope=-0.45), 2),
    ]
    result = fit_global(spectra, [ONE, TWO], ["background_c1"])
    assert result.value("background_c1").value < 0
    for fit in result.fits:
        c0, c1 = (b.value for b in fit.background)
        assert (c0 + c1 * ENERGY).min() > -1e-9
    assert not any("negative" in words for words in result.warnings)


def test_bounds_of_members_meet():
    """A shared width at its bound of zero is held there, as a limit."""
    spectra = []
    for seed in range(20):
        model = ONE
        truth = truth_of(model) | {"mode1_fwhm": 1e-6}
        truth["mode1_amplitude"] *= 0.5
        fit = quick(draw(expected_spectrum(model, truth, ENERGY), seed), model, truth)
        if fit.modes[0].fwhm.at_bound:
            spectra.append(fit.spectrum)
    result = fit_global(spectra[:2], ONE, ["mode1_fwhm"])
    value = result.value("mode1_fwhm")
    assert value.value == 0
    assert value.at_bound
    assert np.isnan(value.stderr)
    assert all(fit.modes[0].fwhm.at_bound for fit in result.fits)
    assert all(fit.modes[0].energy.stderr > 0 for fit in result.fits)


def test_a_users_bounds_hold():
    spectra = [draw(clean(ONE), 1), draw(clean(TWO), 2)]
    starts = [given(m) for m in (ONE, TWO)]
    starts[0]["mode1_energy"].set(value=5.8, max=5.9)
    result = fit_global(spectra, [ONE, TWO], ["mode1_energy"], starts)
    assert result.value("mode1_energy").value == pytest.approx(5.9)
    assert result.value("mode1_energy").at_bound


def test_a_spectrums_view_stands_for_itself():
    spectra = [draw(clean(ONE), 1), draw(clean(TWO), 2)]
    result = fit_global(spectra, [ONE, TWO], ["mode1_energy", "background_c1"])
    for fit in result.fits:
        again = fit_from(
            fit.spectrum, fit.model, fit.start_parameters, [np.array(fit.start_vectors[0])]
        )
        assert again.deviance == pytest.approx(fit.deviance, abs=1e-3)
        assert again.dof == fit.dof
        assert fit.to_lmfit().params["mode1_energy"].stderr == pytest.approx(
            result.value("mode1_energy").stderr
        )


def test_start_fits_are_taken():
    spectra = [draw(clean(ONE), 1), draw(clean(TWO), 2)]
    fits = [fit_spectrum(s, m) for s, m in zip(spectra, (ONE, TWO), strict=True)]
    one = fit_global(spectra, [ONE, TWO], ["mode1_energy"], fits)
    two = fit_global(spectra, [ONE, TWO], ["mode1_energy"])
    assert one.individual == tuple(fits)
    assert one.deviance == two.deviance
    with pytest.raises(InputError, match="another spectrum"):
        fit_global(spectra, [ONE, TWO], ["mode1_energy"], fits[::-1])


def test_strongly_damped_modes_share_their_energy():
    models = [ONE, TWO]
    truths = [truth_of(m) | {"mode1_energy": 4.0, "mode1_fwhm": 9.0} for m in models]
    for truth in truths:
        truth["mode1_amplitude"] *= 20
    spectra = [
        draw(expected_spectrum(m, t, ENERGY), 5 + i)
        for i, (m, t) in enumerate(zip(models, truths, strict=True))
    ]
    result = fit_global(spectra, models, ["mode1_energy"])
    value = result.value("mode1_energy")
    assert result.converged
    assert value.value == pytest.approx(4.0, abs=4 * value.stderr)
    assert value.stderr < min(f.value("mode1_energy").stderr for f in result.individual)


@pytest.mark.parametrize(
    ("shared", "message"),
    [
        ((), "nothing is shared"),
        (("mode2_energy",), "no such parameter"),
        ({"a": [(0, "zero")]}, "two members"),
        ({"a": [(0, "zero"), (5, "zero")]}, "no such spectrum"),
        ({"a": [(0, "zero"), (1, "zero")], "b": [(0, "zero"), (1, "elastic")]}, "shared twice"),
    ],
)
def test_unusable_sharing(shared, message):
    spectra = [clean(ONE), clean(TWO)]
    with pytest.raises(InputError, match=message):
        fit_global(spectra, [ONE, TWO], shared)


def test_fixed_parameters_cannot_be_shared():
    spectra = [clean(ONE), clean(TWO)]
    starts = [given(m) for m in (ONE, TWO)]
    starts[1]["mode1_energy"].set(vary=False)
    with pytest.raises(InputError, match="fixed or tied"):
        fit_global(spectra, [ONE, TWO], ["mode1_energy"], starts)


def test_unmatched_arguments():
    with pytest.raises(InputError, match="two spectra"):
        fit_global([clean(ONE)], [ONE], ["zero"])
    with pytest.raises(InputError, match="model for each"):
        fit_global([clean(ONE)] * 3, [ONE, TWO], ["zero"])
    with pytest.raises(InputError, match="start values"):
        fit_global([clean(ONE)] * 2, ONE, ["zero"], [None])
    result = fit_global([clean(ONE)] * 2, ONE, "zero")
    with pytest.raises(InputError, match="no such shared quantity"):
        result.value("elastic")


def test_cancel():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fit_global([clean(ONE), clean(TWO)], [ONE, TWO], ["zero"], cancel=token)
