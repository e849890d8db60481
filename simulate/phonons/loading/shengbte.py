"""ShengBTE and FourPhonon: CONTROL with FORCE_CONSTANTS_2ND or espresso.ifc2.

Lengths in CONTROL are in nm; FORCE_CONSTANTS_2ND is in eV/Å², its atoms counted with the cell's
first index running fastest and the atom slowest. Born charges stand as
born(field, displacement, atom).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.atom_tables import AtomTable, read_text_table
from simulate.phonons.loading.checks import (
    lattice_vectors,
    require_sane_cell,
    require_separate_atoms,
)
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.phonons.loading.file_content import FileContent, beside, mention, read_content
from simulate.phonons.loading.file_units import COULOMB_EV_ANGSTROM
from simulate.phonons.loading.namelist import Namelist, read_namelist
from simulate.phonons.loading.quantum_espresso import model_from_q2r
from simulate.phonons.loading.supercell_model import (
    SupercellAtoms,
    SupercellModel,
    model_of_supercell,
)

NM_IN_ANGSTROM = 10.0

CONTROLS = ("CONTROL",)
FORCE_CONSTANTS = "FORCE_CONSTANTS_2ND"
ESPRESSO = "espresso.ifc2"


def is_control(text: str) -> bool:
    """Whether a text is a CONTROL file."""
    lower = text.lower()
    return "&crystal" in lower and "&allocations" in lower


def model_from_control(content: FileContent) -> SupercellModel:
    """CONTROL, with the force constants in the file beside it."""
    control = read_namelist(content)
    wanted = ESPRESSO if control.flag("espresso", False) else FORCE_CONSTANTS
    file = beside(content.path, (wanted,))
    if file is None:
        raise InputError(
            "the force constants are missing",
            file=content.path,
            expected=f"{wanted} beside it",
        )
    table = read_content(file)
    if wanted == ESPRESSO:
        return model_from_q2r(table)
    model = _model(control, read_text_table(table), file)
    return replace(model, notes=(f"force constants from {mention(table)}", *model.notes))


def model_from_second_order(
    content: FileContent, table: AtomTable, control_file: Path
) -> SupercellModel:
    """FORCE_CONSTANTS_2ND, with the crystal from CONTROL beside it."""
    control = read_content(control_file)
    model = _model(read_namelist(control), table, content.path)
    return replace(model, notes=(f"crystal from {mention(control)}", *model.notes))


def control_structure(control: Namelist) -> CrystalStructure:
    """The primitive cell and its atoms, in the order of CONTROL.

    Raises
    ------
    InputError
        They are incomplete, or impossible.
    """
    where = control.content.path
    n_elements, n_atoms = _counts(control)
    lfactor = control.array("lfactor", (1,))[0] if "lfactor" in control else 1.0
    lattice = control.array("lattvec", (3, 3)).T * lfactor * NM_IN_ANGSTROM
    vectors = lattice_vectors(lattice, file=where, key="lattvec")
    positions = control.array("positions", (3, n_atoms)).T
    require_sane_cell(vectors, positions, file=where)
    require_separate_atoms(vectors, positions, file=where)
    labels, _, _ = _species(control, n_elements, n_atoms)
    return CrystalStructure(vectors, positions, tuple(labels))


def _model(control: Namelist, table: AtomTable, file: Path) -> SupercellModel:
    where = control.content.path
    n_elements, n_atoms = _counts(control)
    scell = control.array("scell", (3,))
    if (scell < 1).any() or (scell != np.rint(scell)).any():
        raise InputError(
            "the supercell is not made of whole cells", file=where, key="scell", found=scell
        )
    sizes = scell.astype(np.int64)
    total = n_atoms * int(sizes.prod())
    if table.values.shape[1] != total:
        raise InputError(
            "the force constants do not fit the supercell of CONTROL",
            file=file,
            key="number of atoms",
            found=table.values.shape[1],
            expected=f"{total} ({n_atoms} atoms, scell {sizes.tolist()})",
            hint="correct scell in CONTROL",
        )
    structure = control_structure(control)
    labels, element_masses, notes = _species(control, n_elements, n_atoms)
    # Fortran order: the cell's first index fastest, the atom slowest.
    cells = np.indices(tuple(sizes[::-1].tolist())).reshape(3, -1).T[:, ::-1]
    atoms = SupercellAtoms(
        primitive=structure.vectors,
        vectors=np.diag(sizes) @ structure.vectors,
        positions=(structure.positions[:, None] + cells).reshape(-1, 3) / sizes,
        symbols=tuple(label for label in labels for _ in cells),
        masses=np.repeat(element_masses, len(cells)),
    )
    rows: IntArray = np.arange(n_atoms) * len(cells)
    if len(table.values) == n_atoms < total and table.home is not None:
        rows = table.home
    model = model_of_supercell(atoms, table.values, home=rows, file=file)
    return replace(model, polar=_polar(control, n_atoms), notes=notes)


def _counts(control: Namelist) -> tuple[int, int]:
    """Numbers of elements and atoms."""
    n_elements = int(control.array("nelements", (1,))[0])
    n_atoms = int(control.array("natoms", (1,))[0])
    if n_atoms < 1 or n_elements < 1:
        raise InputError(
            "no atoms", file=control.content.path, key="natoms", found=min(n_atoms, n_elements)
        )
    return n_elements, n_atoms


def _species(
    control: Namelist, n_elements: int, n_atoms: int
) -> tuple[list[str], FloatArray, tuple[str, ...]]:
    where = control.content.path
    names = control.texts("elements")
    types = control.array("types", (n_atoms,))
    if len(names) != n_elements or not np.isin(types, np.arange(1, n_elements + 1)).all():
        raise InputError(
            "elements and types do not belong together",
            file=where,
            key="types",
            found=f"{len(names)} elements, types {types.astype(int).tolist()}",
            expected=f"types 1 to {n_elements}",
        )
    kinds = types.astype(int) - 1
    labels = [names[kind].strip() for kind in kinds]
    if "masses" not in control:
        return labels, np.full(n_atoms, np.nan), ()
    masses = control.array("masses", (n_elements,))[kinds]
    notes: tuple[str, ...] = ()
    if control.flag("autoisotopes", True):
        notes = (
            "masses are those written in CONTROL, though autoisotopes makes ShengBTE use "
            "the elements' natural averages",
        )
    return labels, masses, notes


def _polar(control: Namelist, n_atoms: int) -> PolarTerms | None:
    if "born" not in control or not control.flag("nonanalytic", True):
        return None
    if control.flag("tdep", False):
        raise InputError(
            "force constants without their dipole part (TDEP) are not read",
            file=control.content.path,
            key="tdep",
            hint="give nac=False to treat the crystal as non-polar after removing born",
        )
    born = control.array("born", (3, 3, n_atoms))  # field, displacement, atom
    return PolarTerms(
        born=born.transpose(2, 1, 0),
        dielectric=control.array("epsilon", (3, 3)).T,
        coulomb=COULOMB_EV_ANGSTROM,
    )
