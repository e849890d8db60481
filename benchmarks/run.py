"""Run all benchmarks, or the groups named, print the ratios, write benchmarks/results.json.

`python -m benchmarks.run "viewer scans" frames` measures two groups; the others stay as recorded.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    density,
    density_modes,
    fitting,
    frames,
    md_correlations,
    phonons,
    potentials,
    reading,
    trajectories,
    transport,
    viewer,
    viewer_maps,
    viewer_scans,
)
from ixs_core.atomic import atomic_write_text
from ixs_core.provenance import versions_of

RESULTS = Path(__file__).resolve().parent / "results.json"
GROUPS = {
    "fitting": fitting.run,
    "reading": reading.run,
    "phonons": phonons.run,
    "density": density.run,
    "trajectories": trajectories.run,
    "density modes": density_modes.run,
    "correlations": md_correlations.run,
    "potentials": potentials.run,
    "transport": transport.run,
    "frames": frames.run,
    "viewer": viewer.run,
    "viewer scans": viewer_scans.run,
    "viewer maps": viewer_maps.run,
}


def main() -> None:
    """Measure the groups and print a line for each measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run")
    parser.add_argument("groups", nargs="*", help=f"some of {', '.join(GROUPS)}; default: all")
    wanted = parser.parse_args().groups or list(GROUPS)
    if unknown := set(wanted) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}; known: {', '.join(GROUPS)}")
    results = json.loads(RESULTS.read_text())["results"] if RESULTS.is_file() else {}
    for group in wanted:
        measured = GROUPS[group]()
        results[group] = [m.record() for m in measured]
        if not measured:
            print(f"{group}: not measured, the development data are missing (IXS_SHARED)")
        for m in measured:
            print(m)
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, one core, CPU seconds (MEM: two cores, wall seconds)",
        "versions": versions_of(
            ("numpy", "scipy", "lmfit", "silx", "spec2nexus", "phonopy", "euphonic")
        ),
        "results": results,
    }
    atomic_write_text(RESULTS, json.dumps(record, indent=1) + "\n")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
