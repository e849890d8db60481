"""phonopy and phono3py YAML files: cells, units, charges and force constants.

Read here rather than by phonopy, which takes tags that execute code and refuses old files whose
`physical_unit` spells "Angstrom" with a capital.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import (
    integers,
    lattice_vectors,
    numbers,
    require_sane_cell,
)
from simulate.phonons.loading.file_units import COULOMB_EV_ANGSTROM, FileUnits, unit_factor
from simulate.phonons.loading.supercell_model import PLACE_ANGSTROM, SupercellAtoms

PROGRAMS = ("phonopy", "phono3py")


@dataclass(frozen=True)
class Atoms:
    """A cell as listed in a file.

    Parameters
    ----------
    vectors : (3, 3) array
        Rows, in Å.
    positions : (n, 3) array
        Fractional.
    symbols : (n,) labels
    masses : (n,) array
        NaN where the file has none.
    reduced_to : (n,) int array or None
        Supercell atom, from 0, that stands for each atom in the primitive cell.
    """

    vectors: FloatArray
    positions: FloatArray
    symbols: tuple[str, ...]
    masses: FloatArray
    reduced_to: IntArray | None = None


@dataclass(frozen=True)
class PhonopyCrystal:
    """What a phonopy file says of the crystal, in Å.

    Parameters
    ----------
    unit : Atoms
        The unit cell that the supercell repeats.
    supercell_matrix : (3, 3) int array
        Columns: the supercell's vectors in unit-cell ones (phonopy's convention).
    primitive_matrix : (3, 3) array or None
        Columns: the primitive vectors in unit-cell ones; None where the file is silent.
    supercell : Atoms or None
        As listed, which fixes the order of the force constants.
    units : FileUnits
    polar : PolarTerms or None
    notes : tuple of str
    """

    unit: Atoms
    supercell_matrix: IntArray
    primitive_matrix: FloatArray | None
    supercell: Atoms | None
    units: FileUnits
    polar: PolarTerms | None
    notes: tuple[str, ...]

    @property
    def n_supercell(self) -> int:
        """Atoms in the supercell."""
        return len(self.unit.symbols) * round(abs(float(np.linalg.det(self.supercell_matrix))))


def is_phonopy(data: Mapping[str, Any]) -> bool:
    """Whether a YAML mapping describes a crystal in phonopy's way."""
    return "unit_cell" in data or ("lattice" in data and ("points" in data or "atoms" in data))


def crystal_of(data: Mapping[str, Any], file: Path) -> PhonopyCrystal:
    """The crystal in a phonopy YAML file; InputError naming the key that is wrong."""
    headers = [data[p] for p in PROGRAMS if isinstance(data.get(p), Mapping)]
    header: Mapping[str, Any] = headers[0] if headers else {}
    units, notes = _units(data, header, file)
    unit = _atoms(data.get("unit_cell", data), "unit_cell", units, file)
    prefix = "phonon_" if "phonon_supercell_matrix" in data else ""
    matrix_key = f"{prefix}supercell_matrix"
    if matrix_key not in data:
        raise InputError(
            "the file does not say which supercell was computed",
            file=file,
            key=matrix_key,
            expected="a 3×3 matrix of whole numbers",
        )
    given = data[matrix_key]
    diagonal = isinstance(given, list) and all(isinstance(size, int) for size in given)
    matrix = integers(np.diag(given) if diagonal else given, (3, 3), file=file, key=matrix_key)
    if not np.linalg.det(matrix):
        raise InputError("the supercell has no volume", file=file, key=matrix_key)
    primitive = None
    if "primitive_matrix" in data:
        primitive = lattice_vectors(data["primitive_matrix"], file=file, key="primitive_matrix")
    supercell = None
    if isinstance(data.get(f"{prefix}supercell"), Mapping):
        supercell = _atoms(data[f"{prefix}supercell"], f"{prefix}supercell", units, file)
        _require_multiple(supercell, unit, matrix, f"{prefix}supercell", file)
    if isinstance(data.get("primitive_cell"), Mapping):
        primitive_cell = _atoms(data["primitive_cell"], "primitive_cell", units, file)
        notes = (*notes, *_other_masses(primitive_cell, unit))
    return PhonopyCrystal(
        unit=unit,
        supercell_matrix=matrix,
        primitive_matrix=primitive,
        supercell=supercell,
        units=units,
        polar=_polar(data, header, units, file),
        notes=notes,
    )


def supercell_atoms(crystal: PhonopyCrystal, primitive_matrix: FloatArray) -> SupercellAtoms:
    """The supercell's atoms in the order of the force constants; phonopy's own where unlisted."""
    listed = _with_unit_cell_masses(crystal) or _phonopys_supercell(crystal)
    return SupercellAtoms(
        primitive=primitive_matrix.T @ crystal.unit.vectors,
        vectors=crystal.supercell_matrix.T @ crystal.unit.vectors,
        positions=listed.positions,
        symbols=listed.symbols,
        masses=listed.masses,
    )


def home_atoms(crystal: PhonopyCrystal) -> IntArray | None:
    """Supercell atoms that stand for the primitive cell, where the file says so."""
    if crystal.supercell is None or crystal.supercell.reduced_to is None:
        return None
    return np.unique(crystal.supercell.reduced_to)


def unit_cell_in_primitive(
    primitive_matrix: FloatArray, *, file: Path, key: str = "primitive_matrix"
) -> IntArray:
    """(3, 3) rows: the unit cell's vectors in primitive ones; InputError when not whole."""
    unit = np.linalg.inv(primitive_matrix).T
    whole = np.rint(unit)
    if np.abs(unit - whole).max() > 1e-3:
        raise InputError(
            "the unit cell is not a whole multiple of the primitive cell",
            file=file,
            key=key,
            found=np.round(unit, 4).tolist(),
            expected="a primitive matrix whose inverse is made of whole numbers",
        )
    return whole.astype(np.int64)


def to_phonopy(atoms: Atoms, masses: FloatArray | None = None) -> Any:
    """The cell as phonopy's own object."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        symbols=list(atoms.symbols),
        cell=np.array(atoms.vectors, dtype=np.float64),
        scaled_positions=np.array(atoms.positions, dtype=np.float64),
        masses=None if masses is None else np.array(masses, dtype=np.float64),
    )


def _with_unit_cell_masses(crystal: PhonopyCrystal) -> Atoms | None:
    """The listed supercell with the masses of the unit cell, which are the ones phonopy uses."""
    listed, unit = crystal.supercell, crystal.unit
    if listed is None:
        return None
    places = listed.positions @ crystal.supercell_matrix.T
    masses = np.array(listed.masses)
    for position, mass in zip(unit.positions, unit.masses, strict=True):
        apart = places - position
        apart -= np.rint(apart)
        masses[np.linalg.norm(apart @ unit.vectors, axis=1) < PLACE_ANGSTROM] = mass
    return replace(listed, masses=masses)


def _phonopys_supercell(crystal: PhonopyCrystal) -> Atoms:
    """Unlisted supercell in the order in which phonopy builds it."""
    from phonopy.structure.cells import get_supercell

    built = get_supercell(
        to_phonopy(crystal.unit, np.ones(len(crystal.unit.symbols))),
        crystal.supercell_matrix.astype(np.int64),
    )
    unit_atom = np.array([built.u2u_map[u] for u in built.s2u_map])
    return Atoms(
        vectors=np.array(built.cell),
        positions=np.array(built.scaled_positions),
        symbols=tuple(built.symbols),
        masses=crystal.unit.masses[unit_atom],
    )


def _units(
    data: Mapping[str, Any], header: Mapping[str, Any], file: Path
) -> tuple[FileUnits, tuple[str, ...]]:
    from phonopy.physical_units import get_calculator_physical_units

    calculator = header.get("calculator")
    try:
        usual = get_calculator_physical_units(calculator)
    except ValueError as error:
        raise InputError(
            "the program that computed the forces is not known",
            file=file,
            key="calculator",
            found=repr(calculator),
        ) from error
    named = data.get("physical_unit", {})
    named = named if isinstance(named, Mapping) else {}
    texts = {
        "length": named.get("length", usual.length_unit),
        "force": named.get("force", usual.force_unit),
        "force_constants": named.get("force_constants", usual.force_constants_unit),
    }
    notes = []
    for key, text in texts.items():
        expected = getattr(usual, f"{key}_unit")
        if text != expected:
            notes.append(f"physical_unit {key}: {text} (phonopy would write {expected}) is read")
    factors = {key: unit_factor(text, file=file, key=key) for key, text in texts.items()}
    mass = str(named.get("atomic_mass", "AMU"))
    if mass.lower() not in ("amu", "u", "dalton"):
        raise InputError(
            "the masses have another unit", file=file, key="atomic_mass", found=mass, expected="AMU"
        )
    return FileUnits(**factors), tuple(notes)


def _atoms(cell: object, key: str, units: FileUnits, file: Path) -> Atoms:
    if not isinstance(cell, Mapping) or "lattice" not in cell:
        raise InputError("the cell has no lattice", file=file, key=f"{key}.lattice")
    vectors = lattice_vectors(cell["lattice"], file=file, key=f"{key}.lattice") * units.length
    points = cell.get("points", cell.get("atoms"))
    if not isinstance(points, list) or not points:
        raise InputError("the cell has no atoms", file=file, key=f"{key}.points")
    places, symbols, masses, reduced = [], [], [], []
    for number, point in enumerate(points, start=1):
        where = f"{key}.points, atom {number}"
        if not isinstance(point, Mapping) or "symbol" not in point:
            raise InputError("an atom has no symbol", file=file, key=where)
        if "mixture" in point or point.get("weight", 1.0) != 1.0:
            raise InputError("sites shared by several elements are not read", file=file, key=where)
        place = point.get("coordinates", point.get("position"))
        places.append(numbers(place, (3,), file=file, key=f"{where}, coordinates"))
        symbols.append(str(point["symbol"]))
        mass = point.get("mass", np.nan)
        masses.append(np.nan if mass is None else _number(mass, file, f"{where}, mass"))
        reduced.append(point.get("reduced_to"))
    require_sane_cell(vectors, np.array(places), file=file)
    complete = all(isinstance(atom, int) for atom in reduced)
    return Atoms(
        vectors=vectors,
        positions=np.array(places),
        symbols=tuple(symbols),
        masses=np.array(masses, dtype=float),
        reduced_to=np.array(reduced, dtype=np.int64) - 1 if complete else None,
    )


def _number(value: object, file: Path, key: str) -> float:
    if isinstance(value, float) and np.isnan(value):
        return float("nan")
    return float(numbers(value, (), file=file, key=key))


def _require_multiple(
    supercell: Atoms, unit: Atoms, matrix: IntArray, key: str, file: Path
) -> None:
    expected = matrix.T @ unit.vectors
    if np.abs(supercell.vectors - expected).max() > PLACE_ANGSTROM:
        raise InputError(
            "the supercell is not the unit cell times the supercell matrix",
            file=file,
            key=f"{key}.lattice",
            found=np.round(supercell.vectors, 4).tolist(),
            expected=np.round(expected, 4).tolist(),
        )
    atoms = len(unit.symbols) * round(abs(float(np.linalg.det(matrix))))
    if len(supercell.symbols) != atoms:
        raise InputError(
            "the supercell has the wrong number of atoms",
            file=file,
            key=f"{key}.points",
            found=len(supercell.symbols),
            expected=atoms,
        )


def _other_masses(primitive_cell: Atoms, unit: Atoms) -> tuple[str, ...]:
    """A note on masses that the file gives twice, differently."""
    used = {(s, round(m, 3)) for s, m in zip(unit.symbols, unit.masses, strict=True)}
    listed = zip(primitive_cell.symbols, primitive_cell.masses, strict=True)
    other = sorted({s for s, m in listed if (s, round(m, 3)) not in used and np.isfinite(m)})
    if not other:
        return ()
    names = ", ".join(other)
    return (f"primitive_cell has other masses of {names}: those of unit_cell are used",)


def _polar(
    data: Mapping[str, Any], header: Mapping[str, Any], units: FileUnits, file: Path
) -> PolarTerms | None:
    """Charges under `nac`, or at the top level as before version 2.18.

    phonopy lists Z* as [direction of the field, direction of displacement]; here transposed.
    """
    section = data.get("nac", data)
    if not isinstance(section, Mapping) or "born_effective_charge" not in section:
        return None
    if "dielectric_constant" not in section:
        raise InputError(
            "Born charges without a dielectric tensor", file=file, key="dielectric_constant"
        )
    charges = numbers(
        section["born_effective_charge"], (-1, 3, 3), file=file, key="born_effective_charge"
    )
    dielectric = numbers(
        section["dielectric_constant"], (3, 3), file=file, key="dielectric_constant"
    )
    factor = section.get("unit_conversion_factor", header.get("nac_unit_conversion_factor"))
    return PolarTerms(
        born=charges.transpose(0, 2, 1),
        dielectric=dielectric,
        coulomb=coulomb_of(factor, units, file=file, key="unit_conversion_factor"),
    )


def coulomb_of(factor: object, units: FileUnits, *, file: Path, key: str) -> float:
    """e²/(4πε₀) in eV Å from phonopy's conversion factor, in force-constant unit × length³.

    Raises
    ------
    InputError
        It is more than one part in a hundred from 14.3996 eV Å: charges of another unit.
    """
    if factor is None:
        return COULOMB_EV_ANGSTROM
    in_file = float(numbers(factor, (), file=file, key=key))
    size = units.force_constants * units.length**3
    if abs(in_file * size / COULOMB_EV_ANGSTROM - 1) > 0.01:
        raise InputError(
            "the factor of the dipole term does not fit the units of the force constants",
            file=file,
            key=key,
            found=in_file,
            expected=f"{COULOMB_EV_ANGSTROM / size:.6g}",
        )
    return in_file * size
