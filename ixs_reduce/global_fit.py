"""Fit several spectra at once with parameters that they share.

The same branch energy at equivalent Q, one background slope for all analyzers, one zero per
analyzer and scan: each such constraint takes parameters away and sharpens the others. Whether
the data bear it out is tested against the same spectra fitted each for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_reduce.fisher_scoring import Optimum, covariance, held_at_bounds, minimise
from ixs_reduce.fitting import SpectrumFit, fit_from, fit_spectrum
from ixs_reduce.likelihood import Objective, objective_value
from ixs_reduce.mode_fit import Value
from ixs_reduce.shared_parameters import Members, Shared, Stack, shared_groups, stacked
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken

_UNLIKELY = 0.01
# A fit of one spectrum from the global values replaces its own when better by this much.
_BETTER = 1e-3


@dataclass(frozen=True)
class SharedValue:
    """A shared quantity: its name, (spectrum, parameter) of its members, value with error."""

    name: str
    members: Members
    value: Value


@dataclass(frozen=True)
class SharingTest:
    """Likelihood-ratio test of the shared against the separate parameters.

    delta_deviance : rise of the deviance by sharing; delta_dof : parameters taken away;
    p_value : chance of a rise as large when sharing is right (S. S. Wilks, Ann. Math. Stat. 9
    (1938) 60), too large a value rather than too small where parameters sit on bounds.
    """

    delta_deviance: float
    delta_dof: int
    p_value: float

    @property
    def justified(self) -> bool:
        """Whether the data do not contradict sharing (p ≥ 0.01)."""
        return self.p_value >= _UNLIKELY

    @property
    def words(self) -> str:
        """The test as a sentence."""
        numbers = (
            f"sharing raises the deviance by {self.delta_deviance:.1f} for {self.delta_dof} "
            f"parameter{'s' if self.delta_dof != 1 else ''} less (p = {self.p_value:.2g})"
        )
        if self.justified:
            return f"{numbers}: the data bear it out"
        return f"{numbers}: the data contradict it"


@dataclass(frozen=True)
class GlobalFit:
    """Several spectra fitted at once.

    Parameters
    ----------
    fits : tuple of SpectrumFit
        Each spectrum at the common optimum, with its block of the covariance. Shared
        parameters have their common error there and count as fixed in `start_parameters` and
        `dof`, so that such a fit stands for itself: fitted again it stays where it is.
    shared : tuple of SharedValue
    covariance : (n_free, n_free) array
        Of all free coordinates, shared quantities first, in their order.
    deviance, dof : float, int
        Sum over the spectra; points minus free parameters, each shared quantity once.
    converged, message : bool, str
    individual : tuple of SpectrumFit
        The same spectra fitted each for itself.
    test : SharingTest
    objective, seed : as given.
    warnings : tuple of str
    """

    fits: tuple[SpectrumFit, ...]
    shared: tuple[SharedValue, ...]
    covariance: FloatArray
    deviance: float
    dof: int
    converged: bool
    message: str
    individual: tuple[SpectrumFit, ...]
    test: SharingTest
    objective: Objective
    seed: int
    warnings: tuple[str, ...] = ()

    def value(self, name: str) -> Value:
        """A shared quantity with its error.

        Raises
        ------
        InputError
            When nothing of that name is shared.
        """
        for shared in self.shared:
            if shared.name == name:
                return shared.value
        known = ", ".join(s.name for s in self.shared)
        raise InputError("no such shared quantity", key=name, expected=known)


def fit_global(
    spectra: Sequence[Spectrum],
    models: Sequence[SpectrumModel] | SpectrumModel,
    shared: Shared,
    start: Sequence[Any] | None = None,
    objective: Objective = "poisson",
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> GlobalFit:
    """Fit several spectra with shared parameters.

    Parameters
    ----------
    spectra : sequence of Spectrum
    models : SpectrumModel, or one for each spectrum
    shared : sequence of str, or mapping
        Names of parameters that all spectra share ("mode1_energy", "background_c1"); or name
        of a shared quantity -> (spectrum index, parameter name) of its members, such as
        {"LA": [(0, "mode1_energy"), (1, "mode2_energy")]}.
    start : sequence, optional
        For each spectrum what `fit_spectrum` takes as start, or its SpectrumFit.
    objective, seed, cancel : as for `fit_spectrum`.

    Returns
    -------
    GlobalFit

    Raises
    ------
    InputError
        When spectra, models and start values do not match, or something cannot be shared.
    Cancelled
        When `cancel` is set.

    Notes
    -----
    The spectra are fitted one by one; shared quantities start at the weighted mean of their
    members, and again at the values of the spectrum with most counts, and the better result
    counts. The background of each spectrum stays positive over its range unless
    background_c0 itself is shared, which then is positive at E = 0.
    """
    own_models = [models] * len(spectra) if isinstance(models, SpectrumModel) else list(models)
    if len(spectra) < 2 or len(own_models) != len(spectra):
        raise InputError(
            "a global fit needs two spectra or more, and a model for each",
            found=f"{len(spectra)} spectra, {len(own_models)} models",
        )
    starts = [None] * len(spectra) if start is None else list(start)
    if len(starts) != len(spectra):
        raise InputError("start values do not match the spectra", key="start", found=len(starts))
    groups = shared_groups(shared, own_models)
    individual = [
        _individual(*each, objective, seed, cancel)
        for each in zip(spectra, own_models, starts, strict=True)
    ]
    stack = stacked(individual, groups)
    optimum = _best(stack, individual, objective, cancel)
    fits, held = _views(stack, optimum, individual)
    individual = [_at_least(a, b, cancel) for a, b in zip(individual, fits, strict=True)]
    return _result(stack, optimum, held, fits, individual)


def _individual(
    spectrum: Spectrum,
    model: SpectrumModel,
    start: Any,
    objective: Objective,
    seed: int,
    cancel: CancelToken | None,
) -> SpectrumFit:
    if not isinstance(start, SpectrumFit):
        return fit_spectrum(spectrum, model, start, objective=objective, seed=seed, cancel=cancel)
    if start.spectrum.sha256 != spectrum.sha256 or start.model.parameter_names != (
        model.parameter_names
    ):
        raise InputError("a start fit belongs to another spectrum or model", key="start")
    if start.objective != objective:
        raise InputError(
            "a start fit has another objective",
            key="start",
            found=start.objective,
            expected=objective,
        )
    return start


def _best(
    stack: Stack,
    individual: Sequence[SpectrumFit],
    objective: Objective,
    cancel: CancelToken | None,
) -> Optimum:
    counts = np.concatenate([fit.spectrum.counts for fit in individual])

    def run(point: FloatArray, tolerance: float) -> Optimum:
        return minimise(
            stack.expected,
            point,
            stack.lower,
            stack.upper,
            counts,
            objective,
            tolerance=tolerance,
            cancel=cancel,
        )

    values = [fit.parameters for fit in individual]
    found = [
        run(stack.point(values, shared), 1e-4)
        for shared in (_means(stack, individual), _of_strongest(stack, individual))
    ]
    return run(min(found, key=lambda optimum: optimum.objective).point, 1e-7)


def _means(stack: Stack, fits: Sequence[SpectrumFit]) -> FloatArray:
    """Inverse-variance means of the members; plain ones where an error is missing."""
    means = []
    for members in stack.groups.values():
        values = [fits[i].value(name) for i, name in members]
        errors = np.array([v.stderr for v in values])
        usable = np.isfinite(errors) & (errors > 0)
        weights = 1 / errors**2 if usable.all() else np.ones(errors.size)
        means.append(np.average([v.value for v in values], weights=weights))
    return np.array(means)


def _of_strongest(stack: Stack, fits: Sequence[SpectrumFit]) -> FloatArray:
    """Values of the member with most counts."""
    chosen = [
        max(members, key=lambda member: fits[member[0]].spectrum.counts.sum())
        for members in stack.groups.values()
    ]
    return np.array([fits[i].value(name).value for i, name in chosen])


def _views(
    stack: Stack, optimum: Optimum, individual: Sequence[SpectrumFit]
) -> tuple[list[SpectrumFit], BoolArray]:
    """Each spectrum's share of the optimum, and which stacked coordinates are at a bound."""
    held = held_at_bounds(optimum, stack.lower, stack.upper)
    everything = covariance(optimum, held)
    views, first = [], 0
    for i, (part, fit) in enumerate(zip(stack.parts, individual, strict=True)):
        values, slope = part.parameters(optimum.point)
        points = fit.spectrum.counts.size
        expected = optimum.expected[first : first + points]
        first += points
        names = part.names()
        held_names = {names[k] for k in np.flatnonzero(held[part.columns])}
        if part.tilt is not None or part.problem.coordinates.ends_mev is not None:
            held_names -= {"background_c0", "background_c1"}
        given = fit.start_parameters.copy()
        shared = [name for members in stack.groups.values() for j, name in members if j == i]
        for name in shared:
            place = fit.parameter_names.index(name)
            given[name].set(value=float(values[place]), vary=False)
        views.append(
            replace(
                fit,
                parameters=values,
                covariance=slope @ everything[np.ix_(part.columns, part.columns)] @ slope.T,
                held=tuple(n for n in fit.parameter_names if n in held_names),
                deviance=objective_value(fit.objective, fit.spectrum.counts, expected),
                dof=points - len(names) + len(shared),
                expected_counts=expected,
                converged=optimum.converged,
                message=f"global fit with {', '.join(stack.groups)} shared",
                starts=1,
                start_parameters=given,
                start_vectors=(tuple(values.tolist()),),
                upper_limits=(),
                remarks=(),
            )
        )
    return views, held


def _at_least(own: SpectrumFit, view: SpectrumFit, cancel: CancelToken | None) -> SpectrumFit:
    """The spectrum's own fit, or one from the global values where that is better."""
    again = fit_from(
        own.spectrum,
        own.model,
        own.start_parameters,
        [view.parameters],
        own.objective,
        own.seed,
        cancel,
    )
    return again if again.deviance < own.deviance - _BETTER else own


def _result(
    stack: Stack,
    optimum: Optimum,
    held: BoolArray,
    fits: Sequence[SpectrumFit],
    individual: Sequence[SpectrumFit],
) -> GlobalFit:
    matrix = covariance(optimum, held)
    shared = []
    for k, (name, members) in enumerate(stack.groups.items()):
        error = float("nan") if held[k] else float(np.sqrt(matrix[k, k]))
        value = Value(float(optimum.point[k]), error, bool(held[k]))
        shared.append(SharedValue(name, members, value))
    rise = max(optimum.objective - sum(fit.deviance for fit in individual), 0.0)
    removed = sum(len(members) - 1 for members in stack.groups.values())
    test = SharingTest(rise, removed, float(chi2.sf(rise, removed)))
    end = "converged in" if optimum.converged else "not converged after"
    return GlobalFit(
        fits=tuple(fits),
        shared=tuple(shared),
        covariance=matrix,
        deviance=optimum.objective,
        dof=int(optimum.expected.size - optimum.point.size),
        converged=optimum.converged,
        message=f"{end} {optimum.iterations} iterations",
        individual=tuple(individual),
        test=test,
        objective=fits[0].objective,
        seed=fits[0].seed,
        warnings=_warnings(test, fits, individual),
    )


def _warnings(
    test: SharingTest, fits: Sequence[SpectrumFit], individual: Sequence[SpectrumFit]
) -> tuple[str, ...]:
    warnings = [] if test.justified else [test.words]
    warnings += [
        f"{fit.spectrum.label}: the fit for itself did not converge; the test of sharing is unsure"
        for fit in individual
        if not fit.converged
    ]
    for i, fit in enumerate(fits):
        levels = dict(zip(fit.parameter_names, fit.parameters, strict=True))
        ends = (
            levels.get("background_c0", 0.0)
            + levels.get("background_c1", 0.0) * (fit.spectrum.energy_mev[[0, -1]])
        )
        if ends.min() < -1e-9 * abs(ends).max():
            warnings.append(f"spectrum {i}: the background is negative at one end")
    return tuple(warnings)
