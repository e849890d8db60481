"""`ixs md sqw`: S(Q,E) of a trajectory."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FigureFile, FrameTime, Scheduler, TypeMap

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.md.density_sums import DensityModes
    from simulate.md.phonon_comparison import PhononCurves
    from simulate.md.scattering_spectrum import DynamicStructureFactor, Quantum
    from simulate.md.trajectory import Trajectory


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
    phonons: Annotated[
        Path | None,
        typer.Option(help="Force constants: their S(Q,E) beside it, in the same units."),
    ] = None,
    linewidth: Annotated[
        str | None, typer.Option(help="Of these phonons: FWHM in meV, or a table.")
    ] = None,
    form_factor: Annotated[
        str | None, typer.Option(help='Ions, as "Cs1+,Cu1+,I1-". [default: neutral atoms]')
    ] = None,
    type_map: TypeMap = None,
    dt: FrameTime = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Project (.h5): density modes and S(Q,E) are kept."),
    ] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the spectra.")] = None,
    figure: FigureFile = None,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """S(Q,E) of a trajectory at the wave vectors nearest to each Q that its cell holds.

    E > 0 is energy loss, intensities are in e²/meV (x-rays) or fm²/meV (neutrons) per atom; the
    elastic line is given apart, by its area. With -o the trajectory is gone through once: later
    calls with the same Q take its density modes from the project.

    Example: ixs md sqw run.h5 --q "0 0 4.33" --supercell "2 2 3" --figure sqw.png
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.calculation import numbers
    from simulate.cli.md_options import (
        LONGEST_SEGMENT_PS,
        check_project_name,
        check_table_name,
        conventional_cell_option,
        ions_option,
        opened,
        simulated_temperature,
    )
    from simulate.md.scattering_spectrum import dynamic_structure_factor

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(csv_file)
    if phonons is not None and weights != "xray":
        raise typer.BadParameter("--phonons scatter x-rays: without --weights neutron")
    if linewidth is not None and phonons is None:
        raise typer.BadParameter("--linewidth is that of --phonons")
    if form_factor is not None and weights != "xray":
        raise typer.BadParameter("--form-factor is of x-rays: without --weights neutron")
    wanted = [numbers(text, "--q", 3) for text in q]
    lattice = conventional_cell_option(cell, supercell)
    with interrupt_cancels("stopping") as cancel:
        trajectory = opened(file, type_map, dt, cancel, quiet=as_json)
        kelvin = simulated_temperature(trajectory, temperature)
        _check_temperature(trajectory, quantum, kelvin)
        ions = None if weights != "xray" else ions_option(form_factor, trajectory.species)
        with terminal_progress("density modes", silent=as_json) as progress:
            modes = _modes(
                output,
                trajectory,
                wanted,
                weights,
                lattice=lattice,
                scheduler=scheduler,
                progress=progress,
                cancel=cancel,
            )
    chosen = min(trajectory.duration_ps / 2, LONGEST_SEGMENT_PS) if segment is None else segment
    found = dynamic_structure_factor(
        modes,
        chosen,
        quantum=quantum,
        temperature_k=kelvin,
        ions=ions,
    )
    lines = None
    if phonons is not None:
        lines = _phonons(phonons, trajectory, lattice, found, linewidth, form_factor)
    if output is not None:
        settings = {"q": q, "segment_ps": found.segment_ps, "ions": form_factor, "phonons": phonons}
        _keep(output, file, q, found, lines, settings)
    if csv_file is not None:
        _write(csv_file, found)
    if figure is not None:
        from simulate.md.scattering_figures import scattering_figure

        write_figure(figure, scattering_figure(found, lines))
    if as_json:
        print(json.dumps(_record(found, lines)))
    else:
        _show(found)


def _modes(
    project: Path | None, trajectory: Trajectory, wanted: Any, weights: str, **options: Any
) -> DensityModes:
    """Density modes, kept in the project where there is one."""
    from simulate.md.density_modes_store import cached_density_modes
    from simulate.md.density_sums import density_modes

    if project is None:
        return density_modes(trajectory, wanted, weights, **options)
    return cached_density_modes(project, trajectory, wanted, weights, **options)


def _phonons(
    path: Path,
    trajectory: Trajectory,
    lattice: Lattice | tuple[float, ...],
    found: DynamicStructureFactor,
    linewidth: str | None,
    form_factor: str | None,
) -> PhononCurves:
    """The phonons of force constants at the Q of the simulation, hkl in its axes."""
    from ixs_core.lattice import Lattice
    from simulate.cli.calculation import linewidth_option, load_calculation
    from simulate.md.commensurate import conventional_cell
    from simulate.md.phonon_comparison import phonon_curves

    kelvin = found.temperature_k
    if kelvin is None:
        raise InputError(
            "phonons need a temperature", key="--temperature", expected="kelvin of the simulation"
        )
    cell = Lattice.from_vectors(conventional_cell(trajectory.cell, lattice))
    calculation = load_calculation(path, lattice=cell, form_factor=form_factor)
    width = linewidth_option(linewidth, calculation.model, kelvin) or 0.0
    return phonon_curves(found, calculation.model, calculation.source, width, **calculation.options)


def _keep(
    project: Path,
    file: Path,
    q: list[str],
    found: DynamicStructureFactor,
    lines: PhononCurves | None,
    settings: dict[str, Any],
) -> None:
    """Store the spectra in the project."""
    from ixs_core.project import Project, keep_history
    from ixs_core.provenance import provenance_of
    from simulate.md.phonon_comparison import PhononCurves
    from simulate.md.project_results import md_result_key, result_name, write_md_result

    sources = [file, *([settings["phonons"]] if settings["phonons"] else [])]
    made = provenance_of("ixs md sqw", settings, sources=sources, packages=("numba",))
    with Project(project).writing() as h5:
        name = result_name(h5, type(found), file, made, f" at {'; '.join(q)}")
        write_md_result(h5, name, found, made, f"S(Q,E) of {file.name}")
        if lines is None:
            # Those of an earlier call do not belong to these spectra.
            keep_history(h5, "predictions", md_result_key(PhononCurves, name))
        else:
            write_md_result(h5, name, lines, made, f"phonons of {lines.source}")
    print(f"written: {project}", file=sys.stderr)


def _check_temperature(trajectory: Trajectory, quantum: Quantum, kelvin: float | None) -> None:
    """Raise an InputError, before any work, where a correction lacks its temperature."""
    if quantum != "none" and kelvin is None:
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


def _record(found: DynamicStructureFactor, lines: PhononCurves | None) -> dict[str, Any]:
    from ixs_core.provenance import plain

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
            "units": f"{found.unit} per atom",
            "resolution_mev": found.fwhm_mev,
            "segment_ps": found.segment_ps,
            "segments": found.segments,
            "quantum": found.quantum,
            "temperature_k": found.temperature_k,
            "notes": list(found.notes),
        }
    )
    if lines is not None:
        record["phonons"] = plain({"source": lines.source, "intensity": lines.inelastic})
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

    unit = found.unit
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
