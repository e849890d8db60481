"""A plan: which settings to measure, how long each, what every analyzer then knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce.circles import Angles
from ixs_reduce.instrument import Instrument
from simulate.planning.cover import least_time_cover, lower_bound
from simulate.planning.expected_counts import Beamtime
from simulate.planning.information import (
    ExpectedSpectrum,
    Goal,
    automatic_scan,
    precision,
    scan_energies,
)
from simulate.planning.placement import Placement, centre_hkl
from simulate.planning.plan_warnings import assumptions, target_warnings
from simulate.planning.settings import Evaluated, Search, evaluated_settings
from simulate.planning.targets import Target

MOVE_HOURS = 0.1
"""Usual time in hours from one setting to counting at the next."""

LONGEST_HOURS = 24.0
"""Nobody counts longer than this for one mode."""


@dataclass(frozen=True)
class PlannedTarget:
    """A wanted mode as one analyzer of a setting measures it.

    Parameters
    ----------
    target : Target
    analyzer : str
    hkl : (3,) array
        Centre of what the analyzer sees, r.l.u.
    distance : float
        From the wanted Q, Å⁻¹.
    energy_mev, fwhm_mev : float
        Of the line that holds the mode, there.
    line : str
        Branches of the line, "4" or "4+5".
    sigma_energy_mev, sigma_fwhm_mev : float
        Standard errors after the hours of the setting.
    hours : float
        Time it alone needs.
    assigned : bool
        Whether this is the measurement that the plan counts on (the quickest of them).
    """

    target: Target
    analyzer: str
    hkl: FloatArray
    distance: float
    energy_mev: float
    fwhm_mev: float
    line: str
    sigma_energy_mev: float
    sigma_fwhm_mev: float
    hours: float
    assigned: bool


@dataclass(frozen=True)
class PlannedSetting:
    """One position of the circles in a plan.

    Parameters
    ----------
    rank : int
        From 1: most assigned targets per hour first.
    placement : Placement
        Which Q was put on which analyzer.
    hkl : (3,) array
        At the arm's centre.
    angles : Angles
    hours : float
        Counting time for the whole scan.
    targets : tuple of PlannedTarget
        All that are known as well as wanted after that time.
    """

    rank: int
    placement: Placement
    hkl: FloatArray
    angles: Angles
    hours: float
    targets: tuple[PlannedTarget, ...]

    @property
    def assigned(self) -> tuple[PlannedTarget, ...]:
        """Those that the plan counts on here."""
        return tuple(target for target in self.targets if target.assigned)


@dataclass(frozen=True)
class Plan:
    """Settings that measure a list of modes in little time.

    Parameters
    ----------
    settings : tuple of PlannedSetting
    total_hours : float
        Counting times and moves.
    lower_bound_hours : float
        No choice among the settings looked at takes less.
    energy_mev : (n,) array
        Points of the scan at every setting.
    goal : Goal
    instrument : Instrument
    temperature_k : float
    move_hours : float
        Counted for each setting beside its hours.
    unmeasured : tuple of (Target, str)
        Targets that no setting measures, and why.
    warnings : tuple of str
    source : str
        The calculation.
    settings_compared : int
        How many were evaluated.
    """

    settings: tuple[PlannedSetting, ...]
    total_hours: float
    lower_bound_hours: float
    energy_mev: FloatArray
    goal: Goal
    instrument: Instrument
    temperature_k: float
    move_hours: float
    unmeasured: tuple[tuple[Target, str], ...] = ()
    warnings: tuple[str, ...] = ()
    source: str = ""
    settings_compared: int = 0


def plan_scan(
    beamtime: Beamtime, targets: Sequence[Target], step_mev: float | None = None
) -> FloatArray:
    """Points of a scan that holds all targets, from the widest resolution of the array.

    Steps as for `automatic_scan` where none is given.
    """
    widest = max(
        beamtime.conditions.resolution(name).fwhm_mev
        for i, name in enumerate(beamtime.instrument.spectrometer.analyzers)
        if i in beamtime.alive
    )
    return automatic_scan([target.energy_mev for target in targets], widest, step_mev)


def whole_scan(beamtime: Beamtime) -> FloatArray:
    """Points of a scan that holds every mode of the crystal, from -10 meV."""
    origin = np.zeros((1, 3))
    highest = beamtime.calculation.structure_factor(origin, beamtime.conditions.temperature_k)
    return scan_energies(-10.0, float(highest.energy_mev.max()) + 3.0)


def make_plan(
    beamtime: Beamtime,
    targets: Sequence[Target],
    goal: Goal | None = None,
    energy_mev: FloatArray | None = None,
    search: Search | None = None,
    move_hours: float = MOVE_HOURS,
    longest_hours: float = LONGEST_HOURS,
    warnings: Sequence[str] = (),
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Plan:
    """The settings that measure all targets in the least time found.

    Every analyzer of a setting counts at once; a setting takes as long as the slowest of the
    targets that it is needed for. Candidates come from `evaluated_settings`, their choice from
    `least_time_cover`.

    Parameters
    ----------
    beamtime : Beamtime
    targets : sequence of Target
    goal : Goal, optional
        Default σ(E) = 0.1 meV.
    energy_mev : (n,) array, optional
        Points of the scan; default one that holds all targets (`plan_scan`).
    search : Search, optional
        How widely to look.
    move_hours : float
        Time lost for each setting: moving, aligning, settling.
    longest_hours : float
        A mode that needs longer than this everywhere counts as out of reach and is named.
    warnings : sequence of str
        To be carried along, such as those of `targets_of`.
    progress, cancel : as everywhere

    Raises
    ------
    InputError
        No target, no working analyzer, or no setting that measures any of them.
    """
    goal = goal or Goal()
    if not targets:
        raise InputError("nothing is wanted", key="target", expected="one mode or more")
    if not beamtime.alive:
        raise InputError("all analyzers are masked", key="analyzers.mask")
    energy = plan_scan(beamtime, targets) if energy_mev is None else np.asarray(energy_mev)
    evaluated = evaluated_settings(beamtime, targets, energy, goal, search, progress, cancel)
    possible = (evaluated.hours <= longest_hours).any(axis=0)
    unmeasured = tuple(
        (targets[m], _why_not(m, evaluated)) for m in np.flatnonzero(~possible).tolist()
    )
    if not possible.any():
        raise InputError(
            "no setting measures any of the targets",
            key="target",
            found="; ".join(f"{target.label}: {why}" for target, why in unmeasured[:3]),
            hint="ask for other q or zones, for less precision, or widen the limits",
        )
    measured = np.flatnonzero(possible).tolist()
    hours = evaluated.hours[:, measured]
    hours = np.where(hours <= longest_hours, hours, np.inf)
    groups = [(targets[m].wish, targets[m].branch) for m in measured]
    cover = least_time_cover(hours, move_hours, groups)
    quickest = {m: _assigned(evaluated.hours[:, m], cover.hours) for m in measured}
    settings = _planned(beamtime, targets, evaluated, cover.hours, quickest)
    return Plan(
        settings=settings,
        total_hours=cover.total,
        lower_bound_hours=lower_bound(hours, move_hours),
        energy_mev=energy,
        goal=goal,
        instrument=beamtime.instrument,
        temperature_k=beamtime.conditions.temperature_k,
        move_hours=move_hours,
        unmeasured=unmeasured,
        warnings=(
            *warnings,
            *(f"not measured: {target.label}: {why}" for target, why in unmeasured),
            *target_warnings(beamtime, settings, evaluated),
            *assumptions(beamtime),
        ),
        source=beamtime.source,
        settings_compared=len(evaluated.settings),
    )


def _assigned(needed: FloatArray, times: FloatArray) -> int:
    """Which setting of a cover measures a target, the one that needs least."""
    return int(np.argmin(np.where((needed <= times) & (times > 0), needed, np.inf)))


def _why_not(number: int, evaluated: Evaluated) -> str:
    quickest = float(evaluated.hours[:, number].min(initial=np.inf))
    if np.isfinite(quickest):
        return f"needs {quickest:.3g} h at best"
    if number in evaluated.unreachable:
        return evaluated.unreachable[number]
    return "in no reachable zone it dominates a line that is determined by the scan"


def _planned(
    beamtime: Beamtime,
    targets: Sequence[Target],
    evaluated: Evaluated,
    times: FloatArray,
    quickest: dict[int, int],
) -> tuple[PlannedSetting, ...]:
    order = sorted(
        np.flatnonzero(times).tolist(),
        key=lambda s: (-sum(best == s for best in quickest.values()) / times[s], s),
    )
    planned = []
    for rank, s in enumerate(order, start=1):
        candidate = evaluated.settings[s]
        angles = candidate.placement.angles
        assert angles is not None
        known = np.flatnonzero(evaluated.hours[s] <= times[s])
        planned.append(
            PlannedSetting(
                rank=rank,
                placement=candidate.placement,
                hkl=centre_hkl(beamtime.instrument, angles),
                angles=angles,
                hours=float(times[s]),
                targets=tuple(
                    _planned_target(targets[m], evaluated, s, int(m), times[s], quickest[m] == s)
                    for m in known.tolist()
                ),
            )
        )
    return tuple(planned)


def _planned_target(
    target: Target, evaluated: Evaluated, s: int, m: int, hours: float, assigned: bool
) -> PlannedTarget:
    analyzer = int(evaluated.analyzer[s, m])
    spectrum: ExpectedSpectrum = evaluated.spectra[s, analyzer]
    number = spectrum.line_of(target.branch)
    assert number is not None
    after = precision(spectrum)
    line = spectrum.lines[number]
    return PlannedTarget(
        target=target,
        analyzer=spectrum.analyzer,
        hkl=spectrum.predicted.q_hkl,
        distance=float(evaluated.distance[s, m]),
        energy_mev=line.energy_mev,
        fwhm_mev=spectrum.fwhm_mev(number),
        line=line.branch,
        sigma_energy_mev=float(after.energy_mev[number] / np.sqrt(hours)),
        sigma_fwhm_mev=float(after.fwhm_mev[number] / np.sqrt(hours)),
        hours=float(evaluated.hours[s, m]),
        assigned=assigned,
    )
