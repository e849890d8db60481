"""`ixs md force-constants`: effective force constants from the forces of a simulation."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ixs_core.errors import InputError
from simulate.cli.md_anharmonic import fit_anharmonic
from simulate.cli.options import AsJson

if TYPE_CHECKING:
    from simulate.md.force_constant_fit import EffectiveForceConstants

_ENDINGS = (".yaml", ".yml")
_RULES = (
    ("translation", "translations", "eV/Å²"),
    ("born_huang", "rotations (Born-Huang)", "eV/Å"),
    ("huang", "stress (Huang)", "eV"),
)


def force_constants(
    file: Annotated[
        Path,
        typer.Argument(
            help="Snapshots with forces: HDF5, extended XYZ, vasprun.xml, OUTCAR, .traj.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="phonopy yaml to write; a folder with --order 3 or 4.",
            show_default=False,
        ),
    ],
    order: Annotated[int, typer.Option(help="Up to which: 2, 3 or 4.", min=2, max=4)] = 2,
    cutoff: Annotated[
        float | None,
        typer.Option(help="Å, no forces beyond: keeps noise out. [default: whole supercell]"),
    ] = None,
    cutoffs: Annotated[
        str | None,
        typer.Option(
            help='Å of the 2nd, 3rd and 4th order, with --order 3 or 4. [default: "8 6 5.2"]'
        ),
    ] = None,
    phono3py: Annotated[
        bool, typer.Option("--phono3py", help="With --order 3: also fc2.hdf5 and fc3.hdf5.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(help="Å, within which average positions are symmetric.")
    ] = 0.1,
    as_json: AsJson = False,
) -> None:
    """Effective second-order force constants at the temperature of a simulation.

    Least squares of the forces with the symmetry of the crystal, then made invariant under
    rotations; phonopy and `ixs sqe` read the file.

    Example: ixs md force-constants run.h5 -o phonopy_300K.yaml --cutoff 8

    --order 3 or 4 fits all orders together, within a cutoff of each (hiphive), and writes
    FORCE_CONSTANTS_2ND, _3RD and _4TH with a CONTROL for ShengBTE and FourPhonon into a folder.

    Then: ixs sqe phonopy_300K.yaml --q "7 6.3 0" --temperature 300
    """
    from ixs_core.atomic import atomic_write
    from ixs_core.jobs import interrupt_cancels
    from simulate.md.force_constant_fit import effective_force_constants
    from simulate.md.force_snapshots import read_force_snapshots

    if order > 2:
        _check_distances(tolerance, cutoff)
        _unused(cutoff is not None, "--cutoff", "--cutoffs has one for each order")
        return fit_anharmonic(
            file, output, order, cutoffs, tolerance, phono3py=phono3py, as_json=as_json
        )
    _unused(cutoffs is not None, "--cutoffs", "--cutoff is that of second order alone")
    _unused(phono3py, "--phono3py", "--order 3")
    _check(file, output, cutoff, tolerance)
    with interrupt_cancels("stopping") as cancel:
        snapshots = read_force_snapshots(file)
        print(
            f"{file.name}: {len(snapshots)} snapshots of {len(snapshots.species)} atoms",
            file=sys.stderr,
        )
        found = effective_force_constants(
            snapshots, tolerance=tolerance, cutoff=cutoff, cancel=cancel
        )
    with atomic_write(output) as temporary:
        found.save(temporary)
    print(f"written: {output}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(output, found)))
    else:
        _show(found)


def _check(file: Path, output: Path, cutoff: float | None, tolerance: float) -> None:
    """Raise an InputError for options without sense, before any work is done."""
    if output.suffix.lower() not in _ENDINGS:
        raise InputError(
            "this ending names no phonopy file",
            key="--output",
            found=output.name,
            expected=" or ".join(_ENDINGS),
        )
    if output.resolve() == file.resolve():
        raise InputError("the force constants would take the place of their source", file=output)
    _check_distances(tolerance, cutoff)


def _unused(given: bool, option: str, hint: str) -> None:
    if given:
        raise InputError("has no meaning with this order", key=option, hint=hint)


def _check_distances(tolerance: float, cutoff: float | None) -> None:
    for option, value in (("--cutoff", cutoff), ("--tolerance", tolerance)):
        if value is not None and not 0 < value < float("inf"):
            raise InputError("is no distance", key=option, found=value, expected="Å above 0")


def _record(output: Path, found: EffectiveForceConstants) -> dict[str, Any]:
    from ixs_core.provenance import plain

    record: dict[str, Any] = plain(
        {
            "path": str(output),
            "space_group": found.reference.space_group,
            "primitive_atoms": len(found.reference.primitive_species),
            "snapshots": found.snapshots,
            "parameters": found.parameters,
            "r2": found.quality.r2,
            "r2_before": found.quality_before.r2,
            "r2_of": found.quality.r2_of,
            "rmse_ev_angstrom": found.quality.rmse,
            "sum_rules": {
                "before": found.residuals_before._asdict(),
                "after": found.residuals._asdict(),
            },
            "imaginary": [
                {"q_primitive": row[:3].tolist(), "energy_mev": float(row[3])}
                for row in found.imaginary
            ],
            "notes": list(found.notes),
        }
    )
    return record


def _show(found: EffectiveForceConstants) -> None:
    from ixs_core.terminal_tables import Column, print_table

    quality = found.quality
    print(
        f"{found.reference.space_group}, {len(found.reference.primitive_species)} atoms in the "
        f"primitive cell: {found.parameters} parameters from {found.snapshots} snapshots"
    )
    elements = ", ".join(f"{element} {value:.3f}" for element, value in quality.r2_of.items())
    print(
        f"forces explained: R² {quality.r2:.4f} ({elements}), "
        f"{found.quality_before.r2:.4f} before the sum rules; rms left {quality.rmse:.3g} eV/Å"
    )
    columns = (
        *(Column("sum rule", text=True), Column("unit", text=True)),
        *(Column("largest residual of the fit"), Column("of the result")),
    )
    rows = [
        [
            name,
            unit,
            f"{getattr(found.residuals_before, key):.1e}",
            f"{getattr(found.residuals, key):.1e}",
        ]
        for key, name, unit in _RULES
    ]
    print_table(columns, rows, [_stability(found), *found.notes])


def _stability(found: EffectiveForceConstants) -> str:
    from ixs_core.terminal_tables import hkl_text

    if not len(found.imaginary):
        return "no imaginary mode"
    lowest = min(found.imaginary, key=lambda row: float(row[3]))
    return (
        f"{len(found.imaginary)} imaginary modes on a mesh, the lowest {lowest[3]:.2f} meV at "
        f"({hkl_text(lowest[:3])}) of the primitive cell"
    )
