"""Drawing of Green-Kubo results: correlation of the heat flux and its running integral. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.simulation_conductivity import KAPPA_UNIT
from gui.models.simulation_drawing import (
    Axis,
    Cell,
    Curve,
    Drawing,
    Numbers,
    Panel,
    Region,
    View,
    positive_range,
)
from gui.models.simulation_results import Entry

if TYPE_CHECKING:
    from simulate.transport.kappa_from_flux import GreenKubo

_AXES = ("x", "y", "z")
_ESTIMATE = "estimate ± error"


def green_kubo_drawing(entries: Sequence[Entry], records: Mapping[str, Any], view: View) -> Drawing:
    """Correlation of each axis; below, κ up to a time, with the estimate and the plateau."""
    several = len(entries) > 1
    found: list[tuple[str, GreenKubo]] = [
        (f", {entry.label}" if several else "", records[entry.key]) for entry in entries
    ]
    ranges = [one.integral.drawn_range() for _, one in found]
    last, low, high = (
        max(r[0] for r in ranges),
        min(r[1] for r in ranges),
        max(r[2] for r in ranges),
    )
    time = Axis("Time (ps)", "time_ps")
    correlation = [c for n, (whose, one) in enumerate(found) for c in _correlation(one, whose, n)]
    integral = [c for n, (whose, one) in enumerate(found) for c in _integral(one, whose, n, view)]
    times = [curve.x[curve.x > 0] for curve in correlation]
    panels = (
        Panel(
            "correlation of the heat flux",
            time,
            Axis("⟨J(0)·J(t)⟩ / ⟨J²⟩", "correlation"),
            tuple(correlation),
            positive_range(times, 1.0),
            (min(-0.1, 1.1 * min(float(c.y.min()) for c in correlation)), 1.08),
            log_x=True,
        ),
        Panel(
            "running integral",
            time,
            Axis(f"κ up to t ({KAPPA_UNIT})", "kappa_w_m_k"),
            tuple(integral),
            (0.0, last),
            (low, high),
            regions=tuple(r for _, one in found for r in _plateau(one, low, high)),
            height=2,
        ),
    )
    return Drawing("Green-Kubo", panels, _numbers(entries, records), tuple(_notes(found)))


def _correlation(one: GreenKubo, whose: str, number: int) -> list[Curve]:
    """The mean of the axes, each by its own value at t = 0."""
    integral = one.integral
    later = integral.time_ps > 0
    curves = []
    for place, axis in enumerate(_AXES):
        curve = integral.correlation[:, place]
        share = (curve / curve[0])[later]
        name = f"{axis}{whose}"
        curves.append(Curve(name, integral.time_ps[later], share, color=place, dash=number))
    return curves


def _integral(one: GreenKubo, whose: str, number: int, view: View) -> list[Curve]:
    integral = one.integral
    time, mean, error = integral.time_ps, integral.mean, integral.mean_err
    curves: list[Curve] = []
    if view.axis == "each":
        curves += [
            Curve(f"{axis}{whose}", time, integral.running[:, place], color=place, dash=number)
            for place, axis in enumerate(_AXES)
        ]
    curves.append(
        Curve(
            f"mean ± error{whose}",
            time,
            mean,
            color="data",
            dash=number,
            lower=mean - error,
            upper=mean + error,
            width=1.5,
        )
    )
    if np.isfinite(one.kappa):
        flat = np.full(2, one.kappa)
        ends = np.array([time[0], time[-1]])
        curves.append(
            Curve(
                f"{_ESTIMATE}, {one.method}{whose}",
                ends,
                flat,
                color="total",
                dash=1,
                lower=flat - one.stderr,
                upper=flat + one.stderr,
            )
        )
    return curves


def _plateau(one: GreenKubo, low: float, high: float) -> tuple[Region, ...]:
    if one.plateau is None:
        return ()
    x = np.array(one.plateau)
    place = (float(x.mean()), high - 0.06 * (high - low))
    return (Region("plateau", x, np.full(2, low), np.full(2, high), "good", place, (0.5, 0.5)),)


def _numbers(entries: Sequence[Entry], records: Mapping[str, Any]) -> Numbers:
    columns = (
        "Fluxes",
        "Method",
        *(f"{name} ({KAPPA_UNIT})" for name in ("κ", "±", "κ xx", "κ yy", "κ zz")),
        "Plateau",
    )
    rows: list[tuple[Cell, ...]] = []
    for entry in entries:
        one: GreenKubo = records[entry.key]
        along = tuple(float(value) for value in one.per_axis)
        reason = one.integral.plateau_reason
        rows.append((entry.label, one.method, float(one.kappa), float(one.stderr), *along, reason))
    return Numbers(columns, tuple(rows))


def _notes(found: Sequence[tuple[str, GreenKubo]]) -> list[str]:
    notes = [
        "κ = V/(3 k_B T²) ∫⟨J(0)·J(t)⟩dt per unit volume; the estimate is that of the cepstral "
        "analysis where there is one, else that of the plateau."
    ]
    for whose, one in found:
        notes.append(f"Plateau{whose}: {one.integral.plateau_reason}")
        notes += one.integral.notes
        if one.cepstral is not None:
            notes += one.cepstral.notes
    return list(dict.fromkeys(notes))
