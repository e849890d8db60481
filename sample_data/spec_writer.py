"""SPEC text of SIMULATED scans, in the layout that the profile `bl43lxu` expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

GAP = "  "
"""SPEC separates names by two blanks, since they may hold single ones."""


@dataclass(frozen=True)
class SpecBlock:
    """One scan as it is written.

    Parameters
    ----------
    number, command : int, str
    epoch : float
        Start, in seconds since 1970.
    seconds : float
        Counting time per point.
    hkl : three floats
        Of the arm.
    geometry : sequence of float
        `#G1`: lattice, reciprocal lattice, reference reflections and their angles.
    motors : sequence of mappings
        Name -> position, one mapping for each `#P` line.
    fields : sequence of mappings
        Name -> value, one mapping for each `#V` line.
    labels : sequence of str
    rows : sequence of sequences of str
        Formatted numbers, one row for each point.
    comments : sequence of str
        At the head of the scan.
    closing : sequence of str
        Comments behind the last point.
    """

    number: int
    command: str
    epoch: float
    seconds: float
    hkl: Sequence[float]
    geometry: Sequence[float]
    motors: Sequence[Mapping[str, float]]
    fields: Sequence[Mapping[str, float]]
    labels: Sequence[str]
    rows: Sequence[Sequence[str]]
    comments: Sequence[str] = ()
    closing: Sequence[str] = ()


def spec_text(name: str, comments: Sequence[str], blocks: Sequence[SpecBlock]) -> str:
    """A whole file; names of motors and fields are those of the first scan.

    Parameters
    ----------
    name : str
        File name for `#F`.
    comments : sequence of str
        Lines for the header.
    blocks : sequence of SpecBlock
    """
    first = blocks[0]
    lines = [f"#F {name}", f"#E {first.epoch:.0f}", f"#D {_date(first.epoch)}"]
    lines += [f"#C {comment}" for comment in comments]
    lines += [f"#O{i} {GAP.join(names)}" for i, names in enumerate(first.motors)]
    lines += [f"#H{i} {GAP.join(names)}" for i, names in enumerate(first.fields)]
    return "\n".join(lines) + "\n\n" + "\n".join(_scan_text(block) for block in blocks)


def _scan_text(block: SpecBlock) -> str:
    lines = [f"#S {block.number}  {block.command}", f"#D {_date(block.epoch)}"]
    lines += [f"#C {comment}" for comment in block.comments]
    lines += [f"#T {block.seconds:g}  (Seconds)", "#G1 " + _numbers(block.geometry)]
    lines.append("#Q " + _numbers(block.hkl))
    lines += [f"#P{i} {_numbers(values.values())}" for i, values in enumerate(block.motors)]
    lines += [f"#V{i} {_numbers(values.values())}" for i, values in enumerate(block.fields)]
    lines += [f"#N {len(block.labels)}", "#L " + GAP.join(block.labels)]
    lines += [" ".join(row) for row in block.rows]
    lines += [f"#C {comment}" for comment in block.closing]
    return "\n".join(lines) + "\n"


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.5f}".rstrip("0").rstrip(".") for value in values)


def _date(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%a %b %d %H:%M:%S %Y")
