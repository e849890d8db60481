"""What a thermal conductivity must obey whatever computed it, and how far it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal
from ixs_core.errors import InputError
from simulate.phonons.force_constants import ForceConstants
from simulate.transport.point_group import AXES, PointGroup, point_group_of

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

TOLERANCE = 1e-3
"""Largest residual of a tensor, relative to its mean diagonal element."""


@dataclass(frozen=True)
class Audit:
    """Residuals of checks, each with the largest that passes.

    Parameters
    ----------
    residuals : mapping of str to float
        Relative to the mean diagonal element of the conductivity.
    limits : mapping of str to float
        Of the same names.
    point_group : str
        Hermann-Mauguin symbol.
    forbidden : mapping of str to float
        Elements that the point group forbids and that are not zero ("yz"), W m⁻¹ K⁻¹.
    notes : tuple of str
        What could not be checked.
    """

    residuals: Mapping[str, float]
    limits: Mapping[str, float]
    point_group: str = ""
    forbidden: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every residual is within its limit."""
        return all(value <= self.limits[name] for name, value in self.residuals.items())

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(n for n, value in self.residuals.items() if not value <= self.limits[n])

    def lines(self) -> tuple[str, ...]:
        """The audit for people."""
        verdict = "passed" if self.passed else "FAILED"
        lines = [f"audit {verdict}, point group {self.point_group or 'unnamed'}"]
        for name, value in self.residuals.items():
            mark = "" if value <= self.limits[name] else "  FAILED"
            lines.append(f"  {name}: {value:.1e} (at most {self.limits[name]:.0e}){mark}")
        for element, value in (self.forbidden or {}).items():
            lines.append(f"  κ_{element} = {value:.4f} W/mK, which {self.point_group} forbids")
        return (*lines, *(f"  {note}" for note in self.notes))


def audit_tensor(
    kappa: ArrayLike,
    crystal: PointGroup | Crystal | ForceConstants | PhononModel | str,
    tolerance: float = TOLERANCE,
) -> Audit:
    """Check a conductivity against the symmetry of its crystal.

    Parameters
    ----------
    kappa : (3, 3) array
        W m⁻¹ K⁻¹, in the Cartesian frame of the crystal: that of the vectors of force constants,
        x along a* and z along c of a structure or a named point group.
    crystal : PointGroup, Crystal, ForceConstants, PhononModel or str
        A str is the symbol of a point group.
    tolerance : float
        Largest residual that passes.

    Returns
    -------
    Audit
        "point group": largest element of κ minus its mean over the group; "symmetric": of κ - κᵀ
        (Onsager); "positive": how far the lowest principal value is below zero. All relative to
        the mean diagonal element.

    Raises
    ------
    InputError
        Not a finite 3×3 tensor, or of no size.
    """
    tensor = np.asarray(kappa, dtype=float)
    scale = float(np.abs(np.trace(tensor))) / 3 if tensor.shape == (3, 3) else 0.0
    if not (np.isfinite(tensor).all() and scale > 0):
        raise InputError(
            "not a conductivity",
            key="kappa",
            found=np.array2string(tensor, precision=4),
            expected="3×3 numbers, W m⁻¹ K⁻¹",
        )
    group = point_group_of(crystal)
    symmetric = (tensor + tensor.T) / 2
    lowest = float(np.linalg.eigvalsh(symmetric)[0])
    residuals = {
        "point group": float(np.abs(symmetric - group.average(symmetric)).max()) / scale,
        "symmetric": float(np.abs(tensor - tensor.T).max()) / scale,
        "positive": max(0.0, -lowest) / scale,
    }
    return Audit(
        residuals,
        dict.fromkeys(residuals, tolerance),
        group.symbol,
        forbidden_elements(symmetric, group, tolerance * scale),
    )


def forbidden_elements(tensor: FloatArray, group: PointGroup, threshold: float) -> dict[str, float]:
    """Elements of a symmetric (3, 3) tensor that the group forbids and that exceed a threshold."""
    rows, columns = np.triu_indices(3)
    return {
        AXES[i] + AXES[j]: float(tensor[i, j])
        for i, j in zip(rows, columns, strict=True)
        if group.forbidden[i, j] and abs(tensor[i, j]) > threshold
    }
