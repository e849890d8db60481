"""`ixs info`: what files are and what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_reduce.formats import ScanFile
    from ixs_reduce.scan import Flag, Scan


def info(
    files: Annotated[
        list[Path], typer.Argument(help="Data files of any kind.", show_default=False)
    ],
    profile: Annotated[
        str | None,
        typer.Option(help="Profile that explains the labels: its name, or a TOML file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Say what files are and what they hold: scans, ranges, analyzers alive, what to watch for.

    Example: ixs info CdOsO.spec
    """
    from ixs_reduce.cli.info_own import describe_own
    from ixs_reduce.formats import read_scans
    from ixs_reduce.quality import judge

    described = []
    failures: list[InputError] = []
    for path in files:
        try:
            own = describe_own(path) if profile is None else None
            if own is not None:
                record, scans = own
                if as_json:
                    described.append({**record, "scans": [describe_scan(s) for s in scans]})
                else:
                    _print_own(record, scans)
                continue
            scan_file = read_scans(path, profile)
        except InputError as error:
            failures.append(error)
            continue
        scans = judge(scan_file.scans)
        if as_json:
            described.append(describe_file(scan_file, scans))
        else:
            _print_file(scan_file, scans)
    if as_json:
        print(json.dumps({"files": described}, indent=1, allow_nan=False))
    for failure in failures[:-1]:
        typer.echo(f"ixs: {failure}", err=True)
    if failures:
        raise failures[-1]


def describe_file(scan_file: ScanFile, scans: Sequence[Scan]) -> dict[str, Any]:
    """The JSON object of one file; `scans` are its scans, judged."""
    return {
        "path": str(scan_file.path),
        "kind": scan_file.kind,
        "profile": scan_file.profile,
        "sha256": scan_file.sha256,
        "scans": [describe_scan(scan) for scan in scans],
        "problems": [str(error) for error in scan_file.problems],
        "summary": list(summary(scans)),
    }


def describe_scan(scan: Scan) -> dict[str, Any]:
    """The JSON object of one scan."""
    from ixs_reduce.quality import alive

    return {
        "number": scan.number,
        "label": scan.label,
        "kind": scan.kind,
        "command": scan.command,
        "scanned": scan.scanned,
        "points": scan.points,
        "requested_points": scan.requested_points,
        "complete": scan.complete,
        "energy_range_mev": _energy_range(scan),
        "temperature_k": scan.temperature_k,
        "main_analyzer": scan.main_analyzer,
        "analyzers": [
            {
                "name": analyzer.name,
                "q_hkl": analyzer.q_hkl,
                "q_abs": analyzer.q_abs,
                "alive": alive(scan, analyzer.name),
            }
            for analyzer in scan.analyzers
        ],
        "flags": [_flag_text(flag) for flag in scan.flags],
        "flag_details": [
            {
                "code": flag.code,
                "message": flag.message,
                "analyzer": flag.analyzer,
                "points": [int(point) for point in flag.points],
            }
            for flag in scan.flags
        ],
    }


def summary(scans: Sequence[Scan]) -> tuple[str, ...]:
    """Lines that group the energy scans by command, complete ones and the rest."""
    from ixs_reduce.formats.selection import describe_numbers

    groups: dict[str, list[Scan]] = {}
    for scan in scans:
        if scan.kind == "energy" and scan.points:
            groups.setdefault(scan.command, []).append(scan)
    lines = []
    for group in groups.values():
        complete = [scan for scan in group if scan.complete]
        if len(group) < 2 or not complete:
            continue
        low, high = _energy_range(complete[0]) or (0.0, 0.0)
        parts = [
            f"{describe_numbers(s.number for s in complete)} complete ({complete[0].points} points)"
        ]
        parts += _unfinished(group)
        lines.append(f"energy scans {low:.0f}..{high:.0f} meV: " + "; ".join(parts))
    energy = sum(scan.kind == "energy" for scan in scans)
    lines.append(f"{len(scans)} scans: {energy} of energy, {len(scans) - energy} of motors")
    return tuple(lines)


def _unfinished(group: Sequence[Scan]) -> list[str]:
    from ixs_reduce.formats.selection import describe_numbers

    aborted = [s.number for s in group if any(f.code == "aborted" for f in s.flags)]
    rest = [s.number for s in group if not s.complete and s.number not in aborted]
    parts = [f"{describe_numbers(aborted)} aborted"] if aborted else []
    return parts + ([f"{describe_numbers(rest)} incomplete"] if rest else [])


def _energy_range(scan: Scan) -> tuple[float, float] | None:
    if scan.kind != "energy" or not scan.points:
        return None
    return round(float(scan.energy_mev.min()), 4), round(float(scan.energy_mev.max()), 4)


def _flag_text(flag: Flag) -> str:
    where = f" {flag.analyzer}" if flag.analyzer else ""
    return f"{flag.code}{where}: {flag.message}"


def _print_file(scan_file: ScanFile, scans: Sequence[Scan]) -> None:
    """The table of one file on stdout."""
    typer.echo(f"{scan_file.path}  ({scan_file.kind}, profile {scan_file.profile})")
    not_read = [f"not read: {error}" for error in scan_file.problems]
    _print_scans(scans, [*summary(scans), *not_read])


def _print_scans(scans: Sequence[Scan], after: Sequence[str]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    with_main = any(scan.main_analyzer for scan in scans)
    columns = [
        Column("scan"),
        Column("of", text=True),
        *(Column(name) for name in ("points", "energy (meV)", "T (K)", "alive")),
        *([Column("made for")] if with_main else []),
        Column("remarks", text=True),
    ]
    common = _common_remarks(scans)
    said_once = [f"every scan: {text}" for text in common]
    rows = [_row(scan, with_main, common) for scan in scans]
    print_table(columns, rows, [*said_once, *after])


def _print_own(record: Mapping[str, Any], scans: Sequence[Scan]) -> None:
    """What a project or an instrument file holds, on stdout."""
    typer.echo(f"{record['path']}  ({record['kind']})")
    if scans:
        _print_scans(scans, record["summary"])
    else:
        typer.echo("\n".join(record["summary"]))


def _common_remarks(scans: Sequence[Scan]) -> Mapping[str, None]:
    """Messages that stand with every scan, said once below the table."""
    if len(scans) < 2:
        return {}
    shared = set.intersection(*({f.message for f in s.flags if not f.analyzer} for s in scans))
    return dict.fromkeys(sorted(shared))


def _row(scan: Scan, with_main: bool, common: Mapping[str, None]) -> list[str]:
    from ixs_reduce.flag_words import flag_words
    from ixs_reduce.quality import alive

    bounds = _energy_range(scan)
    requested = scan.requested_points
    points = str(scan.points) if scan.complete else f"{scan.points}/{requested}"
    living = sum(alive(scan, analyzer.name) for analyzer in scan.analyzers)
    energy = scan.kind == "energy"
    remarks = flag_words(flag for flag in scan.flags if flag.message not in common)
    row = [
        scan.label,
        "energy" if energy else scan.scanned,
        points,
        f"{bounds[0]:.1f} … {bounds[1]:.1f}" if bounds else "",
        f"{scan.temperature_k:.1f}" if scan.temperature_k is not None else "",
        f"{living}/{len(scan.analyzers)}" if energy else "",
    ]
    return [*row, *([scan.main_analyzer or ""] if with_main else []), remarks]
