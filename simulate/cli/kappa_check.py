"""`ixs kappa check`: third- and fourth-order force constants against their crystal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.transport.cluster_checks import Check
    from simulate.transport.force_constant_clusters import ForceConstantClusters


def check(
    file: Annotated[
        Path,
        typer.Argument(help="FORCE_CONSTANTS_3RD or _4TH, also compressed.", show_default=False),
    ],
    control: Annotated[
        Path | None, typer.Option(help="The crystal: CONTROL. [default: the one beside the file]")
    ] = None,
    cutoff: Annotated[
        float | None,
        typer.Option(help="Å, within which the atoms of a block should be. [default: found]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write with the atoms in the crystal's order (.gz)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check force constants of ShengBTE and FourPhonon: distances, order of atoms, sum rules.

    Nothing in these files names the atoms: in a wrong order they are used without complaint. The
    order that fits the crystal is found, reported, and written with -o.

    Example: ixs kappa check FORCE_CONSTANTS_4TH.gz --control CONTROL -o FORCE_CONSTANTS_4TH
    """
    from ixs_core.jobs import interrupt_cancels
    from simulate.transport.force_constant_clusters import (
        read_force_constant_clusters,
        write_force_constant_clusters,
    )

    if output is not None and output.resolve() == file.resolve():
        raise InputError("the file would take its own place", key="--output", found=output)
    with interrupt_cancels("stopping") as cancel:
        found = read_force_constant_clusters(file, control, cutoff=cutoff, cancel=cancel)
    if output is not None:
        write_force_constant_clusters(found, output)
        print(f"written: {output}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(found)))
    else:
        _show(file, found)
    failed = [row.name for row in found.checks.rows() if not row.passed]
    if failed:
        raise InputError("not all checks are passed", file=file, found=", ".join(failed))


def _record(found: ForceConstantClusters) -> dict[str, Any]:
    from ixs_core.provenance import plain

    edges, counts = found.checks.distances()
    record: dict[str, Any] = plain(
        {
            "order": found.order,
            "blocks": len(found.constants),
            "atoms": len(found.structure.symbols),
            "space_group": found.checks.symbol,
            "passed": found.checks.passed,
            "passed_as_read": found.as_read.passed,
            "relabelled": found.relabelling.changes,
            "site": [int(site) + 1 for site in found.relabelling.site],
            "cell": found.relabelling.cell.tolist(),
            "cutoff_angstrom": found.checks.cutoff,
            "largest": found.checks.largest,
            "unit": found.checks.unit,
            "checks": [_check(row) for row in found.checks.rows()],
            "checks_as_read": [_check(row) for row in found.as_read.rows()],
            "distances": [
                {"up_to_angstrom": float(edge), "blocks": int(count)}
                for edge, count in zip(edges, counts, strict=True)
                if count
            ],
            "sources": [list(source) for source in found.sources],
            "notes": list(found.notes),
        }
    )
    return record


def _check(row: Check) -> dict[str, Any]:
    return {**row._asdict(), "passed": row.passed}


def _show(file: Path, found: ForceConstantClusters) -> None:
    from ixs_core.terminal_tables import Column, print_table

    order = {3: "third", 4: "fourth"}[found.order]
    print(
        f"{file.name}: {len(found.constants)} blocks of {order} order between "
        f"{len(found.structure.symbols)} atoms, {found.checks.symbol}; the largest constant "
        f"{found.checks.largest:.4g} {found.checks.unit}"
    )
    changes = found.relabelling.changes
    columns = [Column("check", text=True)]
    if changes:
        columns += [Column("as it stands"), Column("", text=True)]
    columns += [
        Column("relabelled" if changes else "found"),
        Column("limit"),
        Column("", text=True),
        Column("", text=True),
    ]
    rows = []
    for row, before in zip(found.checks.rows(), found.as_read.rows(), strict=True):
        start = [_value(before), _verdict(before)] if changes else []
        rows.append([row.name, *start, _value(row), _limit(row), _verdict(row), row.remark])
    print_table(columns, rows)
    edges, counts = found.checks.distances()
    print()
    print_table(
        (Column("largest distance in a block (Å)", text=True), Column("blocks")),
        [
            [f"{edge - 0.5:g} to {edge:g}", str(count)]
            for edge, count in zip(edges, counts, strict=True)
            if count
        ],
        found.notes,
    )


def _value(row: Check) -> str:
    return f"{row.found:.3g} {row.unit}".strip()


def _limit(row: Check) -> str:
    return f"{row.limit:.3g} {row.unit}".strip()


def _verdict(row: Check) -> str:
    return "ok" if row.passed else "NOT PASSED"
