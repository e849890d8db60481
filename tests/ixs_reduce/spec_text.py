"""SPEC text for tests: small scans in the manner of HERIX, faults put in by hand."""

from __future__ import annotations

from collections.abc import Sequence

HEADER = """#F test.spec
#E 1447278756
#D Wed Nov 11 15:52:36 2015
#H2  T_Sample  T_Control
#H4  Analyzer4_H  Analyzer4_K  Analyzer4_L
#H5  Analyzer5_H  Analyzer5_K  Analyzer5_L
#O0 HerixTTH        th       chi       phi
"""

LABELS = ("HerixE", "T_sample_LS340", "Seconds", "HM_IC2", "Ana4", "Ana5")


def row(energy: float, counts: Sequence[float] = (3, 4), monitor: float = 1000) -> str:
    """One data line: energy, 300 K, 10 s, monitor, counts."""
    return " ".join(str(v) for v in (energy, 300.0, 10, monitor, *counts))


def scan(
    rows: Sequence[str],
    number: int = 1,
    command: str = "ascan  herixE -1 1  2 10",
    labels: Sequence[str] = LABELS,
    positions: str = "20 10 0 5",
    values: str = "300.5 300",
    after: Sequence[str] = (),
) -> str:
    """One scan block, ending with a newline."""
    lines = [
        f"#S {number}  {command}",
        "#D Wed Nov 11 15:52:50 2015",
        "#G1 10.17 10.17 10.17 90 90 90 0.6 0.6 0.6 90 90 90",
        f"#P0 {positions}",
        f"#V2  {values}",
        "#V4  1 0 0",
        "#V5  2 1 0",
        f"#N {len(labels)}",
        "#L " + "  ".join(labels),
        *rows,
        *after,
    ]
    return "\n".join(lines) + "\n\n"


def energies(*values: float) -> list[str]:
    """Data lines at these energies."""
    return [row(value) for value in values]


GOOD = HEADER + scan(energies(-1, 0, 1))
