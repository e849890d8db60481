"""Units as force-constant files spell them, in terms of eV, Å and atomic mass units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scipy import constants

from ixs_core.errors import InputError

BOHR_ANGSTROM = constants.physical_constants["Bohr radius"][0] / constants.angstrom
HARTREE_EV = constants.physical_constants["Hartree energy in eV"][0]
RYDBERG_EV = HARTREE_EV / 2
ELECTRON_MASS_AMU = constants.m_e / constants.atomic_mass
RYDBERG_MASS_AMU = 2 * ELECTRON_MASS_AMU
"""The unit of mass that goes with ħ = 1, Ry and Bohr: two electron masses."""

COULOMB_EV_ANGSTROM = HARTREE_EV * BOHR_ANGSTROM
"""e²/(4πε₀) in eV Å (14.3996)."""

FORCE_CONSTANT_RYDBERG = RYDBERG_EV / BOHR_ANGSTROM**2
"""One Ry/Bohr² in eV/Å²."""

_UNITS = {
    "ev": 1.0,
    "electron_volt": 1.0,
    "electronvolt": 1.0,
    "mev": 1e-3,
    "millielectron_volt": 1e-3,
    "millielectronvolt": 1e-3,
    "ry": RYDBERG_EV,
    "rydberg": RYDBERG_EV,
    "mry": 1e-3 * RYDBERG_EV,
    "hartree": HARTREE_EV,
    "e_h": HARTREE_EV,
    "joule": 1 / constants.e,
    "j": 1 / constants.e,
    "newton": constants.angstrom / constants.e,  # eV/Å
    "n": constants.angstrom / constants.e,
    "angstrom": 1.0,
    "å": 1.0,
    "bohr": BOHR_ANGSTROM,
    "a_0": BOHR_ANGSTROM,
    "atomic_unit_of_length": BOHR_ANGSTROM,
    "au": BOHR_ANGSTROM,
    "nanometer": 10.0,
    "nm": 10.0,
    "meter": 1e10,
    "m": 1e10,
    "unified_atomic_mass_unit": 1.0,
    "amu": 1.0,
    "dalton": 1.0,
    "u": 1.0,
    "electron_mass": ELECTRON_MASS_AMU,
    "m_e": ELECTRON_MASS_AMU,
    "rydberg_mass": RYDBERG_MASS_AMU,
    "kilogram": 1 / constants.atomic_mass,
    "kg": 1 / constants.atomic_mass,
    "gram": constants.gram / constants.atomic_mass,
    "e": 1.0,
    "elementary_charge": 1.0,
    "dimensionless": 1.0,
    "1": 1.0,
}
_TOKEN = re.compile(r"\s*(?:(\*\*|\^)\s*(-?\d+)|([*/.()])|([^\W\d][\w]*|1))")


@dataclass(frozen=True)
class FileUnits:
    """Factors from a file's units to Å, eV/Å and eV/Å²."""

    length: float = 1.0
    force: float = 1.0
    force_constants: float = 1.0


def unit_factor(unit: object, *, file: str | Path | None, key: str) -> float:
    """What one of a unit is in eV, Å, atomic mass units and elementary charges.

    Parameters
    ----------
    unit : str
        A product of known names with integer powers, such as "eV/angstrom^2",
        "hartree/angstrom.au" or "millielectron_volt / angstrom ** 2"; letter case is free.
    file, key
        Where it stands, for the message.

    Raises
    ------
    InputError
        It is no text, or has a name or sign that is not known.
    """
    if not isinstance(unit, str) or not unit.strip():
        raise InputError("the unit is not a text", file=file, key=key, found=repr(unit))
    factor, sign, after_slash, depth = 1.0, 1, [1], 0
    power_of: float | None = None
    place = 0
    while place < len(unit.rstrip()):
        match = _TOKEN.match(unit, place)
        if match is None:
            raise _unknown(unit, unit[place:], file, key)
        place = match.end()
        caret, exponent, mark, name = match.groups()
        if caret:
            if power_of is None:
                raise _unknown(unit, match.group().strip(), file, key)
            factor *= power_of ** (int(exponent) - 1)
            power_of = None
        elif mark:
            sign, depth = _after_mark(mark, sign, depth, after_slash)
            power_of = None
            if depth < 0:
                raise _unknown(unit, mark, file, key)
        else:
            if name.lower() not in _UNITS:
                raise _unknown(unit, name, file, key)
            power_of = _UNITS[name.lower()] ** sign
            factor *= power_of
    if depth:
        raise _unknown(unit, "(", file, key)
    return factor


def _after_mark(mark: str, sign: int, depth: int, signs: list[int]) -> tuple[int, int]:
    """Sign of the exponents that follow a mark: "." binds closer than "/", as in eV/Å.au."""
    if mark == "/":
        return -signs[-1], depth
    if mark == "*":
        return signs[-1], depth
    if mark == "(":
        signs.append(sign)
        return sign, depth + 1
    if mark == ")":
        if depth > 0:
            signs.pop()
        return signs[-1], depth - 1
    return sign, depth


def _unknown(unit: str, part: str, file: str | Path | None, key: str) -> InputError:
    return InputError(
        "the unit is not known",
        file=file,
        key=key,
        found=f"'{part}' in '{unit}'",
        expected="eV, meV, Ry, mRy, hartree, angstrom, bohr (au), nm, amu, electron_mass",
    )
