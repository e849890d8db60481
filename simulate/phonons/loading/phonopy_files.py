"""Force constants of phonopy and phono3py: the crystal in one file, the forces in it or beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.loading.atom_tables import AtomTable, read_hdf5_table, read_text_table
from simulate.phonons.loading.displacements import (
    DisplacedForces,
    fitted_phonopy,
    forces_in_yaml,
    read_force_sets,
)
from simulate.phonons.loading.file_content import (
    FileContent,
    all_beside,
    beside,
    mention,
    read_content,
)
from simulate.phonons.loading.phonopy_object import model_from_phonopy
from simulate.phonons.loading.phonopy_yaml import (
    PhonopyCrystal,
    crystal_of,
    home_atoms,
    is_phonopy,
    supercell_atoms,
    to_phonopy,
    unit_cell_in_primitive,
)
from simulate.phonons.loading.poscar import crystal_beside
from simulate.phonons.loading.supercell_model import SupercellModel, model_of_supercell
from simulate.phonons.loading.yaml_text import read_yaml

TABLES = ("FORCE_CONSTANTS", "force_constants.hdf5", "fc2.hdf5")
FORCE_SETS = ("FORCE_SETS",)
OTHER_TABLES = ("FORCE_CONSTANTS*", "force_constants*.hdf5", "fc2*.hdf5")
CRYSTALS = ("phonopy.yaml", "phonopy_disp.yaml", "phono3py.yaml", "phono3py_disp.yaml")
OTHER_CRYSTALS = ("*.yaml", "*.yml")
NOTHING_BESIDE = "FORCE_CONSTANTS, force_constants.hdf5, fc2.hdf5 or FORCE_SETS beside it"


def model_from_yaml(content: FileContent, data: dict[str, Any] | None = None) -> SupercellModel:
    """A phonopy YAML file, with its force constants or forces inside or in a file beside it.

    As in phonopy, force constants in the file come before forces in it, and both before the
    files beside it: FORCE_CONSTANTS, force_constants.hdf5, FORCE_SETS.

    Raises
    ------
    InputError
        Naming the file and key that is missing or wrong.
    """
    data = read_yaml(content) if data is None else data
    if not is_phonopy(data):
        raise InputError(
            "this YAML is not a phonopy file",
            file=content.path,
            found=", ".join(map(str, list(data)[:6])),
            expected="keys such as unit_cell and supercell_matrix",
        )
    crystal = crystal_of(data, content.path)
    if "force_constants" in data:
        return _tabled(crystal, AtomTable(data["force_constants"], None), content.path)
    forces = forces_in_yaml(data, content.path)
    if forces is not None:
        return _fitted(crystal, forces, content.path)
    table_file = beside(content.path, TABLES)
    if table_file is not None:
        return _with_table_file(crystal, table_file, content.path)
    forces_file = beside(content.path, FORCE_SETS)
    if forces_file is not None:
        beside_it = read_content(forces_file)
        model = _fitted(crystal, read_force_sets(beside_it), forces_file)
        return _noted(model, f"forces from {mention(beside_it)}")
    others = list(all_beside(content.path, OTHER_TABLES))
    if len(others) != 1:
        raise InputError(
            "the file has no force constants",
            file=content.path,
            found=", ".join(file.name for file in others) if others else None,
            expected=NOTHING_BESIDE,
            hint="give the force-constant file itself" if others else None,
        )
    return _with_table_file(crystal, others[0], content.path)


def model_from_table(content: FileContent, table: AtomTable) -> SupercellModel:
    """A file of force constants only, with the crystal from a file beside it."""
    crystal, crystal_file = _crystal_for(content, table.values.shape[1])
    return _noted(_tabled(crystal, table, content.path), f"crystal from {crystal_file}")


def model_from_force_sets(content: FileContent) -> SupercellModel:
    """A FORCE_SETS file, with the crystal from a file beside it."""
    forces = read_force_sets(content)
    total = None if forces.atoms is None else forces.forces.shape[1]
    crystal, crystal_file = _crystal_for(content, total)
    return _noted(_fitted(crystal, forces, content.path), f"crystal from {crystal_file}")


def read_table(content: FileContent) -> AtomTable:
    """A table of force constants, text or HDF5."""
    return read_hdf5_table(content) if content.is_hdf5 else read_text_table(content)


def _with_table_file(crystal: PhonopyCrystal, file: Path, crystal_file: Path) -> SupercellModel:
    content = read_content(file)
    model = _tabled(crystal, read_table(content), file)
    ignored = [f.name for f in all_beside(crystal_file, (*TABLES, *FORCE_SETS)) if f != file]
    text = f"force constants from {mention(content)}"
    return _noted(model, text + (f"; not used: {', '.join(ignored)}" if ignored else ""))


def _noted(model: SupercellModel, note: str) -> SupercellModel:
    return replace(model, notes=(note, *model.notes))


def _tabled(crystal: PhonopyCrystal, table: AtomTable, file: Path) -> SupercellModel:
    rows, total = table.values.shape[:2]
    if total != crystal.n_supercell:
        raise InputError(
            "the force constants do not fit the cell",
            file=file,
            found=f"{total} atoms",
            expected=f"{crystal.n_supercell} atoms in the supercell",
            hint="they belong to another supercell",
        )
    matrix, notes = _primitive_matrix(crystal, rows)
    factor = 1.0 if table.unit_known else crystal.units.force_constants
    home = home_atoms(crystal) if table.home is None or rows == total else table.home
    if crystal.primitive_matrix is None and table.home is None:
        home = None  # the file's own map belongs to the primitive cell that it does not tell
    model = model_of_supercell(
        supercell_atoms(crystal, matrix), table.values * factor, home=home, file=file
    )
    return _completed(model, crystal, matrix, file, notes)


def _fitted(crystal: PhonopyCrystal, forces: DisplacedForces, file: Path) -> SupercellModel:
    matrix, notes = _primitive_matrix(crystal, None)
    phonon, fit_notes = fitted_phonopy(crystal, matrix, forces, file=file)
    model = model_from_phonopy(phonon, file=file)
    if not np.isfinite(crystal.unit.masses).all():
        model = replace(model, masses=np.full(len(model.symbols), np.nan))
    return _completed(model, crystal, matrix, file, (*fit_notes, *notes))


def _completed(
    model: SupercellModel,
    crystal: PhonopyCrystal,
    primitive_matrix: FloatArray,
    file: Path,
    notes: tuple[str, ...],
) -> SupercellModel:
    return replace(
        model,
        unit_cell=unit_cell_in_primitive(primitive_matrix, file=file),
        polar=crystal.polar,
        units=crystal.units,
        notes=(*crystal.notes, *notes),
    )


def _primitive_matrix(
    crystal: PhonopyCrystal, rows: int | None
) -> tuple[FloatArray, tuple[str, ...]]:
    """Columns: primitive vectors in unit-cell ones; from symmetry where the file is silent."""
    if crystal.primitive_matrix is not None:
        return crystal.primitive_matrix, ()
    if rows == len(crystal.unit.symbols):
        return np.eye(3), ("the unit cell is taken as the primitive cell",)
    from phonopy.structure.cells import guess_primitive_matrix

    matrix = np.array(guess_primitive_matrix(to_phonopy(crystal.unit)))
    return matrix, ("the primitive cell is found from the crystal's symmetry",)


def _crystal_for(content: FileContent, total: int | None) -> tuple[PhonopyCrystal, str]:
    """The crystal in the folder whose supercell has as many atoms as the force constants."""
    misfits, fits, broken = [], [], []
    for file in _crystal_files(content.path):
        try:
            data = read_yaml(read_content(file))
        except InputError as error:
            broken.append(error)  # perhaps another program's file: told if no crystal is found
            continue
        if not is_phonopy(data) or "supercell_matrix" not in data:
            continue
        crystal = crystal_of(data, file)
        if total in (None, crystal.n_supercell):
            fits.append((crystal, file))
        else:
            misfits.append(f"{file.name}: {crystal.n_supercell} atoms")
    if fits:
        crystal, file = fits[0]
        others = ", ".join(other.name for _, other in fits[1:])
        return crystal, mention(read_content(file)) + (f"; not used: {others}" if others else "")
    if misfits:
        raise InputError(
            "the force constants do not fit the cell",
            file=content.path,
            found=f"{total} atoms",
            expected="; ".join(misfits),
            hint="they belong to another supercell",
        )
    from_poscar = crystal_beside(content.path)
    if from_poscar is None and broken:
        raise broken[0]
    if from_poscar is None:
        raise InputError(
            "force constants alone do not say which crystal they are of",
            file=content.path,
            expected="a phonopy YAML file, POSCAR with SPOSCAR, or CONTROL beside it",
        )
    return from_poscar, "POSCAR"


def _crystal_files(path: Path) -> Iterator[Path]:
    first = [file for name in CRYSTALS if (file := beside(path, [name])) is not None]
    yield from first
    yield from (file for file in all_beside(path, OTHER_CRYSTALS) if file not in first)
