"""The list of settings to measure, as the document holds it: plain data, as in a plan. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]
"""A setting as `simulate.planning.plan_record` has it."""


def with_entry(entries: Sequence[Entry], entry: Entry) -> list[Entry]:
    """One more at the end."""
    return [*entries, dict(entry)]


def without(entries: Sequence[Entry], place: int) -> list[Entry]:
    """Without the one at a place."""
    return [*entries[:place], *entries[place + 1 :]]


def moved(entries: Sequence[Entry], place: int, step: int) -> list[Entry]:
    """The one at a place `step` places later, no further than the ends."""
    rest = without(entries, place)
    new = min(max(place + step, 0), len(rest))
    return [*rest[:new], entries[place], *rest[new:]]


def with_hours(entries: Sequence[Entry], place: int, hours: float) -> list[Entry]:
    """With other counting hours at a place; the σ of its targets follow as 1/√t."""
    entry = entries[place]
    scale = (entry["hours"] / hours) ** 0.5
    targets = [
        {
            **target,
            **{
                name: target[name] * scale
                for name in ("sigma_energy_mev", "sigma_fwhm_mev")
                if target.get(name) is not None
            },
        }
        for target in entry["targets"]
    ]
    changed = {**entry, "hours": hours, "targets": targets}
    return [*entries[:place], changed, *entries[place + 1 :]]


def total_hours(entries: Sequence[Entry], move_hours: float) -> float:
    """Counting and moving, as a plan counts them."""
    return float(sum(entry["hours"] + move_hours for entry in entries))


def purpose(entry: Entry) -> str:
    """What a setting is for, short: "a04 branch 1, 2"."""
    by_analyzer: dict[str, list[str]] = {}
    for target in entry["targets"]:
        if target["assigned"]:
            by_analyzer.setdefault(target["analyzer"], []).append(str(target["branch"]))
    if by_analyzer:
        return "; ".join(f"{name} branch {', '.join(b)}" for name, b in by_analyzer.items())
    return str(entry["placed"]["analyzer"] or "arm's centre")
