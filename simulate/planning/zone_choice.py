"""Which zones a plan follows up: the quickest reachable ones of every wanted mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from simulate.planning.expected_counts import Beamtime, placed_spectra
from simulate.planning.information import Goal, hours_to_goal
from simulate.planning.placement import Placement, place
from simulate.planning.shortlist import ZoneHours

_KEY = 1e4

# Zones tried per wanted one, best estimate first, before a mode counts as out of reach.
_TRIED = 10


@dataclass(frozen=True)
class ChosenZones:
    """Zones to follow up, and the hours known of all zones.

    Parameters
    ----------
    chosen : tuple of (place of the wanted q, Placement)
    hours : mapping
        `zone_key` -> (nb,) hours of the wanted branches of that q: exact where looked at
        closely, else the quick estimate times the usual ratio of both.
    best : mapping
        Place of the wanted q -> (nb,) least exact hours.
    without : mapping
        (place of the wanted q, branch) -> why no zone of it can be measured.
    """

    chosen: tuple[tuple[int, Placement], ...]
    hours: Mapping[tuple[int, ...], FloatArray]
    best: Mapping[int, FloatArray]
    without: Mapping[tuple[int, int], str]


def zone_key(q: int, hkl: FloatArray) -> tuple[int, ...]:
    """What identifies a zone of a wanted q: its place and Q to 1e-4 r.l.u."""
    return (q, *np.round(hkl * _KEY).astype(int).tolist())


def choose_zones(
    beamtime: Beamtime,
    quick: Sequence[ZoneHours],
    energy_mev: FloatArray,
    goal: Goal,
    zones: int,
    close_look: int,
) -> ChosenZones:
    """Put the zones of best estimate on the central analyzer, evaluate them, keep the quickest.

    Parameters
    ----------
    beamtime : Beamtime
    quick : sequence of ZoneHours
        Estimates of each wanted q.
    energy_mev : (n,) array
        Points of the scan.
    goal : Goal
    zones, close_look : int
        Per branch: how many are kept, and of how many.
    """
    without: dict[tuple[int, int], str] = {}
    looked: list[tuple[int, int, Placement]] = []
    for q, table in enumerate(quick):
        placed, reasons = _reachable(beamtime, table, close_look)
        without |= {(q, branch): reason for branch, reason in reasons.items()}
        looked += [(q, zone, placement) for zone, placement in placed.items()]
    exact = _exact_hours(beamtime, quick, looked, energy_mev, goal)
    hours: dict[tuple[int, ...], FloatArray] = {}
    best: dict[int, FloatArray] = {}
    chosen: list[tuple[int, Placement]] = []
    for q, table in enumerate(quick):
        mine = [i for i, (owner, _, _) in enumerate(looked) if owner == q]
        rows = np.array([looked[i][1] for i in mine], dtype=int)
        found = exact[q]
        columns = zip(found.T, table.hours[rows].T, strict=True)
        known = table.hours * [usual_ratio(one, other) for one, other in columns]
        known[rows] = found
        hours |= {zone_key(q, hkl): row for hkl, row in zip(table.hkl, known, strict=True)}
        best[q] = found.min(axis=0, initial=np.inf)
        for b in np.flatnonzero(np.isinf(best[q])).tolist():
            reason = f"it dominates its line in none of the {len(mine)} best zones within reach"
            without.setdefault((q, int(table.branches[b])), reason)
        order = np.argsort(found, axis=0, kind="stable")[:zones]
        kept = {int(i) for b, column in enumerate(order.T) for i in column if found[i, b] < np.inf}
        chosen += [(q, looked[mine[i]][2]) for i in sorted(kept)]
    return ChosenZones(tuple(chosen), hours, best, without)


def _reachable(
    beamtime: Beamtime, table: ZoneHours, number: int
) -> tuple[dict[int, Placement], dict[int, str]]:
    """The reachable zones of best estimate, `number` per branch; and why a branch has none."""
    tried: dict[int, Placement] = {}
    kept: set[int] = set()
    reasons: dict[int, str] = {}
    for b, branch in enumerate(table.branches.tolist()):
        order = np.argsort(table.hours[:, b], kind="stable")
        order = order[np.isfinite(table.hours[order, b])]
        good: list[int] = []
        for zone in order[: _TRIED * number].tolist():
            if zone not in tried:
                central = beamtime.central_analyzer
                tried[zone] = place(beamtime.instrument, table.hkl[zone], central)
            if tried[zone].reachable:
                good.append(zone)
            if len(good) == number:
                break
        if not good:
            good = _by_a_corner(beamtime, table, order[: 2 * number].tolist(), tried)
        kept |= set(good)
        if not good:
            reasons[branch] = (
                "it dominates its line in no zone near reach"
                if order.size == 0
                else "; ".join(tried[int(order[0])].excluded)
            )
    return {zone: tried[zone] for zone in sorted(kept)}, reasons


def _by_a_corner(
    beamtime: Beamtime, table: ZoneHours, candidates: Sequence[int], tried: dict[int, Placement]
) -> list[int]:
    """Zones that the central analyzer does not reach but one at a corner of the array does."""
    tth, gam = beamtime.instrument.spectrometer.arm_offsets
    alive = np.array(beamtime.alive)
    names = beamtime.instrument.spectrometer.analyzers
    corners = {
        int(alive[np.argmax(x * tth[alive] + y * gam[alive])]) for x in (-1, 1) for y in (-1, 1)
    }
    good = []
    for zone in candidates:
        for corner in sorted(corners):
            placement = place(beamtime.instrument, table.hkl[zone], names[corner])
            if placement.reachable:
                tried[zone] = placement
                good.append(zone)
                break
    return good


def _exact_hours(
    beamtime: Beamtime,
    quick: Sequence[ZoneHours],
    looked: Sequence[tuple[int, int, Placement]],
    energy_mev: FloatArray,
    goal: Goal,
) -> list[FloatArray]:
    """Per wanted q the (zones looked at, nb) hours, each zone on its own analyzer."""
    placements = [placement for _, _, placement in looked]
    spectra = placed_spectra(beamtime, placements, energy_mev, goal)
    rows: list[list[FloatArray]] = [[] for _ in quick]
    for (q, _, _), spectrum in zip(looked, spectra, strict=True):
        table = quick[q]
        hours = hours_to_goal(spectrum, table.branches.tolist(), goal, partners=table.partners)
        rows[q].append(hours)
    return [
        np.array(found).reshape(len(found), len(table.branches))
        for found, table in zip(rows, quick, strict=True)
    ]


def usual_ratio(exact: FloatArray, estimate: FloatArray) -> float:
    """Median of exact over estimated hours; 1 where nothing is known."""
    both = np.isfinite(exact) & np.isfinite(estimate)
    return float(np.median(exact[both] / estimate[both])) if both.any() else 1.0
