"""`ixs kappa read`: what files of linewidths hold."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.transport.lifetimes import Linewidths

_USUAL_K = 300.0


def read(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Files or folders: kappa-m*.hdf5, ShengBTE, FourPhonon, kaldo, tables.",
            show_default=False,
        ),
    ],
    temperature: Annotated[
        float | None,
        typer.Option(help="K: what to show, or what files are of. [default: 300 or the nearest]"),
    ] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Smearing in THz, where phono3py used several.")
    ] = None,
    structure: Annotated[
        Path | None,
        typer.Option(help="Crystal, where no file tells it: phono3py YAML, POSCAR, CONTROL."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Project (.h5) that keeps the linewidths.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every mode: energy, FWHM, lifetime.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Lifetimes against energy: .png, .pdf, .svg.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lifetimes that were computed elsewhere: what they are of, their widths, and κ rebuilt.

    κ is rebuilt from energies, velocities and widths and compared with what the files state: a
    wrong unit or files of different runs show there.

    Example: ixs kappa read kappa-m111111.hdf5 --figure lifetimes.png
    """
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.kappa_read_tables import record_of, show
    from simulate.cli.md_options import check_project_name, check_table_name
    from simulate.transport.reading import read_linewidths

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(csv_file)
    if csv_file is not None and len(paths) > 1:
        raise typer.BadParameter("--csv takes the modes of one source")
    sources = {
        path: read_linewidths(path, temperature_k=temperature, sigma=sigma, structure=structure)
        for path in paths
    }
    shown = {path: _kelvin(found, temperature) for path, found in sources.items()}
    if output is not None:
        _keep(output, sources, {"sigma": sigma, "structure": structure})
    if csv_file is not None:
        from simulate.transport.lifetime_table import write_lifetime_table

        modes = write_lifetime_table(csv_file, sources[paths[0]], temperature)
        print(f"written: {csv_file} ({modes} rows)", file=sys.stderr)
    if figure is not None:
        _draw(figure, sources, shown)
    if as_json:
        records = [record_of(path, found, shown[path]) for path, found in sources.items()]
        print(json.dumps(_answer(records)))
    else:
        for path, found in sources.items():
            show(path, found, shown[path])


def _kelvin(found: Linewidths, wanted: float | None) -> float:
    """The temperature to show; InputError where the one asked for is not there."""
    if wanted is not None:
        found.at(wanted)
        near = min(found.temperature_k, key=lambda kelvin: abs(kelvin - wanted))
        return float(near)
    return float(min(found.temperature_k, key=lambda kelvin: abs(kelvin - _USUAL_K)))


def _answer(records: list[dict[str, Any]]) -> dict[str, Any]:
    """All files; for a single one also what every `ixs kappa` gives, at its own level."""
    if len(records) > 1:
        return {"files": records}
    usual = {key: records[0][key] for key in ("temperature_k", "kappa_p", "kappa_c")}
    return {**usual, "files": records}


def _keep(project: Path, sources: dict[Path, Linewidths], settings: dict[str, Any]) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.record_store import own_key
    from simulate.transport.linewidths_store import CONTENT, write_linewidths

    made = provenance_of("ixs kappa read", settings)
    with Project(project).writing() as h5:
        for path, found in sources.items():
            own = replace(made, sources=found.sources)
            key = own_key(h5, CONTENT, path.resolve(), own)
            write_linewidths(h5, key.removeprefix(f"{CONTENT} "), found, own)
    print(f"written: {project}", file=sys.stderr)


def _draw(file: Path, sources: dict[Path, Linewidths], shown: dict[Path, float]) -> None:
    from ixs_core.picture_files import write_figure
    from simulate.transport.lifetime_figures import compared_lifetimes_figure, lifetime_figure

    if len(sources) == 1:
        path, found = next(iter(sources.items()))
        write_figure(file, lifetime_figure(found, shown[path]))
        return
    named = {path.name: (found, shown[path]) for path, found in sources.items()}
    write_figure(file, compared_lifetimes_figure(named))
