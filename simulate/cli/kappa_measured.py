"""`ixs kappa measured`: conductivity with measured linewidths."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simulate.cli.options import AsJson, KeptIn

if TYPE_CHECKING:
    from simulate.transport.kappa_from_measured import MeasuredKappa
    from simulate.transport.measured_widths import MeasuredWidths


def measured(
    force_constants: Annotated[
        Path, typer.Argument(help="Of the crystal that was measured.", show_default=False)
    ],
    linewidths: Annotated[
        str,
        typer.Argument(
            help="For modes that were not measured: as for `ixs kappa wigner`.", show_default=False
        ),
    ],
    project: Annotated[Path | None, typer.Option(help="Project with fits.")] = None,
    scans: Annotated[
        str | None, typer.Option(help='Scans of it, as "58-69". [default: all of this crystal]')
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Or lines as `ixs fit --csv` writes them.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="K. [default: that of the measured lines]")
    ] = None,
    mesh: Annotated[
        str | None, typer.Option(help='Points, "9 7 9". [default: the linewidths\' mesh]')
    ] = None,
    method: Annotated[
        Literal["element", "smooth"],
        typer.Option(help="Nearest line of the same element's modes, or a smooth FWHM(E)."),
    ] = "element",
    reach: Annotated[float, typer.Option(help="How far in energy a line counts, meV.")] = 1.0,
    samples: Annotated[int, typer.Option(help="Draws of the widths, for the bands.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    born: Annotated[Path | None, typer.Option(help="BORN file (charges, dielectric).")] = None,
    nac: Annotated[bool, typer.Option(help="With the dipole term where charges are known.")] = True,
    structure: Annotated[
        Path | None, typer.Option(help="Crystal of the linewidths, where no file tells it.")
    ] = None,
    output: KeptIn = None,
    as_json: AsJson = False,
) -> None:
    """Wigner conductivity with measured linewidths, and bands from their errors.

    Other modes keep the computed width. An upper limit cuts the computed width.

    Example: ixs kappa measured phonopy.yaml kappa-m555.hdf5 --csv fits.csv --temperature 300
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.cli.kappa_options import mesh_option, phonon_model, widths_option
    from simulate.cli.md_options import check_project_name
    from simulate.transport.kappa_from_measured import measured_kappa

    check_project_name(output)
    divisions = mesh_option(mesh)
    lines = _lines(force_constants, project, scans, csv_file)
    kelvin = _temperature(lines, temperature)
    model = phonon_model(force_constants, born, nac)
    widths, files = widths_option(linewidths, model, structure)
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("q-points", silent=as_json) as progress,
    ):
        found = measured_kappa(
            model,
            widths,
            lines,
            kelvin,
            divisions,
            method=method,
            reach_mev=reach,
            samples=samples,
            seed=seed,
            progress=progress,
            cancel=cancel,
        )
    if output is not None:
        settings = {"linewidths": linewidths, "method": method, "reach_mev": reach, "seed": seed}
        _keep(output, found, lines.source, settings, [force_constants, *files])
    if as_json:
        print(json.dumps(_record(found)))
    else:
        _show(found)


def _keep(
    output: Path,
    found: MeasuredKappa,
    source: str,
    settings: dict[str, Any],
    files: list[Path],
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.transport.measured_store import write_measured_kappa

    made = provenance_of("ixs kappa measured", settings, sources=files)
    with Project(output).writing() as h5:
        write_measured_kappa(h5, found, source, made)
    print(f"written: {output}", file=sys.stderr)


def _lines(
    force_constants: Path, project: Path | None, scans: str | None, csv_file: Path | None
) -> MeasuredWidths:
    from ixs_core.project import Project
    from simulate.cli.project_cells import scans_of_crystal
    from simulate.transport.measured_widths import read_project_widths, read_width_csv

    if (project is None) == (csv_file is None):
        raise typer.BadParameter("give one of --project, --csv: the measured lines")
    if csv_file is not None:
        lines = read_width_csv(csv_file)
    else:
        store = Project(project or Path())
        lines = read_project_widths(store.path, scans_of_crystal(store, force_constants, scans))
    limits = int(lines.is_limit.sum())
    print(
        f"{lines.source}: measured widths {len(lines) - limits}, upper limits {limits}",
        file=sys.stderr,
    )
    return lines


def _temperature(lines: MeasuredWidths, wanted: float | None) -> float:
    """The one asked for, or the one that the lines agree on."""
    import numpy as np

    from ixs_core.errors import InputError

    if wanted is not None:
        return wanted
    known = lines.temperature_k[np.isfinite(lines.temperature_k)]
    if not known.size or np.ptp(known) > 2:
        found = "none" if not known.size else f"{known.min():g} to {known.max():g} K"
        raise InputError(
            "the measured lines do not agree on a temperature",
            key="--temperature",
            found=found,
            hint="give --temperature in K",
        )
    return float(np.round(np.median(known)))


def _record(found: MeasuredKappa) -> dict[str, Any]:
    from simulate.cli.kappa_options import audit_record, tensor_list

    tensors = ("kappa_p", "kappa_c", "band_p", "band_c", "band", "computed_p", "computed_c")
    facts = ("covered", "limited", "covered_p", "covered_c", "lines", "limits")
    settings = ("method", "reach_mev", "samples", "seed")
    return {
        "temperature_k": found.temperature_k,
        **{name: tensor_list(getattr(found, name)) for name in tensors},
        **{name: getattr(found, name) for name in (*facts, *settings)},
        "audit": audit_record([found.audit]),
        "mesh": list(found.mesh),
        "notes": list(found.notes),
    }


def _show(found: MeasuredKappa) -> None:
    from ixs_core.terminal_tables import Column, print_table

    columns = [Column("W/(m K)", text=True)]
    for axis in ("xx", "yy", "zz"):
        columns += [Column(axis), Column("16 % to 84 %")]
    columns.append(Column("computed xx yy zz", text=True))
    rows = [
        _row("κ_p", found.kappa_p, found.band_p, found.computed_p),
        _row("κ_c", found.kappa_c, found.band_c, found.computed_c),
        _row(
            "sum",
            found.kappa_p + found.kappa_c,
            found.band,
            found.computed_p + found.computed_c,
        ),
    ]
    how = {
        "element": "the nearest line of modes with the same dominant element",
        "smooth": "a smooth FWHM(E) through the lines",
    }
    after = [
        f"{found.temperature_k:g} K; widths from {how[found.method]}, at most "
        f"{found.reach_mev:g} meV away; measured widths {found.lines}, upper limits {found.limits}",
        f"measured: {found.covered:.0%} of the modes, which carry {found.covered_p:.0%} of the "
        f"computed κ_p and {found.covered_c:.0%} of κ_c; cut by limits: {found.limited:.0%} of the "
        "modes; the others have computed widths",
        f"bands: {found.samples} draws of the widths, log-normal, seed {found.seed}; they hold the "
        "errors of the measured widths alone",
        *found.audit.lines(),
        *found.notes,
    ]
    print_table(columns, rows, after)


def _row(name: str, kappa: Any, band: Any, computed: Any) -> list[str]:
    cells = [name]
    for axis in range(3):
        low, high = band[:, axis, axis]
        cells += [f"{kappa[axis, axis]:.4f}", f"{low:.4f} {high:.4f}"]
    return [*cells, " ".join(f"{computed[axis, axis]:.4f}" for axis in range(3))]
