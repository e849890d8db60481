"""`ixs md force-constants --order 3`: what it prints and writes for orders above the second."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from simulate.md.anharmonic_force_constants import AnharmonicForceConstants, FitShare

_ORDERS = {2: "2nd", 3: "3rd", 4: "4th"}


def fit_anharmonic(
    file: Path,
    folder: Path,
    order: int,
    cutoffs: str | None,
    tolerance: float,
    *,
    phono3py: bool,
    as_json: bool,
) -> None:
    """Fit, write the files into a folder, and say how well the forces are explained.

    Raises
    ------
    InputError
        Options without sense, and as `anharmonic_force_constants` does.
    """
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from simulate.md.anharmonic_force_constants import anharmonic_force_constants
    from simulate.md.force_constant_files import write_phono3py, write_shengbte
    from simulate.md.force_snapshots import read_force_snapshots

    reaches = _cutoffs(cutoffs, order)
    if folder.suffix or folder.is_file():
        raise InputError(
            "orders above the second are written into a folder",
            key="--output",
            found=folder.name,
            expected="a name without ending",
        )
    if not folder.resolve().parent.is_dir():
        raise InputError("no such folder", key="--output", found=folder, hint="make it first")
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("force constants", silent=as_json) as progress,
    ):
        snapshots = read_force_snapshots(file)
        print(
            f"{file.name}: {len(snapshots)} snapshots of {len(snapshots.species)} atoms",
            file=sys.stderr,
        )
        found = anharmonic_force_constants(
            snapshots, order, reaches, tolerance=tolerance, progress=progress, cancel=cancel
        )
    written = write_shengbte(found, folder)
    if phono3py:
        written += write_phono3py(found, folder)
    for path in written:
        print(f"written: {path}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(found, written)))
    else:
        _show(found)


def _cutoffs(text: str | None, order: int) -> tuple[float, ...]:
    """One for each order from the second; a longer list serves lower orders too."""
    from simulate.cli.calculation import numbers
    from simulate.md.anharmonic_force_constants import CUTOFFS

    if text is None:
        return CUTOFFS[: order - 1]
    given = len(text.replace(",", " ").split())
    wanted = order - 1 if given < order - 1 else given
    return numbers(text, "--cutoffs", min(wanted, len(CUTOFFS)))[: order - 1]


def _record(found: AnharmonicForceConstants, written: list[Path]) -> dict[str, Any]:
    from ixs_core.provenance import plain

    record: dict[str, Any] = plain(
        {
            "files": [str(path) for path in written],
            "space_group": found.reference.space_group,
            "primitive_atoms": len(found.reference.primitive_species),
            "snapshots": found.snapshots,
            "force_components": found.equations,
            "cutoffs_angstrom": list(found.cutoffs),
            "parameters": {str(order): number for order, number in found.parameters.items()},
            "fit": found.quality._asdict(),
            "second_order_alone": found.harmonic_quality._asdict(),
            "sum_rule_residuals": {
                str(order): constants.sum_rule_residual()
                for order, constants in found.constants.items()
            },
            "notes": list(found.notes),
        }
    )
    return record


def _show(found: AnharmonicForceConstants) -> None:
    from ixs_core.terminal_tables import Column, print_table

    total = sum(found.parameters.values())
    print(
        f"{found.reference.space_group}, {len(found.reference.primitive_species)} atoms in the "
        f"primitive cell: {total} parameters from {found.equations} force components of "
        f"{found.snapshots} snapshots"
    )
    print_table(
        (Column("order", text=True), *map(Column, _COLUMNS)),
        [
            [
                _ORDERS[order],
                f"{cutoff:g}",
                str(found.parameters[order]),
                str(len(constants)),
                f"{abs(constants.values).max():.4g}",
                f"{constants.sum_rule_residual():.1e}",
            ]
            for cutoff, (order, constants) in zip(
                found.cutoffs, found.constants.items(), strict=True
            )
        ],
    )
    print()
    print_table(
        (Column("fit", text=True), *map(Column, ("R²", "rms (eV/Å)", "R² unseen", "rms unseen"))),
        [
            _share("2nd order alone", found.harmonic_quality),
            _share(f"2nd to {_ORDERS[max(found.constants)]}", found.quality),
        ],
        ["unseen: a fifth of the snapshots, by a fit to the others", *found.notes],
    )


_COLUMNS = ("cutoff (Å)", "parameters", "blocks", "largest (eV/Åⁿ)", "sum rule left")


def _share(name: str, share: FitShare) -> list[str]:
    return [
        name,
        f"{share.r2:.4f}",
        f"{share.rmse:.4f}",
        f"{share.r2_unseen:.4f}",
        f"{share.rmse_unseen:.4f}",
    ]
