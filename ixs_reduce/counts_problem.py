"""Expected counts of a spectrum as a function of the free coordinates of its model.

What a profile, a posterior, a goodness test and a global fit all move after a first fit is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.coordinates import Coordinates, coordinates_of
from ixs_reduce.fisher_scoring import Optimum, minimise
from ixs_reduce.likelihood import Objective
from ixs_reduce.mode_fit import STRONGLY_DAMPED
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import PreparedModel, SpectrumModel

if TYPE_CHECKING:
    import lmfit

    from ixs_core.jobs import CancelToken
    from ixs_reduce.fitting import SpectrumFit


@dataclass(frozen=True)
class CountsProblem:
    """A spectrum, its prepared model and the free coordinates of the model."""

    spectrum: Spectrum
    prepared: PreparedModel
    coordinates: Coordinates

    def expected(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected counts (n,) at a point and their derivatives (n_free, n)."""
        theta, slope = self.coordinates.parameters(point)
        intensity, jacobian = self.prepared(theta)
        exposure, rate = self.spectrum.exposure, self.spectrum.background_rate
        expected = exposure * (intensity if rate is None else intensity + rate)
        return expected, (slope.T @ jacobian) * exposure

    def minimise(
        self,
        start: FloatArray,
        objective: Objective,
        tolerance: float = 1e-7,
        cancel: CancelToken | None = None,
    ) -> Optimum:
        """The optimum reached from a point (n_free,) within the bounds."""
        return minimise(
            self.expected,
            start,
            *self.coordinates.bounds(),
            self.spectrum.counts,
            objective,
            tolerance=tolerance,
            cancel=cancel,
        )


def counts_problem(
    spectrum: Spectrum, model: SpectrumModel, given: lmfit.Parameters, values: FloatArray
) -> CountsProblem:
    """The problem of fitting a spectrum near given parameter values (n_parameters,).

    given : bounds, fixed values and ties. Modes that are strongly damped at `values` move as
    such.
    """
    energy, fwhm, _ = values[: 3 * model.n_modes].reshape(model.n_modes, 3).T
    damped = np.flatnonzero(fwhm > STRONGLY_DAMPED * energy).tolist()
    ends = (float(spectrum.energy_mev[0]), float(spectrum.energy_mev[-1]))
    coordinates = coordinates_of(given, model.parameter_names, ends, damped)
    return CountsProblem(
        spectrum, model.prepare(spectrum.energy_mev), replace(coordinates, base=values)
    )


def problem_at(fit: SpectrumFit) -> CountsProblem:
    """The problem that a fit has solved, in the coordinates that suit its solution."""
    return counts_problem(fit.spectrum, fit.model, fit.start_parameters, fit.parameters)
