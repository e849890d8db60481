"""The structure about which atoms vibrate: averages with the crystal's symmetry put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError


@dataclass(frozen=True)
class ReferenceStructure:
    """Sites of a supercell, exactly symmetric, and the primitive cell that repeats in it.

    Parameters
    ----------
    cell, positions : (3, 3) and (n, 3) arrays
        Å, atoms in the order of the snapshots.
    primitive : (3, 3) array
        Rows in Å, in the supercell's own axes.
    primitive_positions : (p, 3) array
        Fractional.
    primitive_species : tuple of str
    repeats : (3, 3) int array
        Rows: the supercell's vectors in primitive ones.
    space_group : str
        Its symbol.
    change : float
        Å, how far the average of an atom was from its symmetric place at most: the statistical
        error of the averages, or a sign that the symmetry is not that of the crystal.
    """

    cell: FloatArray
    positions: FloatArray
    primitive: FloatArray
    primitive_positions: FloatArray
    primitive_species: tuple[str, ...]
    repeats: IntArray
    space_group: str
    change: float


def symmetrised_reference(
    species: tuple[str, ...],
    cell: FloatArray,
    mean_positions: FloatArray,
    ideal_positions: FloatArray | None = None,
    tolerance: float = 0.1,
) -> ReferenceStructure:
    """Average positions, averaged again over all symmetry operations of the crystal.

    Parameters
    ----------
    species : tuple of str
    cell : (3, 3) array
        Rows of the supercell in Å.
    mean_positions : (n, 3) array
        Å.
    ideal_positions : (n, 3) array, optional
        Tell the symmetry; without them the averages do.
    tolerance : float
        Å, within which the symmetry is looked for.

    Raises
    ------
    InputError
        No symmetry is found within the tolerance.
    """
    import spglib
    from ase.data import atomic_numbers

    numbers = np.array([atomic_numbers[element] for element in species])
    inverse = np.linalg.inv(cell)
    mean = np.asarray(mean_positions, dtype=float)
    if ideal_positions is not None:
        mean = mean - (mean - ideal_positions).mean(axis=0)
    telling = (mean if ideal_positions is None else ideal_positions) @ inverse
    crystal: Any = (cell, telling, numbers)
    dataset = spglib.get_symmetry_dataset(crystal, symprec=tolerance)
    if dataset is None:
        raise InputError(
            "no symmetry was found in the average positions",
            found=f"tolerance {tolerance} Å",
            hint="another tolerance, or the ideal positions",
        )
    fractional = mean @ inverse
    total = np.zeros_like(fractional)
    for rotation, translation in zip(dataset.rotations, dataset.translations, strict=True):
        target = _images(telling, numbers, cell, rotation, translation, tolerance)
        moved = fractional @ rotation.T + translation
        total[target] += moved - np.round(moved - fractional[target])
    symmetric = total / len(dataset.rotations)
    change = np.linalg.norm((symmetric - fractional) @ cell, axis=1).max()
    crystal = (cell, symmetric, numbers)
    primitive = spglib.standardize_cell(crystal, to_primitive=True, no_idealize=True, symprec=1e-3)
    if primitive is None:
        raise InputError("no primitive cell was found", hint="another tolerance")
    vectors, places = np.array(primitive[0]), np.array(primitive[1])
    repeats = cell @ np.linalg.inv(vectors)
    symbol = {atomic_numbers[element]: element for element in set(species)}
    return ReferenceStructure(
        np.asarray(cell, dtype=float),
        symmetric @ cell,
        vectors,
        places,
        tuple(symbol[int(kind)] for kind in primitive[2]),
        np.round(repeats).astype(int),
        str(dataset.international),
        float(change),
    )


def _images(
    places: FloatArray,
    numbers: IntArray,
    cell: FloatArray,
    rotation: IntArray,
    translation: FloatArray,
    tolerance: float,
) -> IntArray:
    """The atom onto which an operation takes each atom."""
    return matched_atoms(
        places @ rotation.T + translation, numbers, places, numbers, cell, 4 * tolerance
    )


def matched_atoms(
    wanted: FloatArray,
    wanted_numbers: IntArray,
    places: FloatArray,
    numbers: IntArray,
    cell: FloatArray,
    tolerance: float,
) -> IntArray:
    """For each wanted place (fractional) the atom of the same kind there, up to whole cells.

    Raises
    ------
    InputError
        A place without its atom, or two places with the same.
    """
    target = np.empty(len(wanted), dtype=int)
    farthest = 0.0
    for kind in np.unique(wanted_numbers):
        rows, columns = np.flatnonzero(wanted_numbers == kind), np.flatnonzero(numbers == kind)
        if len(rows) != len(columns):
            raise InputError("structures of different composition")
        apart = wanted[rows, None] - places[None, columns]
        distance = np.linalg.norm((apart - np.round(apart)) @ cell, axis=-1)
        target[rows] = columns[distance.argmin(axis=1)]
        farthest = max(farthest, float(distance.min(axis=1).max()))
    if farthest > tolerance or len(np.unique(target)) < len(target):
        raise InputError(
            "atoms do not match their sites",
            found=f"{farthest:.3f} Å apart",
            expected=f"within {tolerance:.3f} Å",
        )
    return target
