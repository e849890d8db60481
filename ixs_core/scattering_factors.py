"""X-ray scattering factors of atoms and ions: f(Q, E) = f0(Q) + f'(E) + i f''(E), in electrons.

With the crystallographer's e^{+iQ·r} the imaginary part is + i f''; f''> 0 absorbs.

f0(s) = Σ_i a_i exp(-b_i s²) + c with s = sinθ/λ = |Q|/4π, evaluated as it stands (no
interpolation), from one of two tables:

- "waasmaier-kirfel": D. Waasmaier & A. Kirfel, Acta Cryst. A51, 416 (1995), five Gaussians,
  s ≤ 6 Å⁻¹, numbers as in the DABAX file that `periodictable` carries;
- "it92": International Tables for Crystallography C (1992), table 6.1.1.4, four Gaussians,
  s ≤ 2 Å⁻¹, numbers from `gemmi`. Refinement programs use this one.

f' and f'' follow Cromer & Liberman, Acta Cryst. A37, 267 (1981), with the Kissel & Pratt
correction, as `gemmi` computes them for free atoms: the structure within about 50 eV of an
absorption edge is not in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import gemmi
import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import ComplexArray, FloatArray
from ixs_core.errors import InputError

TableName = Literal["waasmaier-kirfel", "it92"]
"""Whose f0."""

S_MAX: Mapping[str, float] = MappingProxyType({"waasmaier-kirfel": 6.0, "it92": 2.0})
"""Largest s = |Q|/4π in Å⁻¹ for which a table was fitted; outside the formula means nothing."""

DISPERSION_KEV = (1.0, 100.0)
"""Photon energies for which f' and f'' are given."""

_ION = re.compile(r"([A-Za-z]{1,2})(?:(\d*)([+-])|([+-])(\d+))?")

# Published, but not reachable through periodictable 2.1: it drops K1+, whose line of the file
# starts with a minus sign, and its file has no Y3+. a1..a5, b1..b5, c.
_WK_LEFT_OUT = {
    "K1+": (
        (-17.609339, 1.494873, 7.150305, 10.899569, 15.808228),
        (18.840979, 0.053453, 0.812940, 22.264105, 14.351593),
        0.257164,
    ),
    "Y3+": (
        (46.660366, 10.369686, 4.623042, -62.170834, 17.471146),
        (-0.019971, 13.180257, 0.176398, -0.016727, 1.467348),
        19.023842,
    ),
}

# Entries that cannot be right: at s = 2 Å⁻¹ these ions differ from the neutral atom, whose core
# electrons they share, by 16 and 3 electrons (all others by less than 0.6).
_IT92_FAULTY = frozenset({"Bi5+", "Ru4+"})


class _Gaussians(NamedTuple):
    amplitudes: tuple[float, ...]
    exponents: tuple[float, ...]
    constant: float


@dataclass(frozen=True)
class FormFactorTable:
    """Scattering factors of several ions, ready to be evaluated at many Q.

    Parameters
    ----------
    ions : tuple of str
        "Cu", "Cu1+", "I1-" (see `ion_name`).
    amplitudes, exponents : (n_ions, n_gaussians) array
        a_i in electrons and b_i in Å².
    constants : (n_ions,) array
        c in electrons.
    dispersion : (n_ions,) complex array
        f' + i f''; zero when no photon energy was given.
    s_max : float
        Largest s = |Q|/4π in Å⁻¹ for which the coefficients hold.
    table : str
        Whose f0.
    """

    ions: tuple[str, ...]
    amplitudes: FloatArray
    exponents: FloatArray
    constants: FloatArray
    dispersion: ComplexArray
    s_max: float
    table: TableName

    def f0(self, q_abs: ArrayLike) -> FloatArray:
        """f0 of |Q| in Å⁻¹: shape of `q_abs` + (n_ions,).

        Raises
        ------
        InputError
            |Q| is negative, not a number, or beyond 4π `s_max`.
        """
        q = np.asarray(q_abs, dtype=float)
        s_squared = (q / (4 * np.pi)) ** 2
        _require_inside(q, s_squared, self)
        result = np.empty((*q.shape, len(self.ions)))
        coefficients = zip(self.amplitudes, self.exponents, self.constants, strict=True)
        for i, (amplitudes, exponents, constant) in enumerate(coefficients):
            total = np.full(q.shape, constant)
            for a, b in zip(amplitudes, exponents, strict=True):
                total += a * np.exp(-b * s_squared)
            result[..., i] = total
        return result

    def __call__(self, q_abs: ArrayLike) -> ComplexArray:
        """f0 + f' + i f'' of |Q| in Å⁻¹: shape of `q_abs` + (n_ions,); errors as in `f0`."""
        return self.f0(q_abs) + self.dispersion


def form_factors(
    ions: Sequence[str],
    q_abs: ArrayLike,
    table: TableName = "waasmaier-kirfel",
    energy_kev: float | None = None,
    dispersion: Mapping[str, complex] | None = None,
) -> ComplexArray:
    """Scattering factors f0 + f' + i f'' in electrons.

    Parameters
    ----------
    ions : sequence of str
        One per column of the result; repeated ones cost nothing.
    q_abs : (nq,) array
        |Q| in Å⁻¹ with 2π (any shape).
    table : "waasmaier-kirfel" or "it92"
        Whose f0.
    energy_kev : float, optional
        Photon energy for f' and f''; without it and without `dispersion` both are zero.
    dispersion : mapping, optional
        f' + i f'' by ion ("Cu1+") or element ("Cu"), used in place of the calculated value.

    Returns
    -------
    (nq, n_ions) complex array

    Raises
    ------
    InputError
        An ion is unknown or not in the table, Q or the energy is out of range, or
        `dispersion` lacks an ion and no energy is given.
    """
    names = [_canonical(ion) for ion in ions]
    unique = list(dict.fromkeys(names))
    values = form_factor_table(unique, table, energy_kev, dispersion)(q_abs)
    return values[..., [unique.index(name) for name in names]]


def form_factor_table(
    ions: Sequence[str],
    table: TableName = "waasmaier-kirfel",
    energy_kev: float | None = None,
    dispersion: Mapping[str, complex] | None = None,
) -> FormFactorTable:
    """The coefficients behind `form_factors`, which see for parameters and errors."""
    if table not in get_args(TableName):
        raise InputError(
            "unknown table of form factors",
            key="table",
            found=table,
            expected=" or ".join(get_args(TableName)),
        )
    names = tuple(_canonical(ion) for ion in ions)
    rows = [_gaussians(name, table) for name in names]
    return FormFactorTable(
        ions=names,
        amplitudes=np.array([row.amplitudes for row in rows]),
        exponents=np.array([row.exponents for row in rows]),
        constants=np.array([row.constant for row in rows]),
        dispersion=np.array(
            [_given_or_calculated(name, energy_kev, dispersion) for name in names], dtype=complex
        ),
        s_max=S_MAX[table],
        table=table,
    )


def anomalous_dispersion(ion: str, energy_kev: float) -> complex:
    """f' + i f'' in electrons of a free atom at a photon energy (the charge plays no part).

    Hydrogen and helium give zero: they have no shells in the tables.

    Raises
    ------
    InputError
        The ion is unknown, heavier than uranium, or the energy is outside `DISPERSION_KEV`.
    """
    element, _ = parse_ion(ion)
    number = gemmi.Element(element).atomic_number
    low, high = DISPERSION_KEV
    if not low <= energy_kev <= high:
        raise InputError(
            "no f' and f'' at this photon energy",
            key="energy_kev",
            found=energy_kev,
            expected=f"{low:g} to {high:g} keV",
        )
    if number > 92:
        raise InputError(
            "no f' and f'' are known for this element",
            key="ion",
            found=element,
            expected="an element up to U",
            hint="give them as `dispersion`",
        )
    return complex(*gemmi.cromer_liberman(number, 1000.0 * energy_kev))


def ion_name(element: str, charge: int = 0) -> str:
    """The name that tables use: "Cu1+", "I1-", and "Cu" when the charge is 0."""
    if charge == 0:
        return element
    return f"{element}{abs(charge)}{'+' if charge > 0 else '-'}"


def parse_ion(name: str) -> tuple[str, int]:
    """Element and charge of "Cu", "Cu+", "Cu1+", "Cu+1", "CU", "I-", "O2-".

    Raises
    ------
    InputError
        It is not the name of an element or ion.
    """
    match = _ION.fullmatch(name.strip())
    element = gemmi.Element(match[1]) if match else None
    if match is None or element is None or element.atomic_number == 0:
        raise InputError(
            "not an element or ion",
            key="ion",
            found=name,
            expected='a name such as "Cu", "Cu1+" or "O2-"',
        )
    size = match[2] or match[5] or "1"
    sign = {"+": 1, "-": -1, None: 0}[match[3] or match[4]]
    return element.name, sign * int(size)


def tabulated_ions(element: str, table: TableName = "waasmaier-kirfel") -> tuple[str, ...]:
    """The neutral atom and the ions of an element that a table holds, by charge."""
    charges = sorted(range(-4, 9), key=lambda charge: (abs(charge), charge))
    names = (ion_name(element, charge) for charge in charges)
    return tuple(name for name in names if _lookup(name, table) is not None)


def tabulated_or_neutral(ion: str, table: TableName = "waasmaier-kirfel") -> tuple[str, str | None]:
    """The ion if the table has it, else the neutral atom and a sentence that says so."""
    name = _canonical(ion)
    if _lookup(name, table) is not None:
        return name, None
    element, _ = parse_ion(name)
    return element, f"{name} is not in the table {table}: neutral {element} is used instead"


def _canonical(ion: str) -> str:
    return ion_name(*parse_ion(ion))


def _gaussians(name: str, table: TableName) -> _Gaussians:
    found = _lookup(name, table)
    if found is None:
        element, _ = parse_ion(name)
        known = ", ".join(tabulated_ions(element, table)) or "nothing of this element"
        raise InputError(
            f"the table {table} has no such ion",
            key="ion",
            found=name,
            expected=known,
            hint="choose one of these; the charge matters only at small Q",
        )
    return found


def _lookup(name: str, table: TableName) -> _Gaussians | None:
    element, charge = parse_ion(name)
    if element == "D":
        name = ion_name("H", charge)
    return _waasmaier_kirfel(name) if table == "waasmaier-kirfel" else _it92().get(name)


@cache
def _waasmaier_kirfel(name: str) -> _Gaussians | None:
    from periodictable.cromermann import getCMformula

    if name in _WK_LEFT_OUT:
        return _Gaussians(*_WK_LEFT_OUT[name])
    try:
        formula = getCMformula(name)
    except KeyError:
        return None
    return _Gaussians(tuple(formula.a.tolist()), tuple(formula.b.tolist()), formula.c)


@cache
def _it92() -> Mapping[str, _Gaussians]:
    """All atoms and ions at once, so that gemmi's global switch for ions is back at once."""
    before = gemmi.IT92_get_ignore_charge()
    gemmi.IT92_set_ignore_charge(False)
    try:
        found = {
            ion_name(element.name, charge): coefficients
            for element in (gemmi.Element(number) for number in range(1, 99))
            for charge in range(-4, 9)
            if (coefficients := gemmi.IT92_get_exact(element, charge)) is not None
        }
    finally:
        gemmi.IT92_set_ignore_charge(before)
    return {
        name: _Gaussians(tuple(entry.a), tuple(entry.b), entry.c)
        for name, entry in found.items()
        if name not in _IT92_FAULTY
    }


def _given_or_calculated(
    name: str, energy_kev: float | None, given: Mapping[str, complex] | None
) -> complex:
    element, _ = parse_ion(name)
    for key in (name, element):
        if given is not None and key in given:
            return complex(given[key])
    if energy_kev is not None:
        return anomalous_dispersion(element, energy_kev)
    if given is None:
        return 0j
    raise InputError(
        "f' and f'' are given for other ions but not for this one",
        key="dispersion",
        found=", ".join(given),
        expected=name,
        hint="add it, or give the photon energy",
    )


def _require_inside(q: FloatArray, s_squared: FloatArray, table: FormFactorTable) -> None:
    # The slack lets 4π·6 through, whatever its rounding.
    inside = (q >= 0) & (s_squared <= table.s_max**2 * (1 + 1e-12))
    if not np.all(inside):
        raise InputError(
            f"|Q| is outside the range of the form factors ({table.table})",
            key="q_abs",
            found=f"{float(q[~inside].flat[0]):.6g} Å⁻¹",
            expected=f"0 to {4 * np.pi * table.s_max:.4g} Å⁻¹ (sinθ/λ ≤ {table.s_max:g} Å⁻¹)",
        )
