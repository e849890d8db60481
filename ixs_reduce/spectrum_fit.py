"""A fitted spectrum: parameters with errors, and everything to run the fit again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_reduce.likelihood import Objective
from ixs_reduce.mode_fit import BackgroundFit, ModeFit, QuasielasticFit, Value, mode_fits
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.spectrum_model import SpectrumModel

if TYPE_CHECKING:
    import lmfit


@dataclass(frozen=True)
class SpectrumFit:
    """A fitted spectrum.

    Parameters
    ----------
    spectrum, model : what was fitted with what.
    parameter_names : tuple of str
        Order of `parameters`, `covariance`.
    parameters : (n,) array
        Best values.
    covariance : (n, n) array
        Inverse Fisher information; zero rows for parameters that are fixed or at a bound.
    held : tuple of str
        Free parameters that ended on a bound.
    deviance, dof : float, int
        Minimised objective (Poisson deviance, or χ²), points minus free parameters.
    expected_counts : (n_points,) array
    converged, message : bool, str
    objective, starts, seed : as given.
    start_parameters : lmfit.Parameters or None
        Given start parameters (bounds, ties, fixed values), for running again.
    start_vectors : tuple of tuple of float
        The start points that were tried, for running again bit for bit.
    warnings : tuple of str
        What the user should know before trusting the numbers.
    branches : tuple of str
        Label of each mode given by a prediction; empty without one.
    upper_limits : tuple of (name, value)
        95 % upper limits of parameters that ended on their lower bound.
    remarks : tuple of str
        What the search noticed ("mode 1 may be two modes at 3.6 and 4.1 meV").
    """

    spectrum: Spectrum
    model: SpectrumModel
    parameter_names: tuple[str, ...]
    parameters: FloatArray
    covariance: FloatArray
    held: tuple[str, ...]
    deviance: float
    dof: int
    expected_counts: FloatArray
    converged: bool
    message: str
    objective: Objective
    starts: int
    seed: int
    start_parameters: Any
    start_vectors: tuple[tuple[float, ...], ...]
    warnings: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    upper_limits: tuple[tuple[str, float], ...] = ()
    remarks: tuple[str, ...] = ()

    def upper_limit(self, name: str) -> float | None:
        """95 % upper limit of a parameter at its lower bound, None where there is none."""
        return dict(self.upper_limits).get(name)

    def value(self, name: str) -> Value:
        """A parameter with its standard error (0 when fixed, NaN at a bound)."""
        i = self.parameter_names.index(name)
        at_bound = name in self.held
        error = float("nan") if at_bound else float(np.sqrt(max(self.covariance[i, i], 0.0)))
        return Value(float(self.parameters[i]), error, at_bound)

    @cached_property
    def modes(self) -> tuple[ModeFit, ...]:
        """Fitted modes, by rising energy."""
        return mode_fits(self.parameters, self.covariance, self.held, self.model, self.branches)

    @property
    def zero(self) -> Value:
        """Energy zero in meV: true energy = file energy - zero."""
        return self.value("zero")

    @property
    def elastic(self) -> Value | None:
        """Area of the elastic line per unit exposure, meV; None without one."""
        return self.value("elastic") if self.model.elastic else None

    @property
    def quasielastic(self) -> QuasielasticFit | None:
        """(amplitude, fwhm) of the quasi-elastic line; None without one."""
        if not self.model.quasielastic:
            return None
        return QuasielasticFit(self.value("qe_amplitude"), self.value("qe_fwhm"))

    @property
    def folded_scale(self) -> Value | None:
        """Scale of the model's folded modes; None without any."""
        return self.value("folded_scale") if self.model.folded else None

    @property
    def background(self) -> BackgroundFit:
        """(c0, c1) of the background per unit exposure (c0 + c1 E, E of the file)."""
        names = [n for n in self.parameter_names if n.startswith("background")]
        return BackgroundFit(*(self.value(n) for n in names))

    @property
    def reduced_deviance(self) -> float:
        """Deviance per degree of freedom (NaN without any)."""
        return self.deviance / self.dof if self.dof > 0 else float("nan")

    @property
    def correlated(self) -> tuple[tuple[str, str, float], ...]:
        """Pairs of parameters with |correlation| > 0.95."""
        error = np.sqrt(np.diag(self.covariance))
        scale = np.where(error > 0, error, np.inf)
        matrix = self.covariance / scale[:, None] / scale
        return tuple(
            (self.parameter_names[i], self.parameter_names[j], float(matrix[i, j]))
            for i, j in zip(*np.triu_indices(error.size, 1), strict=True)
            if abs(matrix[i, j]) > 0.95
        )

    def to_lmfit(self) -> lmfit.minimizer.MinimizerResult:
        """The fit as lmfit's result, for `lmfit.fit_report` and friends."""
        from ixs_reduce.lmfit_bridge import minimizer_result

        return minimizer_result(self)
