"""The order of atoms that a file of force constants was written in, found from the file itself.

Neither ShengBTE's nor FourPhonon's format names the atoms. Read in a wrong order, blocks span
distances that no cutoff has, and break the symmetry of the crystal. The right order is the one
that keeps all pairs of atoms within the smallest radius, and the symmetry.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.cluster_pairs import (
    PLACE_ANGSTROM,
    NearPairs,
    block_spans,
    cluster_pairs,
)
from simulate.transport.cluster_symmetry import (
    ClusterIndex,
    SiteOperation,
    space_group_residual,
)
from simulate.transport.site_search import Relabelling, SiteSearch, endless

SYMMETRIC = 1e-2
"""Residual, in parts of the largest constant, up to which a symmetry counts as kept."""

_MOST_ORDERS = 256
_SAME_SHELL = 0.01
_FARTHEST = 1.5  # of the radius that has room for all: there, two thirds of the pairs are missing


def find_relabelling(
    constants: ClusterConstants,
    structure: CrystalStructure,
    operations: Sequence[SiteOperation],
    *,
    file: str | None = None,
    cancel: CancelToken | None = None,
) -> Relabelling:
    """The order of atoms within each element that fits the crystal; that of the file if it does.

    Radii from the smallest that has room for all pairs of the file are tried in turn. For each
    the sites are assigned one by one, the most connected first, as long as all pairs stay within.

    Parameters
    ----------
    constants : ClusterConstants
        As read.
    structure : CrystalStructure
    operations : sequence of SiteOperation
        Of its space group.
    file : str, optional
        For the message.
    cancel : CancelToken, optional

    Raises
    ------
    InputError
        The order of the file does not fit, and none does, or several different ones.
    Cancelled
    """
    widest = float(block_spans(constants, structure).max())
    pairs = cluster_pairs(constants)
    near = NearPairs.of(structure, widest)
    smallest = near.radius_of(min(len(pairs), len(near.distance)))
    symmetric = _keeps_symmetry(constants, operations)
    if symmetric and widest <= smallest + PLACE_ANGSTROM:
        return Relabelling.identity(len(structure.symbols))
    search = SiteSearch.of(pairs, structure, near, file, cancel or CancelToken())
    refused: set[bytes] = set()  # those that fit a smaller radius fit a larger one too
    for radius in near.shells(smallest, _SAME_SHELL):
        if radius > _FARTHEST * smallest or (symmetric and radius > widest - PLACE_ANGSTROM):
            break  # no file is so incomplete, or the file's own order is as compact
        fitting, is_whole = _fitting(search, radius, constants, operations, refused)
        if len(fitting) > 1:
            raise _ambiguous(fitting, radius, file)
        if fitting and not is_whole:
            raise endless(file)
        if fitting:
            return fitting[0]
        if not is_whole:
            break  # the farther, the more orders fit by chance
    if not symmetric and widest > smallest + PLACE_ANGSTROM:
        raise _none(widest, smallest, file)
    return Relabelling.identity(len(structure.symbols))


def _keeps_symmetry(constants: ClusterConstants, operations: Sequence[SiteOperation]) -> bool:
    scale = float(np.abs(constants.values).max())
    return space_group_residual(constants, operations).largest <= SYMMETRIC * scale


def _fitting(
    search: SiteSearch,
    radius: float,
    constants: ClusterConstants,
    operations: Sequence[SiteOperation],
    refused: set[bytes],
) -> tuple[list[Relabelling], bool]:
    """Orders within a radius that keep the symmetry, two at most, and whether all were seen.

    Those that make the same constants, as in a cell that is not primitive, count as one. Orders
    that break the symmetry are put among the `refused`.
    """
    kept: list[Relabelling] = []
    for order in search.orders(radius):
        key = order.site.tobytes() + order.cell.tobytes()
        if key in refused:
            continue
        if len(refused) == _MOST_ORDERS:
            return kept, False
        made = order.apply(constants)
        if not _keeps_symmetry(made, operations):
            refused.add(key)
        elif not any(_same(made, other.apply(constants)) for other in kept):
            kept.append(order)
        if len(kept) > 1:
            break
    return kept, True


def _same(one: ClusterConstants, other: ClusterConstants) -> bool:
    there = ClusterIndex.of(one).find(other.atoms, other.cells)
    if (there < 0).any():
        return False
    scale = float(np.abs(one.values).max())
    return bool(np.abs(one.values[there] - other.values).max() <= SYMMETRIC * scale)


def _none(widest: float, smallest: float, file: str | None) -> InputError:
    return InputError(
        "the atoms do not fit the crystal of CONTROL in any order within each element",
        file=file,
        found=f"blocks that span {widest:.2f} Å and break the symmetry of the crystal",
        expected=f"as many pairs of atoms lie within {smallest:.2f} Å",
        hint="give the CONTROL that belongs to this file",
    )


def _ambiguous(orders: list[Relabelling], radius: float, file: str | None) -> InputError:
    return InputError(
        "the atoms are in another order than in CONTROL, and several orders fit",
        file=file,
        found=f"{orders[0].text} and {orders[1].text} (sites of CONTROL), both "
        f"with all pairs within {radius:.3f} Å",
        expected="one order",
        hint="give the CONTROL that belongs to this file",
    )
