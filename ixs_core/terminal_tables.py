"""The table that is a command's main result, on stdout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WIDTH_WITHOUT_TERMINAL = 160


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

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        if column.text:
            table.add_column(escape(column.name), overflow="fold")
        else:
            table.add_column(escape(column.name), no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    for line in after:
        console.print(escape(line), soft_wrap=True)
