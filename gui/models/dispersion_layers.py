"""Which layers of the tab Dispersion are seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from ixs_reduce.dispersion_points import ModePoint


@dataclass(frozen=True)
class Layers:
    """What is drawn over the maps and in the panels of points."""

    points: bool = True
    widths: bool = True
    limits: bool = True
    overdamped: bool = True
    uncertain: bool = True
    branches: bool = True
    predicted: bool = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the layers, in the order in which they are offered."""
        return tuple(one.name for one in fields(cls))

    def shows(self, point: ModePoint) -> bool:
        """Whether a fitted mode is seen."""
        if not point.trusted:
            return self.uncertain
        return self.overdamped if point.overdamped else self.points

    def of(self, points: Iterable[ModePoint]) -> tuple[ModePoint, ...]:
        """Those of some points that are seen."""
        return tuple(point for point in points if self.shows(point))


def width_shown(point: ModePoint) -> float:
    """Where a point stands on the axis of widths: at its FWHM, or at the limit of it."""
    return point.fwhm if point.limit is None else point.limit
