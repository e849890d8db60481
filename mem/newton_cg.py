"""The covariance as products only, for problems whose matrix would be too large.

Each product with a direction is one synthesis and one analysis on the grid; the equations of the
proximal Newton method (`mem.newton`) are solved by conjugate gradients with the diagonal of the
uniform density as preconditioner.

Their number grows without bound where the target is near the smallest that can be reached, or
below it: the multipliers grow, and the equations become ever closer to singular. `Products`
therefore counts the products.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ixs_core.arrays import FloatArray
from mem.entropy import EntropyDual, Point
from mem.newton import WorkSpent
from mem.penalty import Curvature

_PRECISION = 1e-3  # of a step: the gradient shrinks by about this each time
_RELATIVE = 1e-8  # residual at which a system counts as solved
_STEPS = 2000


@dataclass
class Products:
    """Models by products, of which there may be so many altogether.

    Parameters
    ----------
    limit : int
        `WorkSpent` is raised when one more is wanted.
    spent : int
    """

    limit: int
    spent: int = 0

    def __call__(self, dual: EntropyDual, point: Point) -> ProductModel:
        """The covariance at a point."""
        return ProductModel(dual, point, self)

    def count(self) -> None:
        """One product more."""
        if self.spent >= self.limit:
            raise WorkSpent
        self.spent += 1


@dataclass(frozen=True)
class ProductModel:
    """The covariance at a point, through products with it.

    Parameters
    ----------
    dual : EntropyDual
    point : Point
    products : Products
        Counts them.
    """

    dual: EntropyDual
    point: Point
    products: Products
    precision: float = _PRECISION

    @cached_property
    def _density(self) -> FloatArray:
        return self.dual.density(self.point)

    @cached_property
    def _diagonal(self) -> FloatArray:
        """Variance of c_k/σ_k under a uniform density: 1/(size of the orbit σ²)."""
        basis = self.dual.transform.basis
        variance = 1.0 / basis.orbits.size[basis.owner]
        if self.dual.data.combination is not None:
            variance = self.dual.data.combination.power(2).T @ variance
        return np.asarray(variance / self.dual.data.sigma**2)

    def times(self, direction: FloatArray) -> FloatArray:
        """C v."""
        self.products.count()
        return self.dual.covariance_product(self.point, self._density, direction)

    def solver(self, curvature: Curvature, factor: float) -> Callable[[FloatArray], FloatArray]:
        """By conjugate gradients."""
        scale = 1.0 + factor * curvature.radial[curvature.owner] * self._diagonal

        def product(x: FloatArray) -> FloatArray:
            inner = self.times(curvature.root_times(x, factor))
            return x + curvature.root_times(inner, factor)

        return lambda right: conjugate_gradients(product, right, scale)


def conjugate_gradients(
    product: Callable[[FloatArray], FloatArray], right: FloatArray, diagonal: FloatArray
) -> FloatArray:
    """Solve A x = right for a positive definite A given by its products.

    Preconditioned with the diagonal; ends at a relative residual of 1e-8.
    """
    x = np.zeros_like(right)
    rest = right.copy()
    wanted = _RELATIVE * np.linalg.norm(right)
    scaled = rest / diagonal
    direction, power = scaled, float(rest @ scaled)
    for _ in range(_STEPS):
        if np.linalg.norm(rest) <= wanted:
            break
        image = product(direction)
        length = power / float(direction @ image)
        x += length * direction
        rest -= length * image
        scaled = rest / diagonal
        power, before = float(rest @ scaled), power
        direction = scaled + power / before * direction
    return x
