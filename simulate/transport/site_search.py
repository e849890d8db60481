"""Assigning the atoms of a file to the sites of a crystal so that all pairs stay near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.cluster_pairs import PLACE_ANGSTROM, NearPairs

_MOST_STEPS = 200_000


@dataclass(frozen=True)
class Relabelling:
    """Which site of the crystal each atom number of a file stands for.

    Parameters
    ----------
    site : (n,) int array
        From 0.
    cell : (n, 3) int array
        In which cell: another one where the file has the atom's coordinates outside 0 … 1.
    """

    site: IntArray
    cell: IntArray

    @classmethod
    def identity(cls, n_atoms: int) -> Relabelling:
        """Nothing changes."""
        return cls(np.arange(n_atoms), np.zeros((n_atoms, 3), dtype=np.int64))

    @property
    def changes(self) -> bool:
        """Whether anything does."""
        return self.moved > 0

    @property
    def moved(self) -> int:
        """How many atoms of the file are not the site of the same number and cell."""
        other = (self.site != np.arange(len(self.site))) | self.cell.any(axis=1)
        return int(other.sum())

    @property
    def text(self) -> str:
        """ "2 1 5+(1 0 0)": the site, from 1, of each atom of the file, with its cell."""
        return " ".join(
            f"{site + 1}" + (f"+({' '.join(map(str, cell.tolist()))})" if cell.any() else "")
            for site, cell in zip(self.site, self.cell, strict=True)
        )

    def apply(self, constants: ClusterConstants) -> ClusterConstants:
        """The same blocks by sites of the crystal."""
        moved = self.cell[constants.atoms]
        return ClusterConstants(
            self.site[constants.atoms],
            constants.cells + moved[:, 1:] - moved[:, :1],
            constants.values,
        )


@dataclass(frozen=True)
class SiteSearch:
    """What assigning the file's atoms to sites needs.

    Parameters
    ----------
    elements : (n,) elements
        Of the atoms and of the sites.
    cells : dict of (a, b) to (k, 3) int array
        Cells in which the file has atom b as seen from atom a at home.
    places, distances : dict of (p, q) to (k, 3) int array and (k,) array
        Cells in which the crystal has site q near site p, and how far in Å.
    sequence : tuple of int
        The atoms in the order in which they are assigned.
    file : str or None
        For the messages.
    cancel : CancelToken
    """

    elements: tuple[str, ...]
    cells: dict[tuple[int, int], IntArray]
    places: dict[tuple[int, int], IntArray]
    distances: dict[tuple[int, int], FloatArray]
    sequence: tuple[int, ...]
    file: str | None
    cancel: CancelToken

    @classmethod
    def of(
        cls,
        pairs: IntArray,
        structure: CrystalStructure,
        near: NearPairs,
        file: str | None,
        cancel: CancelToken,
    ) -> SiteSearch:
        cells = _by_pair(pairs)
        rows = _by_pair(np.column_stack([near.pairs[:, :2], np.arange(len(near.pairs))]))
        return cls(
            structure.symbols,
            cells,
            {key: near.pairs[row[:, 0], 2:] for key, row in rows.items()},
            {key: near.distance[row[:, 0]] for key, row in rows.items()},
            _sequence(cells, len(structure.symbols)),
            file,
            cancel,
        )

    def orders(self, radius: float) -> Iterator[Relabelling]:
        """Assignments that keep every pair within a radius, Å, one after the other."""
        n = len(self.elements)
        site, cell = np.full(n, -1), np.zeros((n, 3), dtype=np.int64)
        for _ in self._assigned(site, cell, radius):
            # Only differences of cells matter: most atoms are to stay in theirs.
            rows, count = np.unique(cell, axis=0, return_counts=True)
            yield Relabelling(site.copy(), cell - rows[count.argmax()])

    def _assigned(self, site: IntArray, cell: IntArray, radius: float) -> Iterator[None]:
        """Yields whenever all atoms are assigned, in `site` and `cell`: a search in depth."""
        stack = [self._choices(0, site, cell, radius)]
        steps = 0
        while stack:
            atom = self.sequence[len(stack) - 1]
            site[atom] = -1
            choice = next(stack[-1], None)
            if choice is None:
                stack.pop()
                continue
            steps += 1
            if steps > _MOST_STEPS:
                raise endless(self.file)
            self.cancel.check()
            site[atom], cell[atom] = choice
            if len(stack) == len(site):
                yield
            else:
                stack.append(self._choices(len(stack), site, cell, radius))

    def _choices(
        self, depth: int, site: IntArray, cell: IntArray, radius: float
    ) -> Iterator[tuple[int, IntArray]]:
        """Sites and cells that an atom may have beside those assigned before it."""
        atom = self.sequence[depth]
        before = [other for other in self.sequence[:depth] if (other, atom) in self.cells]
        taken = {int(site[other]) for other in self.sequence[:depth]}
        for where, element in enumerate(self.elements):
            if where in taken or element != self.elements[atom]:
                continue
            for shift in self._shifts(before, atom, where, site, cell, radius):
                yield where, shift

    def _shifts(
        self,
        before: list[int],
        atom: int,
        where: int,
        site: IntArray,
        cell: IntArray,
        radius: float,
    ) -> list[IntArray]:
        """Cells that put an atom at a site with all its pairs within the radius."""
        if not before:
            return [np.zeros(3, dtype=np.int64)]
        shifts: set[tuple[int, ...]] | None = None
        for other in before:
            key = (int(site[other]), where)
            near = self.places.get(key)
            if near is None:
                return []
            inside = near[self.distances[key] <= radius + PLACE_ANGSTROM]
            allowed = {
                tuple((shift + cell[other]).tolist())
                for shift in _fitting_shifts(self.cells[other, atom], inside)
            }
            shifts = allowed if shifts is None else shifts & allowed
            if not shifts:
                return []
        return [np.array(shift) for shift in sorted(shifts or ())]


def _fitting_shifts(cells: IntArray, inside: IntArray) -> list[IntArray]:
    """Vectors that move all cells of one list to cells of another."""
    if len(inside) < len(cells):
        return []
    known = {tuple(row) for row in inside.tolist()}
    return [
        shift
        for shift in inside - cells[0]
        if all(tuple(row) in known for row in (cells + shift).tolist())
    ]


def _by_pair(rows: IntArray) -> dict[tuple[int, int], IntArray]:
    """Rows by their first two columns."""
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    rows = rows[order]
    starts = np.flatnonzero(np.diff(rows[:, :2], axis=0, prepend=-1).any(axis=1))
    ends = np.append(starts[1:], len(rows))
    return {
        (int(rows[a, 0]), int(rows[a, 1])): rows[a:b, 2:] for a, b in zip(starts, ends, strict=True)
    }


def _sequence(cells: dict[tuple[int, int], IntArray], n_atoms: int) -> tuple[int, ...]:
    """The atoms, each with the most pairs to those before it."""
    weight = np.zeros((n_atoms, n_atoms), dtype=np.int64)
    for (a, b), found in cells.items():
        weight[a, b] = len(found)
    chosen: list[int] = []
    left = set(range(n_atoms))
    while left:
        best = max(left, key=lambda atom: (weight[chosen, atom].sum(), weight[atom].sum(), -atom))
        chosen.append(best)
        left.remove(best)
    return tuple(chosen)


def endless(file: str | None) -> InputError:
    """What to say where the search is given up."""
    return InputError(
        "the atoms are in another order than in CONTROL, and the search for it does not end",
        file=file,
        hint="give the CONTROL that belongs to this file",
    )
