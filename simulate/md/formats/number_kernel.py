"""Numbers out of the bytes of a table, compiled: one call per frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ixs_core.arrays import FloatArray, IntArray

SKIP = -1
"""Target of a column that is not needed."""
IDENTITY = -2
"""Target of the column that names the atom."""

DONE, ENDS_EARLY, NO_NUMBER, NOT_FINITE, UNKNOWN_ATOM, TWICE, TOO_FEW = range(7)
"""What became of a table: read, or the fault found."""

# Powers of ten that a double holds exactly: division by them rounds once.
_TENS = 10.0 ** np.arange(23)
_SIGNIFICANT = 18  # digits that a 64-bit integer surely holds
_NEWLINE, _SPACE, _PLUS, _MINUS, _POINT, _ZERO = 10, 32, 43, 45, 46, 48


@njit(cache=True, nogil=True)
def _plain_number(data: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """Value and position behind it of a number such as -12.345; -1 where it is none such."""
    negative = data[at] == _MINUS
    if negative:
        at += 1
    mantissa = np.int64(0)
    begin = at
    digit = np.int64(data[at]) - _ZERO
    while 0 <= digit <= 9:
        mantissa = mantissa * 10 + digit
        at += 1
        digit = np.int64(data[at]) - _ZERO
    digits = at - begin
    decimals = 0
    if data[at] == _POINT:
        at += 1
        begin = at
        digit = np.int64(data[at]) - _ZERO
        while 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            at += 1
            digit = np.int64(data[at]) - _ZERO
        decimals = at - begin
        digits += decimals
    # More digits may have run over: those are for the other function.
    if digits == 0 or digits > _SIGNIFICANT or data[at] > _SPACE:
        return 0.0, -1
    value = float(mantissa) / _TENS[decimals]
    return (-value if negative else value), at


@njit(cache=True, nogil=True)
def _any_number(data: NDArray[np.uint8], at: int) -> tuple[float, int, int]:
    """Value, position behind it, and DONE, NO_NUMBER or NOT_FINITE."""
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += 1
    mantissa = np.int64(0)
    digits = 0
    exponent = 0
    seen = False
    fraction = False
    while True:
        byte = data[at]
        if 48 <= byte <= 57:
            seen = True
            if digits < _SIGNIFICANT:
                mantissa = mantissa * 10 + (byte - 48)
                if mantissa > 0:
                    digits += 1
                if fraction:
                    exponent -= 1
            elif not fraction:
                exponent += 1
        elif byte == _POINT and not fraction:
            fraction = True
        else:
            break
        at += 1
    if not seen:
        lower = data[at] | 32
        return 0.0, at, NOT_FINITE if lower == 110 or lower == 105 else NO_NUMBER  # nan, inf
    if (data[at] | 32) == 101 or (data[at] | 32) == 100:  # e, or d of Fortran
        at += 1
        down = data[at] == _MINUS
        if down or data[at] == _PLUS:
            at += 1
        power = 0
        some = False
        while 48 <= data[at] <= 57:
            power = min(power * 10 + (data[at] - 48), 9999)
            some = True
            at += 1
        if not some:
            return 0.0, at, NO_NUMBER
        exponent += -power if down else power
    if data[at] > _SPACE:
        return 0.0, at, NO_NUMBER
    value = float(mantissa)
    while exponent < -22 and value != 0.0:
        value /= _TENS[22]
        exponent += 22
    while exponent > 22 and 0.0 < value < np.inf:
        value *= _TENS[22]
        exponent -= 22
    if exponent < 0:
        value /= _TENS[min(-exponent, 22)]
    else:
        value *= _TENS[min(exponent, 22)]
    if not np.isfinite(value):
        return 0.0, at, NOT_FINITE
    return (-value if negative else value), at, DONE


@njit(cache=True, nogil=True)
def _parse_table(
    data: NDArray[np.uint8],
    at: int,
    stop: int,
    targets: IntArray,
    slots: IntArray,
    seen: NDArray[np.bool_],
    out: FloatArray,
) -> tuple[int, int]:
    """As `parse_table`; data[stop - 1] ends a line, which ends every number and every row."""
    n_rows, width = out.shape
    n_columns = len(targets)
    row = np.empty(width)
    for k in range(n_rows):
        slot = k
        first = at
        if at >= stop:
            return ENDS_EARLY, first
        for column in range(n_columns):
            while data[at] <= _SPACE and data[at] != _NEWLINE:
                at += 1
            target = targets[column]
            if data[at] == _NEWLINE:
                return TOO_FEW, first
            if target == SKIP:
                while data[at] > _SPACE:
                    at += 1
                continue
            value, behind = _plain_number(data, at)
            if behind < 0:
                value, behind, fault = _any_number(data, at)
                if fault != DONE:
                    return fault, first
            at = behind
            if target == IDENTITY:
                name = int(value)
                if name < 0 or name >= len(slots) or slots[name] < 0:
                    return UNKNOWN_ATOM, first
                slot = slots[name]
            else:
                row[target] = value
        while data[at] != _NEWLINE:
            at += 1
        at += 1
        if seen[slot]:
            return TWICE, first
        seen[slot] = True
        for j in range(width):
            out[slot, j] = row[j]
    return DONE, at


def parse_table(
    data: NDArray[np.uint8], start: int, targets: IntArray, slots: IntArray, out: FloatArray
) -> tuple[int, int]:
    """Read rows of numbers into an array.

    Numbers of up to 15 digits are rounded as Python rounds them, others to 1e-15 of their value.

    Parameters
    ----------
    data : bytes as uint8 array
    start : int
        Where the first row begins.
    targets : (columns,) int array
        For every column of the table its place in a row of `out`, SKIP or IDENTITY.
    slots : int array
        Row of `out` for the atom of each identity, -1 where there is none; without an
        identity column the order of the table counts.
    out : (rows, k) float64 array
        Filled.

    Returns
    -------
    fault, position : int
        DONE and the place behind the table; or what is wrong and where that row begins.
    """
    seen: NDArray[Any] = np.zeros(len(out), dtype=np.bool_)
    fault, position = _parse_table(data, start, _end(data), targets, slots, seen, out)
    return int(fault), int(position)


def _end(data: NDArray[np.uint8]) -> int:
    """Where the last complete row ends."""
    if len(data) and data[-1] == _NEWLINE:
        return len(data)
    tail = 1 << 12
    for begin in range(max(len(data) - tail, 0), -tail, -tail):
        found = np.flatnonzero(data[max(begin, 0) : begin + tail] == _NEWLINE)
        if len(found):
            return max(begin, 0) + int(found[-1]) + 1
    return 0
