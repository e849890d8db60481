"""The table of modes of a conductivity as CSV: one row per mode of each irreducible q-point."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ixs_core.atomic import atomic_write
from simulate.transport.mode_table import ModeTable
from simulate.transport.wigner_kernel import COMPONENTS


def write_mode_csv(path: str | Path, modes: ModeTable) -> int:
    """Write the table and return the number of rows.

    Energies and widths in meV, lifetimes in ps, velocities in km/s, κ in W m⁻¹ K⁻¹ of all points
    of the mesh that a row stands for: columns of κ sum to the conductivity. A mode that was left
    out has no lifetime (an empty cell).
    """
    heading = [
        *("h", "k", "l", "weight", "branch", "energy_mev", "fwhm_mev", "lifetime_ps"),
        *("vx_km_s", "vy_km_s", "vz_km_s", "speed_km_s"),
        *(f"kappa_p_{component}" for component in COMPONENTS),
        *(f"kappa_c_{component}" for component in COMPONENTS),
        *(f"share_{element}" for element in modes.elements),
    ]
    speed = np.linalg.norm(modes.velocity_km_s, axis=2)
    lifetime = modes.lifetime_ps
    count = modes.energy_mev.shape[1]
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(heading)
        for row, (hkl, weight) in enumerate(zip(modes.q_hkl, modes.weights, strict=True)):
            for mode in range(count):
                values = [
                    modes.energy_mev[row, mode],
                    modes.fwhm_mev[row, mode],
                    lifetime[row, mode],
                    *modes.velocity_km_s[row, mode],
                    speed[row, mode],
                    *modes.kappa_p[row, mode],
                    *modes.kappa_c[row, mode],
                    *modes.element_share[row, mode],
                ]
                where = [*(f"{x:.6g}" for x in hkl), weight, mode + 1]
                writer.writerow([*where, *(_cell(value) for value in values)])
    return len(modes.q_hkl) * count


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value + 0.0:.7g}"
