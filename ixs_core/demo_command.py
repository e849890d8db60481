"""`ixs demo`: the demonstration of a checkout, from files to report."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ixs_core.errors import InputError


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.")] = Path(
        "report"
    ),
) -> None:
    """Run the demonstration of a checkout; it prints the seconds of each stage.

    Example: ixs demo -o report/
    """
    checkout = find_checkout(Path.cwd(), Path(__file__).resolve().parent.parent)
    # The samples are no installed package; worker processes, too, find them by this path.
    sys.path.insert(0, str(checkout))
    import_module("sample_data.demo").main(output)


def find_checkout(*candidates: Path) -> Path:
    """The first of the folders that is a checkout of the suite, with its sample data.

    Raises
    ------
    InputError
        When none is.
    """
    for folder in candidates:
        if (folder / "sample_data" / "demo.py").is_file() and (folder / "ixs_core").is_dir():
            return folder
    raise InputError(
        "the demonstration needs a checkout of ixs-suite",
        file=candidates[0],
        expected="sample_data/demo.py in this folder",
        hint="change into the checkout, then `make demo`",
    )
