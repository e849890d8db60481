"""The tab Simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from gui.models.document import Document, SpectrumId
from gui.models.simulation_drawing import Drawing, View, same_temperature
from gui.models.simulation_records import Loaded, load
from gui.models.simulation_results import Entry, read_entries, temperatures_of
from gui.models.simulation_words import nothing_of_group, nothing_over, nothing_yet
from gui.theme import Theme
from gui.views.simulation_legend import CurveLegend
from gui.views.simulation_list import ResultList
from gui.views.simulation_page import ResultPage, titled
from gui.views.tab import Desk, Tab
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.plots.export import Export
    from gui.runner import Job
    from ixs_reduce.spectrum import Spectrum

_OVERLAYS = "overlays"


class SimulationTab(Tab):
    """Results of simulations and of transport, beside and over what was measured."""

    name: ClassVar[str] = "simulation"
    title: ClassVar[str] = "Simulation"
    takes: ClassVar[tuple[str, ...]] = ("trajectory",)
    help_keys: ClassVar[tuple[tuple[str, str], ...]] = (
        ("L", "logarithmic axes"),
        ("T, Shift+T", "next, previous temperature"),
        ("Home", "show the whole of all plots"),
    )

    def __init__(self, desk: Desk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(desk, theme, parent)
        self._records: dict[str, Any] = {}
        self._views: dict[str, View] = {}
        self._hidden: dict[str, frozenset[str]] = {}
        self._jobs: set[Job] = set()
        self._analysis: Job | None = None  # of a trajectory
        self._behind = False  # the current spectrum changed while the tab was hidden
        self.results = ResultList()
        self.legend = CurveLegend(theme)
        self.page = ResultPage(theme)
        self.bar, self.plots = self.page.bar, self.page.plots
        self._lay_out()
        self._connect()
        self._say(*nothing_yet(self.desk.project.path is not None))

    # -- widgets --------------------

    def _lay_out(self) -> None:
        left = QSplitter(Qt.Orientation.Vertical)
        left.addWidget(self.results)
        left.addWidget(titled("Curves (click: show, hide)", self.legend))
        left.setSizes([330, 300])
        whole = QSplitter(Qt.Orientation.Horizontal)
        whole.addWidget(left)
        whole.addWidget(self.page)
        whole.setStretchFactor(1, 1)
        whole.setSizes([290, 840])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(whole)

    def _connect(self) -> None:
        self.results.group_chosen.connect(self._on_group)
        self.results.shown_changed.connect(self._draw)
        self.legend.toggled.connect(self._on_toggled)
        self.bar.changed.connect(self._on_view)
        self.bar.temperature_wanted.connect(self._on_temperature)
        self.plots.pointed.connect(self.cursor_text)
        self.page.go_on.connect(self._go_to_overlay)
        self.add_keys(
            ("L", self.bar.toggle_log),
            ("T", partial(self.bar.step_temperature, 1)),
            ("Shift+T", partial(self.bar.step_temperature, -1)),
            ("Home", self.plots.show_all),
        )

    # -- what the window tells --------------------

    def project_opened(self) -> None:
        """Another project is open."""
        for job in self._jobs:
            job.cancel()
        self.results.forget()
        self._records.clear()
        self._views.clear()
        self._hidden.clear()
        super().project_opened()

    def document_changed(self, before: Document, now: Document) -> None:
        """Nothing that is done elsewhere changes a stored simulation."""

    def refresh(self) -> None:
        """Read which results there are."""
        path = self.desk.project.path
        if path is None:
            self.results.set_entries(())
            self._say(*nothing_yet(False))
            return
        self._submit(partial(read_entries, path), "list of simulated results", self._on_entries)

    def spectrum_selected(self, which: SpectrumId) -> None:
        """Show the overlays of another spectrum."""
        if self.results.group.name != _OVERLAYS or self._jobs:
            return  # what is being read is drawn for the spectrum that is current then
        if self.isVisible():
            self._draw()
        else:
            self._behind = True

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up."""
        super().showEvent(event)
        if self._behind:
            self._draw()

    def take_file(self, path: Path, kind: str) -> None:
        """Analyse a trajectory: its displacements and states become results of the project."""
        from simulate.md.motion_results import keep_motion

        project = self.desk.project.path
        if project is None:
            raise InputError(
                "there is no project to keep what the trajectory shows",
                file=path,
                hint="open or drop a project first",
            )
        self._analysis = self.desk.runner.submit(
            partial(keep_motion, project, path),
            title=f"displacements and states of {path.name}",
            on_result=partial(self._on_analysed, path, project),
            on_error=partial(self.desk.messages.error, path.name),
            group=f"motion of {path}",
            process=True,
        )

    def _on_analysed(self, path: Path, project: Path, keys: tuple[str, ...]) -> None:
        self.desk.messages.info(path.name, f"kept in {project.name}: {', '.join(keys)}")
        self.desk.project.reload_if_changed()

    def give_up(self) -> None:
        """Stop the analysis of a trajectory."""
        if self._analysis is not None:
            self._analysis.cancel()

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        super().set_theme(theme)
        self.plots.set_theme(theme)
        self.legend.set_theme(theme)

    @property
    def ready(self) -> bool:
        """Whether all is read and drawn."""
        return super().ready and not self._jobs

    def export(self) -> Export:
        """The curves that are seen, as a figure and as numbers."""
        drawing = self.page.drawing
        if drawing is None:
            raise InputError("there is no simulated result on screen to export")
        from gui.plots.panel_figure import export_of

        return export_of(drawing.without(self.legend.hidden))

    # -- reading --------------------

    def _submit(self, function: Any, what: str, on_result: Any) -> None:
        """Read something in a worker, in place of an earlier reading of the same."""
        job = self.desk.runner.submit(
            function,
            title=f"reading the {what}",
            on_result=on_result,
            on_error=partial(self.desk.messages.error, self.title),
            on_end=lambda: self._jobs.discard(job),
            group=what,
            quiet=True,
        )
        self._jobs.add(job)

    def _on_entries(self, entries: tuple[Entry, ...]) -> None:
        self._records.clear()
        self.results.set_entries(entries)
        self._load_group()

    def _load_group(self) -> None:
        """Read the records of the group, unless they are known, then draw."""
        path = self.desk.project.path
        entries = self.results.of_group()
        missing = [entry for entry in entries if entry.key not in self._records]
        if path is None or not missing:
            self._draw()
            return
        self._submit(partial(load, path, missing), "simulated results", self._on_loaded)

    def _on_loaded(self, loaded: Loaded) -> None:
        self._records.update(loaded.records)
        for key, error in loaded.failures:
            self.desk.messages.error(key, error)
        self._draw()

    # -- drawing --------------------

    def _on_group(self, _: str) -> None:
        self._load_group()

    def _on_view(self, view: View) -> None:
        self._views[self.results.group.name] = view
        self._draw()

    def _on_temperature(self, kelvin: float) -> None:
        if self.results.group.name == _OVERLAYS:
            self._go_to_temperature(kelvin)
            return
        self._on_view(replace(self.bar.view, temperature_k=kelvin))

    def _on_toggled(self, hidden: frozenset[str]) -> None:
        self._hidden[self.results.group.name] = hidden
        self.plots.set_hidden(hidden)

    def _view(self, kelvins: tuple[float, ...]) -> View:
        """How the group was looked at last, at a temperature that it has."""
        group = self.results.group
        axes = [value for value, _ in group.axes] or [""]
        view = self._views.get(group.name, View(axes[0], group.starts_log))
        if view.axis not in axes:
            view = replace(view, axis=axes[0])
        if not kelvins:
            return replace(view, temperature_k=None)
        wanted = view.temperature_k
        if wanted is None:
            shown = [e.temperature_k for e in self.results.shown() if e.temperature_k is not None]
            wanted = shown[0] if shown else kelvins[0]
        return replace(view, temperature_k=min(kelvins, key=lambda kelvin: abs(kelvin - wanted)))

    def _draw(self) -> None:
        """Draw what is ticked of the group."""
        from gui.models.simulation_groups import drawing_of

        self._behind = False
        group, entries = self.results.group, self.results.shown()
        held: Mapping[str, Any] = self._records
        if not self.results.entries:
            self._say(*nothing_yet(self.desk.project.path is not None))
            return
        if not any(entry.key in held for entry in entries):
            self._say(*nothing_of_group(group, bool(self.results.of_group())))
            return
        kelvins = temperatures_of(entries)
        view = self._view(kelvins)
        which = self.desk.project.current
        if group.name == _OVERLAYS:
            view = replace(view, temperature_k=self._temperature_of(which))
        self.bar.set_group(group, view, kelvins, self._vectors(entries))
        drawing = drawing_of(group, entries, held, view, which, self._spectrum(which))
        if drawing is None:
            self._say(*self._why_nothing(which))
            return
        self._show(drawing)

    def _show(self, drawing: Drawing) -> None:
        hidden = self._hidden.get(self.results.group.name, frozenset())
        self.page.show_drawing(drawing, hidden)
        self.legend.set_drawing(drawing, hidden)

    def _say(self, text: str, with_button: bool = False) -> None:
        """Say in words what is missing."""
        self.legend.set_drawing(None)
        self.page.say(text, with_button=with_button)

    def _vectors(self, entries: tuple[Entry, ...]) -> tuple[str, ...]:
        if self.results.group.name != "scattering":
            return ()
        from gui.models.simulation_scattering import wave_vectors

        return wave_vectors([e for e in entries if e.key in self._records], self._records)

    def _why_nothing(self, which: SpectrumId | None) -> tuple[str, bool]:
        group = self.results.group
        if group.name == _OVERLAYS:
            return nothing_over(which, bool(self._overlaid()))
        return nothing_of_group(group, True)

    # -- overlays --------------------

    def _spectrum(self, which: SpectrumId | None) -> Spectrum | None:
        """The spectrum as the project holds it, for overlays only."""
        if which is None or self.results.group.name != _OVERLAYS:
            return None
        try:
            return self.desk.project.spectrum(which)
        except InputError as error:
            self.desk.messages.error(f"{which.key} {which.analyzer}", error)
            return None

    def _overlay_entries(self) -> list[Entry]:
        return [entry for entry in self.results.shown() if entry.key in self._records]

    def _overlaid(self) -> list[SpectrumId]:
        from gui.models.simulation_overlay import overlaid_spectra

        return overlaid_spectra(self._overlay_entries(), self._records)

    def _temperature_of(self, which: SpectrumId | None) -> float | None:
        from gui.models.simulation_overlay import temperature_at

        return (
            None if which is None else temperature_at(which, self._overlay_entries(), self._records)
        )

    def _go_to_overlay(self) -> None:
        """The next spectrum, in the order of the project, that a prediction lies over."""
        known, overlaid = self.desk.project.spectrum_ids(), set(self._overlaid())
        current = self.desk.project.current
        start = known.index(current) if current in known else 0
        for which in (*known[start:], *known[:start], *sorted(overlaid)):
            if which in overlaid:
                self.desk.project.select(which)
                return

    def _go_to_temperature(self, kelvin: float) -> None:
        """A spectrum of the same analyzer at another temperature, else any there."""
        current = self.desk.project.current
        there = [
            which
            for which in self._overlaid()
            if same_temperature(self._temperature_of(which) or -1.0, kelvin)
        ]
        alike = [w for w in there if current is not None and w.analyzer == current.analyzer]
        if there:
            self.desk.project.select((alike or there)[0])
