"""The structure that a simulation starts from."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ixs_core.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms


def repeated_structure(structure: Path, supercell: str) -> Atoms:
    """The structure of a file, repeated.

    Parameters
    ----------
    structure : path
        What ASE reads.
    supercell : str
        "2 2 3".

    Raises
    ------
    InputError
        No structure, no periodic one, sites partly occupied, repeats that are no whole numbers.
    """
    from ase import Atoms
    from ase.io import read

    from simulate.cli.md_options import whole_numbers

    repeats = whole_numbers(supercell, "--supercell")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = read(structure)
    except Exception as error:  # the readers of ASE raise anything
        raise InputError(
            f"cannot be read as a structure: {error}",
            file=structure,
            hint="a format that ASE reads, such as CIF, POSCAR or extended XYZ",
        ) from error
    for warning in said:
        print(f"NOTE: {structure.name}: {warning.message}", file=sys.stderr)
    if not isinstance(found, Atoms) or not found.cell.rank == 3:
        raise InputError("holds no periodic structure", file=structure, expected="atoms in a cell")
    shared = [
        f"{name} {share:g}"
        for site in found.info.get("occupancy", {}).values()
        for name, share in site.items()
        if share < 1
    ]
    if shared:
        raise InputError(
            "sites are partly occupied",
            file=structure,
            found=", ".join(shared),
            expected="one atom at each site",
            hint="write a structure in which each site is taken or empty",
        )
    found.pbc = True
    return found.repeat(tuple(int(number) for number in repeats))
