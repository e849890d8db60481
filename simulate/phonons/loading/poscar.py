"""Crystals from POSCAR, with the supercell from SPOSCAR or a phonopy settings file beside it."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.loading.checks import integers
from simulate.phonons.loading.file_content import FileContent, all_beside, beside, read_content
from simulate.phonons.loading.file_units import FileUnits
from simulate.phonons.loading.phonopy_yaml import Atoms, PhonopyCrystal

UNIT_CELLS = ("POSCAR-unitcell", "POSCAR", "POSCAR.vasp")
SUPERCELLS = ("SPOSCAR",)
_SETTING = re.compile(r"^\s*(DIM|PRIMITIVE_AX[EI]S)\s*=\s*([^#\n]+)", re.I | re.M)


def read_poscar(content: FileContent) -> Atoms:
    """A VASP structure file; InputError when it is none."""
    from ase.io.vasp import read_vasp

    try:
        atoms = read_vasp(io.StringIO(content.text))
        vectors, positions = np.array(atoms.cell), atoms.get_scaled_positions(wrap=False)
    except (ValueError, IndexError, KeyError, RuntimeError, np.linalg.LinAlgError) as error:
        raise InputError(
            "this is not a VASP structure file", file=content.path, found=str(error)
        ) from error
    return Atoms(
        vectors=vectors,
        positions=positions,
        symbols=tuple(atoms.get_chemical_symbols()),
        masses=np.full(len(atoms), np.nan),
    )


def crystal_beside(path: Path) -> PhonopyCrystal | None:
    """The crystal of POSCAR and SPOSCAR (or DIM of a settings file) in the folder of `path`."""
    unit_file = beside(path, UNIT_CELLS)
    if unit_file is None:
        return None
    unit = read_poscar(read_content(unit_file))
    settings = _settings_beside(path)
    supercell_file = beside(path, SUPERCELLS)
    listed = None if supercell_file is None else read_poscar(read_content(supercell_file))
    if listed is not None:
        matrix = _ratio(unit, listed, unit_file)
        note = f"crystal from {unit_file.name}, supercell from SPOSCAR"
    elif "DIM" in settings:
        matrix = _dimension(*settings["DIM"])
        note = f"crystal from {unit_file.name}, supercell from {settings['DIM'][1].name}"
    else:
        raise InputError(
            "the supercell of these force constants is not known",
            file=unit_file,
            expected="SPOSCAR, a settings file (*.conf) with DIM, or a phonopy YAML file beside it",
        )
    axes = settings.get("PRIMITIVE_AXES")
    return PhonopyCrystal(
        unit=unit,
        supercell_matrix=matrix,
        primitive_matrix=None if axes is None else _primitive_matrix(*axes),
        supercell=listed,
        units=FileUnits(),
        polar=None,
        notes=(note,),
    )


def _ratio(unit: Atoms, listed: Atoms, file: Path) -> IntArray:
    ratio = listed.vectors @ np.linalg.inv(unit.vectors)
    whole = np.rint(ratio)
    if np.abs((ratio - whole) @ unit.vectors).max() > 1e-2:
        raise InputError(
            "SPOSCAR is not a whole multiple of the unit cell",
            file=file,
            found=np.round(ratio, 4).tolist(),
            expected="whole numbers (rows: supercell vectors in unit-cell ones)",
        )
    return whole.T.astype(np.int64)


def _settings_beside(path: Path) -> dict[str, tuple[str, Path]]:
    found: dict[str, tuple[str, Path]] = {}
    for file in all_beside(path, ["*.conf"]):
        for name, value in _SETTING.findall(read_content(file).text):
            key = "DIM" if name.upper() == "DIM" else "PRIMITIVE_AXES"
            found.setdefault(key, (value.strip(), file))
    return found


def _dimension(text: str, file: Path) -> IntArray:
    words = text.split()
    if len(words) == 3:
        return np.diag(integers(words, (3,), file=file, key="DIM"))
    return integers(words, (9,), file=file, key="DIM").reshape(3, 3)


def _primitive_matrix(text: str, file: Path) -> FloatArray | None:
    """Columns: primitive vectors in unit-cell ones; None for AUTO."""
    from phonopy.structure.cells import get_primitive_matrix_by_centring

    words = text.split()
    if text.upper() == "AUTO":
        return None
    if text.upper() in ("P", "F", "I", "A", "C", "R"):
        return np.array(get_primitive_matrix_by_centring(text.upper()))
    try:
        values = [float(Fraction(word)) for word in words]
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(
            "the primitive axes are not known", file=file, key="PRIMITIVE_AXES", found=text
        ) from error
    if len(values) != 9:
        raise InputError(
            "the primitive axes are not nine numbers",
            file=file,
            key="PRIMITIVE_AXES",
            found=text,
            expected="AUTO, a centring letter, or 3×3 fractions",
        )
    return np.array(values).reshape(3, 3)
