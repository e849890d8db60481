"""`ixs md sqw`: S(Q,E) of a trajectory."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.md.scattering_spectrum import DynamicStructureFactor, Quantum
    from simulate.md.trajectory import Trajectory

_LONGEST_PS = 30.0  # of a segment that is chosen: 0.2 meV


def sqw(
    file: Annotated[Path, typer.Argument(help="Trajectory.", show_default=False)],
    q: Annotated[
        list[str],
        typer.Option(help='Q as "h k l", conventional cell (repeatable).', show_default=False),
    ],
    cell: Annotated[
        str | None,
        typer.Option(help='Conventional cell, Å: "a b c"; with angles "a b c alpha beta gamma".'),
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
    weights: Annotated[
        Literal["xray", "neutron"], typer.Option(help="Form factors, or scattering lengths.")
    ] = "xray",
    quantum: Annotated[
        Literal["harmonic", "schofield", "standard", "none"],
        typer.Option(help="Correction that gives detailed balance (and the Bose factor)."),
    ] = "harmonic",
    temperature: Annotated[
        float | None, typer.Option(help="K, of the correction. [default: the file's]")
    ] = None,
    type_map: Annotated[
        str | None, typer.Option(help='Elements of types: "1:Cs,2:Cu,3:I" or "Cs,Cu,I".')
    ] = None,
    dt: Annotated[
        float | None, typer.Option(help="Time from frame to frame in fs. [default: the file's]")
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the spectra.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write a figure: .png, .pdf, .svg.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="local:N, or tcp://host:port (dask).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """S(Q,E) of a trajectory at the wave vectors nearest to each Q that its cell holds.

    E > 0 is energy loss, intensities are in e²/meV (x-rays) or fm²/meV (neutrons) per atom; the
    elastic line is given apart, by its area.

    Example: ixs md sqw run.h5 --q "0 0 4.33" --supercell "2 2 3" --figure sqw.png
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.calculation import numbers
    from simulate.cli.md_options import opened
    from simulate.md.density_sums import density_modes
    from simulate.md.scattering_spectrum import dynamic_structure_factor

    if figure is not None:
        check_figure_name(figure)
    wanted = [numbers(text, "--q", 3) for text in q]
    lattice = _conventional(cell, supercell)
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        _check_temperature(trajectory, quantum, temperature)
        with terminal_progress("density modes", silent=as_json) as progress:
            modes = density_modes(
                trajectory,
                wanted,
                weights,
                lattice=lattice,
                scheduler=scheduler,
                progress=progress,
                cancel=cancel,
            )
    chosen = min(trajectory.duration_ps / 2, _LONGEST_PS) if segment is None else segment
    found = dynamic_structure_factor(modes, chosen, quantum=quantum, temperature_k=temperature)
    if csv_file is not None:
        _write(csv_file, found)
    if figure is not None:
        from simulate.md.scattering_figures import scattering_figure

        write_figure(figure, scattering_figure(found))
    if as_json:
        print(json.dumps(_record(found)))
    else:
        _show(found)


def _conventional(cell: str | None, supercell: str | None) -> Lattice | tuple[float, ...]:
    """The cell in which hkl count, as `density_modes` takes it."""
    from ixs_core.lattice import Lattice
    from simulate.cli.calculation import numbers

    if (cell is None) == (supercell is None):
        raise typer.BadParameter("give one of --cell, --supercell: the cell in which hkl count")
    if cell is not None:
        count = 6 if len(cell.replace(",", " ").split()) == 6 else 3
        return Lattice(*numbers(cell, "--cell", count))
    multiples = numbers(supercell or "", "--supercell", 3)
    if any(number < 1 or number != round(number) for number in multiples):
        raise InputError(
            "these are not numbers of cells",
            key="--supercell",
            found=repr(supercell),
            expected='three whole numbers from 1, "2 2 3"',
        )
    return multiples


def _check_temperature(trajectory: Trajectory, quantum: Quantum, kelvin: float | None) -> None:
    """Raise an InputError, before any work, where a correction lacks its temperature."""
    if kelvin is not None and not 0 < kelvin < float("inf"):
        raise InputError(
            "is no temperature", key="--temperature", found=kelvin, expected="K above 0"
        )
    if quantum != "none" and kelvin is None and trajectory.temperature_k is None:
        raise InputError(
            "the temperature is not known",
            file=trajectory.name or None,
            key="--temperature",
            expected="kelvin, for the quantum correction",
            hint="give --temperature, or --quantum none",
        )


def _maxima(found: DynamicStructureFactor) -> list[float]:
    """Energy of the strongest loss of each Q, beyond one resolution from E = 0."""
    beyond = found.energy_mev > found.fwhm_mev
    energy = found.energy_mev[beyond]
    return [float(energy[row]) for row in found.inelastic[:, beyond].argmax(axis=1)]


def _record(found: DynamicStructureFactor) -> dict[str, Any]:
    from ixs_core.provenance import plain
    from simulate.md.scattering_figures import units

    record: dict[str, Any] = plain(
        {
            "requested_hkl": found.requested_hkl.tolist(),
            "q_hkl": found.q_hkl.tolist(),
            "q_abs": found.q_abs.tolist(),
            "distance": found.distance.tolist(),
            "energy_mev": found.energy_mev.tolist(),
            "intensity": found.inelastic.tolist(),
            "relative_error": found.relative_error,
            "elastic": found.elastic.tolist(),
            "static": found.static.tolist(),
            "maximum_mev": _maxima(found),
            "units": f"{units(found)} per atom",
            "resolution_mev": found.fwhm_mev,
            "segment_ps": found.segment_ps,
            "segments": found.segments,
            "quantum": found.quantum,
            "temperature_k": found.temperature_k,
            "notes": list(found.notes),
        }
    )
    return record


def _write(path: Path, found: DynamicStructureFactor) -> None:
    from ixs_core.atomic import atomic_write

    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            ["h", "k", "l", "q_abs", "distance", "energy_mev", "intensity", "intensity_err"]
        )
        for hkl, *where, spectrum in zip(
            found.q_hkl, found.q_abs, found.distance, found.inelastic, strict=True
        ):
            start = [f"{value:.6g}" for value in (*hkl, *where)]
            for energy, value in zip(found.energy_mev, spectrum, strict=True):
                row = (energy, value, found.relative_error * value)
                writer.writerow([*start, *(f"{number:.6g}" for number in row)])
    print(f"written: {path}", file=sys.stderr)


def _show(found: DynamicStructureFactor) -> None:
    from ixs_core.terminal_tables import Column, hkl_text, print_table
    from simulate.md.scattering_figures import units

    unit = units(found)
    columns = [
        *(Column("Q asked for", text=True), Column("Q of the simulation", text=True)),
        *map(Column, ("|Q| (Å⁻¹)", "|ΔQ| (Å⁻¹)", "strongest loss (meV)", "elastic", "S(Q)")),
    ]
    rows = [
        [
            hkl_text(found.requested_hkl[found.owner[row]]),
            hkl_text(found.q_hkl[row]),
            f"{found.q_abs[row]:.3f}",
            f"{found.distance[row]:.3f}",
            f"{energy:.1f}",
            f"{found.elastic[row]:.3g}",
            f"{found.static[row]:.3g}",
        ]
        for row, energy in enumerate(_maxima(found))
    ]
    kelvin = "" if found.temperature_k is None else f" at {found.temperature_k:g} K"
    after = [
        f"resolution {found.fwhm_mev:.2g} meV (FWHM), {found.segments} overlapping segments of "
        f"{found.segment_ps:.4g} ps: ± {100 * found.relative_error:.0f} % at each energy",
        f"{unit.removesuffix('/meV')} per atom; quantum correction: {found.quantum}{kelvin}",
    ]
    print_table(columns, rows, after)
