"""A live `phonopy.Phonopy` object as a supercell model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import numbers
from simulate.phonons.loading.file_units import FileUnits, unit_factor
from simulate.phonons.loading.phonopy_yaml import coulomb_of, unit_cell_in_primitive
from simulate.phonons.loading.supercell_model import (
    SupercellAtoms,
    SupercellModel,
    model_of_supercell,
)

NAME = "phonopy.Phonopy object"


def model_from_phonopy(phonon: Any, *, file: Path | None = None) -> SupercellModel:
    """The force constants of a Phonopy object, with its charges.

    Raises
    ------
    InputError
        It has no force constants yet.
    """
    where = file if file is not None else Path(NAME)
    if phonon.force_constants is None:
        raise InputError(
            "it has no force constants yet",
            file=where,
            hint="call its produce_force_constants() first",
        )
    units = _units(phonon, where)
    supercell, primitive = phonon.supercell, phonon.primitive
    masses = primitive.masses
    atoms = SupercellAtoms(
        primitive=np.array(primitive.cell) * units.length,
        vectors=np.array(supercell.cell) * units.length,
        positions=np.array(supercell.scaled_positions),
        symbols=tuple(supercell.symbols),
        masses=np.full(len(supercell), np.nan) if masses is None else np.array(supercell.masses),
    )
    values = numbers(phonon.force_constants, (-1, -1, 3, 3), file=where, key="force_constants")
    model = model_of_supercell(
        atoms, values * units.force_constants, home=primitive.p2s_map, file=where
    )
    return replace(
        model,
        unit_cell=unit_cell_in_primitive(np.array(phonon.primitive_matrix), file=where),
        polar=_polar(phonon.nac_params, units, where),
        units=units,
    )


def _units(phonon: Any, where: Path) -> FileUnits:
    from phonopy.physical_units import get_calculator_physical_units

    usual = get_calculator_physical_units(phonon.calculator)
    return FileUnits(
        length=unit_factor(usual.length_unit, file=where, key="length"),
        force=unit_factor(usual.force_unit, file=where, key="force"),
        force_constants=unit_factor(usual.force_constants_unit, file=where, key="force_constants"),
    )


def _polar(nac: Any, units: FileUnits, where: Path) -> PolarTerms | None:
    if nac is None:
        return None
    born = numbers(nac["born"], (-1, 3, 3), file=where, key="nac_params born")
    return PolarTerms(
        born=born.transpose(0, 2, 1),
        dielectric=numbers(nac["dielectric"], (3, 3), file=where, key="nac_params dielectric"),
        coulomb=coulomb_of(nac.get("factor"), units, file=where, key="nac_params factor"),
    )
