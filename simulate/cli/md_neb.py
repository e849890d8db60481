"""`ixs md neb`: energy barriers of ions that jump from site to site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ixs_core.errors import InputError
from simulate.cli.md_structure import repeated_structure
from simulate.cli.options import AsJson, FigureFile

if TYPE_CHECKING:
    from ase import Atoms

    from simulate.md.ion_jumps import IonJump

_NAMED = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0), "MID": (1.0, 0.0, 1.0)}
_TABLES = (".json", ".csv")


def neb(
    structure: Annotated[
        Path,
        typer.Argument(help="Crystal: what ASE reads (CIF, POSCAR, xyz).", show_default=False),
    ],
    potential: Annotated[
        str,
        typer.Option(
            help='"emt", "lj:sigma=3.4,epsilon=0.0104", FILE.mtp, or "module:attribute".',
            show_default=False,
        ),
    ],
    element: Annotated[str, typer.Option(help="Which ions jump.", show_default=False)],
    direction: Annotated[
        list[str],
        typer.Option(
            help='x, y, z (along a, b, c), MID (between a and c), or three numbers "1 0 1" '
            "along the crystal's axes; repeat for more.",
            show_default=False,
        ),
    ],
    species: Annotated[
        str | None, typer.Option(help='Elements in the order of an .mtp file: "Cs,Cu,I".')
    ] = None,
    supercell: Annotated[str, typer.Option(help="Repeats of the structure.")] = "1 1 1",
    ion: Annotated[
        int | None, typer.Option(help="Number of the atom, from 0. [default: the first ion]")
    ] = None,
    images: Annotated[int, typer.Option(help="Between the two ends.")] = 7,
    force: Annotated[float, typer.Option(help="eV/Å, the largest that may be left.")] = 0.02,
    max_steps: Annotated[int, typer.Option(help="Of each relaxation.")] = 500,
    keep_sites: Annotated[
        bool, typer.Option("--keep-sites", help="Do not relax the crystal first.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of what breaks the crystal's symmetry.")] = 0,
    one_ion: Annotated[
        bool, typer.Option("--one-ion", help="Also the potential of one ion about its site.")
    ] = False,
    reach: Annotated[float, typer.Option(help="Å to both sides, for --one-ion.")] = 0.5,
    threads: Annotated[int, typer.Option(help="Of an .mtp potential.")] = 1,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write .json, or images as .csv.", show_default=False),
    ] = None,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Barriers of an ion that jumps to the empty site of its neighbour (nudged elastic band).

    The neighbour of the same element, nearest along the direction, is taken out. The crystal is
    relaxed off its symmetry first, in its given cell: barriers count from a minimum, and where
    the crystal has several, another --seed tells how much they differ. The time left counts all
    steps allowed; most relaxations need fewer.

    --one-ion moves one ion along each direction about its given site, all others at rest, and
    chooses between polynomials of second and fourth order by Akaike's criterion.

    Example: ixs md neb 300K.cif --potential cscuI.mtp --species Cs,Cu,I --supercell "2 1 2"
    --element Cu --direction x --direction z --direction MID --one-ion -o neb.json --figure neb.png
    """
    import json

    from ixs_core.atomic import atomic_write
    from ixs_core.jobs import interrupt_cancels, terminal_progress
    from ixs_core.picture_files import check_figure_name, write_figure
    from simulate.cli.md_neb_tables import neb_record, show_barriers, write_images
    from simulate.md.barriers import ion_potential
    from simulate.md.calculators import calculator_by_name
    from simulate.md.ion_jumps import crystal_direction
    from simulate.md.neb import jump_barriers

    if figure is not None:
        check_figure_name(figure)
    _check(output, force, max_steps, reach)
    atoms = repeated_structure(structure, supercell)
    elements = [] if species is None else [name.strip() for name in species.split(",")]
    calculator = calculator_by_name(potential, elements, threads)
    directions = {name.strip(): _direction(name) for name in direction}
    jumps = _jumps(atoms, element, directions, ion)
    with (
        interrupt_cancels("stopping") as cancel,
        terminal_progress("barriers", silent=as_json) as progress,
    ):
        potentials = {
            jump.name: ion_potential(
                atoms,
                calculator,
                jump.ion,
                crystal_direction(atoms, directions[jump.name]).tolist(),
                reach,
                cancel=cancel,
            )
            for jump in (jumps if one_ion else ())
        }
        found = jump_barriers(
            atoms,
            calculator,
            jumps,
            images,
            relax_crystal=not keep_sites,
            seed=seed,
            force_ev_a=force,
            max_steps=max_steps,
            progress=progress,
            cancel=cancel,
        )
    record = neb_record(found, potentials)
    if output is not None:
        with atomic_write(output) as temporary:
            if output.suffix.lower() == ".csv":
                write_images(temporary, found)
            else:
                temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        print(f"written: {output}", file=sys.stderr)
    if as_json:
        print(json.dumps(record))
    else:
        show_barriers(found, potentials)
    if figure is not None:
        from simulate.md.barrier_figures import barrier_figure

        write_figure(figure, barrier_figure(found.barriers, potentials))


def _check(output: Path | None, force: float, max_steps: int, reach: float) -> None:
    """Raise an InputError for options without sense, before any work is done."""
    if output is not None and output.suffix.lower() not in _TABLES:
        raise InputError(
            "this ending names no table",
            key="--output",
            found=output.name,
            expected=" or ".join(_TABLES),
        )
    if output is not None and not output.resolve().parent.is_dir():
        raise InputError("no such folder", key="--output", found=output, hint="make it first")
    for option, value in (("--force", force), ("--max-steps", max_steps), ("--reach", reach)):
        if not 0 < value < float("inf"):
            raise InputError("is out of range", key=option, found=value, expected="above 0")


def _direction(text: str) -> tuple[float, ...]:
    """ "z", "MID" or "1 0 1" along the axes of the crystal."""
    from simulate.cli.calculation import numbers

    for name, along in _NAMED.items():
        if text.strip().lower() == name.lower():
            return along
    try:
        return numbers(text, "--direction", 3)
    except InputError as error:
        raise InputError(
            "no direction", key="--direction", found=text, expected='x, y, z, MID or "1 0 1"'
        ) from error


def _jumps(
    atoms: Atoms, element: str, directions: dict[str, tuple[float, ...]], ion: int | None
) -> list[IonJump]:
    from simulate.md.ion_jumps import ion_jump

    return [ion_jump(atoms, element, along, ion, name) for name, along in directions.items()]
