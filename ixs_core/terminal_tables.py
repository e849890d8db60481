"""The table that is a command's main result, on stdout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WIDTH_WITHOUT_TERMINAL = 160
_LEAST_TEXT = 16  # characters of a text column that are not given up
_GAP = 2  # between columns


class Column(NamedTuple):
    """Heading of a column; text columns stand left and may be broken, numbers stand right."""

    name: str
    text: bool = False


def hkl_text(hkl: Iterable[float]) -> str:
    """ "7.000 6.300 0.000", without the sign of a negative zero."""
    return " ".join(f"{round(float(x), 3) + 0.0:.3f}" for x in hkl)


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], after: Iterable[str] = ()
) -> None:
    """Print a table and the lines below it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = list(rows)
    console = Console(highlight=False)
    room = console.width if console.is_terminal else _WIDTH_WITHOUT_TERMINAL
    # Where a terminal is too narrow it breaks lines, which loses no digit and no name.
    console = Console(highlight=False, width=max(room, _least_width(columns, rows)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, width in zip(columns, _least_widths(columns, rows), strict=True):
        if column.text:
            table.add_column(escape(column.name), overflow="fold", min_width=width)
        else:
            table.add_column(escape(column.name), no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    for line in after:
        console.print(escape(line), soft_wrap=True)


def _least_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Characters that each column needs: numbers all of theirs, texts the first few."""
    cells = [[column.name, *(row[i] for row in rows)] for i, column in enumerate(columns)]
    longest = [max(map(len, column)) for column in cells]
    return [
        min(width, _LEAST_TEXT) if column.text else width
        for column, width in zip(columns, longest, strict=True)
    ]


def _least_width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    widths = _least_widths(columns, rows)
    return sum(widths) + _GAP * (len(widths) - 1)
