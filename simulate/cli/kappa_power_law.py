"""`ixs kappa power-law`: exponents of κ(T)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson, FigureFile, KeptIn

if TYPE_CHECKING:
    from simulate.transport.power_law import PowerLaw


def power_law(
    tables: Annotated[
        list[Path],
        typer.Argument(help="Tables of T and κ; several are added (particle + wave)."),
    ],
    window: Annotated[
        str | None, typer.Option(help='Temperatures to fit, K: "200:600". [default: all]')
    ] = None,
    output: KeptIn = None,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Power laws κ = a (T/300 K)ⁿ along x, y, z.

    n by unweighted least squares of κ, and beside it by the line of ln κ against ln T; the range
    of n over all windows of three temperatures or more tells how much it depends on them.

    Example: ixs kappa power-law 3ph_particle.dat 3ph_wave.dat --figure power.png
    """
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.md_options import check_project_name
    from simulate.transport.formats.kappa_table import add_kappa_tables, read_kappa_table
    from simulate.transport.power_law import fit_table

    if figure is not None:
        check_figure_name(figure)
    check_project_name(output)
    fitted = None if window is None else _window(window)
    table = add_kappa_tables([read_kappa_table(path) for path in tables])
    for note in table.notes:
        print(f"NOTE: {note}", file=sys.stderr)
    laws = fit_table(table, fitted)
    if output is not None:
        _keep(output, tables, laws, {"window_k": fitted})
    if as_json:
        print(json.dumps({name: _record(law) for name, law in laws.items()}))
    else:
        _show(laws)
    if figure is not None:
        from simulate.transport.kappa_figures import power_law_figure

        write_figure(figure, power_law_figure(laws))


def _window(text: str) -> tuple[float, float]:
    try:
        first, last = (float(part) for part in text.split(":"))
    except ValueError:
        raise typer.BadParameter('--window is two temperatures in K, "200:600"') from None
    return first, last


def _record(law: PowerLaw) -> dict[str, Any]:
    import math

    from ixs_core.provenance import plain

    values = {
        "n": law.n,
        "n_err": law.n_err,
        "a": law.a,
        "a_err": law.a_err,
        "n_loglog": law.n_loglog,
        "n_loglog_err": law.n_loglog_err,
        "n_range": law.n_range,
        "rms": law.rms,
        "temperature_k": law.temperature_k,
        "kappa": law.kappa,
    }
    known = {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
    record: dict[str, Any] = plain(known)
    return record


def _keep(
    output: Path, tables: list[Path], laws: dict[str, PowerLaw], settings: dict[str, Any]
) -> None:
    from ixs_core.project import Project
    from ixs_core.provenance import provenance_of
    from simulate.transport.green_kubo_store import write_power_laws

    made = provenance_of("ixs kappa power-law", settings, sources=tables)
    names = " + ".join(path.name.split(".")[0] for path in tables)
    with Project(output).writing() as h5:
        write_power_laws(h5, names, laws, made, f"κ(T) of {names}")
    print(f"written: {output}", file=sys.stderr)


def _show(laws: dict[str, PowerLaw]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    headings = ("n", "n, log-log", "n of windows", "κ at 300 K (W/mK)", "rms (W/mK)")
    columns = [Column("κ", text=True), *(Column(heading) for heading in headings)]
    rows = [
        [
            name,
            _pm(law.n, law.n_err),
            _pm(law.n_loglog, law.n_loglog_err),
            "{:.3f} to {:.3f}".format(*law.n_range),
            f"{law.a:.4g}",
            f"{law.rms:.2g}",
        ]
        for name, law in laws.items()
    ]
    first = next(iter(laws.values()))
    kelvins = ", ".join(f"{kelvin:g}" for kelvin in first.temperature_k)
    after = [
        f"κ = a (T/300 K)ⁿ at {kelvins} K",
        "± is the scatter about the law, not the error of the table",
    ]
    print_table(columns, rows, after)


def _pm(value: float, error: float) -> str:
    return f"{value:.3f} ± {error:.3f}" if error == error else f"{value:.3f}"
