"""The simulated S(Q,E) through an analyzer's resolution, laid over its counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.resolution import Resolution
from simulate.md.scattering_spectrum import DynamicStructureFactor

ElasticLine = Literal["fitted", "simulated", "none"]
"""An area of its own (scatter from defects, holder, window); that of the simulation; none."""

_POINTS_PER_FWHM = 12
_FEWEST_COUNTS = 1e-3  # a weight is never that of fewer expected counts
_ROUNDS = 200
_UNCHANGED = 1e-10


class Convolved(NamedTuple):
    """S(Q,E) through a resolution, (n,) each: inelastic part and elastic line, units²/meV."""

    inelastic: FloatArray
    elastic: FloatArray


@dataclass(frozen=True)
class Overlay:
    """A simulation laid over the counts of one analyzer.

    Parameters
    ----------
    energy_mev, counts, exposure : (n,) array
        The data.
    expected : (n,) array
        Expected counts: the sum of the three next.
    inelastic, elastic, background : (n,) array
    scale, scale_err : float
        Counts per exposure for one unit² of S per atom, and its standard error.
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


def through_resolution(
    simulated: DynamicStructureFactor,
    row: int,
    resolution: Resolution,
    energy_mev: ArrayLike,
) -> Convolved:
    """S(Q,E) ⊗ R at energies counted from the energy zero of R.

    S is taken as straight between its bins h/T. It carries its own resolution `fwhm_mev` besides.

    Parameters
    ----------
    simulated : DynamicStructureFactor
        With its quantum correction: no Bose factor is applied here.
    row : int
        Which Q.
    resolution : Resolution
        Of unit area.
    energy_mev : (n,) array

    Raises
    ------
    InputError
        The energies reach beyond those of the simulation.
    """
    energy = np.asarray(energy_mev, dtype=float)
    highest = float(simulated.energy_mev[-1])
    if not np.all(np.abs(energy) <= highest):
        raise InputError(
            "the spectrum reaches beyond the energies of the simulation",
            key="energy_mev",
            found=f"{energy.min():.4g} to {energy.max():.4g} meV",
            expected=f"±{highest:.4g} meV",
            hint="frames closer in time reach further: 2068 meV / Δt in fs",
        )
    finer = max(1, int(np.ceil(_POINTS_PER_FWHM * simulated.bin_mev / resolution.fwhm_mev)))
    bins = len(simulated.energy_mev)
    fine = np.linspace(-highest, highest, (bins - 1) * finer + 1)
    values = np.interp(fine, simulated.energy_mev, simulated.inelastic[row])
    step = simulated.bin_mev / finer
    return Convolved(
        inelastic=resolution(energy[:, None] - fine) @ values * step,
        elastic=simulated.elastic[row] * resolution(energy),
    )


def overlay_spectrum(
    energy_mev: ArrayLike,
    counts: ArrayLike,
    exposure: ArrayLike,
    simulated: DynamicStructureFactor,
    row: int,
    resolution: Resolution,
    *,
    zero_mev: float = 0.0,
    elastic: ElasticLine = "fitted",
    background: bool = True,
) -> Overlay:
    """Scale a simulation to the counts of an analyzer: Poisson likelihood, nothing negative.

    Expected counts are exposure × (scale × S⊗R + elastic area × R + background). The numbers are
    found by weighted least squares with weights 1/expected, repeated until they rest, which is
    the largest likelihood of a model linear in its numbers (Fisher scoring).

    Parameters
    ----------
    energy_mev, counts, exposure : (n,) array
        As in `Spectrum`.
    simulated : DynamicStructureFactor
    row : int
        Which of its Q.
    resolution : Resolution
    zero_mev : float
        The analyzer's energy zero.
    elastic : "fitted", "simulated" or "none"
        Whether the elastic line has an area of its own or that of the simulation.
    background : bool
        Whether a constant rate is fitted.

    Raises
    ------
    InputError
        Lengths differ, values are negative or not finite, too few points, nothing to scale;
        errors of `through_resolution`.
    """
    if elastic not in get_args(ElasticLine):
        raise InputError(
            "unknown treatment of the elastic line",
            key="elastic",
            found=elastic,
            expected=" or ".join(get_args(ElasticLine)),
        )
    energy, y, monitor = _checked(energy_mev, counts, exposure)
    through = through_resolution(simulated, row, resolution, energy - zero_mev)
    inelastic = through.inelastic
    line = through.elastic if elastic == "simulated" else np.zeros_like(energy)
    columns: list[FloatArray] = [monitor * (inelastic + line)]
    if elastic == "fitted":
        columns.append(monitor * resolution(energy - zero_mev))
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
    if not design[:, 0].max() > 0:
        raise InputError("the simulation has no intensity at this Q", key=f"row {row}")
    fitted, covariance = _largest_likelihood(design, y)
    area = fitted[1] if elastic == "fitted" else 0.0
    rate = fitted[-1] if background else 0.0
    elastic_counts = fitted[0] * monitor * line + (
        area * design[:, 1] if elastic == "fitted" else 0.0
    )
    expected = design @ fitted
    return Overlay(
        energy_mev=energy,
        counts=y,
        exposure=monitor,
        expected=expected,
        inelastic=fitted[0] * monitor * inelastic,
        elastic=elastic_counts,
        background=rate * monitor,
        scale=float(fitted[0]),
        scale_err=float(np.sqrt(covariance[0, 0])),
        elastic_area=float(area),
        background_rate=float(rate),
        chi2=float(((y - expected) ** 2 / np.maximum(expected, _FEWEST_COUNTS)).sum()),
        deviance=_deviance(y, expected),
        dof=dof,
        notes=_notes(simulated, resolution, float(fitted[0])),
    )


def _largest_likelihood(design: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients ≥ 0 of the largest Poisson likelihood, and the inverse of Fisher's matrix."""
    size = np.maximum(design.max(axis=0), 1e-300)
    columns = design / size
    expected = np.maximum(y, 1.0)
    fitted = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        weight = 1 / np.sqrt(np.maximum(expected, _FEWEST_COUNTS))
        before, (fitted, _) = fitted, nnls(columns * weight[:, None], y * weight)
        expected = columns @ fitted
        if np.abs(fitted - before).max() <= _UNCHANGED * max(np.abs(fitted).max(), 1e-300):
            break
    weight = 1 / np.maximum(expected, _FEWEST_COUNTS)
    covariance = np.linalg.pinv((columns * weight[:, None]).T @ columns)
    return fitted / size, covariance / np.outer(size, size)


def _deviance(y: FloatArray, expected: FloatArray) -> float:
    mean = np.maximum(expected, 1e-300)
    logarithm = np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, mean, 1.0))
    return float(2 * (y * logarithm - (y - expected)).sum())


def _checked(
    energy_mev: ArrayLike, counts: ArrayLike, exposure: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
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


def _notes(
    simulated: DynamicStructureFactor, resolution: Resolution, scale: float
) -> tuple[str, ...]:
    notes = []
    own, measured = simulated.fwhm_mev, resolution.fwhm_mev
    if own > measured / 3:
        notes.append(
            f"the simulation's own resolution, {own:.2g} meV, widens lines beyond the analyzer's "
            f"{measured:.3g} meV: longer segments make it narrower"
        )
    if simulated.quantum == "none":
        notes.append("the classical S(Q,E) has no detailed balance")
    if scale == 0:
        notes.append("the counts show nothing of the simulation: the scale is zero")
    return tuple(notes)
