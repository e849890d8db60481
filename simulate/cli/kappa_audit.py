"""`ixs kappa audit`: whether a table of κ has the symmetry of its crystal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.transport.audit import Audit
    from simulate.transport.formats.kappa_table import KappaTable
    from simulate.transport.point_group import PointGroup


def audit(
    table: Annotated[
        Path,
        typer.Argument(help="Temperature and the elements of κ, a row each.", show_default=False),
    ],
    structure: Annotated[Path | None, typer.Option(help="CIF of the crystal.")] = None,
    force_constants: Annotated[
        Path | None, typer.Option(help="Of the crystal; κ in the frame of its vectors.")
    ] = None,
    point_group: Annotated[str | None, typer.Option(help='Or its symbol, "mmm".')] = None,
    tolerance: Annotated[
        float, typer.Option(help="Largest residual, relative to the mean of the diagonal.")
    ] = 1e-3,
    as_json: AsJson = False,
) -> None:
    """Check published or computed conductivities against the point group of their crystal.

    Elements that the point group forbids, κ ≠ κᵀ and negative principal values are reported. κ must
    be in the Cartesian frame that is named in the output.

    Example: ixs kappa audit 4ph_wave_like_kappa.dat --point-group mmm
    """
    from dataclasses import replace

    import numpy as np

    from ixs_core.errors import InputError
    from simulate.transport.audit import audit_tensor
    from simulate.transport.formats.kappa_table import read_kappa_table

    group = _group(structure, force_constants, point_group)
    found = read_kappa_table(table)
    for note in found.notes:
        print(f"NOTE: {table.name}: {note}", file=sys.stderr)
    # The six elements of a symmetric tensor stand for all nine.
    filled = np.where(np.isfinite(found.kappa), found.kappa, np.swapaxes(found.kappa, 1, 2))
    found = replace(found, kappa=filled)
    if not np.isfinite(found.kappa).all():
        raise InputError(
            "the table lacks elements of κ",
            file=table,
            found=f"{int(np.isfinite(found.kappa).all(axis=0).sum())} of 9",
            expected="all nine, or the six of a symmetric tensor",
        )
    audits = [audit_tensor(kappa, group, tolerance) for kappa in found.kappa]
    if as_json:
        print(json.dumps(_record(found, group, audits)))
    else:
        _show(table, found, group, audits)


def _group(
    structure: Path | None, force_constants: Path | None, point_group: str | None
) -> PointGroup:
    from simulate.transport.point_group import PointGroup

    given = [option for option in (structure, force_constants, point_group) if option is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            "give one of --structure, --force-constants, --point-group: the crystal of the table"
        )
    if structure is not None:
        from ixs_core.cif import read_crystal

        return PointGroup.of_crystal(read_crystal(structure))
    if force_constants is not None:
        from simulate.phonons import load_force_constants

        return PointGroup.of_force_constants(load_force_constants(force_constants))
    return PointGroup.named(point_group or "")


def _record(found: KappaTable, group: PointGroup, audits: list[Audit]) -> dict[str, Any]:
    from simulate.cli.kappa_options import audit_record, tensor_list

    return {
        "temperature_k": found.temperature_k.tolist(),
        "kappa": tensor_list(found.kappa),
        "point_group": group.symbol,
        "audit": audit_record(audits),
        "forbidden": [
            {"temperature_k": float(kelvin), "element": element, "kappa": value}
            for kelvin, one in zip(found.temperature_k, audits, strict=True)
            for element, value in (one.forbidden or {}).items()
        ],
    }


def _show(path: Path, found: KappaTable, group: PointGroup, audits: list[Audit]) -> None:
    from ixs_core.terminal_tables import Column, print_table

    names = list(audits[0].residuals)
    columns = [Column("T (K)"), *(Column(name) for name in names)]
    columns += [Column("forbidden elements (W/mK)", text=True)]
    rows = [
        [
            f"{kelvin:g}",
            *(f"{one.residuals[name]:.1e}" for name in names),
            ", ".join(
                f"κ_{element} = {_shown(value)}" for element, value in (one.forbidden or {}).items()
            ),
        ]
        for kelvin, one in zip(found.temperature_k, audits, strict=True)
    ]
    failed = sum(not one.passed for one in audits)
    forbidden = ", ".join(group.forbidden_names()) or "none"
    verdict = f"FAILED at {failed} of {len(audits)} temperatures" if failed else "passed"
    print_table(
        columns,
        rows,
        [
            f"{path.name}: audit {verdict}, point group {group.symbol or 'unnamed'} "
            f"({group.frame}); elements it forbids: {forbidden}",
            "residuals relative to the mean of the diagonal",
        ],
    )


def _shown(value: float) -> str:
    return f"{value:.3f}" if abs(value) >= 0.001 else f"{value:.1e}"
