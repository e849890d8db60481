"""Scan selections as typed: "58-69,71,1.2"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError
from ixs_reduce.scan import Scan

if TYPE_CHECKING:
    from ixs_reduce.formats import ScanFile

_ITEM = re.compile(r"(?P<first>\d+)(?:\.(?P<occurrence>\d+)|\s*-\s*(?P<last>\d+))?$")


def select_scans(scan_file: ScanFile, selection: str | None) -> tuple[Scan, ...]:
    """The scans that a selection names, in the order of the file.

    Parameters
    ----------
    scan_file : ScanFile
    selection : str or None
        Numbers and ranges parted by commas. "7" is the first scan numbered 7, "7.2" the second;
        a range holds every scan with a number in it. None selects all.

    Raises
    ------
    InputError
        When the selection cannot be read, names a scan that the file does not hold or that
        could not be read, or selects nothing.
    """
    scans = scan_file.scans
    if selection is None:
        chosen = set(range(len(scans)))
    else:
        chosen = set()
        for item in selection.split(","):
            if item.strip():
                chosen |= _positions(scan_file, item.strip())
    if not chosen:
        raise InputError(
            "no scan is selected",
            file=scan_file.path,
            key=selection,
            found=f"a file with {describe_numbers(s.number for s in scans) or 'no scans'}",
        )
    return tuple(scan for i, scan in enumerate(scans) if i in chosen)


def select_labels(selection: str, labels: Iterable[str], file: Path) -> set[str]:
    """The labels ("61", "1.2") that a selection names, as for `select_scans`.

    Raises
    ------
    InputError
        When the selection cannot be read or names none of the labels.
    """
    known = list(labels)
    chosen: set[str] = set()
    for item in (part.strip() for part in selection.split(",")):
        if not item:
            continue
        match = _matched(item)
        if match["last"] is None:
            found = {label for label in known if label == item.removesuffix(".1")}
        else:
            numbers = range(int(match["first"]), int(match["last"]) + 1)
            found = {label for label in known if int(label.split(".")[0]) in numbers}
        if not found:
            raise InputError(
                f"scan {item} is not there", file=file, found=", ".join(known) or "no scans"
            )
        chosen |= found
    return chosen


def describe_numbers(numbers: Iterable[int]) -> str:
    """Numbers as short ranges: 57-70, 72."""
    parts: list[str] = []
    run: list[int] = []
    for number in [*sorted(set(numbers)), None]:
        if run and number is not None and number == run[-1] + 1:
            run.append(number)
            continue
        if run:
            parts.append(str(run[0]) if len(run) == 1 else _run_text(run))
        run = [] if number is None else [number]
    return ", ".join(parts)


def _run_text(run: Sequence[int]) -> str:
    return f"{run[0]}-{run[-1]}" if len(run) > 2 else f"{run[0]}, {run[1]}"


def _positions(scan_file: ScanFile, item: str) -> set[int]:
    match = _matched(item)
    scans = scan_file.scans
    first = int(match["first"])
    if match["last"] is None:
        occurrence = int(match["occurrence"] or 1)
        found = {i for i, s in enumerate(scans) if s.number == first and s.occurrence == occurrence}
        if not found:
            raise _absent(scan_file, item)
        return found
    last = int(match["last"])
    if last < first:
        raise InputError("the range runs backwards", key=item, expected=f"{last}-{first}")
    absent = set(range(first, last + 1)) - {scan.number for scan in scans}
    if absent:
        raise _absent(scan_file, describe_numbers(absent))
    return {i for i, scan in enumerate(scans) if first <= scan.number <= last}


def _matched(item: str) -> re.Match[str]:
    match = _ITEM.match(item)
    if match is None:
        raise InputError(
            "this selection of scans cannot be read",
            key=item,
            expected='numbers and ranges like "58-69,71,1.2"',
        )
    return match


def _absent(scan_file: ScanFile, what: str) -> InputError:
    unreadable = "; ".join(_reason(error) for error in scan_file.problems[:3])
    return InputError(
        f"scan {what} is not among those read",
        file=scan_file.path,
        found=describe_numbers(scan.number for scan in scan_file.scans) or "no scans",
        hint=f"could not be read: {unreadable}" if unreadable else None,
    )


def _reason(error: InputError) -> str:
    """What is wrong and where, without the file."""
    where = "" if error.line is None else f"line {error.line}, "
    key = "" if error.key is None else f"'{error.key}': "
    found = "" if error.found is None else f", found {error.found}"
    expected = "" if error.expected is None else f", expected {error.expected}"
    return f"{where}{key}{error.message}{found}{expected}"
