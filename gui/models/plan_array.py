"""The array as it is moved about: instrument, plane, chosen analyzer, where it stands. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.plan_footprint import (
    Footprint,
    footprint_at,
    frozen_values,
    stored_footprint,
)
from gui.models.plan_map import MapSettings, PlaneMap
from gui.models.plan_turn import turn_between
from ixs_core.arrays import FloatArray

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from ixs_reduce.instrument import Instrument
    from ixs_reduce.spectrometer import AnalyzerTable

_NOWHERE: FloatArray = np.zeros((0, 3))


class PlanArray:
    """The state behind the footprint on the map.

    Attributes
    ----------
    instrument : Instrument or None
        Without it nothing moves.
    settings : MapSettings
        The plane in which it is dragged.
    analyzer : str or None
        Which analyzer holds the chosen Q; None is the arm's centre.
    values : dict
        Degrees of the frozen angles by which the sample is turned.
    footprint : Footprint or None
    """

    def __init__(self) -> None:
        self.instrument: Instrument | None = None
        self.settings = MapSettings()
        self.analyzer: str | None = None
        self.values: dict[str, float] = {}
        self.footprint: Footprint | None = None
        self._map: PlaneMap | None = None
        self._reached = _NOWHERE
        self._turning: tuple[FloatArray, tuple[float, float]] | None = None

    @property
    def lattice(self) -> Lattice | None:
        """The crystal on the instrument."""
        return None if self.instrument is None else self.instrument.orientation.lattice

    def set_instrument(self, instrument: Instrument | None) -> None:
        """Another instrument; the array stands nowhere yet."""
        self.instrument, self.footprint, self.analyzer = instrument, None, None
        self.values = {} if instrument is None else frozen_values(instrument)
        self.set_map(None)

    def set_map(self, shown: PlaneMap | None) -> None:
        """The map whose reachable points are fallen back on."""
        self._map = shown
        self._reached = _NOWHERE if shown is None else shown.reachable_hkl

    @property
    def reached(self) -> FloatArray:
        """(n, 3) points known to be reached with the sample as it is turned now."""
        if self._map is None or self.instrument is None:
            return _NOWHERE
        turned = {**frozen_values(self.instrument), **self._map.request.values}
        if turned != self.values:
            return _NOWHERE
        return self._reached

    def begin(self) -> None:
        """Stand at the first reference reflection, the chosen Q on the arm's centre analyzer."""
        if self.instrument is None:
            return
        tth, gam = self.instrument.spectrometer.arm_offsets
        nearest = int(np.argmin(np.round(np.hypot(tth, gam), 9)))
        self.analyzer = self.instrument.spectrometer.analyzers[nearest]
        self.move(np.asarray(self.instrument.orientation.or0.hkl, dtype=float))

    def move(self, hkl: Sequence[float] | FloatArray) -> bool:
        """Put the chosen analyzer on hkl, or as near as is reached; whether there is a position.

        Raises
        ------
        InputError
            As the core's `place` does.
        """
        if self.instrument is None:
            return False
        found = footprint_at(self.instrument, self.analyzer, hkl, self.reached, self.values)
        if found is not None:
            self.footprint = found
        return found is not None

    def drag_to(self, x: float, y: float) -> bool:
        """Put the chosen analyzer on a place of the plane."""
        return self.move(self.settings.plane.hkl(x, y))

    def turn_to(self, start: tuple[float, float], end: tuple[float, float]) -> bool:
        """Turn the sample about the plane's normal, the knob going from `start` to `end`.

        The Q at the start of the turn is kept until `end_turn`: no rounding adds up.
        """
        if self.footprint is None or self.lattice is None:
            return False
        if self._turning is None:
            self._turning = (self.footprint.hkl, start)
        hkl, knob = self._turning
        plane = self.settings.plane
        degrees = turn_between(plane, self.lattice, knob, end)
        return self.move(plane.turned(self.lattice, hkl, degrees))

    def end_turn(self) -> None:
        """The knob was let go."""
        self._turning = None

    def choose(self, analyzer: str | None) -> bool:
        """Put the chosen Q on another analyzer."""
        self.analyzer = analyzer
        return self.footprint is not None and self.move(self.footprint.hkl)

    def set_value(self, name: str, degrees: float) -> bool:
        """Set a frozen angle; the chosen Q stays."""
        self.values = {**self.values, name: degrees}
        return self.footprint is not None and self.move(self.footprint.asked_hkl)

    def stand_at(self, record: Mapping[str, Any], table: AnalyzerTable | None = None) -> bool:
        """Stand at a setting of a plan or of the list; by its stored windows without instrument."""
        placed = record["placed"]
        self.analyzer = placed["analyzer"]
        if self.instrument is None:
            self.footprint = None if table is None else stored_footprint(record, table)
            return self.footprint is not None
        usual = frozen_values(self.instrument)
        self.values = {**usual, **record.get("values", {})}
        if self.analyzer not in (None, *self.instrument.spectrometer.analyzers):
            self.analyzer = None
            return self.move(record["hkl"])
        return self.move(placed["hkl"])
