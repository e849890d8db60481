"""The section of the report on predictions laid over measured spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.project import Project
from ixs_core.report import Column, Figure, FigureStore, Section, Table, compose
from simulate.overlay_store import CONTENT, read_overlays
from simulate.record_store import record_keys
from simulate.spectrum_overlay import SpectrumOverlay

_ORDER = 75


def overlay_section(project: Project, figures: FigureStore) -> list[Section]:
    """The section on overlays, when the project holds any.

    Raises
    ------
    InputError
        When a result is damaged or the figures cannot be written.
    """
    with project.reading() as h5:
        stored = [read_overlays(h5, key) for key in record_keys(h5, CONTENT)]
    if not stored:
        return []
    from simulate.overlay_figures import overlay_figure, scans_of, sources_of

    every = [one for overlays, _ in stored for one in overlays]
    sources = sources_of(every)
    parts: list[object] = [_table([overlays for overlays, _ in stored])]
    for key, group in scans_of(every).items():
        caption = (
            f"{key}: counts at the median exposure with 68 % Poisson intervals, and predictions "
            "through each analyzer's resolution. Scale, elastic line and constant background are "
            "fitted; ΔQ (Å⁻¹) is how far the simulated Q is from the measured one. Grey: inelastic "
            "part of the first prediction."
        )
        parts.append(figures.add(Figure(f"overlay {key}", caption, overlay_figure(group, sources))))
    parts += [f"To know ({one[0].source}): {note}" for one, notes in stored for note in notes]
    names = ", ".join(overlays[0].source for overlays, _ in stored)
    body = compose(*parts)  # type: ignore[arg-type]
    return [Section("Predictions over the data", "overlays", _ORDER, body, f"from {names}")]


def _table(stored: Sequence[Sequence[SpectrumOverlay]]) -> Table:
    columns: list[Column | str] = [
        "Prediction",
        Column("Spectra"),
        Column("Median χ²/n", "", ".2f"),
        Column("Scatter of scales", "%", ".0f"),
        Column("Median |ΔQ|", "Å⁻¹", ".3f"),
    ]
    rows = []
    for overlays in stored:
        scales = np.array([one.overlay.scale for one in overlays])
        middle = float(np.median(scales))
        spread = float(np.median(np.abs(scales - middle))) / middle if middle > 0 else np.nan
        chi2 = float(np.median([one.overlay.reduced_chi2 for one in overlays]))
        distance = float(np.median([one.distance for one in overlays]))
        rows.append((overlays[0].source, len(overlays), chi2, 100 * spread, distance))
    caption = (
        "How well predictions describe the spectra, with one scale for each spectrum. With true "
        "absolute intensities the scales of one scan differ by the analyzers' efficiencies only."
    )
    return Table(columns, rows, caption)
