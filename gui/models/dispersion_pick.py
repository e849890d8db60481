"""What of the layers of the tab Dispersion lies under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gui.models.column_grid import ColumnGrid
from gui.models.dispersion_layers import Layers, width_shown
from gui.models.dispersion_view import DispersionView
from ixs_core.arrays import FloatArray
from ixs_reduce.dispersion_points import CalculatedPoints, ModePoint
from simulate.branches_along import BranchAlong

_POINT_REACH, _LINE_REACH = 9.0, 6.0  # pixels


class PredictedAt(NamedTuple):
    """A predicted mode that was picked: of which spectrum (column), which of its modes."""

    column: int
    mode: int


class BranchAt(NamedTuple):
    """A calculated branch that was picked, and at which of its momenta."""

    branch: BranchAlong
    at: int


class Place(NamedTuple):
    """A place in one of the plots, on its axes, and how large a pixel is there."""

    plot: str
    x: float
    y: float
    pixels: Pixels
    double: bool = False


@dataclass(frozen=True)
class Pixels:
    """How large a pixel is on the axes of a plot."""

    x: float
    y: float

    def distance(self, x: FloatArray | float, y: FloatArray | float) -> FloatArray:
        """Length in pixels of steps on the axes."""
        return np.asarray(np.hypot(np.asarray(x) / self.x, np.asarray(y) / self.y))


def point_at(
    points: Sequence[ModePoint], heights: Sequence[float], x: float, y: float, pixels: Pixels
) -> ModePoint | None:
    """The fitted mode under the cursor; `heights` are the points' places on the axis."""
    if not points:
        return None
    positions = np.array([point.position for point in points])
    far = pixels.distance(positions - x, np.asarray(heights, dtype=float) - y)
    nearest = int(np.argmin(far))
    return points[nearest] if far[nearest] <= _POINT_REACH else None


def branch_at(
    branches: Sequence[BranchAlong], x: float, y: float, pixels: Pixels
) -> BranchAt | None:
    """The calculated branch under the cursor."""
    found: tuple[float, BranchAt] | None = None
    for branch in branches:
        position, energy = branch.position, branch.energy_mev
        if not position[0] - 3 * pixels.x <= x <= position[-1] + 3 * pixels.x:
            continue
        here = int(np.argmin(np.abs(position - x)))
        far = float(pixels.distance(0.0, np.interp(x, position, energy) - y))
        if far <= _LINE_REACH and (found is None or far < found[0]):
            found = (far, BranchAt(branch, here))
    return None if found is None else found[1]


def predicted_at(
    predicted: Sequence[CalculatedPoints], grid: ColumnGrid, x: float, y: float, pixels: Pixels
) -> PredictedAt | None:
    """The predicted mode under the cursor; of modes at one energy the strongest."""
    column = grid.column_at(x)
    for modes in predicted:
        if modes.spectrum != column or not modes.energy.size:
            continue
        far = pixels.distance(0.0, modes.energy - y)
        near = np.flatnonzero(far <= min(_LINE_REACH, float(far.min()) + 1.0))
        if near.size:
            return PredictedAt(modes.spectrum, int(near[np.argmax(modes.strength[near])]))
    return None


def picked_point(view: DispersionView, layers: Layers, place: Place) -> ModePoint | None:
    """The fitted mode that is seen at a place."""
    seen = layers.of(view.points)
    if place.plot == "widths":
        seen = tuple(point for point in seen if point.limit is None or layers.limits)
        heights = [width_shown(point) for point in seen]
    else:
        heights = [point.energy for point in seen]
    return point_at(seen, heights, place.x, place.y, place.pixels)


def picked_calculated(
    view: DispersionView, layers: Layers, place: Place
) -> BranchAt | PredictedAt | None:
    """The branch, else the predicted mode, that is seen at a place."""
    if place.plot == "widths":
        return None
    found: BranchAt | PredictedAt | None = None
    if layers.branches:
        found = branch_at(view.branches, place.x, place.y, place.pixels)
    if found is None and layers.predicted:
        found = predicted_at(view.predicted, view.measured, place.x, place.y, place.pixels)
    return found
