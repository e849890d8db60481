"""What a report section is made of: text, tables and figures, as escaped HTML."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

DPI = 150
_LARGEST_SVG = 1_000_000
"""Bytes beyond which a figure is shown as PNG, so that the page opens at once."""

Cell = str | float | int | bool | None


class Column(NamedTuple):
    """A column of a table: heading, unit, and the format of its numbers (".3f")."""

    name: str
    unit: str = ""
    format: str = ""


@dataclass(frozen=True)
class Table:
    """A table; numbers stand right-aligned, None and NaN as an en dash.

    Parameters
    ----------
    columns : sequence of Column or str
    rows : sequence of rows of cells
    caption : str
        What the table shows.
    """

    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __html__(self) -> str:
        columns = [Column(c) if isinstance(c, str) else c for c in self.columns]
        for number, row in enumerate(self.rows):
            if len(row) != len(columns):
                raise ValueError(f"row {number} has {len(row)} cells for {len(columns)} columns")
        head = Markup("").join(_heading(column) for column in columns)
        body = Markup("\n").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(_cell(cell, c) for cell, c in zip(row, columns, strict=True))
            )
            for row in self.rows
        )
        caption = Markup("<figcaption>{}</figcaption>").format(self.caption) if self.caption else ""
        return Markup(
            '<figure class="table">{}<div class="scroll" tabindex="0"><table>'
            "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></figure>"
        ).format(caption, head, body)


@dataclass(frozen=True)
class Figure:
    """A figure for the page and for a paper.

    Parameters
    ----------
    name : str
        Names its files; also what a reader who cannot see it is told.
    caption : str
        What it shows, with units.
    content : matplotlib.figure.Figure, str or bytes
        A matplotlib figure (its object API, no pyplot), an SVG as text, or a PNG.
    """

    name: str
    caption: str
    content: MatplotlibFigure | str | bytes


class FigureStore:
    """The folder of a report's figure files; `add` saves a figure and gives its HTML.

    Parameters
    ----------
    folder : path
        Made when the first figure comes.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._names: dict[str, int] = {}

    def add(self, figure: Figure) -> Markup:
        """Save a figure's files and return the HTML that shows it.

        A matplotlib figure becomes a PNG of 150 dpi and a PDF with TrueType fonts; an
        SVG or PNG is saved as it is. The page itself carries its own copy.

        Raises
        ------
        InputError
            When the files cannot be written.
        """
        name = self._file_name(figure.name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot be made: {error.strerror}", file=self.folder) from error
        files = _files(figure.content)
        for suffix, content in files.items():
            if suffix != "svg" or isinstance(figure.content, str):
                with atomic_write(self.folder / f"{name}.{suffix}") as temporary:
                    temporary.write_bytes(content)
        saved = [f"{name}.{suffix}" for suffix in files if suffix in ("png", "pdf")]
        return Markup(
            '<figure class="plot"><img src="{}" alt="{}"><figcaption>{}{}</figcaption></figure>'
        ).format(
            _data_uri(files), f"{figure.name}: {figure.caption}", figure.caption, self._links(saved)
        )

    def _links(self, files: Sequence[str]) -> Markup:
        link = Markup('<a href="{}/{}">{}</a>')
        links = [link.format(self.folder.name, f, f.rsplit(".", 1)[1].upper()) for f in files]
        return Markup(' <span class="files">{}</span>').format(Markup(" · ").join(links))

    def _file_name(self, name: str) -> str:
        stem = anchor(name)
        count = self._names[stem] = self._names.get(stem, 0) + 1
        return stem if count == 1 else f"{stem}-{count}"


def compose(*parts: str | Markup | Table) -> Markup:
    """The HTML of a section from its parts; plain text is escaped and becomes a paragraph."""
    return Markup("\n").join(
        escape(part) if hasattr(part, "__html__") else Markup("<p>{}</p>").format(part)
        for part in parts
    )


def anchor(text: str) -> str:
    """A text as a file name or link target: lower case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"


def with_error(value: float, error: float | None) -> str:
    """A value with its standard error in the last digits, as crystallographers write it.

    Two digits of the error are kept below 20, one from there: 3.934(12), 3.93(4).
    Without a finite, positive error the value is given with four digits.
    """
    if not math.isfinite(value):
        return "–"
    if error is None or not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    decimals = 1 - math.floor(math.log10(error))
    if round(error * 10.0**decimals) >= 20:
        decimals -= 1
    if decimals <= 0:
        return f"{round(value, decimals):.0f}({round(error, decimals):.0f})"
    return f"{value:.{decimals}f}({round(error * 10.0**decimals)})"


def _heading(column: Column) -> Markup:
    unit = Markup(' <span class="unit">{}</span>').format(column.unit) if column.unit else ""
    return Markup('<th scope="col">{}{}</th>').format(column.name, unit)


def _cell(cell: Cell, column: Column) -> Markup:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return Markup('<td class="number">–</td>')
    if isinstance(cell, bool):
        return Markup("<td>{}</td>").format("yes" if cell else "no")
    if isinstance(cell, str):
        # Values such as "3.93(4)" line up with numbers.
        kind = "number" if re.fullmatch(r"[-−<>≤≥ ]*[\d.]+(\(\d+\))?", cell) else "text"
        return Markup('<td class="{}">{}</td>').format(kind, cell)
    default = "d" if float(cell).is_integer() and isinstance(cell, int) else ".4g"
    text = format(cell, column.format or default).replace("-", "−")
    return Markup('<td class="number">{}</td>').format(text)


def _files(content: MatplotlibFigure | str | bytes) -> dict[str, bytes]:
    """Suffix -> content of a figure's files."""
    if isinstance(content, str):
        return {"svg": content.encode()}
    if isinstance(content, bytes):
        return {"png": content}
    return {suffix: _drawn(content, suffix) for suffix in ("png", "pdf", "svg")}


def _drawn(figure: MatplotlibFigure, suffix: str) -> bytes:
    from matplotlib import rc_context

    stream = io.BytesIO()
    # No date in the files: the same data give the same bytes.
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(suffix)
    with rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "ixs-suite"}):
        figure.savefig(stream, format=suffix, dpi=DPI, metadata=undated)
    return stream.getvalue()


def _data_uri(files: dict[str, bytes]) -> str:
    vector = files.get("svg", b"")
    if vector and (len(vector) <= _LARGEST_SVG or "png" not in files):
        return f"data:image/svg+xml;base64,{base64.b64encode(vector).decode()}"
    return f"data:image/png;base64,{base64.b64encode(files['png']).decode()}"
