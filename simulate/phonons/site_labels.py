"""Names of a crystal's sites: elements, told apart where one stands on inequivalent sites."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import IntArray
from simulate.phonons.force_constants import ForceConstants

SYMMETRY_ANGSTROM = 1e-3
"""Atoms that a symmetry operation brings together so closely are equivalent."""


@dataclass(frozen=True)
class Sites:
    """Which atoms of a primitive cell go by one name.

    Parameters
    ----------
    labels : tuple of str
        In the order of their first atoms: "Cu", or "I (4c)" and "I (8g)" where an element stands
        on several inequivalent sites, then with the Wyckoff position in the standard setting of
        the space group; "I (8g) 1" and "I (8g) 2" where that is not enough.
    of_atom : (n,) int array
        Place in `labels` of each atom.
    """

    labels: tuple[str, ...]
    of_atom: IntArray


def sites_of(crystal: ForceConstants) -> Sites:
    """The sites of a crystal, inequivalent by its space group (spglib, within 1e-3 Å).

    Where no space group is found, elements alone are told apart.
    """
    found = _orbits(crystal)
    names = list(crystal.symbols)
    orbits = np.array([names.index(symbol) for symbol in names])
    if found is not None:
        orbits, positions = found
        several = Counter(names[orbit] for orbit in set(orbits.tolist()))
        names = [
            f"{name} ({position})" if several[name] > 1 else name
            for name, position in zip(names, positions, strict=True)
        ]
    first = list(dict.fromkeys(orbits.tolist()))
    labels = [names[atom] for atom in first]
    alike = Counter(labels)
    numbered = [
        f"{label} {labels[: i + 1].count(label)}" if alike[label] > 1 else label
        for i, label in enumerate(labels)
    ]
    return Sites(tuple(numbered), np.array([first.index(orbit) for orbit in orbits.tolist()]))


def _orbits(crystal: ForceConstants) -> tuple[IntArray, list[str]] | None:
    """An equivalent atom of each atom, and its Wyckoff position such as "8g"."""
    import spglib

    kinds = {symbol: i for i, symbol in enumerate(dict.fromkeys(crystal.symbols))}
    # Older versions return None where newer ones raise.
    failure = getattr(spglib, "SpglibError", RuntimeError)
    try:
        found = spglib.get_symmetry_dataset(
            (
                crystal.vectors.tolist(),
                crystal.positions.tolist(),
                [kinds[symbol] for symbol in crystal.symbols],
            ),
            symprec=SYMMETRY_ANGSTROM,
        )
    except failure:
        return None
    if found is None:
        return None
    orbits = np.asarray(found.crystallographic_orbits, dtype=int)
    repeats = len(found.std_types) / len(crystal.symbols)
    sizes = np.rint(np.bincount(orbits)[orbits] * repeats).astype(int)
    positions = [f"{n}{letter}" for n, letter in zip(sizes, found.wyckoffs, strict=True)]
    return orbits, positions
