"""Lines and numbers of plain text files: decoded once, and every fault told with its line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ixs_core.errors import InputError

_WHOLE = re.compile(r"[+-]?\d{1,9}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d{1,3})?")
LARGEST_INDEX = 9999
"""No cell is so large, and no wavelength so short, that |h| exceeds this."""

_SHOWN = 60  # characters of a line in a message


@dataclass(frozen=True)
class TextFile:
    """A text file, line by line.

    Parameters
    ----------
    path : Path
    lines : tuple of str
        Without line ends; `lines[0]` is line 1.
    sha256 : str
    notes : tuple of str
    """

    path: Path
    lines: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...] = ()

    def error(
        self,
        message: str,
        line: int | None = None,
        *,
        key: str | None = None,
        found: object = None,
        expected: object = None,
        hint: str | None = None,
    ) -> InputError:
        """The InputError about a line (1-based); what stands there is shown if not given."""
        if found is None and line is not None:
            found = self.lines[line - 1].strip()[:_SHOWN] if line <= len(self.lines) else "the end"
            found = found or "a blank line"
        return InputError(
            message,
            file=self.path,
            line=min(line, len(self.lines)) if line is not None else None,
            key=key,
            found=found,
            expected=expected,
            hint=hint,
        )


def read_text_file(path: str | Path) -> TextFile:
    """The lines of a text file.

    Raises
    ------
    InputError
        It cannot be read, is empty, or is not text.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    notes: tuple[str, ...] = ()
    if b"\x00" in raw and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("is not a text file", file=path, expected="a list of reflections")
    try:
        text = raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
        notes = ("the text is not UTF-8: read as Latin-1",)
    if not text.strip():
        raise InputError("is empty", file=path, expected="a list of reflections")
    lines = tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return TextFile(path, lines, hashlib.sha256(raw).hexdigest(), notes)


def whole_number(text: str) -> int | None:
    """The whole number that a text is, blanks around it aside; None when it is none."""
    text = text.strip()
    return int(text) if _WHOLE.fullmatch(text) else None


def miller_index(text: str) -> int | None:
    """As `whole_number`, for what can be a Miller index."""
    index = whole_number(text)
    return index if index is not None and abs(index) <= LARGEST_INDEX else None


def decimal_number(text: str) -> float | None:
    """The finite number that a text is (Fortran's D exponents too); None when it is none."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text.replace("d", "e").replace("D", "e"))
    return number if abs(number) < float("inf") else None


def fixed_columns(line: str, widths: Sequence[int]) -> list[str]:
    """The fields of a line of fixed columns, as Fortran reads them; "" beyond its end."""
    fields, start = [], 0
    for width in widths:
        fields.append(line[start : start + width])
        start += width
    return fields


def free_or_fixed(line: str, widths: Sequence[int]) -> list[str]:
    """The fields of a line: separated by blanks if there are as many, else of fixed columns.

    Numbers that fill their columns touch each other; then only the columns tell them apart.
    """
    fields = line.split()
    return fields if len(fields) == len(widths) else fixed_columns(line, widths)
