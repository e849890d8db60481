"""Figures and tables of the viewer as files: PDF, SVG or PNG for the paper, CSV for the numbers.

pyqtgraph's own exporters are not used: the files are drawn by matplotlib, like the report's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.atomic import atomic_write_text
from ixs_core.errors import InputError
from ixs_core.picture_files import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SINGLE_COLUMN_MM, DOUBLE_COLUMN_MM = 86.0, 178.0
_MM_PER_INCH = 25.4


@dataclass(frozen=True)
class TableData:
    """A table of numbers behind a figure.

    Parameters
    ----------
    columns : tuple of str
        Names with units ("energy_mev", "counts").
    rows : sequence of sequences
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Export:
    """What a tab gives to a file: a figure, the numbers it shows, a name to propose."""

    figure: Figure
    table: TableData
    name: str


@dataclass(frozen=True)
class LateExport:
    """An export whose figure and numbers take long: made by the worker that writes it.

    Parameters
    ----------
    name : str
    make : callable
        Gives the export itself; raises InputError where there is nothing to export.
    """

    name: str
    make: Callable[[], Export]


def write_export(
    export: Export | LateExport, path: Path, width_mm: float | None = None
) -> tuple[Path, ...]:
    """Write a figure with a CSV of the same name beside it, or only the CSV for `.csv`.

    Parameters
    ----------
    export : Export or LateExport
    path : path
        Ends in .pdf, .svg, .png or .csv.
    width_mm : float, optional
        Width of the figure (86 mm: one column, 178 mm: two); its height follows.

    Returns
    -------
    tuple of path
        What was written.

    Raises
    ------
    InputError
        For another ending, or where nothing can be made or written.
    """
    if isinstance(export, LateExport):
        export = export.make()
    if path.suffix.lower() == ".csv":
        atomic_write_text(path, table_text(export.table))
        return (path,)
    if width_mm is not None:
        width, height = export.figure.get_size_inches()
        scale = width_mm / _MM_PER_INCH / width
        export.figure.set_size_inches(width * scale, height * scale)
    save_figure(path, export.figure)
    beside = path.with_suffix(".csv")
    atomic_write_text(beside, table_text(export.table))
    return (path, beside)


def table_text(table: TableData) -> str:
    """The table as CSV with a header; numbers as Python writes them, so that none is rounded."""
    for number, row in enumerate(table.rows, start=1):
        if len(row) != len(table.columns):
            raise InputError(
                "a row of the table has another length than its header",
                line=number,
                found=len(row),
                expected=len(table.columns),
            )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()
