"""Text and CSV columns: the labels come from a heading, or from the mapping."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ixs_core.errors import InputError
from ixs_reduce.formats.block import Block
from ixs_reduce.formats.profile import Profile

Rows = list[tuple[int, list[str]]]


def read_columns(text: str, profile: Profile, path: str | Path) -> Block:
    """One scan from columns of numbers.

    Parameters
    ----------
    text : str
        Content of the file.
    profile : Profile
        `columns` names the columns where the file has no heading, `delimiter` parts them
        (default: comma, semicolon, tab or blanks, whichever the file uses), `comment` begins
        lines to pass over, `skip_lines` is the number of lines before the table.
    path : path
        For messages.

    Returns
    -------
    Block
        Numbered 1.

    Raises
    ------
    InputError
        When a line holds another number of values than there are labels, or something else
        than numbers: file, line and label are named.
    """
    delimiter = profile.delimiter or _delimiter(text, profile)
    labels, rows = _split(text, profile, delimiter)
    if not rows:
        raise InputError("the file holds no numbers", file=path)
    if labels is None:
        labels = [str(i + 1) for i in range(len(rows[0][1]))]
    values = np.empty((len(labels), len(rows)))
    for point, (line, tokens) in enumerate(rows):
        values[:, point] = _numbers(tokens, labels, line, path)
    return Block(
        number=1,
        command=Path(path).name,
        labels=tuple(labels),
        columns=values,
        line=1,
        data_lines=np.array([line for line, _ in rows], dtype=np.int64),
    )


def _delimiter(text: str, profile: Profile) -> str | None:
    """The separator of the last line; None stands for any blanks."""
    lines = [line for line in text.splitlines()[profile.skip_lines :] if line.strip()]
    last = lines[-1] if lines else ""
    return next((mark for mark in (";", ",", "\t") if mark in last), None)


def _split(text: str, profile: Profile, delimiter: str | None) -> tuple[list[str] | None, Rows]:
    """Labels (from the mapping, else the heading, else None) and the rows of numbers."""
    labels: list[str] | None = list(profile.columns) or None
    heading: list[str] | None = None
    rows: Rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if number <= profile.skip_lines or not line.strip():
            continue
        if profile.comment and line.lstrip().startswith(profile.comment):
            if not rows:  # the last comment before the numbers may be the heading
                heading = _tokens(line.lstrip()[len(profile.comment) :], delimiter)
            continue
        tokens = _tokens(line, delimiter)
        if not rows and not any(_is_number(token) for token in tokens):
            heading = tokens
            continue
        rows.append((number, tokens))
    if labels is None and heading is not None and rows and len(heading) == len(rows[0][1]):
        labels = heading
    return labels, rows


def _tokens(line: str, delimiter: str | None) -> list[str]:
    line = line.strip()
    parts = re.split(r"\s+", line) if delimiter is None else line.split(delimiter)
    return [part.strip().strip('"') for part in parts]


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _numbers(tokens: list[str], labels: list[str], line: int, path: str | Path) -> list[float]:
    if len(tokens) != len(labels):
        raise InputError(
            "a line does not hold one number per column",
            file=path,
            line=line,
            key=labels[len(tokens)] if len(tokens) < len(labels) else None,
            found=len(tokens),
            expected=len(labels),
        )
    for token, label in zip(tokens, labels, strict=True):
        if not _is_number(token):
            raise InputError(
                "this is not a number", file=path, line=line, key=label, found=repr(token[:40])
            )
    return [float(token) for token in tokens]
