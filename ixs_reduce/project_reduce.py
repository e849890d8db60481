"""Scans of files into the spectra of a project: the steps of `ixs reduce`, for any caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ixs_core.errors import InputError
from ixs_core.project import Project, list_results
from ixs_core.provenance import Provenance, provenance_of
from ixs_reduce.experiment_options import ReductionPlan, with_backgrounds, with_given_zeros
from ixs_reduce.formats.selection import describe_numbers
from ixs_reduce.resolution_fit import ResolutionFit
from ixs_reduce.scan import Scan
from ixs_reduce.scan_choice import (
    ChosenScans,
    LeftOut,
    group_repeats,
    measured_backgrounds,
    reduce_group,
)
from ixs_reduce.spectrum import Spectrum
from ixs_reduce.store import (
    merged_key,
    read_resolution_fits,
    scan_key,
    write_resolutions,
    write_scan,
    write_spectra,
)


@dataclass(frozen=True)
class ReducedSet:
    """The spectra of one scan or merged set, with the scans they are from.

    Parameters
    ----------
    key : str
        Its name in the project.
    scans : tuple of Scan
    spectra : tuple of Spectrum
    """

    key: str
    scans: tuple[Scan, ...]
    spectra: tuple[Spectrum, ...]


@dataclass(frozen=True)
class Reduction:
    """Everything that came of some scans, before anything is written.

    Parameters
    ----------
    sets : tuple of ReducedSet
    left_out : tuple of LeftOut
        Scans that were not chosen, or that could not be reduced, with the reason.
    notes : tuple of str
        Why scans are no repeats of one another, where merging was asked for.
    """

    sets: tuple[ReducedSet, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...] = ()


def reduce_chosen(
    chosen: Sequence[ChosenScans],
    plan: ReductionPlan,
    profile: str | Path | None = None,
    *,
    merge: bool = False,
) -> Reduction:
    """Reduce chosen scans of files.

    Parameters
    ----------
    chosen : sequence of ChosenScans
        One for each file, from `choose_scans`.
    plan : ReductionPlan
    profile : str or path, optional
        As for `read_scans`, for background files.
    merge : bool
        Sum repeats: scans at the same Q, temperature and slits.

    Raises
    ------
    InputError
        When no scan could be reduced, or two would get the same name in the project.
    """
    scans = [scan for part in chosen for scan in part.scans]
    left_out = [item for part in chosen for item in part.left_out]
    groups: tuple[tuple[Scan, ...], ...] = tuple((scan,) for scan in scans)
    notes: tuple[str, ...] = ()
    if merge:
        groups, notes = group_repeats(scans, plan)
    backgrounds = measured_backgrounds(plan, profile)
    sets = []
    for group in groups:
        try:
            spectra = with_given_zeros(reduce_group(group, plan), plan)
        except InputError as error:
            if len(groups) == 1:
                raise
            left_out += [LeftOut(s.source.path.name, s.label, str(error)) for s in group]
            continue
        spectra = with_backgrounds(spectra, backgrounds)
        sets.append(ReducedSet(merged_key(group), group, spectra))
    if not sets:
        raise InputError("no scan could be reduced", found=left_out[-1].reason)
    check_keys(sets)
    return Reduction(tuple(sets), tuple(left_out), notes)


def check_keys(sets: Sequence[ReducedSet]) -> None:
    """Raise InputError when two results of one run have one name: they would hide each other."""
    twice = [key for key, n in Counter(item.key for item in sets).items() if n > 1]
    if twice:
        paths = [str(s.source.path) for r in sets if r.key == twice[0] for s in r.scans]
        raise InputError(
            "two scans would get the same name in the project",
            key=twice[0],
            found=" and ".join(paths),
            hint="rename one of the files, or reduce them into two projects",
        )


def named_resolutions(
    named: Path | None, output: Path
) -> tuple[tuple[ResolutionFit, ...], tuple[str, ...]]:
    """Resolutions of a file that the project does not hold yet, and notes.

    A file that cannot be read gives a note: spectra do without it.
    """
    if named is None:
        return (), ()
    try:
        new = new_resolutions(named, output)
    except InputError as error:
        return (), (f"no resolution is put into the project: {error}",)
    return new, ((f"resolutions of {named} are put into the project",) if new else ())


def new_resolutions(source: Path, output: Path) -> tuple[ResolutionFit, ...]:
    """Resolutions of a file that a project does not hold yet, or holds otherwise.

    Raises
    ------
    InputError
        When the file cannot be read or holds none.
    """
    given = read_resolution_fits(source)
    held: Mapping[str, ResolutionFit] = {}
    if output.exists():
        with Project(output).reading() as h5:
            any_held = bool(list_results(h5, "resolutions"))
        held = read_resolution_fits(output) if any_held else {}
    known = {name: fit.resolution.sha256 for name, fit in held.items()}
    return tuple(fit for name, fit in given.items() if fit.resolution.sha256 != known.get(name))


def reduction_provenance(
    made_by: str,
    chosen: Sequence[ChosenScans],
    plan: ReductionPlan,
    settings: Mapping[str, Any] | None = None,
    *,
    sources: Sequence[Path] = (),
) -> Provenance:
    """The record of a reduction: what the plan says, and further settings of the caller."""
    described = {
        **(settings or {}),
        "profile": {part.scan_file.path.name: part.scan_file.profile for part in chosen},
        "options": plan.options,
        "overrides": plan.overrides,
        "zero_mev": plan.zero_mev,
        "backgrounds": [background.model_dump() for background in plan.backgrounds],
    }
    return provenance_of(made_by, described, sources=sources)


def write_reduced(
    output: Path,
    sets: Sequence[ReducedSet],
    made_by: Provenance,
    resolutions: Sequence[ResolutionFit] = (),
) -> None:
    """Store scans, spectra and resolutions of a whole run in one transaction.

    Parameters
    ----------
    output : path
        The project, made when it is not there.
    sets : sequence of ReducedSet
    made_by : Provenance
        From `reduction_provenance`; the files of the scans are added.
    resolutions : sequence of ResolutionFit

    Raises
    ------
    InputError
        When the project is locked or cannot be written; it is then as it was.
    """
    with Project(output).writing() as h5:
        for item in sets:
            for scan in item.scans:
                write_scan(h5, scan, from_scans(made_by, [scan]))
            parents = tuple(f"scans/{scan_key(scan)}" for scan in item.scans)
            provenance = replace(from_scans(made_by, item.scans), parents=parents)
            write_spectra(h5, item.key, item.spectra, provenance)
        write_resolutions(h5, resolutions, made_by)


def from_scans(base: Provenance, scans: Sequence[Scan]) -> Provenance:
    """The record of a result with the files of its scans as first sources."""
    files = dict.fromkeys((scan.source.path.name, scan.source.sha256) for scan in scans)
    return replace(base, sources=(*files, *base.sources))


def left_out_lines(left_out: Iterable[LeftOut]) -> list[str]:
    """Scans left out for the same reason in one line."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for item in left_out:
        by_reason.setdefault((item.file, item.reason), []).append(item.scan)
    lines = []
    for (file, reason), labels in by_reason.items():
        plain = describe_numbers(int(label) for label in labels if "." not in label)
        repeated = [label for label in labels if "." in label]
        which = ", ".join([*([plain] if plain else []), *repeated])
        lines.append(f"left out: {file} scan{'s' * (len(labels) > 1)} {which}: {reason}")
    return lines
