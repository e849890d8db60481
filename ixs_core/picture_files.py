"""Figures that commands write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ENDINGS = (".png", ".pdf", ".svg")


def check_figure_name(path: Path, option: str = "--figure") -> None:
    """Raise an InputError where a name has no ending of a picture, before any work is done."""
    if path.suffix.lower() not in _ENDINGS:
        raise InputError(
            "this ending names no picture",
            key=option,
            found=path.name,
            expected=", ".join(_ENDINGS),
        )


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure in the format of its ending, and say so on stderr."""
    save_figure(path, figure)
    print(f"written: {path}", file=sys.stderr)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure in the format of its ending: PNG with 150 dpi, PDF with TrueType fonts."""
    from matplotlib import rc_context

    check_figure_name(path)
    with rc_context({"pdf.fonttype": 42}), atomic_write(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower()[1:], dpi=150)
