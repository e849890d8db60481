"""Measured linewidths as a table of lines: from the fits of a project or the CSV of `ixs fit`."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray
from ixs_core.errors import InputError
from ixs_core.project import Project
from ixs_reduce.export import mode_rows
from ixs_reduce.store import fit_keys, read_fits

SAME_TEMPERATURE_K = 15.0
"""Lines measured further than this from the wanted temperature are left out."""

_NEEDED = ("energy_mev", "fwhm_mev")


@dataclass(frozen=True)
class MeasuredWidths:
    """Lines of fitted modes.

    Parameters
    ----------
    q_hkl : (n, 3) array
        r.l.u.; NaN where it is not known.
    energy_mev, fwhm_mev, fwhm_err : (n,) arrays
        meV. Of a limit, `fwhm_mev` is the upper limit and `fwhm_err` is 0.
    is_limit : (n,) bool array
        Whether only an upper limit (95 %) of the width is known.
    temperature_k : (n,) array
        NaN where it is not known.
    energy_err : (n,) array
        meV; NaN where it is not known.
    source : str
    notes : tuple of str
        Lines that were left out, with counts and reasons.
    """

    q_hkl: FloatArray
    energy_mev: FloatArray
    fwhm_mev: FloatArray
    fwhm_err: FloatArray
    is_limit: BoolArray
    temperature_k: FloatArray
    energy_err: FloatArray
    source: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.energy_mev)

    def near(self, temperature_k: float) -> MeasuredWidths:
        """The lines measured within 15 K of a temperature, or at an unknown one.

        Raises
        ------
        InputError
            There is none.
        """
        unknown = np.isnan(self.temperature_k)
        used = unknown | (np.abs(self.temperature_k - temperature_k) <= SAME_TEMPERATURE_K)
        if not used.any():
            raise InputError(
                "no line was measured at this temperature",
                file=self.source or None,
                key="temperature_k",
                found=f"lines at {_range_text(self.temperature_k)}",
                expected=f"within {SAME_TEMPERATURE_K:g} K of {temperature_k:g} K",
            )
        notes = list(self.notes)
        if not used.all():
            notes.append(f"lines left out: {int((~used).sum())}, measured at other temperatures")
        if (unknown & used).any():
            notes.append(f"lines that do not say at which temperature: {int(unknown.sum())}")
        return MeasuredWidths(
            self.q_hkl[used],
            self.energy_mev[used],
            self.fwhm_mev[used],
            self.fwhm_err[used],
            self.is_limit[used],
            self.temperature_k[used],
            self.energy_err[used],
            self.source,
            tuple(notes),
        )


def read_width_csv(path: str | Path) -> MeasuredWidths:
    """Lines of a CSV file as `ixs fit --csv` writes it; only energy_mev and fwhm_mev must be there.

    Raises
    ------
    InputError
        The file cannot be read, lacks a column, holds something else than numbers, or no line
        with a width.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", file=path) from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(
            "a column is missing",
            file=path,
            key=missing[0],
            found=", ".join(reader.fieldnames or ()) or "an empty file",
            expected="the columns of `ixs fit --csv`",
        )
    rows = [_numbers(row, path, reader_line) for reader_line, row in enumerate(reader, start=2)]
    return widths_of_rows(rows, path.name)


def read_project_widths(path: str | Path, keys: Collection[str] | None = None) -> MeasuredWidths:
    """Lines of the current fits of a project.

    Parameters
    ----------
    path : path
    keys : collection of str, optional
        Of the scans that count, such as those of one crystal; all by default.

    Raises
    ------
    InputError
        The file is no project, or holds no fits with a width.
    """
    project = Project(path)
    with project.reading() as h5:
        wanted = [key for key in fit_keys(h5) if keys is None or key in keys]
        rows = [row for key in wanted for row in mode_rows(read_fits(h5, key))]
    if not wanted:
        which = "" if keys is None else " of the scans that count"
        raise InputError(
            f"the project holds no fits{which}", file=path, hint="`ixs fit project.h5` makes them"
        )
    return widths_of_rows(rows, Path(path).name)


def widths_of_rows(rows: Iterable[Mapping[str, Any]], source: str = "") -> MeasuredWidths:
    """Lines of rows with the keys of `ixs_reduce.export.COLUMNS`.

    Left out, and counted, are fits that did not converge, modes at no positive energy, and widths
    with neither error nor upper limit.

    Raises
    ------
    InputError
        Nothing is left.
    """
    kept: list[tuple[float, ...]] = []
    left: dict[str, int] = {}
    for row in rows:
        reason = _why_not(row)
        if reason:
            left[reason] = left.get(reason, 0) + 1
            continue
        upper = _number(row.get("fwhm_upper"))
        limited = not math.isnan(upper)
        width = upper if limited else _number(row["fwhm_mev"])
        error = 0.0 if limited else _number(row.get("fwhm_err"))
        hkl = [_number(row.get(name)) for name in "hkl"]
        kelvin = _number(row.get("temperature_k"))
        energy, energy_err = _number(row["energy_mev"]), _number(row.get("energy_err"))
        kept.append((*hkl, energy, width, error, float(limited), kelvin, energy_err))
    notes = tuple(f"lines left out: {count}, {reason}" for reason, count in left.items())
    if not kept:
        raise InputError(
            "there is no line with a width", file=source or None, found="; ".join(notes) or None
        )
    table = np.array(kept)
    return MeasuredWidths(
        q_hkl=table[:, :3],
        energy_mev=table[:, 3],
        fwhm_mev=table[:, 4],
        fwhm_err=table[:, 5],
        is_limit=table[:, 6] > 0,
        temperature_k=table[:, 7],
        energy_err=table[:, 8],
        source=source,
        notes=notes,
    )


def _why_not(row: Mapping[str, Any]) -> str:
    if "not-converged" in str(row.get("flags") or ""):
        return "the fit did not converge"
    if not _number(row["energy_mev"]) > 0:
        return "no positive energy"
    if _number(row.get("fwhm_upper")) > 0:
        return ""
    if not _number(row["fwhm_mev"]) > 0:
        return "no width and no upper limit"
    if not _number(row.get("fwhm_err")) >= 0:
        return "a width without error or upper limit"
    return ""


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _numbers(row: Mapping[str, str], path: Path, line: int) -> dict[str, Any]:
    """A row of the CSV with numbers for the columns that are read; empty cells are None."""
    values: dict[str, Any] = {"flags": row.get("flags")}
    for name in ("h", "k", "l", *_NEEDED, "fwhm_err", "fwhm_upper", "temperature_k"):
        text = (row.get(name) or "").strip()
        try:
            values[name] = float(text) if text else None
        except ValueError as error:
            raise InputError(
                "not a number", file=path, line=line, key=name, found=repr(text)
            ) from error
    return values


def _range_text(temperature_k: FloatArray) -> str:
    low, high = np.nanmin(temperature_k), np.nanmax(temperature_k)
    return f"{low:g} K" if low == high else f"{low:g} to {high:g} K"
