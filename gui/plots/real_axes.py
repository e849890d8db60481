"""Logarithmic axes with plain numbers at 1-2-5 ticks, and an axis of widths beside lifetimes."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg

from ixs_core.units import HBAR_MEV_PS

_MANY = 2.0  # decades from which on only whole decades have numbers
_VERY_MANY = 7.0


class LogAxis(pg.AxisItem):
    """An axis whose values are logarithms; its numbers are real ones."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list]]:
        """Ticks with numbers, then ticks without."""
        low, high = sorted((minVal, maxVal))
        named = decade_ticks(low, high)
        between = [v for v in _at(low, high, range(1, 10)) if v not in named]
        return [(1.0, named), (0.1, between if high - low < _VERY_MANY else [])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Real numbers at named ticks, nothing at those between."""
        if spacing < 1.0:
            return [""] * len(values)
        return [real_number(10.0**value) for value in values]


class FwhmAxis(LogAxis):
    """Beside an axis of log τ (ps): the widths FWHM = ħ/τ (meV) of the same heights."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list]]:
        """Ticks at round widths."""
        shift = float(np.log10(HBAR_MEV_PS))
        found = super().tickValues(shift - maxVal, shift - minVal, size)
        return [(spacing, [shift - value for value in values]) for spacing, values in found]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Widths in meV."""
        shift = float(np.log10(HBAR_MEV_PS))
        return super().tickStrings([shift - value for value in values], scale, spacing)


def decade_ticks(low: float, high: float) -> list[float]:
    """Logarithms of round numbers between two logarithms: 1-2-5, or decades where many."""
    span = high - low
    if span >= _VERY_MANY:
        step = int(np.ceil(span / _VERY_MANY))
        first = int(np.ceil(low / step)) * step
        return [float(v) for v in range(first, int(np.floor(high)) + 1, step)]
    digits = (1,) if span >= _MANY else (1, 2, 5)
    found = _at(low, high, digits)
    if len(found) < 2:  # within less than a factor of two
        found = [float(np.log10(value)) for value in _even(10.0**low, 10.0**high)]
    return found


def _at(low: float, high: float, digits: range | tuple[int, ...]) -> list[float]:
    decades = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 1)
    every = (float(np.log10(d * 10.0**decade)) for decade in decades for d in digits)
    return [value for value in every if low - 1e-9 <= value <= high + 1e-9]


def _even(low: float, high: float) -> list[float]:
    """Evenly spaced round numbers between two positive ones, about four."""
    rough = (high - low) / 4
    size = 10.0 ** np.floor(np.log10(rough))
    step = min((d * size for d in (1, 2, 5, 10)), key=lambda one: abs(one - rough))
    numbers = range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)
    return [number * step for number in numbers]


def real_number(value: float) -> str:
    """A number at a tick: plain between 0.001 and 9999, else a power of ten."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    power = f"10{str(int(exponent)).translate(_RAISED)}"
    return power if mantissa == "1" else f"{mantissa}·{power}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
