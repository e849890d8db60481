"""What the tab Dispersion says of what is under the cursor, picked, or shown as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from gui.models.dispersion_character import character_rows, degenerate_with
from gui.models.dispersion_curves import FITTED, PREDICTED
from gui.models.dispersion_pick import BranchAt, PredictedAt
from gui.models.dispersion_view import DispersionView
from ixs_core.arrays import FloatArray
from ixs_reduce import Spectrum
from ixs_reduce.dispersion_points import ModePoint
from ixs_reduce.fit_words import (
    energy_text,
    is_simulated,
    quality_text,
    spectrum_title,
    width_text,
)
from ixs_reduce.lineshape import bose_factor
from ixs_reduce.mode_merging import branch_text
from ixs_reduce.predicted_modes import spectrum_key

NOTHING_CALCULATED = (
    "nothing for these spectra: `ixs sqe FORCE_CONSTANTS --at project.h5` predicts their "
    "modes, `ixs overlay project.h5 PREDICTION` lays a simulation over them"
)
"""What to do where nothing is calculated for the spectra shown."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def unit_text(exposure: float) -> str:
    """What the numbers of the maps are: "counts per 10⁶ exposure"."""
    power = round(math.log10(exposure))
    return f"counts per 10{str(power).translate(_RAISED)} exposure" if power else "counts/exposure"


def source_text(source: str) -> str:
    """What is calculated, as the user chooses it."""
    return source.removeprefix("overlay ") or "nothing"


def scans_text(view: DispersionView) -> str:
    """What the first map holds: "Measured", or "Simulated scans" that nobody measured."""
    simulated = [is_simulated(spectrum) for spectrum in view.spectra]
    if not any(simulated):
        return "Measured"
    return "Simulated scans" if all(simulated) else "Measured and simulated"


def hkl_words(q_hkl: Sequence[float] | FloatArray) -> str:
    """Q in r.l.u. with three decimals."""
    return "(" + ", ".join(_minus(f"{x + 0.0:.3f}") for x in np.asarray(q_hkl).tolist()) + ")"


def cursor_words(view: DispersionView, plot: str, x: float, y: float) -> str:
    """Q, |Q|, E and the values under the cursor, for the status bar."""
    column = view.measured.column_at(x)
    if column is None:
        q = view.line.q_at(x)
        parts = [f"|Q| = {x:.3f} Å⁻¹" if q is None else f"Q = {hkl_words(q)} r.l.u."]
    else:
        parts = [_q_words(view.spectra[column])]
    if plot == "widths":
        parts.append(f"FWHM = {_minus(f'{y:.2f}')} meV")
    else:
        parts.append(f"E = {_minus(f'{y:.2f}')} meV")
        parts += _values(view, x, y)
    if column is not None:
        parts.append(f"scan {view.spectra[column].label}")
    return "   ".join(parts)


def _q_words(spectrum: Spectrum) -> str:
    parts = []
    if spectrum.q_hkl is not None:
        parts.append(f"Q = {hkl_words(spectrum.q_hkl)} r.l.u.")
    if spectrum.q_abs is not None:
        parts.append(f"|Q| = {spectrum.q_abs:.3f} Å⁻¹")
    return "   ".join(parts)


def _values(view: DispersionView, x: float, y: float) -> list[str]:
    found = {
        name: grid.value_at(x, y)
        for name, grid in (
            (scans_text(view).lower(), view.measured),
            ("calculated", view.calculated),
            ("difference", view.difference),
        )
    }
    known = [f"{name} {_minus(f'{v:.4g}')}" for name, v in found.items() if math.isfinite(v)]
    return [", ".join(known) + f" {unit_text(view.exposure)}"] if known else []


def view_words(view: DispersionView) -> str:
    """What is shown as a whole, as HTML."""
    fitted = len(view.path.fits)
    scans = scans_text(view)
    of = "" if scans == "Measured" else f" ({scans.lower()})"
    rows = [
        ("Spectra", f"{len(view.spectra)}{of}, {fitted} fitted with {len(view.points)} modes"),
        ("Q", f"{view.line.q_text} r.l.u." if view.line.direction is not None else "|Q|"),
        ("Temperature", _temperatures(view.spectra)),
        ("Calculated", _source_words(view)),
    ]
    if view.branches:
        sources = dict.fromkeys(branch.title for branch in view.branches)
        rows.append(("Branches", "; ".join(sources)))
    elif view.line.direction is not None and len(view.spectra) > 1:
        rows.append(("Branches", f"none along this line: {branch_command(view)}"))
    rows += [("Note", note) for note in view.notes]
    return (
        _table(rows)
        + "<p>Click a point to open its fit, a line or dash for its character, a column for its "
        "spectrum.</p>"
    )


def _source_words(view: DispersionView) -> str:
    source = view.wanted.source
    if not source:
        return NOTHING_CALCULATED
    if source == FITTED:
        return "the fitted models, as they are"
    what = "predicted modes" if source == PREDICTED else f"{source_text(source)} (stored overlay)"
    return (
        f"{what} through each analyzer's resolution; strength, elastic line and background are "
        "fitted to each spectrum"
    )


def branch_command(view: DispersionView) -> str:
    """The command that calculates branches along the line shown."""
    ends = [view.line.q_at(float(x)) for x in (view.line.position[0], view.line.position[-1])]
    start, end = (
        " ".join(f"{round(float(x), 3) + 0.0:g}" for x in q) if q is not None else "" for q in ends
    )
    return f'`ixs sqe FORCE_CONSTANTS --path "{start} : {end} : 61" -o project.h5`'


def spectrum_words(view: DispersionView, column: int) -> str:
    """A spectrum and its fitted modes, as HTML."""
    parts = [f"<b>{escape(spectrum_title(view.spectra[column]))}</b>"]
    fit = next(
        (
            fit
            for fit, place in zip(view.path.fits, view.path.members, strict=True)
            if place == view.line.members[column]
        ),
        None,
    )
    if fit is None:
        return parts[0] + "<p>Not fitted. Double click to go there.</p>"
    parts.append(f"<p>{escape(quality_text(fit))}</p>")
    rows = [("Energy (meV)", "FWHM (meV)", "Branches")] + [
        (energy_text(fit, i), width_text(fit, i), branch_text(mode.branch) if mode.branch else "–")
        for i, mode in enumerate(fit.modes)
    ]
    return "".join(parts) + _grid(rows) + "<p>Double click the column to open the fit.</p>"


def point_words(view: DispersionView, point: ModePoint) -> str:
    """A fitted mode in one line, for a tool tip."""
    fit = view.path.fits[point.fit]
    name = branch_text(point_branch) if (point_branch := fit.modes[point.place].branch) else ""
    text = f"{energy_text(fit, point.place)} meV, FWHM {width_text(fit, point.place)} meV"
    remarks = [f"branch {name}"] if name else []
    remarks += ["overdamped"] if point.overdamped else []
    remarks += [] if point.trusted else ["uncertain: error above 20 %, or a poor fit"]
    return "\n".join([f"{fit.spectrum.label}: {text}", *remarks, "click: its fit"])


def calculated_words(view: DispersionView, picked: BranchAt | PredictedAt) -> str:
    """All that is known of a calculated branch or a predicted mode, as HTML."""
    return (
        branch_words(view, picked)
        if isinstance(picked, BranchAt)
        else predicted_words(view, picked)
    )


def predicted_words(view: DispersionView, picked: PredictedAt) -> str:
    """All that is known of a predicted mode, as HTML."""
    spectrum = view.spectra[picked.column]
    modes = view.predictions[spectrum_key(spectrum)]
    i = picked.mode
    energy, branch = float(modes.energy_mev[i]), int(modes.branch[i])
    seen = modes.intensity * bose_factor(modes.energy_mev, modes.temperature_k)
    share = float(seen[i] / seen.sum()) if seen.sum() > 0 else 0.0
    with_it = [int(b) for b in modes.branch[modes.group == modes.group[i]] if b != branch]
    rows = [
        ("Energy", f"{energy:.3f} meV"),
        ("Branch", _branch_words(branch, with_it)),
        ("Intensity I", f"{modes.intensity[i]:.4g} e² per primitive cell"),
        ("I [n + 1]", f"{seen[i]:.4g} e², {100 * share:.1f} % of all modes at this Q"),
        ("Linewidth", _width_words(float(modes.fwhm_mev[i]))),
    ]
    if modes.spread_mev[i] > 0:
        rows.append(("Spread", f"± {modes.spread_mev[i]:.3f} meV over the analyzer"))
    labels = _fitted_as(view, picked.column, branch)
    rows.append(("Fitted", labels or "no fitted mode of this spectrum carries its label"))
    rows += [
        ("At", f"{hkl_words(modes.q_hkl)} r.l.u., {modes.temperature_k:g} K"),
        ("Source", modes.source or "–"),
    ]
    return f"<b>Predicted mode, {escape(spectrum.label)}</b>{_table(rows)}"


def branch_words(view: DispersionView, picked: BranchAt) -> str:
    """All that is known of a calculated branch at one Q, as HTML."""
    branch, i = picked.branch, picked.at
    energy = float(branch.energy_mev[i])
    rows = [
        ("Energy", f"{_minus(f'{energy:.3f}')} meV" + (" (imaginary)" if energy < 0 else "")),
        ("Branch", _branch_words(branch.branch, degenerate_with(view.branches, picked))),
        *character_rows(picked),
        ("I [n + 1]", f"{branch.loss_intensity[i]:.4g} e² per primitive cell"),
        (
            "Along it",
            f"{_minus(f'{branch.energy_mev.min():.2f}')} … {branch.energy_mev.max():.2f} meV",
        ),
        ("Slope", _slope_words(branch.energy_mev, branch.position, i)),
        ("At", f"{hkl_words(branch.q_hkl[i])} r.l.u., {branch.temperature_k:g} K"),
        ("Source", f"{branch.title}: {branch.key}"),
    ]
    return f"<b>Calculated branch</b>{_table(rows)}"


def _branch_words(branch: int, degenerate: Sequence[int]) -> str:
    kind = "acoustic" if branch <= 3 else "optical"
    text = f"{branch} ({kind}, counted from the lowest)"
    if degenerate:
        text += f", degenerate with {', '.join(map(str, degenerate))}: only their sum has a meaning"
    return text


def _width_words(fwhm: float) -> str:
    return f"FWHM {fwhm:.3f} meV" if math.isfinite(fwhm) else "not calculated"


def _slope_words(energy: FloatArray, position: FloatArray, i: int) -> str:
    slope = np.gradient(energy, position)[i] if energy.size > 1 else float("nan")
    return f"{_minus(f'{slope:.2f}')} meV per r.l.u. of ξ"


def _fitted_as(view: DispersionView, column: int, branch: int) -> str:
    """The fitted modes of a spectrum that carry the label of a branch."""
    found = []
    for fit, place in zip(view.path.fits, view.path.members, strict=True):
        if place != view.line.members[column]:
            continue
        for i, mode in enumerate(fit.modes):
            if str(branch) in mode.branch.split("+"):
                found.append(
                    f"{energy_text(fit, i)} meV, FWHM {width_text(fit, i)} meV "
                    f"(branches {branch_text(mode.branch)})"
                )
    return "; ".join(found)


def _temperatures(spectra: Sequence[Spectrum]) -> str:
    known = [s.temperature_k for s in spectra if s.temperature_k is not None]
    if not known:
        return "unknown"
    low, high = min(known), max(known)
    return f"{low:.0f} K" if high - low < 1 else f"{low:.0f} to {high:.0f} K"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td valign='top'>{escape(name)}&nbsp;&nbsp;</td><td>{_code(text)}</td></tr>"
        for name, text in rows
    )
    return f"<table cellpadding='1'>{cells}</table>"


def _code(text: str) -> str:
    """Text as HTML, what stands in backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts))


def _grid(rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}&nbsp;&nbsp;</td>" for text in row) + "</tr>"
        for row in rows
    )
    return f"<table cellpadding='1'>{cells}</table>"


def _minus(text: str) -> str:
    return text.replace("-", "−")
