"""What the tab Simulation draws, as numbers: panels with curves, a table, things to know. Qt-free.

The drawing on screen, the figure for paper and the table of its numbers are made of the same
panels, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray

Look = Literal["line", "points", "cloud", "counts", "limits"]
"""Line (with a band, where it has ends); points with bars; many small points; counts of a
spectrum; arrows that begin at a lower limit."""

Color = int | Literal["data", "total", "quiet", "good"]
"""Number of a series of the theme, or one of its named colours."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis: its label with unit, and the name of its column in a table of numbers."""

    label: str
    column: str


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve, a band or a set of points.

    Parameters
    ----------
    name : str
        In the legend, where curves of one name share an entry; empty for lines that only guide
        the eye, which are in no table either.
    x, y : (n,) arrays
    look : Look
    color : Color
    dash : int
    symbol : int
    lower, upper : (n,) arrays, optional
        Ends of the bars, or of the band.
    x_error : (n,) array, optional
        Half lengths of horizontal bars.
    faint : bool
        Of another temperature than the one looked at.
    width : float
        Of a line, in pixels.
    hollow : bool
        Large symbols that leave those within them seen.
    """

    name: str
    x: FloatArray
    y: FloatArray
    look: Look = "line"
    color: Color = 0
    dash: int = 0
    symbol: int = 0
    lower: FloatArray | None = None
    upper: FloatArray | None = None
    x_error: FloatArray | None = None
    faint: bool = False
    width: float = 1.0
    hollow: bool = False


@dataclass(frozen=True, eq=False)
class Region:
    """A shaded region between two curves, with its name and where that stands."""

    name: str
    x: FloatArray
    lower: FloatArray
    upper: FloatArray
    color: Color
    place: tuple[float, float]
    anchor: tuple[float, float] = (1.0, 0.5)


@dataclass(frozen=True, eq=False)
class Panel:
    """A plot: curves on two axes.

    Parameters
    ----------
    title : str
    x, y : Axis
    curves : tuple of Curve
    x_range, y_range : (float, float)
        Ends of the axes, in real values also where an axis is logarithmic.
    regions : tuple of Region
    mark_x : float, optional
        A vertical line: the temperature looked at.
    log_x, log_y : bool
    height : int
        Relative to the other panels.
    with_fwhm : bool
        Whether an axis on the right gives ħ/y in meV.
    joined : bool
        Whether its x axis is that of the panel above, and moves with it.
    """

    title: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]
    x_range: Range
    y_range: Range
    regions: tuple[Region, ...] = ()
    mark_x: float | None = None
    log_x: bool = False
    log_y: bool = False
    height: int = 1
    with_fwhm: bool = False
    joined: bool = False


Cell = str | float


@dataclass(frozen=True)
class Numbers:
    """A table beside a drawing; rows of the temperature looked at are marked."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Drawing:
    """All that is shown of some results.

    Parameters
    ----------
    name : str
        Proposed for files.
    panels : tuple of Panel
    numbers : Numbers
    notes : tuple of str
        Conventions, and what to know before trusting what is shown.
    """

    name: str
    panels: tuple[Panel, ...]
    numbers: Numbers
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the curves, for the legend."""
        every = (curve.name for panel in self.panels for curve in panel.curves)
        return tuple(name for name in dict.fromkeys(every) if name)

    def without(self, hidden: Iterable[str]) -> Drawing:
        """The same without some curves."""
        gone = frozenset(hidden)
        panels = tuple(
            replace(panel, curves=tuple(c for c in panel.curves if c.name not in gone))
            for panel in self.panels
        )
        return replace(self, panels=panels)


@dataclass(frozen=True)
class View:
    """How results are looked at.

    Parameters
    ----------
    axis : str
        Direction, one of those that the group of results has.
    log : bool
    temperature_k : float or None
        The one looked at; None for all alike.
    row : int
        Which wave vector, -1 for all.
    """

    axis: str = ""
    log: bool = False
    temperature_k: float | None = None
    row: int = -1

    def looks_at(self, temperature_k: float | None) -> bool:
        """Whether a result of a temperature is one of those looked at."""
        if self.temperature_k is None or temperature_k is None:
            return True
        return same_temperature(self.temperature_k, temperature_k)


def same_temperature(one: float, other: float) -> bool:
    """Whether two temperatures are one for the eye: within half a kelvin."""
    return abs(one - other) < 0.5


def positive_range(arrays: Sequence[FloatArray], pad: float = 1.3) -> Range:
    """Ends of a logarithmic axis that shows all positive values."""
    every = np.concatenate([np.ravel(values) for values in arrays]) if arrays else np.zeros(0)
    every = every[np.isfinite(every) & (every > 0)]
    if not every.size:
        return 0.1, 10.0
    low, high = float(every.min()) / pad, float(every.max()) * pad
    return (low, high) if high > low else (low / 2, high * 2)


def range_from_zero(arrays: Sequence[FloatArray], pad: float = 1.08) -> Range:
    """Ends of a linear axis from 0 (or below, for negative values) to the largest value."""
    every = np.concatenate([np.ravel(values) for values in arrays]) if arrays else np.zeros(0)
    every = every[np.isfinite(every)]
    high = float(every.max(initial=0.0)) * pad
    low = min(float(every.min(initial=0.0)) * pad, 0.0)
    return (low, high) if high > low else (low, low + 1.0)


def people(text: str) -> str:
    """A text with real minus signs before numbers."""
    return text.replace("-", "−")
