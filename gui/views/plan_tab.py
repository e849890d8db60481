"""The tab Plan: where in reciprocal space to measure, with which setting, for how long."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from gui.models.document import Document
from gui.models.plan_jobs import PlanJobs
from gui.models.plan_sources import FoundPlan, LoadedPhonons, PlanSources, sources_of_plan
from gui.theme import Theme
from gui.views.plan_bar import file_filter, proposed_folder
from gui.views.plan_list_desk import PlanListDesk
from gui.views.plan_making_desk import PlanMakingDesk
from gui.views.plan_map_desk import PlanMapDesk
from gui.views.plan_setting_desk import PlanSettingDesk
from gui.views.plan_widgets import PlanWidgets
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.plots.export import Export
    from ixs_core.arrays import FloatArray
    from ixs_reduce.instrument import Instrument
    from simulate.planning import Beamtime

_TAB = "plan"


class PlanTab(Tab):
    """Map with the array's footprint, ranked settings, expected spectra, list to measure."""

    name: ClassVar[str] = _TAB
    title: ClassVar[str] = "Plan"
    takes: ClassVar[tuple[str, ...]] = ("force-constants", "experiment")
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("drag the array", "move the chosen Q; the core's angles follow"),
        ("drag the knob", "turn the sample: Q goes round the normal of the plane"),
        ("wheel, drag beside the array", "zoom and move the map; “Map this view” computes it anew"),
        ("Home", "show the whole reach"),
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
        self._sources: PlanSources | None = None
        self._read_stamp: tuple[object, ...] | None = None
        self.map = PlanMapDesk(self)
        self.setting = PlanSettingDesk(self)
        self.list = PlanListDesk(self)
        self.making = PlanMakingDesk(self)
        sources = self.widgets.sources
        sources.choose_force_constants.connect(self.ask_force_constants)
        sources.choose_experiment.connect(self.ask_experiment)
        self.widgets.form.sources_edited.connect(self._on_options_edited)
        self.add_keys(("Home", self.map.show_reach))
        self._show_nothing()

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
            self.jobs.read_plan(project.path, self._take_stored)
            return
        self._read_stamp = stamp
        self._sync()

    def project_opened(self) -> None:
        """Forget the last project."""
        self.jobs.cancel_all(but_plan=self.desk.project.copied_from is not None)
        self.found = self._sources = self._read_stamp = None
        self.making.project_opened()
        self.map.forget_settings()
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
        """Use dropped force constants, or an experiment file."""
        if kind == "experiment":
            self.use_experiment(path)
            return
        self._use(replace(self.sources, force_constants=path.resolve()), f"use {path.name}")

    def give_up(self) -> None:
        """Stop what is being computed."""
        self.jobs.cancel_map()
        self.jobs.cancel_plan()

    def export(self) -> Export:
        """The map with the array, and the numbers of every point."""
        from gui.plots.plan_figure import plan_export

        shown = self.map.shown
        if shown is None or self.instrument is None:
            raise InputError(
                "there is no map to export",
                key="plan",
                hint="choose force constants and an experiment file first",
            )
        places, names = self.map.marked(shown.request.settings)
        lattice = self.instrument.orientation.lattice
        return plan_export(shown, lattice, self.setting.windows(), places, names)

    @property
    def scan_mev(self) -> FloatArray | None:
        """Points of the plan's scan, None without a plan."""
        if self.found is None:
            return None
        return self.found.pictures.settings[0].panels[0].energy_mev

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
        self.map.sync()

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
            self.jobs.load_phonons(sources, self._take_phonons, self.map.start)
        elif self.instrument is not None:
            self.map.start()
        self._show_nothing()

    def _forget_experiment(self) -> None:
        self.beamtime = None
        self.map.forget()
        self.setting.set_instrument(None)

    def _take_instrument(self, instrument: Instrument) -> None:
        self.setting.set_instrument(instrument)
        self.map.forget_settings()
        self._sync()
        self._show_nothing()
        self.setting.begin(self.found)
        if self.beamtime is None and self.sources.force_constants is None:
            self.map.start()

    def _take_phonons(self, loaded: LoadedPhonons) -> None:
        self.beamtime = loaded.beamtime
        for note in loaded.notes:
            self.desk.messages.info("force constants", note)
        self.map.start()
        self.setting.expect()

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
                f"{sources.force_constants.name} is there; drop or choose the experiment file "
                "(TOML) that says how the crystal stands (`ixs init` writes one)."
            )
        self.widgets.map_note.setText(note)
        self.widgets.map_note.setVisible(bool(note))

    # -- the plan --------------------

    def _take_stored(self, found: FoundPlan | None) -> None:
        """Show the plan of the project, unless one that was made since is not in it yet."""
        self.take_plan(self.making.unstored or found)

    def take_plan(self, found: FoundPlan | None) -> None:
        """Show a plan that was read or made, None where there is none."""
        if found is not None and self.found is not None and _same(found, self.found):
            self._sync()
            return
        self.found = found
        if found is not None:
            self.making.show(found)
        self._sync()
        self.map.mark()
        self.setting.begin(found)


def _same(first: FoundPlan, second: FoundPlan) -> bool:
    return (first.key, first.provenance.created) == (second.key, second.provenance.created)
