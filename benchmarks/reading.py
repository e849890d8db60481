"""Reading a SPEC file of 74 scans against silx and spec2nexus, to the numbers of every scan."""

from __future__ import annotations

import logging

from silx.io.specfile import SpecFile
from spec2nexus.spec import SpecDataFile

from benchmarks.timing import Measurement, best_seconds
from ixs_reduce.formats.spec import parse_spec
from sample_data.demo import cd2os2o7_scans


def run() -> list[Measurement]:
    """All measurements of this file."""
    path = cd2os2o7_scans()

    def ours() -> int:
        scans, _ = parse_spec(path.read_text(encoding="utf-8", errors="replace"), path)
        return sum(scan.columns.size for scan in scans)

    def with_silx() -> int:
        return sum(scan.data.size for scan in SpecFile(str(path)))

    # It warns of every scan's time zone through logging, which is not what is measured.
    logging.getLogger("spec2nexus").setLevel(logging.CRITICAL)

    def with_spec2nexus() -> int:
        data = SpecDataFile(str(path))
        for scan in data.scans.values():
            scan.interpret()
        return len(data.scans)

    seconds = best_seconds(ours)
    name = "read 74 SPEC scans (1.25 MB)"
    return [
        Measurement(name, seconds, "silx 3", best_seconds(with_silx), "as fast"),
        Measurement(
            name, seconds, "spec2nexus 2021.2.8", best_seconds(with_spec2nexus, 2), "faster"
        ),
    ]
