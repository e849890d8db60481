"""Read a crystal structure from a CIF of whatever origin, saying what had to be repaired.

Nothing is altered silently: every repair, assumption and suspicion is a sentence in
`Crystal.repairs`; what leaves the structure open is an InputError with file, line and tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np

from ixs_core.cif_block import STRUCTURE_TAGS, CifBlock, open_block, read_block
from ixs_core.cif_formula import formula_unit, stated_formula
from ixs_core.cif_sites import read_sites
from ixs_core.crystal import Crystal, Site, SiteOrbit, cell_vectors, site_orbit
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.scattering_factors import ion_name, parse_ion
from ixs_core.symmetry import Symmetry

__all__ = ["read_block", "read_crystal", "read_lattice"]

_LENGTHS = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
_OPERATORS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_HALL = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_HERMANN_MAUGUIN = (
    "_space_group_name_h-m_alt",
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_full",
)
_NUMBER = ("_space_group_it_number", "_symmetry_int_tables_number")
_TEMPERATURES = ("_diffrn_ambient_temperature", "_cell_measurement_temperature")
_WAVELENGTHS = (
    "_diffrn_radiation_wavelength",
    "_diffrn_radiation_wavelength_wavelength",
    "_diffrn_radiation_wavelength_value",
)
_KELVIN = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[ _-]?[kK](?![A-Za-z0-9])")

_ROOM = (293.0, 293.15, 295.0, 296.0, 296.15, 298.0, 298.15)

# From here on a difference is worth a sentence, or an error.
_VOLUME_SLACK = 0.003
_STRAIN_NOTED, _STRAIN_IMPOSSIBLE = 0.002, 0.02
_MOVED_NOTED = 0.01  # Å
_U_CHANGED_NOTED = 0.05  # of the largest element
_CONTENT_SLACK = 0.01
_SAME_PLACE = 0.1  # Å
_FULL = 1.05  # most that occupancies of one place may add up to


def read_crystal(path: str | Path, block: str | None = None) -> Crystal:
    """The crystal structure of a CIF.

    Parameters
    ----------
    path : str or Path
    block : str, optional
        Name of the data block, needed when several hold a structure.

    Returns
    -------
    Crystal
        `repairs` says what had to be repaired or assumed and what looks wrong.

    Raises
    ------
    InputError
        The file is no CIF, or it does not settle cell, symmetry and sites.
    """
    source = open_block(path, STRUCTURE_TAGS, block)
    notes = list(source.repairs)
    lattice = _lattice(source, notes)
    symmetry = _symmetry(source, lattice, notes)
    stated = stated_formula(source, notes)
    sites, site_notes = read_sites(source, lattice, stated)
    notes += site_notes
    crystal = Crystal(
        lattice=lattice,
        sites=sites,
        symmetry=symmetry,
        temperature_k=_temperature(source, notes),
        wavelength_angstrom=_wavelength(source, notes),
        dispersion=_dispersion(source),
        source=source.path.name,
        sha256=source.sha256,
    )
    notes += _check_sites(source, crystal)
    formula, units = formula_unit(source, stated, crystal.content, notes)
    _check_density(source, crystal, notes)
    return replace(
        crystal, formula=formula, formula_units_per_cell=units, repairs=tuple(dict.fromkeys(notes))
    )


def read_lattice(path: str | Path, block: str | None = None) -> Lattice:
    """The cell of a CIF, whether or not it holds a structure; errors as in `read_crystal`."""
    return _lattice(open_block(path, _LENGTHS, block), [])


def _lattice(source: CifBlock, notes: list[str]) -> Lattice:
    cell = []
    for tag in _LENGTHS:
        length = source.number(tag)
        if length is None:
            raise source.error("the cell is not complete", tag, expected="a length in Å")
        cell.append(length)
    for tag in _ANGLES:
        angle = source.number(tag)
        if angle is None:
            notes.append(f"{tag} is missing: taken as 90 degrees")
        cell.append(90.0 if angle is None else angle)
    try:
        lattice = Lattice.from_cell(cell)
    except InputError as error:
        raise source.error(
            error.message, _LENGTHS[0], found=cell, expected=error.expected
        ) from error
    volume = source.number_or_note(notes, "_cell_volume")
    if volume is not None and abs(volume / lattice.volume - 1) > _VOLUME_SLACK:
        notes.append(
            f"the cell has {lattice.volume:.2f} Å³, but _cell_volume says {volume:g}: "
            "the lengths and angles are used"
        )
    return lattice


def _symmetry(source: CifBlock, lattice: Lattice, notes: list[str]) -> Symmetry:
    operators = [triplet for triplet in source.column(*_OPERATORS) if triplet]
    name, number = source.text(*_HERMANN_MAUGUIN), _group_number(source)
    try:
        if operators:
            symmetry = Symmetry.from_triplets(operators, name, None)
            _compare_with_name(symmetry, operators, name, number, notes)
            symmetry = replace(symmetry, number=symmetry.number or number)
        else:
            symmetry = _symmetry_by_name(source, lattice, name, number, notes)
    except InputError as error:
        tag = next((tag for tag in (*_OPERATORS, *_HERMANN_MAUGUIN) if source.column(tag)), "")
        raise source.error(
            error.message, tag, found=error.found, expected=error.expected, hint=error.hint
        ) from error
    strain = symmetry.strain(lattice)
    if strain > _STRAIN_IMPOSSIBLE:
        raise source.error(
            "the cell does not have the symmetry of the operators",
            _LENGTHS[0],
            found=f"{lattice.cell} with space group {symmetry.name or 'of unknown name'}",
            expected="lengths and angles that the symmetry operators leave as they are",
        )
    if strain > _STRAIN_NOTED:
        notes.append(f"the cell obeys the symmetry operators only to {100 * strain:.1f} %")
    return symmetry


def _compare_with_name(
    symmetry: Symmetry,
    operators: Sequence[str],
    name: str,
    number: int | None,
    notes: list[str],
) -> None:
    listed = len(set(operators))
    if listed < len(symmetry):
        notes.append(
            f"the {listed} symmetry operators do not form a group: completed to {len(symmetry)}"
        )
    named = gemmi.find_spacegroup_by_name(name) if name else None
    expected = named.number if named else number
    if expected and symmetry.number and expected != symmetry.number:
        notes.append(
            f"the symmetry operators are those of space group No. {symmetry.number}, but the file "
            f"names {name or 'none'} (No. {expected}): the operators are used"
        )


def _symmetry_by_name(
    source: CifBlock, lattice: Lattice, name: str, number: int | None, notes: list[str]
) -> Symmetry:
    """Without operators: by Hall symbol, Hermann-Mauguin symbol or number; else P 1."""
    missing = "the symmetry operators are missing: "
    hall = source.text(*_HALL)
    if hall:
        try:
            triplets = [operator.triplet() for operator in gemmi.symops_from_hall(hall)]
        except (RuntimeError, ValueError):
            notes.append(f"the Hall symbol {hall} is not understood")
        else:
            notes.append(f"{missing}taken from the Hall symbol {hall}")
            return Symmetry.from_triplets(triplets, name, number)
    if name:
        notes.append(f"{missing}taken from the space group {name}")
        return Symmetry.from_name(name, lattice)
    if number is not None:
        group = gemmi.find_spacegroup_by_number(number)
        if group is not None:
            notes.append(f"{missing}taken from space group No. {number} in the setting {group.hm}")
            return Symmetry.from_name(group.hm, lattice)
    notes.append(f"{missing}no space group is named either, so P 1 is assumed")
    return Symmetry.from_triplets(["x,y,z"])


def _group_number(source: CifBlock) -> int | None:
    text = source.text(*_NUMBER)
    return int(text) if text.isdigit() else None


def _temperature(source: CifBlock, notes: list[str]) -> float | None:
    ambient, of_cell = (source.number_or_note(notes, tag) for tag in _TEMPERATURES)
    temperature = of_cell if ambient is None else ambient
    if temperature is None:
        return None
    if ambient is not None and of_cell is not None and abs(ambient - of_cell) > 1:
        notes.append(
            f"{_TEMPERATURES[0]} says {ambient:g} K, {_TEMPERATURES[1]} {of_cell:g} K: "
            f"{temperature:g} K is used"
        )
    named = {float(value) for value in _KELVIN.findall(source.path.stem)}
    if len(named) == 1 and abs(temperature - min(named)) > 1:
        by_default = ", which programs write by default" if temperature in _ROOM else ""
        notes.append(
            f"the file is called {source.path.name}, but its temperature field says "
            f"{temperature:g} K{by_default}: {temperature:g} K is kept"
        )
    return temperature


def _wavelength(source: CifBlock, notes: list[str]) -> float | None:
    values = [value for value in source.column(*_WAVELENGTHS) if value]
    if len(set(values)) > 1:
        notes.append(f"several wavelengths ({', '.join(values)} Å): the first is used")
    return source.number_or_note(notes, *_WAVELENGTHS)


def _dispersion(source: CifBlock) -> dict[str, complex]:
    """f' + i f'' by type symbol and, since the charge matters little, by element."""
    tags = ("_atom_type_scat_dispersion_real", "_atom_type_scat_dispersion_imag")
    dispersion: dict[str, complex] = {}
    columns = (source.column(tag) for tag in ("_atom_type_symbol", *tags))
    for symbol, real, imaginary in zip(*columns, strict=False):  # a column may be missing
        if not (real and imaginary):
            continue
        try:
            element, charge = parse_ion(symbol)
        except InputError:
            continue  # a type that no site has to have; sites are checked themselves
        value = complex(source.as_number(real, tags[0]), source.as_number(imaginary, tags[1]))
        dispersion[ion_name(element, charge)] = value
        dispersion.setdefault(element, value)
    return dispersion


def _check_sites(source: CifBlock, crystal: Crystal) -> list[str]:
    """Expand every site once: what moves, what the file counts otherwise, what collides."""
    notes = []
    for site in crystal.sites:
        try:
            orbit = site_orbit(site, crystal.symmetry, crystal.lattice)
        except InputError as error:
            raise source.error(
                error.message,
                STRUCTURE_TAGS[0],
                found=f"site {site.label}, {error.found}",
                hint=error.hint,
            ) from error
        notes += _orbit_notes(site, orbit, len(crystal.symmetry))
    _require_room(source, crystal)
    return notes


def _orbit_notes(site: Site, orbit: SiteOrbit, order: int) -> list[str]:
    notes = []
    found = len(orbit.operator)
    # Old SHELXL files give the order of the site symmetry under this name.
    if site.multiplicity and site.multiplicity not in (found, order // found):
        notes.append(
            f"site {site.label} stands for {found} atoms in the cell, but the file says "
            f"{site.multiplicity}: {found} are used"
        )
    if orbit.moved_angstrom > _MOVED_NOTED:
        notes.append(
            f"site {site.label} is moved by {orbit.moved_angstrom:.3f} Å to its special position"
        )
    if site.u is not None and orbit.u_changed > _U_CHANGED_NOTED * np.abs(site.u).max():
        notes.append(
            f"the displacement parameters of site {site.label} break its symmetry: changed by up "
            f"to {orbit.u_changed:.4f} Å²"
        )
    return notes


def _require_room(source: CifBlock, crystal: Crystal) -> None:
    """Sites on top of each other may share a place, but not fill it twice."""
    atoms, vectors = crystal.atoms, cell_vectors(crystal.lattice)
    for index, site in enumerate(crystal.sites):
        apart = atoms.position - atoms.position[np.argmax(atoms.site == index)]
        apart -= np.round(apart)
        here = np.linalg.norm(apart @ vectors, axis=1) < _SAME_PLACE
        if atoms.occupancy[here].sum() > _FULL and len(set(atoms.site[here])) > 1:
            others = sorted({crystal.sites[i].label for i in atoms.site[here]} - {site.label})
            raise source.error(
                "sites that symmetry brings to the same place fill it more than once",
                STRUCTURE_TAGS[0],
                found=", ".join([site.label, *others]),
                expected="one site for all atoms that symmetry makes of it",
                hint="a list of all atoms of the cell goes with the symmetry operator x,y,z only",
            )


def _check_density(source: CifBlock, crystal: Crystal, notes: list[str]) -> None:
    stated = source.number_or_note(notes, "_exptl_crystal_density_diffrn")
    if stated is not None and abs(stated / crystal.density_g_cm3 - 1) > _CONTENT_SLACK:
        notes.append(
            f"the density of the sites is {crystal.density_g_cm3:.3f} g/cm³, but the file says "
            f"{stated:g}"
        )
