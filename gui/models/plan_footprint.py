"""The array at one setting of the circles: what the tab Plan drags over the map. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import FloatArray

if TYPE_CHECKING:
    from ixs_reduce.circles import Angles
    from ixs_reduce.instrument import Instrument
    from ixs_reduce.spectrometer import AnalyzerTable
    from simulate.planning import Placement
    from simulate.planning.plane import Plane

_MOVED = 1e-6
_CORNERS = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2


@dataclass(frozen=True)
class Footprint:
    """All analyzers at one position of the circles.

    Parameters
    ----------
    placement : Placement
        Which Q stands on which analyzer; its `excluded` says what is outside the limits.
    asked_hkl : (3,) array
        What was asked for: another Q where that is not reached.
    table : AnalyzerTable
        What all analyzers see.
    slits_mm : (H, V) or None
    values : mapping
        Degrees of the frozen angles that were set.
    """

    placement: Placement
    asked_hkl: FloatArray
    table: AnalyzerTable
    slits_mm: tuple[float, float] | None
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def analyzer(self) -> str | None:
        """The analyzer that holds the chosen Q; None is the arm's centre."""
        return self.placement.analyzer

    @property
    def hkl(self) -> FloatArray:
        """(3,) the chosen Q, r.l.u."""
        return self.placement.hkl

    @property
    def angles(self) -> Angles:
        """Of the arm's centre."""
        assert self.placement.angles is not None
        return self.placement.angles

    @property
    def mv(self) -> str:
        """The line to type at the beamline."""
        return self.placement.mv(self.slits_mm)

    @property
    def is_as_asked(self) -> bool:
        """Whether the Q asked for is reached; else this is the nearest that is."""
        return bool(np.abs(self.hkl - self.asked_hkl).max() < _MOVED)


def footprint_at(
    instrument: Instrument,
    analyzer: str | None,
    hkl: Sequence[float] | FloatArray,
    reachable_hkl: FloatArray | None = None,
    values: Mapping[str, float] | None = None,
) -> Footprint | None:
    """The array with hkl on an analyzer, or as near as known reachable points allow.

    None where the circles have no position at all; errors as for `place`.
    """
    from simulate.planning.placement import nearest_placement

    known = np.zeros((0, 3)) if reachable_hkl is None else reachable_hkl
    placement = nearest_placement(instrument, hkl, analyzer, known, values=values)
    if placement.angles is None:
        return None
    table = instrument.analyzer_q(placement.angles)
    asked = np.asarray(hkl, dtype=float)
    return Footprint(placement, asked, table, instrument.slits_mm, dict(values or {}))


def stored_footprint(record: Mapping[str, Any], table: AnalyzerTable) -> Footprint:
    """The array at a setting of a stored plan, without an instrument to move it."""
    from ixs_reduce.circles import Angles
    from simulate.planning import Placement

    placed = record["placed"]
    hkl = np.array(placed["hkl"], dtype=float)
    placement = Placement(hkl, placed["analyzer"], Angles(**record["angles"]))
    return Footprint(placement, hkl, table, None)


def frozen_values(instrument: Instrument) -> dict[str, float]:
    """The frozen angles by which the sample is turned, with the values they have without a word.

    With the usual code "456" that is omega = 0; with a frozen azimuth the azimuth.
    """
    from ixs_reduce.frozen import DETECTOR, frozen_names

    return {name: 0.0 for name in frozen_names(instrument.frozen) if name not in DETECTOR}


def windows_in_plane(
    plane: Plane, instrument: Instrument, table: AnalyzerTable
) -> tuple[FloatArray, FloatArray]:
    """(n, 4, 2) corners of all windows in a plane's axes, and (n,) their distance off it, Å⁻¹."""
    corners = (
        table.hkl[:, None]
        + _CORNERS[None, :, :1] * table.dq_horizontal[:, None]
        + _CORNERS[None, :, 1:] * table.dq_vertical[:, None]
    )
    lattice = instrument.orientation.lattice
    places, _ = plane.places(lattice, corners)
    return places, plane.places(lattice, table.hkl)[1]
