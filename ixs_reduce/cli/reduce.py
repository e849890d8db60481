"""`ixs reduce`: scans into spectra, in a project file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.provenance import Provenance
    from ixs_reduce.experiment_options import ReductionPlan
    from ixs_reduce.resolution_fit import ResolutionFit
    from ixs_reduce.scan import Flag, Scan
    from ixs_reduce.scan_choice import ChosenScans, LeftOut
    from ixs_reduce.spectrum import Spectrum


def reduce(
    files: Annotated[list[Path], typer.Argument(help="Data files.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Project file (made when it is not there).")
    ],
    scans: Annotated[
        str | None,
        typer.Option(help='Scans, as "58-69,71". [default: energy scans of 10 points or more]'),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Profile that explains the labels: its name, or a TOML file."),
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Experiment file; see `ixs init`.")
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Sum repeats: same Q, temperature and slits.")
    ] = False,
    bin_mev: Annotated[
        float | None,
        typer.Option("--bin", help="Width of energy bins in meV. [default: points as measured]"),
    ] = None,
    monitor: Annotated[
        str | None,
        typer.Option(help='Label of the monitor, or "seconds". [default: as in the profile]'),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """Turn scans into spectra: raw counts with exposure, Q and temperature, judged and stored.

    A second run adds to the project; what it replaces stays in the project's history. Resolution
    functions that the experiment file names are put into the project, for `ixs fit`.

    Example: ixs reduce CdOsO.spec -o CdOsO.h5 --scans 58-69
    """
    from ixs_reduce.experiment_options import check_names, load_plan
    from ixs_reduce.scan_choice import choose_scans

    plan = load_plan(experiment, monitor=monitor, bin_mev=bin_mev)
    chosen = [choose_scans(path, plan, profile=profile, selection=scans) for path in files]
    check_names(plan, [scan for part in chosen for scan in part.scan_file.scans])
    reduced, left_out, notes = _reduced(chosen, plan, profile, merge)
    resolutions, resolution_notes = _named_resolutions(plan, output)
    notes = (*plan.notes, *notes, *resolution_notes)
    settings = {
        "scans": scans,
        "profile": {part.scan_file.path.name: part.scan_file.profile for part in chosen},
        "merge": merge,
        "options": plan.options,
        "overrides": plan.overrides,
        "experiment": experiment,
        "zero_mev": plan.zero_mev,
        "backgrounds": [b.model_dump() for b in plan.backgrounds],
    }
    extra = [*([experiment] if experiment else []), *(b.file for b in plan.backgrounds)]
    if resolutions and plan.resolution is not None:
        extra.append(plan.resolution)
    _write(output, reduced, resolutions, settings, extra)
    problems = [str(error) for part in chosen for error in part.scan_file.problems]
    if as_json:
        described = _as_json(output, reduced, left_out, problems, notes)
        print(json.dumps(described, allow_nan=False, indent=1))
    else:
        _show(output, reduced)
    for line in (*_left_out_lines(left_out), *(f"not read: {p}" for p in problems), *notes):
        typer.echo(line, err=True)


@dataclass(frozen=True)
class _Reduced:
    """The spectra of one scan or merged set, with the scans they are from."""

    key: str
    scans: tuple[Scan, ...]
    spectra: tuple[Spectrum, ...]


def _reduced(
    chosen: Sequence[ChosenScans], plan: ReductionPlan, profile: str | None, merge: bool
) -> tuple[list[_Reduced], list[LeftOut], tuple[str, ...]]:
    """Everything reduced before anything is written."""
    from ixs_reduce.experiment_options import with_backgrounds, with_given_zeros
    from ixs_reduce.scan_choice import (
        LeftOut,
        group_repeats,
        measured_backgrounds,
        reduce_group,
    )
    from ixs_reduce.store import merged_key

    scans = [scan for part in chosen for scan in part.scans]
    left_out = [item for part in chosen for item in part.left_out]
    groups: tuple[tuple[Scan, ...], ...] = tuple((scan,) for scan in scans)
    notes: tuple[str, ...] = ()
    if merge:
        groups, notes = group_repeats(scans, plan)
    backgrounds = measured_backgrounds(plan, profile)
    reduced = []
    for group in groups:
        try:
            spectra = with_given_zeros(reduce_group(group, plan), plan)
        except InputError as error:
            if len(groups) == 1:
                raise
            left_out += [LeftOut(s.source.path.name, s.label, str(error)) for s in group]
            continue
        spectra = with_backgrounds(spectra, backgrounds)
        reduced.append(_Reduced(merged_key(group), group, spectra))
    if not reduced:
        raise InputError("no scan could be reduced", found=left_out[-1].reason)
    _check_keys(reduced)
    return reduced, left_out, notes


def _check_keys(reduced: Sequence[_Reduced]) -> None:
    """Two results of one name in one run would hide each other."""
    twice = [key for key, n in Counter(item.key for item in reduced).items() if n > 1]
    if twice:
        paths = [str(s.source.path) for r in reduced if r.key == twice[0] for s in r.scans]
        raise InputError(
            "two scans would get the same name in the project",
            key=twice[0],
            found=" and ".join(paths),
            hint="rename one of the files, or reduce them into two projects",
        )


def _named_resolutions(plan: ReductionPlan, output: Path) -> tuple[list[ResolutionFit], list[str]]:
    """Resolutions of the experiment file that the project does not hold yet, and notes."""
    from ixs_core.project import Project, list_results
    from ixs_reduce.store import read_resolution_fits

    if plan.resolution is None:
        return [], []
    try:
        named = read_resolution_fits(plan.resolution)
    except InputError as error:
        return [], [f"no resolution is put into the project: {error}"]
    held = {}
    if output.exists():
        with Project(output).reading() as h5:
            any_held = bool(list_results(h5, "resolutions"))
        held = read_resolution_fits(output) if any_held else {}
    known = {name: fit.resolution.sha256 for name, fit in held.items()}
    new = [fit for name, fit in named.items() if fit.resolution.sha256 != known.get(name)]
    return new, [f"resolutions of {plan.resolution} are put into the project"] if new else []


def _write(
    output: Path,
    reduced: Sequence[_Reduced],
    resolutions: Sequence[ResolutionFit],
    settings: Mapping[str, Any],
    extra_sources: Sequence[Path],
) -> None:
    """Scans, spectra and named resolutions of the whole run in one transaction."""
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from ixs_reduce.store import scan_key, write_resolutions, write_scan, write_spectra

    base = provenance_of("ixs reduce", settings, sources=extra_sources)
    with Project(output).writing() as h5:
        for item in reduced:
            for scan in item.scans:
                write_scan(h5, scan, _from_scans(base, [scan]))
            parents = tuple(f"scans/{scan_key(scan)}" for scan in item.scans)
            provenance = replace(_from_scans(base, item.scans), parents=parents)
            write_spectra(h5, item.key, item.spectra, provenance)
        write_resolutions(h5, resolutions, base)


def _from_scans(base: Provenance, scans: Sequence[Scan]) -> Provenance:
    files = dict.fromkeys((scan.source.path.name, scan.source.sha256) for scan in scans)
    return replace(base, sources=(*files, *base.sources))


def _left_out_lines(left_out: Iterable[LeftOut]) -> list[str]:
    """Scans left out for the same reason in one line."""
    from ixs_reduce.formats.selection import describe_numbers

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


def _as_json(
    output: Path,
    reduced: Sequence[_Reduced],
    left_out: Sequence[LeftOut],
    problems: Sequence[str],
    notes: Sequence[str],
) -> dict[str, Any]:
    return {
        "project": str(output),
        "spectra": [_spectra_json(item) for item in reduced],
        "left_out": [
            {"file": item.file, "scan": item.scan, "reason": item.reason} for item in left_out
        ],
        "problems": list(problems),
        "notes": list(notes),
    }


def _spectra_json(item: _Reduced) -> dict[str, Any]:
    flags = dict.fromkeys(flag for spectrum in item.spectra for flag in spectrum.flags)
    living = _living(item)
    return {
        "key": item.key,
        "scans": [scan.label for scan in item.scans],
        "files": list(dict.fromkeys(str(scan.source.path) for scan in item.scans)),
        "points": max(spectrum.counts.size for spectrum in item.spectra),
        "temperature_k": item.spectra[0].temperature_k,
        "analyzers": [
            {
                "name": spectrum.analyzer,
                "q_hkl": spectrum.q_hkl,
                "q_abs": spectrum.q_abs,
                "alive": spectrum.analyzer in living,
                "points": spectrum.counts.size,
            }
            for spectrum in item.spectra
        ],
        "flags": [
            {
                "code": flag.code,
                "message": flag.message,
                "analyzer": flag.analyzer,
                "points": list(flag.points),
            }
            for flag in flags
        ],
    }


def _living(item: _Reduced) -> set[str | None]:
    """Analyzers that are alive in every scan of the set."""
    from ixs_reduce.quality import alive

    return {
        s.analyzer
        for s in item.spectra
        if all(alive(scan, s.analyzer or "") for scan in item.scans)
    }


def _show(output: Path, reduced: Sequence[_Reduced]) -> None:
    from ixs_core.terminal_tables import Column, print_table
    from ixs_reduce.cli.flag_words import flag_words

    every = set.intersection(*({f for s in item.spectra for f in s.flags} for item in reduced))
    common = {f for f in every if f.analyzer is None} if len(reduced) > 1 else set()
    rows = []
    for item in reduced:
        flags = [f for s in item.spectra for f in _shown_flags(s) if f not in common]
        living = f"{len(_living(item))}/{len(item.spectra)}"
        points = max(spectrum.counts.size for spectrum in item.spectra)
        rows.append([item.key, str(points), living, *_conditions(item), flag_words(flags)])
    columns = [Column(name) for name in ("spectra", "points", "alive", "T (K)", "|Q| (1/Å)")]
    total = sum(len(item.spectra) for item in reduced)
    after = [f"every scan: {flag.message}" for flag in sorted(common, key=lambda f: f.message)]
    what = "spectrum" if total == 1 else "spectra"
    after.append(f"{total} {what} in {len(reduced)} groups written to {output}")
    print_table([*columns, Column("remarks", text=True)], rows, after)


def _shown_flags(spectrum: Spectrum) -> list[Flag]:
    """Flags with points left out said once and of their analyzer."""
    gone = [flag for flag in spectrum.flags if flag.code == "points-left-out"]
    points = {point for flag in gone for point in flag.points}
    shown = [
        flag
        for flag in spectrum.flags
        if flag not in gone and not (flag.code == "burst" and points.issuperset(flag.points))
    ]
    return shown + [replace(flag, analyzer=spectrum.analyzer) for flag in gone]


def _conditions(item: _Reduced) -> tuple[str, str]:
    """Temperature and range of |Q| as text."""
    temperature = item.spectra[0].temperature_k
    lengths = [spectrum.q_abs for spectrum in item.spectra if spectrum.q_abs is not None]
    shown = ""
    if lengths:
        low, high = min(lengths), max(lengths)
        shown = f"{low:.3f}" if high - low < 5e-4 else f"{low:.3f} … {high:.3f}"
    return (f"{temperature:.1f}" if temperature is not None else "unknown"), shown
