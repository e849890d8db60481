"""`ixs sqe`: S(Q,E) from force constants."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ixs_core.lattice import Lattice
    from simulate.cli.calculation import Calculation
    from simulate.sqe_results import SqeResult

_SHOWN = 0.002
"""Modes above this share of the strongest I[n+1] are listed; --json and -o hold all."""


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
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable on stdout.")] = False,
) -> None:
    """One-phonon S(Q,E) of x-rays from force constants: energies, intensities, spectra, maps.

    hkl count in the conventional cell, intensities are in e² per primitive cell without the
    Bose factor, linewidths are FWHM in meV, E > 0 is energy loss.

    Example: ixs sqe phonopy_params.yaml --q "7 6.3 0" --temperature 300

    Along a path: ixs sqe phonopy_params.yaml --path "7 7 0 : 7 6 0 : 41" --figure path.png

    For a fit: ixs sqe phonopy_params.yaml --at project.h5 && ixs fit project.h5 --modes predicted
    """
    from simulate.cli.calculation import linewidth_option, load_calculation
    from simulate.cli.pictures import check_figure_name

    if sum(choice is not None for choice in (q or None, path, setting, at, grid)) != 1:
        raise typer.BadParameter("give one of --q, --path, --setting, --at, --grid")
    linewidth_option(linewidth)
    if figure is not None:
        check_figure_name(figure)
    calculation = load_calculation(
        force_constants,
        born=born,
        nac=nac,
        lattice=_measured_lattice(experiment, at),
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
        _predict(calculation, at, scans, kelvin, linewidth, settings, as_json)
        return
    if grid is not None:
        _stream(calculation, grid, output, kelvin or 300.0, scheduler, as_json)
        return
    result = _lines(calculation, q or [], path, setting, experiment, kelvin or 300.0)
    if resolution is not None or fwhm is not None or (figure is not None and path is None):
        result = _with_spectra(result, resolution, fwhm, energy, linewidth)
    _write(result, calculation, output, figure, settings)
    if as_json:
        from simulate.sqe_results import json_record

        print(json.dumps(json_record(result)))
    elif result.distance is not None and (output or figure):
        imaginary = int(result.lines.imaginary.sum())
        print(f"{result.title}: {len(result.lines.q_hkl)} Q, {imaginary} imaginary modes")
    else:
        _show(result)


def _measured_lattice(experiment: Path | None, at: Path | None) -> Lattice | None:
    """The cell in which the measurement counts hkl: of the experiment file, else of the project."""
    if experiment is not None:
        from ixs_reduce.instrument import measured_lattice

        return measured_lattice(experiment)
    if at is None:
        return None
    from ixs_core.lattice import Lattice
    from ixs_core.project import Project
    from ixs_reduce.store import read_scan, scan_keys

    with Project(at).reading() as h5:
        cells = {cell for key in scan_keys(h5) if (cell := read_scan(h5, key).lattice)}
    return Lattice.from_cell(cells.pop()) if len(cells) == 1 else None


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
    spectra = line_spectra(result.lines, axis, through, linewidth_option(linewidth) or 0.0)
    width = through[0].fwhm_mev
    what = "measured R" if resolution else f"R of {width:.2f} meV FWHM (nominal)"
    return replace(result, energy_mev=axis, sqe=spectra, title=f"{result.title}, {what}")


def _predict(
    calculation: Calculation,
    at: Path,
    scans: str | None,
    kelvin: float | None,
    linewidth: str | None,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Store predicted modes for every spectrum of a project."""
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from ixs_reduce.project_fit import load_spectra
    from ixs_reduce.store import write_predictions
    from simulate.cli.calculation import linewidth_option
    from simulate.prediction import predict_spectra

    project = Project(at)
    loaded = load_spectra(project, scans)
    made = provenance_of("ixs sqe --at", settings, sources=calculation.files)
    predicted = {
        key: predict_spectra(
            calculation.model,
            group,
            temperature_k=kelvin,
            linewidth=linewidth_option(linewidth),
            source=calculation.source,
            **calculation.options,
        )
        for key, group in loaded.by_key.items()
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
    print(f"next: ixs fit {at} --modes predicted")


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

    if output is None or output.suffix not in (".h5", ".hdf5", ".nxs"):
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
    """The files asked for; what a suffix means is said where it is unknown."""
    from ixs_core.atomic import atomic_write_text
    from simulate.sqe_results import csv_text, json_record, mode_rows, write_sqe

    if output is not None and output.suffix == ".csv":
        atomic_write_text(output, csv_text(mode_rows(result)))
    elif output is not None and output.suffix == ".json":
        atomic_write_text(output, json.dumps(json_record(result)) + "\n")
    elif output is not None and output.suffix in (".h5", ".hdf5", ".nxs"):
        from ixs_core.project import Project
        from ixs_core.provenance import provenance_of

        made = provenance_of("ixs sqe", settings, sources=calculation.files)
        with Project(output).writing() as h5:
            write_sqe(h5, _key(settings), result, made)
    elif output is not None:
        raise InputError(
            "this ending names no format",
            key="--output",
            found=output.name,
            expected=".csv, .json or .h5",
        )
    if output is not None:
        print(f"written: {output}", file=sys.stderr)
    if figure is not None:
        from simulate.cli.pictures import write_figure
        from simulate.sqe_figures import figure_of

        write_figure(figure, figure_of(result))


def _key(settings: dict[str, Any]) -> str:
    """Name of a result in a project, from what was asked for."""
    if settings["path"]:
        return f"path {settings['path']}"
    if settings["setting"]:
        return f"setting {settings['setting']}"
    return "Q " + "; ".join(settings["q"])


def _show(result: SqeResult) -> None:
    import numpy as np

    from ixs_reduce.cli.tables import Column, print_table

    lines = result.lines
    weight = lines.loss_intensity
    headings = ("h k l", "branch", "E (meV)", "I (e²)", "I [n+1] (e²)", "degenerate with")
    columns = [*([Column("analyzer")] if result.names else []), *(Column(h) for h in headings)]
    rows = []
    for i, hkl in enumerate(lines.q_hkl):
        shown = weight[i] >= _SHOWN * max(float(weight[i].max()), 1e-300)
        for s in np.flatnonzero(shown | lines.imaginary[i]):
            same = (lines.group[i] == lines.group[i, s]) & (np.arange(shown.size) != s)
            rows.append(
                [
                    *([result.names[i]] if result.names else []),
                    " ".join(f"{x:.3f}" for x in hkl),
                    str(lines.branch[i, s]),
                    "imaginary" if lines.imaginary[i, s] else f"{lines.energy_mev[i, s]:.3f}",
                    f"{lines.intensity[i, s]:.3g}",
                    f"{weight[i, s]:.3g}",
                    ", ".join(str(b) for b in lines.branch[i, same]) or "",
                ]
            )
    hidden = lines.energy_mev.size - len(rows)
    after = [
        result.title,
        "I: e² per primitive cell, without the Bose factor; E > 0: energy loss",
        f"{hidden} modes weaker than {_SHOWN:.1%} of the strongest at their Q are not shown",
    ]
    if lines.imaginary.any():
        after.append(f"{int(lines.imaginary.sum())} imaginary modes: counted, not scattering")
    if result.distance is not None:
        after.insert(0, f"{len(lines.q_hkl)} Q along {result.distance[-1]:.3f} Å⁻¹")
    print_table(columns, rows if result.distance is None else rows[:200], after)
    if result.distance is not None and len(rows) > 200:
        print(f"only the first 200 of {len(rows)} lines are shown; -o FILE.csv holds all")
