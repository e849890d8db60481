"""`ixs kappa wigner`: Wigner conductivity from force constants and linewidths."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simulate.cli.options import AsJson, KeptIn

if TYPE_CHECKING:
    from simulate.transport.wigner import WignerKappa

_DIAGONAL = (0, 1, 2)
_TOP_BRANCHES = 6


def wigner(
    force_constants: Annotated[
        Path, typer.Argument(help="Of the same phonons as the linewidths.", show_default=False)
    ],
    linewidths: Annotated[
        str,
        typer.Argument(
            help="What `ixs kappa read` reads, one FWHM in meV, or a file of energy and FWHM.",
            show_default=False,
        ),
    ],
    temperature: Annotated[
        list[float] | None,
        typer.Option(help="K (repeatable). [default: those of the linewidths, or 300]"),
    ] = None,
    mesh: Annotated[
        str | None, typer.Option(help='Points, "9 7 9". [default: the linewidths\' mesh]')
    ] = None,
    variant: Annotated[
        Literal["wigner", "step", "real_part", "hwhm"],
        typer.Option(help="All but wigner are wrong, to be compared with."),
    ] = "wigner",
    normalisation: Annotated[
        Literal["mean", "geometric"],
        typer.Option(help="v = <e|∂D|e'>/(ω+ω'), or with 2√(ωω')."),
    ] = "mean",
    born: Annotated[Path | None, typer.Option(help="BORN file (charges, dielectric).")] = None,
    nac: Annotated[bool, typer.Option(help="With the dipole term where charges are known.")] = True,
    structure: Annotated[
        Path | None, typer.Option(help="Crystal of the linewidths, where no file tells it.")
    ] = None,
    output: KeptIn = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every mode: energy, width, velocity, κ.")
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="κ against energy: .png, .pdf, .svg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Particle-like and wave-like conductivity κ_p, κ_c (Wigner transport), with its audit.

    Linewidths are FWHM; κ in W/(m K), in the Cartesian frame of the force constants. With several
    temperatures, table and figure are of the first.

    Example: ixs kappa wigner phono3py_params.yaml kappa-m979.hdf5 --csv modes.csv
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.kappa_options import (
        mesh_option,
        phonon_model,
        temperatures_of,
        widths_option,
    )
    from simulate.cli.md_options import check_project_name, check_table_name
    from simulate.transport.wigner import wigner_series

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(csv_file)
    divisions = mesh_option(mesh)
    model = phonon_model(force_constants, born, nac)
    widths, files = widths_option(linewidths, model, structure)
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("q-points", silent=as_json) as progress,
    ):
        results = wigner_series(
            model,
            widths,
            temperatures_of(widths, temperature),
            divisions,
            variant=variant,
            normalisation=normalisation,
            progress=progress,
            cancel=cancel,
        )
    if output is not None:
        settings: dict[str, Any] = {
            "linewidths": linewidths,
            "mesh": results[0].mesh,
            "variant": variant,
            "normalisation": normalisation,
            "nac": nac,
        }
        _keep(output, linewidths, results, settings, [*files, force_constants])
    if csv_file is not None:
        from simulate.transport.mode_csv import write_mode_csv

        rows = write_mode_csv(csv_file, results[0].modes)
        print(f"written: {csv_file} ({rows} modes)", file=sys.stderr)
    if figure is not None:
        from ixs_core.picture_files import write_figure
        from simulate.transport.wigner_figures import spectral_figure

        write_figure(figure, spectral_figure(results[0]))
    if as_json:
        print(json.dumps(_record(results)))
    else:
        _show(results)


def _keep(
    project: Path,
    linewidths: str,
    results: Sequence[WignerKappa],
    settings: dict[str, Any],
    sources: Sequence[Path],
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.record_store import own_key
    from simulate.transport.wigner_store import CONTENT, write_wigner

    made = provenance_of("ixs kappa wigner", settings, sources=sources, packages=("phonopy",))
    first = results[0]
    usual = (first.variant, first.normalisation) == ("wigner", "mean")
    more = "" if usual else f" {first.variant} {first.normalisation}"
    named = Path(linewidths)
    if not named.exists():  # a number, of which the part behind the dot is no ending
        named = Path(f"{linewidths} meV.width")
    with Project(project).writing() as h5:
        key = own_key(h5, CONTENT, named, made, more)
        write_wigner(h5, key.removeprefix(f"{CONTENT} "), results, made)
    print(f"written: {project}", file=sys.stderr)


def _record(results: Sequence[WignerKappa]) -> dict[str, Any]:
    """The first temperature at the level of the house's keys, all of them in a list."""
    from simulate.cli.kappa_options import audit_record, tensor_list

    def one(result: WignerKappa) -> dict[str, Any]:
        return {
            "temperature_k": result.temperature_k,
            "kappa_p": tensor_list(result.kappa_p),
            "kappa_c": tensor_list(result.kappa_c),
            "audit": audit_record([result.audit]),
            "elements": {
                element: dict(
                    zip(("kappa_p", "kappa_c"), result.modes.carried_by(element), strict=True)
                )
                for element in result.modes.elements
            },
        }

    every = [one(result) for result in results]
    first = results[0]
    return {
        **every[0],
        "mesh": list(first.mesh),
        "variant": first.variant,
        "normalisation": first.normalisation,
        "notes": list(first.notes),
        "temperatures": every,
    }


def _show(results: Sequence[WignerKappa]) -> None:
    from ixs_core.terminal_tables import Column, print_table
    from simulate.transport.irreducible_mesh import mesh_text

    first = results[0]
    columns = [Column("T (K)"), Column("W/(m K)", text=True)]
    columns += [Column(name) for name in ("xx", "yy", "zz", "yz", "xz", "xy")]
    rows = [
        [f"{result.temperature_k:g}" if name == "κ_p" else "", name, *_six(tensor)]
        for result in results
        for name, tensor in (
            ("κ_p", result.kappa_p),
            ("κ_c", result.kappa_c),
            ("sum", result.kappa),
        )
    ]
    after = [f"mesh {mesh_text(first.mesh)}, {len(first.modes.weights)} q-points computed"]
    if first.variant != "wigner":
        after.append(f"WRONG ON PURPOSE: variant {first.variant}")
    for result in results:
        if len(results) > 1:
            after.append(f"{result.temperature_k:g} K")
        after += result.audit.lines()
    after += _carriers(first)
    print_table(columns, rows, [*after, *first.notes])


def _six(tensor: Any) -> list[str]:
    places = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    return [f"{round(float(tensor[place]), 6) + 0.0:.4f}" for place in places]


def _carriers(result: WignerKappa) -> list[str]:
    """Who carries the heat at the first temperature, by element and by branch."""
    import numpy as np

    modes = result.modes
    lines = [f"who carries κ at {result.temperature_k:g} K (mean of the axes):"]
    for element in modes.elements:
        particle, wave = modes.carried_by(element)
        lines.append(f"  {element} modes carry {particle:.0%} of κ_p, {wave:.0%} of κ_c")
    for name, part in zip(("κ_p", "κ_c"), modes.by_branch(), strict=True):
        share = np.trace(part, axis1=1, axis2=2)
        if not share.sum():
            continue
        share = share / share.sum()
        top = np.argsort(-share)[:_TOP_BRANCHES]
        text = ", ".join(f"{branch + 1} ({share[branch]:.0%})" for branch in top)
        lines.append(f"  branches with most of {name}: {text}")
    return lines
