"""What `ixs fit` prints: the table of fits with remarks, or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ixs_reduce.batch import BatchResult, LeftOut
    from ixs_reduce.fitting import SpectrumFit

_UNCERTAIN = 0.2  # relative error beyond which an energy is marked
# Remarks that concern a mode's numbers; what was merged and folded stands in the report.
_TOLD = ("poor", "no-intensity", "far-from-prediction", "too-wide", "collision", "imaginary")


def as_json_of(
    project: Path, rows: Sequence[Mapping[str, Any]], result: BatchResult
) -> dict[str, Any]:
    """What `ixs fit --json` prints."""
    return {
        "project": str(project),
        "modes": list(rows),
        "fits": [_fit_json(fit) for fit in result.fits],
        "left_out": [
            {
                "scan": item.spectrum.scan,
                "analyzer": item.spectrum.analyzer,
                "reason": item.reason,
            }
            for item in result.left_out
        ],
    }


def _fit_json(fit: SpectrumFit) -> dict[str, Any]:
    return {
        "scan": fit.spectrum.scan,
        "analyzer": fit.spectrum.analyzer,
        "file": fit.spectrum.file,
        "modes": len(fit.modes),
        "zero_mev": fit.zero.value,
        "deviance": fit.deviance,
        "dof": fit.dof,
        "converged": fit.converged,
        "message": fit.message,
        "branches": list(fit.branches),
        "folded": _folded_json(fit),
        "remarks": list(fit.remarks),
        "warnings": list(fit.warnings),
    }


def _folded_json(fit: SpectrumFit) -> dict[str, Any] | None:
    """Modes too weak to be fitted by themselves, and the scale that they have together."""
    scale = fit.folded_scale
    if scale is None:
        return None
    return {
        "scale": scale.value,
        "scale_err": None if scale.at_bound else scale.stderr,
        "modes": [
            {"branch": line.branch, "energy_mev": line.energy_mev, "amplitude": line.amplitude}
            for line in fit.model.folded_lines
        ],
    }


def show(result: BatchResult, project: Path, csv: Path | None) -> None:
    """Print the table of fits and what to know of them."""
    from ixs_core.terminal_tables import Column, print_table

    columns = [
        Column("scan"),
        Column("analyzer"),
        Column("h k l"),
        Column("dev/dof"),
        Column("zero (meV)"),
        Column("energy (FWHM) of the modes, meV", text=True),
    ]
    rows = [_row(fit) for fit in result.fits]
    print_table(columns, rows, _summary(result, project, csv))


def _row(fit: SpectrumFit) -> list[str]:
    spectrum = fit.spectrum
    q = "" if spectrum.q_hkl is None else " ".join(f"{x:6.3f}" for x in spectrum.q_hkl)
    shown = "   ".join(_mode_text(fit, i) for i in range(len(fit.modes))) or "none"
    return [
        spectrum.scan or "",
        spectrum.analyzer or "",
        q,
        f"{fit.reduced_deviance:.2f}" + ("" if fit.converged else " !"),
        _with_error(fit.zero.value, fit.zero.stderr),
        shown,
    ]


def _mode_text(fit: SpectrumFit, i: int) -> str:
    from ixs_reduce.mode_merging import branch_text

    mode = fit.modes[i]
    limit = fit.upper_limit(f"mode{i + 1}_fwhm")
    width = (
        f"< {limit:.2f}" if limit is not None else _with_error(mode.fwhm.value, mode.fwhm.stderr)
    )
    if mode.fwhm.at_bound and limit is None:
        width += " at its bound"
    note = " ?" if mode.energy.stderr > _UNCERTAIN * mode.energy.value else ""
    if mode.strongly_damped:
        ratio = _with_error(mode.overdamping.value, mode.overdamping.stderr)
        note += f" W²/Γ={ratio}{' overdamped' if mode.overdamped else ''}"
    label = f"[{branch_text(mode.branch)}] " if mode.branch else ""
    return f"{label}{_with_error(mode.energy.value, mode.energy.stderr)} ({width}){note}"


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f}±{error:.2f}" if error == error else f"{value:.2f}"


def _summary(result: BatchResult, project: Path, csv: Path | None) -> list[str]:
    """The lines below the table: quality, what was left out, poor fits with their reasons."""
    import numpy as np

    fits = result.fits
    lines = []
    if fits:
        median = float(np.median([fit.reduced_deviance for fit in fits]))
        what = "spectrum" if len(fits) == 1 else "spectra"
        lines.append(f"{len(fits)} {what} fitted, median deviance/dof {median:.2f}")
        lines.append("< : 95 % upper limit; ? : energy known to 20 % or worse")
    if any(fit.branches for fit in fits):
        weak = [len(fit.model.folded) for fit in fits if fit.model.folded]
        lines.append(
            "[ ] : branches of the calculation, 1 the lowest; "
            f"in {len(weak)} spectra weak ones are folded into one term (see --json, the report)"
        )
    for fit in fits:
        dead = [f.message for f in fit.spectrum.flags if f.code in ("dead", "nearly-dead")]
        lines += [f"{fit.spectrum.label} was asked for, though {text}" for text in dead[:1]]
    unconverged = [fit.spectrum.label for fit in fits if not fit.converged]
    if unconverged:
        lines.append(f"not converged (!): {', '.join(unconverged)}")
    lines += left_out_lines(result.left_out)
    for fit in fits:
        for text in (*fit.warnings, *(r for r in fit.remarks if r.startswith(_TOLD))):
            lines.append(f"{fit.spectrum.label}: {text}")
    written = f"fits written to {project}"
    return [*lines, written + (f", table to {csv}" if csv else "")]


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """What was left out and why, scans of one reason together."""
    from ixs_reduce.batch import NOT_ASKED_FOR
    from ixs_reduce.formats.selection import describe_numbers

    grouped: dict[tuple[str, str], list[str]] = {}
    for item in left_out:
        if item.reason == NOT_ASKED_FOR:
            continue
        grouped.setdefault((str(item.spectrum.analyzer), _short_reason(item)), []).append(
            item.spectrum.scan or "?"
        )
    lines = []
    for (analyzer, reason), scans in grouped.items():
        numbers = describe_numbers(int(s) for s in scans if s.isdecimal())
        others = [s for s in scans if not s.isdecimal()]
        where = ", ".join([*([numbers] if numbers else []), *others])
        lines.append(f"left out: {analyzer} in scan {where}: {reason}")
    return lines


def _short_reason(item: LeftOut) -> str:
    """The reason without what differs from scan to scan, so that scans can be told together."""
    reason = item.reason.removeprefix(item.spectrum.label).lstrip(": ")
    if reason.startswith(("dead: ", "nearly dead: ")):
        return reason.split(":")[0]
    return reason.split("; ")[0]
