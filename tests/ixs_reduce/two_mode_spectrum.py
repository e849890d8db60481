"""The two-mode spectrum that the fit tests share, and Fisher information by differences."""

from __future__ import annotations

import numpy as np

from ixs_reduce import SpectrumModel
from tests.ixs_reduce.synthetic_spectra import (
    counted,
    expected_spectrum,
    pseudo_voigt,
    true_parameters,
)

ENERGY = np.linspace(-10.0, 20.0, 151)
MODEL = SpectrumModel(pseudo_voigt(), 300.0, modes=2)
TRUTH = true_parameters(
    MODEL,
    [(4.5, 0.8, 400.0), (9.5, 1.5, 300.0)],
    elastic_peak=900.0,
    background=(20.0, 0.3),
    zero=0.12,
)


def noisy(seed=1):
    return counted(expected_spectrum(MODEL, TRUTH, ENERGY), np.random.default_rng(seed))


def start_at_truth(model=MODEL, truth=TRUTH):
    parameters = model.parameters()
    for name, value in truth.items():
        parameters[name].set(value=value)
    return parameters


def vector(truth, model=MODEL):
    return np.array([truth[name] for name in model.parameter_names])


def errors(fit):
    return np.sqrt(np.diag(fit.covariance))


def fisher_covariance(fit, free, tied=None):
    """Inverse of Σ ∂μ ∂μ /μ by central differences over free parameters; ties by a function."""
    model, spectrum = fit.model, fit.spectrum
    best = dict(zip(fit.parameter_names, fit.parameters, strict=True))

    def expected(name, step):
        moved = best | {name: best[name] + step}
        moved |= tied(moved) if tied else {}
        return spectrum.exposure * model.evaluate(moved, spectrum.energy_mev)

    steps = [1e-4 * max(abs(best[name]), 0.1) for name in free]
    slopes = np.array(
        [(expected(n, s) - expected(n, -s)) / (2 * s) for n, s in zip(free, steps, strict=True)]
    )
    return np.linalg.inv((slopes / fit.expected_counts) @ slopes.T)
