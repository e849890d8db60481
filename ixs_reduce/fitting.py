"""Fit a spectrum: counts against the model, Poisson by default, with honest errors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.coordinates import Coordinates, coordinates_of
from ixs_reduce.fisher_scoring import Optimum, covariance, held_at_bounds, minimise
from ixs_reduce.likelihood import LowCountsWarning, Objective
from ixs_reduce.mode_fit import STRONGLY_DAMPED, ModeFit, Value
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_fit import SpectrumFit
from ixs_reduce.spectrum_model import PreparedModel, SpectrumModel
from ixs_reduce.start_values import linear_start, rearrangements, seed_modes

if TYPE_CHECKING:
    import lmfit

    from ixs_core.jobs import CancelToken

__all__ = ["ModeFit", "SpectrumFit", "Value", "fit_spectrum"]

_LOW_COUNTS = 10
# Another start must beat the best by this much in the objective to replace it.
_BETTER = 1e-3
# Rearrangements tried for a few steps before one of them is followed to its end.
_SCREENED = 6


def fit_spectrum(
    spectrum: Spectrum,
    model: SpectrumModel,
    start: Sequence[float] | lmfit.Parameters | None = None,
    starts: int = 4,
    objective: Objective = "poisson",
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """Fit a model to the counts of a spectrum.

    Parameters
    ----------
    spectrum : Spectrum
    model : SpectrumModel
    start : None, sequence of float, or lmfit.Parameters
        Start values: found from the data, or mode energies in meV, or full parameters with
        bounds, fixed values and expressions (kept).
    starts : int
        Number of start points; the best result counts. The first is `start` itself, the
        others scatter about it.
    objective : "poisson" or "chi2"
        Poisson deviance, or χ² with weights 1/max(N, 1), which is biased at low counts.
    seed : int
        Of the scatter of start points.
    cancel : CancelToken, optional

    Returns
    -------
    SpectrumFit

    Raises
    ------
    InputError
        For fewer points than free parameters, no counts at all, or unusable start values.
    Cancelled
        When `cancel` is set.

    Warns
    -----
    LowCountsWarning
        For χ² where more than a tenth of the points have fewer than 10 counts; the result's
        `warnings` say it, too.
    """
    if objective not in ("poisson", "chi2"):
        raise InputError("unknown objective", key="objective", found=objective)
    if starts < 1:
        raise InputError("at least one start is needed", key="starts", found=starts)
    given, first = _first_point(spectrum, model, start)
    search = _Search(spectrum, model, given, objective, cancel)
    generator = np.random.default_rng(seed)
    vectors = [first]
    best = search.run(first)
    # Two of three further starts rearrange the best modes so far, the third scatters about them.
    moves = rearrangements(spectrum, model, best.values) if starts > 1 else []
    for k in range(1, starts):
        if moves and k % 3:
            vectors.append(moves.pop(search.most_promising(moves[:_SCREENED])))
        else:
            vectors.append(_scattered(best.values, model, generator))
        found = search.run(vectors[-1])
        if found.objective < best.objective - _BETTER:
            best = found
            moves = rearrangements(spectrum, model, best.values)
    fit = search.result(best, vectors, seed)
    for text in fit.warnings:
        warnings.warn(text, LowCountsWarning, stacklevel=2)
    return fit


def fit_from(
    spectrum: Spectrum,
    model: SpectrumModel,
    given: lmfit.Parameters,
    vectors: Sequence[FloatArray],
    objective: Objective = "poisson",
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> SpectrumFit:
    """Fit from given start points only: `given` holds bounds, fixed values and ties.

    vectors : sequence of (n_parameters,) arrays. Errors as for `fit_spectrum`. With the
    `start_parameters` and `start_vectors` of a fit this gives that fit again, bit for bit.
    """
    search = _Search(spectrum, model, given, objective, cancel)
    best = search.run(vectors[0])
    for vector in vectors[1:]:
        found = search.run(vector)
        if found.objective < best.objective - _BETTER:
            best = found
    return search.result(best, vectors, seed)


class _Found(NamedTuple):
    """A local optimum: where it is in parameters and coordinates, and its objective."""

    values: FloatArray
    coordinates: Coordinates
    optimum: Optimum

    @property
    def objective(self) -> float:
        return self.optimum.objective


@dataclass(frozen=True)
class _Search:
    """Searches from start points for one spectrum and model."""

    spectrum: Spectrum
    model: SpectrumModel
    given: lmfit.Parameters
    objective: Objective
    cancel: CancelToken | None
    prepared: PreparedModel = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prepared", self.model.prepare(self.spectrum.energy_mev))
        _check_data(self.spectrum, self._coordinates(()).free.size)

    def run(self, vector: FloatArray, tolerance: float = 1e-4) -> _Found:
        """The optimum reached from a start point; strongly damped modes move as such."""
        vector = self._with_fixed(vector)
        damped = _damped_modes(vector, self.model.n_modes)
        found = self._solve(self._coordinates(damped), vector, tolerance)
        now_damped = _damped_modes(found.values, self.model.n_modes)
        if set(now_damped) - set(damped):
            found = self._solve(self._coordinates(now_damped), found.values, tolerance)
        return found

    def most_promising(self, vectors: Sequence[FloatArray]) -> int:
        """Which of some start points is lowest after a few steps."""
        reached = [
            self._solve(
                self._coordinates(()), self._with_fixed(vector), 1.0, max_iterations=4
            ).objective
            for vector in vectors
        ]
        return int(np.argmin(reached))

    def result(self, best: _Found, vectors: Sequence[FloatArray], seed: int) -> SpectrumFit:
        """The best optimum, polished, with its errors."""
        final = self._solve(best.coordinates, best.values, 1e-7)
        return _result(self, final, vectors, seed)

    def _with_fixed(self, vector: FloatArray) -> FloatArray:
        """A start point with the fixed parameters at the values given, wherever it came from."""
        values = vector.astype(float)
        for i, name in enumerate(self.model.parameter_names):
            if not self.given[name].vary and not self.given[name].expr:
                values[i] = self.given[name].value
        return values

    def _coordinates(self, damped: tuple[int, ...]) -> Coordinates:
        energy = self.spectrum.energy_mev
        ends = (float(energy[0]), float(energy[-1]))
        return coordinates_of(self.given, self.model.parameter_names, ends, damped)

    def _solve(
        self,
        coordinates: Coordinates,
        values: FloatArray,
        tolerance: float,
        max_iterations: int = 200,
    ) -> _Found:
        coordinates = replace(coordinates, base=values)
        exposure = self.spectrum.exposure
        rate = self.spectrum.background_rate
        constant = 0.0 if rate is None else exposure * rate

        def evaluate(point: FloatArray) -> tuple[FloatArray, FloatArray]:
            theta, slope = coordinates.parameters(point)
            intensity, jacobian = self.prepared(theta)
            return exposure * intensity + constant, (slope.T @ jacobian) * exposure

        lower, upper = coordinates.bounds()
        optimum = minimise(
            evaluate,
            coordinates.point(values),
            lower,
            upper,
            self.spectrum.counts,
            self.objective,
            tolerance=tolerance,
            max_iterations=max_iterations,
            cancel=self.cancel,
        )
        return _Found(coordinates.parameters(optimum.point)[0], coordinates, optimum)


def _damped_modes(values: FloatArray, n_modes: int) -> tuple[int, ...]:
    energy, fwhm = values[0 : 3 * n_modes : 3], values[1 : 3 * n_modes : 3]
    return tuple(np.flatnonzero(fwhm > STRONGLY_DAMPED * energy).tolist())


def _check_data(spectrum: Spectrum, n_free: int) -> None:
    if spectrum.counts.size <= n_free:
        raise InputError(
            f"{spectrum.label} has too few points for the model",
            found=f"{spectrum.counts.size} points",
            expected=f"more than the {n_free} free parameters",
        )
    if not spectrum.counts.sum() > 0 or not spectrum.exposure.max() > 0:
        raise InputError(f"{spectrum.label} has no counts to fit")


def _first_point(
    spectrum: Spectrum,
    model: SpectrumModel,
    start: Sequence[float] | lmfit.Parameters | None,
) -> tuple[lmfit.Parameters, FloatArray]:
    """Parameters with bounds, and the first start point."""
    if isinstance(start, Mapping):
        import lmfit

        if not isinstance(start, lmfit.Parameters):
            raise InputError(
                "the start is a mapping but not lmfit.Parameters",
                key="start",
                found=type(start).__name__,
                hint="model.parameters() gives some to change",
            )
        # A copy: the record of the fit must not follow later changes.
        return start.copy(), model.vector(start)
    zero = spectrum.zero_mev if spectrum.zero_mev is not None else 0.0
    if start is None and isinstance(model.modes, int):
        energies, widths = seed_modes(spectrum, model, zero)
    else:
        energies = np.array(model.start_energies(start))
        widths = np.full(model.n_modes, 0.5 * model.resolution.fwhm_mev)
    first, _ = linear_start(spectrum, model, energies, widths, zero_mev=zero)
    return bounded_parameters(spectrum, model, zero), first


def bounded_parameters(
    spectrum: Spectrum, model: SpectrumModel, zero_mev: float
) -> lmfit.Parameters:
    """The model's parameters with the bounds that this spectrum suggests.

    Mode energies stay within the data's range plus twice the FWHM of R, widths within its
    span, the zero within twice the FWHM of R.
    """
    parameters = model.parameters()
    width = model.resolution.fwhm_mev
    span = float(np.ptp(spectrum.energy_mev))
    reach = float(np.abs(spectrum.energy_mev - zero_mev).max())
    for i in range(model.n_modes):
        parameters[f"mode{i + 1}_energy"].max = reach + 2 * width
        parameters[f"mode{i + 1}_fwhm"].max = max(span, width)
    parameters["zero"].set(value=zero_mev, min=zero_mev - 2 * width, max=zero_mev + 2 * width)
    return parameters


def _scattered(
    vector: FloatArray, model: SpectrumModel, generator: np.random.Generator
) -> FloatArray:
    """Another start point near a given one."""
    n, width = model.n_modes, model.resolution.fwhm_mev
    moved = vector.copy()
    moved[0 : 3 * n : 3] = np.abs(moved[0 : 3 * n : 3] + generator.normal(0, 0.3 * width, n)) + 0.1
    moved[1 : 3 * n : 3] = (moved[1 : 3 * n : 3] + 0.1 * width) * np.exp(
        generator.normal(0, 0.7, n)
    )
    strong = max(float(moved[2 : 3 * n : 3].max(initial=0.0)), 1e-30)
    moved[2 : 3 * n : 3] = np.maximum(moved[2 : 3 * n : 3], 0.05 * strong)
    return moved


def _result(
    search: _Search, found: _Found, vectors: Sequence[FloatArray], seed: int
) -> SpectrumFit:
    coordinates, optimum = found.coordinates, found.optimum
    lower, upper = coordinates.bounds()
    held = held_at_bounds(optimum, lower, upper)
    values, slope = coordinates.parameters(optimum.point)
    matrix: FloatArray = slope @ covariance(optimum, held) @ slope.T
    names = coordinates.names
    held_names = {names[coordinates.free[k]] for k in np.flatnonzero(held)}
    ends = {"background_c0", "background_c1"}
    if coordinates.ends_mev is not None and not ends <= held_names:
        held_names -= ends  # one background end at zero is no bound of c0 or c1
    # What is tied to nothing but parameters at a bound is at a bound, too.
    tied = [i for i, name in enumerate(names) if search.given[name].expr]
    held_names |= {names[i] for i in tied if slope[i].any() and not slope[i, ~held].any()}
    values, matrix, held_names = _sorted_modes(
        np.asarray(values), matrix, held_names, search.model, search.given
    )
    return SpectrumFit(
        spectrum=search.spectrum,
        model=search.model,
        parameter_names=names,
        parameters=values,
        covariance=matrix,
        held=tuple(n for n in names if n in held_names),
        deviance=optimum.objective,
        dof=int(search.spectrum.counts.size - coordinates.free.size),
        expected_counts=optimum.expected,
        converged=optimum.converged,
        message=_message(optimum, held_names),
        objective=search.objective,
        starts=len(vectors),
        seed=seed,
        start_parameters=search.given,
        start_vectors=tuple(tuple(v.tolist()) for v in vectors),
        warnings=_warnings(search.spectrum, search.objective),
    )


def _sorted_modes(
    values: FloatArray,
    matrix: FloatArray,
    held: set[str],
    model: SpectrumModel,
    given: lmfit.Parameters,
) -> tuple[FloatArray, FloatArray, set[str]]:
    """Modes by rising energy, unless fixed values, ties or members speak of them by number."""
    n = model.n_modes
    names = model.parameter_names
    special = bool(model.members) or any(
        given[name].expr or not given[name].vary for name in names[: 3 * n]
    )
    rank = np.arange(n) if special else np.argsort(values[0 : 3 * n : 3], kind="stable")
    order = np.concatenate(
        ((3 * rank[:, None] + np.arange(3)).ravel(), np.arange(3 * n, values.size))
    ).astype(int)
    renamed = {names[k] for k, old in enumerate(order) if names[old] in held}
    return values[order], matrix[np.ix_(order, order)], renamed


def _message(optimum: Optimum, held: set[str]) -> str:
    if not optimum.converged:
        return f"not converged after {optimum.iterations} iterations"
    text = f"converged in {optimum.iterations} iterations"
    return f"{text}; at a bound: {', '.join(sorted(held))}" if held else text


def _warnings(spectrum: Spectrum, objective: Objective) -> tuple[str, ...]:
    share = float(np.mean(spectrum.counts < _LOW_COUNTS))
    if objective == "chi2" and share > 0.1:
        return (
            f"χ² is biased here: {share:.0%} of the points have fewer than {_LOW_COUNTS} counts; "
            "use the Poisson objective",
        )
    return ()
