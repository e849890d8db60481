"""`ixs kappa materials`: κ and σ across materials."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson, FigureFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulate.transport.materials import Material


def materials(
    file: Annotated[Path, typer.Argument(metavar="CSV", help="Table of materials.")],
    template: Annotated[
        bool, typer.Option("--template", help="Write an empty table to CSV instead.")
    ] = False,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Thermal against electrical or ionic conductivity, from a table that you keep.

    Columns: material, temperature_k, kappa_w_mk, sigma_s_cm, kind, source. Nothing is built in.

    Example: ixs kappa materials materials.csv --figure materials.png
    """
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.transport.materials import read_materials

    if figure is not None:
        check_figure_name(figure)
    if template:
        _write_template(file)
        return
    if not file.exists():
        raise InputError(
            "there is no such file", file=file, hint="--template writes an empty table to it"
        )
    table = read_materials(file)
    if as_json:
        print(json.dumps({"materials": [_record(material) for material in table]}))
    else:
        _show(table)
    incomplete = sum(not material.complete for material in table)
    if incomplete:
        print(f"NOTE: {incomplete} without κ or σ, not drawn", file=sys.stderr)
    if figure is not None:
        from simulate.transport.kappa_figures import materials_figure

        write_figure(figure, materials_figure(table))


def _write_template(file: Path) -> None:
    from ixs_core.atomic import atomic_write_text
    from simulate.transport.materials import TEMPLATE

    if file.exists():
        raise InputError(
            "the file exists", file=file, key="--template", hint="give the name of a new one"
        )
    atomic_write_text(file, TEMPLATE)
    print(f"written: {file}", file=sys.stderr)


def _record(material: Material) -> dict[str, Any]:
    def known(value: float) -> float | None:
        return None if math.isnan(value) else value

    return {
        "material": material.name,
        "temperature_k": material.temperature_k,
        "kappa_w_mk": known(material.kappa_w_mk),
        "sigma_s_cm": known(material.sigma_s_cm),
        "kind": material.kind,
        "source": material.source,
    }


def _show(table: Sequence[Material]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    def number(value: float) -> str:
        return "–" if math.isnan(value) else f"{value:.3g}"

    columns = [
        Column("material", text=True),
        *map(Column, ("T (K)", "κ (W/mK)", "σ (S/cm)")),
        Column("kind", text=True),
        Column("source", text=True),
    ]
    rows = [
        [
            material.name,
            f"{material.temperature_k:g}",
            number(material.kappa_w_mk),
            number(material.sigma_s_cm),
            material.kind,
            material.source,
        ]
        for material in table
    ]
    print_table(columns, rows)
