"""The dual function of the largest entropy, without its penalty: ln Z(a) - a·f_o.

Of all densities p = ρ/⟨ρ⟩ with given means ⟨c_k⟩ the one of largest S = -⟨p ln(p/τ)⟩ is
p = τ exp(Σ a_k c_k)/Z. In b_k = σ_k a_k the gradient of the dual function is the negative residual
(F - F_o)_k/σ_k, and the Hessian the covariance of the c_k/σ_k under p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ixs_core.arrays import FloatArray, IntArray
from mem.transform import Spectrum, Transform


@dataclass(frozen=True)
class Observations:
    """The data in the solver's terms, as fractions of F(000).

    Parameters
    ----------
    f, sigma : (k,) arrays
        Components of F_o (or G_o) and their standard uncertainties.
    owner : (k,) int array
        Observation to which a component belongs, ascending.
    combination : (functions of the basis, k) sparse array or None
        The unknowns' functions in terms of those of the basis; None: they are the same.
    """

    f: FloatArray
    sigma: FloatArray
    owner: IntArray
    combination: sparse.csr_array | None = None

    def __len__(self) -> int:
        return len(self.f)

    def to_basis(self, unknowns: FloatArray) -> FloatArray:
        """Multipliers of the functions of the basis from those of the unknowns."""
        return unknowns if self.combination is None else self.combination @ unknowns

    def from_basis(self, means: FloatArray) -> FloatArray:
        """Means (or rows of moments) of the unknowns' functions from those of the basis."""
        return means if self.combination is None else self.combination.T @ means


@dataclass(frozen=True)
class Point:
    """The dual function at one b.

    Parameters
    ----------
    b : (k,) array
    value : float
        ln Z - a·f_o.
    residual : (k,) array
        (F_o - F)/σ: the negative gradient.
    f : (k,) array
        Means of the unknowns' functions.
    spectrum : Spectrum
    """

    b: FloatArray
    value: float
    residual: FloatArray
    f: FloatArray
    spectrum: Spectrum

    @property
    def log_z(self) -> float:
        """ln Z."""
        return self.spectrum.log_z


@dataclass(frozen=True)
class EntropyDual:
    """ln Z(a) - a·f_o on one grid, as a function of b = σ a.

    Parameters
    ----------
    transform : Transform
    data : Observations
    """

    transform: Transform
    data: Observations

    def at(self, b: FloatArray) -> Point:
        """Value and gradient at b (k,)."""
        a = b / self.data.sigma
        spectrum = self.transform.evaluate(self.data.to_basis(a))
        f = self.data.from_basis(self.transform.means(spectrum))
        residual = (self.data.f - f) / self.data.sigma
        return Point(b, spectrum.log_z - float(a @ self.data.f), residual, f, spectrum)

    def covariance(self, point: Point) -> FloatArray:
        """(k, k) Hessian: covariance of the c_k/σ_k."""
        moments = self.transform.second_moments(point.spectrum)
        if self.data.combination is not None:
            moments = self.data.combination.T @ (self.data.combination.T @ moments).T
        moments -= np.outer(point.f, point.f)
        moments /= self.data.sigma
        moments /= self.data.sigma[:, None]
        return moments

    def density(self, point: Point) -> FloatArray:
        """(nx, ny, nz) ρ/⟨ρ⟩ on the grid."""
        return self.transform.density(self.data.to_basis(point.b / self.data.sigma), point.log_z)

    def covariance_product(
        self, point: Point, density: FloatArray, direction: FloatArray
    ) -> FloatArray:
        """(k,) Hessian at the point, whose density is given, times a direction (k,)."""
        v = direction / self.data.sigma
        means = self.transform.product_means(density, self.data.to_basis(v))
        return (self.data.from_basis(means) - point.f * (point.f @ v)) / self.data.sigma

    @property
    def largest_divergence(self) -> float:
        """The most that ⟨p ln(p/τ)⟩ can be on this grid: all of p where τ is smallest."""
        prior = self.transform.log_prior
        return float(np.log(self.transform.points) - (0.0 if prior is None else prior.min()))
