"""Force constants that Euphonic saved as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ixs_core.errors import InputError
from simulate.phonons.force_constants import PolarTerms
from simulate.phonons.loading.checks import integers, lattice_vectors, numbers
from simulate.phonons.loading.file_content import FileContent
from simulate.phonons.loading.file_units import COULOMB_EV_ANGSTROM, unit_factor
from simulate.phonons.loading.missing_dipoles import with_dipole_part
from simulate.phonons.loading.supercell_model import SupercellModel, cell_numbers

FORCE_CONSTANT_UNIT = "hartree / bohr ** 2"


def is_euphonic(text: str) -> bool:
    """Whether a text is JSON."""
    return text.lstrip().startswith("{")


def model_from_euphonic(content: FileContent) -> SupercellModel:
    """Read Euphonic's ForceConstants JSON.

    Force constants are [cell, atom of the home cell × xyz, atom of that cell × xyz]; masses,
    lengths and force constants carry their units; Born charges are [atom, displacement, field].
    Beside charges the force constants are without their dipole part, which is added again.

    Raises
    ------
    InputError
        It is no JSON or not Euphonic's; a key is missing or its numbers do not fit.
    """
    data = _read(content)
    file = content.path
    crystal = _mapping(data, "crystal", content)
    length = _unit(crystal, "cell_vectors", "angstrom", content)
    vectors = lattice_vectors(
        _value(crystal, "cell_vectors", content), file=file, key="crystal.cell_vectors"
    )
    positions = numbers(
        _value(crystal, "atom_r", content), (-1, 3), file=file, key="crystal.atom_r"
    )
    n = len(positions)
    symbols = _value(crystal, "atom_type", content)
    if not isinstance(symbols, list) or len(symbols) != n:
        raise InputError(
            "the atoms' elements are not as many as the atoms",
            file=file,
            key="crystal.atom_type",
            expected=f"{n} symbols",
        )
    masses = numbers(
        _value(crystal, "atom_mass", content), (n,), file=file, key="crystal.atom_mass"
    ) * _unit(crystal, "atom_mass", "unified_atomic_mass_unit", content)
    supercell = integers(_value(data, "sc_matrix", content), (3, 3), file=file, key="sc_matrix")
    n_cells = round(abs(float(np.linalg.det(supercell))))
    if n_cells < 1:
        raise InputError("the supercell has no volume", file=file, key="sc_matrix")
    origins = integers(
        _value(data, "cell_origins", content), (n_cells, 3), file=file, key="cell_origins"
    )
    order = cell_numbers(origins, supercell)
    if len(np.unique(order)) != n_cells:
        raise InputError("a cell stands there twice", file=file, key="cell_origins")
    values = numbers(
        _value(data, "force_constants", content),
        (n_cells, 3 * n, 3 * n),
        file=file,
        key="force_constants",
    ) * _unit(data, "force_constants", FORCE_CONSTANT_UNIT, content)
    blocks = values.reshape(n_cells, n, 3, n, 3).transpose(1, 0, 3, 2, 4)
    model = SupercellModel(
        vectors=vectors * length,
        positions=positions,
        symbols=tuple(str(symbol) for symbol in symbols),
        masses=masses,
        supercell=supercell,
        blocks=blocks[:, np.argsort(order)],
        polar=_polar(data, n, content),
    )
    return model if model.polar is None else with_dipole_part(model, model.polar)


def _read(content: FileContent) -> dict[str, Any]:
    try:
        data = json.loads(content.text)
    except json.JSONDecodeError as error:
        raise InputError(
            "this is not valid JSON", file=content.path, line=error.lineno, found=error.msg
        ) from error
    except RecursionError as error:
        raise InputError("this JSON is nested too deeply", file=content.path) from error
    kind = data.get("__euphonic_class__") if isinstance(data, dict) else None
    if not isinstance(data, dict) or kind not in (None, "ForceConstants"):
        raise InputError(
            "this JSON has no force constants",
            file=content.path,
            found=kind or type(data).__name__,
            expected="Euphonic's ForceConstants",
        )
    return data


def _value(data: Mapping[str, Any], key: str, content: FileContent) -> Any:
    if data.get(key) is None:
        raise InputError(
            "missing", file=content.path, key=key, expected="Euphonic's ForceConstants as JSON"
        )
    return data[key]


def _mapping(data: Mapping[str, Any], key: str, content: FileContent) -> Mapping[str, Any]:
    value = _value(data, key, content)
    if not isinstance(value, Mapping):
        raise InputError(
            "this is not a group of keys", file=content.path, key=key, found=type(value).__name__
        )
    return value


def _unit(data: Mapping[str, Any], key: str, default: str, content: FileContent) -> float:
    name = f"{key}_unit"
    return unit_factor(data.get(name, default), file=content.path, key=name)


def _polar(data: Mapping[str, Any], n: int, content: FileContent) -> PolarTerms | None:
    """Charges in e, and the dielectric tensor, which Euphonic gives with a unit."""
    if data.get("born") is None or data.get("dielectric") is None:
        return None
    charge = _unit(data, "born", "e", content)
    # e²/(bohr hartree) is 4πε₀, so that in these units the number is the relative permittivity.
    permittivity = _unit(data, "dielectric", "e ** 2 / (bohr * hartree)", content)
    return PolarTerms(
        born=numbers(data["born"], (n, 3, 3), file=content.path, key="born") * charge,
        dielectric=numbers(data["dielectric"], (3, 3), file=content.path, key="dielectric")
        * permittivity
        * COULOMB_EV_ANGSTROM,
        coulomb=COULOMB_EV_ANGSTROM,
    )
