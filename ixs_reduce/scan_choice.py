"""Which scans of a file are worked on, which are left out and why, and which are repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ixs_core.errors import InputError
from ixs_reduce.experiment_options import (
    ReductionPlan,
    completed,
    options_for,
    with_given_zeros,
)
from ixs_reduce.formats import ScanFile, read_scans, select_scans
from ixs_reduce.merging import check_repeats, check_slits
from ixs_reduce.quality import judge
from ixs_reduce.reduction import reduce_repeats, reduce_scan
from ixs_reduce.scan import Scan
from ixs_reduce.spectrum import Spectrum

Backgrounds = Sequence[tuple[Mapping[str, Spectrum], float]]

FEWEST_POINTS = 10
"""Scans with fewer points are no spectra; they are reduced only when named."""


@dataclass(frozen=True)
class LeftOut:
    """A scan that was not worked on: its file, its label, and the reason."""

    file: str
    scan: str
    reason: str


@dataclass(frozen=True)
class ChosenScans:
    """The energy scans of a file that were chosen, and those left out.

    Parameters
    ----------
    scan_file : ScanFile
        All its scans, judged and completed.
    scans : tuple of Scan
        Those to work on, in the order of the file.
    left_out : tuple of LeftOut
    """

    scan_file: ScanFile
    scans: tuple[Scan, ...]
    left_out: tuple[LeftOut, ...]


def choose_scans(
    path: str | Path,
    plan: ReductionPlan,
    *,
    profile: str | Path | None = None,
    selection: str | None = None,
) -> ChosenScans:
    """Read a file, judge its scans, and choose the energy scans to work on.

    Parameters
    ----------
    path : path
    plan : ReductionPlan
    profile : str or path, optional
        As for `read_scans`.
    selection : str, optional
        "58-69,71"; by default every energy scan with `FEWEST_POINTS` points or more. A named
        scan may be shorter.

    Raises
    ------
    InputError
        When the file or the selection cannot be read, or no energy scan is left.
    """
    scan_file = read_scans(path, profile, plan.overrides)
    judged = tuple(completed(scan, plan) for scan in judge(scan_file.scans))
    scan_file = replace(scan_file, scans=judged)
    named = select_scans(scan_file, selection) if selection is not None else judged
    fewest = 1 if selection is not None else FEWEST_POINTS
    chosen = []
    left_out = []
    for scan in named:
        reason = _reason_against(scan, fewest)
        if reason is None:
            chosen.append(scan)
        else:
            left_out.append(LeftOut(scan.source.path.name, scan.label, reason))
    if not chosen:
        raise InputError(
            "no energy scan to work on",
            file=path,
            key=selection,
            found=f"{len(named)} scans, {sum(s.kind == 'energy' for s in named)} of them of energy",
            expected=f"an energy scan with {fewest} points or more",
            hint=str(scan_file.problems[0]) if scan_file.problems else "`ixs info` shows them",
        )
    return ChosenScans(scan_file, tuple(chosen), tuple(left_out))


def group_repeats(
    scans: Sequence[Scan], plan: ReductionPlan
) -> tuple[tuple[tuple[Scan, ...], ...], tuple[str, ...]]:
    """Scans parted into sets of repeats, each in the order given.

    Repeats have the same analyzers at the same Q, sample temperature and slits within the
    tolerances of the plan.

    Returns
    -------
    groups : tuple of tuples of Scan
    reasons : tuple of str
        For each scan that begins a further set: how it differs from the set before.
    """
    groups: list[list[Scan]] = []
    reasons = []
    for scan in scans:
        differences = []
        for group in groups:
            difference = _difference(group[0], scan, plan)
            if difference is None:
                group.append(scan)
                break
            differences.append(difference)
        else:
            groups.append([scan])
            reasons += differences[-1:]
    return tuple(tuple(group) for group in groups), tuple(reasons)


def reduce_group(scans: Sequence[Scan], plan: ReductionPlan) -> tuple[Spectrum, ...]:
    """The spectra of one scan, or of several repeats summed; errors as in `reduction`."""
    if len(scans) == 1:
        return reduce_scan(scans[0], options_for(scans[0], plan))
    return reduce_repeats(scans, options_for(scans[0], plan))


def _reason_against(scan: Scan, fewest_points: int) -> str | None:
    if scan.kind != "energy":
        return f"not an energy scan ({scan.scanned})"
    if scan.points < fewest_points:
        return f"{scan.points} points" if scan.points else "no points"
    return None


def _difference(one: Scan, two: Scan, plan: ReductionPlan) -> str | None:
    """Why two scans are no repeats of one another, or None when they are."""
    pair = f"scans {one.label} and {two.label}"
    if [a.name for a in one.analyzers] != [a.name for a in two.analyzers]:
        return f"{pair} have different analyzers"
    tolerances = plan.options.tolerances
    try:
        check_slits([one, two], tolerances)
        spectra = [reduce_scan(scan, options_for(scan, plan)) for scan in (one, two)]
        by_name = {spectrum.analyzer: spectrum for spectrum in spectra[1]}
        for spectrum in spectra[0]:
            if spectrum.analyzer in by_name:
                check_repeats(spectrum, by_name[spectrum.analyzer], tolerances)
    except InputError as error:
        return error.message
    return None


def measured_backgrounds(plan: ReductionPlan, profile: str | Path | None) -> Backgrounds:
    """The measured backgrounds of a plan: spectra by analyzer, and the transmission.

    The energy scans of a background file are summed.

    Raises
    ------
    InputError
        When a background file cannot be read or reduced.
    """
    measured: list[tuple[Mapping[str, Spectrum], float]] = []
    for background in plan.backgrounds:
        scans = choose_scans(background.file, plan, profile=profile).scans
        spectra = with_given_zeros(reduce_group(scans, plan), plan)
        measured.append(({s.analyzer or "": s for s in spectra}, background.transmission))
    return measured
