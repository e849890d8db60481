"""AGI_BITFIELD, the compression of Esperanto frames: decoded by a compiled kernel.

A row is its first pixel, then differences of neighbours. They stand in pairs of fields of 8: a
byte with the two lengths (bits of a difference; the lower half is the first field's), both
fields, then the values that did not fit. A field of n < 8 bits holds d + 2^(n-1) - 1, the lowest
bits first. In a field of 8 bits, as in single bytes (the first pixel, and what is left at the
end of a row), a byte holds d + 127; 254 says that two bytes follow, 255 four, signed, lowest
byte first. The block begins with its length (4 bytes); where each row begins follows it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ixs_core.errors import InputError

_FIELD = 8  # differences in a field
_OFFSET = 127  # of a single byte
_TWO_BYTES, _FOUR_BYTES = 254, 255
_DONE, _ENDS_EARLY, _NO_LENGTH = range(3)
_SIZE_BYTES = 4  # of the length of the block, and of each place in its table


def decode(block: bytes, shape: tuple[int, int]) -> NDArray[np.int32]:
    """The pixels of a compressed frame.

    Parameters
    ----------
    block : bytes
        All that follows the header of the file.
    shape : (rows, columns)

    Returns
    -------
    (rows, columns) int32 array
        Differences are added modulo 2³², as in the C of the format.

    Raises
    ------
    InputError
        The block is cut, or its rows are not where its own table says.
    """
    rows = shape[0]
    data = np.frombuffer(block, np.uint8)
    if data.size < _SIZE_BYTES:
        raise _cut(0)
    size = int(data[:_SIZE_BYTES].view("<u4")[0])
    pixels = np.empty(shape, np.int32)
    starts = np.empty(rows + 1, np.int64)
    fault, row = _decode(data[_SIZE_BYTES:], pixels, starts)
    if fault == _NO_LENGTH:
        raise InputError(
            "the compressed pixels are damaged",
            found=f"a field of no possible length in row {row + 1}",
            expected="1 to 8 bits",
        )
    table = data[_SIZE_BYTES + size :][: _SIZE_BYTES * rows]
    if fault == _ENDS_EARLY or table.size < _SIZE_BYTES * rows:
        raise _cut(row)
    expected = np.append(table.view("<u4").astype(np.int64), size)
    wrong = np.flatnonzero(starts != expected)
    if wrong.size:
        raise InputError(
            "the compressed pixels are damaged",
            found=f"row {max(int(wrong[0]), 1)} ends at byte {int(starts[wrong[0]])}",
            expected=f"byte {int(expected[wrong[0]])}, as the table of the file says",
        )
    return pixels


def _cut(row: int) -> InputError:
    return InputError(
        "the file is cut: its pixels end early",
        found=f"{row} whole rows",
        hint="it may still be being written; try again",
    )


@njit(cache=True, nogil=True)
def _decode(
    data: NDArray[np.uint8], pixels: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[int, int]:
    """Fill pixels (rows, columns) and the bytes (rows + 1,) where rows begin and the last ends.

    Returns what became of it, and the number of rows that are whole.
    """
    rows, columns = pixels.shape
    pairs = (columns - 1) // (2 * _FIELD)
    size = data.size
    at = 0
    for row in range(rows):
        starts[row] = at
        value, at = _single(data, at)
        if at > size:
            return _ENDS_EARLY, row
        pixels[row, 0] = value
        column = 1
        for _ in range(pairs):
            if at >= size:
                return _ENDS_EARLY, row
            first, second = data[at] & 15, data[at] >> 4
            if first < 1 or first > _FIELD or second < 1 or second > _FIELD:
                return _NO_LENGTH, row
            escapes = at + 1 + first + second
            # A whole field and all it may leave for later, so that bounds are checked once.
            if escapes > size:
                return _ENDS_EARLY, row
            value, escapes = _field(data, at + 1, first, escapes, value, pixels[row], column)
            value, escapes = _field(
                data, at + 1 + first, second, escapes, value, pixels[row], column + _FIELD
            )
            at = escapes
            if at > size:
                return _ENDS_EARLY, row
            column += 2 * _FIELD
        while column < columns:
            difference, at = _single(data, at)
            if at > size:
                return _ENDS_EARLY, row
            value += difference
            pixels[row, column] = value
            column += 1
    starts[rows] = at
    return _DONE, rows


@njit(cache=True, nogil=True)
def _field(  # type: ignore[no-untyped-def]  # numba infers the types
    data, at, bits, escapes, value, pixels, column
):
    """Eight pixels of a field; the last value, and the byte behind the escapes that it used."""
    if bits == _FIELD:
        for place in range(_FIELD):
            byte = np.int64(data[at + place])
            if byte < _TWO_BYTES:
                value += byte - _OFFSET
            else:
                width = 2 if byte == _TWO_BYTES else 4
                value += _signed(data, escapes, width)
                escapes += width
            pixels[column + place] = value
        return value, escapes
    packed = np.uint64(0)
    for place in range(bits):
        packed |= np.uint64(data[at + place]) << np.uint64(8 * place)
    mask = np.uint64((1 << bits) - 1)
    offset = (1 << (bits - 1)) - 1
    step = np.uint64(bits)
    for place in range(_FIELD):
        value += np.int64(packed & mask) - offset
        packed >>= step
        pixels[column + place] = value
    return value, escapes


@njit(cache=True, nogil=True)
def _single(data, at):  # type: ignore[no-untyped-def]  # numba infers the types
    """A value of its own and the byte behind it; that byte is beyond the end when it is cut."""
    if at >= data.size:
        return np.int64(0), data.size + 1
    byte = np.int64(data[at])
    if byte < _TWO_BYTES:
        return byte - _OFFSET, at + 1
    width = 2 if byte == _TWO_BYTES else 4
    return _signed(data, at + 1, width), at + 1 + width


@njit(cache=True, nogil=True)
def _signed(data, at, width):  # type: ignore[no-untyped-def]  # numba infers the types
    """A signed number of 2 or 4 bytes; 0 where it is not whole."""
    if at + width > data.size:
        return np.int64(0)
    value = np.int64(0)
    for place in range(width):
        value |= np.int64(data[at + place]) << (8 * place)
    limit = np.int64(1) << (8 * width - 1)
    return value - 2 * limit if value >= limit else value
