"""One mode over all zones, and two modes against each other: tables of Q by hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_reduce.lineshape import bose_factor
from simulate.planning.expected_counts import Beamtime, placed_spectra
from simulate.planning.information import Goal, automatic_scan, hours_to_goal
from simulate.planning.placement import Placement, place
from simulate.planning.shortlist import zone_hours
from simulate.planning.targets import Target
from simulate.planning.zone_choice import usual_ratio


@dataclass(frozen=True)
class Zone:
    """One mode at one Q.

    Parameters
    ----------
    placement : Placement
        With the reason where Q is excluded.
    hours : float
        To the goal; infinite where the mode is never known so well, NaN where not evaluated.
    estimated_hours : float
        For all zones: a quick estimate times the usual ratio of exact hours to it.
    intensity : float
        I_s in e² per primitive cell at Q.
    contrast : float
        Intensity (with Bose factors) over that of another mode; NaN where none was named.
    """

    placement: Placement
    hours: float
    estimated_hours: float
    intensity: float
    contrast: float = np.nan

    @property
    def best_guess(self) -> float:
        """Exact hours where evaluated, else the estimate."""
        return self.estimated_hours if np.isnan(self.hours) else self.hours


def rank_zones(
    beamtime: Beamtime,
    target: Target,
    goal: Goal | None = None,
    energy_mev: FloatArray | None = None,
    analyzer: str | None = None,
    evaluate: int = 60,
) -> tuple[Zone, ...]:
    """A mode in every zone near reach, the quickest first; excluded ones keep their place.

    Parameters
    ----------
    beamtime : Beamtime
    target : Target
    goal : Goal, optional
    energy_mev : (n,) array, optional
        Points of the scan; default one that holds the target.
    analyzer : str, optional
        On which Q is put; default the first working one nearest the arm's centre.
    evaluate : int
        How many of the reachable zones, best estimate first, are evaluated exactly; the others
        follow by their estimates.
    """
    return _ranked(beamtime, target, None, goal, energy_mev, analyzer, evaluate, 0.0)


def rank_contrast(
    beamtime: Beamtime,
    target: Target,
    other_branch: int,
    goal: Goal | None = None,
    energy_mev: FloatArray | None = None,
    analyzer: str | None = None,
    evaluate: int = 60,
    least_contrast: float = 5.0,
) -> tuple[Zone, ...]:
    """Zones where a mode is strong and another one of the same q weak, by the hours of the first.

    Parameters as for `rank_zones`; other_branch : the mode to avoid; least_contrast : zones
    with a smaller ratio of intensities are left out.

    Raises
    ------
    InputError
        Both are the same branch, or no zone has such a contrast.
    """
    if other_branch == target.branch:
        raise InputError("a mode has no contrast with itself", key="branch", found=other_branch)
    zones = _ranked(
        beamtime, target, other_branch, goal, energy_mev, analyzer, evaluate, least_contrast
    )
    if not zones:
        raise InputError(
            "no zone shows one mode without the other",
            key="contrast",
            found=f"{target.label} against branch {other_branch}",
            expected=f"a ratio of {least_contrast:g} somewhere",
            hint="they may be degenerate; lower the contrast",
        )
    return zones


def _ranked(
    beamtime: Beamtime,
    target: Target,
    other: int | None,
    goal: Goal | None,
    energy_mev: FloatArray | None,
    analyzer: str | None,
    evaluate: int,
    least_contrast: float,
) -> tuple[Zone, ...]:
    goal = goal or Goal()
    analyzer = analyzer or beamtime.central_analyzer
    resolution = beamtime.conditions.resolution(analyzer)
    energy = (
        automatic_scan([target.energy_mev], resolution.fwhm_mev)
        if energy_mev is None
        else np.asarray(energy_mev, dtype=float)
    )
    q = np.array(target.q_hkl)
    branches = [target.branch] if other is None else [target.branch, other]
    table = zone_hours(beamtime, q, branches, energy, goal)
    contrast = np.full(len(table.hkl), np.nan)
    kept = np.arange(len(table.hkl))
    if other is not None:
        contrast = _contrast(beamtime, q, table.intensity, branches)
        kept = np.flatnonzero(contrast >= least_contrast)
    order = kept[np.argsort(table.hours[kept, 0], kind="stable")]
    # Reach is judged with the arm's centre on Q; only what is evaluated is put on the analyzer.
    placements = [place(beamtime.instrument, table.hkl[zone]) for zone in order]
    for k in [k for k, placement in enumerate(placements) if placement.reachable][:evaluate]:
        placements[k] = place(beamtime.instrument, table.hkl[order[k]], analyzer)
    good = [k for k, p in enumerate(placements) if p.reachable and p.analyzer is not None]
    hours = np.full(len(order), np.nan)
    hours[good] = hours_at(beamtime, [placements[k] for k in good], target, energy, goal)
    estimate = table.hours[order, 0] * usual_ratio(hours[good], table.hours[order[good], 0])
    zones = [
        Zone(
            placements[k],
            float(hours[k]),
            float(estimate[k]),
            float(table.intensity[zone, 0]),
            float(contrast[zone]),
        )
        for k, zone in enumerate(order)
    ]
    return tuple(sorted(zones, key=lambda zone: zone.best_guess))


def hours_at(
    beamtime: Beamtime,
    placements: Sequence[Placement],
    target: Target,
    energy_mev: FloatArray,
    goal: Goal,
) -> FloatArray:
    """(n,) hours to the goal for a mode at placed Q, each on its own analyzer."""
    branch, same = [target.branch], [target.partners]
    spectra = placed_spectra(beamtime, placements, energy_mev, goal)
    return np.array([hours_to_goal(s, branch, goal, partners=same)[0] for s in spectra])


def _contrast(
    beamtime: Beamtime, q: FloatArray, intensity: FloatArray, branches: Sequence[int]
) -> FloatArray:
    temperature = beamtime.conditions.temperature_k
    energy = beamtime.calculation.structure_factor(q[None], temperature).energy_mev[0]
    first, second = (
        intensity[:, k] * bose_factor(max(float(energy[branch - 1]), 1e-3), temperature)
        for k, branch in enumerate(branches)
    )
    return np.where(second > 0, first / np.where(second > 0, second, 1.0), np.inf) * (first > 0)
