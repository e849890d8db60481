"""A prediction laid over the counts of one analyzer: what is scaled, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError

ElasticLine = Literal["fitted", "simulated", "none"]
"""An area of its own (scatter from defects, holder, window); that of the prediction; none."""

_FEWEST_COUNTS = 1e-3  # a weight is never that of fewer expected counts
_ROUNDS = 200
_UNCHANGED = 1e-10


@dataclass(frozen=True)
class Overlay:
    """A prediction laid over the counts of one analyzer.

    Parameters
    ----------
    energy_mev, counts, exposure : (n,) array
        The data.
    expected : (n,) array
        Expected counts: the sum of the three next.
    inelastic, elastic, background : (n,) array
    scale, scale_err : float
        Counts per exposure for one unit of the prediction, and its standard error.
    elastic_area, background_rate : float
        Counts meV and counts per exposure.
    chi2, deviance : float
        Σ (y-μ)²/μ and the Poisson deviance.
    dof : int
        Points less the numbers fitted.
    notes : tuple of str
    """

    energy_mev: FloatArray
    counts: FloatArray
    exposure: FloatArray
    expected: FloatArray
    inelastic: FloatArray
    elastic: FloatArray
    background: FloatArray
    scale: float
    scale_err: float
    elastic_area: float
    background_rate: float
    chi2: float
    deviance: float
    dof: int
    notes: tuple[str, ...] = ()

    @property
    def reduced_chi2(self) -> float:
        """χ² by the number of degrees of freedom."""
        return self.chi2 / self.dof


def scale_to_counts(
    energy_mev: ArrayLike,
    counts: ArrayLike,
    exposure: ArrayLike,
    inelastic: ArrayLike,
    simulated_line: ArrayLike,
    elastic_shape: ArrayLike,
    *,
    elastic: ElasticLine = "fitted",
    background: bool = True,
    background_rate: ArrayLike | None = None,
    notes: tuple[str, ...] = (),
) -> Overlay:
    """Scale a prediction to counts: Poisson likelihood, nothing negative.

    Expected counts are exposure × (scale × prediction + elastic area × R + background). The
    numbers are found by weighted least squares with weights 1/expected, repeated until they rest,
    which is the largest likelihood of a model linear in its numbers (Fisher scoring).

    Parameters
    ----------
    energy_mev, counts, exposure : (n,) array
        As in `Spectrum`.
    inelastic, simulated_line : (n,) array
        The prediction through the resolution at these points: its inelastic part, and its own
        elastic line (used by "simulated").
    elastic_shape : (n,) array
        R at these points.
    elastic : "fitted", "simulated" or "none"
        Whether the elastic line has an area of its own or that of the prediction.
    background : bool
        Whether a constant rate is fitted.
    background_rate : (n,) array, optional
        Counts per exposure of a measured background, which is added as it is.
    notes : tuple of str
        Kept with the result.

    Raises
    ------
    InputError
        Lengths differ, values are negative or not finite, too few points, nothing to scale.
    """
    check_elastic(elastic)
    energy, y, monitor = checked_columns(energy_mev, counts, exposure)
    shape = np.asarray(inelastic, dtype=float)
    line = np.asarray(simulated_line, dtype=float) * (elastic == "simulated")
    columns: list[FloatArray] = [monitor * (shape + line)]
    if elastic == "fitted":
        columns.append(monitor * np.asarray(elastic_shape, dtype=float))
    if background:
        columns.append(monitor)
    design = np.stack(columns, axis=1)
    dof = len(energy) - design.shape[1]
    if dof < 1:
        raise InputError(
            "too few points for an overlay",
            found=len(energy),
            expected=f"{design.shape[1] + 1} or more",
        )
    if not monitor.max() > 0:
        raise InputError("no point of the spectrum has any exposure")
    if not design[:, 0].max() > 0:
        raise InputError("the prediction has no intensity at this Q")
    given = np.zeros_like(y) if background_rate is None else monitor * np.asarray(background_rate)
    fitted, covariance = _largest_likelihood(design, y, given)
    area = fitted[1] if elastic == "fitted" else 0.0
    rate = fitted[-1] if background else 0.0
    expected = design @ fitted + given
    own = area * design[:, 1] if elastic == "fitted" else np.zeros_like(y)
    return Overlay(
        energy_mev=energy,
        counts=y,
        exposure=monitor,
        expected=expected,
        inelastic=fitted[0] * monitor * shape,
        elastic=fitted[0] * monitor * line + own,
        background=rate * monitor + given,
        scale=float(fitted[0]),
        scale_err=float(np.sqrt(covariance[0, 0])),
        elastic_area=float(area),
        background_rate=float(rate),
        chi2=float(((y - expected) ** 2 / np.maximum(expected, _FEWEST_COUNTS)).sum()),
        deviance=_deviance(y, expected),
        dof=dof,
        notes=(*notes, *_vanished(float(fitted[0]))),
    )


def check_elastic(elastic: str) -> None:
    """Raise an InputError for an unknown treatment of the elastic line."""
    if elastic not in get_args(ElasticLine):
        raise InputError(
            "unknown treatment of the elastic line",
            key="elastic",
            found=elastic,
            expected=" or ".join(get_args(ElasticLine)),
        )


def checked_columns(
    energy_mev: ArrayLike, counts: ArrayLike, exposure: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Energies, counts and exposure as columns of one length.

    Raises
    ------
    InputError
        They differ in length, are not finite, or counts or exposure are negative.
    """
    columns = [np.asarray(values, dtype=float) for values in (energy_mev, counts, exposure)]
    energy, y, monitor = columns
    if energy.ndim != 1 or y.shape != energy.shape or monitor.shape != energy.shape:
        raise InputError(
            "energies, counts and exposure differ in length",
            found=[column.shape for column in columns],
            expected="three columns of one length",
        )
    if not all(np.isfinite(column).all() for column in columns):
        raise InputError("the spectrum holds values that are not finite")
    if (y < 0).any() or (monitor < 0).any():
        raise InputError("counts or exposure are negative")
    return energy, y, monitor


def _largest_likelihood(
    design: FloatArray, y: FloatArray, given: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Coefficients ≥ 0 of the largest Poisson likelihood, and the inverse of Fisher's matrix."""
    size = np.maximum(design.max(axis=0), 1e-300)
    columns = design / size
    expected = np.maximum(y, 1.0)
    fitted = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        weight = 1 / np.sqrt(np.maximum(expected, _FEWEST_COUNTS))
        before, (fitted, _) = fitted, nnls(columns * weight[:, None], (y - given) * weight)
        expected = columns @ fitted + given
        if np.abs(fitted - before).max() <= _UNCHANGED * max(np.abs(fitted).max(), 1e-300):
            break
    weight = 1 / np.maximum(expected, _FEWEST_COUNTS)
    covariance = np.linalg.pinv((columns * weight[:, None]).T @ columns)
    return fitted / size, covariance / np.outer(size, size)


def _deviance(y: FloatArray, expected: FloatArray) -> float:
    mean = np.maximum(expected, 1e-300)
    logarithm = np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, mean, 1.0))
    return float(2 * (y * logarithm - (y - expected)).sum())


def _vanished(scale: float) -> tuple[str, ...]:
    return () if scale > 0 else ("the counts show nothing of the prediction: the scale is zero",)
