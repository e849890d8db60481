"""`ixs sqe`: S(Q,E) from force constants."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.cli.calculation import Calculation
    from simulate.cli.project_cells import Cell
    from simulate.sqe_results import SqeResult

_TABLES = (".csv", ".json")
_PROJECTS = (".h5", ".hdf5", ".nxs")


def sqe(
    force_constants: Annotated[
        Path,
        typer.Argument(
            help="phonopy yaml (also .xz, .gz), FORCE_CONSTANTS, ShengBTE CONTROL, Euphonic JSON.",
            show_default=False,
        ),
    ],
    q: Annotated[
        list[str] | None, typer.Option(help='Q as "h k l", conventional cell (repeatable).')
    ] = None,
    path: Annotated[
        str | None, typer.Option(help='Path: "7 7 0 : 7 6 0 : 41", more legs after ";".')
    ] = None,
    setting: Annotated[
        str | None,
        typer.Option(help="hkl of the arm centre: every analyzer's Q (needs --experiment)."),
    ] = None,
    at: Annotated[
        Path | None,
        typer.Option(
            help="Project: predict at every spectrum's own Q, for `fit --modes predicted`."
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(help='Grid streamed to -o FILE.h5: "0:2:101 0:2:101 0:1:101" (h, k, l).'),
    ] = None,
    scans: Annotated[str | None, typer.Option(help='With --at: scans, as "58-69,71".')] = None,
    temperature: Annotated[
        float | None, typer.Option(help="K. [default: the spectra's or experiment's, else 300]")
    ] = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Experiment TOML or beamline file: cell and orientation.")
    ] = None,
    form_factor: Annotated[
        str | None, typer.Option(help='Ions, as "Cs1+,Cu1+,I1-". [default: neutral atoms]')
    ] = None,
    photon_kev: Annotated[
        float | None, typer.Option(help="Photon energy for f' + i f''. [default: f0 alone]")
    ] = None,
    debye_waller: Annotated[
        str, typer.Option(help="phonon, none, or a CIF with displacement parameters.")
    ] = "phonon",
    linewidth: Annotated[
        str | None, typer.Option(help="FWHM in meV, or a file of energy and FWHM.")
    ] = None,
    resolution: Annotated[
        Path | None, typer.Option(help="R.h5 of `ixs resolution`: spectra through it.")
    ] = None,
    fwhm: Annotated[float | None, typer.Option(help="Nominal FWHM of R in meV instead.")] = None,
    energy: Annotated[
        str, typer.Option(help='Energies of spectra and maps, meV: "first:last:step".')
    ] = "-10:20:0.1",
    born: Annotated[Path | None, typer.Option(help="BORN file (charges, dielectric).")] = None,
    nac: Annotated[bool, typer.Option(help="Long-range dipole term where charges exist.")] = True,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write .csv, .json, or .h5 (a project).")
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Write a figure: .png, .pdf or .svg.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="For --grid: local:N, or tcp://host:port (dask).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One-phonon S(Q,E) of x-rays from force constants: energies, intensities, spectra, maps.

    hkl count in the conventional cell, intensities are in e² per primitive cell without the
    Bose factor, linewidths are FWHM in meV, E > 0 is energy loss.

    Example: ixs sqe phonopy_params.yaml --q "7 6.3 0" --temperature 300

    Along a path: ixs sqe phonopy_params.yaml --path "7 7 0 : 7 6 0 : 41" --figure path.png

    For a fit: ixs sqe phonopy_params.yaml --at project.h5 && ixs fit project.h5 --modes predicted
    """
    from ixs_core.picture_files import check_figure_name
    from ixs_core.project import Project
    from simulate.cli.calculation import check_linewidth, check_temperature, load_calculation
    from simulate.cli.project_cells import cells_of_spectra

    if sum(choice is not None for choice in (q or None, path, setting, at, grid)) != 1:
        raise typer.BadParameter("give one of --q, --path, --setting, --at, --grid")
    for option, given, modes in (
        ("--figure", figure, {"--q": q, "--path": path, "--setting": setting}),
        ("-o", output, {"--q": q, "--path": path, "--setting": setting, "--grid": grid}),
        ("--scans", scans, {"--at": at}),
        ("--scheduler", scheduler, {"--grid": grid}),
    ):
        if given is not None and not any(modes.values()):
            raise typer.BadParameter(f"{option} belongs to {', '.join(modes)}")
    check_linewidth(linewidth)
    if linewidth is not None and not (at or grid or resolution or fwhm or (figure and not path)):
        print(
            "NOTE: --linewidth is not used: no spectra are made (--fwhm or --resolution)",
            file=sys.stderr,
        )
    check_temperature(temperature)
    if figure is not None:
        check_figure_name(figure)
    if output is not None and grid is None and output.suffix.lower() not in _TABLES + _PROJECTS:
        raise InputError(
            "this ending names no format",
            key="--output",
            found=output.name,
            expected=".csv, .json or .h5",
        )
    cells = {} if at is None else cells_of_spectra(Project(at), scans)
    calculation = load_calculation(
        force_constants,
        born=born,
        nac=nac,
        lattice=_measured_lattice(experiment, cells, force_constants),
        form_factor=form_factor,
        energy_kev=photon_kev,
        debye_waller=debye_waller,
    )
    kelvin = temperature if temperature is not None else _sample_temperature(experiment)
    settings = {
        "q": q,
        "path": path,
        "setting": setting,
        "grid": grid,
        "temperature_k": kelvin,
        "form_factor": form_factor,
        "photon_kev": photon_kev,
        "debye_waller": debye_waller,
        "linewidth": linewidth,
        "nac": nac,
        "fwhm": fwhm,
    }
    if at is not None:
        _predict(calculation, at, scans, cells, kelvin, linewidth, settings, as_json)
        return
    if grid is not None:
        _stream(calculation, grid, output, kelvin or 300.0, scheduler, as_json)
        return
    result = _lines(calculation, q or [], path, setting, experiment, kelvin or 300.0)
    if resolution is not None or fwhm is not None or (figure is not None and path is None):
        result = _with_spectra(result, calculation, resolution, fwhm, energy, linewidth)
    _write(result, calculation, output, figure, settings)
    if as_json:
        from simulate.sqe_results import json_record

        print(json.dumps(json_record(result)))
    elif result.distance is not None and (output or figure):
        imaginary = int(result.lines.imaginary.sum())
        print(f"{result.title}: {len(result.lines.q_hkl)} Q, {imaginary} imaginary modes")
    else:
        from simulate.cli.sqe_table import show_modes

        show_modes(result)


def _measured_lattice(
    experiment: Path | None, cells: Mapping[str, Cell | None], force_constants: Path
) -> Lattice | None:
    """The cell in which the measurement counts hkl: of the experiment file, else of the project."""
    if experiment is not None:
        from ixs_reduce.instrument import measured_lattice

        return measured_lattice(experiment)
    from simulate.cli.project_cells import lattice_that_fits

    return lattice_that_fits(force_constants, cells)


def _sample_temperature(experiment: Path | None) -> float | None:
    if experiment is None:
        return None
    from ixs_reduce.instrument import experiment_in

    described = experiment_in(experiment)
    return None if described is None else described.sample.temperature_k


def _lines(
    calculation: Calculation,
    q: Sequence[str],
    path: str | None,
    setting: str | None,
    experiment: Path | None,
    kelvin: float,
) -> SqeResult:
    """Modes at the Q asked for."""
    import numpy as np

    from simulate.cli.calculation import numbers
    from simulate.phonons import parse_path, path_lines
    from simulate.sqe_results import SqeResult

    model, title = calculation.model, f"{calculation.source}, {kelvin:g} K"
    if path is not None:
        legs = parse_path(path, model.lattice)
        lines = path_lines(model, legs, kelvin, **calculation.options)
        ticks = tuple(
            (float(legs.distance[i]), label)
            for i, label in zip(legs.ticks, legs.labels, strict=True)
        )
        return SqeResult(lines, title, distance=legs.distance, ticks=ticks)
    if setting is not None:
        if experiment is None:
            raise InputError("--setting needs the orientation", hint="give --experiment exp.toml")
        from ixs_reduce.instrument import load_instrument

        instrument = load_instrument(experiment)
        table = instrument.analyzer_q(instrument.angles_for(numbers(setting, "--setting", 3)))
        lines = model.structure_factor(table.hkl, kelvin, **calculation.options)
        return SqeResult(lines, f"{title}, arm at ({setting})", names=table.names)
    points = np.array([numbers(text, "--q", 3) for text in q])
    return SqeResult(model.structure_factor(points, kelvin, **calculation.options), title)


def _with_spectra(
    result: SqeResult,
    calculation: Calculation,
    resolution: Path | None,
    fwhm: float | None,
    energy: str,
    linewidth: str | None,
) -> SqeResult:
    from dataclasses import replace

    from simulate.cli.calculation import energy_axis, linewidth_option, resolutions_for
    from simulate.phonons import line_spectra

    names = result.names or ("",) * len(result.lines.q_hkl)
    axis = energy_axis(energy)
    through = resolutions_for(resolution, fwhm, names)
    width = linewidth_option(linewidth, calculation.model, result.lines.temperature_k)
    spectra = line_spectra(result.lines, axis, through, width or 0.0)
    nominal = f"R of {through[0].fwhm_mev:.2f} meV FWHM (nominal)"
    what = "measured R" if resolution else nominal
    return replace(result, energy_mev=axis, sqe=spectra, title=f"{result.title}, {what}")


def _predict(
    calculation: Calculation,
    at: Path,
    scans: str | None,
    cells: Mapping[str, Cell | None],
    kelvin: float | None,
    linewidth: str | None,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Store predicted modes for every spectrum of a project."""
    from ixs_core.project import Project, list_results
    from ixs_core.provenance import provenance_of
    from ixs_reduce.project_fit import load_spectra
    from ixs_reduce.store import write_predictions
    from simulate.cli.calculation import linewidth_series
    from simulate.cli.project_cells import other_crystals
    from simulate.prediction import predict_spectra

    project = Project(at)
    loaded = load_spectra(project, scans)
    foreign = other_crystals(calculation.model.lattice, cells)
    if foreign:
        print(
            f"WARNING: left out, with the cell of another crystal: {', '.join(foreign)}",
            file=sys.stderr,
        )
    if len(foreign) == len(loaded.by_key):
        raise InputError("no scan is of the crystal of the force constants", file=at)
    made = provenance_of("ixs sqe --at", settings, sources=calculation.files)
    predicted = {
        key: predict_spectra(
            calculation.model,
            group,
            temperature_k=kelvin,
            linewidth=linewidth_series(linewidth, calculation.model),
            source=calculation.source,
            **calculation.options,
        )
        for key, group in loaded.by_key.items()
        if key not in foreign
    }
    with project.writing() as h5:
        for key, modes in predicted.items():
            write_predictions(h5, key, modes, made)
    count = sum(len(group) for group in predicted.values())
    imaginary = sum(modes.imaginary for group in predicted.values() for modes in group)
    if as_json:
        record = {"project": str(at), "scans": list(predicted), "spectra": count}
        print(json.dumps({**record, "imaginary": imaginary}))
        return
    print(f"modes predicted for {count} spectra of {len(predicted)} scans, stored in {at}")
    if imaginary:
        print(f"left out: {imaginary} imaginary modes, which do not scatter")
    with project.reading() as h5:
        holds_resolutions = bool(list_results(h5, "resolutions"))
    more = "" if holds_resolutions else " --resolution R.h5"
    print(f"next: ixs fit {at}{more} --modes predicted")


def _stream(
    calculation: Calculation,
    grid: str,
    output: Path | None,
    kelvin: float,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Structure factors on a grid, written as they come."""
    from ixs_core.jobs import terminal_progress
    from simulate.phonons import parse_grid, write_grid

    if output is None or output.suffix.lower() not in _PROJECTS:
        raise InputError(
            "a grid is streamed to an HDF5 file", key="--output", expected="-o grid.h5"
        )
    points = parse_grid(grid)
    with terminal_progress("S on the grid", silent=as_json) as progress:
        write_grid(
            output,
            calculation.model,
            points,
            kelvin,
            scheduler=scheduler,
            progress=progress,
            sources=calculation.files,
            **calculation.options,
        )
    if as_json:
        print(json.dumps({"output": str(output), "shape": list(points.shape)}))
    else:
        count = points.shape[0] * points.shape[1] * points.shape[2]
        print(f"{count} Q × {calculation.model.n_modes} modes written to {output}")


def _write(
    result: SqeResult,
    calculation: Calculation,
    output: Path | None,
    figure: Path | None,
    settings: dict[str, Any],
) -> None:
    """The files asked for."""
    from ixs_core.atomic import atomic_write_text
    from simulate.sqe_results import csv_text, json_record, mode_rows, write_sqe

    ending = "" if output is None else output.suffix.lower()
    if output is not None and ending == ".csv":
        atomic_write_text(output, csv_text(mode_rows(result)))
    elif output is not None and ending == ".json":
        atomic_write_text(output, json.dumps(json_record(result)) + "\n")
    elif output is not None:
        from ixs_core.project import Project
        from ixs_core.provenance import provenance_of

        made = provenance_of("ixs sqe", settings, sources=calculation.files)
        with Project(output).writing() as h5:
            write_sqe(h5, _key(settings), result, made)
    if output is not None:
        print(f"written: {output}", file=sys.stderr)
    if figure is not None:
        from ixs_core.picture_files import write_figure
        from simulate.sqe_figures import figure_of

        write_figure(figure, figure_of(result))


def _key(settings: dict[str, Any]) -> str:
    """Name of a result in a project, from what was asked for."""
    if settings["path"]:
        return f"path {settings['path']}"
    if settings["setting"]:
        return f"setting {settings['setting']}"
    return "Q " + "; ".join(settings["q"])
