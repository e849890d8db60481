"""What precision counting statistics allow: Fisher information of a spectrum not yet measured.

For Poisson counts with means μ_i(θ) the information is F = Σ_i (∂μ_i/∂θ)(∂μ_i/∂θ)ᵀ / μ_i, and no
unbiased estimate has a covariance below F⁻¹ (C. R. Rao, Bull. Calcutta Math. Soc. 37 (1945) 81).
The maximum-likelihood fits of this package reach it where the errors are small against the widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_reduce.spectrum_model import SpectrumModel

# Combinations of parameters known worse than this, relative to single ones, are not known at all.
_UNDETERMINED = 1e-13


def expected_covariance(
    model: SpectrumModel,
    parameters: Mapping[str, Any],
    energy_mev: ArrayLike,
    exposure: ArrayLike,
    *,
    background_rate: ArrayLike | None = None,
    known: Mapping[str, float] | None = None,
) -> tuple[tuple[str, ...], FloatArray]:
    """Covariance that a fit of all parameters of a model would reach, before it is measured.

    Every parameter is free, so that the other modes, elastic line, background and zero widen the
    errors of a mode as they do in a fit; bounds are ignored.

    Parameters
    ----------
    model : SpectrumModel
    parameters : mapping or lmfit.Parameters
        Expected values, by the model's `parameter_names`; intensities per unit exposure.
    energy_mev : (n,) array
        Energies of the file at which is counted, meV.
    exposure : (n,) array or float
        Exposure of each point: expected counts are exposure × intensity.
    background_rate : (n,) array or float, optional
        Counts per exposure of a measured background beside the model.
    known : mapping, optional
        Parameter -> standard error with which it is known from elsewhere; 0 fixes it.

    Returns
    -------
    names : tuple of str
        `model.parameter_names`.
    covariance : (n_parameters, n_parameters) array
        (F + K)⁻¹ with K = diag(1/σ²) of what is known. The variance is infinite where the
        counts do not depend on a parameter, and huge where they determine it only together
        with another; rows of fixed parameters are zero.

    Raises
    ------
    InputError
        For missing parameters, unequal lengths, a negative exposure, or an unknown name or
        negative error in `known`.
    """
    energy = _column(energy_mev, "energy_mev", None)
    time = _column(exposure, "exposure", energy.size)
    rate = _column(0.0 if background_rate is None else background_rate, "background", energy.size)
    names = model.parameter_names
    intensity, jacobian = model.prepare(energy)(model.vector(parameters))
    information = fisher_information(time * (intensity + rate), time * jacobian)
    fixed = np.zeros(len(names), dtype=bool)
    for name, error in (known or {}).items():
        if name not in names or not error >= 0:
            raise InputError(
                "not a parameter of the model, or not a standard error",
                key=name,
                found=error,
                expected=", ".join(names),
            )
        place = names.index(name)
        fixed[place] = error == 0
        information[place, place] += 0.0 if error == 0 else float(error) ** -2
    covariance = np.zeros_like(information)
    free = np.flatnonzero(~fixed)
    covariance[np.ix_(free, free)] = inverse_information(information[np.ix_(free, free)])
    return names, covariance


def expected_errors(
    model: SpectrumModel,
    parameters: Mapping[str, Any],
    energy_mev: ArrayLike,
    exposure: ArrayLike,
    *,
    background_rate: ArrayLike | None = None,
    known: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Standard error by parameter name; arguments and errors as for `expected_covariance`."""
    names, covariance = expected_covariance(
        model, parameters, energy_mev, exposure, background_rate=background_rate, known=known
    )
    return dict(zip(names, np.sqrt(np.diag(covariance)).tolist(), strict=True))


def fisher_information(expected: FloatArray, jacobian: FloatArray) -> FloatArray:
    """Information (p, p) of Poisson counts with means (n,) and their derivatives (p, n)."""
    seen = expected > 0
    weight = np.where(seen, 1 / np.where(seen, expected, 1.0), 0.0)
    return np.asarray((jacobian * weight) @ jacobian.T)


def inverse_information(information: FloatArray) -> FloatArray:
    """Covariance (p, p) of an information matrix, without hiding what it does not determine.

    Parameters without information get an infinite variance; combinations below rounding get a
    huge one, where a pseudo-inverse would give none.
    """
    diagonal = np.diag(information)
    informed = np.flatnonzero(diagonal > 0)
    covariance = np.diag(np.where(diagonal > 0, 0.0, np.inf))
    if informed.size:
        scale = 1 / np.sqrt(diagonal[informed])
        block = information[np.ix_(informed, informed)] * scale[:, None] * scale
        value, vector = np.linalg.eigh(block)
        inverse = (vector / np.maximum(value, _UNDETERMINED * value[-1])) @ vector.T
        covariance[np.ix_(informed, informed)] = inverse * scale[:, None] * scale
    return covariance


def _column(values: ArrayLike, name: str, size: int | None) -> FloatArray:
    """Values as a column of the asked length; a single number stands for all of it."""
    column = np.asarray(values, dtype=float)
    if size is not None and column.ndim == 0:
        column = np.full(size, float(column))
    if column.ndim != 1 or (size is not None and column.size != size):
        raise InputError(
            f"{name} does not fit the energies", key=name, found=column.shape, expected=f"({size},)"
        )
    if size is not None and not (np.isfinite(column).all() and (column >= 0).all()):
        raise InputError(f"{name} is negative or not finite", key=name)
    return column
