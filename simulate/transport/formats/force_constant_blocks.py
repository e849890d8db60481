"""FORCE_CONSTANTS_3RD of ShengBTE and FORCE_CONSTANTS_4TH of FourPhonon, as they stand.

The number of blocks, then for each: its number, the cells of the second, third … atom as vectors
in Å, the atoms from 1, and a line for each component with its indices (1 1 1 … 3 3 3).
`simulate.md.cluster_constants.shengbte_text` writes the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent
from simulate.transport.formats.fortran_numbers import fortran_float

ORDERS = (3, 4)
_KNOWN = "FORCE_CONSTANTS_3RD of ShengBTE or FORCE_CONSTANTS_4TH of FourPhonon"
_MOST_ATOMS = 1e6


@dataclass(frozen=True)
class ForceConstantBlocks:
    """Blocks of a file, without the crystal that they belong to.

    Parameters
    ----------
    atoms : (m, n) int array
        From 0.
    vectors : (m, n - 1, 3) array
        Å, the cells of the second, third … atom; the first is at home.
    values : (m, 3, …, 3) array
        eV/Å^n.
    lines : (m,) int array
        Where each block begins, from 1.
    """

    atoms: IntArray
    vectors: FloatArray
    values: FloatArray
    lines: IntArray

    @property
    def order(self) -> int:
        """How many atoms a block has."""
        return int(self.atoms.shape[1])


@dataclass(frozen=True)
class _Numbers:
    """All numbers of a file, and which line each stands in."""

    path: Path
    words: list[str]
    values: FloatArray
    ends: IntArray  # how many numbers there are up to the end of each line

    def line(self, index: int) -> int:
        return int(np.searchsorted(self.ends, index, side="right")) + 1


def read_blocks(content: FileContent) -> ForceConstantBlocks:
    """The blocks of a file; lines may be broken anywhere, exponents be Fortran's.

    Raises
    ------
    InputError
        Naming the line: what is no number, a block that is missing or incomplete, components
        that are not all there, atoms that are none.
    """
    numbers = _numbers(content)
    count = _count(numbers)
    order = _order(numbers)
    size = _block_size(order)
    whole = min((len(numbers.values) - 1) // size, count)
    table = numbers.values[1 : 1 + whole * size].reshape(whole, size)
    cells, atoms, rows = np.split(table[:, 1:], [3 * (order - 1), 4 * order - 3], axis=1)
    components = rows.reshape(whole, 3**order, order + 1)
    place = _places(components[:, :, :order])
    _check_blocks(numbers, table, atoms, components, place)
    _check_end(numbers, count, whole, size)
    values = np.empty((whole, 3**order))
    np.put_along_axis(values, place, components[:, :, order], axis=1)
    starts = 1 + np.arange(whole) * size
    return ForceConstantBlocks(
        atoms.astype(np.int64) - 1,
        cells.reshape(whole, order - 1, 3).copy(),
        values.reshape(whole, *[3] * order),
        np.searchsorted(numbers.ends, starts, side="right") + 1,
    )


def _numbers(content: FileContent) -> _Numbers:
    rows = [line.split() for line in content.text.splitlines()]
    words = list(chain.from_iterable(rows))
    ends = np.cumsum([len(row) for row in rows])
    try:
        values = np.array(words, dtype=float)
    except ValueError:
        values = np.array(list(_fortran(words, ends, content.path)))
    numbers = _Numbers(content.path, words, values, ends)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        _refuse(numbers, int(bad[0]), "this is not a finite number", "a number")
    return numbers


def _fortran(words: list[str], ends: IntArray, path: Path) -> Iterable[float]:
    for index, word in enumerate(words):
        try:
            yield fortran_float(word)
        except ValueError as error:
            raise InputError(
                "this is not a number",
                file=path,
                line=int(np.searchsorted(ends, index, side="right")) + 1,
                found=repr(word[:40]),
                expected=_KNOWN,
            ) from error


def _count(numbers: _Numbers) -> int:
    count = numbers.values[0]
    if count < 1 or count != round(float(count)):
        _refuse(numbers, 0, "the file does not begin with its number of blocks", _KNOWN)
    return int(count)


def _order(numbers: _Numbers) -> int:
    """By the indices of the first two components of the first block."""
    for order in ORDERS:
        start = _block_size(order) - 3**order * (order + 1) + 1
        found = numbers.values[start : start + 2 * (order + 1)]
        indices = [1.0] * order + [1.0] * (order - 1) + [2.0]
        if len(found) == 2 * (order + 1) and [*found[:order], *found[order + 1 : -1]] == indices:
            return order
    _refuse(numbers, 1, "the first block is not one of third or fourth order", _KNOWN)


def _block_size(order: int) -> int:
    """Numbers in a block: its own, cells, atoms, and components with their indices."""
    return 1 + 3 * (order - 1) + order + 3**order * (order + 1)


def _places(indices: FloatArray) -> IntArray:
    """(m, 3^n) where each component belongs; -1 for indices that are none."""
    order = indices.shape[-1]
    known = ((indices == 1) | (indices == 2) | (indices == 3)).all(axis=-1)
    weights = 3 ** np.arange(order)[::-1]
    found = (np.where(known[..., None], indices, 1).astype(np.int64) - 1) @ weights
    return np.asarray(np.where(known, found, -1))


def _check_blocks(
    numbers: _Numbers,
    table: FloatArray,
    atoms: FloatArray,
    components: FloatArray,
    place: IntArray,
) -> None:
    """Refuse the first block that is not in order, naming its first number that is not."""
    order = atoms.shape[1]
    numbered = table[:, 0] == np.arange(1, len(table) + 1)
    real = ((atoms >= 1) & (atoms <= _MOST_ATOMS) & (atoms == np.rint(atoms))).all(axis=1)
    complete = (np.sort(place, axis=1) == np.arange(3**order)).all(axis=1)
    bad = np.flatnonzero(~(numbered & real & complete))
    if not len(bad):
        return
    block = int(bad[0])
    start = 1 + block * table.shape[1]
    if not numbered[block]:
        _refuse(numbers, start, "a block is missing or out of order", f"block {block + 1}")
    if not real[block]:
        start += 1 + 3 * (order - 1)
        _refuse(numbers, start, f"block {block + 1} has no {order} atoms here", "counted from 1")
    # The usual order tells best which line is gone; any order is read.
    row = int(np.argmax(place[block] != np.arange(3**order)))
    first = start + table.shape[1] - 3**order * (order + 1) + row * (order + 1)
    usual = np.unravel_index(row, (3,) * order)
    raise InputError(
        f"the components of block {block + 1} are not all there",
        file=numbers.path,
        line=numbers.line(first),
        found=" ".join(numbers.words[first : first + order]),
        expected=" ".join(str(int(index) + 1) for index in usual),
    )


def _check_end(numbers: _Numbers, count: int, whole: int, size: int) -> None:
    total = len(numbers.values) - 1
    if whole < count:
        raise InputError(
            "the file ends too early",
            file=numbers.path,
            line=numbers.line(total),
            found=f"{whole} whole blocks",
            expected=f"{count}, as its first line says",
        )
    if total > count * size:
        index = 1 + count * size
        _refuse(numbers, index, f"something follows the last of {count} blocks", "the end")


def _refuse(numbers: _Numbers, index: int, message: str, expected: str) -> NoReturn:
    index = min(index, len(numbers.words) - 1)
    raise InputError(
        message,
        file=numbers.path,
        line=numbers.line(index),
        found=repr(numbers.words[index][:40]),
        expected=expected,
    )
