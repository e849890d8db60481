"""What force constants of third and fourth order must keep, and how well they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.cluster_pairs import PLACE_ANGSTROM, block_spans
from simulate.transport.cluster_symmetry import (
    ClusterIndex,
    Residual,
    SiteOperation,
    permutation_residual,
    space_group_residual,
)

KEPT = 1e-2
"""Part of the largest constant, up to which a rule counts as kept."""

WHOLE_ANGSTROM = 1e-2
"""A cell may be so far from a lattice vector: the digits of a CONTROL."""


class Check(NamedTuple):
    """One check: what it is, what was found, and up to which value it is passed."""

    name: str
    found: float
    limit: float
    unit: str
    remark: str

    @property
    def passed(self) -> bool:
        """Whether what was found is within the limit."""
        return self.found <= self.limit


@dataclass(frozen=True)
class ClusterChecks:
    """Findings about the blocks of a file, read in some order of atoms.

    Parameters
    ----------
    order : int
        3 or 4.
    lattice_deviation : float
        Å, how far a cell in the file is from a lattice vector at most.
    span : (m,) array
        Å, the largest distance between two atoms of each block.
    cutoff : float
        Å, within which they should be.
    sum_rule : float
        eV/Å^n, largest sum over the last atom.
    permutation, space_group : Residual
    symbol : str
        Of the space group.
    repeated : int
        Blocks that are listed again.
    moved_atoms : int
        Atoms of the file that are not the site of the same number.
    largest : float
        eV/Å^n, the largest constant.
    """

    order: int
    lattice_deviation: float
    span: FloatArray
    cutoff: float
    sum_rule: float
    permutation: Residual
    space_group: Residual
    symbol: str
    repeated: int
    moved_atoms: int
    largest: float

    @property
    def beyond(self) -> int:
        """How many blocks span more than the cutoff."""
        return int((self.span > self.cutoff + PLACE_ANGSTROM).sum())

    @property
    def unit(self) -> str:
        """Of the constants."""
        return "eV/Å³" if self.order == 3 else "eV/Å⁴"

    @property
    def passed(self) -> bool:
        """Whether all checks are."""
        return all(check.passed for check in self.rows())

    def rows(self) -> tuple[Check, ...]:
        """The checks one by one."""
        kept = KEPT * self.largest
        widest = float(self.span.max())
        return (
            Check(
                "cells are lattice vectors",
                self.lattice_deviation,
                WHOLE_ANGSTROM,
                "Å",
                "farthest from one",
            ),
            Check(
                "atoms within the cutoff",
                widest,
                self.cutoff + PLACE_ANGSTROM,
                "Å",
                f"{self.beyond} of {len(self.span)} blocks span more",
            ),
            Check(
                "atoms in the order of the cell",
                self.moved_atoms,
                0,
                "",
                "atoms that are another site",
            ),
            Check("each block once", self.repeated, 0, "", "blocks listed again"),
            Check(
                "acoustic sum rule",
                self.sum_rule,
                kept,
                self.unit,
                "largest sum over the last atom",
            ),
            Check(
                "permutations of the atoms",
                self.permutation.largest,
                kept,
                self.unit,
                _missing(self.permutation),
            ),
            Check(
                f"space group {self.symbol}",
                self.space_group.largest,
                kept,
                self.unit,
                _missing(self.space_group),
            ),
        )

    def distances(self, width: float = 0.5) -> tuple[FloatArray, IntArray]:
        """Upper edges (k,) in Å of classes of spans, and how many blocks are in each (k,)."""
        top = max(1, int(np.ceil(float(self.span.max()) / width + 1e-9)))
        counts, edges = np.histogram(self.span, bins=top, range=(0, top * width))
        return edges[1:], counts


def check_clusters(
    constants: ClusterConstants,
    structure: CrystalStructure,
    symbol: str,
    operations: Sequence[SiteOperation],
    *,
    lattice_deviation: float = 0.0,
    cutoff: float | None = None,
    moved_atoms: int = 0,
) -> ClusterChecks:
    """Run all checks.

    Parameters
    ----------
    constants : ClusterConstants
        By sites of the crystal.
    structure : CrystalStructure
    symbol, operations
        Of its space group, as `space_group` gives them.
    lattice_deviation : float
        Å, found on reading.
    cutoff : float, optional
        Å; the largest distance found by default.
    moved_atoms : int
        Found by `find_relabelling`.
    """
    span = block_spans(constants, structure)
    return ClusterChecks(
        order=constants.order,
        lattice_deviation=lattice_deviation,
        span=span,
        cutoff=float(span.max()) if cutoff is None else cutoff,
        sum_rule=constants.sum_rule_residual(),
        permutation=permutation_residual(constants),
        space_group=space_group_residual(constants, operations),
        symbol=symbol,
        repeated=ClusterIndex.of(constants).repeated,
        moved_atoms=moved_atoms,
        largest=float(np.abs(constants.values).max()),
    )


def _missing(residual: Residual) -> str:
    where = f"largest in block {residual.block + 1}" if residual.largest else ""
    return f"{where}; {residual.missing} images not listed" if residual.missing else where
