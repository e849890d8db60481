"""The map of the tab Plan: what it shows, over which window, and what the cursor says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from gui.models.plan_map import (
    MapRequest,
    MapSettings,
    PlaneMap,
    Window,
    settings_of_instrument,
    settings_of_plan,
    window_of_plan,
    window_of_reach,
)
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.views.plan_tab import PlanTab
    from ixs_core.arrays import FloatArray

_TAB, _MAP = "plan", "map"
_MARGIN = 0.08


class PlanMapDesk(QObject):
    """Computes the map over what is seen, and draws it as the document says.

    Parameters
    ----------
    tab : PlanTab
        Whose widgets it serves.
    """

    def __init__(self, tab: PlanTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self.shown: PlaneMap | None = None
        self._settings: MapSettings | None = None
        self._placed_window = False
        bar = tab.widgets.bar
        bar.edited.connect(self._on_edited)
        bar.bad.connect(lambda error: tab.desk.messages.error("the map", error))
        bar.map_wanted.connect(self.start_or_cancel)
        bar.reach_wanted.connect(self.show_reach)
        bar.through_wanted.connect(self._plane_through_setting)
        tab.jobs.map_running.connect(bar.show_running)
        tab.jobs.map_told.connect(bar.show_progress)
        tab.widgets.map.cursor.connect(self._on_cursor)

    # -- following the document --------------------

    @property
    def settings(self) -> MapSettings:
        """What the map shows: the document's choice, else what fits the plan or the crystal."""
        chosen = self.tab.desk.project.document.choice(_TAB, _MAP)
        if chosen is not None:
            return MapSettings.from_choice(chosen)
        found = self.tab.found
        if found is not None:
            return settings_of_plan(found.stored, found.provenance.settings.get("target") or ())
        if self.tab.instrument is not None:
            return settings_of_instrument(self.tab.instrument)
        return MapSettings()

    def forget(self) -> None:
        """Another experiment: map and window are of no use."""
        self.shown = None
        self._placed_window = False
        self.tab.widgets.map.show_map(None)

    def forget_settings(self) -> None:
        """Whatever the settings are, `sync` takes them anew."""
        self._settings = None

    def sync(self) -> None:
        """Take the settings where they are others than before."""
        settings = self.settings
        if settings != self._settings:
            self._take(settings)

    def _take(self, settings: MapSettings) -> None:
        before, self._settings = self._settings, settings
        self.tab.setting.array.settings = settings
        self.tab.widgets.bar.show_settings(settings)
        instrument = self.tab.instrument
        if instrument is None:
            return
        lattice = instrument.orientation.lattice
        ratio = float(lattice.q_abs(settings.v)) / float(lattice.q_abs(settings.u))
        self.tab.widgets.map.set_axes(settings, ratio)
        same_plane = before is not None and _plane_of(before) == _plane_of(settings)
        if not same_plane or not self._placed_window:
            self._place_window(settings)
        self.mark()
        self.tab.setting.show()
        if before is None:
            return
        if self.shown is not None and replace(before, log=settings.log) == settings:
            self._draw(replace(self.shown, request=replace(self.shown.request, settings=settings)))
        else:
            if not same_plane:
                self._draw(None)
            self.start()

    def _place_window(self, settings: MapSettings) -> None:
        instrument, found = self.tab.instrument, self.tab.found
        assert instrument is not None
        if found is not None and _plane_of(settings) == _plane_of(
            settings_of_plan(found.stored, ())
        ):
            window = window_of_plan(settings, instrument.orientation.lattice, found.stored)
        else:
            window = window_of_reach(settings, instrument)
        self.tab.widgets.map.set_range(window)
        self._placed_window = True

    def _on_edited(self, settings: MapSettings) -> None:
        project = self.tab.desk.project
        chosen = project.document.with_choice(_TAB, _MAP, settings.as_choice())
        project.apply(chosen, "what the map shows")

    def _plane_through_setting(self) -> None:
        footprint = self.tab.setting.array.footprint
        if footprint is None or self._settings is None:
            return
        h, k, j = (round(float(x), 5) + 0.0 for x in footprint.hkl)
        self._on_edited(replace(self._settings, origin=(h, k, j)))

    # -- computing --------------------

    def start(self) -> None:
        """Compute the map over what is seen now."""
        instrument = self.tab.instrument
        if instrument is None or self._settings is None:
            return
        request = MapRequest(
            self._settings,
            _with_margin(self.tab.widgets.map.visible_window()),
            instrument,
            self.tab.beamtime,
            dict(self.tab.setting.array.values),
            self.tab.scan_mev,
        )
        self.tab.jobs.compute_map(request, self._draw)

    def start_or_cancel(self) -> None:
        """The button: map what is seen, or stop."""
        if self.tab.jobs.map_active:
            self.tab.jobs.cancel_map()
        else:
            self.start()

    def show_reach(self) -> None:
        """Show all that the arm reaches in this plane."""
        if self.tab.instrument is None or self._settings is None:
            return
        try:
            window = window_of_reach(self._settings, self.tab.instrument)
        except InputError as error:
            self.tab.desk.messages.error("the map", error)
            return
        self.tab.widgets.map.set_range(window)
        self.start()

    # -- showing --------------------

    def _draw(self, shown: PlaneMap | None) -> None:
        self.shown = shown
        self.tab.widgets.map.show_map(shown)
        self.tab.setting.array.set_map(shown)

    def mark(self) -> None:
        """Mark the settings of the plan."""
        if self._settings is not None:
            self.tab.widgets.map.settings.set_settings(*self.marked(self._settings))

    def marked(self, settings: MapSettings) -> tuple[FloatArray, list[str]]:
        """(n, 2) places of the plan's settings, and their ranks."""
        found, instrument = self.tab.found, self.tab.instrument
        if found is None or instrument is None:
            return np.zeros((0, 2)), []
        records = found.stored.record["settings"]
        hkl = np.array([record["placed"]["hkl"] for record in records])
        places, _ = settings.plane.places(instrument.orientation.lattice, hkl)
        return places, [str(record["rank"]) for record in records]

    def _on_cursor(self, x: float, y: float) -> None:
        instrument = self.tab.instrument
        if instrument is None or self._settings is None:
            return
        hkl = self._settings.plane.hkl(x, y)
        length = float(instrument.orientation.lattice.q_abs(hkl))
        words = " ".join(f"{part:.3f}" for part in hkl).replace("-", "−")
        text = f"Q = ({words}) r.l.u., |Q| = {length:.3f} Å⁻¹"
        there = None if self.shown is None else self.shown.at(x, y)
        if there is not None and self.shown is not None:
            reached, value = there
            if np.isfinite(value):
                unit = " h" if self.shown.request.settings.quantity == "hours" else " e²"
                text += f", {value:.4g}{unit}"
            text += "" if reached else ", outside the limits"
        self.tab.cursor_text.emit(text)


def _plane_of(settings: MapSettings) -> tuple[object, ...]:
    return settings.u, settings.v, settings.origin


def _with_margin(window: Window) -> Window:
    """A little more than is seen: widths of axes still settle when the map comes."""
    x0, x1, y0, y1 = window
    wide, high = _MARGIN * (x1 - x0), _MARGIN * (y1 - y0)
    return x0 - wide, x1 + wide, y0 - high, y1 + high
