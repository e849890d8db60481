"""Turning the sample under the array: the knob of the tab Plan. Qt-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.planning.plane import Plane

_BESIDE = 0.35  # Å⁻¹ from the chosen Q, along the circle on which it turns
_SHORTEST = 0.3  # Å⁻¹: nearer to the axis there is nothing to turn


def knob_place(plane: Plane, lattice: Lattice, hkl: FloatArray) -> FloatArray | None:
    """(2,) where the knob stands beside a Q; None where Q lies on the axis."""
    radius = float(np.linalg.norm(_about_axis(plane, lattice, hkl)))
    if radius < _SHORTEST:
        return None
    beside = plane.turned(lattice, hkl, float(np.degrees(_BESIDE / radius)))
    places, _ = plane.places(lattice, beside)
    return places


def turn_between(
    plane: Plane, lattice: Lattice, start: tuple[float, float], end: tuple[float, float]
) -> float:
    """Degrees about the plane's normal through Q = 0, from one place of the plane to another."""
    first, second = (_about_axis(plane, lattice, plane.hkl(*place)) for place in (start, end))
    across = plane.normal(lattice) @ np.cross(first, second)
    return float(np.degrees(np.arctan2(across, first @ second)))


def _about_axis(plane: Plane, lattice: Lattice, hkl: FloatArray) -> FloatArray:
    """(3,) the part of Q across the normal, Å⁻¹."""
    q, normal = lattice.q_cartesian(np.asarray(hkl, dtype=float)), plane.normal(lattice)
    return np.asarray(q - (q @ normal) * normal)
