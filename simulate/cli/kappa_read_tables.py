"""What `ixs kappa read` says of a source: in words and tables, and as JSON has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import plain
from ixs_core.terminal_tables import Column, print_table
from simulate.transport.heat_capacity import STILL_MEV
from simulate.transport.lifetimes import Linewidths
from simulate.transport.rta import kappa_rta, knows_star, mean_kappa_rta

_ALL = "all"
_AXES = ("xx", "yy", "zz")


def show(path: Path, found: Linewidths, kelvin: float) -> None:
    """Print what a source holds, and its notes."""
    points = int(found.weights.sum())
    mesh = "a list of q-points" if found.mesh is None else "mesh " + "×".join(map(str, found.mesh))
    volume = "" if found.volume_A3 is None else f", cell {found.volume_A3:.2f} Å³"
    temperatures = ", ".join(f"{t:g}" for t in found.temperature_k)
    print(f"{path}: {found.source}")
    print(
        f"  {mesh}, {len(found.weights)} q-points for {points}, {found.energy_mev.shape[1]} "
        f"branches up to {found.energy_mev.max():.4g} meV{volume}"
    )
    print(f"  temperatures (K): {temperatures}")
    columns = [
        Column(f"process, {kelvin:g} K", text=True),
        *map(Column, ("modes", "FWHM least (meV)", "FWHM median", "FWHM largest", "τ median (ps)")),
    ]
    print_table(columns, [_width_row(*item) for item in _widths(found, kelvin).items()])
    kappas, after = _kappa_rows(found)
    if kappas:
        names = [f"rebuilt {axis}" for axis in _AXES] + [f"file {axis}" for axis in _AXES]
        print()
        columns = [Column("κ_RTA (W/m K) at T (K)", text=True), *map(Column, names)]
        print_table([*columns, Column("mean ratio")], kappas)
    for line in (*after, *found.notes):
        print(f"  {line}")


def record_of(path: Path, found: Linewidths, kelvin: float) -> dict[str, Any]:
    """The same as JSON has it; κ at the temperature shown, and at all."""
    row = int(np.argmin(np.abs(found.temperature_k - kelvin)))
    rebuilt, mean = _rebuilt(found)
    ratio = _ratios(found, mean)
    record: dict[str, Any] = plain(
        {
            "path": path,
            "source": found.source,
            "mesh": found.mesh,
            "q_points": len(found.weights),
            "branches": found.energy_mev.shape[1],
            "temperatures_k": found.temperature_k.tolist(),
            "volume_A3": found.volume_A3,
            "temperature_k": float(found.temperature_k[row]),
            "processes": {
                name: {
                    "least_mev": float(v.min()),
                    "median_mev": float(np.median(v)),
                    "largest_mev": float(v.max()),
                    "modes": len(v),
                }
                for name, v in _widths(found, kelvin).items()
                if len(v)
            },
            "kappa_p": None if rebuilt is None else rebuilt[row].tolist(),
            "kappa_c": None,
            "kappa_p_all": None if rebuilt is None else rebuilt.tolist(),
            "kappa_p_mean": None if mean is None else mean.tolist(),
            "kappa_stated": _finite(found.kappa_stated),
            "mean_ratio": None if ratio is None else [r if np.isfinite(r) else None for r in ratio],
            "notes": list(found.notes),
        }
    )
    return record


def _widths(found: Linewidths, kelvin: float) -> Mapping[str, FloatArray]:
    """Known widths of vibrating modes, by process and all together."""
    row = int(np.argmin(np.abs(found.temperature_k - kelvin)))
    tables = {name: width[row] for name, width in found.processes.items()}
    if len(tables) > 1:
        tables[_ALL] = found.fwhm_mev[row]
    vibrates = found.energy_mev > STILL_MEV
    return {name: width[vibrates & (np.nan_to_num(width) > 0)] for name, width in tables.items()}


def _width_row(name: str, width: FloatArray) -> list[str]:
    if not len(width):
        return [name, "0", "–", "–", "–", "–"]
    from ixs_core.units import lifetime_ps

    median = float(np.median(width))
    numbers = (float(width.min()), median, float(width.max()))
    return [name, str(len(width)), *(f"{x:.4g}" for x in numbers), f"{lifetime_ps(median):.4g}"]


def _rebuilt(found: Linewidths) -> tuple[FloatArray | None, FloatArray | None]:
    """κ along the axes and its mean, as far as they can be rebuilt."""
    try:
        mean = mean_kappa_rta(found)
    except InputError:
        return None, None
    return (kappa_rta(found) if knows_star(found) else None), mean


def _ratios(found: Linewidths, mean: FloatArray | None) -> FloatArray | None:
    if mean is None or found.kappa_stated is None:
        return None
    return np.asarray(mean / (np.einsum("taa->t", found.kappa_stated) / 3))


def _kappa_rows(found: Linewidths) -> tuple[list[list[str]], list[str]]:
    """A row for each temperature; why κ or its axes are missing."""
    rebuilt, mean = _rebuilt(found)
    if mean is None:
        return [], ["κ is not rebuilt: volume or velocities are not known (--structure)"]
    ratio = _ratios(found, mean)
    unknown = np.full((len(mean), 3, 3), np.nan)
    stated = unknown if found.kappa_stated is None else found.kappa_stated
    along = unknown if rebuilt is None else rebuilt
    rows = [
        [
            f"{kelvin:g}",
            *(_number(x) for x in np.diagonal(along[k])),
            *(_number(x) for x in np.diagonal(stated[k])),
            "–" if ratio is None or np.isnan(ratio[k]) else f"{ratio[k]:.7f}",
        ]
        for k, kelvin in enumerate(found.temperature_k)
    ]
    if rebuilt is not None:
        return rows, []
    means = ", ".join(f"{x:.5g} at {t:g} K" for x, t in zip(mean, found.temperature_k, strict=True))
    return rows, [
        f"κ_RTA, mean over directions: {means} W/(m K); its axes need the crystal (--structure)"
    ]


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.5g}"


def _finite(kappa: FloatArray | None) -> list[Any] | None:
    """(nt, 3, 3) with null for temperatures that the files are silent of."""
    if kappa is None:
        return None
    return [one.tolist() if np.isfinite(one).all() else None for one in kappa]
