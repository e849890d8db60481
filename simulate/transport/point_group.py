"""The point group of a crystal, and what it demands of a tensor of second rank.

A conductivity obeys R κ Rᵀ = κ for every rotation R of the point group (Neumann's principle), so
its mean over the group is the tensor itself; elements that vanish in the mean are forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ixs_core.arrays import BoolArray, FloatArray, IntArray
from ixs_core.crystal import Crystal, cell_vectors
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from simulate.phonons.force_constants import ForceConstants

if TYPE_CHECKING:
    from simulate.phonons.model import PhononModel

SYMMETRY_ANGSTROM = 1e-3
"""Atoms may be this far from their symmetric places: the digits of many files."""

AXES = ("x", "y", "z")

_HEXAGONAL = ("hexagonal", "trigonal")


@dataclass(frozen=True)
class PointGroup:
    """Rotations of a crystal.

    Parameters
    ----------
    symbol : str
        Hermann-Mauguin ("mmm"); empty where it has no name.
    rotations : (n, 3, 3) int array
        W in fractional coordinates, x' = W x.
    cartesian : (n, 3, 3) array
        The same in the Cartesian frame of the tensors.
    frame : str
        What x, y, z are, for people.
    """

    symbol: str
    rotations: IntArray
    cartesian: FloatArray
    frame: str

    @classmethod
    def of_rotations(
        cls, rotations: IntArray, vectors: FloatArray, frame: str, symbol: str = ""
    ) -> PointGroup:
        """From rotations (n, 3, 3) in units of a cell's `vectors` (rows, Å); doubles are dropped.

        Raises
        ------
        InputError
            A rotation changes the cell.
        """
        distinct = np.unique(np.asarray(rotations, dtype=int), axis=0)
        columns = np.asarray(vectors, dtype=float).T
        cartesian = columns @ distinct @ np.linalg.inv(columns)
        strain = np.abs(cartesian @ cartesian.swapaxes(1, 2) - np.eye(3)).max()
        if strain > 0.02:
            raise InputError(
                "the cell does not have the symmetry of its space group",
                found=f"a rotation that changes lengths by {strain / 2:.1%}",
            )
        return cls(symbol or _symbol(distinct), distinct, cartesian, frame)

    @classmethod
    def of_force_constants(cls, crystal: ForceConstants) -> PointGroup:
        """Of the atoms' places, in the frame of the primitive vectors; found by spglib."""
        import spglib

        numbers = {symbol: i for i, symbol in enumerate(dict.fromkeys(crystal.symbols))}
        cell: Any = (
            crystal.vectors.tolist(),
            crystal.positions.tolist(),
            [numbers[symbol] for symbol in crystal.symbols],
        )
        found = spglib.get_symmetry(cell, symprec=SYMMETRY_ANGSTROM)
        rotations = np.eye(3, dtype=int)[None] if found is None else found["rotations"]
        return cls.of_rotations(rotations, crystal.vectors, "x, y, z of the force constants")

    @classmethod
    def of_crystal(cls, crystal: Crystal) -> PointGroup:
        """Of a structure, x along a*, z along c (`Lattice.b_matrix`)."""
        return cls.of_rotations(
            crystal.symmetry.rotations, cell_vectors(crystal.lattice), "x along a*, z along c"
        )

    @classmethod
    def named(cls, symbol: str) -> PointGroup:
        """From its Hermann-Mauguin symbol in the standard setting ("mmm", "2/m", "-3m", "m-3m").

        Raises
        ------
        InputError
            There is no such point group.
        """
        import gemmi

        wanted = symbol.replace(" ", "")
        known: dict[str, Any] = {}
        for group in gemmi.spacegroup_table():
            known.setdefault(group.point_group_hm().replace(" ", ""), group)
        if wanted not in known:
            raise InputError(
                "unknown point group",
                key="point group",
                found=symbol,
                expected=", ".join(known),
            )
        hexagonal = known[wanted].crystal_system_str() in _HEXAGONAL
        lattice = Lattice(1, 1, 1, 90, 90, 120) if hexagonal else Lattice.cubic(1)
        symmetry = Symmetry.from_name(known[wanted].xhm())
        return cls.of_rotations(
            symmetry.rotations,
            cell_vectors(lattice),
            "x along a*, z along c of the standard setting",
            wanted,
        )

    def average(self, tensor: FloatArray) -> FloatArray:
        """(…, 3, 3) mean of R κ Rᵀ over the group: the part that the crystal allows."""
        turned = np.einsum("nai,...ij,nbj->...ab", self.cartesian, tensor, self.cartesian)
        return np.asarray(turned / len(self.cartesian))

    @property
    def forbidden(self) -> BoolArray:
        """(3, 3) elements that are zero in every symmetric tensor of the crystal."""
        units = np.zeros((9, 3, 3))
        units[range(9), *np.indices((3, 3)).reshape(2, 9)] = 0.5
        allowed = self.average(units + units.swapaxes(1, 2))
        return np.asarray(np.abs(allowed).max(axis=0) < 1e-3)

    def forbidden_names(self) -> tuple[str, ...]:
        """Of the elements above the diagonal: "yz", …"""
        rows, columns = np.triu_indices(3)
        return tuple(
            AXES[i] + AXES[j]
            for i, j in zip(rows, columns, strict=True)
            if self.forbidden[i, j] and i != j
        )


def point_group_of(
    crystal: PointGroup | Crystal | ForceConstants | PhononModel | str,
) -> PointGroup:
    """The point group of whatever tells it: a structure, force constants, a model, a symbol."""
    if isinstance(crystal, PointGroup):
        return crystal
    if isinstance(crystal, str):
        return PointGroup.named(crystal)
    if isinstance(crystal, Crystal):
        return PointGroup.of_crystal(crystal)
    if isinstance(crystal, ForceConstants):
        return PointGroup.of_force_constants(crystal)
    return PointGroup.of_force_constants(crystal.force_constants)


def _symbol(rotations: IntArray) -> str:
    """Hermann-Mauguin symbol; empty where the rotations are in no crystal's own axes."""
    import spglib

    failure = getattr(spglib, "SpglibError", RuntimeError)
    try:
        found = spglib.get_pointgroup(rotations)
    except failure:
        return ""
    return "" if found is None else str(found[0]).strip()
