"""The work of the tab Plan that takes time: reading, loading, maps, spectra, plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from gui.models.plan_map import MapRequest, compute_map
from gui.models.plan_run import MadePlan, PlanRequest, expected_panels, keep_plan, run_plan
from gui.models.plan_sources import (
    PlanSources,
    load_beamtime,
    load_instrument_of,
    read_found_plan,
)

if TYPE_CHECKING:
    from gui.messages import MessageLog
    from gui.runner import Job, Runner
    from ixs_core.arrays import FloatArray
    from ixs_reduce.circles import Angles
    from simulate.planning import Beamtime, ExpectedPanel


class PlanJobs(QObject):
    """Runs the tab's jobs; each kind replaces its earlier one.

    Signals
    -------
    map_running, plan_running : bool
    map_told, plan_told : (int, int, str)
        Steps done, in all, what.
    """

    map_running = Signal(bool)
    plan_running = Signal(bool)
    plan_told = Signal(int, int, str)
    map_told = Signal(int, int, str)

    def __init__(self, runner: Runner, messages: MessageLog) -> None:
        super().__init__()
        self._runner = runner
        self._messages = messages
        self._under_way = 0
        self._newest: dict[str, Job] = {}
        self._map: Job | None = None
        self._plan: Job | None = None

    @property
    def busy(self) -> bool:
        """Whether anything is under way that changes what is seen."""
        return self._under_way > 0

    @property
    def map_active(self) -> bool:
        """Whether a map is being computed."""
        return self._map is not None and self._map.active

    @property
    def plan_active(self) -> bool:
        """Whether a plan is being made."""
        return self._plan is not None and self._plan.active

    def read_plan(self, path: Path, then: Callable[[Any], None]) -> None:
        """The newest plan of a project, or None."""
        self._submit(
            partial(read_found_plan, path),
            f"reading the plan of {path.name}",
            "plan-read",
            then,
            quiet=True,
        )

    def load_instrument(
        self, experiment: Path, then: Callable[[Any], None], failed: Callable[[], None]
    ) -> None:
        """The instrument of an experiment file."""
        self._submit(
            partial(load_instrument_of, experiment),
            f"reading {experiment.name}",
            "plan-instrument",
            then,
            failed,
            quiet=True,
        )

    def load_phonons(
        self, sources: PlanSources, then: Callable[[Any], None], failed: Callable[[], None]
    ) -> None:
        """Force constants and conditions, ready for questions."""
        name = sources.force_constants.name if sources.force_constants else ""
        self._submit(
            partial(load_beamtime, sources),
            f"reading {name}",
            "plan-phonons",
            then,
            failed,
            process=True,
        )

    def compute_map(self, request: MapRequest, then: Callable[[Any], None]) -> None:
        """Reach and values over the plane."""
        self._map = self._submit(
            partial(compute_map, request),
            "map of the scattering plane",
            "plan-map",
            then,
            process=True,
            on_progress=self.map_told.emit,
            on_end=lambda: self.map_running.emit(self.map_active),
        )
        self.map_running.emit(True)

    def expect(
        self,
        beamtime: Beamtime,
        angles: Angles,
        scan_mev: FloatArray | None,
        hours: float,
        then: Callable[[Sequence[ExpectedPanel]], None],
    ) -> None:
        """Expected spectra at a position of the circles."""
        self._submit(
            partial(expected_panels, beamtime, angles, scan_mev, hours),
            "expected spectra",
            "plan-expected",
            then,
            quiet=True,
        )

    def make_plan(self, request: PlanRequest, then: Callable[[MadePlan], None]) -> None:
        """A plan, which is not stored yet."""
        self._plan = self._submit(
            partial(run_plan, request),
            "planning",
            "plan-run",
            then,
            process=True,
            on_progress=self.plan_told.emit,
            on_end=lambda: self.plan_running.emit(self.plan_active),
        )
        self.plan_running.emit(True)

    def keep_plan(
        self,
        project: Path,
        made: MadePlan,
        then: Callable[[], None],
        waits: Callable[[str], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Store a plan in its project, also while another one is open: it is made.

        waits : called with the reason while another program writes the project.
        """
        self._runner.submit(
            partial(keep_plan, project, made),
            title=f"storing the plan in {project.name}",
            on_result=lambda _: then(),
            on_error=failed,
            on_progress=lambda _done, _total, reason: waits(reason),
            group=f"plan-keep {project}",
        )

    def cancel_map(self) -> None:
        """Stop the map; the last one stays."""
        if self._map is not None:
            self._map.cancel()

    def cancel_plan(self) -> None:
        """Stop planning; the last plan stays."""
        if self._plan is not None:
            self._plan.cancel()

    def cancel_all(self, *, but_plan: bool) -> None:
        """What is under way is of no use any more: another project was opened.

        but_plan : a plan being made goes on, since the other project is a copy.
        """
        if self.plan_active and not but_plan:
            self._messages.warning("planning", "stopped and dropped: another project was opened")
        for job in self._newest.values():
            if job.active and not (but_plan and job is self._plan):
                job.cancel()

    def _submit(
        self,
        function: Callable[..., Any],
        title: str,
        group: str,
        then: Callable[[Any], None],
        failed: Callable[[], None] | None = None,
        *,
        quiet: bool = False,
        process: bool = False,
        on_progress: Callable[[int, int, str], None] | None = None,
        on_end: Callable[[], None] | None = None,
    ) -> Job:
        self._under_way += 1

        def complain(error: Exception) -> None:
            self._messages.error(title, error)
            if failed is not None:
                failed()

        def end() -> None:
            self._under_way -= 1
            if on_end is not None:
                on_end()

        job = self._runner.submit(
            function,
            title=title,
            on_result=then,
            on_error=complain,
            on_progress=on_progress,
            on_end=end,
            group=group,
            quiet=quiet,
            process=process,
        )
        self._newest[group] = job
        return job
