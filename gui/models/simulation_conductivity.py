"""Drawing of κ(T): particle-like, wave-like and total, computed or with IXS widths. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.simulation_drawing import (
    Axis,
    Color,
    Curve,
    Drawing,
    Numbers,
    Panel,
    View,
    positive_range,
    range_from_zero,
)
from gui.models.simulation_results import Entry
from ixs_core.arrays import FloatArray

if TYPE_CHECKING:
    from simulate.transport.measured_store import MeasuredRecord
    from simulate.transport.power_law import PowerLaw
    from simulate.transport.wigner_store import WignerRecord

KAPPA_UNIT = "W m⁻¹ K⁻¹"
_COMPONENTS = {"xx": 0, "yy": 1, "zz": 2}
_PARTS: tuple[tuple[str, Color], ...] = (("κ_p", 0), ("κ_c", 1), ("κ_p + κ_c", "total"))
_TEMPERATURE = Axis("Temperature (K)", "temperature_k")
_KAPPA = Axis(f"κ ({KAPPA_UNIT})", "kappa_w_m_k")


def component(tensors: FloatArray, axis: str) -> FloatArray:
    """A diagonal element (…) of tensors (…, 3, 3), or the mean of the three."""
    if axis == "mean":
        return np.asarray(np.trace(tensors, axis1=-2, axis2=-1) / 3)
    place = _COMPONENTS[axis]
    return np.asarray(tensors[..., place, place])


def directions(view: View) -> tuple[str, ...]:
    """The directions that a view shows."""
    return tuple(_COMPONENTS) if view.axis == "each" else (view.axis,)


def conductivity_drawing(
    entries: Sequence[Entry], records: Mapping[str, Any], view: View
) -> Drawing:
    """κ against temperature; below, what modes up to each energy carry."""
    wigner = [(e, records[e.key]) for e in entries if e.content == "kappa wigner"]
    measured = [(e, records[e.key]) for e in entries if e.content == "kappa measured"]
    laws = [(e, records[e.key]) for e in entries if e.content == "kappa power-law"]
    several = len(wigner) > 1
    curves = [
        *(c for e, one in wigner for c in _computed(one, view, f", {e.label}" if several else "")),
        *(c for _, one in measured for c in _measured(one, view)),
        *(c for number, (e, law) in enumerate(laws) for c in _law(e.label, law, number)),
    ]
    panels = [_against_temperature(curves, view)]
    if wigner:
        panels.append(_below_energy([(e.label, one) for e, one in wigner], view, several))
    return Drawing(
        "thermal conductivity",
        tuple(panels),
        _numbers(wigner, measured, laws, view),
        tuple(_notes(wigner, measured, view)),
    )


def _against_temperature(curves: Sequence[Curve], view: View) -> Panel:
    kelvins = np.concatenate([curve.x for curve in curves])
    first, last = float(kelvins.min()), float(kelvins.max())
    room = 0.06 * (last - first) or 0.2 * first
    values = [v for c in curves for v in (c.y, c.upper) if v is not None]
    within = (max(first - room, 0.0), last + room)
    return Panel(
        "κ along " + ", ".join(directions(view)).replace("mean", "the mean of the axes"),
        _TEMPERATURE,
        _KAPPA,
        tuple(curves),
        positive_range([np.array(within if first - room > 0 else (first, last + room))], 1.0)
        if view.log
        else within,
        positive_range(values) if view.log else range_from_zero(values, 1.15),
        mark_x=view.temperature_k,
        log_x=view.log,
        log_y=view.log,
    )


def _computed(one: WignerRecord, view: View, whose: str) -> list[Curve]:
    curves: list[Curve] = []
    wrong = "" if one.variant == "wigner" else f" WRONG ON PURPOSE ({one.variant})"
    for place, axis in enumerate(directions(view)):
        along = f" {axis}" if axis != "mean" else ""
        tensors = (one.kappa_p, one.kappa_c, one.kappa_p + one.kappa_c)
        for (part, color), tensor in zip(_PARTS, tensors, strict=True):
            name = f"{part}{along}{whose}{wrong}"
            kappa = component(tensor, axis)
            if len(kappa) > 1:
                curves.append(Curve(name, one.temperature_k, kappa, "line", color, place))
            curves.append(Curve(name, one.temperature_k, kappa, "points", color, symbol=place))
    return curves


def _measured(one: MeasuredRecord, view: View) -> list[Curve]:
    curves: list[Curve] = []
    kelvin = np.array([one.temperature_k])
    for place, axis in enumerate(directions(view)):
        along = f" {axis}" if axis != "mean" else ""
        values = (one.kappa_p, one.kappa_c, one.kappa_p + one.kappa_c)
        bands = (one.band_p, one.band_c, one.band)
        for (part, color), tensor, band in zip(_PARTS, values, bands, strict=True):
            low, high = component(band, axis)
            curves.append(
                Curve(
                    f"{part}{along}, IXS widths",
                    kelvin,
                    np.atleast_1d(component(tensor, axis)),
                    "points",
                    color if color != "total" else "data",
                    symbol=place + 3,
                    lower=np.array([low]),
                    upper=np.array([high]),
                    hollow=True,
                )
            )
    return curves


def _law(label: str, law: PowerLaw, number: int) -> list[Curve]:
    name = f"{label}: n = {law.n:.3f} ± {law.n_err:.3f}".replace("-", "−")
    between = np.geomspace(law.temperature_k[0], law.temperature_k[-1], 60)
    color = 2 + number
    return [
        Curve(name, between, law.at(between), color=color),
        Curve(name, law.temperature_k, law.kappa, "points", color, symbol=number),
    ]


def _below_energy(found: Sequence[tuple[str, WignerRecord]], view: View, several: bool) -> Panel:
    curves: list[Curve] = []
    kelvins: list[float] = []
    for label, one in found:
        row = _row(one, view)
        kelvins.append(float(one.temperature_k[row]))
        whose = f", {label}" if several else ""
        for place, axis in enumerate(directions(view)):
            along = f" {axis}" if axis != "mean" else ""
            particle, wave = one.cumulative_p[row], one.cumulative_c[row]
            for (part, color), cumulative in zip(
                _PARTS, (particle, wave, particle + wave), strict=True
            ):
                curve = (
                    cumulative[:, :3].mean(axis=1)
                    if axis == "mean"
                    else cumulative[:, _COMPONENTS[axis]]
                )
                name = f"{part}{along}{whose}"
                curves.append(Curve(name, one.energy_mev, curve, color=color, dash=place))
    top = max(float(one.energy_mev[-1]) for _, one in found)
    told = " and ".join(f"{kelvin:g} K" for kelvin in dict.fromkeys(kelvins))
    return Panel(
        f"carried by modes below E, {told}",
        Axis("Phonon energy (meV)", "energy_mev"),
        Axis(f"κ below E ({KAPPA_UNIT})", "kappa_below_w_m_k"),
        tuple(curves),
        (0.0, top),
        range_from_zero([curve.y for curve in curves], 1.15),
    )


def _row(one: WignerRecord, view: View) -> int:
    """The temperature nearest to the one looked at."""
    if view.temperature_k is None:
        return 0
    return int(np.argmin(np.abs(one.temperature_k - view.temperature_k)))


def _numbers(
    wigner: Sequence[tuple[Entry, WignerRecord]],
    measured: Sequence[tuple[Entry, MeasuredRecord]],
    laws: Sequence[tuple[Entry, PowerLaw]],
    view: View,
) -> Numbers:
    columns = ("Widths", "T (K)", *_tensor_columns(), "Audit")
    rows: list[tuple[str | float, ...]] = []
    for entry, one in wigner:
        for row, kelvin in enumerate(one.temperature_k):
            diagonals = (np.diag(one.kappa_p[row]), np.diag(one.kappa_c[row]))
            verdict = "passed" if one.audit(row).passed else "FAILED"
            rows.append((entry.label, float(kelvin), *_flat(*diagonals), verdict))
    for _, known in measured:
        verdict = "passed" if known.audit_passed else "FAILED"
        diagonals = (np.diag(known.kappa_p), np.diag(known.kappa_c))
        name = f"IXS: {known.lines} widths, {known.limits} limits"
        rows.append((name, known.temperature_k, *_flat(*diagonals), verdict))
    for entry, law in laws:
        for kelvin, kappa in zip(law.temperature_k, law.kappa, strict=True):
            blank = ("",) * (len(_tensor_columns()) - 1)
            rows.append((entry.label, float(kelvin), *blank, float(kappa), ""))
    marked = frozenset(
        number
        for number, row in enumerate(rows)
        if isinstance(row[1], float) and view.looks_at(row[1])
    )
    return Numbers(columns, tuple(rows), marked)


def _tensor_columns() -> tuple[str, ...]:
    names = [f"{part} {axis}" for part in ("κ_p", "κ_c") for axis in _COMPONENTS]
    return (*names, "κ_p mean", "κ_c mean", "κ mean")


def _flat(particle: FloatArray, wave: FloatArray) -> tuple[float, ...]:
    values = (*particle, *wave, particle.mean(), wave.mean(), particle.mean() + wave.mean())
    return tuple(float(value) for value in values)


def _notes(
    wigner: Sequence[tuple[Entry, WignerRecord]],
    measured: Sequence[tuple[Entry, MeasuredRecord]],
    view: View,
) -> list[str]:
    notes = [
        f"κ = κ_p (particle-like) + κ_c (wave-like), {KAPPA_UNIT}, Γ = FWHM = ħ/τ. Points with "
        "bars: measured (IXS) linewidths in place of computed ones, bars 16 to 84 % of draws."
    ]
    for entry, one in wigner:
        row = _row(one, view)
        both = np.trace(one.element_p[row] + one.element_c[row], axis1=-2, axis2=-1)
        shares = ", ".join(
            f"{element} {100 * share:.0f} %"
            for element, share in zip(one.elements, both / both.sum(), strict=True)
        )
        mesh = "×".join(map(str, one.mesh))
        notes.append(
            f"{entry.label}: mesh {mesh}, {one.source}; carried at {one.temperature_k[row]:g} K "
            f"by {shares}."
        )
        if not one.audit(row).passed:
            notes.append(f"{entry.label}: the audit FAILED at {one.temperature_k[row]:g} K.")
        notes += [f"{entry.label}: {note}" for note in one.notes]
    for _, known in measured:
        notes.append(
            f"IXS widths of {known.source} at {known.temperature_k:g} K cover "
            f"{100 * known.covered:.0f} % of the modes; the others keep the computed width."
        )
        notes += known.notes
    return notes
