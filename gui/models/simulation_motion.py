"""Drawings of how ions move: mean-square displacements with D, and densities of states. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.simulation_drawing import (
    Axis,
    Curve,
    Drawing,
    Numbers,
    Panel,
    View,
    people,
    positive_range,
    range_from_zero,
)
from gui.models.simulation_results import Entry
from simulate.md.diffusion_coefficient import Diffusion
from simulate.md.displacement_curves import diffusion_line, displacement_curve
from simulate.md.energy_reach import states_reach_mev

if TYPE_CHECKING:
    from simulate.md.displacements import MeanSquareDisplacement
    from simulate.md.hop_statistics import HopRate
    from simulate.md.vibrational_states import PhononDos

_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Displaced:
    """Displacements of a run with its diffusion coefficients."""

    msd: MeanSquareDisplacement
    coefficients: tuple[Diffusion, ...]


def run_names(entries: Sequence[Entry]) -> dict[str, str]:
    """What each run is called: its temperature where that tells it from the others."""
    kelvins = [f"{e.temperature_k:.0f} K" if e.temperature_k else e.label for e in entries]
    labels = kelvins if len(set(kelvins)) == len(kelvins) else [e.label for e in entries]
    return {entry.key: label for entry, label in zip(entries, labels, strict=True)}


def displacement_drawing(
    entries: Sequence[Entry], records: Mapping[str, Any], view: View
) -> Drawing:
    """⟨Δr²⟩ of each element with its error, and the line of D or of its limit."""
    runs = [entry for entry in entries if entry.content == "md displacements"]
    names = run_names(runs)
    elements = tuple(dict.fromkeys(e for run in runs for e in records[run.key].msd.elements))
    curves: list[Curve] = []
    rows: list[tuple[str | float, ...]] = []
    marked: set[int] = set()
    for number, run in enumerate(runs):
        found: Displaced = records[run.key]
        looked_at = view.looks_at(run.temperature_k)
        for element in found.msd.elements:
            color = elements.index(element)
            curves += _displacements(
                found, element, names[run.key], view, (color, number), looked_at
            )
        for one in found.coefficients:
            if one.axis == view.axis:
                marked |= {len(rows)} if looked_at else set()
            rows.append((run.label, run.temperature_k or "not known", *_stated(one)))
    title = "⟨|Δr|²⟩, x, y and z together" if view.axis == "all" else f"⟨Δ{view.axis}²⟩"
    times = [curve.x[curve.x > 0] for curve in curves]
    longest = max((float(t.max()) for t in times if t.size), default=1.0)
    drawn = [curve.y for curve in curves if curve.look == "line" and curve.dash != _LINE_DASH]
    panel = Panel(
        title,
        Axis("Time (ps)", "time_ps"),
        Axis("Mean-square displacement (Å²)", "msd_A2"),
        tuple(curves),
        positive_range(times, 1.0) if view.log else (0.0, longest),
        positive_range(drawn) if view.log else range_from_zero(drawn),
        log_x=view.log,
        log_y=view.log,
    )
    columns = (
        *("Run", "T (K)", "Element", "Along", "D (cm²/s)", "± (cm²/s)", "D below, 95 % (cm²/s)"),
        *("Fitted (ps)", "d ln MSD/d ln t"),
    )
    notes = (
        f"Dashed: line of D (slope {'6D' if view.axis == 'all' else '2D'}) or of its 95 % limit, "
        "broad where it was fitted. Bands: standard errors from time blocks, as far as a block "
        "reaches. Motion is diffusive where d ln MSD/d ln t is 1.",
        *(_hops(entry, records[entry.key]) for entry in entries if entry.content == "md hops"),
    )
    numbers = Numbers(columns, tuple(rows), frozenset(marked))
    return Drawing("mean-square displacements", (panel,), numbers, notes)


_LINE_DASH = 1  # of the line of D


def _displacements(
    found: Displaced,
    element: str,
    run: str,
    view: View,
    place: tuple[int, int],
    looked_at: bool,
) -> list[Curve]:
    """The curve of an element, and, for the temperature looked at, the line of its D."""
    color, number = place
    axis = view.axis
    curve = displacement_curve(found.msd, element, axis)
    later = slice(1 if view.log else 0, None)
    known = np.where(curve.msd_A2 > 0, curve.msd_A2, np.nan) if view.log else curve.msd_A2
    curves = [
        Curve(
            f"{element}, {run}",
            curve.time_ps[later],
            known[later],
            color=color,
            dash=2 * number,
            lower=(curve.msd_A2 - curve.stderr_A2)[later],
            upper=(curve.msd_A2 + curve.stderr_A2)[later],
            faint=not looked_at,
        )
    ]
    whole = [one for one in found.coefficients if (one.element, one.axis) == (element, axis)]
    if looked_at and whole:
        one = whole[0]
        line = diffusion_line(found.msd, one)
        name = f"{element}, {run}: {coefficient_text(one)}"
        after = curve.time_ps >= one.window_ps[0]
        fitted = after & (curve.time_ps <= one.window_ps[1])
        for rows, width, dash in ((after, 1.0, _LINE_DASH), (fitted, 3.0, 0)):
            x, y = curve.time_ps[rows], line[rows]
            curves.append(Curve(name, x, y, color=color, dash=dash, width=width))
    return curves


def coefficient_text(one: Diffusion) -> str:
    """ "D = 1.2e−5 ± 3e−6 cm²/s" or "D < 2e−5 cm²/s"."""
    if one.upper_limit is not None:
        return people(f"D < {one.upper_limit:.1e} cm²/s")
    error = "" if np.isnan(one.stderr) else f" ± {one.stderr:.0e}"
    return people(f"D = {one.value:.2e}{error} cm²/s")


def _stated(one: Diffusion) -> tuple[str | float, ...]:
    limited = one.upper_limit is not None
    return (
        one.element,
        "x, y, z" if one.axis == "all" else one.axis,
        "" if limited else one.value,
        "" if limited or np.isnan(one.stderr) else one.stderr,
        one.upper_limit if one.upper_limit is not None else "",
        f"{one.window_ps[0]:.3g} to {one.window_ps[1]:.3g}",
        one.log_log_slope,
    )


def _hops(entry: Entry, rate: HopRate) -> str:
    """What is known of completed hops, in a sentence."""
    start = f"Hops, {entry.label}: {rate.count} completed in {rate.time_ps:.0f} ion·ps"
    if rate.upper_limit is not None:
        return people(f"{start}; fewer than {rate.upper_limit:.1e} per ion and ps (95 %).")
    low, high = rate.interval
    told = f"{start}; {rate.per_ps:.2e} per ion and ps (95 %: {low:.1e} to {high:.1e})"
    return people(f"{told}, residence {rate.residence_ps:.3g} ps.")


def states_drawing(entries: Sequence[Entry], records: Mapping[str, Any], view: View) -> Drawing:
    """States of each element by direction, one panel below the other."""
    names = run_names(entries)
    found: list[tuple[Entry, PhononDos]] = [(entry, records[entry.key]) for entry in entries]
    elements = tuple(dict.fromkeys(e for _, dos in found for e in dos.elements))
    reach = 1.05 * max(states_reach_mev(dos) for _, dos in found)
    panels = []
    for place, element in enumerate(elements):
        curves = [
            curve
            for number, (entry, dos) in enumerate(found)
            if element in dos.elements
            for curve in _states(dos, element, names[entry.key], number, view, entry)
        ]
        panels.append(
            Panel(
                element,
                Axis("Energy (meV)", "energy_mev"),
                Axis("States per meV", "states_per_mev"),
                tuple(curves),
                (0.0, reach),
                range_from_zero([curve.y for curve in curves]),
                joined=place > 0,
            )
        )
    return Drawing(
        "density of states",
        tuple(panels),
        _states_numbers(found, view),
        (
            "States per meV of all atoms of an element in the simulated cell, along x, y, z: "
            "the integral over all elements and directions is 3N.",
            *(
                f"{names[entry.key]}: {dos.temperature_k:.0f} K, resolution "
                f"{dos.resolution_mev:.2g} meV (FWHM), from {dos.source}."
                for entry, dos in found
            ),
            *(f"{names[entry.key]}: {note}" for entry, dos in found for note in dos.notes),
        ),
    )


def _states(
    dos: PhononDos, element: str, run: str, number: int, view: View, entry: Entry
) -> list[Curve]:
    states = dos.dos[dos.elements.index(element)]
    faint = not view.looks_at(entry.temperature_k)
    if view.axis == "sum":
        name = f"x + y + z, {run}"
        return [Curve(name, dos.energy_mev, states.sum(axis=0), color=number, faint=faint)]
    return [
        Curve(f"{axis}, {run}", dos.energy_mev, curve, color=color, dash=2 * number, faint=faint)
        for color, (axis, curve) in enumerate(zip(_AXES, states, strict=True))
    ]


def _states_numbers(found: Sequence[tuple[Entry, PhononDos]], view: View) -> Numbers:
    rows: list[tuple[str | float, ...]] = []
    marked: set[int] = set()
    for entry, dos in found:
        soft = 1 / np.sqrt(dos.mean_inverse_square())
        step = float(dos.energy_mev[1] - dos.energy_mev[0])
        parts = zip(dos.elements, dos.maximum_mev(), soft, dos.dos, strict=True)
        for element, maxima, energies, states in parts:
            marked |= {len(rows)} if view.looks_at(entry.temperature_k) else set()
            count = float(np.trapezoid(states.sum(axis=0), dx=step))
            numbers = (float(value) for value in (*maxima, *energies))
            rows.append((entry.label, dos.temperature_k, element, count, *numbers))
    columns = (
        *("Run", "T (K)", "Element", "States"),
        *(f"Maximum {axis} (meV)" for axis in _AXES),
        *(f"⟨E⁻²⟩^−½ {axis} (meV)" for axis in _AXES),
    )
    return Numbers(columns, tuple(rows), frozenset(marked))
