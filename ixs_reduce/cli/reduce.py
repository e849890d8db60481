"""`ixs reduce`: scans into spectra, in a project file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ixs_reduce.project_reduce import ReducedSet
    from ixs_reduce.scan import Flag
    from ixs_reduce.scan_choice import LeftOut
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
    from ixs_reduce.project_reduce import (
        left_out_lines,
        named_resolutions,
        reduce_chosen,
        reduction_provenance,
        write_reduced,
    )
    from ixs_reduce.scan_choice import choose_scans

    plan = load_plan(experiment, monitor=monitor, bin_mev=bin_mev)
    chosen = [choose_scans(path, plan, profile=profile, selection=scans) for path in files]
    check_names(plan, [scan for part in chosen for scan in part.scan_file.scans])
    outcome = reduce_chosen(chosen, plan, profile, merge=merge)
    resolutions, resolution_notes = named_resolutions(plan.resolution, output)
    reduced, left_out = outcome.sets, outcome.left_out
    notes = (*plan.notes, *outcome.notes, *resolution_notes)
    settings = {"scans": scans, "merge": merge, "experiment": experiment}
    extra = [*([experiment] if experiment else []), *(b.file for b in plan.backgrounds)]
    if resolutions and plan.resolution is not None:
        extra.append(plan.resolution)
    made_by = reduction_provenance("ixs reduce", chosen, plan, settings, sources=extra)
    write_reduced(output, reduced, made_by, resolutions)
    problems = [str(error) for part in chosen for error in part.scan_file.problems]
    if as_json:
        described = _as_json(output, reduced, left_out, problems, notes)
        print(json.dumps(described, allow_nan=False, indent=1))
    else:
        _show(output, reduced)
    for line in (*left_out_lines(left_out), *(f"not read: {p}" for p in problems), *notes):
        typer.echo(line, err=True)


def _as_json(
    output: Path,
    reduced: Sequence[ReducedSet],
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


def _spectra_json(item: ReducedSet) -> dict[str, Any]:
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


def _living(item: ReducedSet) -> set[str | None]:
    """Analyzers that are alive in every scan of the set."""
    from ixs_reduce.quality import alive

    return {
        s.analyzer
        for s in item.spectra
        if all(alive(scan, s.analyzer or "") for scan in item.scans)
    }


def _show(output: Path, reduced: Sequence[ReducedSet]) -> None:
    from ixs_core.terminal_tables import Column, print_table
    from ixs_reduce.flag_words import flag_words

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


def _conditions(item: ReducedSet) -> tuple[str, str]:
    """Temperature and range of |Q| as text."""
    temperature = item.spectra[0].temperature_k
    lengths = [spectrum.q_abs for spectrum in item.spectra if spectrum.q_abs is not None]
    shown = ""
    if lengths:
        low, high = min(lengths), max(lengths)
        shown = f"{low:.3f}" if high - low < 5e-4 else f"{low:.3f} … {high:.3f}"
    return (f"{temperature:.1f}" if temperature is not None else "unknown"), shown
