"""Jumps of an ion to the empty site of a neighbour, by direction: the ends of a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError

_WITHIN_DEG = 20.0  # as the hops of a trajectory are sorted by direction
_REACH = 12.0  # Å, how far neighbours are looked for
_UNIQUE = 0.1  # Å that the jump must be shorter than the one to the next image


@dataclass(frozen=True)
class IonJump:
    """A jump from a site to a neighbouring one.

    Parameters
    ----------
    name : str
        Of the direction.
    element : str
    ion, target : int
        Atom that jumps, and atom whose site it takes.
    vector_a : (3,) array
        Å, from site to site.
    """

    name: str
    element: str
    ion: int
    target: int
    vector_a: FloatArray

    @property
    def length_a(self) -> float:
        """Å from site to site."""
        return float(np.linalg.norm(self.vector_a))


def crystal_direction(atoms: Atoms, along: Sequence[float]) -> FloatArray:
    """Unit vector of u â + v b̂ + w ĉ, with unit vectors along the crystal's axes.

    "1 0 1" so lies at 45° between a and c of an orthogonal cell, whatever their lengths.

    Raises
    ------
    InputError
        All three are zero.
    """
    cell = np.array(atoms.cell[:])
    vector = np.asarray(along, dtype=float) @ (cell / np.linalg.norm(cell, axis=1)[:, None])
    if not np.linalg.norm(vector) > 0:
        raise InputError("is no direction", key="direction", found=list(along))
    return np.asarray(vector / np.linalg.norm(vector))


def ion_jump(
    atoms: Atoms, element: str, along: Sequence[float], ion: int | None = None, name: str = ""
) -> IonJump:
    """The jump to the nearest site of the same element along a direction, forth or back.

    Parameters
    ----------
    atoms : Atoms
        At the sites of the crystal, in a supercell in which the jump is shorter than any to
        another image of its target.
    element : str
    along : three numbers
        As in `crystal_direction`; 20° off count as along.
    ion : int, optional
        Which atom jumps; by default the first of the element.

    Raises
    ------
    InputError
        No such ion, no neighbour along the direction, a supercell that is too small.
    """
    from ase.neighborlist import neighbor_list

    chosen = _ion(atoms, element, ion)
    axis = crystal_direction(atoms, along)
    first, second, vectors = neighbor_list("ijD", atoms, _REACH)
    here = (first == chosen) & (atoms.numbers[second] == atoms.numbers[chosen])
    second, vectors = second[here], vectors[here]
    lengths = np.linalg.norm(vectors, axis=1)
    aligned = np.abs(vectors @ axis) >= np.cos(np.radians(_WITHIN_DEG)) * lengths
    if not aligned.any():
        raise InputError(
            f"no other {element} within {_WITHIN_DEG:g}° of this direction",
            key="direction",
            found=name or " ".join(f"{number:g}" for number in along),
            expected=f"a neighbour nearer than {_REACH:g} Å",
        )
    # Of equal lengths the one that goes along the direction, not against it.
    length = np.round(np.where(aligned, lengths, np.inf), 3)
    best = int(np.lexsort((-(vectors @ axis), length))[0])
    _check_images(vectors, lengths, second, best, chosen)
    return IonJump(name, element, chosen, int(second[best]), vectors[best])


def _ion(atoms: Atoms, element: str, ion: int | None) -> int:
    ions = [k for k, symbol in enumerate(atoms.symbols) if symbol == element]
    if not ions:
        raise InputError(
            "no such element",
            key="element",
            found=element,
            expected=", ".join(dict.fromkeys(atoms.symbols)),
        )
    if ion is None:
        return ions[0]
    if ion not in ions:
        found = atoms.symbols[ion] if 0 <= ion < len(atoms) else f"{len(atoms)} atoms"
        raise InputError(
            f"atom {ion} is no {element}",
            key="ion",
            found=found,
            expected=f"one of {ions[0]} … {ions[-1]}",
        )
    return ion


def _check_images(
    vectors: FloatArray, lengths: FloatArray, second: IntArray, best: int, ion: int
) -> None:
    """Raise where another image of the target is as near, or the target is the ion's own image."""
    images = lengths[second == second[best]]
    if second[best] == ion or np.sum(images < lengths[best] + _UNIQUE) > 1:
        raise InputError(
            "the supercell is too small for this jump",
            key="supercell",
            found=f"two images of the target at {lengths[best]:.2f} Å",
            hint="more repeats along the jump",
        )


def vacancy_ends(atoms: Atoms, jump: IonJump) -> tuple[Atoms, Atoms]:
    """Before and after the jump into an empty site: the atom that was there is taken out.

    Parameters
    ----------
    atoms : Atoms
        The crystal in which the jump was found, or the same atoms relaxed.
    """
    start, end = atoms.copy(), atoms.copy()
    there = atoms.get_distance(jump.ion, jump.target, mic=True, vector=True)
    end.positions[jump.ion] = atoms.positions[jump.ion] + there
    del start[jump.target], end[jump.target]
    return start, end
