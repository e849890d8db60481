"""Every mode's energy, widths, lifetime and velocity as a table that `read_linewidths` reads."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ixs_core.atomic import atomic_write
from simulate.transport.lifetimes import Linewidths

_VELOCITY = ("vx_km_s", "vy_km_s", "vz_km_s")


def write_lifetime_table(
    path: Path, linewidths: Linewidths, temperature_k: float | None = None
) -> int:
    """Write one row for each mode and temperature as CSV; the number of rows.

    Columns: temperature, q in the primitive reciprocal lattice, weight, branch (from 1, by rising
    energy), energy, FWHM of each process and of all, lifetime, velocity where known. An empty
    cell: not known.

    Parameters
    ----------
    path : Path
    linewidths : Linewidths
    temperature_k : float, optional
        Only this one of theirs; by default all.
    """
    names = [f"fwhm_mev_{name}" for name in linewidths.processes if name != "total"]
    header = ["temperature_k", "q1", "q2", "q3", "weight", "branch", "energy_mev", *names]
    header += ["fwhm_mev", "tau_ps"]
    if linewidths.velocity_km_s is not None:
        header += [*_VELOCITY, "speed_km_s"]
    written = 0
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        for row in _rows(linewidths, temperature_k):
            writer.writerow([_cell(value) for value in row])
            written += 1
    return written


def _rows(linewidths: Linewidths, temperature_k: float | None) -> Iterator[list[float]]:
    parts = [w for name, w in linewidths.processes.items() if name != "total"]
    total, lifetime = linewidths.fwhm_mev, linewidths.lifetime_ps
    velocity = linewidths.velocity_km_s
    for place, kelvin in enumerate(linewidths.temperature_k):
        if temperature_k is not None and abs(kelvin - temperature_k) > 0.5:
            continue
        for q, branch in np.ndindex(*linewidths.energy_mev.shape):
            mode = (place, q, branch)
            row = [kelvin, *linewidths.q_primitive[q], linewidths.weights[q], branch + 1]
            row += [linewidths.energy_mev[q, branch], *(part[mode] for part in parts)]
            row += [total[mode], lifetime[mode]]
            if velocity is not None:
                row += [*velocity[q, branch], float(np.linalg.norm(velocity[q, branch]))]
            yield row


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.8g}"
