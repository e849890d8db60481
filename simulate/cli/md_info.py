"""`ixs md info`: what trajectory files hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson, TypeMap

if TYPE_CHECKING:
    from simulate.md.formats.raw_trajectory import RawTrajectory


def info(
    files: Annotated[list[Path], typer.Argument(help="Trajectories.", show_default=False)],
    type_map: TypeMap = None,
    topology: Annotated[
        Path | None, typer.Option(help="File that names the atoms (formats of MDAnalysis).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What trajectory files hold: atoms, frames, time step, cell, elements, velocities.

    With --json one record, or a list of them for several files; dt_fs is null where the file
    does not say it.

    Example: ixs md info dump.lammpstrj --type-map "1:Cs,2:Cu,3:I"
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.md.formats.elements import parse_type_map
    from simulate.md.reading import open_trajectory

    named = None if type_map is None else parse_type_map(type_map)
    records = []
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("reading", silent=as_json) as progress,
    ):
        for file in files:
            raw = open_trajectory(file, named, topology=topology, progress=progress, cancel=cancel)
            records.append(_record(file, raw))
    if as_json:
        print(json.dumps(records[0] if len(records) == 1 else records))
    else:
        _show(records)


def _record(file: Path, raw: RawTrajectory) -> dict[str, Any]:
    counts = {name: raw.species.count(name) for name in dict.fromkeys(raw.species)}
    return {
        "path": str(file),
        "atoms": len(raw.species),
        "frames": raw.n_frames,
        "dt_fs": raw.dt_fs,
        "cell": raw.cells.mean(axis=0).tolist(),
        "species": counts,
        "has_velocities": raw.has_velocities,
        "varying_cell": len(raw.cells) > 1,
        "wrapped": raw.wrapped,
        "temperature_k": raw.temperature_k,
        "notes": [*([raw.interval] if raw.interval and raw.dt_fs is None else []), *raw.notes],
    }


def _show(records: list[dict[str, Any]]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    headings = (
        *(Column("file", text=True), Column("atoms"), Column("frames"), Column("step / fs")),
        *(Column("length / ps"), Column("cell / Å, °", text=True), Column("species", text=True)),
        Column("velocities", text=True),
    )
    rows = []
    for record in records:
        step = record["dt_fs"]
        rows.append(
            (
                Path(record["path"]).name,
                str(record["atoms"]),
                str(record["frames"]),
                "?" if step is None else f"{step:g}",
                "?" if step is None else f"{(record['frames'] - 1) * step / 1000:.4g}",
                _cell_text(record["cell"]) + (" (mean)" if record["varying_cell"] else ""),
                " ".join(f"{name}{number}" for name, number in record["species"].items()),
                "yes" if record["has_velocities"] else "no",
            )
        )
    notes = [f"{Path(r['path']).name}: {note}" for r in records for note in r["notes"]]
    print_table(headings, rows, notes)


def _cell_text(cell: list[list[float]]) -> str:
    from ase.geometry import cell_to_cellpar

    a, b, c, alpha, beta, gamma = cell_to_cellpar(cell)
    return f"{a:.3f} {b:.3f} {c:.3f}  {alpha:.2f} {beta:.2f} {gamma:.2f}"
