"""A plan made from the window, as `ixs plan` makes it. Qt-free; importable, for a process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gui.models.plan_sources import PlanSources, load_beamtime
from ixs_core.arrays import FloatArray
from ixs_core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from ixs_reduce.circles import Angles
    from simulate.planning import Beamtime, ExpectedPanel
    from simulate.planning.store import StoredPlan

PLAN_KEY = "plan"


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
    project : path or None
        Where the plan is stored; only shown without.
    """

    sources: PlanSources
    targets: tuple[str, ...]
    zones: tuple[str, ...] = ()
    sigma_energy_mev: float = 0.1
    sigma_width: float | None = None
    project: Path | None = None


def run_plan(
    request: PlanRequest, *, progress: Progress | None = None, cancel: CancelToken | None = None
) -> StoredPlan:
    """Make a plan with its pictures and store it in the project.

    Raises
    ------
    InputError
        As `ixs plan` has them, and where the project cannot be written.
    """
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.planning import (
        Goal,
        illustrate,
        make_plan,
        parse_wish,
        plan_record,
        special_points_of,
        targets_of,
        write_plan_result,
    )
    from simulate.planning.store import StoredPlan

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
    pictures = illustrate(beamtime, plan, goal)
    if request.project is not None:
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
        with Project(request.project).writing() as h5:
            write_plan_result(h5, PLAN_KEY, plan, pictures, record)
    return StoredPlan(plan_record(plan), pictures)


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
