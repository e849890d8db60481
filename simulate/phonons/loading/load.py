"""Force constants from whatever file or object the user has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.loading import (
    euphonic_json,
    other_objects,
    phonopy_files,
    phonopy_object,
    quantum_espresso,
    shengbte,
)
from simulate.phonons.loading.atom_tables import read_hdf5_table, read_text_table
from simulate.phonons.loading.checks import (
    elements,
    masses_of,
    require_sane_cell,
    require_separate_atoms,
)
from simulate.phonons.loading.conventional_cell import CrystalStructure, conventional_cell
from simulate.phonons.loading.file_content import FileContent, beside, read_content
from simulate.phonons.loading.polar_terms import chosen_polar_terms
from simulate.phonons.loading.supercell_model import SupercellModel
from simulate.phonons.loading.translations import (
    acoustic_sum_violation,
    by_translations,
    symmetrised,
)

NOTED_VIOLATION = 1e-6
"""In eV/Å²: what is larger is told to the user."""

KNOWN = (
    "a phonopy YAML file, FORCE_CONSTANTS, force_constants.hdf5, fc2.hdf5, FORCE_SETS, "
    "ShengBTE's CONTROL or FORCE_CONSTANTS_2ND, a file of q2r.x, or Euphonic's JSON"
)

_YAML_KEY = re.compile(
    r"^(phonopy|phono3py|unit_cell|primitive_matrix|supercell_matrix|lattice):", re.MULTILINE
)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?")

_OBJECTS: dict[tuple[str, str], tuple[Callable[[Any], SupercellModel], str]] = {
    ("phonopy", "Phonopy"): (phonopy_object.model_from_phonopy, phonopy_object.NAME),
    ("ase", "Phonons"): (other_objects.model_from_ase, other_objects.ASE_NAME),
    ("hiphive", "ForceConstants"): (other_objects.model_from_hiphive, other_objects.HIPHIVE_NAME),
}


def load_force_constants(
    path: str | PathLike[str] | object,
    born: str | PathLike[str] | None = None,
    nac: bool = True,
    *,
    conventional: ArrayLike | str | None = None,
    cell: Sequence[float] | None = None,
    masses: Mapping[str, float] | Sequence[float] | None = None,
) -> ForceConstants:
    """Load harmonic force constants; the format is known by the content.

    Parameters
    ----------
    path : path or object
        A phonopy or phono3py YAML file (with force constants or forces inside or in a file
        beside it), FORCE_CONSTANTS, force_constants.hdf5, fc2.hdf5 or FORCE_SETS (with a phonopy
        YAML file, or POSCAR and SPOSCAR, beside it), CONTROL or FORCE_CONSTANTS_2ND of ShengBTE
        and FourPhonon, a file of Quantum ESPRESSO's q2r.x, Euphonic's JSON; plain or compressed
        (xz, gz, bz2, lzma). Or a `phonopy.Phonopy`, ASE `Phonons` or hiPhive `ForceConstants`.
    born : path, optional
        BORN file with charges and dielectric tensor. Without it those of the file itself are
        taken, or a file BORN beside it.
    nac : bool
        False switches the dipole term off, whatever charges there are.
    conventional : "standard", "primitive" or (3, 3) array, optional
        Cell in which hkl count: the standard setting of the space group, the primitive cell, or
        rows of whole numbers in primitive vectors. By default the file's unit cell where it is
        larger than the primitive one, else the standard cell in the crystal's own axes.
    cell : six numbers, optional
        The experiment's a, b, c (Å), α, β, γ (degrees). Chooses the axes that fit it; it may
        differ from the computed cell by 6 % and 3°.
    masses : mapping of element to mass, or (n,) numbers, optional
        In atomic mass units, in place of the file's.

    Returns
    -------
    ForceConstants
        Its `notes` tell every choice and repair: where things came from, units that were mended,
        how far the acoustic sum rule is broken (nothing is symmetrised to hide it).

    Raises
    ------
    InputError
        Naming the file and key that is missing, broken or does not fit.
    """
    file, sha256, model = _model(path)
    name = Path(file).name if file is not None else _object_name(path)
    symbols, label_notes = elements(model.symbols, file=file or name, key="symbol")
    weights, mass_notes = masses_of(symbols, model.masses, masses, file=file or name)
    require_sane_cell(model.vectors, model.positions, file=file or name)
    require_separate_atoms(model.vectors, model.positions, file=file or name)
    polar, polar_notes = chosen_polar_terms(
        model, symbols, file, None if born is None else Path(born), nac
    )
    structure = CrystalStructure(model.vectors, model.positions, symbols)
    hkl_cell, cell_notes = conventional_cell(
        structure, model.unit_cell, conventional=conventional, cell=cell
    )
    translations, raw = by_translations(model)
    matrices, change = symmetrised(translations, raw)
    rule_notes = _broken_rules(matrices, change)
    return ForceConstants(
        vectors=model.vectors,
        positions=model.positions,
        symbols=symbols,
        masses=weights,
        translations=translations,
        matrices=matrices,
        supercell=model.supercell,
        conventional=hkl_cell,
        polar=polar,
        source=name,
        sha256=sha256,
        notes=(
            *model.notes,
            *label_notes,
            *mass_notes,
            *polar_notes,
            *cell_notes,
            *rule_notes,
        ),
    )


def _model(path: object) -> tuple[Path | None, str, SupercellModel]:
    if not isinstance(path, str | PathLike):
        return None, "", _model_of_object(path)
    file = Path(path)
    content = read_content(file)
    return file, content.sha256, _model_of_file(content)


def _model_of_object(given: object) -> SupercellModel:
    kind = _known_kind(given)
    if kind is None:
        raise InputError(
            "this object holds no force constants that are known",
            key="path",
            found=type(given).__name__,
            expected="a path, or " + ", ".join(name for _, name in _OBJECTS.values()),
        )
    return _OBJECTS[kind][0](given)


def _object_name(given: object) -> str:
    kind = _known_kind(given)
    return "" if kind is None else _OBJECTS[kind][1]


def _known_kind(given: object) -> tuple[str, str] | None:
    """Package and class of an object, by name: those packages are not imported for it."""
    for parent in type(given).__mro__:
        key = (parent.__module__.split(".")[0], parent.__name__)
        if key in _OBJECTS:
            return key
    return None


def _model_of_file(content: FileContent) -> SupercellModel:
    if content.is_hdf5:
        return phonopy_files.model_from_table(content, read_hdf5_table(content))
    text = content.text
    if euphonic_json.is_euphonic(text):
        return euphonic_json.model_from_euphonic(content)
    if shengbte.is_control(text):
        return shengbte.model_from_control(content)
    if quantum_espresso.is_q2r(text):
        return quantum_espresso.model_from_q2r(content)
    if _YAML_KEY.search(text):
        return phonopy_files.model_from_yaml(content)
    shape = _shape_of_numbers(text)
    if re.fullmatch(r"[12],2(,3.*)?", shape):
        return _model_of_table(content)
    if shape.startswith("1,1,1,3,3") or shape.startswith("6,6"):
        return phonopy_files.model_from_force_sets(content)
    if shape.startswith("1,1,3,3"):
        raise InputError(
            "these are anharmonic force constants",
            file=content.path,
            expected="harmonic ones: " + KNOWN,
        )
    raise InputError("this file is not known", file=content.path, expected=KNOWN)


def _model_of_table(content: FileContent) -> SupercellModel:
    """A table that phonopy and ShengBTE share: the crystal beside it decides."""
    table = read_text_table(content)
    control = beside(content.path, shengbte.CONTROLS)
    named_for_shengbte = content.path.name.startswith(shengbte.FORCE_CONSTANTS)
    if control is not None and (
        named_for_shengbte or beside(content.path, phonopy_files.CRYSTALS) is None
    ):
        return shengbte.model_from_second_order(content, table, control)
    return phonopy_files.model_from_table(content, table)


def _shape_of_numbers(text: str) -> str:
    """Counts of numbers in the first five lines, "1,2,3,3,3", up to one that is no numbers."""
    counts: list[int] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(counts) == 5 or not all(_NUMBER.fullmatch(word) for word in words):
            break
        counts.append(len(words))
    return ",".join(map(str, counts))


def _broken_rules(matrices: FloatArray, change: float) -> tuple[str, ...]:
    notes: list[str] = []
    if change > NOTED_VIOLATION:
        notes.append(
            f"force constants averaged with their transposes, which differed by {2 * change:.2g} "
            "eV/Å²"
        )
    violation = acoustic_sum_violation(matrices)
    if violation > NOTED_VIOLATION:
        notes.append(
            f"the acoustic sum rule is broken by {violation:.2g} eV/Å²: acoustic modes do not "
            "vanish at Γ"
        )
    return tuple(notes)
