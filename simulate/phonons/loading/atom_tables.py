"""Force constants between atoms of a supercell as phonopy writes them: text and HDF5."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.loading.checks import integers, numbers
from simulate.phonons.loading.file_content import FileContent
from simulate.phonons.loading.file_units import unit_factor
from simulate.phonons.loading.yaml_text import text_numbers

HDF5_NAMES = ("force_constants", "fc2")


@dataclass(frozen=True)
class AtomTable:
    """Force constants between atoms of a supercell.

    Parameters
    ----------
    values : (rows, N, 3, 3) array
        In eV/Å² when `unit_known`, else in the unit of the crystal's file.
    home : (rows,) int array or None
        The supercell atom of each row, from 0; None where the file does not say.
    unit_known : bool
        Whether the file names its unit.
    """

    values: FloatArray
    home: IntArray | None
    unit_known: bool = False


def read_text_table(content: FileContent) -> AtomTable:
    """Read FORCE_CONSTANTS (phonopy) or FORCE_CONSTANTS_2ND (ShengBTE).

    A line "N" or "rows N"; then for each pair of atoms a line "i j" and three lines of the
    3×3 block.

    Raises
    ------
    InputError
        Something is no number, blocks are missing, or the atoms are not in order.
    """
    text = content.text
    values = text_numbers(text.replace("D", "E").replace("d", "e"))
    if values is None:
        raise _not_a_number(content)
    first_line = next(line for line in text.splitlines() if line.strip())
    words = len(first_line.split())
    header = integers(values[:words], (words,), file=content.path, key="first line").tolist()
    if len(header) not in (1, 2) or min(header) < 1:
        raise InputError(
            "the first line is not the number of atoms",
            file=content.path,
            found=repr(first_line.strip()[:60]),
            expected="N, or the number of rows and N",
        )
    rows, total = header[0], header[-1]
    body = values[len(header) :]
    if body.size != rows * total * 11:
        raise InputError(
            "the force constants are not complete",
            file=content.path,
            found=f"{body.size / 11:.6g} blocks",
            expected=f"{rows}×{total} = {rows * total} blocks of two indices and 3×3 numbers",
            hint="the file may have been cut off",
        )
    table = body.reshape(rows, total, 11)
    index = integers(table[..., :2], (rows, total, 2), file=content.path, key="atom indices")
    home = index[:, 0, 0] - 1
    in_order = (index[..., 0] == index[:, :1, 0]) & (index[..., 1] == np.arange(1, total + 1))
    if (
        not in_order.all()
        or len(set(home.tolist())) < rows
        or home.min() < 0
        or home.max() >= total
    ):
        bad = np.argwhere(~in_order)
        row, column = bad[0] if len(bad) else (0, 0)
        raise InputError(
            "the atoms are not in order",
            file=content.path,
            found=f"pair {index[row, column].tolist()} as block {row * total + column + 1}",
            expected=f"second index 1 to {total} for each first index",
        )
    blocks = numbers(
        table[..., 2:].reshape(rows, total, 3, 3),
        (rows, total, 3, 3),
        file=content.path,
        key="force constants",
    )
    return AtomTable(blocks, home)


def _are_different_atoms(home: IntArray, total: int) -> bool:
    unique = np.unique(home)
    return len(unique) == len(home) and unique[0] >= 0 and unique[-1] < total


def _not_a_number(content: FileContent) -> InputError:
    for number, line in enumerate(content.text.splitlines(), start=1):
        if text_numbers(re.sub("[dD]", "e", line)) is None:
            return InputError(
                "this line is not numbers",
                file=content.path,
                line=number,
                found=repr(line.strip()[:60]),
                expected="two atom indices or three force constants",
            )
    return InputError("this is not a table of force constants", file=content.path)


def read_hdf5_table(content: FileContent) -> AtomTable:
    """Read force_constants.hdf5 or fc2.hdf5 of phonopy and phono3py.

    Raises
    ------
    InputError
        The file is broken, or has no second-order force constants.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(content.data), "r") as file:
            name = next((n for n in HDF5_NAMES if isinstance(file.get(n), h5py.Dataset)), None)
            if name is None:
                raise InputError(
                    "no harmonic force constants in this file",
                    file=content.path,
                    found=", ".join(sorted(file)) or "nothing",
                    expected=" or ".join(HDF5_NAMES),
                )
            values = numbers(file[name][()], (-1, -1, 3, 3), file=content.path, key=name)
            home = file["p2s_map"][()] if "p2s_map" in file else None
            unit = file["physical_unit"][()] if "physical_unit" in file else None
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError("the HDF5 file is broken", file=content.path, found=str(error)) from error
    rows, total = values.shape[:2]
    if home is not None and rows < total:
        home = integers(home, (rows,), file=content.path, key="p2s_map")
        if not _are_different_atoms(home, total):
            raise InputError(
                "the map to supercell atoms is wrong",
                file=content.path,
                key="p2s_map",
                found=home.tolist(),
                expected=f"different indices of 0 to {total - 1}",
            )
    else:
        home = None
    if unit is None:
        return AtomTable(values, home)
    name = np.ravel(unit)[0]
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    factor = unit_factor(text, file=content.path, key="physical_unit")
    return AtomTable(values * factor, home, unit_known=True)
