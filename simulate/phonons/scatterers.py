"""Which x-ray form factor each atom of a cell scatters with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ixs_core.arrays import ComplexArray, FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.scattering_factors import FormFactorTable, TableName, form_factor_table, parse_ion

FormFactor = Literal["xray"] | Mapping[str | int, str]
"""Neutral atoms, or the ion of an element ("Cs") or of an atom of the cell (1, 2, …)."""


@dataclass(frozen=True)
class Scatterers:
    """The atoms of a cell as x-rays see them.

    Parameters
    ----------
    table : FormFactorTable
        Of the different ions.
    of_atom : (n,) int array
        Which of them each atom is.
    """

    table: FormFactorTable
    of_atom: IntArray

    @property
    def ions(self) -> tuple[str, ...]:
        """The ion of each atom."""
        return tuple(self.table.ions[kind] for kind in self.of_atom)

    def factors(self, q_abs: FloatArray) -> ComplexArray:
        """f0(Q) + f' + i f'' in electrons, (nq, n_atoms), at |Q| (nq,) in Å⁻¹.

        Raises
        ------
        InputError
            |Q| is beyond what the table was fitted for.
        """
        return self.table(q_abs)[:, self.of_atom]


def choose_scatterers(
    symbols: Sequence[str],
    form_factor: FormFactor = "xray",
    table: TableName = "waasmaier-kirfel",
    energy_kev: float | None = None,
) -> Scatterers:
    """The ion of every atom of a cell.

    Parameters
    ----------
    symbols : sequence of str
        Element of each atom.
    form_factor : "xray" or mapping
        "xray" takes neutral atoms. A mapping names ions by element, {"Cs": "Cs1+"}, or by the
        number of the atom in the primitive cell, {3: "Cu2+"}, which goes before the element;
        what it does not name stays neutral.
    table : "waasmaier-kirfel" or "it92"
        Whose f0.
    energy_kev : float, optional
        Photon energy for f' + i f''; without it they are left out.

    Raises
    ------
    InputError
        A name of the mapping is neither an element nor an atom of the cell, the ion is one of
        another element or not in the table, or the photon energy is out of range.
    """
    if form_factor == "xray":
        form_factor = {}
    if not isinstance(form_factor, Mapping):
        raise InputError(
            "unknown form factor",
            key="form_factor",
            found=form_factor,
            expected='"xray" or a mapping such as {"Cs": "Cs1+"}',
        )
    ions = [str(form_factor.get(symbol, symbol)) for symbol in symbols]
    for name, ion in form_factor.items():
        if isinstance(name, int) and 1 <= name <= len(ions):
            ions[name - 1] = str(ion)
        elif name not in symbols:
            raise InputError(
                "the form factor is for an atom that the cell does not have",
                key="form_factor",
                found=name,
                expected=f"one of {sorted(set(symbols))}, or a number from 1 to {len(ions)}",
            )
    for symbol, ion in zip(symbols, ions, strict=True):
        if parse_ion(ion)[0] != symbol:
            raise InputError(
                "the ion is not one of the atom's element",
                key="form_factor",
                found=f"{ion} for {symbol}",
                expected=f"{symbol} or an ion of it",
            )
    kinds, of_atom = np.unique(np.array(ions), return_inverse=True)
    return Scatterers(form_factor_table(kinds.tolist(), table, energy_kev), of_atom)
