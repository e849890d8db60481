"""Fits in lmfit's terms: its result object, and its minimizer on the same likelihood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lmfit
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.likelihood import deviance_residuals

if TYPE_CHECKING:
    from ixs_reduce.fitting import SpectrumFit


def fitted_parameters(fit: SpectrumFit) -> lmfit.Parameters:
    """`lmfit.Parameters` at the optimum, with standard errors and correlations."""
    parameters = fit.start_parameters.copy()
    error = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    scale = np.where(error > 0, error, np.inf)
    correlation = fit.covariance / scale[:, None] / scale
    for i, name in enumerate(fit.parameter_names):
        own = parameters[name]
        if not own.expr:
            own.value = fit.parameters[i]
        own.stderr = float(error[i]) if error[i] > 0 else None
        own.correl = {
            other: float(correlation[i, j])
            for j, other in enumerate(fit.parameter_names)
            if j != i and correlation[i, j] != 0
        }
    return parameters


def minimizer_result(fit: SpectrumFit) -> lmfit.minimizer.MinimizerResult:
    """The fit as lmfit's result; chisqr is the deviance (or χ²)."""
    free = [n for n in fit.parameter_names if n in fit.start_parameters and _varies(fit, n)]
    index = [fit.parameter_names.index(n) for n in free]
    points = fit.spectrum.counts.size
    return lmfit.minimizer.MinimizerResult(
        params=fitted_parameters(fit),
        method="fisher scoring",
        success=fit.converged,
        message=fit.message,
        var_names=free,
        init_vals=[float(fit.start_vectors[0][i]) for i in index],
        covar=fit.covariance[np.ix_(index, index)],
        errorbars=True,
        aborted=False,
        nfev=None,
        nvarys=len(free),
        ndata=points,
        nfree=fit.dof,
        chisqr=fit.deviance,
        redchi=fit.reduced_deviance,
        aic=fit.deviance + 2 * len(free),
        bic=fit.deviance + float(np.log(points)) * len(free),
        residual=deviance_residuals(fit.spectrum.counts, fit.expected_counts),
    )


def lmfit_minimizer(fit: SpectrumFit) -> lmfit.Minimizer:
    """lmfit's own minimizer on the deviance residuals of a fit, started at its optimum.

    For a cross-check (`.minimize()`) and for `lmfit.conf_interval`.
    """
    prepared = fit.model.prepare(fit.spectrum.energy_mev)
    exposure = fit.spectrum.exposure
    rate = fit.spectrum.background_rate
    constant = 0.0 if rate is None else exposure * rate

    def residuals(parameters: lmfit.Parameters) -> FloatArray:
        intensity, _ = prepared(fit.model.vector(parameters))
        expected = np.maximum(exposure * intensity + constant, 1e-12)
        return deviance_residuals(fit.spectrum.counts, expected)

    return lmfit.Minimizer(residuals, fitted_parameters(fit), scale_covar=False)


def _varies(fit: SpectrumFit, name: str) -> bool:
    return bool(fit.start_parameters[name].vary) and not fit.start_parameters[name].expr
