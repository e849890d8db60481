"""The plan of the tab Plan: made from the wishes of the form, and shown as a table."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from gui.models.plan_run import MadePlan, PlanRequest
from gui.models.plan_sources import FoundPlan, PlanSources
from gui.models.plan_table import general_warnings, rows_of
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from gui.views.plan_tab import PlanTab


class PlanMakingDesk(QObject):
    """Makes plans and shows the one that is there.

    Parameters
    ----------
    tab : PlanTab
        Whose widgets it serves.

    Attributes
    ----------
    unstored : FoundPlan or None
        A plan made here that no project has yet; it is shown in place of a stored one.
    """

    def __init__(self, tab: PlanTab) -> None:
        super().__init__(tab)
        self.tab = tab
        self.unstored: FoundPlan | None = None
        self._homeless: MadePlan | None = None  # made while no project was open
        form = tab.widgets.form
        form.plan_wanted.connect(self.make_plan)
        form.cancel_wanted.connect(tab.jobs.cancel_plan)
        tab.jobs.plan_running.connect(self._on_running)
        tab.jobs.plan_told.connect(self._on_told)

    def show(self, found: FoundPlan) -> None:
        """Show the settings of a plan, and what was wanted of it in the form."""
        record = found.stored.record
        general = general_warnings(record)
        unmeasured = len(record["unmeasured"])
        summary = (
            f"<b>{len(record['settings'])} settings, {record['total_hours']:.1f} h</b> with moves, "
            f"{record['temperature_k']:g} K; lower bound {record['lower_bound_hours']:.1f} h"
            + (f"; <b>{unmeasured} wanted modes cannot be measured</b>" if unmeasured else "")
            + f"; {len(general)} notes: rest the mouse here"
        )
        self.tab.widgets.table.show_rows(rows_of(record), summary, "\n".join(general))
        made_for = found.provenance.settings
        self.tab.widgets.form.fill(
            made_for.get("target") or (),
            made_for.get("zone") or (),
            float(made_for.get("sigma_energy_mev") or 0.1),
        )

    def make_plan(self) -> None:
        """Look for settings, in a process; the plan then goes into the project."""
        form = self.tab.widgets.form
        try:
            sources = self._needed_sources()
            if not form.target_texts:
                raise InputError(
                    "nothing is wanted yet",
                    key="targets",
                    expected="one or more lines such as q=(0,0.3,0) branch=1-3",
                )
        except InputError as error:
            self.tab.desk.messages.error("planning", error)
            return
        request = PlanRequest(
            sources,
            form.target_texts,
            form.zone_texts,
            form.sigma.value(),
            form.sigma_width.value() / 100 or None,
        )
        self.tab.jobs.make_plan(request, self._on_planned)

    def _needed_sources(self) -> PlanSources:
        sources = self.tab.sources
        if sources.force_constants is None or sources.experiment is None:
            raise InputError(
                "force constants and an experiment file are needed for a plan",
                key="plan",
                hint="drop both files here, or choose them above",
            )
        return sources

    def _on_planned(self, made: MadePlan) -> None:
        """Show the plan, and put it into the project."""
        self.tab.widgets.plan_pages.setCurrentIndex(0)
        self.unstored = made.found
        self.tab.take_plan(made.found)
        project = self.tab.desk.project.path
        if project is not None:
            self._keep(project, made)
            return
        self._homeless = made
        self.tab.desk.messages.warning(
            "planning", "no project is open: the plan is shown, but not stored"
        )

    def _keep(self, project: Path, made: MadePlan) -> None:
        """Store a plan, as soon as no other program writes the project."""
        messages, told = self.tab.desk.messages, list[str]()

        def waits(reason: str) -> None:
            if not told:
                told.append(reason)
                text = f"the plan is shown, and stored as soon as it can be: {reason}"
                messages.warning("planning", text)

        kept = partial(self._on_kept, project, made)
        self.tab.jobs.keep_plan(project, made, kept, waits, self._on_not_kept)

    def _on_kept(self, project: Path, made: MadePlan) -> None:
        desk = self.tab.desk
        desk.messages.info("planning", f"the plan is in the project {project.name}")
        if project == desk.project.path:
            if self.unstored is not None and self.unstored.provenance == made.provenance:
                self.unstored = None
            desk.project.reload()

    def _on_not_kept(self, error: Exception) -> None:
        if isinstance(error, (InputError, OSError)):
            error = InputError(f"the plan is shown, but not stored: {error}")
        self.tab.desk.messages.error("planning", error)

    def project_opened(self) -> None:
        """Another project is open: it gets a plan made without one, unless it has one."""
        self.unstored = None
        made, self._homeless = self._homeless, None
        path, keys = self.tab.desk.project.path, self.tab.desk.project.contents.keys
        if made is not None and path is not None and not keys.get("predictions"):
            self._keep(path, made)

    def _on_running(self, running: bool) -> None:
        self.tab.widgets.form.show_running(running, "planning …" if running else "")

    def _on_told(self, done: int, total: int, text: str) -> None:
        steps = f" {done} of {total}" if total else " …"
        self.tab.widgets.form.show_running(True, f"{text}{steps}")
