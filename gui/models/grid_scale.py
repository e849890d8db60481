"""Rows and columns, fixed ranges and ticks of a grid of small spectra. Qt-free.

Ranges are round numbers, so that they stay while points arrive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gui.models.scan_grid import PanelData
from ixs_core.arrays import FloatArray

LOG_FLOOR = 0.5  # where zero counts stand on a logarithmic axis
_WIDE = 1.75  # columns per row that suit a window
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS = (1.0, 2.0, 5.0, 10.0)
_EDGE_MEV = 5.0
_EMPTY_RANGE = (-20.0, 20.0)
_FEWEST_COUNTS = 4.0
_HIGHEST_TICK = 0.93

Tick = tuple[float, str]


@dataclass(frozen=True)
class CountScale:
    """How counts are scaled.

    Parameters
    ----------
    log : bool
        Logarithmic instead of linear.
    common : bool
        One scale for all instead of one for each.
    whole : bool
        Up to the top of the elastic line instead of up to the phonons (linear only).
    """

    log: bool = False
    common: bool = False
    whole: bool = False


def grid_shape(number: int) -> tuple[int, int]:
    """Rows and columns for a number of panels: 4 × 7 for 28."""
    if number < 1:
        return 0, 0
    rows = max(1, round(math.sqrt(number / _WIDE)))
    return rows, math.ceil(number / rows)


def energy_range(
    panels: Sequence[PanelData], requested_points: int | None = None
) -> tuple[float, float]:
    """One range of energy transfer for all, in meV.

    With `requested_points` it reaches to where equal steps will end, so that it stays while a
    scan is measured.
    """
    ends = [_ends(panel.points.energy_mev, requested_points) for panel in panels]
    known = [pair for pair in ends if pair is not None]
    if not known:
        return _EMPTY_RANGE
    low, high = min(pair[0] for pair in known), max(pair[1] for pair in known)
    # A zero that is off by a fraction must not ask for five meV more.
    slack = 0.2 * _EDGE_MEV
    first = _EDGE_MEV * math.floor((low + slack) / _EDGE_MEV)
    return first, max(_EDGE_MEV * math.ceil((high - slack) / _EDGE_MEV), first + _EDGE_MEV)


def _ends(energy: FloatArray, requested: int | None) -> tuple[float, float] | None:
    """First and last energy, of points still to be measured as well."""
    if not energy.size:
        return None
    low, high = float(energy.min()), float(energy.max())
    if requested is None or energy.size < 2 or requested <= energy.size:
        return low, high
    # Points are sorted by energy: which end a scan began at is not known, most begin low.
    return low, low + (high - low) / (energy.size - 1) * (requested - 1)


def count_tops(panels: Sequence[PanelData], scale: CountScale) -> list[float]:
    """The upper end of each panel's count axis; the dead do not decide a common one."""
    tops = [_top(panel, scale) for panel in panels]
    if scale.common and tops:
        living = [top for top, panel in zip(tops, panels, strict=True) if not panel.dead]
        return [max(living or tops)] * len(tops)
    return tops


def cut_height(panel: PanelData, top: float) -> float | None:
    """How high the elastic line goes where the axis ends below it, else None."""
    full = float(panel.points.counts.max(initial=0.0))
    return full if full > top else None


def _top(panel: PanelData, scale: CountScale) -> float:
    points = panel.points
    full = float(points.upper.max(initial=_FEWEST_COUNTS))
    if scale.log:
        return _rounded_up(1.5 * full)
    if scale.whole:
        return _rounded_up(1.05 * full)
    away = np.abs(points.energy_mev) > panel.near_mev
    phonons = 1.2 * float(points.upper[away].max(initial=_FEWEST_COUNTS))
    return _rounded_up(1.05 * full if full <= 2 * phonons else phonons)


def _rounded_up(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return decade * next(step for step in _ROUND if step * decade >= value * (1 - 1e-9))


def count_ticks(top: float, *, log: bool) -> list[Tick]:
    """Ticks of a count axis; on a logarithmic one at log10 of decades."""
    if log:
        last = math.floor(math.log10(top) + 1e-9)
        every = max(1, math.ceil((last + 1) / 4))
        return [(float(d), _short(10.0**d)) for d in range(0, last + 1, every)]
    step = _step(top, 4.0)
    # A number at the very top would stand in the title of the panel.
    return [(i * step, _short(i * step)) for i in range(int(_HIGHEST_TICK * top / step) + 1)]


def energy_ticks(low: float, high: float) -> list[Tick]:
    """Ticks of a small energy axis."""
    step = _step(high - low, 5.0)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [(i * step, f"{i * step:g}".replace("-", "−")) for i in range(first, last + 1)]


def _step(length: float, most: float) -> float:
    """The smallest round step that gives at most so many."""
    rough = length / most
    decade = 10.0 ** math.floor(math.log10(rough))
    return decade * next(step for step in _STEPS if step * decade >= rough * (1 - 1e-9))


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
