"""Whether a fit describes its counts: deviance, runs and correlation of what it leaves over.

At the counts of a phonon spectrum the deviance does not follow χ² (at 1 count per point its
mean is 15 % above the number of degrees of freedom), so every number is held against the same
number of simulated spectra: Poisson draws at the expected counts of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_reduce.counts_problem import problem_at
from ixs_reduce.fisher_scoring import held_at_bounds
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.likelihood import Objective, deviance_residuals, neyman_weights

OUTLIER = 4.0
"""Deviance residuals beyond this are listed."""

_UNLIKELY = 0.01
_SIGNIFICANT = 3.0
# A first-order refit may lower the expected counts of a point to this share, not below zero.
_LOWEST_SHARE = 0.1


class RunsTest(NamedTuple):
    """Runs of equal sign along the residuals.

    runs, expected : number, and its expectation for independent signs; score : (runs -
    expected) / standard deviation (A. Wald, J. Wolfowitz, Ann. Math. Stat. 11 (1940) 147);
    p_value : two-sided, from the simulated distribution of the score.
    """

    runs: int
    expected: float
    score: float
    p_value: float


class Autocorrelation(NamedTuple):
    """Correlation of residuals that lie lag_mev apart.

    value : -1 … 1, NaN when no two points are that far apart; significance : its distance
    from the mean of simulated spectra in their standard deviations; pairs : of points.
    """

    lag_mev: float
    value: float
    significance: float
    pairs: int


@dataclass(frozen=True)
class Goodness:
    """How well a fit describes its counts.

    deviance, dof : of the fit.
    simulated_mean, simulated_std : of the deviance of simulated spectra, fitted again.
    p_value : share of simulated spectra with a deviance at least as large.
    runs : RunsTest
    autocorrelation : Autocorrelation, at the FWHM of the resolution.
    outliers : (energy in meV of the file, residual) of points with |residual| > 4.
    simulations, seed : as given.
    words : sentences for the report, what is wrong first.
    """

    deviance: float
    dof: int
    simulated_mean: float
    simulated_std: float
    p_value: float
    runs: RunsTest
    autocorrelation: Autocorrelation
    outliers: tuple[tuple[float, float], ...]
    simulations: int
    seed: int
    words: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Deviance above the simulated mean in simulated standard deviations."""
        return (self.deviance - self.simulated_mean) / self.simulated_std


def goodness(fit: SpectrumFit, simulations: int = 500, seed: int = 0) -> Goodness:
    """Hold a fit against spectra simulated from it.

    Parameters
    ----------
    fit : SpectrumFit
    simulations : int
        Number of simulated spectra, 20 or more; the smallest p-value is 1/(simulations + 1).
    seed : int

    Returns
    -------
    Goodness

    Raises
    ------
    InputError
        For fewer than 20 simulations.

    Notes
    -----
    Each simulated spectrum N* is fitted again to first order: with r = (N* - μ)/√μ, Jacobian J
    of μ and Q an orthonormal basis of the columns of J/√μ, the refit gives μ* = μ + √μ QQᵀr
    and lowers the deviance by |Qᵀr|². Parameters at a bound stay there, because a parameter
    that the data hold at its bound takes no part in lowering the observed deviance either.
    """
    if simulations < 20:
        raise InputError("too few simulations", key="simulations", found=simulations, expected=20)
    counts, expected = fit.spectrum.counts, fit.expected_counts
    generator = np.random.default_rng(seed)
    draws = generator.poisson(expected, (simulations, counts.size)).astype(float)
    deviances, refitted = first_order_refits(_jacobian(fit), draws, expected, fit.objective)
    observed = deviance_residuals(counts, expected)
    simulated = deviance_residuals(draws, refitted)
    live = fit.spectrum.exposure > 0
    result = Goodness(
        deviance=fit.deviance,
        dof=fit.dof,
        simulated_mean=float(deviances.mean()),
        simulated_std=float(deviances.std(ddof=1)),
        p_value=_share(deviances >= fit.deviance),
        runs=_runs_test(observed[live], simulated[:, live]),
        autocorrelation=_autocorrelation(
            fit.spectrum.energy_mev[live],
            observed[live],
            simulated[:, live],
            fit.model.resolution.fwhm_mev,
        ),
        outliers=tuple(
            (float(fit.spectrum.energy_mev[i]), float(observed[i]))
            for i in np.flatnonzero(np.abs(observed) > OUTLIER)
        ),
        simulations=simulations,
        seed=seed,
    )
    return _with_words(result)


def first_order_refits(
    jacobian: FloatArray, draws: FloatArray, expected: FloatArray, objective: Objective
) -> tuple[FloatArray, FloatArray]:
    """Refit simulated counts with the model made linear about the expected counts.

    Parameters
    ----------
    jacobian : (k, n) array
        Derivatives of the expected counts with the free parameters.
    draws : (m, n) array
        Simulated counts.
    expected : (n,) array
        What they were drawn from.
    objective : "poisson" or "chi2"

    Returns
    -------
    minimum : (m,) array
        The objective after the refit.
    refitted : (m, n) array
        Expected counts after the refit.
    """
    if objective == "poisson":
        basis = _basis(jacobian, 1 / np.sqrt(expected))
        pull = (draws - expected) / np.sqrt(expected)
        part = pull @ basis
        minimum = (deviance_residuals(draws, expected) ** 2).sum(axis=1) - (part**2).sum(axis=1)
        moved = expected + np.sqrt(expected) * (part @ basis.T)
    else:  # the weights of χ² differ from draw to draw
        root = np.sqrt(neyman_weights(draws))
        pull = (draws - expected) * root
        minimum, moved = np.empty(len(draws)), np.empty(draws.shape)
        for k in range(len(draws)):
            basis = _basis(jacobian, root[k])
            part = basis.T @ pull[k]
            minimum[k] = pull[k] @ pull[k] - part @ part
            moved[k] = expected + (basis @ part) / root[k]
    return minimum, np.maximum(moved, _LOWEST_SHARE * expected)


def runs_score(signs: BoolArray) -> tuple[int, float, float]:
    """Runs of a sequence of signs, their expected number and the Wald-Wolfowitz score.

    With n₊ and n₋ of each sign, n together, the expectation is 1 + 2n₊n₋/n and the variance
    2n₊n₋(2n₊n₋ - n)/(n²(n-1)). The score is 0 when all signs are equal.
    """
    n = signs.size
    runs = 1 + int(np.count_nonzero(signs[1:] != signs[:-1]))
    pairs = 2.0 * int(np.count_nonzero(signs)) * int(np.count_nonzero(~signs))
    if n < 3 or pairs == 0:
        return runs, float(runs), 0.0
    expected = 1 + pairs / n
    variance = pairs * (pairs - n) / (n**2 * (n - 1))
    return runs, expected, (runs - expected) / float(np.sqrt(variance)) if variance > 0 else 0.0


def pairs_apart(energy_mev: FloatArray, lag_mev: float) -> tuple[IntArray, IntArray]:
    """Indices of points and of those nearest to lag_mev above them.

    energy_mev : (n,) ascending. Partners are within half the local step and a quarter of the
    lag, so uneven scans and gaps are served.
    """
    target = energy_mev + lag_mev
    right = np.clip(np.searchsorted(energy_mev, target), 1, energy_mev.size - 1)
    nearer = target - energy_mev[right - 1] < energy_mev[right] - target
    partner = np.where(nearer, right - 1, right)
    step = energy_mev[right] - energy_mev[right - 1]
    allowed = np.minimum(0.5 * step, 0.25 * lag_mev) * (1 + 1e-9)
    good = np.abs(energy_mev[partner] - target) <= allowed
    first = np.flatnonzero(good & (partner > np.arange(energy_mev.size)))
    return first, partner[first]


def _jacobian(fit: SpectrumFit) -> FloatArray:
    """Derivatives (k, n) of the expected counts with the coordinates that are not at a bound."""
    problem = problem_at(fit)
    optimum = problem.minimise(problem.coordinates.point(fit.parameters), fit.objective)
    held = held_at_bounds(optimum, *problem.coordinates.bounds())
    return problem.expected(optimum.point)[1][~held]


def _basis(jacobian: FloatArray, weight: FloatArray) -> FloatArray:
    """Orthonormal (n, k) basis of the weighted Jacobian's rows; degenerate ones count once."""
    columns = (jacobian * weight).T
    norm = np.linalg.norm(columns, axis=0)
    columns = columns[:, norm > 0] / norm[norm > 0]
    if not columns.size:
        return np.zeros((weight.size, 0))
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, singular > 1e-6 * singular[0]]


def _runs_test(observed: FloatArray, simulated: FloatArray) -> RunsTest:
    runs, expected, score = runs_score(observed > 0)
    scores = np.array([runs_score(row > 0)[2] for row in simulated])
    # At low counts signs are not even odds and change along the spectrum: centre on the draws.
    middle = float(np.median(scores))
    return RunsTest(
        runs, expected, score, _share(np.abs(scores - middle) >= abs(score - middle) - 1e-12)
    )


def _autocorrelation(
    energy_mev: FloatArray, observed: FloatArray, simulated: FloatArray, lag_mev: float
) -> Autocorrelation:
    first, second = pairs_apart(energy_mev, lag_mev)
    if first.size < 3:
        return Autocorrelation(lag_mev, float("nan"), float("nan"), first.size)

    def correlation(residuals: FloatArray) -> FloatArray:
        product = (residuals[..., first] * residuals[..., second]).mean(axis=-1)
        return np.asarray(product / np.maximum((residuals**2).mean(axis=-1), 1e-300))

    value, values = float(correlation(observed)), correlation(simulated)
    spread = float(values.std(ddof=1))
    significance = (value - float(values.mean())) / spread if spread > 0 else float("nan")
    return Autocorrelation(lag_mev, value, significance, first.size)


def _share(hits: BoolArray) -> float:
    """Share of simulated spectra, the observed one counted among them."""
    return float((1 + np.count_nonzero(hits)) / (1 + hits.size))


def _with_words(result: Goodness) -> Goodness:
    return replace(result, words=tuple(_words(result)))


def _words(result: Goodness) -> list[str]:
    p, auto, runs = result.p_value, result.autocorrelation, result.runs
    least = " or less" if p <= 1.5 / (result.simulations + 1) else ""
    numbers = (
        f"deviance {result.deviance:.0f} where counting noise gives "
        f"{result.simulated_mean:.0f} ± {result.simulated_std:.0f} (p = {p:.2g}{least})"
    )
    words = []
    if p < _UNLIKELY:
        words.append(f"{numbers}: the model does not describe the counts within their noise")
    elif result.score < -OUTLIER:
        words.append(
            f"{numbers}: the counts scatter less than counts do; were they normalised or smoothed?"
        )
    else:
        words.append(f"{numbers}: within counting noise")
    if abs(auto.significance) > _SIGNIFICANT:
        words.append(
            f"residuals are correlated over the resolution width ({auto.value:+.2f} at "
            f"{auto.lag_mev:.2f} meV, {abs(auto.significance):.1f}σ): the line shape is not fully "
            "described"
        )
    if runs.p_value < _UNLIKELY:
        kind = "few" if runs.runs < runs.expected else "many"
        words.append(
            f"residuals change sign too {kind}: {runs.runs} where {runs.expected:.0f} "
            f"are expected (p = {runs.p_value:.2g})"
        )
    if result.outliers:
        places = ", ".join(f"{energy:.2f}" for energy, _ in result.outliers[:5])
        more = ", …" if len(result.outliers) > 5 else ""
        plural = "s lie" if len(result.outliers) > 1 else " lies"
        words.append(
            f"{len(result.outliers)} point{plural} more than {OUTLIER:.0f}σ off (at {places}{more} "
            "meV)"
        )
    return words
