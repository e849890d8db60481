"""`ixs md pdos`: the phonon density of states from velocities."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simulate.cli.options import AsJson, FigureFile, FrameTime, KeptIn, Scheduler, TypeMap

if TYPE_CHECKING:
    from simulate.md.vibrational_states import PhononDos


def pdos(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    resolution: Annotated[
        float | None, typer.Option(help="meV (FWHM). [default: that of the trajectory]")
    ] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    output: KeptIn = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the states.")] = None,
    figure: FigureFile = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Phonon density of states by element and direction, from the velocity autocorrelation.

    Normalised to three states per atom; energies in meV.

    Example: ixs md pdos run.h5 --resolution 1 --figure pdos.png
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.md_options import check_project_name, check_table_name, keep_result, opened
    from simulate.md.vibrational_states import phonon_dos

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(csv_file)
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        with terminal_progress("states", silent=as_json) as progress:
            found = phonon_dos(
                trajectory,
                resolution_mev=resolution,
                scheduler=scheduler,
                progress=progress,
                cancel=cancel,
            )
    if output is not None:
        keep_result(output, file, found, "ixs md pdos", {"resolution_mev": resolution})
    if csv_file is not None:
        _write(csv_file, found)
    if figure is not None:
        from simulate.md.motion_figures import dos_figure

        write_figure(figure, dos_figure(found))
    if as_json:
        print(
            json.dumps(
                {
                    "energy_mev": found.energy_mev.tolist(),
                    "dos": {
                        element: states.tolist()
                        for element, states in zip(found.elements, found.dos, strict=True)
                    },
                    "temperature_k": found.temperature_k,
                    "resolution_mev": found.resolution_mev,
                    "notes": list(found.notes),
                }
            )
        )
    else:
        _show(found)


def _write(path: Path, found: PhononDos) -> None:
    from ixs_core.atomic import atomic_write

    names = [f"{element}_{axis}" for element in found.elements for axis in "xyz"]
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["energy_mev", *(f"{name}_per_mev" for name in names)])
        for energy, states in zip(
            found.energy_mev, found.dos.reshape(len(names), -1).T, strict=True
        ):
            writer.writerow([f"{energy:.6g}", *(f"{state:.6g}" for state in states)])
    print(f"written: {path}", file=sys.stderr)


def _show(found: PhononDos) -> None:
    from ixs_core.terminal_tables import Column, print_table

    columns = [
        Column("element", text=True),
        *(Column(f"maximum along {axis} (meV)") for axis in "xyz"),
    ]
    rows = [
        [element, *(f"{energy:.1f}" for energy in energies)]
        for element, energies in zip(found.elements, found.maximum_mev(), strict=True)
    ]
    after = [f"resolution {found.resolution_mev:.2g} meV"]
    if found.temperature_k is not None:
        after.append(f"temperature of the velocities {found.temperature_k:.1f} K")
    print_table(columns, rows, [*after, *found.notes])
