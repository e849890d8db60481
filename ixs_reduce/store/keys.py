"""Names of scans and merged sets in the project: "CdOsO_61", "CdOsO_1.2", "CdOsO_58+59"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ixs_reduce.scan import Scan


def scan_key(scan: Scan) -> str:
    """Stem of the scan's file and label of the scan."""
    return f"{scan.source.path.stem}_{scan.label}"


def merged_key(scans: Sequence[Scan]) -> str:
    """Key of scans merged into one: the labels of each file's scans joined by "+"."""
    parts = [
        f"{stem}_{'+'.join(scan.label for scan in group)}"
        for stem, group in groupby(scans, key=lambda scan: scan.source.path.stem)
    ]
    return "+".join(parts)
