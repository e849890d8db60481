"""One fit against lmfit, many warm fits, and the evaluation that redraws a plot."""

from __future__ import annotations

import lmfit
import numpy as np

from benchmarks.synthetic import disturbed, spectrum
from benchmarks.timing import Measurement, best_seconds
from ixs_reduce.batch import FitOptions, fit_one
from ixs_reduce.fitting import SpectrumFit, fit_from, fit_spectrum
from ixs_reduce.likelihood import deviance_residuals
from ixs_reduce.spectrum import Spectrum

ENERGIES = np.array([3.5, 6.0, 9.0, 13.0])
WIDTHS = np.array([0.4, 0.8, 1.2, 1.6])


def run() -> list[Measurement]:
    """All measurements of this file."""
    generator = np.random.default_rng(1)
    data, model, truth = spectrum(ENERGIES, WIDTHS, generator)
    return [
        _against_lmfit(data, model, truth),
        _warm_batch(generator),
        _redraw(data, model, truth),
    ]


def _against_lmfit(data, model, truth) -> Measurement:  # type: ignore[no-untyped-def]
    start = disturbed(truth)
    prepared = model.prepare(data.energy_mev)

    def residuals(parameters: lmfit.Parameters) -> np.ndarray:
        intensity, _ = prepared(model.vector(parameters))
        return deviance_residuals(data.counts, np.maximum(data.exposure * intensity, 1e-12))

    def peer() -> lmfit.minimizer.MinimizerResult:
        return lmfit.minimize(residuals, start, method="leastsq", scale_covar=False)

    def ours() -> SpectrumFit:
        return fit_spectrum(data, model, start, starts=1)

    if abs(peer().chisqr - ours().deviance) > 0.05:
        raise RuntimeError("the two fits do not agree")
    return Measurement(
        "one spectrum, 200 points, 16 parameters",
        best_seconds(ours),
        "lmfit leastsq, numeric Jacobian, same model and start",
        best_seconds(peer, 3),
        "5 times faster, < 20 ms",
    )


def _warm_batch(generator: np.random.Generator) -> Measurement:
    """28 analyzers × 20 scans along Q, each fit started from the scan before."""
    chains: list[list[Spectrum]] = []
    first: list[SpectrumFit] = []
    for analyzer in range(28):
        chain = []
        for step in range(20):
            shift = 0.04 * step + 0.02 * analyzer
            data, model, truth = spectrum(ENERGIES + shift, WIDTHS, generator)
            chain.append(data)
            if step == 0:
                first.append(fit_from(data, model, truth, [model.vector(truth)]))
        chains.append(chain)
    options = FitOptions(modes=4)

    def batch() -> None:
        for chain, previous in zip(chains, first, strict=True):
            for data in chain:
                previous = fit_one(data, previous.model.resolution, options, previous)

    return Measurement(
        "560 warm fits, 4 modes each, one core", best_seconds(batch, 1), "limit", 5.0, "< 5 s"
    )


def _redraw(data, model, truth) -> Measurement:  # type: ignore[no-untyped-def]
    prepared = model.prepare(data.energy_mev)
    theta = model.vector(truth)
    prepared(theta)

    def hundred() -> None:
        for _ in range(100):
            prepared(theta)

    return Measurement(
        "model redraw, 200 points, 4 modes", best_seconds(hundred) / 100, "limit", 1e-3, "< 1 ms"
    )
