"""phonopy's BORN file: dielectric tensor and Born charges of the independent atoms."""

from __future__ import annotations

import numpy as np

from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import numbers
from simulate.phonons.loading.file_content import FileContent
from simulate.phonons.loading.file_units import FileUnits
from simulate.phonons.loading.phonopy_yaml import Atoms, coulomb_of, to_phonopy

HINT = "one line of nine numbers for the dielectric tensor, then one per independent atom"


def read_born(content: FileContent, primitive: Atoms, units: FileUnits) -> PolarTerms:
    """Read a BORN file for a primitive cell.

    The first line is the conversion factor (or a remark), the second the dielectric tensor, then
    follow the charges, [direction of the field, direction of displacement], of the atoms that
    symmetry does not relate, or of all atoms.

    Parameters
    ----------
    content : FileContent
    primitive : Atoms
        The primitive cell; symmetry spreads the charges over its atoms.
    units : FileUnits
        The units that the conversion factor belongs to.

    Raises
    ------
    InputError
        The file is no BORN file, or has charges for another number of atoms.
    """
    header, *others = [
        (number, line.split())
        for number, line in enumerate(content.text.splitlines(), start=1)
        if line.strip()
    ]
    factor = _first_number(header[1])
    rows = [(number, words) for number, words in others if not words[0].startswith("#")]
    if not rows:
        raise InputError(
            "this is not a BORN file", file=content.path, found="one line", expected=HINT
        )
    tensors = np.array([_tensor(words, number, content) for number, words in rows])
    charges = _for_all_atoms(tensors[1:], tensors[0], primitive, content)
    return PolarTerms(
        born=charges.transpose(0, 2, 1),
        dielectric=tensors[0],
        coulomb=coulomb_of(factor, units, file=content.path, key="conversion factor, line 1"),
    )


def _first_number(words: list[str]) -> float | None:
    try:
        return float(words[0])
    except (ValueError, IndexError):
        return None  # a remark stands there, and the usual factor is meant


def _tensor(words: list[str], line: int, content: FileContent) -> np.ndarray:
    if len(words) != 9:
        raise InputError(
            "this is not a BORN file",
            file=content.path,
            line=line,
            found=f"{len(words)} numbers",
            expected=HINT,
        )
    return numbers(words, (9,), file=content.path, key=f"line {line}").reshape(3, 3)


def _for_all_atoms(
    charges: np.ndarray, dielectric: np.ndarray, primitive: Atoms, content: FileContent
) -> np.ndarray:
    from phonopy.file_IO import parse_BORN_from_strings
    from phonopy.structure.symmetry import Symmetry

    cell = to_phonopy(primitive, np.ones(len(primitive.symbols)))
    independent = Symmetry(cell).get_independent_atoms()
    if len(charges) == len(independent):
        rows = [dielectric, *charges]
        text = "\n".join(" ".join(f"{value:.17g}" for value in row.ravel()) for row in rows)
        return np.array(parse_BORN_from_strings("14.4\n" + text, cell)["born"])
    if len(charges) == len(primitive.symbols):
        return charges
    raise InputError(
        "the Born charges are for another number of atoms",
        file=content.path,
        found=f"{len(charges)} tensors",
        expected=f"{len(independent)} (independent atoms: "
        + ", ".join(f"{primitive.symbols[i]} {i + 1}" for i in independent)
        + f") or {len(primitive.symbols)} (all atoms)",
    )
