"""The symmetry operators of a crystal, as its file lists them, for any setting of any group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.lattice import Lattice

_DENOMINATOR = gemmi.Op.DEN  # of gemmi's whole-number operators


@dataclass(frozen=True)
class Symmetry:
    """The operators x' = R x + t of a space group, centring included, identity first.

    Parameters
    ----------
    triplets : tuple of str
        "x,y,z", "-x,y,-z+1/2", …
    rotations : (n, 3, 3) int array
        R in fractional coordinates.
    translations : (n, 3) array
        t in fractions of the cell, 0 ≤ t < 1.
    name : str
        Hermann-Mauguin symbol of the setting ("C m c m"); empty when unknown.
    number : int or None
        In International Tables A.
    """

    triplets: tuple[str, ...]
    rotations: IntArray
    translations: FloatArray
    name: str = ""
    number: int | None = None

    def __len__(self) -> int:
        return len(self.triplets)

    @classmethod
    def from_triplets(
        cls, triplets: Sequence[str], name: str = "", number: int | None = None
    ) -> Symmetry:
        """From triplets in any order and spelling; those missing for a group are added.

        Name and number are found from the operators when they are not given and gemmi knows
        the setting.

        Raises
        ------
        InputError
            A triplet is not an operator, or too many follow from the list for a space group.
        """
        # In order of first appearance; the identity goes first.
        found = dict.fromkeys([gemmi.Op().triplet(), *(_operator(t).triplet() for t in triplets)])
        operators = _completed([gemmi.Op(triplet) for triplet in found])
        known = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(operators))
        rotations = np.array([operator.rot for operator in operators]) // _DENOMINATOR
        translations = np.array([operator.tran for operator in operators]) / _DENOMINATOR
        rotations.flags.writeable = translations.flags.writeable = False
        return cls(
            triplets=tuple(operator.triplet() for operator in operators),
            rotations=rotations,
            translations=translations,
            name=name or (known.xhm() if known else ""),
            number=number or (known.number if known else None),
        )

    @classmethod
    def from_name(cls, name: str, lattice: Lattice | None = None) -> Symmetry:
        """From a Hermann-Mauguin symbol ("C m c m", "R-3m:H").

        The cell, if given, decides between hexagonal and rhombohedral axes of an R group.

        Raises
        ------
        InputError
            There is no such space group.
        """
        alpha, gamma = (lattice.alpha, lattice.gamma) if lattice else (0.0, 0.0)
        group = gemmi.find_spacegroup_by_name(name, alpha, gamma)
        if group is None:
            raise InputError(
                "unknown space group",
                key="space group",
                found=name,
                expected='a Hermann-Mauguin symbol such as "C m c m"',
            )
        triplets = [operator.triplet() for operator in group.operations()]
        return cls.from_triplets(triplets, name=group.xhm(), number=group.number)

    def images(self, position: FloatArray) -> FloatArray:
        """(n, 3) images R x + t of a fractional position; not brought back into the cell."""
        return self.rotations @ np.asarray(position, dtype=float) + self.translations

    def strain(self, lattice: Lattice) -> float:
        """Largest relative change of length that a rotation makes in this cell; 0 if they fit.

        A rotation of the group must keep the metric tensor G: Rᵀ G R = G.
        """
        vectors = 2 * np.pi * np.linalg.inv(lattice.b_matrix)  # rows a, b, c
        metric = vectors @ vectors.T
        turned = np.einsum("nji,jk,nkl->nil", self.rotations, metric, self.rotations)
        lengths = np.sqrt(np.diag(metric))
        return float(np.abs((turned - metric) / np.outer(lengths, lengths)).max() / 2)


def _operator(triplet: str) -> gemmi.Op:
    try:
        operator = gemmi.Op(triplet.strip()).wrap()
    except (RuntimeError, ValueError) as error:
        raise _not_an_operator(triplet, str(error)) from error
    rotation = np.array(operator.rot)
    if (rotation % _DENOMINATOR).any() or abs(operator.det_rot()) != _DENOMINATOR**3:
        raise _not_an_operator(triplet, "its rotation changes the volume")
    return operator


def _not_an_operator(triplet: str, reason: str) -> InputError:
    return InputError(
        "not a symmetry operator",
        key="symmetry operator",
        found=triplet,
        expected="a triplet such as -x,y+1/2,-z",
        hint=reason,
    )


def _completed(operators: list[gemmi.Op]) -> list[gemmi.Op]:
    """The operators with all their products."""
    known = {operator.triplet(): operator for operator in operators}
    pending = list(known.values())
    while pending:
        products = [(a * b).wrap() for a in pending for b in operators]
        pending = []
        for product in products:
            if product.triplet() not in known:
                known[product.triplet()] = product
                pending.append(product)
        if len(known) > 192:  # Fm-3m in its conventional cell has the most
            raise InputError(
                "the symmetry operators are not those of a space group",
                key="symmetry operator",
                found=", ".join(operator.triplet() for operator in operators[:4]) + ", …",
                expected="operators whose products stay within 192",
            )
    return list(known.values())
