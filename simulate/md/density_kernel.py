"""Sums of phases over atoms, compiled: Σ exp(2πi n·s) for integer n and fractions s of a cell.

Fractions are kept as 32-bit integers, 2³² of them to a cell. An integer times such a fraction
wraps around exactly as its phase does, so that large n cost no accuracy; what remains is the
fraction's own 2⁻³³ times n, and float32 from there on: 10⁻⁷ of a phase. Sums over up to 512
atoms are in float32, beyond that in float64.

Where the wave vectors share components (grids, rays, the analyzers of one setting), phases are
products exp(2πi n₁s₁) exp(2πi n₂s₂) exp(2πi n₃s₃) of tables; a table goes on from n to n + 1 by
one multiplication and begins anew after `_FRESH` of them, which keeps rounding below 10⁻⁶.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ixs_core.arrays import ComplexArray, FloatArray, IntArray

BATCH = 512
"""Atoms whose tables are held at once: they stay in the processor's cache."""

_FRESH = 8
_HALF_TURN = np.float32(np.pi / 2.0**32)
_TO_INTEGER = 2.0**32
_LAST = 2.0**31 - 1.0
_ONE = np.float32(1)
# Interpolation of sin(x)/x and cos(x) at Chebyshev nodes in x² up to (π/2)²; errors 4e-9, 5e-8.
_S1, _S3, _S5 = np.float32(0.9999999957), np.float32(-0.1666665797), np.float32(0.00833305053)
_S7, _S9 = np.float32(-0.00019809040), np.float32(2.60515e-6)
_C0, _C2, _C4 = np.float32(0.9999999532), np.float32(-0.4999990503), np.float32(0.0416635780)
_C6, _C8 = np.float32(-0.00138536600), np.float32(2.315301e-5)


def _exact(function: Any) -> Any:
    return njit(cache=True, nogil=True, error_model="numpy")(function)


def _fast(function: Any) -> Any:
    return njit(cache=True, nogil=True, error_model="numpy", fastmath=True)(function)


def _inlined(function: Any) -> Any:
    return njit(fastmath=True, inline="always")(function)


@_exact
def fractions(
    positions: FloatArray, inverse_cell: FloatArray, order: IntArray, out: IntArray
) -> int:
    """Fractional coordinates of one frame as 32-bit integers; the first atom without a position.

    Parameters
    ----------
    positions : (n, 3) array
        Cartesian in Å.
    inverse_cell : (3, 3) array
        Inverse of the cell with rows a, b, c.
    order : (n,) int array
        The atoms in the order of `out`.
    out : (3, n) int32 array

    Returns
    -------
    int
        -1, or the number of an atom whose position is not finite.
    """
    rows = np.empty((3, BATCH), np.float64)
    for first in range(0, order.size, BATCH):
        n = min(BATCH, order.size - first)
        for i in range(n):
            atom = order[first + i]
            rows[0, i] = positions[atom, 0]
            rows[1, i] = positions[atom, 1]
            rows[2, i] = positions[atom, 2]
        finite = 0
        for axis in range(3):
            a, b, c = inverse_cell[0, axis], inverse_cell[1, axis], inverse_cell[2, axis]
            finite += _folded(rows, a, b, c, out[axis, first : first + n])
        if finite != 3 * n:
            for i in range(n):
                if not np.isfinite(rows[0, i] + rows[1, i] + rows[2, i]):
                    return int(order[first + i])
            return int(order[first])
    return -1


@_exact
def _folded(rows: FloatArray, a: float, b: float, c: float, out: IntArray) -> int:
    """a x + b y + c z as 32-bit fractions, and how many are numbers."""
    finite = 0
    for i in range(out.size):
        s = a * rows[0, i] + b * rows[1, i] + c * rows[2, i]
        s -= np.rint(s)
        good = abs(s) <= 0.5
        finite += good
        out[i] = np.int32(min(s * _TO_INTEGER, _LAST)) if good else np.int32(0)
    return finite


@_inlined
def _phase(turns: int) -> tuple[np.float32, np.float32]:
    """Cosine and sine of 2π turns/2³² from those of half the angle, which is within ±π/2."""
    r = np.float32(turns) * _HALF_TURN
    r2 = r * r
    s = r * (_S1 + r2 * (_S3 + r2 * (_S5 + r2 * (_S7 + r2 * _S9))))
    c = _C0 + r2 * (_C2 + r2 * (_C4 + r2 * (_C6 + r2 * _C8)))
    twice = s + s
    return _ONE - twice * s, twice * c


@_fast
def _phases(value: int, s: IntArray, out: FloatArray) -> None:
    """out = cosines and sines of value × s."""
    factor = np.int32(value)
    for i in range(s.size):
        out[0, i], out[1, i] = _phase(np.int32(factor * s[i]))


@_fast
def _product(a: FloatArray, b: FloatArray, n: int, out: FloatArray) -> None:
    for i in range(n):
        out[0, i] = a[0, i] * b[0, i] - a[1, i] * b[1, i]
        out[1, i] = a[0, i] * b[1, i] + a[1, i] * b[0, i]


@_fast
def _sum_of_products(a: FloatArray, b: FloatArray, n: int) -> tuple[np.float32, np.float32]:
    re = np.float32(0)
    im = np.float32(0)
    for i in range(n):
        re += a[0, i] * b[0, i] - a[1, i] * b[1, i]
        im += a[0, i] * b[1, i] + a[1, i] * b[0, i]
    return re, im


@_fast
def _direct_sum(
    x: IntArray, y: IntArray, z: IntArray, h: np.int32, k: np.int32, m: np.int32
) -> tuple[np.float32, np.float32]:
    re = np.float32(0)
    im = np.float32(0)
    for i in range(x.size):
        cosine, sine = _phase(np.int32(h * x[i] + k * y[i] + m * z[i]))
        re += cosine
        im += sine
    return re, im


@_fast
def direct_sums(s: IntArray, starts: IntArray, index: IntArray, out: ComplexArray) -> None:
    """Sums of phases of one frame, one wave vector at a time.

    Parameters
    ----------
    s : (3, n) int32 array
        From `fractions`, atoms of a species side by side.
    starts : (ns + 1,) int array
        First atom of each species, and n.
    index : (nq, 3) int array
        The wave vectors.
    out : (ns, nq) complex array
    """
    for species in range(starts.size - 1):
        out[species] = 0
        for first in range(starts[species], starts[species + 1], BATCH):
            last = min(first + BATCH, starts[species + 1])
            x, y, z = s[0, first:last], s[1, first:last], s[2, first:last]
            for q in range(len(index)):
                h, k, m = np.int32(index[q, 0]), np.int32(index[q, 1]), np.int32(index[q, 2])
                re, im = _direct_sum(x, y, z, h, k, m)
                out[species, q] += complex(re, im)


@_fast
def _table(values: IntArray, s: IntArray, step: FloatArray, out: FloatArray) -> None:
    """out[j] = phases of values[j] × s; each from the one before where values go on by one."""
    have_step = False
    for j in range(values.size):
        if j % _FRESH != 0 and values[j] == values[j - 1] + 1:
            if not have_step:
                _phases(1, s, step)
                have_step = True
            _product(out[j - 1], step, s.size, out[j])
        else:
            _phases(values[j], s, out[j])


@_fast
def separable_sums(
    s: IntArray,
    starts: IntArray,
    outer: IntArray,
    middle: IntArray,
    inner: IntArray,
    rows: IntArray,
    axes: IntArray,
    out: ComplexArray,
) -> None:
    """Sums of phases of one frame, from tables along the three axes.

    Parameters
    ----------
    s, starts, out
        As for `direct_sums`.
    outer, middle, inner : int arrays
        The components that occur along three axes, ascending.
    rows : (nq, 4) int array
        Row in each table, those of equal outer and middle side by side, and the column of `out`.
    axes : (3,) int array
        Which axes of `s` these are.
    """
    first_table = np.empty((outer.size, 2, BATCH), np.float32)
    second_table = np.empty((middle.size, 2, BATCH), np.float32)
    third_table = np.empty((inner.size, 2, BATCH), np.float32)
    step = np.empty((2, BATCH), np.float32)
    pair = np.empty((2, BATCH), np.float32)
    for species in range(starts.size - 1):
        out[species] = 0
        for first in range(starts[species], starts[species + 1], BATCH):
            last = min(first + BATCH, starts[species + 1])
            n = last - first
            _table(outer, s[axes[0], first:last], step, first_table)
            _table(middle, s[axes[1], first:last], step, second_table)
            _table(inner, s[axes[2], first:last], step, third_table)
            for q in range(len(rows)):
                a, b = rows[q, 0], rows[q, 1]
                if q == 0 or rows[q - 1, 0] != a or rows[q - 1, 1] != b:
                    _product(first_table[a], second_table[b], n, pair)
                re, im = _sum_of_products(pair, third_table[rows[q, 2]], n)
                out[species, rows[q, 3]] += complex(re, im)
