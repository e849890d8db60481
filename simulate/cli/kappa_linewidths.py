"""`ixs kappa linewidths`: linewidths of three-phonon processes from force constants."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.transport.phono3py_run import Phono3pyRun

_PROJECT, _KAPPA = ".h5", ".hdf5"


def linewidths(
    force_constants: Annotated[
        Path,
        typer.Argument(
            help="Second order: any file that `ixs sqe` reads.",
            metavar="FC",
            show_default=False,
        ),
    ],
    third: Annotated[
        Path,
        typer.Argument(
            help="FORCE_CONSTANTS_3RD of ShengBTE.",
            metavar="3RD",
            show_default=False,
        ),
    ],
    mesh: Annotated[
        str, typer.Option(help='Divisions of the primitive cell, "9 9 9".', show_default=False)
    ],
    temperature: Annotated[list[float] | None, typer.Option(help="K (repeatable). [300]")] = None,
    control: Annotated[
        Path | None,
        typer.Option(help="CONTROL of 3RD. [default: the one beside it, else the crystal of FC]"),
    ] = None,
    supercell: Annotated[
        str | None,
        typer.Option(help='Primitive cells for third order, "3 3 3". [default: the fewest]'),
    ] = None,
    born: Annotated[Path | None, typer.Option(help="BORN file (charges, dielectric).")] = None,
    isotopes: Annotated[bool, typer.Option(help="Scattering by natural isotopes.")] = True,
    wigner: Annotated[bool, typer.Option(help="Also the wave-like κ_c of phono3py.")] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Project (.h5) that keeps the linewidths, or a kappa file of phono3py (.hdf5).",
        ),
    ] = None,
    phono3py: Annotated[
        Path | None,
        typer.Option(help="Folder for phono3py_params.yaml, fc2.hdf5 and fc3.hdf5."),
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every mode: energy, FWHM, lifetime.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Lifetimes against energy: .png, .pdf, .svg.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Linewidths (FWHM) of three-phonon processes and isotopes, and κ, through phono3py.

    Four-phonon rates are not computed: `ixs kappa read` takes them from FourPhonon's output.

    Example: ixs kappa linewidths phonopy.yaml FORCE_CONSTANTS_3RD --mesh "5 5 5" -o run.h5
    """
    from contextlib import redirect_stdout

    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name
    from simulate.cli.calculation import numbers
    from simulate.cli.md_options import whole_numbers
    from simulate.phonons.loading import load_force_constants
    from simulate.transport.irreducible_mesh import checked_mesh
    from simulate.transport.phono3py_cells import require_phono3py
    from simulate.transport.phono3py_run import run_phono3py

    if figure is not None:
        check_figure_name(figure)
    _check_output(output)
    require_phono3py()
    wanted = numbers(mesh, "--mesh", 3)
    sizes = checked_mesh([int(n) if n == round(n) else n for n in wanted])  # type: ignore[misc]
    repeats = None if supercell is None else whole_numbers(supercell, "--supercell")
    with (
        redirect_stdout(sys.stderr),  # phono3py prints its warnings
        interrupt_cancels("stopping after this q-point") as cancel,
        terminal_progress("linewidths", silent=as_json) as progress,
    ):
        found = run_phono3py(
            load_force_constants(force_constants, born),
            third,
            sizes,
            temperature or [300.0],
            control=control,
            supercell=repeats,
            isotopes=isotopes,
            wigner=wigner,
            files=phono3py,
            output=output if output is not None and output.suffix == _KAPPA else None,
            progress=progress,
            cancel=cancel,
        )
    for written in (phono3py, output if output is not None and output.suffix == _KAPPA else None):
        if written is not None:
            print(f"written: {written}", file=sys.stderr)
    if output is not None and output.suffix == _PROJECT:
        settings = {"mesh": list(sizes), "isotopes": isotopes, "supercell": repeats}
        _keep(output, force_constants, found, settings)
    _write_pictures(found, csv_file, figure)
    if as_json:
        print(json.dumps(_record(force_constants, found)))
    else:
        _show(force_constants, found)


def _check_output(output: Path | None) -> None:
    if output is not None and output.suffix not in (_PROJECT, _KAPPA):
        raise InputError(
            "this ending names neither a project nor a kappa file",
            key="--output",
            found=output.name,
            expected=f"{_PROJECT} (project) or {_KAPPA} (phono3py's own layout)",
        )


def _keep(project: Path, file: Path, found: Phono3pyRun, settings: dict[str, Any]) -> None:
    from dataclasses import replace

    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.transport.linewidths_store import write_linewidths

    made = provenance_of("ixs kappa linewidths", settings, packages=("phono3py", "phonopy"))
    made = replace(made, sources=found.linewidths.sources)
    name = file.name.split(".")[0]
    with Project(project).writing() as h5:
        write_linewidths(h5, f"phono3py {name}", found.linewidths, made)
    print(f"written: {project}", file=sys.stderr)


def _write_pictures(found: Phono3pyRun, csv_file: Path | None, figure: Path | None) -> None:
    if csv_file is not None:
        from simulate.transport.lifetime_table import write_lifetime_table

        modes = write_lifetime_table(csv_file, found.linewidths)
        print(f"written: {csv_file} ({modes} rows)", file=sys.stderr)
    if figure is not None:
        from ixs_core.picture_files import write_figure
        from simulate.transport.lifetime_figures import lifetime_figure

        kelvin = float(found.linewidths.temperature_k[0])
        write_figure(figure, lifetime_figure(found.linewidths, kelvin))


def _record(file: Path, found: Phono3pyRun) -> dict[str, Any]:
    """As of `ixs kappa read`, with κ of phono3py; of the first temperature, and of all."""
    from simulate.cli.kappa_read_tables import record_of

    kelvin = float(found.linewidths.temperature_k[0])
    wave = found.kappa_c
    return {
        **record_of(file, found.linewidths, kelvin),
        "temperature_k": kelvin,
        "kappa_p": found.kappa_p[0].tolist(),
        "kappa_c": None if wave is None else wave[0].tolist(),
        "kappa_p_all": found.kappa_p.tolist(),
        "kappa_c_all": None if wave is None else wave.tolist(),
    }


def _show(file: Path, found: Phono3pyRun) -> None:
    from ixs_core.terminal_tables import Column, print_table
    from simulate.cli.kappa_read_tables import show

    widths = found.linewidths
    show(file, widths, float(widths.temperature_k[0]))
    print()
    parts = [("κ_p", found.kappa_p)]
    if found.kappa_c is not None:
        parts.append(("κ_c", found.kappa_c))
    axes = [f"{name} {axis}" for name, _ in parts for axis in ("xx", "yy", "zz")]
    print_table(
        [Column("κ of phono3py (W/m K) at T (K)", text=True), *map(Column, axes)],
        [
            [f"{kelvin:g}", *(f"{x:.4g}" for _, part in parts for x in part[row].diagonal())]
            for row, kelvin in enumerate(widths.temperature_k)
        ],
    )
