"""`ixs report`: the page of a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def report(
    project: Annotated[Path, typer.Argument(help="The project file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the page.")] = Path(
        "report"
    ),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    note: Annotated[
        list[str] | None,
        typer.Option(help="A paragraph for the top of the page, such as credits (repeatable)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable result.")] = False,
) -> None:
    """Write the report page of a project: index.html and the figures as files.

    Example: ixs report project.h5 -o report/
    """
    from ixs_core.project import Project
    from ixs_core.report import FigureStore, Section, collect_sections, compose, write_report

    with Project(project).reading():
        """A file that is no project ends the command before anything is written."""
    sections = collect_sections(Project(project), FigureStore(output / "figures"))
    if note:
        sections.append(Section("Notes", "notes", 0, compose(*note)))
    page = write_report(project, output, sections, title or project.stem)
    failed = [section.summary for section in sections if section.anchor.startswith("error-")]
    for reason in failed:
        typer.echo(f"ixs: a section is missing: {reason}", err=True)
    if as_json:
        typer.echo(json.dumps({"page": str(page), "sections": len(sections), "failed": failed}))
    else:
        typer.echo(str(page))
