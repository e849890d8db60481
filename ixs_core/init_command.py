"""`ixs init`: a commented experiment file to fill in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("exp.toml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable result.")] = False,
) -> None:
    """Write a commented experiment file, in which you uncomment what you know.

    Example: ixs init exp.toml
    """
    from ixs_core.atomic import atomic_write_text
    from ixs_core.errors import InputError
    from ixs_core.experiment_template import TEMPLATE

    if path.exists() and not force:
        raise InputError(
            "the file exists already",
            file=path,
            hint="give another name, or --force to overwrite it",
        )
    atomic_write_text(path, TEMPLATE)
    typer.echo(json.dumps({"path": str(path)}) if as_json else str(path))
