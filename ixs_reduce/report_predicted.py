"""Fitted modes beside calculated ones on the report page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ixs_core.report import Column, Figure, FigureStore, Section, Table, anchor, compose, with_error
from ixs_reduce.figures_predicted import predicted_figure
from ixs_reduce.fit_words import energy_text, is_simulated, uncertain, width_text
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.mode_merging import branch_text
from ixs_reduce.predicted_join import INTENSITY_TRUST, Joined, JoinedMode, join_predictions
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey


def predicted_sections(
    fits: Sequence[SpectrumFit],
    predictions: Mapping[SpectrumKey, PredictedModes],
    figures: FigureStore,
) -> list[Section]:
    """Measured and calculated modes, one section for each data file; none without labelled fits."""
    by_file: dict[str, list[SpectrumFit]] = {}
    for fit in fits:
        by_file.setdefault(fit.spectrum.file or "", []).append(fit)
    joined = {file: join_predictions(own, predictions) for file, own in by_file.items()}
    shown = {file: found for file, found in joined.items() if found.modes}
    return [
        _section(found, figures, Path(file).stem if len(shown) > 1 else "")
        for file, found in shown.items()
    ]


def _section(joined: Joined, figures: FigureStore, name: str) -> Section:
    of_what = f" of {name}" if name else ""
    simulated = any(is_simulated(mode.fit.spectrum) for mode in joined.modes)
    picture = figures.add(
        Figure(
            f"measured and calculated modes{of_what}",
            "Left: measured less calculated energy, and measured energy less the calculation "
            "scaled as a whole, in standard errors. Right: intensities, with one free scale for "
            "each scan, and FWHM (triangles: 95 % upper limits). Error bars are standard errors; "
            "hollow grey symbols are energies with errors above 20 %, or of fits that do not "
            "describe their data." + (" Simulated data." if simulated else ""),
            predicted_figure(joined),
        )
    )
    return Section(
        f"Measured and calculated modes{of_what}",
        anchor(f"calculated {name}"),
        45,
        compose(_introduction(joined), picture, _scale_table(joined), _mode_table(joined)),
        f"{len(joined.modes)} modes, energies × {joined.energy_scale:.3f}",
    )


def _introduction(joined: Joined) -> str:
    sources = ", ".join(joined.sources) or "unnamed"
    return (
        f"Calculation: {sources}. A label such as 4+5 or 4–7 stands for branches (1 is the lowest) "
        "that the resolution does not tell apart; their calculated energy is the mean weighted by "
        "intensity × (n + 1). Together the measured energies are "
        f"{with_error(joined.energy_scale, joined.energy_scale_err)} times the calculated ones; "
        f"about that they scatter by {joined.scatter_mev:.2f} meV (1.48 times the median distance)."
    )


def _scale_table(joined: Joined) -> Table:
    return Table(
        ["Scan", Column("Modes"), Column("Intensity scale")],
        [
            (
                scan or "–",
                sum((m.fit.spectrum.scan or "") == scan for m in joined.modes),
                _compact(scale, error),
            )
            for (_, scan), (scale, error) in joined.intensity_scales.items()
        ],
        "Amplitude per unit exposure over calculated intensity (e² per primitive cell): one free "
        "scale for each scan, by least squares over its modes; counting errors, and "
        f"{INTENSITY_TRUST:.0%} for the calculation.",
    )


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _compact(value: float, error: float) -> str:
    """A value with its error that stays short however small it is."""
    if not (math.isfinite(error) and error > 0 and value > 0):
        return f"{value:.3g}"
    power = math.floor(math.log10(value))
    if -2 <= power < 5:
        return with_error(value, error)
    digits = with_error(value / 10.0**power, error / 10.0**power)
    return f"{digits} × 10{str(power).translate(_RAISED)}"


def _mode_table(joined: Joined) -> Table:
    widths = any(math.isfinite(mode.calculated_fwhm_mev) for mode in joined.modes)
    columns = [
        Column("Scan"),
        Column("Analyzer"),
        Column("Branch"),
        Column("E", "meV"),
        Column("E calculated", "meV", ".2f"),
        Column("Difference", "meV", "+.2f"),
        Column("Difference", "σ", "+.1f"),
        Column("FWHM", "meV"),
        *([Column("FWHM calculated", "meV", ".2f")] if widths else []),
        Column("I", "e²/cell"),
        Column("I calculated", "e²/cell", ".3g"),
        Column("Remarks"),
    ]
    return Table(
        columns,
        [_row(mode, widths) for mode in joined.modes],
        "Fitted modes beside the branches they are labelled with. FWHM is that of each branch, "
        "not of the unresolved sum; I is the fitted amplitude over the scale of its scan.",
    )


def _row(joined: JoinedMode, widths: bool) -> tuple[str | float | None, ...]:
    spectrum = joined.fit.spectrum
    return (
        spectrum.scan or "–",
        spectrum.analyzer or "–",
        branch_text(joined.calculated.branch),
        energy_text(joined.fit, joined.place),
        joined.calculated.energy_mev,
        joined.difference_mev,
        joined.sigmas,
        width_text(joined.fit, joined.place),
        *([joined.calculated_fwhm_mev] if widths else []),
        _compact(joined.intensity, joined.intensity_err),
        joined.calculated.intensity,
        "uncertain" if uncertain(joined.fit, joined.place) else "–",
    )
