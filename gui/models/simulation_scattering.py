"""Drawing of S(Q,E) of simulations, with phonons beside it where there are. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from gui.models.simulation_motion import run_names
from gui.models.simulation_results import Entry
from ixs_core.terminal_tables import hkl_text
from simulate.md.energy_reach import scattering_reach_mev

if TYPE_CHECKING:
    from simulate.md.phonon_comparison import PhononCurves
    from simulate.md.scattering_spectrum import DynamicStructureFactor

ENERGY = Axis("Energy transfer (meV), E > 0: energy loss", "energy_mev")
MOST_PANELS = 4


@dataclass(frozen=True)
class Scattered:
    """S(Q,E) of a simulation, and of phonons at the same Q."""

    found: DynamicStructureFactor
    phonons: PhononCurves | None

    @property
    def beside(self) -> PhononCurves | None:
        """The phonons, where they are on the energies of the simulation."""
        lines = self.phonons
        if lines is not None and np.array_equal(lines.energy_mev, self.found.energy_mev):
            return lines
        return None


def wave_vectors(entries: Sequence[Entry], records: Mapping[str, Any]) -> tuple[str, ...]:
    """The wave vectors of all simulations, each once, in their order."""
    return tuple(
        dict.fromkeys(q_text(hkl) for entry in entries for hkl in records[entry.key].found.q_hkl)
    )


def q_text(hkl: Iterable[float]) -> str:
    """ "(7.000 −6.300 0.000)"."""
    return f"({people(hkl_text(hkl))})"


def scattering_drawing(entries: Sequence[Entry], records: Mapping[str, Any], view: View) -> Drawing:
    """Inelastic S(Q,E) with its standard error; phonons dashed, in the same units."""
    names = run_names(entries)
    vectors = wave_vectors(entries, records)
    chosen = vectors[:MOST_PANELS] if view.row < 0 else (vectors[min(view.row, len(vectors) - 1)],)
    reach = max(scattering_reach_mev(records[entry.key].found) for entry in entries)
    panels = []
    for place, vector in enumerate(chosen):
        curves: list[Curve] = []
        elastic: list[str] = []
        for number, entry in enumerate(entries):
            one: Scattered = records[entry.key]
            rows = [i for i, hkl in enumerate(one.found.q_hkl) if q_text(hkl) == vector]
            for row in rows[:1]:
                curves += _curves(one, row, names[entry.key], number, view, entry)
                elastic.append(f"{one.found.elastic[row]:.3g}")
        unit = records[entries[0].key].found.unit
        shown = [
            (curve.y if curve.upper is None else curve.upper)[np.abs(curve.x) <= reach]
            for curve in curves
        ]
        panels.append(
            Panel(
                f"{vector} · elastic line {', '.join(elastic)} {unit.removesuffix('/meV')}",
                ENERGY,
                Axis(f"S ({unit})", "scattering_per_atom"),
                tuple(curves),
                (-reach, reach),
                _decades(shown) if view.log else range_from_zero(shown),
                log_y=view.log,
                joined=place > 0,
            )
        )
    notes = [
        "S(Q,E) per atom, E > 0 energy loss, at the wave vectors that the simulated cell holds; "
        "bands ± 1σ; the elastic line has no width and is told by its area. Phonons stand in the "
        "same units, without any scale between them.",
        *(_resolution(names[entry.key], records[entry.key]) for entry in entries),
    ]
    if view.row < 0 and len(vectors) > MOST_PANELS:
        notes.append(f"Shown are {MOST_PANELS} of {len(vectors)} wave vectors: choose above.")
    return Drawing("S(Q,E)", tuple(panels), _numbers(entries, records, view), tuple(notes))


def _curves(
    one: Scattered, row: int, run: str, number: int, view: View, entry: Entry
) -> list[Curve]:
    found, lines = one.found, one.beside
    faint = not view.looks_at(entry.temperature_k)
    curve = found.inelastic[row]
    error = found.relative_error * curve
    energy = found.energy_mev
    curves = [
        Curve(
            f"simulation, {run}",
            energy,
            curve,
            color=2 * number,
            lower=np.maximum(curve - error, 0),
            upper=curve + error,
            faint=faint,
        )
    ]
    if lines is not None:
        name = f"phonons, {lines.source}"
        beside = lines.inelastic[row]
        curves.append(Curve(name, energy, beside, color="total", dash=1, faint=faint))
    return curves


def _decades(shown: Sequence[np.ndarray]) -> tuple[float, float]:
    """At most four decades: below, a curve is what windows leave."""
    low, high = positive_range(list(shown))
    return max(low, high * 1e-4), high


def _resolution(run: str, one: Scattered) -> str:
    found = one.found
    text = (
        f"{run}: {found.segments} segments of {found.segment_ps:.3g} ps, resolution "
        f"{found.fwhm_mev:.2g} meV (FWHM), quantum correction {found.quantum}."
    )
    if one.phonons is not None and one.beside is None:
        text += " The phonons kept beside it are on other energies and left out."
    return " ".join((text, *found.notes))


def _numbers(entries: Sequence[Entry], records: Mapping[str, Any], view: View) -> Numbers:
    rows: list[tuple[str | float, ...]] = []
    marked: set[int] = set()
    for entry in entries:
        found = records[entry.key].found
        for row, hkl in enumerate(found.q_hkl):
            marked |= {len(rows)} if view.looks_at(entry.temperature_k) else set()
            rows.append(
                (
                    entry.label,
                    found.temperature_k if found.temperature_k is not None else "not known",
                    q_text(hkl),
                    float(found.q_abs[row]),
                    float(found.distance[row]),
                    float(found.elastic[row]),
                    float(found.static[row]),
                )
            )
    columns = ("Run", "T (K)", "Q (r.l.u.)", "|Q| (Å⁻¹)", "|ΔQ| (Å⁻¹)", "Elastic", "S(Q)")
    return Numbers(columns, tuple(rows), frozenset(marked))
