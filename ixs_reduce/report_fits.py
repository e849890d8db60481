"""The fits of a project on the report page: tables, exports, and every spectrum as a figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from ixs_core.atomic import atomic_write_text
from ixs_core.report import Column, Figure, FigureStore, Section, Table, anchor, compose, with_error
from ixs_reduce.batch import POOR_FIT
from ixs_reduce.export import flag_codes, json_of, mode_rows, write_csv
from ixs_reduce.figure_files import small_png, write_pdf
from ixs_reduce.figures import dispersion_figure, spectra_grid, spectrum_figure, zeros_figure
from ixs_reduce.fit_words import (
    describe_q,
    energy_text,
    is_simulated,
    median_of,
    poor,
    quality_text,
    reasons,
    reduced_text,
    spectrum_title,
    width_text,
)
from ixs_reduce.fitting import SpectrumFit
from ixs_reduce.goodness import goodness
from ixs_reduce.mode_fit import ModeFit
from ixs_reduce.predicted_modes import PredictedModes, SpectrumKey, spectrum_key
from ixs_reduce.q_path import QPath, q_paths
from ixs_reduce.spectrum import Spectrum

MOST_EMBEDDED = 320
"""Spectra shown one by one on the page; with more it would grow beyond about 15 MB."""

_PATHS_PER_FIGURE = 6


def fit_section(
    spectra: Sequence[Spectrum],
    fits: Sequence[SpectrumFit],
    figures: FigureStore,
    predictions: Mapping[SpectrumKey, PredictedModes] | None = None,
) -> Section:
    """Summary, fits that failed and why, table of modes, and the spectra scan by scan.

    Single spectra show the energies of `predictions` as ticks.
    Writes modes.csv and modes.json beside the page, and a PDF per scan with its figures.
    """
    bad = [fit for fit in fits if poor(fit)]
    converged = sum(fit.converged for fit in fits)
    n_modes = sum(len(fit.modes) for fit in fits)
    median = reduced_text(median_of(fit.reduced_deviance for fit in fits))
    summary = f"{converged} of {len(fits)} converged, {n_modes} modes, median deviance/dof {median}"
    if bad:
        summary += f", {len(bad)} poor"
    embedded = len(fits) <= MOST_EMBEDDED
    parts: list[str | Markup | Table] = [
        f"{len(fits)} spectra were fitted, {converged} fits converged; they hold {n_modes} modes. "
        f"The median deviance per degree of freedom is {median} (1 for a true model); "
        f"{len(bad)} fits are above {POOR_FIT:g} or did not converge.",
        _export(fits, figures),
        *([_poor_table(bad)] if bad else []),
        _mode_table(fits),
        Markup("<h3>Spectra</h3>"),
        "Points are counts at the median exposure with 68 % Poisson intervals, against the true "
        "energy transfer (file energy minus fitted zero; E > 0 is energy loss). Filled curves are "
        "modes, the line is the sum of all terms."
        + (" Ticks at the upper edge are calculated modes." if predictions else "")
        + (
            ""
            if embedded
            else f" {len(fits)} spectra are too many for one page: single ones are in the PDFs."
        ),
        *_scan_blocks(spectra, fits, figures, predictions or {}, embedded=embedded),
    ]
    return Section("Fits", "fits", 30, compose(*parts), summary)


def _export(fits: Sequence[SpectrumFit], figures: FigureStore) -> Markup:
    """Write the table of modes beside the page, and link it."""
    folder = figures.folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    rows = mode_rows(fits)
    write_csv(folder / "modes.csv", rows)
    atomic_write_text(folder / "modes.json", json_of(rows))
    return Markup(
        '<p>All modes as <a href="modes.csv">modes.csv</a> and '
        '<a href="modes.json">modes.json</a>, with all digits.</p>'
    )


def _poor_table(fits: Sequence[SpectrumFit]) -> Table:
    worst_first = sorted(fits, key=lambda fit: -fit.reduced_deviance)
    return Table(
        ["Scan", "Analyzer", Column("Deviance/dof"), "What is known of why"],
        [
            (
                fit.spectrum.scan or "–",
                fit.spectrum.analyzer or "–",
                reduced_text(fit.reduced_deviance),
                "; ".join(reasons(fit)),
            )
            for fit in worst_first
        ],
        "Fits that do not describe their data, the worst first: do not use their modes as they "
        "stand.",
    )


def _mode_table(fits: Sequence[SpectrumFit]) -> Table:
    power = _common_power(fits)
    branches = any(mode.branch for fit in fits for mode in fit.modes)
    columns = [
        Column("Scan"),
        Column("Analyzer"),
        Column("h", "", ".3f"),
        Column("k", "", ".3f"),
        Column("l", "", ".3f"),
        Column("|Q|", "Å⁻¹", ".3f"),
        Column("T", "K", ".0f"),
        Column("Mode"),
        *([Column("Branch")] if branches else []),
        Column("E", "meV"),
        Column("FWHM", "meV"),
        Column("A", f"10{_superscript(power)}" if power else ""),
        Column("D/dof"),
        Column("Remarks"),
    ]
    return Table(
        columns,
        [row for fit in fits for row in _mode_rows(fit, power, branches)],
        "Fitted modes with standard errors in the last digits; h, k, l in conventional r.l.u. E is "
        "the undamped energy, “< 0.8” a 95 % upper limit, “(bound)” a value that ended on a "
        "limit of the search, A the amplitude per unit exposure, D/dof the deviance per degree of "
        "freedom. An overdamped mode has FWHM > 2 E; its E²/FWHM (meV) is what the spectrum "
        "determines.",
    )


def _mode_rows(
    fit: SpectrumFit, power: int, branches: bool
) -> Iterable[tuple[str | int | float | None, ...]]:
    spectrum, scale = fit.spectrum, 10.0**power
    for i, mode in enumerate(fit.modes):
        yield (
            spectrum.scan or "–",
            spectrum.analyzer or "–",
            *(spectrum.q_hkl or (None, None, None)),
            spectrum.q_abs,
            fit.model.temperature_k,
            i + 1,
            *([mode.branch or "–"] if branches else []),
            energy_text(fit, i),
            width_text(fit, i),
            with_error(mode.amplitude.value / scale, mode.amplitude.stderr / scale),
            reduced_text(fit.reduced_deviance),
            ", ".join(_remarks(fit, mode)) or "–",
        )


def _remarks(fit: SpectrumFit, mode: ModeFit) -> list[str]:
    remarks = []
    if poor(fit):
        remarks.append("poor fit")
    if mode.overdamped:
        ratio = with_error(mode.overdamping.value, mode.overdamping.stderr)
        remarks.append(f"overdamped: E²/FWHM {ratio}")
    # A bound stands with the number that is at it.
    remarks += [code for code in flag_codes(fit) if code != "at-bound"]
    if is_simulated(fit.spectrum):
        remarks.append("simulated")
    return remarks


def _common_power(fits: Sequence[SpectrumFit]) -> int:
    """Power of ten of the largest well-described amplitude; 0 where numbers need none."""
    good = [fit for fit in fits if not poor(fit)] or fits
    largest = max((mode.amplitude.value for fit in good for mode in fit.modes), default=1.0)
    if not largest > 0 or 0.1 <= largest < 1000:
        return 0
    return math.floor(math.log10(largest))


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _scan_blocks(
    spectra: Sequence[Spectrum],
    fits: Sequence[SpectrumFit],
    figures: FigureStore,
    predictions: Mapping[SpectrumKey, PredictedModes],
    *,
    embedded: bool,
) -> Iterable[Markup]:
    """Per scan: all analyzers side by side, the single spectra folded away, one PDF of both."""
    fitted: dict[tuple[str, str], list[SpectrumFit]] = {}
    for fit in fits:
        fitted.setdefault((fit.spectrum.file or "", fit.spectrum.scan or ""), []).append(fit)
    for place, (key, group) in enumerate(fitted.items()):
        have = {fit.spectrum.analyzer for fit in group}
        unfitted = [
            s for s in spectra if ((s.file or ""), (s.scan or "")) == key and s.analyzer not in have
        ]
        yield _scan_block(place, group, unfitted, figures, predictions, embedded=embedded)


def _scan_block(
    place: int,
    fits: Sequence[SpectrumFit],
    unfitted: Sequence[Spectrum],
    figures: FigureStore,
    predictions: Mapping[SpectrumKey, PredictedModes],
    *,
    embedded: bool,
) -> Markup:
    first = fits[0].spectrum
    name = f"scan {first.scan or place + 1}"
    simulated = " (simulated)" if is_simulated(first) else ""
    grid = spectra_grid(fits, unfitted)
    drawn = [
        spectrum_figure(fit, predicted=predictions.get(spectrum_key(fit.spectrum))) for fit in fits
    ]
    shown = figures.add(
        Figure(
            f"{name} all analyzers",
            f"Scan {first.scan}{simulated}, {first.file or ''}: all analyzers; D/dof is the "
            "deviance per degree of freedom. An elastic line that runs out of its panel has its "
            "height written there; grey ones were not fitted.",
            small_png(grid, 120),
        )
    )
    pdf = f"{place + 1:03d}-{anchor(name)}.pdf"
    write_pdf(figures.folder / pdf, [grid, *drawn])
    link = Markup('<p><a href="{}/{}">Figures of {} as PDF</a></p>').format(
        figures.folder.name, pdf, name
    )
    if not embedded:
        return shown + link
    single = Markup("\n").join(
        figures.add(Figure(f"{name} {_name(fit)}", _caption(fit), small_png(figure)))
        for fit, figure in zip(fits, drawn, strict=True)
    )
    return (
        shown
        + Markup("<details><summary>{}</summary>\n{}</details>\n").format(
            f"Scan {first.scan}: {len(fits)} spectra one by one", single
        )
        + link
    )


def _name(fit: SpectrumFit) -> str:
    return fit.spectrum.analyzer or fit.spectrum.label


# Enough to tell a deviance at the 1 % level from noise.
_SIMULATIONS = 200


def _caption(fit: SpectrumFit) -> str:
    judged = goodness(fit, simulations=_SIMULATIONS).words if fit.dof > 0 else ()
    said = "; ".join([*judged, *fit.warnings, *fit.remarks])
    return f"{spectrum_title(fit.spectrum)}. {quality_text(fit)}. {said}".strip()


def dispersion_sections(
    fits: Sequence[SpectrumFit],
    figures: FigureStore,
    predictions: Mapping[SpectrumKey, PredictedModes] | None = None,
) -> list[Section]:
    """Energies and widths along Q and the energy zeros, one section for each data file."""
    by_file: dict[str, list[SpectrumFit]] = {}
    for fit in fits:
        by_file.setdefault(fit.spectrum.file or "", []).append(fit)
    return [
        _dispersion_section(
            own, figures, Path(file).stem if len(by_file) > 1 else "", predictions or {}
        )
        for file, own in by_file.items()
    ]


def _dispersion_section(
    fits: Sequence[SpectrumFit],
    figures: FigureStore,
    name: str,
    predictions: Mapping[SpectrumKey, PredictedModes],
) -> Section:
    of_what = f" of {name}" if name else ""
    paths = q_paths(fits)
    simulated = " Simulated data." if any(is_simulated(fit.spectrum) for fit in fits) else ""
    calculated = (
        " Dashes: calculated modes, the darker the more intense at that Q."
        if any(spectrum_key(fit.spectrum) in predictions for fit in fits)
        else ""
    )
    parts: list[str | Markup | Table] = []
    for start in range(0, len(paths), _PATHS_PER_FIGURE):
        chosen = paths[start : start + _PATHS_PER_FIGURE]
        parts.append(
            figures.add(
                Figure(
                    f"dispersion{of_what}",
                    "Energies (error bars: standard errors; broad bars: FWHM) and FWHM (arrows: "
                    "95 % upper limits; hollow triangles lie beyond the axis) of the fitted modes "
                    "along Q. ξ replaces the component of Q that varies. Hollow grey symbols: "
                    "energies with errors above 20 %, or fits "
                    f"that do not describe their data.{calculated}{simulated}",
                    dispersion_figure(fits, chosen, predictions=predictions),
                )
            )
        )
    parts += [text for path in paths if (text := _left_out(path))]
    without = [fit for fit in fits if not fit.spectrum.q_hkl and fit.spectrum.q_abs is None]
    if without:
        parts.append(f"{len(without)} fits have no Q and are in no dispersion.")
    parts.append(
        figures.add(
            Figure(
                f"energy zeros{of_what}",
                "Fitted energy zero of each analyzer less its median over the scans (given above "
                "each panel), with standard errors. Triangles lie beyond the axis; hollow ones "
                f"come from fits that do not describe their data.{simulated}",
                zeros_figure(fits),
            )
        )
    )
    return Section(
        f"Dispersion{of_what}",
        anchor(f"dispersion {name}"),
        40,
        compose(*parts),
        _summary(paths),
    )


def _left_out(path: QPath) -> str:
    if not path.left_out:
        return ""
    names = ", ".join(
        f"scan {fit.spectrum.scan} at {describe_q(fit.spectrum)}" for fit in path.left_out
    )
    return f"Not on the line of {path.name}: {names}."


def _summary(paths: Sequence[QPath]) -> str:
    if not paths:
        return "no Q known"
    lines = "1 line in Q" if len(paths) == 1 else f"{len(paths)} lines in Q"
    return f"{lines}, {sum(len(path.fits) for path in paths)} spectra"
