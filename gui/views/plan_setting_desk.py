"""The present setting of the tab Plan: array on the map, numbers beside it, expected spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication

from gui.models.plan_array import PlanArray
from gui.models.plan_footprint import frozen_values, windows_in_plane
from gui.models.plan_map import numbers_text, three_numbers
from gui.models.plan_turn import knob_place
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.models.plan_sources import FoundPlan
    from gui.views.plan_tab import PlanTab
    from ixs_core.arrays import FloatArray
    from ixs_reduce.instrument import Instrument
    from simulate.planning import ExpectedPanel

_EXPECT_AFTER_MS = 250
_MAP_AFTER_MS = 500
_NO_SPECTRA = (
    "Expected spectra of this setting need force constants and the experiment file; a plan "
    "stores those of its first settings only."
)


class PlanSettingDesk(QObject):
    """Moves the array and shows where it stands.

    Parameters
    ----------
    tab : PlanTab
        Whose widgets it serves.
    """

    def __init__(self, tab: PlanTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self.array = PlanArray()
        self.row: int | None = None
        self._panels: tuple[ExpectedPanel, ...] = ()
        self._panel_hours = 1.0
        self._wanted: tuple[str, ...] = ()
        self._expect_timer = QTimer(self, singleShot=True, interval=_EXPECT_AFTER_MS)
        self._expect_timer.timeout.connect(self.expect)
        self._map_timer = QTimer(self, singleShot=True, interval=_MAP_AFTER_MS)
        self._map_timer.timeout.connect(tab.map.start)
        widgets = tab.widgets
        widgets.map.footprint.dragged.connect(self._on_dragged)
        widgets.map.knob.turned.connect(self._on_turned)
        widgets.map.setting_clicked.connect(widgets.table.select)
        widgets.setting.analyzer_chosen.connect(self.choose)
        widgets.analyzers.analyzer_chosen.connect(self.choose)
        widgets.setting.hkl_typed.connect(self._on_typed)
        widgets.setting.value_changed.connect(self._on_value)
        widgets.setting.hours_changed.connect(self._show_spectra)
        widgets.setting.copy_wanted.connect(self._copy)
        widgets.table.chosen.connect(self.stand_at_row)

    @property
    def waiting(self) -> bool:
        """Whether a timer is still to start work."""
        return self._expect_timer.isActive() or self._map_timer.isActive()

    @property
    def hours(self) -> float:
        """Counting hours of the setting."""
        return float(self.tab.widgets.setting.hours.value())

    @property
    def panels(self) -> tuple[ExpectedPanel, ...]:
        """The expected spectra as shown."""
        return tuple(panel.counted(self.hours / self._panel_hours) for panel in self._panels)

    # -- where it stands --------------------

    def set_instrument(self, instrument: Instrument | None) -> None:
        """Another instrument, or none."""
        self._expect_timer.stop()
        self._map_timer.stop()
        self.array.set_instrument(instrument)
        names = () if instrument is None else instrument.spectrometer.analyzers
        self.tab.widgets.setting.set_analyzers(names)
        self.tab.widgets.setting.set_turns(self.array.values)
        self.row, self._panels = None, ()
        self.show()
        self._show_spectra()

    def begin(self, found: FoundPlan | None) -> None:
        """Stand at the best setting of a plan, or where the crystal was aligned."""
        if found is not None:
            self.tab.widgets.table.clear_choice()
            self.tab.widgets.table.select(0)
            return
        self._guarded(self._begin_at_reference)

    def _begin_at_reference(self) -> None:
        self.array.begin()
        self._moved()

    def stand_at_row(self, row: int) -> None:
        """Stand at a setting of the plan."""
        found = self.tab.found
        if found is None:
            return
        record = found.stored.record["settings"][row]
        pictures = found.pictures.settings
        table = pictures[row].footprint if row < len(pictures) else None
        self.tab.widgets.setting.set_hours(record["hours"])
        self._guarded(lambda: self.stand_at(record, row, table))

    def stand_at(self, record: Mapping[str, Any], row: int | None, table: Any = None) -> None:
        """Stand at a setting given as plain data; `row` is its place in the plan, if any."""
        before = dict(self.array.values)
        stands = self.array.stand_at(record, table)
        self.row = row
        self._wanted = tuple(t["analyzer"] for t in record["targets"] if t["assigned"])
        self.tab.widgets.setting.set_turns(self.array.values)
        if before != self.array.values:
            self._map_timer.start()
        if not stands and self.array.instrument is not None:
            self._unreachable(record["placed"]["hkl"])
        self.show()
        found = self.tab.found
        if row is not None and found is not None and row < len(found.pictures.settings):
            self._expect_timer.stop()
            picture = found.pictures.settings[row]
            self._take_panels(picture.panels, picture.hours)
        else:
            self._panels = ()
            self._show_spectra()
            self._expect_timer.start()

    def choose(self, analyzer: str | None) -> None:
        """Hold the chosen Q on another analyzer."""
        self._guarded(lambda: self._after(self.array.choose(analyzer)))

    def move(self, hkl: Sequence[float] | FloatArray) -> None:
        """Put the chosen analyzer on hkl, or as near as is reached."""
        self._guarded(lambda: self._after(self.array.move(hkl), hkl))

    def _on_dragged(self, x: float, y: float, _: bool) -> None:
        self._guarded(lambda: self._after(self.array.drag_to(x, y)))

    def _on_turned(self, x: float, y: float, ends: bool) -> None:
        knob = self.tab.widgets.map.knob
        self._guarded(lambda: self._after(self.array.turn_to(knob.place, (x, y))))
        if ends:
            self.array.end_turn()

    def _on_value(self, name: str, degrees: float) -> None:
        self._guarded(lambda: self._after(self.array.set_value(name, degrees)))
        self._map_timer.start()

    def _on_typed(self, text: str) -> None:
        self.tab.widgets.setting.hkl.setModified(False)
        self._guarded(lambda: self.move(three_numbers(text, "Q")))

    def _after(self, stands: bool, hkl: Sequence[float] | FloatArray | None = None) -> None:
        if not stands:
            if hkl is not None:
                self._unreachable(hkl)
            return
        self._moved()

    def _moved(self) -> None:
        """The array stands elsewhere than at a row of the plan."""
        self.row, self._wanted = None, ()
        self.tab.widgets.table.clear_choice()
        self.show()
        self._expect_timer.start()

    def _unreachable(self, hkl: Sequence[float] | FloatArray) -> None:
        self.tab.desk.messages.warning(
            "the setting", f"no position of the circles puts ({numbers_text(hkl)}) there"
        )

    def _guarded(self, do: Callable[[], None]) -> None:
        try:
            do()
        except InputError as error:
            self.tab.desk.messages.error("the setting", error)

    # -- what is shown of it --------------------

    def show(self) -> None:
        """Draw array and numbers as they are."""
        widgets, array = self.tab.widgets, self.array
        footprint = array.footprint
        off = 0.0
        if footprint is None or array.instrument is None or array.lattice is None:
            widgets.map.hide_footprint()
        else:
            plane = array.settings.plane
            corners, distance = windows_in_plane(plane, array.instrument, footprint.table)
            centre, off_plane = plane.places(array.lattice, footprint.hkl)
            off = float(off_plane)
            names = footprint.table.names
            chosen = names.index(footprint.analyzer) if footprint.analyzer in names else None
            knob = knob_place(plane, array.lattice, footprint.hkl)
            widgets.map.show_footprint(corners, distance, chosen, centre, knob)
        widgets.setting.show_footprint(footprint, off)
        widgets.analyzers.show_footprint(footprint)

    def windows(self) -> FloatArray | None:
        """(n, 4, 2) the windows in the plane, None without an array."""
        if self.array.footprint is None or self.array.instrument is None:
            return None
        plane = self.array.settings.plane
        return windows_in_plane(plane, self.array.instrument, self.array.footprint.table)[0]

    def _copy(self) -> None:
        if self.array.footprint is not None:
            QGuiApplication.clipboard().setText(self.tab.widgets.setting.mv.text())

    # -- expected spectra --------------------

    def expect(self) -> None:
        """Work out the expected spectra of the setting, unless the plan stores them."""
        footprint, beamtime = self.array.footprint, self.tab.beamtime
        if footprint is None or (self.row is not None and self._panels):
            return
        if beamtime is None or self.array.instrument is None:
            self._panels = ()
            self._show_spectra()
            return
        hours = self.hours
        self.tab.jobs.expect(
            beamtime,
            footprint.angles,
            self.tab.scan_mev,
            hours,
            lambda panels: self._take_panels(panels, hours),
        )

    def _take_panels(self, panels: Sequence[ExpectedPanel], hours: float) -> None:
        self._panels, self._panel_hours = tuple(panels), hours
        self._show_spectra()

    def _show_spectra(self) -> None:
        expected, panels = self.tab.widgets.expected, self.panels
        expected.show_panels(panels, self._wanted)
        if not panels:
            expected.set_note("" if self.tab.jobs.busy else _NO_SPECTRA)
            return
        scan = panels[0].energy_mev
        which = "this setting" if self.row is None else f"setting {self.row + 1}"
        bold = " Bold: what the plan counts on." if self._wanted else ""
        expected.set_note(
            f"Counts expected at {which} after {self.hours:.2f} h, {scan.size} points, bars "
            "√counts. Ticks: lines told apart, thick where σ(E) < 0.3 meV. Tall elastic lines "
            f"are cut.{bold}"
        )

    def usual_values(self) -> dict[str, float]:
        """The frozen angles as they are without a word."""
        return {} if self.array.instrument is None else frozen_values(self.array.instrument)

    def scan_record(self) -> dict[str, Any] | None:
        """Ends and number of points of the scan, as a plan has them; None while not known."""
        if self.tab.found is not None:
            scan: dict[str, Any] = self.tab.found.stored.record["scan"]
            return scan
        if not self._panels:
            return None
        energy = np.asarray(self._panels[0].energy_mev)
        return {
            "from_mev": float(energy[0]),
            "to_mev": float(energy[-1]),
            "points": int(energy.size),
        }
