"""Run all benchmarks, print the ratios, write benchmarks/results.json."""

from __future__ import annotations

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
    """Measure every group and print a line for each measurement."""
    results = {}
    for group, run in GROUPS.items():
        measured = run()
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
