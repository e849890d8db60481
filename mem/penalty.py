"""What the residuals must obey, and the penalty on the multipliers that makes them obey it.

Residuals y_j = (F_o - F)_j/σ_j lie in the convex set K of Σ_j w_j P(|y_j|) ≤ 1 with

    P(r) = Σ_n λ_n r^n / (N M_n target Σ_n λ_n),

which is C = Σ_n λ_n C_n ≤ 0 with C_n = 1/(N M_n) Σ_j w_j |ΔF_j/σ_j|^n - target: eq. (1) of Li et
al., Adv. Mater. (2025), doi:10.1002/adma.202513381, after Palatinus & van Smaalen, Acta Cryst.
A58, 559 (2002). M_n = (n - 1)!! is the moment of the Gaussian of one real variable, for acentric
reflections too: their phases are taken from a model, so that ΔF is along F and has one component.

The dual of "largest entropy with residuals in K" has the support function of K as its penalty,

    h(b) = max over y in K of Σ_j y_j·b_j,    b_j = σ_j a_j,

for χ² alone √(N target) ‖b‖_2, for one order n (N M_n target)^{1/n} ‖b‖_{n/(n-1)}. For several
orders the maximum is at w_j P'(|y_j|) y_j/|y_j| = b_j/μ, μ being the root of one equation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real

import numpy as np
from scipy.optimize import brentq

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError

_NEWTON_STEPS = 80


def gaussian_moment(order: int) -> float:
    """M_n = (n - 1)!! of the normal distribution of unit variance, n even."""
    return float(math.prod(range(order - 1, 0, -2)))


def checked_moments(moments: Mapping[int, float]) -> dict[int, float]:
    """The orders and their λ_n, those of λ_n = 0 left out.

    Raises
    ------
    InputError
        It is no mapping of numbers, an order is odd, below 2 or above 8, a λ_n negative or not
        finite, or all are 0.
    """
    if not isinstance(moments, Mapping):
        raise InputError(
            "the moments are not a mapping", key="moments", found=moments, expected="{2: 1.0}"
        )
    for n, share in moments.items():
        if n not in (2, 4, 6, 8):
            raise InputError(
                "moments of this order are not for constraints",
                key="moments",
                found=n,
                expected="2, 4, 6 or 8",
                hint="odd moments of residuals vanish; higher ones hang on a single reflection",
            )
        if not (isinstance(share, Real) and 0 <= share < math.inf):
            raise InputError(
                f"the weight of moment {n} is not possible",
                key="moments",
                found=share,
                expected="0 or more: the set of allowed residuals is convex only then",
            )
    chosen = {int(n): float(share) for n, share in moments.items()}
    if not any(chosen.values()):
        raise InputError(
            "no moment is constrained", key="moments", found=dict(moments), expected="{2: 1.0}"
        )
    return {n: share for n, share in sorted(chosen.items()) if share > 0}


@dataclass(frozen=True)
class Constraint:
    """The set K of allowed residuals.

    Parameters
    ----------
    owner : (k,) int array
        Observation to which each real component belongs, 0..N-1 ascending; one component for
        centric reflections and groups, two for acentric reflections.
    weight : (N,) array
        w_j.
    moments : mapping
        Order n -> λ_n.
    target : float
    """

    owner: IntArray
    weight: FloatArray
    moments: Mapping[int, float]
    target: float = 1.0

    @cached_property
    def coefficients(self) -> dict[int, float]:
        """n -> λ_n / (N M_n target Σλ)."""
        scale = len(self.weight) * self.target * sum(self.moments.values())
        return {n: share / (scale * gaussian_moment(n)) for n, share in self.moments.items()}

    @property
    def quadratic(self) -> bool:
        """Only χ² is constrained."""
        return set(self.moments) == {2}

    def lengths(self, y: FloatArray) -> FloatArray:
        """(N,) |y_j| of components (k,)."""
        return np.sqrt(np.bincount(self.owner, y * y, len(self.weight)))

    def value(self, y: FloatArray) -> float:
        """Σ_j w_j P(|y_j|): at most 1 in K."""
        r = self.lengths(y)
        return float(self.weight @ sum(c * r**n for n, c in self.coefficients.items()))

    def slope(self, y: FloatArray) -> FloatArray:
        """(k,) gradient of `value`."""
        return y * self._tangential(self.lengths(y))[self.owner]

    def curvature(self, y: FloatArray) -> Curvature:
        """Hessian of `value`."""
        r = self.lengths(y)
        radial = self.weight * sum(n * (n - 1) * c * r ** (n - 2) for n, c in self._items)
        along = np.zeros_like(y)
        np.divide(y, r[self.owner], out=along, where=r[self.owner] > 0)
        return Curvature(self.owner, self._tangential(r), radial, along)

    def support(self, b: FloatArray) -> tuple[float, FloatArray, float]:
        """h(b), the y (k,) of K where y·b is largest, and the μ with b = μ ∇value(y).

        For b = 0: h = 0, y = 0, μ = 0.
        """
        size = self.lengths(b)
        if not size.any():
            return 0.0, np.zeros_like(b), 0.0
        r, mu = self._lengths_at(size)
        ratio = np.divide(r, size, out=np.zeros_like(r), where=size > 0)
        y = b * ratio[self.owner]
        return float(y @ b), y, mu

    def conjugate(self, b: FloatArray, mu: float) -> tuple[float, FloatArray]:
        """max over all y of y·b - μ value(y), and that y: the penalty of a fixed μ."""
        size = self.lengths(b)
        r = self._roots(size / (self.weight * mu))
        ratio = np.divide(r, size, out=np.zeros_like(r), where=size > 0)
        y = b * ratio[self.owner]
        return float(y @ b) - mu * self.value(y), y

    @property
    def _items(self) -> list[tuple[int, float]]:
        return list(self.coefficients.items())

    def _tangential(self, r: FloatArray) -> FloatArray:
        """(N,) w P'(r)/r."""
        return np.asarray(self.weight * sum(n * c * r ** (n - 2) for n, c in self._items))

    def _lengths_at(self, size: FloatArray) -> tuple[FloatArray, float]:
        """|y_j| and μ of w_j P'(|y_j|) = |b_j|/μ and Σ w_j P = 1."""
        if len(self._items) == 1:
            ((n, c),) = self._items
            # r = (|b|/(n c w μ))^{1/(n-1)}; μ by Σ w c r^n = 1.
            unit = (size / (n * c * self.weight)) ** (1 / (n - 1))
            total = float(self.weight @ unit**n) * c
            scale = total ** (-1 / n)
            return unit * scale, scale ** -(n - 1)
        reduced = size / self.weight

        def excess(log_mu: float) -> float:
            r = self._roots(reduced * math.exp(-log_mu))
            return math.log(float(self.weight @ sum(c * r**n for n, c in self._items)))

        # Each order by itself bounds μ: with r from it alone, its own sum would be 1.
        guess = math.log(float(self.weight @ reduced))
        low = high = guess
        while excess(low) < 0:
            low -= 2.0
        while excess(high) > 0:
            high += 2.0
        log_mu = float(brentq(excess, low, high, xtol=1e-14, rtol=8.9e-16)) if low < high else low
        return self._roots(reduced * math.exp(-log_mu)), math.exp(log_mu)

    def _roots(self, slope: FloatArray) -> FloatArray:
        """(N,) r ≥ 0 of P'(r) = slope; Newton from above, where P' is convex and increasing."""
        r = np.min([(slope / (n * c)) ** (1 / (n - 1)) for n, c in self._items], axis=0)
        for _ in range(_NEWTON_STEPS):
            first = sum(n * c * r ** (n - 1) for n, c in self._items)
            second = np.asarray(sum(n * (n - 1) * c * r ** (n - 2) for n, c in self._items))
            step = np.divide(first - slope, second, out=np.zeros_like(r), where=second > 0)
            r = r - np.maximum(step, 0.0)
            if np.all(step <= 1e-15 * r):
                break
        return np.asarray(r)


@dataclass(frozen=True)
class Curvature:
    """The Hessian of `Constraint.value`: blocks of one or two components.

    Parameters
    ----------
    owner : (k,) int array
    tangential, radial : (N,) arrays
        w P'(r)/r and w P''(r): across and along y_j.
    along : (k,) array
        y_j/|y_j|, 0 where y_j = 0.
    """

    owner: IntArray
    tangential: FloatArray
    radial: FloatArray
    along: FloatArray

    def root_times(self, values: FloatArray, factor: float) -> FloatArray:
        """(factor · Hessian)^{1/2} times values (k,) or (k, m)."""
        across = np.sqrt(factor * self.tangential)
        more = (np.sqrt(factor * self.radial) - across)[self.owner] * self.along
        column = (slice(None), *[None] * (values.ndim - 1))
        result = across[self.owner][column] * values
        if more.any():
            result += more[column] * self._dot(values)
        return np.asarray(result)

    def _dot(self, values: FloatArray) -> FloatArray:
        """Σ over the components of an observation of along·values, for each component."""
        column = (slice(None), *[None] * (values.ndim - 1))
        product = self.along[column] * values
        begins = np.searchsorted(self.owner, np.arange(len(self.radial)))
        return np.asarray(np.add.reduceat(product, begins, axis=0)[self.owner])
