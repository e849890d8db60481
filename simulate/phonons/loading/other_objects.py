"""Force constants of live ASE and hiPhive objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.errors import InputError
from simulate.phonons.loading.checks import lattice_vectors, numbers
from simulate.phonons.loading.phonopy_yaml import Atoms, to_phonopy, unit_cell_in_primitive
from simulate.phonons.loading.supercell_model import (
    SupercellAtoms,
    SupercellModel,
    cell_numbers,
    model_of_supercell,
)

ASE_NAME = "ase.phonons.Phonons object"
HIPHIVE_NAME = "hiphive.ForceConstants object"


def model_from_ase(phonons: Any) -> SupercellModel:
    """Force constants of an ASE `Phonons` that has been read.

    C_N[m] couples the atoms of the reference cell (rows) with those of cell R_m, in eV/Å².

    Raises
    ------
    InputError
        It has not been read, or was made for some of its atoms only.
    """
    where = Path(ASE_NAME)
    if phonons.C_N is None:
        raise InputError("it has no force constants yet", file=where, hint="call its read() first")
    atoms = phonons.atoms
    n = len(atoms)
    if len(phonons.indices) != n:
        raise InputError(
            "only some of the atoms were displaced",
            file=where,
            found=f"{len(phonons.indices)} atoms",
            expected=f"all {n}",
        )
    sizes = np.array(phonons.supercell)
    n_cells = int(sizes.prod())
    values = numbers(phonons.C_N, (n_cells, 3 * n, 3 * n), file=where, key="C_N")
    supercell = np.diag(sizes).astype(np.int64)
    order = cell_numbers(np.array(phonons.compute_lattice_vectors()).T, supercell)
    blocks = values.reshape(n_cells, n, 3, n, 3).transpose(1, 0, 3, 2, 4)
    return SupercellModel(
        vectors=lattice_vectors(np.array(atoms.cell), file=where, key="atoms.cell"),
        positions=atoms.get_scaled_positions(wrap=False),
        symbols=tuple(atoms.get_chemical_symbols()),
        masses=np.array(atoms.get_masses()),
        supercell=supercell,
        blocks=blocks[:, np.argsort(order)],
    )


def model_from_hiphive(constants: Any) -> SupercellModel:
    """Second-order force constants of a hiPhive object; its primitive cell by symmetry.

    Raises
    ------
    InputError
        It has no second-order force constants.
    """
    from phonopy.structure.cells import guess_primitive_matrix

    where = Path(HIPHIVE_NAME)
    if 2 not in constants.orders:
        raise InputError(
            "it has no second-order force constants", file=where, found=f"orders {constants.orders}"
        )
    listed = constants.supercell
    vectors = lattice_vectors(np.array(listed.cell), file=where, key="supercell")
    positions = listed.get_scaled_positions(wrap=False)
    symbols = tuple(listed.get_chemical_symbols())
    masses = np.array(listed.get_masses())
    cell = Atoms(vectors, positions, symbols, masses)
    matrix = np.array(guess_primitive_matrix(to_phonopy(cell)))
    unit_cell_in_primitive(matrix, file=where, key="supercell")
    atoms = SupercellAtoms(matrix.T @ vectors, vectors, positions, symbols, masses)
    values = numbers(
        constants.get_fc_array(order=2), (-1, -1, 3, 3), file=where, key="force constants"
    )
    model = model_of_supercell(atoms, values, home=None, file=where)
    return replace(model, notes=("the primitive cell is found from the crystal's symmetry",))
