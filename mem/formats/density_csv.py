"""Tables of densities for spreadsheets: CSV with the units in the headings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from mem.density import Density
from mem.profile import Profile
from mem.section import Section

MOST_ROWS = 1_000_000
"""Spreadsheets show no more rows than this."""


def write_profile(
    path: str | Path, profile: Profile, columns: Mapping[str, ArrayLike] | None = None
) -> None:
    """Write a profile: distance in Å, fractional x, y, z, density and sigma.

    Density and sigma are in e/Å³, or relative to the peak for a normalised profile. A sigma that
    is unknown is left empty.

    Parameters
    ----------
    path : str or Path
    profile : Profile
    columns : mapping
        Further columns: heading with its unit -> (n,) values.

    Raises
    ------
    InputError
        A column has another length than the profile, or the file cannot be written.
    """
    unit = "e_per_A3" if profile.peak is None else "over_peak"
    table: dict[str, FloatArray] = {"distance_A": profile.distance}
    table |= {name: profile.points[:, i] for i, name in enumerate("xyz")}
    table |= {f"density_{unit}": profile.density, f"sigma_{unit}": profile.sigma}
    for heading, values in (columns or {}).items():
        table[heading] = np.asarray(values, dtype=float)
        if table[heading].shape != profile.distance.shape:
            raise InputError(
                "a column is not as long as the profile",
                key=heading,
                found=f"shape {table[heading].shape}",
                expected=f"({len(profile)},)",
            )
    _write(path, table, zip(*table.values(), strict=True))


def write_section(path: str | Path, section: Section) -> None:
    """Write a section: one row per point, u and v in Å, density in e/Å³, v fastest.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    u, v = np.meshgrid(section.u, section.v, indexing="ij")
    rows = zip(u.ravel(), v.ravel(), section.values.ravel(), strict=True)
    _write(path, ("u_A", "v_A", "density_e_per_A3"), rows)


def write_density_table(density: Density, path: str | Path) -> None:
    """Write a whole density: fractional x, y, z and e/Å³, z fastest.

    Raises
    ------
    InputError
        The grid has more points than a spreadsheet takes, or the file cannot be written.
    """
    if density.values.size > MOST_ROWS:
        raise InputError(
            "the density has more points than a table should",
            file=path,
            found=" × ".join(map(str, density.shape)),
            expected=f"{MOST_ROWS} at most",
            hint="write a section or a profile as CSV, or the density as .ccp4",
        )
    axes = (np.arange(n) / n for n in density.shape)
    points = np.meshgrid(*axes, indexing="ij")
    rows = zip(*(array.ravel() for array in (*points, density.values)), strict=True)
    _write(path, ("x", "y", "z", "density_e_per_A3"), rows)


def _write(
    path: str | Path, headings: Iterable[str], rows: Iterable[tuple[np.floating, ...]]
) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings)
        writer.writerows([f"{x:.9g}" if np.isfinite(x) else "" for x in row] for row in rows)
