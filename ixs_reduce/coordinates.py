"""From named parameters with bounds, fixed values and ties to the numbers a search moves.

Users see `lmfit.Parameters`; the search works on a vector of free coordinates in which the
problem is well behaved: the linear background by its values at both ends of the range (so that
"never negative" is a box bound), and strongly damped modes by (ln W²/G, ln G), since W²/G is
what their spectrum determines, while G alone may grow until its bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_reduce.spectrum_model import LOWEST_ENERGY

if TYPE_CHECKING:
    import lmfit

Block = tuple[int, Callable[[FloatArray], tuple[FloatArray, FloatArray]]]
Ties = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Coordinates:
    """The free coordinates of a fit and their relation to its parameters.

    Parameters
    ----------
    names : tuple of str
        Parameters, in the model's order.
    base : (n,) array
        Their start values; fixed ones keep them.
    lower, upper : (n,) arrays
        Their bounds.
    free : (n_free,) array of int
        Those that are neither fixed nor tied.
    ends_mev : (left, right) or None
        When given, background_c0, c1 move as the background at these energies.
    damped : tuple of int
        Modes (0-based) that move as (ln W²/G, ln G).
    ties : callable or None
        (n,) values -> (n,) values with tied ones worked out, and (n, n) derivatives.
    """

    names: tuple[str, ...]
    base: FloatArray
    lower: FloatArray
    upper: FloatArray
    free: IntArray
    ends_mev: tuple[float, float] | None = None
    damped: tuple[int, ...] = ()
    ties: Ties | None = None

    def parameters(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Parameter values (n,) at a point, and their derivatives (n, n_free) with it."""
        moving = self._moving(self.base)
        moving[self.free] = point
        values = moving.copy()
        slope = np.eye(values.size)
        for first, forward in self._blocks():
            pair = slice(first, first + 2)
            values[pair], slope[pair, pair] = forward(moving[pair])
        slope = slope[:, self.free]
        if self.ties is not None:
            values, tied = self.ties(values)
            slope = tied @ slope
        return values, slope

    def point(self, values: FloatArray) -> FloatArray:
        """The free coordinates of given parameter values."""
        return self._moving(values)[self.free]

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of the free coordinates."""
        lower, upper = self.lower.copy(), self.upper.copy()
        if self.ends_mev is not None:
            first = self.names.index("background_c0")
            lower[first : first + 2] = 0.0
        for mode in self.damped:
            lower[3 * mode] = np.log(_DAMPED_RANGE[0])
            lower[3 * mode + 1] = np.log(max(_DAMPED_RANGE[0], self.lower[3 * mode + 1]))
            upper[3 * mode] = np.log(_DAMPED_RANGE[1])
            upper[3 * mode + 1] = np.log(min(_DAMPED_RANGE[1], self.upper[3 * mode + 1]))
        return lower[self.free], upper[self.free]

    def _moving(self, values: FloatArray) -> FloatArray:
        moving = values.astype(float)
        if self.ends_mev is not None:
            first = self.names.index("background_c0")
            c0, c1 = values[first : first + 2]
            moving[first : first + 2] = [c0 + c1 * e for e in self.ends_mev]
        for mode in self.damped:
            energy, fwhm = values[3 * mode : 3 * mode + 2]
            moving[3 * mode : 3 * mode + 2] = np.log(energy**2 / fwhm), np.log(fwhm)
        return moving

    def _blocks(self) -> list[Block]:
        blocks: list[Block] = [(3 * mode, _from_damped) for mode in self.damped]
        if self.ends_mev is not None:
            left, right = self.ends_mev
            matrix = np.array([[right, -left], [-1.0, 1.0]]) / (right - left)
            first = self.names.index("background_c0")
            blocks.append((first, lambda pair: (matrix @ pair, matrix)))
        return blocks


# G and W²/G of a strongly damped mode stay within this range, meV.
_DAMPED_RANGE = (1e-3, 1e3)


def _from_damped(pair: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(ln W²/G, ln G) -> (W, G) and derivatives."""
    energy = np.exp((pair[0] + pair[1]) / 2)
    fwhm = np.exp(pair[1])
    return np.array([energy, fwhm]), np.array([[energy / 2, energy / 2], [0.0, fwhm]])


def coordinates_of(
    parameters: lmfit.Parameters,
    names: tuple[str, ...],
    ends_mev: tuple[float, float],
    damped: Sequence[int] = (),
) -> Coordinates:
    """Coordinates for `lmfit.Parameters` (bounds, fixed values and expressions kept).

    The background moves by its end values only while the user has set neither bounds nor ties on
    it, and a mode moves as damped only when its energy and width are both free and no bound keeps
    its energy within a part of the range.

    Raises
    ------
    InputError
        When a parameter of the model is missing or a bound excludes every value.
    """
    missing = [name for name in names if name not in parameters]
    if missing:
        raise InputError("parameters are missing", key=", ".join(missing))
    own = [parameters[name] for name in names]
    free = np.array([i for i, p in enumerate(own) if p.vary and not p.expr], dtype=np.intp)
    lower = np.array([p.min for p in own], dtype=float)
    upper = np.array([p.max for p in own], dtype=float)
    movable = set(free.tolist())
    ends = None
    if "background_c1" in names:
        first = names.index("background_c0")
        pair = slice(first, first + 2)
        untouched = np.isinf(lower[pair]).all() and np.isinf(upper[pair]).all()
        if (
            {first, first + 1} <= movable
            and untouched
            and not _used_in_ties(parameters, names[pair])
        ):
            ends = ends_mev
    elif "background_c0" in names:
        first = names.index("background_c0")
        lower[first] = max(lower[first], 0.0)
    return Coordinates(
        names,
        np.array([float(p.value) for p in own]),
        lower,
        upper,
        free,
        ends,
        tuple(
            m
            for m in damped
            if {3 * m, 3 * m + 1} <= movable
            and lower[3 * m] <= LOWEST_ENERGY
            and upper[3 * m] >= 0.5 * (ends_mev[1] - ends_mev[0])
        ),
        _ties_of(parameters, names),
    )


def _used_in_ties(parameters: lmfit.Parameters, names: Sequence[str]) -> bool:
    return any(name in (p.expr or "") for p in parameters.values() for name in names)


def _ties_of(parameters: lmfit.Parameters, names: tuple[str, ...]) -> Ties | None:
    """The expressions of tied parameters as a function with derivatives, None without ties."""
    tied = [i for i, name in enumerate(names) if parameters[name].expr]
    if not tied:
        return None
    work = parameters.copy()

    def values_of(values: FloatArray) -> FloatArray:
        for i, name in enumerate(names):
            if i not in tied:
                work[name].set(value=values[i])
        work.update_constraints()
        return np.array([float(work[name].value) for name in names])

    def ties(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        result = values_of(values)
        slope = np.eye(values.size)
        slope[tied] = 0.0
        for i in range(values.size):
            if i in tied:
                continue
            # Expressions are simple; central differences of them are exact to 1e-10.
            step = 1e-5 * max(1.0, abs(values[i]))
            ahead, behind = values.copy(), values.copy()
            ahead[i] += step
            behind[i] -= step
            slope[tied, i] = ((values_of(ahead) - values_of(behind)) / (2 * step))[tied]
        return result, slope

    return ties
