"""Force constants by the sites of one cell, carried to another cell of the same crystal.

Files of second and third order describe the same crystal with other digits, another order of
atoms, atoms in other cells, or other primitive vectors; here the third order follows the second.
"""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.site_search import Relabelling

STRAIN = 0.03
"""Part by which lengths of the two cells may differ."""

FARTHEST_ANGSTROM = 0.5
"""How far an atom may be from its place in the other cell."""


def on_crystal(
    constants: ClusterConstants, own: CrystalStructure, other: CrystalStructure
) -> tuple[ClusterConstants, float]:
    """The constants by the sites of another description of the crystal, in the same axes.

    Parameters
    ----------
    constants : ClusterConstants
    own, other : CrystalStructure
        Whose sites they have, and shall have.

    Returns
    -------
    constants : ClusterConstants
    distance : float
        Å, how far an atom is from its place in the other description at most.

    Raises
    ------
    InputError
        The cells are not of the same lattice in the same axes, or an atom has no place.
    """
    turn = _whole_vectors(own.vectors, other.vectors)
    places = own.positions @ turn
    apart = places[:, None] - other.positions
    cell = np.rint(apart).astype(np.int64)
    distance = np.linalg.norm((apart - cell) @ other.vectors, axis=-1)
    same = np.array(own.symbols)[:, None] == np.array(other.symbols)
    site = np.where(same, distance, np.inf).argmin(axis=1)
    rows = np.arange(len(site))
    farthest = float(np.where(same, distance, np.inf)[rows, site].max())
    one_to_one = len(set(site.tolist())) == len(own.symbols) == len(other.symbols)
    if farthest > FARTHEST_ANGSTROM or not one_to_one:
        raise InputError(
            "the force constants of second and third order are of different crystals",
            found=_different_atoms(own, other, farthest),
            expected=f"the same atoms, each within {FARTHEST_ANGSTROM} Å of its place",
            hint="the origin of both must be the same",
        )
    order = Relabelling(site, cell[rows, site])
    carried = ClusterConstants(constants.atoms, constants.cells @ turn, constants.values)
    return order.apply(carried), farthest


def _whole_vectors(own: FloatArray, other: FloatArray) -> IntArray:
    """Rows: the vectors of one primitive cell in those of another."""
    ratio = own @ np.linalg.inv(other)
    whole = np.rint(ratio).astype(np.int64)
    off = np.abs((ratio - whole) @ other).max()
    if off > STRAIN * np.linalg.norm(own, axis=1).max() or round(abs(np.linalg.det(whole))) != 1:
        raise InputError(
            "the force constants of second and third order have different primitive cells",
            found="vectors " + "; ".join(_vector_text(row) for row in own) + " Å",
            expected="those of second order: " + "; ".join(_vector_text(row) for row in other),
            hint="both must be of the same primitive cell in the same axes",
        )
    return whole


def _different_atoms(own: CrystalStructure, other: CrystalStructure, farthest: float) -> str:
    counts = [
        " ".join(f"{symbol}{cell.symbols.count(symbol)}" for symbol in dict.fromkeys(cell.symbols))
        for cell in (own, other)
    ]
    if counts[0] != counts[1]:
        return f"{counts[0]} and {counts[1]}"
    return f"an atom {farthest:.2f} Å from its place"


def _vector_text(vector: FloatArray) -> str:
    return "(" + " ".join(f"{x:.3f}" for x in vector) + ")"
