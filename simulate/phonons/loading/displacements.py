"""Force constants from displaced supercells and their forces, fitted by phonopy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.loading.checks import integers, numbers
from simulate.phonons.loading.file_content import FileContent
from simulate.phonons.loading.phonopy_yaml import PhonopyCrystal, to_phonopy
from simulate.phonons.loading.supercell_model import PLACE_ANGSTROM
from simulate.phonons.loading.yaml_text import text_numbers

# What phonopy raises on displacements that do not determine the force constants.
_FIT_FAILURES = (
    RuntimeError,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AssertionError,
    np.linalg.LinAlgError,
)


@dataclass(frozen=True)
class DisplacedForces:
    """Forces in displaced supercells, in the file's units.

    Parameters
    ----------
    displacements : (n_sets, 3) or (n_sets, N, 3) array
        Of one atom each, or of all atoms.
    forces : (n_sets, N, 3) array
    atoms : (n_sets,) int array or None
        The displaced atom, from 0; None where all atoms move.
    """

    displacements: FloatArray
    forces: FloatArray
    atoms: IntArray | None


def read_force_sets(content: FileContent) -> DisplacedForces:
    """Read FORCE_SETS, with one atom displaced at a time or with all of them.

    Raises
    ------
    InputError
        Something is no number, or the file ends early.
    """
    lines = [line for line in content.text.splitlines() if line.split("#")[0].strip()]
    values = text_numbers("\n".join(line.split("#")[0] for line in lines))
    if values is None:
        raise InputError(
            "something in the forces is no number", file=content.path, expected="FORCE_SETS"
        )
    if len(lines[0].split()) == 6:
        return _all_displaced(values, content)
    total, sets = integers(values[:2], (2,), file=content.path, key="first two lines")
    size = 1 + 3 + 3 * total
    if total < 1 or sets < 1 or values.size - 2 != sets * size:
        raise InputError(
            "the forces are not complete",
            file=content.path,
            found=f"{values.size - 2} numbers",
            expected=f"{sets} displacements of {size} numbers ({total} atoms)",
            hint="the file may have been cut off",
        )
    table = numbers(values[2:].reshape(sets, size), (sets, size), file=content.path, key="forces")
    atoms = integers(table[:, 0], (sets,), file=content.path, key="displaced atom") - 1
    return DisplacedForces(table[:, 1:4], table[:, 4:].reshape(sets, total, 3), atoms)


def _all_displaced(values: FloatArray, content: FileContent) -> DisplacedForces:
    if values.size % 6:
        raise InputError(
            "the forces are not complete",
            file=content.path,
            found=f"{values.size} numbers",
            expected="lines of three displacements and three forces",
        )
    table = numbers(values.reshape(-1, 6), (-1, 6), file=content.path, key="forces")
    # How many supercells these lines are is known only with the crystal.
    return DisplacedForces(table[None, :, :3], table[None, :, 3:], None)


def forces_in_yaml(data: Mapping[str, Any], file: Path) -> DisplacedForces | None:
    """Displacements with forces in a phonopy YAML file; None where there are none."""
    sets = data.get("dataset", data.get("displacements"))
    if isinstance(sets, Mapping):
        if "forces" not in sets:
            return None
        shape = (-1, -1, 3)
        return DisplacedForces(
            numbers(sets.get("displacements"), shape, file=file, key="dataset.displacements"),
            numbers(sets["forces"], shape, file=file, key="dataset.forces"),
            None,
        )
    if not isinstance(sets, list) or not sets:
        return None
    if isinstance(sets[0], list):
        return _listed_for_all_atoms(sets, file)
    if not all(isinstance(entry, Mapping) and "forces" in entry for entry in sets):
        return None
    places = [entry.get("displacement") for entry in sets]
    return DisplacedForces(
        numbers(places, (len(sets), 3), file=file, key="displacements"),
        numbers([entry["forces"] for entry in sets], (len(sets), -1, 3), file=file, key="forces"),
        integers([entry.get("atom") for entry in sets], (len(sets),), file=file, key="atom") - 1,
    )


def _listed_for_all_atoms(sets: list[Any], file: Path) -> DisplacedForces | None:
    entries = [entry for atoms in sets for entry in atoms]
    if not all(isinstance(entry, Mapping) and "force" in entry for entry in entries):
        return None
    shape = (len(sets), -1, 3)
    return DisplacedForces(
        numbers(
            [[e.get("displacement") for e in atoms] for atoms in sets],
            shape,
            file=file,
            key="displacement",
        ),
        numbers([[e["force"] for e in atoms] for atoms in sets], shape, file=file, key="force"),
        None,
    )


def fitted_phonopy(
    crystal: PhonopyCrystal,
    primitive_matrix: FloatArray,
    forces: DisplacedForces,
    *,
    file: Path,
) -> tuple[Any, tuple[str, ...]]:
    """Fit force constants with phonopy, and symmetrise them as its own `load` does.

    Returns
    -------
    phonon : phonopy.Phonopy
        With force constants in eV/Å².
    notes : tuple of str
        What was done, with the drift before it.

    Raises
    ------
    InputError
        The forces are for another supercell, or do not determine the force constants.
    """
    total = crystal.n_supercell
    dataset = _dataset(forces, crystal, file)
    phonon = _phonopy(crystal, primitive_matrix, file)
    try:
        phonon.dataset = dataset
        phonon.produce_force_constants(
            calculate_full_force_constants=False,
            fc_calculator="symfc" if forces.atoms is None else None,
        )
        drift = float(np.abs(phonon.force_constants.sum(axis=1)).max())
        if forces.atoms is not None:
            phonon.symmetrize_force_constants(show_drift=False, use_symfc_projector=True)
    except _FIT_FAILURES as error:
        raise InputError(
            "the displacements do not determine the force constants",
            file=file,
            found=str(error) or type(error).__name__,
            expected=f"the displacements that phonopy proposes for this supercell of {total} atoms",
        ) from error
    if not np.isfinite(phonon.force_constants).all():
        raise InputError("the displacements do not determine the force constants", file=file)
    count = len(dataset.get("first_atoms", dataset.get("displacements", ())))
    note = f"force constants fitted by phonopy to the forces of {count} displaced supercells"
    if forces.atoms is None:
        return phonon, (f"{note}, under the crystal's symmetry (symfc)",)
    return phonon, (
        f"{note} and symmetrised; the acoustic sum rule was off by {drift:.2g} eV/Å² before",
    )


def _dataset(forces: DisplacedForces, crystal: PhonopyCrystal, file: Path) -> dict[str, Any]:
    total, units = crystal.n_supercell, crystal.units
    places, pulls = forces.displacements, forces.forces
    if forces.atoms is None and len(places) == 1 and places.shape[1] % total == 0:
        places, pulls = places.reshape(-1, total, 3), pulls.reshape(-1, total, 3)
    if pulls.shape[1] != total or len(places) != len(pulls):
        raise InputError(
            "the forces are for another supercell",
            file=file,
            found=f"{pulls.shape[1]} atoms",
            expected=f"{total} atoms",
        )
    if forces.atoms is None:
        return {"displacements": places * units.length, "forces": pulls * units.force}
    if forces.atoms.min() < 0 or forces.atoms.max() >= total:
        raise InputError(
            "a displaced atom is not in the supercell",
            file=file,
            found=int(forces.atoms.max()) + 1,
            expected=f"1 to {total}",
        )
    first = [
        {"number": int(atom), "displacement": place * units.length, "forces": pull * units.force}
        for atom, place, pull in zip(forces.atoms, places, pulls, strict=True)
    ]
    return {"natom": total, "first_atoms": first}


def _phonopy(crystal: PhonopyCrystal, primitive_matrix: FloatArray, file: Path) -> Any:
    """phonopy's object whose supercell has its atoms in the order that the file lists."""
    from phonopy import Phonopy

    unit = to_phonopy(crystal.unit)
    if np.isfinite(crystal.unit.masses).all():
        unit.masses = crystal.unit.masses
    for smith_normal_form in (False, True):
        phonon = Phonopy(
            unit,
            crystal.supercell_matrix,
            primitive_matrix=primitive_matrix,
            use_SNF_supercell=smith_normal_form,
        )
        if crystal.supercell is None:
            return phonon
        apart = phonon.supercell.scaled_positions - crystal.supercell.positions
        apart -= np.rint(apart)
        if np.abs(apart @ phonon.supercell.cell).max() < PLACE_ANGSTROM:
            return phonon
    raise InputError(
        "the supercell lists its atoms in an order that phonopy does not build",
        file=file,
        key="supercell.points",
        hint="compute force constants with phonopy and give those",
    )
