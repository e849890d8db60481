"""Debye-Waller factors of a phonon calculation's atoms from the U_ij of a refined structure."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from simulate.phonons.debye_waller import DebyeWaller
from simulate.phonons.force_constants import ForceConstants

APART_ANGSTROM = 0.6
"""Atoms of the two structures further apart than this are not the same atom."""

_LENGTHS_DIFFER = 0.06
_ANGLES_DIFFER = 4.0


def crystal_debye_waller(crystal: Crystal, force_constants: ForceConstants) -> DebyeWaller:
    """U of every atom of the primitive cell, from the atom of the crystal at the same place.

    The two descriptions may differ in the choice of the primitive cell, in their Cartesian frames,
    by a few percent in the cell, and in the origin.

    Parameters
    ----------
    crystal : Crystal
        In the setting of the conventional cell of the force constants.
    force_constants : ForceConstants

    Raises
    ------
    InputError
        The cells or the atoms are not the same, or an atom has no U.
    """
    _require_same_cell(crystal, force_constants)
    axes = force_constants.conventional @ force_constants.vectors
    position = force_constants.positions @ force_constants.vectors @ np.linalg.inv(axes)
    partner, shift = _partners(crystal, force_constants, position, axes)
    turn = _rotation(cell_vectors(crystal.lattice), axes)
    tensor = turn.T @ crystal.atoms.u[partner] @ turn
    missing = np.isnan(tensor).any(axis=(1, 2))
    if missing.any():
        site = crystal.sites[crystal.atoms.site[partner[np.argmax(missing)]]]
        raise InputError(
            "an atom has no displacement parameters",
            file=crystal.source or None,
            key=site.label,
            hint='choose debye_waller="phonon" or "none"',
        )
    temperature = crystal.temperature_k
    moved = ", ".join(f"{x:.4f}" for x in shift % 1.0)
    notes = (f"origin of the crystal shifted by ({moved})",) if shift.any() else ()
    return DebyeWaller(
        tensor=tensor,
        temperature_k=float("nan") if temperature is None else temperature,
        source=crystal.source or "crystal",
        notes=notes,
    )


def _require_same_cell(crystal: Crystal, force_constants: ForceConstants) -> None:
    ours, theirs = np.array(force_constants.lattice.cell), np.array(crystal.lattice.cell)
    lengths = np.abs(theirs[:3] / ours[:3] - 1).max()
    angles = np.abs(theirs[3:] - ours[3:]).max()
    if lengths > _LENGTHS_DIFFER or angles > _ANGLES_DIFFER:
        raise InputError(
            "the crystal's cell is not that of the force constants",
            file=crystal.source or None,
            key="debye_waller",
            found=theirs.round(3).tolist(),
            expected=f"about {ours.round(3).tolist()}",
            hint="use the same setting of the axes for both",
        )


def _rotation(from_axes: FloatArray, to_axes: FloatArray) -> FloatArray:
    """(3, 3) the rotation of row vectors that comes nearest to taking one cell to the other.

    The strain between two nearly equal cells is left out: displacements stay as long as refined.
    """
    left, _, right = np.linalg.svd(np.linalg.inv(from_axes) @ to_axes)
    return np.asarray(left @ right)


def _partners(
    crystal: Crystal, force_constants: ForceConstants, position: FloatArray, axes: FloatArray
) -> tuple[IntArray, FloatArray]:
    """The crystal's atom for each atom of ours, and the origin's shift, that fit best."""
    elements = np.array(crystal.atoms.elements)
    symbols = np.array(force_constants.symbols)
    absent = sorted(set(symbols) - set(elements))
    if absent:
        raise _other_atoms(crystal, f"no {absent[0]}")
    rarest = min(set(symbols), key=lambda symbol: (elements == symbol).sum())
    anchor = position[np.argmax(symbols == rarest)]
    shifts = [np.zeros(3), *(crystal.atoms.position[elements == rarest] - anchor)]
    other = symbols[:, None] != elements
    best: tuple[float, IntArray, FloatArray] | None = None
    for shift in shifts:
        apart = position[:, None] + shift - crystal.atoms.position
        distance = np.linalg.norm((apart - np.rint(apart)) @ axes, axis=2)
        distance[other] = np.inf
        partner = distance.argmin(axis=1)
        worst = float(distance.min(axis=1).max())
        # Without a shift the structures are taken as they are, if they fit at all.
        if worst < APART_ANGSTROM and not shift.any():
            return partner, shift
        if best is None or worst < best[0]:
            best = (worst, partner, shift)
    if best is None or best[0] > APART_ANGSTROM:
        far = float("inf") if best is None else best[0]
        raise _other_atoms(crystal, f"an atom {far:.2f} Å from the nearest of its element")
    return best[1], best[2]


def _other_atoms(crystal: Crystal, found: str) -> InputError:
    return InputError(
        "the crystal's atoms are not those of the force constants",
        file=crystal.source or None,
        key="debye_waller",
        found=found,
        expected=f"every atom within {APART_ANGSTROM} Å of one of the crystal's",
    )
