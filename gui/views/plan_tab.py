"""The tab Plan: where in reciprocal space to measure, with which setting, for how long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui.models.document import Document
from gui.models.plan_jobs import PlanJobs
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
from gui.models.plan_run import PlanRequest
from gui.models.plan_sources import FoundPlan, LoadedPhonons, PlanSources, sources_of_plan
from gui.models.plan_table import general_warnings, rows_of
from gui.theme import Theme
from gui.views.plan_bar import file_filter, proposed_folder
from gui.views.plan_list_desk import PlanListDesk
from gui.views.plan_setting_desk import PlanSettingDesk
from gui.views.plan_widgets import PlanWidgets
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.plots.export import Export
    from ixs_core.arrays import FloatArray
    from ixs_reduce.instrument import Instrument
    from simulate.planning import Beamtime
    from simulate.planning.store import StoredPlan

_TAB = "plan"
_MARGIN = 0.08


class PlanTab(Tab):
    """Map with the array's footprint, ranked settings, expected spectra, list to measure."""

    name: ClassVar[str] = _TAB
    title: ClassVar[str] = "Plan"
    takes: ClassVar[tuple[str, ...]] = ("force-constants",)
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("drag the array", "move the chosen Q; the core's angles follow"),
        ("drag the knob", "turn the sample: Q goes round the normal of the plane"),
        ("wheel, drag beside the array", "zoom and move the map; “Map this view” computes it anew"),
        ("double-click an analyzer", "hold the chosen Q on it"),
        ("Esc", "stop the map or the plan being computed"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self.jobs = PlanJobs(desk.runner, desk.messages)
        self.widgets = PlanWidgets(theme, desk.settings.colormap)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.widgets)
        self.found: FoundPlan | None = None
        self.beamtime: Beamtime | None = None
        self.shown: PlaneMap | None = None
        self._sources: PlanSources | None = None
        self._settings: MapSettings | None = None
        self._placed_window = False
        self._read_stamp: tuple[object, ...] | None = None
        self.setting = PlanSettingDesk(self)
        self.list = PlanListDesk(self)
        self._connect()
        self._show_nothing()

    def _connect(self) -> None:
        bar, form, sources = self.widgets.bar, self.widgets.form, self.widgets.sources
        sources.choose_force_constants.connect(self.ask_force_constants)
        sources.choose_experiment.connect(self.ask_experiment)
        bar.edited.connect(self._on_settings_edited)
        bar.bad.connect(lambda error: self.desk.messages.error("the map", error))
        bar.map_wanted.connect(self.map_or_cancel)
        bar.reach_wanted.connect(self.show_reach)
        bar.through_wanted.connect(self._plane_through_setting)
        form.plan_wanted.connect(self.make_plan)
        form.cancel_wanted.connect(self.jobs.cancel_plan)
        form.sources_edited.connect(self._on_options_edited)
        self.jobs.map_running.connect(bar.show_running)
        self.jobs.map_told.connect(bar.show_progress)
        self.jobs.plan_running.connect(self._on_plan_running)
        self.jobs.plan_told.connect(self._on_plan_told)
        self.widgets.map.cursor.connect(self._on_cursor)

    # -- what a tab is asked --------------------

    @property
    def instrument(self) -> Instrument | None:
        """The spectrometer with the crystal on it."""
        return self.setting.array.instrument

    @property
    def sources(self) -> PlanSources:
        """The files in use: the document's, else those of the stored plan."""
        chosen = self.desk.project.document.choice(_TAB, "sources")
        if chosen is not None:
            return PlanSources.from_choice(chosen)
        if self.found is not None and self.desk.project.path is not None:
            kinds = self.desk.project.contents.keys
            return sources_of_plan(self.found.provenance, self.desk.project.path, kinds)
        return PlanSources()

    @property
    def settings(self) -> MapSettings:
        """What the map shows: the document's choice, else what fits the plan or the crystal."""
        chosen = self.desk.project.document.choice(_TAB, "map")
        if chosen is not None:
            return MapSettings.from_choice(chosen)
        if self.found is not None:
            return settings_of_plan(
                self.found.stored, self.found.provenance.settings.get("target") or ()
            )
        if self.instrument is not None:
            return settings_of_instrument(self.instrument)
        return MapSettings()

    @property
    def ready(self) -> bool:
        """Whether map, plan and spectra are as they will stay."""
        return not self._stale and not self.jobs.busy and not self.setting.waiting

    def refresh(self) -> None:
        """Read the plan where the project has a new one, and show what the document says."""
        project = self.desk.project
        stamp = (project.path, project.contents.stamp, project.contents.keys.get("predictions"))
        if stamp != self._read_stamp and project.contents.keys.get("predictions"):
            self._read_stamp = stamp
            assert project.path is not None
            self.jobs.read_plan(project.path, self._take_plan)
            return
        self._read_stamp = stamp
        self._sync()

    def project_opened(self) -> None:
        """Forget the last project."""
        self.jobs.cancel_all()
        self.found = self._sources = self._settings = self._read_stamp = None
        self._forget_experiment()
        self.widgets.table.show_rows((), "")
        self._show_nothing()
        super().project_opened()

    def document_changed(self, before: Document, now: Document) -> None:
        """Show what of the document concerns the plan."""
        if any(before.choice(_TAB, n) != now.choice(_TAB, n) for n in ("sources", "map", "list")):
            self.mark_stale()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.widgets.set_theme(theme)
        self.setting.show()

    def take_file(self, path: Path, kind: str) -> None:
        """Use dropped force constants."""
        self._use(replace(self.sources, force_constants=path.resolve()), f"use {path.name}")

    def give_up(self) -> None:
        """Stop what is being computed."""
        self.jobs.cancel_map()
        self.jobs.cancel_plan()

    def export(self) -> Export:
        """The map with the array, and the numbers of every point."""
        from gui.plots.plan_figure import plan_export

        if self.shown is None or self.instrument is None:
            raise InputError(
                "there is no map to export",
                key="plan",
                hint="choose force constants and an experiment file first",
            )
        places, names = self._marked(self.shown.request.settings)
        lattice = self.instrument.orientation.lattice
        return plan_export(self.shown, lattice, self.setting.windows(), places, names)

    # -- files --------------------

    def ask_force_constants(self) -> None:
        """Ask for force constants."""
        path = self._ask("Force constants", "force-constants", self.sources.force_constants)
        if path is not None:
            self.take_file(path, "force-constants")

    def ask_experiment(self) -> None:
        """Ask for the experiment file."""
        path = self._ask("Experiment file", "experiment", self.sources.experiment)
        if path is not None:
            self.use_experiment(path)

    def use_experiment(self, path: Path) -> None:
        """Use an experiment file."""
        self._use(replace(self.sources, experiment=path.resolve()), f"use {path.name}")

    def _ask(self, title: str, kind: str, present: Path | None) -> Path | None:
        folder = proposed_folder(present, self.desk.settings.folder("open"))
        name, _ = QFileDialog.getOpenFileName(self, title, folder, file_filter(kind))
        return Path(name) if name else None

    def _use(self, sources: PlanSources, text: str) -> None:
        document = self.desk.project.document
        self.desk.project.apply(document.with_choice(_TAB, "sources", sources.as_choice()), text)

    def _on_options_edited(self) -> None:
        form, path = self.widgets.form, self.desk.project.path
        now = self.sources
        edited = replace(
            now,
            form_factor=form.ions.text().strip() or None,
            temperature_k=form.kelvin.value() or None,
            resolution=(now.resolution or path) if form.resolution.isChecked() else None,
            calibrate=(now.calibrate or path) if form.calibrate.isChecked() else None,
        )
        if edited != now:
            self._use(edited, "options of the plan")

    # -- following the document --------------------

    def _sync(self) -> None:
        self.list.show()
        sources = self.sources
        if sources != self._sources:
            self._take_sources(sources)
        settings = self.settings
        if settings != self._settings:
            self._take_settings(settings)

    def _take_sources(self, sources: PlanSources) -> None:
        before, self._sources = self._sources, sources
        keys = self.desk.project.contents.keys
        self.widgets.sources.show_sources(sources)
        has_rates = bool(keys.get("fits")) and bool(keys.get("predictions"))
        self.widgets.form.show_sources(sources, bool(keys.get("resolutions")), has_rates)
        if before is None or before.experiment != sources.experiment:
            self._forget_experiment()
            if sources.experiment is not None:
                self.jobs.load_instrument(
                    sources.experiment, self._take_instrument, self._show_nothing
                )
        self.beamtime = None
        if sources.experiment is not None and sources.force_constants is not None:
            self.jobs.load_phonons(sources, self._take_phonons, self.start_map)
        elif self.instrument is not None:
            self.start_map()
        self._show_nothing()

    def _forget_experiment(self) -> None:
        self.beamtime = self.shown = None
        self._placed_window = False
        self.widgets.map.show_map(None)
        self.setting.set_instrument(None)

    def _take_instrument(self, instrument: Instrument) -> None:
        self.setting.set_instrument(instrument)
        self._settings = None
        self._sync()
        self._show_nothing()
        self.setting.begin(self.found)
        if self.beamtime is None and self.sources.force_constants is None:
            self.start_map()

    def _take_phonons(self, loaded: LoadedPhonons) -> None:
        self.beamtime = loaded.beamtime
        for note in loaded.notes:
            self.desk.messages.info("force constants", note)
        self.start_map()
        self.setting.expect()

    def _take_settings(self, settings: MapSettings) -> None:
        before, self._settings = self._settings, settings
        self.setting.array.settings = settings
        self.widgets.bar.show_settings(settings)
        if self.instrument is None:
            return
        lattice = self.instrument.orientation.lattice
        ratio = float(lattice.q_abs(settings.v)) / float(lattice.q_abs(settings.u))
        self.widgets.map.set_axes(settings, ratio)
        same_plane = before is not None and _plane_of(before) == _plane_of(settings)
        if not same_plane or not self._placed_window:
            self._place_window(settings)
        self._mark()
        self.setting.show()
        if before is None:
            return
        if self.shown is not None and replace(before, log=settings.log) == settings:
            self._draw(replace(self.shown, request=replace(self.shown.request, settings=settings)))
        else:
            if not same_plane:
                self._draw(None)
            self.start_map()

    def _place_window(self, settings: MapSettings) -> None:
        assert self.instrument is not None
        fits = self.found is not None and (
            _plane_of(settings) == _plane_of(settings_of_plan(self.found.stored, ()))
        )
        if fits and self.found is not None:
            lattice = self.instrument.orientation.lattice
            window = window_of_plan(settings, lattice, self.found.stored)
        else:
            window = window_of_reach(settings, self.instrument)
        self.widgets.map.set_range(window)
        self._placed_window = True

    def _show_nothing(self) -> None:
        """The map where there is an instrument, else words; above it what is missing."""
        area = self.widgets.map_area
        area.setCurrentIndex(0 if self.instrument is None else 1)
        sources = self._sources or PlanSources()
        note = ""
        if self.instrument is not None and sources.force_constants is None:
            note = (
                "Reach only: drop force constants here (or choose them) to see intensities, hours "
                "and expected spectra."
            )
        elif self.instrument is None and sources.force_constants is not None:
            note = (
                f"{sources.force_constants.name} is there; choose the experiment file (TOML) that "
                "says how the crystal stands (`ixs init` writes one)."
            )
        self.widgets.map_note.setText(note)
        self.widgets.map_note.setVisible(bool(note))

    # -- the map --------------------

    def start_map(self) -> None:
        """Compute the map over what is seen now."""
        if self.instrument is None or self._settings is None:
            return
        request = MapRequest(
            self._settings,
            _with_margin(self.widgets.map.visible_window()),
            self.instrument,
            self.beamtime,
            dict(self.setting.array.values),
            self.scan_mev,
        )
        self.jobs.compute_map(request, self._draw)

    def map_or_cancel(self) -> None:
        """The button: map what is seen, or stop."""
        if self.jobs.map_active:
            self.jobs.cancel_map()
        else:
            self.start_map()

    def show_reach(self) -> None:
        """Show all that the arm reaches in this plane."""
        if self.instrument is None or self._settings is None:
            return
        try:
            self.widgets.map.set_range(window_of_reach(self._settings, self.instrument))
        except InputError as error:
            self.desk.messages.error("the map", error)
            return
        self.start_map()

    @property
    def scan_mev(self) -> FloatArray | None:
        """Points of the plan's scan, None without a plan."""
        if self.found is None:
            return None
        return self.found.pictures.settings[0].panels[0].energy_mev

    def _draw(self, shown: PlaneMap | None) -> None:
        self.shown = shown
        self.widgets.map.show_map(shown)
        self.setting.array.set_map(shown)

    def _mark(self) -> None:
        if self._settings is not None:
            self.widgets.map.mark_settings(*self._marked(self._settings))

    def _marked(self, settings: MapSettings) -> tuple[FloatArray, list[str]]:
        """(n, 2) places of the plan's settings, and their ranks."""
        if self.found is None or self.instrument is None:
            return np.zeros((0, 2)), []
        records = self.found.stored.record["settings"]
        hkl = np.array([record["placed"]["hkl"] for record in records])
        places, _ = settings.plane.places(self.instrument.orientation.lattice, hkl)
        return places, [str(record["rank"]) for record in records]

    def _on_settings_edited(self, settings: MapSettings) -> None:
        document = self.desk.project.document
        chosen = document.with_choice(_TAB, "map", settings.as_choice())
        self.desk.project.apply(chosen, "what the map shows")

    def _plane_through_setting(self) -> None:
        footprint = self.setting.array.footprint
        if footprint is None or self._settings is None:
            return
        h, k, j = (round(float(x), 5) + 0.0 for x in footprint.hkl)
        self._on_settings_edited(replace(self._settings, origin=(h, k, j)))

    def _on_cursor(self, x: float, y: float) -> None:
        if self.instrument is None or self._settings is None:
            return
        hkl = self._settings.plane.hkl(x, y)
        length = float(self.instrument.orientation.lattice.q_abs(hkl))
        words = " ".join(f"{part:.3f}" for part in hkl).replace("-", "−")
        text = f"Q = ({words}) r.l.u., |Q| = {length:.3f} Å⁻¹"
        there = None if self.shown is None else self.shown.at(x, y)
        if there is not None and self.shown is not None:
            reached, value = there
            if np.isfinite(value):
                unit = " h" if self.shown.request.settings.quantity == "hours" else " e²"
                text += f", {value:.4g}{unit}"
            text += "" if reached else ", outside the limits"
        self.cursor_text.emit(text)

    # -- the plan --------------------

    def _take_plan(self, found: FoundPlan | None) -> None:
        if found is not None and self.found is not None and _same(found, self.found):
            self._sync()
            return
        self.found = found
        if found is not None:
            self._show_plan(found)
        self._sync()
        self._mark()
        self.setting.begin(found)

    def _show_plan(self, found: FoundPlan) -> None:
        record = found.stored.record
        general = general_warnings(record)
        unmeasured = len(record["unmeasured"])
        summary = (
            f"<b>{len(record['settings'])} settings, {record['total_hours']:.1f} h</b> with moves, "
            f"{record['temperature_k']:g} K; lower bound {record['lower_bound_hours']:.1f} h"
            + (f"; <b>{unmeasured} wanted modes cannot be measured</b>" if unmeasured else "")
            + f"; {len(general)} notes: rest the mouse here"
        )
        self.widgets.table.show_rows(rows_of(record), summary, "\n".join(general))
        made_for = found.provenance.settings
        self.widgets.form.fill(
            made_for.get("target") or (),
            made_for.get("zone") or (),
            float(made_for.get("sigma_energy_mev") or 0.1),
        )

    def make_plan(self) -> None:
        """Look for settings, in a process; the plan goes into the project."""
        form = self.widgets.form
        try:
            sources = self._needed_sources()
            if not form.target_texts:
                raise InputError(
                    "nothing is wanted yet",
                    key="targets",
                    expected="one or more lines such as q=(0,0.3,0) branch=1-3",
                )
        except InputError as error:
            self.desk.messages.error("planning", error)
            return
        request = PlanRequest(
            sources,
            form.target_texts,
            form.zone_texts,
            form.sigma.value(),
            form.sigma_width.value() / 100 or None,
            self.desk.project.path,
        )
        self.jobs.make_plan(request, self._on_planned)

    def _needed_sources(self) -> PlanSources:
        sources = self.sources
        if sources.force_constants is None or sources.experiment is None:
            raise InputError(
                "force constants and an experiment file are needed for a plan",
                key="plan",
                hint="drop the force constants here and choose the experiment file above",
            )
        return sources

    def _on_planned(self, stored: StoredPlan) -> None:
        self.widgets.plan_pages.setCurrentIndex(0)
        if self.desk.project.path is not None:
            self.desk.messages.info("planning", "the plan is in the project")
            self.desk.project.reload()
            return
        from ixs_core.provenance import Provenance

        self.desk.messages.warning(
            "planning", "no project is open: the plan is shown, but not stored"
        )
        form = self.widgets.form
        made_for = {
            "target": list(form.target_texts),
            "zone": list(form.zone_texts),
            "sigma_energy_mev": form.sigma.value(),
        }
        self._take_plan(FoundPlan("", stored, Provenance("ixs view", made_for, created=_now())))

    def _on_plan_running(self, running: bool) -> None:
        self.widgets.form.show_running(running, "planning …" if running else "")

    def _on_plan_told(self, done: int, total: int, text: str) -> None:
        steps = f" {done} of {total}" if total else " …"
        self.widgets.form.show_running(True, f"{text}{steps}")


def _plane_of(settings: MapSettings) -> tuple[object, ...]:
    return settings.u, settings.v, settings.origin


def _with_margin(window: Window) -> Window:
    """A little more than is seen: widths of axes still settle when the map comes."""
    x0, x1, y0, y1 = window
    wide, high = _MARGIN * (x1 - x0), _MARGIN * (y1 - y0)
    return x0 - wide, x1 + wide, y0 - high, y1 + high


def _same(first: FoundPlan, second: FoundPlan) -> bool:
    return (first.key, first.provenance.created) == (second.key, second.provenance.created)


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()
