"""Settings of the arm that may serve a plan, and how long each needs for the wanted modes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.jobs import CancelToken, Progress
from ixs_reduce.circles import Angles
from ixs_reduce.spectrometer import AnalyzerTable
from simulate.planning.expected_counts import Beamtime, spectra_at
from simulate.planning.information import ExpectedSpectrum, Goal, hours_to_goal
from simulate.planning.placement import Placement, place
from simulate.planning.shortlist import zone_hours
from simulate.planning.targets import Target
from simulate.planning.wanted import WantedMomenta
from simulate.planning.zone_choice import ChosenZones, choose_zones, zone_key

# Modes whose estimated hours are this many times the best are not evaluated.
_HOPELESS = 25.0

_BLOCK = 64
"""Spectra worked out between two looks at the cancel token."""


@dataclass(frozen=True)
class Search:
    """How widely settings are looked for.

    Parameters
    ----------
    tolerance : float
        Distance in Å⁻¹ from a wanted q within which an analyzer measures it; half the window
        of an analyzer without slits by default.
    close_look : int
        Reachable zones evaluated exactly per wanted mode, those of best estimate.
    zones : int
        How many of them are followed up with other analyzers.
    anchors : int
        Analyzers tried on each of them: the central one and those that catch most others.
    most_settings : int
        Settings evaluated exactly.
    """

    tolerance: float = 0.05
    close_look: int = 10
    zones: int = 5
    anchors: int = 3
    most_settings: int = 300


@dataclass(frozen=True)
class Hit:
    """A wanted q seen by an analyzer of a setting.

    Parameters
    ----------
    analyzer : int
        Its place in the array.
    q : int
        Place of the wanted q.
    distance : float
        Between the seen and the wanted Q, Å⁻¹.
    exact_hkl : (3,) array
        The wanted Q in this zone, r.l.u.
    """

    analyzer: int
    q: int
    distance: float
    exact_hkl: FloatArray


@dataclass(frozen=True)
class CandidateSetting:
    """A position of the circles and the wanted q that its analyzers see."""

    placement: Placement
    table: AnalyzerTable
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Evaluated:
    """Candidate settings with the time that each needs for each target.

    Parameters
    ----------
    settings : tuple of CandidateSetting
    hours : (n_settings, n_targets) array
        Infinite where the setting does not measure the target.
    analyzer : (n_settings, n_targets) int array
        Place of the analyzer that does so quickest; -1 where none.
    distance : (n_settings, n_targets) array
        Between its Q and the wanted Q, Å⁻¹.
    spectra : mapping
        (setting, analyzer) -> expected spectrum.
    unreachable : mapping
        Target -> why no zone of it is reached.
    """

    settings: tuple[CandidateSetting, ...]
    hours: FloatArray
    analyzer: np.ndarray
    distance: FloatArray
    spectra: dict[tuple[int, int], ExpectedSpectrum]
    unreachable: dict[int, str]


def evaluated_settings(
    beamtime: Beamtime,
    targets: Sequence[Target],
    energy_mev: FloatArray,
    goal: Goal,
    search: Search | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Evaluated:
    """Find settings that see the wanted modes, and how long each needs for each of them.

    Parameters
    ----------
    beamtime : Beamtime
    targets : sequence of Target
    energy_mev : (n,) array
        Points of the scan.
    goal : Goal
    search : Search, optional
    progress, cancel : as everywhere
    """
    search = search or Search()
    wanted = WantedMomenta.of(beamtime, targets)
    branches = defaultdict(list)
    for target, q in zip(targets, wanted.of_target.tolist(), strict=True):
        branches[q].append(target.branch)
    quick = [
        zone_hours(beamtime, q, branches[k], energy_mev, goal) for k, q in enumerate(wanted.q_hkl)
    ]
    zones = choose_zones(beamtime, quick, energy_mev, goal, search.zones, search.close_look)
    proposals = _anchored(beamtime, wanted, zones, search)
    settings = [
        setting
        for analyzer, hkl in proposals
        if (setting := _candidate(beamtime, wanted, hkl, analyzer, search.tolerance))
    ]
    unreachable = {
        m: zones.without[q, target.branch]
        for m, (target, q) in enumerate(zip(targets, wanted.of_target.tolist(), strict=True))
        if (q, target.branch) in zones.without
    }
    looked_at = [
        (s, hit)
        for s, setting in enumerate(settings)
        for hit in setting.hits
        if _promising(zones, hit)
    ]
    places = [(_angles_of(settings[s]), settings[s].table, hit.analyzer) for s, hit in looked_at]
    spectra: list[ExpectedSpectrum] = []
    for first in range(0, len(places), _BLOCK):
        if cancel is not None:
            cancel.check()
        spectra += spectra_at(beamtime, places[first : first + _BLOCK], energy_mev, goal)
        if progress is not None:
            progress(len(spectra), len(places), "spectra expected")
    seen = list(zip(looked_at, spectra, strict=True))
    return _evaluated(targets, wanted, settings, goal, seen, unreachable)


def _anchored(
    beamtime: Beamtime,
    wanted: WantedMomenta,
    zones: ChosenZones,
    search: Search,
) -> list[tuple[str | None, FloatArray]]:
    """Which analyzer to put on which Q: those that promise to catch most wanted modes at once.

    What the others would see is taken from the table with the arm's centre on Q, shifted: right
    to a few per cent of the array's width.
    """
    names = beamtime.instrument.spectrometer.analyzers
    alive = np.array(beamtime.alive)
    scored: list[tuple[float, str | None, FloatArray]] = []
    seen: set[tuple[int, ...]] = set()
    for q, placement in zones.chosen:
        if zone_key(q, placement.hkl) in seen or placement.angles is None:
            continue
        seen.add(zone_key(q, placement.hkl))
        table = beamtime.instrument.analyzer_q(placement.angles)
        offsets = table.hkl[alive] - placement.hkl
        shifted = (placement.hkl + offsets[None] - offsets[:, None]).reshape(-1, 3)
        distance, rest = wanted.nearest(beamtime, shifted)
        promise = np.zeros(len(alive))
        for row, k in np.argwhere(distance < search.tolerance):
            hours = zones.hours.get(zone_key(int(k), shifted[row] - rest[row, k]))
            if hours is not None:
                seen_well = np.isfinite(hours)
                gain = zones.best[int(k)][seen_well] / hours[seen_well]
                promise[row // len(alive)] += float(np.sum(np.minimum(gain, 1.0)))
        order = [int(a) for a in np.argsort(-promise, kind="stable")]
        # That of the close look is known to be worth it.
        looked = [a for a in order if names[alive[a]] == placement.analyzer]
        order = [*looked, *(a for a in order if a not in looked)][: search.anchors]
        scored += [(float(promise[a]), names[alive[a]], placement.hkl) for a in order]
    scored.sort(key=lambda item: -item[0])
    return [(name, hkl) for _, name, hkl in scored[: search.most_settings]]


def _candidate(
    beamtime: Beamtime,
    wanted: WantedMomenta,
    hkl: FloatArray,
    analyzer: str | None,
    tolerance: float,
) -> CandidateSetting | None:
    """A setting with what it sees of the wanted q; None where it lies outside the limits."""
    placement = place(beamtime.instrument, hkl, analyzer)
    if not placement.reachable or placement.angles is None:
        return None
    table = beamtime.instrument.analyzer_q(placement.angles)
    alive = np.array(beamtime.alive)
    distance, rest = wanted.nearest(beamtime, table.hkl[alive])
    hits = tuple(
        Hit(int(alive[a]), int(q), float(distance[a, q]), table.hkl[alive[a]] - rest[a, q])
        for a, q in np.argwhere(distance < tolerance)
    )
    return CandidateSetting(placement, table, hits) if hits else None


def _evaluated(
    targets: Sequence[Target],
    wanted: WantedMomenta,
    settings: Sequence[CandidateSetting],
    goal: Goal,
    seen: Sequence[tuple[tuple[int, Hit], ExpectedSpectrum]],
    unreachable: dict[int, str],
) -> Evaluated:
    """The hours of every target at every setting, from the expected spectra of all hits."""
    shape = (len(settings), len(targets))
    hours = np.full(shape, np.inf)
    analyzer = np.full(shape, -1)
    distance = np.full(shape, np.inf)
    by_place: dict[tuple[int, int], ExpectedSpectrum] = {}
    for (s, hit), spectrum in seen:
        by_place[s, hit.analyzer] = spectrum
        mine = np.flatnonzero(wanted.of_target == hit.q)
        needed = hours_to_goal(
            spectrum,
            [targets[m].branch for m in mine.tolist()],
            goal,
            partners=[targets[m].partners for m in mine.tolist()],
        )
        quicker = needed < hours[s, mine]
        better = mine[quicker]
        hours[s, better] = needed[quicker]
        analyzer[s, better] = hit.analyzer
        distance[s, better] = hit.distance
    return Evaluated(tuple(settings), hours, analyzer, distance, by_place, unreachable)


def _promising(zones: ChosenZones, hit: Hit) -> bool:
    """Whether a hit may measure some branch in a time worth computing."""
    hours = zones.hours.get(zone_key(hit.q, hit.exact_hkl))
    return hours is not None and bool(np.any(hours < _HOPELESS * zones.best[hit.q]))


def _angles_of(setting: CandidateSetting) -> Angles:
    assert setting.placement.angles is not None
    return setting.placement.angles
