"""Drawing of lifetimes between the limits of Ioffe and Regel and of Wigner. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gui.models.simulation_drawing import (
    Axis,
    Cell,
    Color,
    Curve,
    Drawing,
    Numbers,
    Panel,
    Region,
    View,
)
from gui.models.simulation_results import Entry
from ixs_core.arrays import FloatArray
from ixs_core.units import HBAR_MEV_PS
from simulate.transport.regime_curves import (
    lifetime_interval,
    lifetime_range,
    limit_energies,
    top_energy,
    well_known,
)
from simulate.transport.regimes import REGIMES, Lifetimes, RegimeLimits

if TYPE_CHECKING:
    from ixs_core.arrays import BoolArray

IOFFE_REGEL = "Ioffe-Regel, τ = 1/ω"
_POINTS: tuple[Color, ...] = ("total", 0, "data", 2)
_CLOUDS: tuple[Color, ...] = (4, 3, 1, 5)


@dataclass(frozen=True)
class LifetimeSet:
    """Lifetimes at a temperature, of one or several sources, with the limits of the crystal.

    `few_q`: ω_max is that of some wave vectors only, and so is Wigner's limit.
    """

    temperature_k: float | None
    sources: tuple[Lifetimes, ...]
    limits: RegimeLimits
    notes: tuple[str, ...] = ()
    few_q: bool = False


def lifetime_drawing(entries: Sequence[Entry], records: Mapping[str, Any], view: View) -> Drawing:
    """τ = ħ/FWHM against energy at the temperature looked at, with both limits."""
    every: list[LifetimeSet] = [one for entry in entries for one in records[entry.key]]
    sets = [one for one in every if view.looks_at(one.temperature_k)] or every
    sources = tuple({one.name: one for part in reversed(sets) for one in part.sources}.values())
    sources = tuple(sorted(sources, key=lambda one: one.measured))
    best = min(sets, key=lambda part: part.few_q)
    limits = best.limits
    top = top_energy(sources)
    low, high = lifetime_range(sources, limits, top)
    start = 0.5 * min(float(one.energy_mev.min()) for one in sources) if view.log else 0.0
    kelvin = "" if view.temperature_k is None else f" at {view.temperature_k:.0f} K"
    panel = Panel(
        f"Lifetimes{kelvin}",
        Axis("Energy (meV)", "energy_mev"),
        Axis("Lifetime τ = ħ/FWHM (ps)", "lifetime_ps"),
        (*_limit_curves(limits, top), *_source_curves(sources)),
        (start, top),
        (low, high),
        regions=_regions(limits, top, low, high),
        log_x=view.log,
        log_y=True,
        with_fwhm=True,
    )
    notes = [
        "Above Wigner's limit transport is particle-like, below it wave-like; below Ioffe-Regel "
        "a phonon decays before it has vibrated once (FWHM > ħω). Arrows: widths that are not "
        "resolved, lifetime at least this (95 %). Bars: standard errors.",
        f"Wigner's limit: ħΔω_avg = ħω_max/(3N) = {limits.average_spacing_mev:.3g} meV, "
        f"τ = {limits.wigner_ps:.3g} ps.",
    ]
    if best.few_q:
        notes.append("ω_max is that of the wave vectors shown only: `ixs kappa regimes` knows all.")
    notes += [note for part in sets for note in part.notes]
    return Drawing(f"lifetimes{kelvin}", (panel,), _numbers(sources, limits), tuple(notes))


def wigner_name(limits: RegimeLimits) -> str:
    """Wigner's limit in the legend."""
    return f"Wigner, τ = 1/Δω_avg = {limits.wigner_ps:.2g} ps"


def _limit_curves(limits: RegimeLimits, top: float) -> tuple[Curve, Curve]:
    energy = limit_energies(top)
    flat = np.full_like(energy, limits.wigner_ps)
    return (
        Curve(IOFFE_REGEL, energy, limits.ioffe_regel_ps(energy), color="quiet", width=1.5),
        Curve(wigner_name(limits), energy, flat, color="quiet", dash=1, width=1.5),
    )


def _regions(
    limits: RegimeLimits, top: float, low: float, high: float
) -> tuple[Region, Region, Region]:
    energy = limit_energies(top)
    border = limits.ioffe_regel_ps(energy)
    between = np.maximum(border, limits.wigner_ps)
    floor, ceiling = np.full_like(energy, low / 100), np.full_like(energy, high * 100)
    right = 0.985 * top
    lowest = max(HBAR_MEV_PS / top, low)
    return (
        Region("particle-like", energy, between, ceiling, "good", (right, high / 1.25), (1.0, 0.5)),
        Region(
            "wave-like",
            energy,
            border,
            between,
            0,
            (right, float(np.sqrt(limits.wigner_ps * lowest))),
        ),
        Region(
            "below Ioffe-Regel",
            energy,
            floor,
            border,
            "total",
            (0.02 * top, low * 1.15),
            (0.0, 0.5),
        ),
    )


def _source_curves(sources: Sequence[Lifetimes]) -> list[Curve]:
    curves: list[Curve] = []
    clouds = [one for one in sources if not one.measured]
    for number, one in enumerate(clouds):
        color = _CLOUDS[number % len(_CLOUDS)]
        curves.append(Curve(one.name, one.energy_mev, one.lifetime_ps, "cloud", color))
    points = [one for one in sources if one.measured]
    for number, one in enumerate(points):
        curves += _points(one, _POINTS[number % len(_POINTS)], number)
    return curves


def _points(one: Lifetimes, color: Color, symbol: int) -> list[Curve]:
    """Resolved widths with their errors, those with large errors faint, and limits."""
    shortest, longest = lifetime_interval(one)
    sharp = well_known(one)
    vague = ~one.is_limit & ~sharp

    def some(rows: BoolArray, name: str, faint: bool) -> Curve:
        lower: FloatArray = shortest[rows]
        return Curve(
            name,
            one.energy_mev[rows],
            one.lifetime_ps[rows],
            "points",
            color,
            symbol=symbol,
            lower=lower,
            upper=longest[rows],
            x_error=one.energy_err[rows],
            faint=faint,
        )

    curves = []
    if vague.any():
        curves.append(some(vague, f"{one.name}: error above half", True))
    if sharp.any():
        curves.append(some(sharp, f"{one.name}: ± σ", False))
    if one.is_limit.any():
        rows = one.is_limit
        curves.append(
            Curve(
                f"{one.name}: at least (95 %)",
                one.energy_mev[rows],
                one.lifetime_ps[rows],
                "limits",
                color,
                faint=True,
            )
        )
    return curves


def _numbers(sources: Sequence[Lifetimes], limits: RegimeLimits) -> Numbers:
    columns = (
        *("Source", "T (K)", "Lines", "Limits", "Regime open"),
        *(f"{regime} (%)" for regime in REGIMES),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.name,
            one.temperature_k,
            str(len(one.energy_mev)),
            str(int(one.is_limit.sum())),
            str(int((~one.decided(limits)).sum())),
            *(100 * float(share) for share in one.shares(limits)),
        )
        for one in sources
    )
    return Numbers(columns, rows)
