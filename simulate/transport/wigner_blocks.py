"""The modes of a mesh a block of q-points at a time: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ixs_core.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from simulate.phonons.degeneracy import group_means
from simulate.phonons.force_constants import ForceConstants
from simulate.phonons.model import PhononModel
from simulate.transport.irreducible_mesh import IrreducibleMesh
from simulate.transport.mode_widths import MeshWidths, of_groups, usable_modes
from simulate.transport.velocity_operator import (
    Normalisation,
    Variant,
    group_velocities_of,
    slopes_at,
    velocity_operator,
)
from simulate.transport.wigner_kernel import PairProducts, pair_products

_BLOCK_BYTES = 2**24
_BYTES_PER_PAIR = 48  # of the velocity operator
_MOST_POINTS = 32
_CHANGED = 0.01


@dataclass(frozen=True)
class BlockModes:
    """Modes of some points of a mesh.

    Parameters
    ----------
    energy_mev, groups : (nq, ns) arrays
        Means of degenerate modes, and which belong together.
    velocity_km_s : (nq, ns, 3) array
        NaN for modes of no positive energy and translations.
    element_share : (nq, ns, n_elements) array
    pairs : PairProducts
        `usable` of the first widths.
    fwhm_mev : list of (nq, ns) arrays
        One for each of the widths asked for.
    usable : list of (nq, ns) bool arrays
    difference_mev : float
        Largest difference of the energies from those that came with the widths.
    averaged : int
        Modes whose width changed by more than 1 % to be that of all modes degenerate with them.
    """

    energy_mev: FloatArray
    groups: IntArray
    velocity_km_s: FloatArray
    element_share: FloatArray
    pairs: PairProducts
    fwhm_mev: list[FloatArray]
    usable: list[BoolArray]
    difference_mev: float
    averaged: int

    def pairs_of(self, number: int) -> PairProducts:
        """The pairs with the modes that are usable with one of the widths."""
        return replace(self.pairs, usable=self.usable[number])


def point_blocks(count: int, n_modes: int) -> list[slice]:
    """Points to be worked on at once."""
    size = int(np.clip(_BLOCK_BYTES // (_BYTES_PER_PAIR * n_modes**2), 1, _MOST_POINTS))
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def block_modes(
    model: PhononModel,
    points: IrreducibleMesh,
    widths: Sequence[MeshWidths],
    part: slice,
    variant: Variant = "wigner",
    normalisation: Normalisation = "mean",
) -> BlockModes:
    """Solve for the modes of some irreducible points; errors as for `MeshWidths.at`."""
    crystal = model.force_constants
    q = points.q[part]
    slopes = slopes_at(model.dynamical_matrix, crystal.positions @ crystal.vectors, q, variant)
    energy, groups = of_groups(slopes.energy_mev)
    given = [width.at(part, slopes.energy_mev) for width in widths]
    fwhm = [group_means(own, groups) for own in given]
    velocity = velocity_operator(
        energy, slopes.eigenvectors, slopes.gradient, variant, normalisation
    )
    usable = [usable_modes(q, energy, own) for own in fwhm]
    moving = usable_modes(q, energy, np.ones(energy.shape))[:, :, None]
    return BlockModes(
        energy_mev=energy,
        groups=groups,
        velocity_km_s=np.where(moving, group_velocities_of(velocity, groups), np.nan),
        element_share=element_share(crystal, slopes.eigenvectors, groups),
        pairs=pair_products(energy, usable[0], velocity),
        fwhm_mev=fwhm,
        usable=usable,
        difference_mev=max(width.difference(part, slopes.energy_mev) for width in widths),
        averaged=int((np.abs(given[0] - fwhm[0]) > _CHANGED * fwhm[0])[usable[0]].sum()),
    )


def elements_of(crystal: ForceConstants) -> tuple[str, ...]:
    """Its elements, in the order in which they first appear."""
    return tuple(dict.fromkeys(crystal.symbols))


def element_share(
    crystal: ForceConstants, eigenvectors: ComplexArray, groups: IntArray
) -> FloatArray:
    """(nq, ns, n_elements) |e|² of each element's atoms, the mean of degenerate modes."""
    square = np.abs(eigenvectors) ** 2
    of_atoms = square.reshape(len(square), len(crystal.symbols), 3, -1).sum(axis=2)
    symbols = np.array(crystal.symbols)
    shares = [
        group_means(of_atoms[:, symbols == element].sum(axis=1), groups)
        for element in elements_of(crystal)
    ]
    return np.stack(shares, axis=-1)
