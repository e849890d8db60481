"""What the counts say about each parameter: samples of the posterior distribution by emcee.

Where a parabola describes the likelihood badly (a width near zero, an overdamped mode, two modes
that share one peak) quantiles of these samples stand in for value ± error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.units import HBAR_MEV_PS
from ixs_reduce.counts_problem import CountsProblem, problem_at
from ixs_reduce.fisher_scoring import covariance, held_at_bounds
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.likelihood import poisson_deviance

if TYPE_CHECKING:
    import emcee

    from ixs_core.jobs import CancelToken, Progress

LONG_ENOUGH = 50
"""A chain shorter than this many autocorrelation times is warned about."""

_QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
_NEAR_BOUND = 0.9
_BURN_IN = 0.25


class Quantiles(NamedTuple):
    """2.5, 16, 50, 84 and 97.5 % quantiles of a quantity."""

    q2_5: float
    q16: float
    median: float
    q84: float
    q97_5: float

    @property
    def half_width(self) -> float:
        """Half of the central 68 % interval, to compare with a standard error."""
        return 0.5 * (self.q84 - self.q16)


@dataclass(frozen=True)
class Posterior:
    """Samples of the posterior of a fit, and what they say.

    Parameters
    ----------
    fit : SpectrumFit
    samples : mapping of str to (n_samples,) array
        Of the parameters that are not fixed, tied ones included, and of derived quantities:
        mode1_overdamping (W²/G, meV), mode1_lifetime_ps (ħ/G), …; the samples of one index
        belong together.
    quantiles : mapping of str to Quantiles
        Of the same.
    sampled : tuple of str
        Free parameters, in the order of the next two.
    autocorrelation : (n_free,) array
        Integrated autocorrelation times in steps, of the coordinates that move.
    effective_samples : (n_free,) array
        Samples divided by the autocorrelation time.
    acceptance : float
        Share of accepted moves.
    steps, walkers, burn_in, seed : int
        Steps kept of each walker, walkers, steps left out before, as given.
    warnings : tuple of str
    """

    fit: SpectrumFit
    samples: Mapping[str, FloatArray]
    quantiles: Mapping[str, Quantiles]
    sampled: tuple[str, ...]
    autocorrelation: FloatArray
    effective_samples: FloatArray
    acceptance: float
    steps: int
    walkers: int
    burn_in: int
    seed: int
    warnings: tuple[str, ...] = ()


def sample_posterior(
    fit: SpectrumFit,
    steps: int = 3000,
    walkers: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Posterior:
    """Sample the posterior of a fit's parameters with flat priors within their bounds.

    Parameters
    ----------
    fit : SpectrumFit
        With the Poisson objective. Its bounds, fixed values and ties hold for the samples.
    steps : int
        Steps kept of each walker; a quarter of that goes before as burn-in.
    walkers : int, optional
        Even, twice the number of free parameters or more; default four times, at least 24.
    seed : int
    progress, cancel : optional
        Told and asked at every step.

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        For a χ² fit, a fit without free parameters, too few walkers or steps.
    Cancelled
        When `cancel` is set.

    Notes
    -----
    The prior is flat in the parameters as named (W, G, A, …), zero outside their bounds, where
    the background would be negative, and where modes would change their order. A strongly
    damped mode moves as (ln W²/G, ln G), with the factor W·G that keeps its prior flat in W and
    G. Differential evolution moves (C. J. F. ter Braak, J. A. Vrugt, Stat. Comput. 18 (2008)
    435) of emcee (D. Foreman-Mackey et al., PASP 125 (2013) 306): three times shorter
    autocorrelation than its default moves at 6 and at 16 parameters.
    """
    target = _Target.of(fit)
    n_free = target.problem.coordinates.free.size
    walkers = max(24, 4 * n_free) if walkers is None else walkers
    _check(fit, n_free, steps, walkers)
    generator = np.random.default_rng(seed)
    burn_in = int(np.ceil(_BURN_IN * steps))
    sampler = _run(target, generator, burn_in + steps, walkers, progress, cancel)
    chain = sampler.get_chain(discard=burn_in)
    times = _autocorrelation_times(chain)
    values = np.array([target.values(p) for p in chain.reshape(-1, n_free)])
    samples = _samples(fit, values)
    quantiles = {
        name: Quantiles(*(float(q) for q in np.quantile(column, _QUANTILES)))
        for name, column in samples.items()
    }
    names = target.problem.coordinates.names
    sampled = tuple(names[k] for k in target.problem.coordinates.free)
    return Posterior(
        fit=fit,
        samples=samples,
        quantiles=quantiles,
        sampled=sampled,
        autocorrelation=times,
        effective_samples=steps * walkers / times,
        acceptance=float(np.mean(sampler.acceptance_fraction)),
        steps=steps,
        walkers=walkers,
        burn_in=burn_in,
        seed=seed,
        warnings=_warnings(fit, quantiles, sampled, times, steps),
    )


@dataclass(frozen=True)
class _Target:
    """The logarithm of the posterior density in the free coordinates of a fit."""

    problem: CountsProblem
    ordered: bool
    lower: FloatArray = field(init=False)
    upper: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        lower, upper = self.problem.coordinates.bounds()
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    @classmethod
    def of(cls, fit: SpectrumFit) -> _Target:
        given = fit.start_parameters
        own = fit.parameter_names[: 3 * fit.model.n_modes]
        # Modes that the user speaks of by number keep their numbers.
        return cls(problem_at(fit), all(given[n].vary and not given[n].expr for n in own))

    def values(self, point: FloatArray) -> FloatArray:
        """Parameter values (n_parameters,) at a point."""
        return self.problem.coordinates.parameters(point)[0]

    def __call__(self, point: FloatArray) -> float:
        if (point < self.lower).any() or (point > self.upper).any():
            return -np.inf
        coordinates, spectrum = self.problem.coordinates, self.problem.spectrum
        values = self.values(point)
        free = coordinates.free
        if not self._allowed(values):
            return -np.inf
        intensity, _ = self.problem.prepared(values)
        if spectrum.background_rate is not None:
            intensity = intensity + spectrum.background_rate
        expected = spectrum.exposure * intensity
        seen = spectrum.counts > 0
        if (expected[seen] <= 0).any() or (expected < 0).any():
            return -np.inf
        positive = np.where(seen, expected, np.maximum(expected, 1e-300))
        value = -0.5 * poisson_deviance(spectrum.counts, positive)
        for mode in coordinates.damped:
            value += float(np.log(values[3 * mode] * values[3 * mode + 1]))
        return value if free.size and np.isfinite(value) else -np.inf

    def _allowed(self, values: FloatArray) -> bool:
        """Whether named bounds hold (the coordinates may have others) and modes keep order."""
        coordinates = self.problem.coordinates
        modes = 3 * self.problem.prepared.model.n_modes
        inside = (values >= coordinates.lower) & (values <= coordinates.upper)
        fixed = np.ones(values.size, dtype=bool)
        fixed[coordinates.free] = False
        energies = values[0:modes:3]
        return bool((inside | fixed).all()) and not (
            self.ordered and bool((np.diff(energies) < 0).any())
        )


def _check(fit: SpectrumFit, n_free: int, steps: int, walkers: int) -> None:
    if fit.objective != "poisson":
        raise InputError(
            "only Poisson fits have a posterior",
            key="objective",
            found=fit.objective,
            hint='fit with objective="poisson"',
        )
    if n_free == 0:
        raise InputError("no parameter is free, there is nothing to sample")
    if steps < 10:
        raise InputError("too few steps", key="steps", found=steps, expected="10 or more")
    if walkers < max(2 * n_free, 4) or walkers % 2:
        raise InputError(
            "unusable number of walkers",
            key="walkers",
            found=walkers,
            expected=f"an even number, {max(2 * n_free, 4)} or more",
        )


def _run(
    target: _Target,
    generator: np.random.Generator,
    steps: int,
    walkers: int,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> emcee.EnsembleSampler:
    import emcee

    moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
    sampler = emcee.EnsembleSampler(
        walkers, target.problem.coordinates.free.size, target, moves=moves
    )
    # emcee draws from numpy's older generator: seed it from ours.
    sampler.random_state = np.random.RandomState(int(generator.integers(2**31))).get_state()
    start = _start(target, generator, walkers)
    # Walkers drawn from the covariance are independent, however different their scales.
    for done, _ in enumerate(
        sampler.sample(start, iterations=steps, skip_initial_state_check=True), start=1
    ):
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress(done, steps, "sampling the posterior")
    return sampler


def _start(target: _Target, generator: np.random.Generator, walkers: int) -> FloatArray:
    """Walkers about the optimum, (walkers, n_free), each where the posterior is not zero."""
    problem = target.problem
    point = problem.coordinates.point(problem.coordinates.base)
    optimum = problem.minimise(point, "poisson")
    held = held_at_bounds(optimum, target.lower, target.upper)
    root = _square_root(covariance(optimum, held))
    alone = _alone(np.diag(optimum.information), held)
    result = np.empty((walkers, point.size))
    for k in range(walkers):
        scale = 1.0
        for _ in range(60):
            step = root @ generator.normal(size=point.size)
            step += alone * generator.normal(size=point.size)
            trial = _reflected(optimum.point + scale * step, target.lower, target.upper)
            if np.isfinite(target(trial)):
                break
            scale *= 0.8
        else:
            raise InputError("the fit lies outside of its own bounds; fit again before sampling")
        result[k] = trial
    return result


def _square_root(matrix: FloatArray) -> FloatArray:
    """A matrix whose square is the given one, which is positive but perhaps singular."""
    spread = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    scale = np.where(spread > 0, spread, 1.0)
    value, vector = np.linalg.eigh(matrix / scale[:, None] / scale)
    return np.asarray(scale[:, None] * vector * np.sqrt(np.maximum(value, 0.0)))


def _alone(information: FloatArray, held: BoolArray) -> FloatArray:
    """Steps for coordinates at a bound: their standard error with all others known."""
    known = held & (information > 0)
    steps = np.where(known, 1 / np.sqrt(np.where(known, information, 1.0)), 0.0)
    return np.where(held & ~known, 1e-3, steps)


def _reflected(point: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Points beyond a bound come back inside by as much."""
    point = np.where(point < lower, 2 * lower - point, point)
    point = np.where(point > upper, 2 * upper - point, point)
    return np.asarray(np.clip(point, lower, upper))


def _autocorrelation_times(chain: FloatArray) -> FloatArray:
    """Integrated autocorrelation times of a (steps, walkers, n_free) chain, in steps."""
    import emcee

    moving = np.ptp(chain, axis=(0, 1)) > 0
    times = np.full(chain.shape[2], float(chain.shape[0]))
    # A walker that never moved gives NaN: such a chain counts as one sample.
    with np.errstate(invalid="ignore"):
        if moving.any():
            times[moving] = emcee.autocorr.integrated_time(chain[:, :, moving], tol=0, quiet=True)
    return np.asarray(np.maximum(np.nan_to_num(times, nan=float(chain.shape[0])), 1.0))


def _samples(fit: SpectrumFit, values: FloatArray) -> dict[str, FloatArray]:
    """Columns of what is not fixed, and quantities that follow from W and G."""
    given = fit.start_parameters
    columns = dict(zip(fit.parameter_names, values.T, strict=True))
    samples = {n: c for n, c in columns.items() if given[n].vary or given[n].expr}
    for i in range(1, fit.model.n_modes + 1):
        energy, fwhm = columns[f"mode{i}_energy"], columns[f"mode{i}_fwhm"]
        if (fwhm > 0).all():
            samples[f"mode{i}_overdamping"] = energy**2 / fwhm
            samples[f"mode{i}_lifetime_ps"] = HBAR_MEV_PS / fwhm
    return samples


def _warnings(
    fit: SpectrumFit,
    quantiles: Mapping[str, Quantiles],
    sampled: tuple[str, ...],
    times: FloatArray,
    steps: int,
) -> tuple[str, ...]:
    warnings = []
    slowest = int(np.argmax(times))
    if steps < LONG_ENOUGH * times[slowest]:
        warnings.append(
            f"the chain of {steps} steps is shorter than {LONG_ENOUGH} autocorrelation times "
            f"({times[slowest]:.0f} steps for {sampled[slowest]}): quantiles are rough; take "
            f"{int(np.ceil(1.5 * LONG_ENOUGH * times[slowest]))} steps"
        )
    for name in sampled:
        upper = float(fit.start_parameters[name].max)
        lower = float(fit.start_parameters[name].min)
        reach = upper - lower
        if np.isfinite(reach) and quantiles[name].q97_5 > lower + _NEAR_BOUND * reach:
            warnings.append(
                f"{name} reaches its upper bound of {upper:.3g}: the bound decides its quantiles"
            )
    return tuple(warnings)
