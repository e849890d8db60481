"""Columns of numbers in text, with what stands above them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent


@dataclass(frozen=True)
class NumberTable:
    """A table of numbers.

    Parameters
    ----------
    values : (rows, columns) array
    names : tuple of str or None
        Of the columns, where a heading has as many words as there are columns.
    head : tuple of str
        The lines above the numbers, without the marks of comments.
    first_line : int
        1-based line of the first row.
    notes : tuple of str
    """

    values: FloatArray
    names: tuple[str, ...] | None
    head: tuple[str, ...]
    first_line: int
    notes: tuple[str, ...] = ()


def read_number_table(content: FileContent, skip_lines: int = 0, comment: str = "#") -> NumberTable:
    """Read columns parted by blanks, tabs, commas or semicolons.

    A last line that a running program has not finished is left out, and noted.

    Raises
    ------
    InputError
        No numbers, or a line that does not hold one number per column.
    """
    lines = content.text.splitlines()
    first = next((i for i in range(skip_lines, len(lines)) if _numbers(lines[i])), None)
    if first is None:
        raise InputError("the file holds no columns of numbers", file=content.path)
    head = tuple(line.strip().lstrip(comment).strip() for line in lines[:first] if line.strip())
    width = len(_numbers(lines[first]) or ())
    body, notes = lines[first:], []
    while body and not body[-1].strip():
        body.pop()
    if len(body) > 1 and len(_numbers(body[-1]) or ()) != width:
        if not body[-1].lstrip().startswith(comment):
            notes.append("the last line is not complete and was left out")
        body.pop()
    values = _values(body, width, first, comment, content)
    named = [words for line in head if len(words := _words(line)) == width]
    return NumberTable(values, tuple(named[-1]) if named else None, head, first + 1, tuple(notes))


def _values(
    body: list[str], width: int, first: int, comment: str, content: FileContent
) -> FloatArray:
    plain = [line.translate(_BLANKS) for line in body]
    try:
        values = np.loadtxt(plain, comments=comment, ndmin=2)
    except ValueError as error:
        for number, line in enumerate(body, start=first + 1):
            text = line.split(comment)[0]
            if text.strip() and len(_numbers(text) or ()) != width:
                raise InputError(
                    f"this line is not {width} numbers",
                    file=content.path,
                    line=number,
                    found=repr(line.strip()[:60]),
                ) from error
        raise InputError(f"cannot be read: {error}", file=content.path) from error
    return np.asarray(values)


_BLANKS = str.maketrans(",;\t", "   ")


def _words(line: str) -> list[str]:
    return re.split(r"[,;\s]+", line.strip(" ,;\t"))


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line; None where it holds anything else, or nothing."""
    try:
        return [float(word) for word in line.translate(_BLANKS).split()] or None
    except ValueError:
        return None
