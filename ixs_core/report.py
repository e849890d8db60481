"""The report page of a project: one HTML file that needs nothing else to be read.

Packages contribute sections through the entry point group `ixs.report`: each a callable
`sections(project, figures)` that yields `Section`s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import jinja2
from markupsafe import Markup

from ixs_core.atomic import atomic_write_text
from ixs_core.errors import Cancelled, InputError, IxsError
from ixs_core.project import KINDS, Project, list_results, read_provenance
from ixs_core.provenance import Provenance, versions_of
from ixs_core.report_parts import (
    Column,
    Figure,
    FigureStore,
    Table,
    anchor,
    compose,
    with_error,
)

__all__ = [
    "Column",
    "Figure",
    "FigureStore",
    "Section",
    "Table",
    "anchor",
    "collect_sections",
    "compose",
    "with_error",
    "write_report",
]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    title : str
    anchor : str
        Target of links to it; unique on the page.
    order : int
        Place on the page, low first (scans 10, resolution 20, fits 30, dispersion 40,
        planning 50, densities 60, simulation 70, transport 80).
    html : Markup
        Its content, as `compose` makes it; a plain text is escaped.
    summary : str
        One line for the top of the page: the result, with numbers.
    """

    title: str
    anchor: str
    order: int
    html: Markup | str
    summary: str = ""


SectionMaker = Callable[[Project, FigureStore], Iterable[Section]]


def collect_sections(project: Project, figures: FigureStore) -> list[Section]:
    """The sections of all packages for a project.

    A package that fails gets a section that says why; the others stand.
    """
    found: list[Section] = []
    for entry in sorted(entry_points(group="ixs.report"), key=lambda entry: entry.name):
        found += _sections_of(entry, project, figures)
    return found


def _sections_of(entry: EntryPoint, project: Project, figures: FigureStore) -> list[Section]:
    try:
        make: SectionMaker = entry.load()
        return list(make(project, figures))
    except Cancelled:
        raise
    except (IxsError, OSError, ValueError, KeyError, ImportError) as error:
        reason = str(error) if isinstance(error, IxsError) else f"{type(error).__name__}: {error}"
        return [
            Section(
                title=f"{entry.name}: no section",
                anchor=f"error-{anchor(entry.name)}",
                order=900,
                html=Markup(
                    '<p class="error" role="alert">This part of the report failed: {}</p>'
                ).format(reason),
                summary=f"failed: {reason}",
            )
        ]


def write_report(
    project_path: str | Path, folder: str | Path, sections: Iterable[Section], title: str
) -> Path:
    """Write `index.html` into a folder and return its path.

    Parameters
    ----------
    project_path : path
        The project, whose results and provenance the page lists.
    folder : path
        Made when missing.
    sections : iterable of Section
    title : str

    Raises
    ------
    InputError
        When the project cannot be read or the folder not written.
    """
    project = Project(project_path)
    records = _records(project)
    ordered = sorted(sections, key=lambda section: section.order)
    page = Path(folder) / "index.html"
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made: {error.strerror}", file=folder) from error
    provenance = Section(
        "Provenance",
        "provenance",
        1000,
        compose(*_provenance_tables(records)),
    )
    html = (
        _environment()
        .get_template("report.html")
        .render(
            title=title,
            project=project.path.name,
            counts=Counter(kind for kind, _ in records),
            sections=[*ordered, provenance],
            written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            version=versions_of(["ixs-suite"]).get("ixs-suite", ""),
        )
    )
    atomic_write_text(page, html)
    return page


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("ixs_core"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _records(project: Project) -> list[tuple[str, Provenance]]:
    """Kind and provenance of every current result."""
    with project.reading() as h5:
        return [
            (kind, read_provenance(h5, kind, key))
            for kind in KINDS
            for key in list_results(h5, kind)
        ]


def _provenance_tables(records: Sequence[tuple[str, Provenance]]) -> list[Table | str]:
    """What made the results: results made alike share a row."""
    if not records:
        return ["The project holds no results yet."]
    makings = Counter(
        (kind, made.function, _settings(made), _versions(made)) for kind, made in records
    )
    sources = Counter(source for _, made in records for source in made.sources)
    times = [made.created for _, made in records if made.created]
    return [
        f"Made between {min(times)} and {max(times)}." if times else "The times are not recorded.",
        Table(
            [Column("Results"), Column("Kind"), Column("Made by"), "Settings", "Versions"],
            [(number, *making) for making, number in sorted(makings.items())],
            "How the current results were made; earlier ones are in the project's history.",
        ),
        Table(
            [Column("Source file"), Column("sha256"), Column("Results")],
            [(name, digest, number) for (name, digest), number in sorted(sources.items())],
            "The files they were made from.",
        ),
    ]


def _settings(made: Provenance) -> str:
    return ", ".join(f"{name} = {value}" for name, value in made.settings.items()) or "–"


def _versions(made: Provenance) -> str:
    return ", ".join(f"{package} {number}" for package, number in made.versions.items())
