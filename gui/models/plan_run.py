"""A plan made from the window, as `ixs plan` makes it. Qt-free; importable, for a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gui.models.plan_sources import FoundPlan, PlanSources, load_beamtime
from ixs_core.arrays import FloatArray
from ixs_core.errors import ProjectLockedError
from ixs_core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from ixs_core.provenance import Provenance
    from ixs_reduce.circles import Angles
    from simulate.planning import Beamtime, ExpectedPanel
    from simulate.planning.pictures import PlanPictures
    from simulate.planning.plan import Plan

PLAN_KEY = "plan"
_ASK_EVERY_S = 0.5  # for the lock of a project that another program writes


@dataclass(frozen=True)
class PlanRequest:
    """A plan to make.

    Parameters
    ----------
    sources : PlanSources
    targets, zones : tuples of str
        As `--target` and `--zone` of `ixs plan`.
    sigma_energy_mev : float
    sigma_width : float or None
    """

    sources: PlanSources
    targets: tuple[str, ...]
    zones: tuple[str, ...] = ()
    sigma_energy_mev: float = 0.1
    sigma_width: float | None = None


@dataclass(frozen=True)
class MadePlan:
    """A plan with its pictures, and what made it."""

    plan: Plan
    pictures: PlanPictures
    provenance: Provenance

    @property
    def found(self) -> FoundPlan:
        """As it is read from a project that keeps it."""
        from simulate.planning import plan_record
        from simulate.planning.store import StoredPlan

        stored = StoredPlan(plan_record(self.plan), self.pictures)
        return FoundPlan(PLAN_KEY, stored, self.provenance)


def run_plan(
    request: PlanRequest, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> MadePlan:
    """Make a plan with its pictures; `keep_plan` stores it.

    Raises
    ------
    InputError
        As `ixs plan` has them.
    """
    from ixs_core.provenance import provenance_of
    from simulate.planning import (
        Goal,
        illustrate,
        make_plan,
        parse_wish,
        special_points_of,
        targets_of,
    )

    _tell(progress, "reading force constants")
    sources = request.sources
    beamtime = load_beamtime(sources, request.zones).beamtime
    named = special_points_of(beamtime.calculation.model.force_constants)
    kelvin = beamtime.conditions.temperature_k
    goal = Goal(sigma_energy_mev=request.sigma_energy_mev, relative_fwhm=request.sigma_width)
    wishes = [parse_wish(text, named) for text in request.targets]
    targets, warnings = targets_of(wishes, beamtime.calculation, kelvin)
    _tell(progress, "looking for settings")
    plan = make_plan(beamtime, targets, goal, warnings=warnings, progress=progress, cancel=cancel)
    _tell(progress, "expected spectra of the best settings")
    record = provenance_of(
        "ixs view",
        {
            **sources.as_choice(),
            "target": request.targets,
            "zone": request.zones,
            "sigma_energy_mev": request.sigma_energy_mev,
            "sigma_width": request.sigma_width,
            "temperature_k": kelvin,
        },
        sources=[] if sources.force_constants is None else [sources.force_constants],
    )
    return MadePlan(plan, illustrate(beamtime, plan, goal), record)


def keep_plan(
    project: Path,
    made: MadePlan,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Store a plan in a project; while another program writes that, wait and tell so.

    Raises
    ------
    InputError
        When the project cannot be written.
    Cancelled
    """
    from ixs_core.project import Project
    from simulate.planning import write_plan_result

    while True:
        try:
            with Project(project).writing(_ASK_EVERY_S) as h5:
                write_plan_result(h5, PLAN_KEY, made.plan, made.pictures, made.provenance)
            return
        except ProjectLockedError as error:
            _tell(progress, str(error))
        if cancel is not None:
            cancel.check()


def expected_panels(
    beamtime: Beamtime,
    angles: Angles,
    scan_mev: FloatArray | None,
    hours: float,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[ExpectedPanel, ...]:
    """What all working analyzers will have counted at a position of the circles.

    Without a scan one that holds all modes.
    """
    from simulate.planning import expected_spectra, panel_of, whole_scan

    energies = whole_scan(beamtime) if scan_mev is None else scan_mev
    return tuple(panel_of(s, hours) for s in expected_spectra(beamtime, angles, energies))


def _tell(progress: Progress | None, text: str) -> None:
    if progress is not None:
        progress(0, 0, text)
