"""`ixs md run`: molecular dynamics with a potential."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.md_structure import repeated_structure
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.md.run import RunResult

_STORES = (".h5", ".hdf5")


def run(
    structure: Annotated[
        Path, typer.Argument(help="Start: what ASE reads (CIF, POSCAR, xyz).", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Store to write (.h5).", show_default=False)
    ],
    potential: Annotated[
        str,
        typer.Option(
            help='"emt", "lj:sigma=3.4,epsilon=0.0104", FILE.mtp, or "module:attribute".',
            show_default=False,
        ),
    ],
    temperature: Annotated[float, typer.Option(help="K.", show_default=False)],
    species: Annotated[
        str | None, typer.Option(help='Elements in the order of an .mtp file: "Cs,Cu,I".')
    ] = None,
    supercell: Annotated[str, typer.Option(help="Repeats of the structure.")] = "1 1 1",
    equilibration: Annotated[float, typer.Option(help="ps at constant T, not kept.")] = 10.0,
    production: Annotated[float, typer.Option(help="ps at constant energy, kept.")] = 20.0,
    step: Annotated[float, typer.Option(help="Time step, fs.")] = 2.0,
    every: Annotated[int, typer.Option(help="Steps from frame to frame.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the velocities.")] = 0,
    heat_flux: Annotated[
        bool,
        typer.Option("--heat-flux", help="Keep the heat flux of every frame (.mtp and lj)."),
    ] = False,
    threads: Annotated[int, typer.Option(help="Of an .mtp potential.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Molecular dynamics: equilibration at constant temperature, then constant energy.

    Frames are kept as they come, with forces, beside the store (.traj): after Ctrl-C or a crash
    the same command goes on.

    --heat-flux writes, beside the store and in it, total and convective flux (eV·Å/ps) of every
    frame, for the thermal conductivity by Green and Kubo: frames every 5 to 10 fs (--every).

    Example: ixs md run 300K.cif -o run.h5 --potential cscuI.mtp --species Cs,Cu,I
    --supercell "2 2 3" --temperature 300
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.md.calculators import calculator_by_name
    from simulate.md.heat_flux import write_heat_flux
    from simulate.md.run import RunSettings, run_dynamics, store_run

    if output.suffix.lower() not in _STORES:
        raise InputError(
            "this ending names no store",
            key="--output",
            found=output.name,
            expected=" or ".join(_STORES),
        )
    frames = output.with_suffix(".traj")
    _check_output(output, frames)
    settings = RunSettings(
        temperature_k=temperature,
        step_fs=step,
        equilibration_ps=equilibration,
        production_ps=production,
        every=every,
        seed=seed,
        heat_flux=heat_flux,
    )
    atoms = repeated_structure(structure, supercell)
    elements = [] if species is None else [name.strip() for name in species.split(",")]
    calculator = calculator_by_name(potential, elements, threads)
    with (
        interrupt_cancels("stopping after this frame; the same command goes on") as cancel,
        terminal_progress("dynamics", silent=as_json) as progress,
    ):
        result = run_dynamics(atoms, calculator, frames, settings, progress=progress, cancel=cancel)
    if result.finished:
        store_run(result, output)
        print(f"written: {output}", file=sys.stderr)
        if result.heat_flux is not None:
            write_heat_flux(result.heat_flux, _heat_flux_file(output))
            print(f"written: {_heat_flux_file(output)}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(output, result, len(atoms))))
    else:
        _show(result, len(atoms))


def _check_output(output: Path, frames: Path) -> None:
    """Raise an InputError where the store would take the place of another file or run."""
    from simulate.md.store import refuse_other_file

    refuse_other_file(output)
    if output.exists() and not frames.exists():
        raise InputError(
            "a store of another run is here",
            file=output,
            expected=f"{frames.name} beside it, with which the run would go on",
            hint="choose another name",
        )
    if not output.resolve().parent.is_dir():
        raise InputError("there is no such folder", file=output.parent, key="--output")


def _heat_flux_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}_heat_flux.txt")


def _record(output: Path, result: RunResult, atoms: int) -> dict[str, Any]:
    from ixs_core.provenance import plain

    record: dict[str, Any] = plain(
        {
            "path": str(output) if result.finished else None,
            "frames_file": str(result.path),
            "finished": result.finished,
            "atoms": atoms,
            "frames": result.frames,
            "dt_fs": result.dt_fs,
            "temperature_k": result.temperature_k if result.frames else None,
            "drift_mev_atom": result.drift_mev_atom,
            "seconds": result.seconds,
            "heat_flux_file": None
            if result.heat_flux is None or not result.finished
            else str(_heat_flux_file(output)),
        }
    )
    return record


def _show(result: RunResult, atoms: int) -> None:
    print(
        f"{atoms} atoms, {result.frames} frames of {result.dt_fs:g} fs in {result.path.name}, "
        f"{result.seconds:.1f} s"
    )
    if result.frames:
        print(
            f"mean temperature {result.temperature_k:.1f} K, energy drift "
            f"{result.drift_mev_atom:+.2g} meV per atom"
        )
    if not result.finished:
        print("stopped: the same command goes on", file=sys.stderr)
