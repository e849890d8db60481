"""Drawing of predictions over a measured spectrum: counts, curves, residuals. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.document import SpectrumId
from gui.models.simulation_drawing import Axis, Color, Curve, Drawing, Numbers, Panel, View
from gui.models.simulation_results import Entry
from gui.models.simulation_scattering import ENERGY, q_text
from ixs_reduce.fit_curves import CountedPoints, counted_points
from simulate.overlay_curves import OverlayCurves, curves_at_median, overlaid_points, shown_counts
from simulate.spectrum_overlay import FAR, SpectrumOverlay

if TYPE_CHECKING:
    from ixs_reduce.spectrum import Spectrum

_FEWEST = 0.5  # counts, the lowest end of a logarithmic axis
_MEASURED = "measured counts"
_LONGEST = 30


@dataclass(frozen=True)
class Overlays:
    """A prediction over spectra, by their keys and analyzers, and notes on all."""

    spectra: Mapping[tuple[str, str], SpectrumOverlay]
    notes: tuple[str, ...]


def overlaid_spectra(entries: Sequence[Entry], records: Mapping[str, Any]) -> list[SpectrumId]:
    """The spectra that any of the predictions was laid over."""
    every = (SpectrumId(*pair) for entry in entries for pair in records[entry.key].spectra)
    return list(dict.fromkeys(every))


def temperature_at(
    which: SpectrumId, entries: Sequence[Entry], records: Mapping[str, Any]
) -> float | None:
    """The temperature of a spectrum, where a prediction was laid over it."""
    for entry in entries:
        one = records[entry.key].spectra.get(tuple(which))
        if one is not None:
            return one.temperature_k
    return None


def overlay_drawing(
    entries: Sequence[Entry],
    records: Mapping[str, Any],
    view: View,
    which: SpectrumId,
    spectrum: Spectrum | None,
) -> Drawing | None:
    """The predictions over a spectrum; None where none was laid over it.

    Parameters
    ----------
    entries, records, view
    which : SpectrumId
    spectrum : Spectrum or None
        As the project holds it now; None takes the counts that the overlays keep.
    """
    laid: list[tuple[Entry, SpectrumOverlay]] = [
        (entry, records[entry.key].spectra[tuple(which)])
        for entry in entries
        if tuple(which) in records[entry.key].spectra
    ]
    if not laid:
        return None
    first = laid[0][1]
    now = overlaid_points(first) if spectrum is None else counted_points(spectrum, first.zero_mev)
    found = [(entry, one, curves_at_median(one, now.exposure)) for entry, one in laid]
    own = {entry.key: number for number, entry in enumerate(entries)}
    panels = (
        _counts_panel(which, first, now, [(one, c, own[e.key]) for e, one, c in found], view),
        _residual_panel([(one, c, own[e.key]) for e, one, c in found]),
    )
    return Drawing(
        f"overlay {which.key} {which.analyzer}",
        panels,
        _numbers([one for _, one in laid]),
        tuple(_notes(laid, first, spectrum, records)),
    )


_Found = Sequence[tuple[SpectrumOverlay, OverlayCurves, int]]


def _counts_panel(
    which: SpectrumId, first: SpectrumOverlay, points: CountedPoints, found: _Found, view: View
) -> Panel:
    measured = Curve(
        _MEASURED,
        points.energy_mev,
        points.counts,
        "counts",
        "data",
        lower=points.lower,
        upper=points.upper,
    )
    curves = [measured]
    for one, curve, number in found:
        energy, rest = curve.energy_mev, curve.elastic + curve.background
        color = _color(number)
        curves += [
            Curve(one.source, energy, curve.expected, color=color),
            Curve(f"inelastic part, {one.source}", energy, curve.inelastic, color=color, dash=1),
            Curve(f"elastic and background, {one.source}", energy, rest, color=color, dash=2),
        ]
    top, full = shown_counts([one for one, _, _ in found], points)
    cut = f" · elastic line up to {full:.0f}" if full > 1.05 * top and not view.log else ""
    return Panel(
        f"{_title(which, first)}{cut}",
        ENERGY,
        Axis("Counts, median exposure", "counts"),
        tuple(curves),
        _energies(found),
        (_FEWEST, 1.5 * full) if view.log else (0.0, top),
        log_y=view.log,
        height=3,
    )


def _residual_panel(found: _Found) -> Panel:
    curves = [
        Curve(
            one.source, curve.energy_mev, curve.residuals, "points", _color(number), symbol=number
        )
        for one, curve, number in found
    ]
    low, high = _energies(found)
    zero = Curve("", np.array([low, high]), np.zeros(2), color="quiet")
    largest = max(float(np.abs(curve.residuals).max(initial=3.0)) for _, curve, _ in found)
    end = min(1.15 * largest, 12.0)
    told = (
        f"{_short(one.source)}: χ²/n {one.overlay.reduced_chi2:.3g}, |ΔQ| {one.distance:.2g} Å⁻¹"
        for one, _, _ in found
    )
    return Panel(
        " · ".join(told),
        ENERGY,
        Axis("Residual (σ)", "residual_sigma"),
        (zero, *curves),
        (low, high),
        (-end, end),
        joined=True,
    )


def _short(source: str) -> str:
    """A name that leaves room for those of the others."""
    return source if len(source) <= _LONGEST else f"{source[: _LONGEST - 1]}…"


def _energies(found: _Found) -> tuple[float, float]:
    every = np.concatenate([curve.energy_mev for _, curve, _ in found])
    return float(every.min()), float(every.max())


def _color(number: int) -> Color:
    """The first prediction has the colour of a sum, as a fit has."""
    return "total" if number == 0 else number - 1


def _title(which: SpectrumId, first: SpectrumOverlay) -> str:
    kelvin = "" if first.temperature_k is None else f" · {first.temperature_k:.0f} K"
    resolution = f" · R {first.resolution_mev:.2g} meV (FWHM)"
    return f"{which.key} {which.analyzer} · {q_text(first.q_hkl)}{kelvin}{resolution}"


def _numbers(overlays: Sequence[SpectrumOverlay]) -> Numbers:
    columns = (
        *("Prediction", "χ²/n", "χ²", "n", "|ΔQ| (Å⁻¹)"),
        *("Scale (counts/exposure per e²)", "±", "Q predicted (r.l.u.)", "T predicted (K)"),
        *("Elastic area (counts·meV/exposure)", "Background (counts/exposure)"),
    )
    rows = tuple(
        (
            one.source,
            one.overlay.reduced_chi2,
            one.overlay.chi2,
            str(one.overlay.dof),
            one.distance,
            one.overlay.scale,
            one.overlay.scale_err,
            q_text(one.predicted_hkl),
            "" if one.predicted_temperature_k is None else one.predicted_temperature_k,
            one.overlay.elastic_area,
            one.overlay.background_rate,
        )
        for one in overlays
    )
    return Numbers(columns, rows)


def _notes(
    laid: Sequence[tuple[Entry, SpectrumOverlay]],
    first: SpectrumOverlay,
    spectrum: Spectrum | None,
    records: Mapping[str, Any],
) -> list[str]:
    notes = [
        "Each prediction goes through this analyzer's R(E); one scale, an elastic line and a "
        "constant background are fitted to the counts (Poisson likelihood). Bars: 68 % Poisson "
        "intervals. n: points less numbers fitted.",
    ]
    if spectrum is not None and not np.array_equal(spectrum.counts, first.overlay.counts):
        notes.append(
            "The spectrum was reduced again since the overlay was made: run `ixs overlay` again."
        )
    notes += [
        f"{one.source}: its Q is {one.distance:.2f} Å⁻¹ from the measured one, so that lines may "
        "stand elsewhere."
        for _, one in laid
        if one.distance >= FAR
    ]
    notes += [f"{one.source}: {note}" for _, one in laid for note in one.overlay.notes]
    notes += [f"{one.source}: {note}." for e, one in laid for note in records[e.key].notes]
    return notes
