"""`ixs md convert`: any trajectory into the store that all analyses stream."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from simulate.cli.options import AsJson, FrameTime, TypeMap


def convert(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Store to write (.h5).", show_default=False)
    ],
    type_map: TypeMap = None,
    dt: FrameTime = None,
    units: Annotated[
        str | None, typer.Option(help="metal or real (LAMMPS). [default: the file's, else metal]")
    ] = None,
    topology: Annotated[
        Path | None, typer.Option(help="File that names the atoms (formats of MDAnalysis).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Convert a trajectory to the store: unwrapped, sorted by atom, quick by frames and by atoms.

    Ctrl-C stops and leaves an older store of this name as it was.

    Example: ixs md convert dump.lammpstrj -o run.h5 --type-map "1:Cs,2:Cu,3:I" --dt 20
    """
    from ixs_core.errors import InputError
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.md.formats.elements import parse_type_map
    from simulate.md.reading import read_trajectory
    from simulate.md.store import refuse_other_file, write_store

    if output.resolve() == file.resolve():
        raise InputError("the store would take the place of its source", file=output)
    refuse_other_file(output)
    named = None if type_map is None else parse_type_map(type_map)
    started = time.perf_counter()
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("converting", silent=as_json) as progress,
    ):
        trajectory = read_trajectory(
            file, named, dt, units=units, topology=topology, progress=progress, cancel=cancel
        )
        write_store(trajectory, output, progress=progress, cancel=cancel)
    seconds = time.perf_counter() - started
    stored = read_trajectory(output)
    if as_json:
        record = {
            "path": str(output),
            "atoms": stored.n_atoms,
            "frames": stored.n_frames,
            "dt_fs": stored.dt_fs,
            "has_velocities": stored.has_velocities,
            "seconds": round(seconds, 3),
            "notes": list(stored.notes),
        }
        print(json.dumps(record))
        return
    print(
        f"{output}: {stored.n_atoms} atoms, {stored.n_frames} frames of {stored.dt_fs:g} fs"
        f" ({stored.duration_ps:.4g} ps), {'with' if stored.has_velocities else 'without'}"
        f" velocities, {output.stat().st_size / 1e6:.0f} MB in {seconds:.1f} s"
    )
    for note in stored.notes:
        print(note, file=sys.stderr)
