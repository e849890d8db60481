"""The table of fitted modes: one row per mode, for CSV, JSON and the project file."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ixs_core.atomic import atomic_write_text
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_fit import ModeFit, Value

COLUMNS = (
    "scan",
    "analyzer",
    "h",
    "k",
    "l",
    "q_abs",
    "temperature_k",
    "mode",
    "branch",
    "energy_mev",
    "energy_err",
    "fwhm_mev",
    "fwhm_err",
    "fwhm_upper",
    "amplitude",
    "amplitude_err",
    "overdamped",
    "zero_mev",
    "zero_err",
    "deviance",
    "dof",
    "flags",
    "file",
)
"""Columns of the table, in the order of the CSV file."""


def mode_rows(fits: Sequence[SpectrumFit]) -> list[dict[str, Any]]:
    """One row (keys as `COLUMNS`) for each mode of each fit.

    Energies and widths are in meV, q_abs in Å⁻¹, amplitudes per unit exposure, `mode` counts
    from 1. A number that is not known is None: the error of a value at a bound (a width there has
    `fwhm_upper`, its 95 % upper limit), Q or temperature that the file does not give.
    """
    return [
        _row(fit, number, mode) for fit in fits for number, mode in enumerate(fit.modes, start=1)
    ]


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the table as CSV, whole or not at all; a missing number is an empty cell.

    Numbers are written with all their digits.

    Raises
    ------
    InputError
        When the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row[name]) for name in COLUMNS})
    atomic_write_text(path, text.getvalue())


def json_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table as a JSON list of objects."""
    return json.dumps([dict(row) for row in rows], ensure_ascii=False, allow_nan=False, indent=1)


def flag_codes(fit: SpectrumFit) -> tuple[str, ...]:
    """Codes of what should be known of a fit before it is trusted, each once.

    Flags of its scan and analyzer; "not-converged"; "at-bound" when a parameter ended on a
    bound; "warning" and "remark" where the fit says something in words, or the remark's own code
    where it begins with one ("possible-split: mode 1 may be two modes at 3.6 and 4.1 meV").
    """
    spectrum = fit.spectrum
    codes = [f.code for f in spectrum.flags if f.analyzer in (None, spectrum.analyzer)]
    noticed = {
        "not-converged": not fit.converged,
        "at-bound": bool(fit.held),
        "warning": bool(fit.warnings),
    }
    codes += [code for code, holds in noticed.items() if holds]
    for remark in fit.remarks:
        own_code = re.match(r"([a-z]+(?:-[a-z]+)*): ", remark)
        codes.append(own_code[1] if own_code else "remark")
    return tuple(dict.fromkeys(codes))


def _row(fit: SpectrumFit, number: int, mode: ModeFit) -> dict[str, Any]:
    spectrum = fit.spectrum
    h, k, l = spectrum.q_hkl or (None, None, None)  # noqa: E741
    return {
        "scan": spectrum.scan,
        "analyzer": spectrum.analyzer,
        "h": h,
        "k": k,
        "l": l,
        "q_abs": spectrum.q_abs,
        "temperature_k": _known(fit.model.temperature_k),
        "mode": number,
        "branch": mode.branch,
        "energy_mev": _known(mode.energy.value),
        "energy_err": _error(mode.energy),
        "fwhm_mev": _known(mode.fwhm.value),
        "fwhm_err": _error(mode.fwhm),
        "fwhm_upper": _known(fit.upper_limit(f"mode{number}_fwhm")),
        "amplitude": _known(mode.amplitude.value),
        "amplitude_err": _error(mode.amplitude),
        "overdamped": bool(mode.overdamped),
        "zero_mev": _known(fit.zero.value),
        "zero_err": _error(fit.zero),
        "deviance": _known(fit.deviance),
        "dof": int(fit.dof),
        "flags": ";".join(flag_codes(fit)),
        "file": spectrum.file,
    }


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _error(value: Value) -> float | None:
    """The standard error; None at a bound, where there is none."""
    return None if value.at_bound else _known(value.stderr)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
