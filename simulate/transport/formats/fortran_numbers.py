"""Numbers as Fortran programs write them, and tables of them with lines broken anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.file_content import FileContent, read_content

_COMMENT = re.compile(r"[#!].*")
# "0.12D-03", "0.12-103" (three digits leave no room for the E), numbers that touch each other,
# and asterisks where a number did not fit its field.
_NUMBER = re.compile(
    r"(?P<plain>[+-]?(?:\d+\.?\d*|\.\d+))(?:(?P<letter>[EDQ])(?P<stated>[+-]?\d+)|(?P<bare>[+-]\d{3}))?"
    r"|(?P<word>[+-]?(?:infinity|inf|nan))|(?P<stars>\*+)",
    re.IGNORECASE,
)
_BARE_EXPONENT = re.compile(r"([+-]?\d*\.\d*)([+-]\d+)")  # Fortran leaves out the E


def fortran_float(text: str) -> float:
    """A number as Fortran writes it: with D for E, or without either ("0.25-101").

    Raises
    ------
    ValueError
        It is none.
    """
    plain = text.translate(str.maketrans("dD", "ee"))
    bare = _BARE_EXPONENT.fullmatch(plain)
    return float(f"{bare[1]}e{bare[2]}" if bare else plain)


class TableReader:
    """Reads tables of a folder, keeping digests and what was repaired.

    Attributes
    ----------
    sources : dict of str to str
        File -> sha256.
    notes : list of str
    """

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.notes: list[str] = []

    def read(self, path: Path, columns: int, rows: int | None = None) -> FloatArray:
        """(rows, columns) numbers of a file, read token by token.

        Parameters
        ----------
        path : Path
        columns : int
        rows : int, optional
            How many there must be.

        Raises
        ------
        InputError
            The file is missing, holds something else than numbers, or another amount of them.
        """
        content = read_content(path)
        self.sources[path.name] = content.sha256
        values, repairs = numbers_of(content)
        self.notes += [f"{path.name}: {repair}" for repair in repairs]
        whole = len(values) % columns == 0
        if not whole or (rows is not None and len(values) != rows * columns):
            amount = f"{columns} in each row" if rows is None else f"{rows} rows of {columns}"
            raise InputError(
                "the table is not complete",
                file=path,
                found=f"{len(values)} numbers",
                expected=amount,
                hint="was the program still writing, or is the file of another run?",
            )
        return values.reshape(-1, columns)


def numbers_of(content: FileContent) -> tuple[FloatArray, tuple[str, ...]]:
    """All numbers of a text and notes on those that were repaired.

    Raises
    ------
    InputError
        Something is no number; names the line.
    """
    text = _COMMENT.sub("", content.text)
    try:
        return np.array(text.split(), dtype=float), ()
    except ValueError:
        return _repaired(text, content.path)


def _repaired(text: str, path: Path) -> tuple[FloatArray, tuple[str, ...]]:
    values: list[float] = []
    exponents, overflows, touching = 0, 0, 0
    for line_number, line in enumerate(text.splitlines(), start=1):
        for token in line.split():
            position, before = 0, len(values)
            while position < len(token):
                match = _NUMBER.match(token, position)
                if match is None:
                    raise InputError(
                        "this is not a number", file=path, line=line_number, found=repr(token)
                    )
                position = match.end()
                exponents += match["bare"] is not None or (match["letter"] or "e") not in "eE"
                overflows += match["stars"] is not None
                values.append(_value(match))
            touching += len(values) - before > 1
    counts = (
        (exponents, "Fortran exponents (D, or without E) read"),
        (touching, "places where numbers touch each other taken apart"),
        (overflows, "numbers that did not fit their field (***) are not known"),
    )
    return np.array(values), tuple(f"{count} {text}" for count, text in counts if count)


def _value(match: re.Match[str]) -> float:
    if match["stars"] is not None:
        return float("nan")
    if match["word"] is not None:
        return float(match["word"])
    exponent = match["stated"] or match["bare"] or "0"
    return float(f"{match['plain']}e{exponent}")
