"""`ixs md linewidths`: energies and widths of phonon branches in a trajectory."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simulate.cli.options import AsJson, FigureFile, FrameTime, KeptIn, TypeMap

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.md.mode_lines import ModeLinewidths
    from simulate.md.trajectory import Trajectory
    from simulate.phonons.model import PhononModel

_COLUMNS = (
    "harmonic_mev",
    "energy_mev",
    "energy_err",
    "fwhm_mev",
    "fwhm_err",
    "fwhm_upper",
    "overdamped",
    "kinetic_temperature_k",
    "share",
    "misfit",
)


def linewidths(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    force_constants: Annotated[
        Path,
        typer.Option(help="Of the same crystal: their eigenvectors.", show_default=False),
    ],
    q: Annotated[
        list[str],
        typer.Option(help='Q as "h k l", conventional cell (repeatable).', show_default=False),
    ],
    cell: Annotated[
        str | None,
        typer.Option(
            help='Conventional cell, Å: "a b c"; with angles "a b c alpha beta gamma". '
            "[default: the force constants']"
        ),
    ] = None,
    supercell: Annotated[
        str | None, typer.Option(help='Or: conventional cells in the simulation, "2 2 3".')
    ] = None,
    segment: Annotated[
        float | None,
        typer.Option(
            help="Time T per spectrum, ps; FWHM (5.96 / T) meV. [default: half, 30 at most]"
        ),
    ] = None,
    source: Annotated[
        Literal["auto", "velocities", "positions"],
        typer.Option(help="Velocities of the file, or differences of its positions."),
    ] = "auto",
    born: Annotated[Path | None, typer.Option(help="BORN file (charges, dielectric).")] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    output: KeptIn = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the table.")] = None,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Energies and FWHM of phonon branches: the trajectory projected onto their eigenvectors.

    Each mode's velocity spectrum is fitted with the damped harmonic oscillator of `ixs fit`, the
    resolution of the run's length taken out. Widths below two standard errors are given as limits
    (95 %).

    Example: ixs md linewidths run.h5 --force-constants phonopy_300K.yaml --q "0 0 0"
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.calculation import numbers
    from simulate.cli.md_options import check_project_name, check_table_name, keep_result, opened
    from simulate.md.mode_lines import mode_linewidths
    from simulate.md.mode_projection import project_modes

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(csv_file)
    wanted = [numbers(text, "--q", 3) for text in q]
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        model, lattice = _model(force_constants, born, trajectory, cell, supercell)
        with terminal_progress("projection", silent=as_json) as progress:
            spectra = project_modes(
                trajectory,
                model,
                wanted,
                lattice=lattice,
                segment_ps=segment,
                source=source,
                progress=progress,
                cancel=cancel,
            )
        with terminal_progress("fits", silent=as_json) as progress:
            found = mode_linewidths(spectra, progress=progress, cancel=cancel)
    if output is not None:
        settings = {"q": q, "force_constants": force_constants, "segment_ps": found.segment_ps}
        keep_result(output, file, found, "ixs md linewidths", settings, f" at {'; '.join(q)}")
    if csv_file is not None:
        _write(csv_file, found)
    if figure is not None:
        from simulate.md.mode_figures import linewidth_figure

        write_figure(figure, linewidth_figure(spectra, found))
    if as_json:
        print(json.dumps(_record(found)))
    else:
        _show(found)


def _model(
    path: Path, born: Path | None, trajectory: Trajectory, cell: str | None, supercell: str | None
) -> tuple[PhononModel, Lattice | tuple[float, ...] | None]:
    """The phonons, hkl in the cell that was named, and what `project_modes` takes for it."""
    from ixs_core.lattice import Lattice
    from simulate.cli.md_options import conventional_cell_option
    from simulate.md.commensurate import conventional_cell
    from simulate.phonons import PhononModel

    lattice, edges = None, None
    if cell is not None or supercell is not None:
        lattice = conventional_cell_option(cell, supercell)
        edges = Lattice.from_vectors(conventional_cell(trajectory.cell, lattice)).cell
    model = PhononModel.load(path, born, cell=edges)
    for note in model.force_constants.notes:
        print(f"NOTE: {path.name}: {note}", file=sys.stderr)
    return model, lattice


def _record(found: ModeLinewidths) -> dict[str, Any]:
    from ixs_core.provenance import plain

    record: dict[str, Any] = plain(
        {
            "requested_hkl": found.requested_hkl.tolist(),
            "q_hkl": found.q_hkl.tolist(),
            "distance": found.distance.tolist(),
            "branch": found.branch.tolist(),
            "group": found.group.tolist(),
            **{name: _finite(getattr(found, name).tolist()) for name in _COLUMNS},
            "lifetime_ps": _finite(found.lifetime_ps.tolist()),
            "temperature_k": found.temperature_k,
            "resolution_mev": found.resolution_mev,
            "segment_ps": found.segment_ps,
            "segments": found.segments,
            "notes": list(found.notes),
        }
    )
    return record


def _finite(table: list[list[Any]]) -> list[list[Any]]:
    """JSON has no NaN: null where there is no number."""
    return [[value if math.isfinite(value) else None for value in row] for row in table]


def _write(path: Path, found: ModeLinewidths) -> None:
    from ixs_core.atomic import atomic_write

    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["h", "k", "l", "branch", "group", *_COLUMNS])
        for row, hkl in enumerate(found.q_hkl):
            for mode, branch in enumerate(found.branch):
                start = [*(f"{x:.6g}" for x in hkl), branch, found.group[row, mode]]
                values = (float(getattr(found, name)[row, mode]) for name in _COLUMNS)
                writer.writerow([*start, *(f"{value:.6g}" for value in values)])
    print(f"written: {path}", file=sys.stderr)


def _show(found: ModeLinewidths) -> None:
    import numpy as np

    from ixs_core.terminal_tables import Column, hkl_text, print_table
    from simulate.md.mode_lines import branch_text, energy_text, width_text

    columns = [
        Column("Q of the simulation", text=True),
        *map(Column, ("branch", "harmonic (meV)", "energy W (meV)", "FWHM (meV)")),
        *map(Column, ("T (K)", "share", "misfit")),
        Column("", text=True),
    ]
    rows = [
        [
            hkl_text(found.q_hkl[row]),
            branch_text(found, row, mode),
            f"{found.harmonic_mev[row, mode]:.2f}",
            energy_text(found, row, mode),
            width_text(found, row, mode),
            f"{found.kinetic_temperature_k[row, mode]:.0f}",
            f"{found.share[row, mode]:.2f}",
            f"{found.misfit[row, mode]:.1f}",
            "overdamped" if found.overdamped[row, mode] else "",
        ]
        for row in range(len(found.q_hkl))
        for mode in np.flatnonzero(np.diff(found.group[row], prepend=-1)).tolist()
        if not np.isnan(found.energy_mev[row, mode])
    ]
    moved = [
        f"Q {hkl_text(asked)} is not held by the simulation cell: ({hkl_text(nearest)}) stands for "
        f"it, |ΔQ| {distance:.3f} Å⁻¹"
        for asked, nearest, distance in zip(
            found.requested_hkl, found.q_hkl, found.distance, strict=True
        )
        if distance > 1e-3
    ]
    after = [
        f"resolution {found.resolution_mev:.2g} meV (FWHM), taken out; {found.segments} "
        f"overlapping segments of {found.segment_ps:.4g} ps",
        f"temperature of these modes {found.temperature_k:.0f} K",
        "share: of the mode's energy in the line; misfit: scatter about the fit over that "
        "expected, well above 1 where there are several lines",
    ]
    print_table(columns, rows, [*moved, *after, *found.notes])
