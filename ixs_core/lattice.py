"""The crystal lattice: reciprocal vectors and the Busing-Levy B matrix.

Reciprocal vectors include the factor 2π. The Cartesian crystal frame is that of Busing & Levy,
Acta Cryst. 22, 457 (1967): x along a*, y in the plane of a* and b*, z normal to both (along c).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError


@dataclass(frozen=True)
class Lattice:
    """Cell lengths a, b, c in Å and angles alpha, beta, gamma in degrees.

    Raises
    ------
    InputError
        A length is not positive, an angle is outside 0..180, or the angles close no cell.
    """

    a: float
    b: float
    c: float
    alpha: float = 90.0
    beta: float = 90.0
    gamma: float = 90.0

    def __post_init__(self) -> None:
        for name in ("a", "b", "c"):
            _require(getattr(self, name) > 0, name, getattr(self, name), "a length above 0 Å")
        for name in ("alpha", "beta", "gamma"):
            value = getattr(self, name)
            _require(0 < value < 180, name, value, "an angle between 0 and 180 degrees")
        _require(
            math.isfinite(self.a * self.b * self.c), "a, b, c", self.cell[:3], "finite lengths"
        )
        _require(
            self._volume_factor_squared > 1e-12,  # a flat cell is zero up to rounding
            "alpha, beta, gamma",
            self.cell[3:],
            "angles that close a cell: each less than the sum of the two others, in all below 360",
        )

    @classmethod
    def cubic(cls, a: float) -> Lattice:
        """Cubic cell of edge a (Å)."""
        return cls(a, a, a)

    @classmethod
    def from_cell(cls, cell: Sequence[float]) -> Lattice:
        """From the six numbers a, b, c (Å), alpha, beta, gamma (degrees)."""
        if len(cell) != 6:
            raise InputError(
                "the cell is not six numbers",
                key="cell",
                found=list(cell),
                expected="[a, b, c, alpha, beta, gamma] in Å and degrees",
            )
        return cls(*(float(value) for value in cell))

    @classmethod
    def from_vectors(cls, vectors: ArrayLike) -> Lattice:
        """From the (3, 3) rows a, b, c in Å, in any frame; InputError when they span no cell."""
        rows = _vectors(vectors, "vectors")
        lengths = np.linalg.norm(rows, axis=1)
        if rows.shape != (3, 3) or not (lengths > 0).all():
            raise InputError(
                "three vectors of a cell are needed", key="vectors", found=np.asarray(rows).tolist()
            )
        cosines = (rows @ rows.T) / np.outer(lengths, lengths)
        angles = np.degrees(np.arccos(np.clip(cosines[[1, 0, 0], [2, 2, 1]], -1, 1)))
        return cls(*(float(value) for value in (*lengths, *angles)))

    @property
    def cell(self) -> tuple[float, float, float, float, float, float]:
        """The six numbers a, b, c (Å), alpha, beta, gamma (degrees)."""
        return (self.a, self.b, self.c, self.alpha, self.beta, self.gamma)

    @property
    def volume(self) -> float:
        """Cell volume in Å³: abc √(1 - Σcos² + 2 Πcos)."""
        return self.a * self.b * self.c * math.sqrt(self._volume_factor_squared)

    @cached_property
    def b_matrix(self) -> FloatArray:
        """(3, 3) Busing-Levy B in Å⁻¹ with 2π: Q (crystal Cartesian) = B hkl; eq. (3) there."""
        cos_alpha, cos_beta, cos_gamma = self._cosines
        sin_alpha, sin_beta, sin_gamma = (math.sqrt(1 - cos**2) for cos in self._cosines)
        over_volume = 2 * math.pi / self.volume
        a_star = self.b * self.c * sin_alpha * over_volume
        b_star = self.c * self.a * sin_beta * over_volume
        c_star = self.a * self.b * sin_gamma * over_volume
        cos_beta_star = (cos_alpha * cos_gamma - cos_beta) / (sin_alpha * sin_gamma)
        cos_gamma_star = (cos_alpha * cos_beta - cos_gamma) / (sin_alpha * sin_beta)
        sin_beta_star = math.sqrt(1 - cos_beta_star**2)
        sin_gamma_star = math.sqrt(1 - cos_gamma_star**2)
        matrix = np.array(
            [
                [a_star, b_star * cos_gamma_star, c_star * cos_beta_star],
                [0.0, b_star * sin_gamma_star, -c_star * sin_beta_star * cos_alpha],
                [0.0, 0.0, 2 * math.pi / self.c],
            ]
        )
        matrix.flags.writeable = False
        return matrix

    @cached_property
    def _inverse_b(self) -> FloatArray:
        return np.asarray(np.linalg.inv(self.b_matrix))

    def q_cartesian(self, hkl: ArrayLike) -> FloatArray:
        """Q in Å⁻¹ in the crystal's Cartesian frame, of hkl (…, 3) in r.l.u.; shape (…, 3)."""
        return _vectors(hkl, "hkl") @ self.b_matrix.T

    def hkl(self, q_cartesian: ArrayLike) -> FloatArray:
        """The hkl in r.l.u. of Q (…, 3) in Å⁻¹ in the crystal's Cartesian frame; shape (…, 3)."""
        return _vectors(q_cartesian, "q_cartesian") @ self._inverse_b.T

    def q_abs(self, hkl: ArrayLike) -> Any:
        """The length |Q| in Å⁻¹ (with 2π) of hkl (…, 3) in r.l.u.; a float or shape (…)."""
        length = np.linalg.norm(self.q_cartesian(hkl), axis=-1)
        return float(length) if length.ndim == 0 else length

    def d_spacing(self, hkl: ArrayLike) -> Any:
        """Spacing d = 2π/|Q| in Å of the planes hkl (…, 3); infinite for hkl = 0."""
        length = np.asarray(self.q_abs(hkl))
        spacing = np.full(length.shape, np.inf)
        np.divide(2 * math.pi, length, out=spacing, where=length > 0)
        return float(spacing) if spacing.ndim == 0 else spacing

    @property
    def _cosines(self) -> tuple[float, float, float]:
        # Exactly 0 at 90 degrees, so that an orthogonal cell has a diagonal B.
        alpha, beta, gamma = (
            0.0 if angle == 90.0 else math.cos(math.radians(angle)) for angle in self.cell[3:]
        )
        return alpha, beta, gamma

    @property
    def _volume_factor_squared(self) -> float:
        x, y, z = self._cosines
        return 1 - x * x - y * y - z * z + 2 * x * y * z


def _require(holds: bool, key: str, found: object, expected: str) -> None:
    if not holds:
        raise InputError("the cell is not possible", key=key, found=found, expected=expected)


def _vectors(values: ArrayLike, name: str) -> FloatArray:
    vectors = np.asarray(values, dtype=float)
    if vectors.ndim == 0 or vectors.shape[-1] != 3:
        raise InputError(
            "the last axis is not the three components of a vector",
            key=name,
            found=f"shape {vectors.shape}",
            expected="shape (…, 3)",
        )
    return vectors
