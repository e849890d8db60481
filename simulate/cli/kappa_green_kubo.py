"""`ixs kappa green-kubo`: the thermal conductivity from a heat flux."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson, FigureFile, KeptIn

if TYPE_CHECKING:
    from ixs_core.jobs import CancelToken
    from simulate.transport.flux_integral import IntegralValue
    from simulate.transport.heat_flux import HeatFlux
    from simulate.transport.kappa_from_flux import GreenKubo


def green_kubo(
    files: Annotated[list[Path], typer.Argument(help="Heat fluxes; several are independent runs.")],
    dt: Annotated[float | None, typer.Option(help="Time from row to row, fs.")] = None,
    volume: Annotated[float | None, typer.Option(help="Of the cell, Å³.")] = None,
    temperature: Annotated[float | None, typer.Option(help="K.")] = None,
    units: Annotated[
        str | None, typer.Option(help="metal, real or gpumd. [default: the log's, or metal]")
    ] = None,
    columns: Annotated[
        Path | None, typer.Option(help="TOML that says which columns hold what.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="LAMMPS log: time step, volume, temperature, units.")
    ] = None,
    cutoff_thz: Annotated[
        float | None,
        typer.Option(help="f* of the cepstral analysis, THz. [default: 95 % of the power below]"),
    ] = None,
    longest: Annotated[
        float | None, typer.Option(help="Longest correlation, ps. [default: 1/20 of a run]")
    ] = None,
    at: Annotated[
        float | None, typer.Option(help="Time to read the integral, ps. [default: its plateau]")
    ] = None,
    blocks: Annotated[int, typer.Option(help="Blocks for the errors of the integral.")] = 10,
    anisotropic: Annotated[
        bool, typer.Option("--anisotropic", help="Analyse the axes one by one.")
    ] = False,
    intensive: Annotated[
        bool, typer.Option("--intensive", help="The flux is already divided by the volume.")
    ] = False,
    output: KeptIn = None,
    figure: FigureFile = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="Write correlation and running integrals.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Thermal conductivity by Green and Kubo: cepstral analysis, and the running integral.

    Reads heat fluxes of LAMMPS (compute heat/flux), of `ixs md run --heat-flux`, plain columns,
    and hac.out of GPUMD. The integral has a plateau only where the data show one.

    --columns: total = [2, 3, 4], convective = [5, 6, 7], dt_fs = 20, volume_A3 = 9955, units = …

    Example: ixs kappa green-kubo J0.dat --log log.lammps --figure gk.png
    """
    from ixs_core.jobs import interrupt_cancels
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.md_options import check_project_name, check_table_name

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    check_table_name(table)
    with interrupt_cancels("stopping") as cancel:
        if _is_hac(files, columns):
            result = _of_hac(files, at)
        else:
            given = {"dt_fs": dt, "volume_A3": volume, "temperature_k": temperature, "units": units}
            if intensive:
                given["extensive"] = False
            fluxes = [_read(file, columns, log, given, as_json) for file in files]
            options = {"longest_ps": longest, "at_ps": at, "cutoff_thz": cutoff_thz}
            result = _calculated(
                fluxes, options | {"blocks": blocks, "equivalent": not anisotropic}, cancel, as_json
            )
    if output is not None:
        settings = {"dt_fs": dt, "volume_A3": volume, "temperature_k": temperature, "units": units}
        settings |= {"longest_ps": longest, "at_ps": at, "cutoff_thz": cutoff_thz, "blocks": blocks}
        settings |= {"anisotropic": anisotropic, "intensive": intensive}
        used = [*files, *(extra for extra in (columns, log) if extra is not None)]
        _keep(output, files, used, result, settings)
    if as_json:
        print(json.dumps(_record(result)))
    else:
        _show(result)
    if table is not None:
        _write_table(table, result)
    if figure is not None:
        from simulate.transport.green_kubo_figures import green_kubo_figure

        write_figure(figure, green_kubo_figure(result))


def _is_hac(files: Sequence[Path], columns: Path | None) -> bool:
    from simulate.phonons.loading.file_content import read_content
    from simulate.transport.formats.gpumd_hac import is_hac

    return columns is None and len(files) == 1 and is_hac(read_content(files[0]))


def _of_hac(files: Sequence[Path], at: float | None) -> GreenKubo:
    from simulate.transport.formats.gpumd_hac import read_gpumd_hac

    return read_gpumd_hac(files[0], at)


def _read(
    file: Path, columns: Path | None, log: Path | None, given: dict[str, Any], quiet: bool
) -> HeatFlux:
    """A flux with what the options say in place of what the file does, and its notes on stderr."""
    from dataclasses import replace

    from simulate.transport.formats.heat_flux import read_heat_flux

    flux = read_heat_flux(file, columns, log)
    flux = replace(flux, **{key: value for key, value in given.items() if value is not None})
    if not quiet:
        known = [
            f"{len(flux.total)} rows",
            *([f"{flux.dt_fs:g} fs"] if flux.dt_fs else []),
            *([f"{flux.volume_A3:.6g} Å³"] if flux.volume_A3 else []),
            *([f"{flux.temperature_k:.4g} K"] if flux.temperature_k else []),
            f"units {flux.units}",
        ]
        print(f"{file.name}: {', '.join(known)}", file=sys.stderr)
        for note in flux.notes:
            print(f"  {note}", file=sys.stderr)
    return flux


def _calculated(
    fluxes: Sequence[HeatFlux], options: dict[str, Any], cancel: CancelToken, quiet: bool
) -> GreenKubo:
    from ixs_core.jobs import terminal_progress
    from simulate.transport.kappa_from_flux import green_kubo as calculate

    with terminal_progress("correlations", silent=quiet) as progress:
        return calculate(list(fluxes), **options, progress=progress, cancel=cancel)


def _record(result: GreenKubo) -> dict[str, Any]:
    """κ by the method named; the integral where it is read, its parts and its plateau."""
    from ixs_core.provenance import plain

    value, cepstral = result.integral.value(), result.cepstral
    parts = {name: {"kappa": k, "stderr": e} for name, (k, e) in value.parts.items()}
    record = {
        "kappa": result.kappa,
        "stderr": result.stderr,
        "method": result.method,
        "per_axis": result.per_axis,
        "parts": parts,
        "plateau": None
        if result.plateau is None
        else _integral_record(result.integral.value(result.plateau)),
        "plateau_reason": result.integral.plateau_reason,
        "integral": _integral_record(value),
        "cepstral": None
        if cepstral is None
        else {
            "kappa": cepstral.kappa,
            "stderr": cepstral.stderr,
            "stderr_with_choice": cepstral.stderr_with_choice,
            "per_axis": cepstral.per_axis,
            "per_axis_err": cepstral.per_axis_err,
            "cutoff_thz": cepstral.cutoff_thz,
            "p_star": cepstral.p_star,
            "components": cepstral.components,
        },
        "notes": _notes(result),
    }
    return {key: _without_nan(item) for key, item in plain(record).items()}


def _integral_record(value: IntegralValue) -> dict[str, Any]:
    return {
        "window_ps": value.read_ps,
        "kappa": value.kappa,
        "stderr": value.stderr,
        "per_axis": value.per_axis,
        "per_axis_err": value.per_axis_err,
    }


def _without_nan(item: Any) -> Any:
    """`null` for what is not known."""
    if isinstance(item, dict):
        return {key: _without_nan(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_without_nan(value) for value in item]
    return None if item == "nan" else item


def _notes(result: GreenKubo) -> list[str]:
    cepstral = () if result.cepstral is None else result.cepstral.notes
    return [*cepstral, *result.integral.notes, *result.notes]


def _keep(
    output: Path,
    files: Sequence[Path],
    used: Sequence[Path],
    result: GreenKubo,
    settings: dict[str, Any],
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.record_store import own_key
    from simulate.transport.green_kubo_store import GREEN_KUBO, write_green_kubo

    made = provenance_of("ixs kappa green-kubo", settings, sources=used)
    title = f"Green-Kubo, {', '.join(file.name for file in files)}"
    with Project(output).writing() as h5:
        key = own_key(h5, GREEN_KUBO, files[0].with_name(files[0].name.split(".")[0]), made)
        write_green_kubo(h5, key, result, made, title)
    print(f"written: {output}", file=sys.stderr)


def _show(result: GreenKubo) -> None:
    from ixs_core.terminal_tables import Column, print_table

    value, cepstral = result.integral.value(), result.cepstral
    low, high = value.read_ps
    where = f"{low:.3g} ps" if low == high else f"{low:.3g} to {high:.3g} ps"
    rows = []
    if cepstral is not None:
        own = zip(cepstral.per_axis, cepstral.per_axis_err, strict=True)
        rows.append(["cepstral", _pm(cepstral.kappa, cepstral.stderr), *(_pm(*v) for v in own)])
    own = zip(value.per_axis, value.per_axis_err, strict=True)
    name = f"integral, {'plateau ' if result.plateau == value.read_ps else ''}{where}"
    rows.append([name, _pm(value.kappa, value.stderr), *(_pm(*v) for v in own)])
    rows += [[f"  {part}", _pm(*pair), "", "", ""] for part, pair in value.parts.items()]
    headings = ("κ (W/mK)", "x", "y", "z")
    columns = [Column("", text=True), *(Column(heading) for heading in headings)]
    after = []
    if cepstral is not None:
        after.append(
            f"cepstral: f* = {cepstral.cutoff_thz:.4g} THz, P* = {cepstral.p_star}; "
            f"± {cepstral.stderr_with_choice:.2g} with the choice of P*"
        )
    if result.plateau is None:
        after.append(f"no plateau: {result.integral.plateau_reason}")
        after.append("so the integral is not a result")
    else:
        after.append(f"plateau: {result.integral.plateau_reason}")
    print_table(columns, rows, after)
    for note in _notes(result):
        print(f"NOTE: {note}", file=sys.stderr)


def _pm(value: float, error: float) -> str:
    return f"{value:.4g} ± {error:.3g}" if error == error else f"{value:.4g}"


def _write_table(path: Path, result: GreenKubo) -> None:
    """Time, correlation and running integral of each axis, mean and error, and the parts."""
    import numpy as np

    from ixs_core.atomic import atomic_write_text

    integral = result.integral
    names = ["time_ps", *(f"correlation_{a}" for a in "xyz"), *(f"kappa_{a}" for a in "xyz")]
    columns = [integral.time_ps, *integral.correlation.T, *integral.running.T]
    names += ["kappa", "kappa_err"]
    columns += [integral.mean, integral.mean_err]
    if len(integral.parts):
        virial, convective, first, second = integral.parts.mean(axis=-1)
        names += ["virial", "convective", "cross"]
        columns += [virial, convective, first + second]
    lines = [",".join(names)]
    lines += [",".join(f"{x:.8g}" for x in row) for row in np.column_stack(columns)]
    atomic_write_text(path, "\n".join(lines) + "\n")
    print(f"written: {path}", file=sys.stderr)
