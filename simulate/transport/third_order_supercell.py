"""Third-order force constants between the atoms of a supercell, as phono3py takes them.

A block belongs to atoms at certain distances. In a supercell it is the constant of three atoms
together with all their images; phono3py gives it back to the nearest images, and where several
are equally near in equal parts to each. So nothing is lost where every block has its atoms at the
nearest images; blocks that have not are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from ase.geometry.minkowski_reduction import minkowski_reduce

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.atomic import atomic_write
from ixs_core.errors import InputError
from simulate.md.cluster_constants import ClusterConstants
from simulate.phonons.loading.conventional_cell import CrystalStructure
from simulate.transport.cluster_pairs import PLACE_ANGSTROM, block_spans

_STEPS = np.indices((3, 3, 3)).reshape(3, -1).T - 1
_MOST_BYTES = 8e9


@dataclass(frozen=True)
class SupercellThirdOrder:
    """Third-order force constants in a supercell.

    Parameters
    ----------
    values : (p, N, N, 3, 3, 3) array
        eV/Å³, between the p atoms of the primitive cell and all of the supercell.
    home : (p,) int array
        Those p in the supercell (phonopy's p2s_map).
    sum_rule : float
        eV/Å³, largest sum over the second or third atom.
    shared : int
        Blocks with an atom that has several equally near images: each gets an equal part.
    far : int
        Blocks with an atom that has a nearer image, which gets the constant instead.
    """

    values: FloatArray
    home: IntArray
    sum_rule: float
    shared: int
    far: int

    def notes(self) -> tuple[str, ...]:
        """What the supercell is too small for."""
        found = []
        if self.far:
            found.append(
                f"{self.far} blocks of third order are given to nearer images of their atoms: "
                "the supercell is too small for them"
            )
        if self.shared:
            found.append(
                f"{self.shared} blocks of third order are shared among equally near images"
            )
        return tuple(found)


def third_order_in_supercell(
    constants: ClusterConstants, structure: CrystalStructure, supercell: Any, primitive: Any
) -> SupercellThirdOrder:
    """Fold the blocks of third order into a supercell.

    Parameters
    ----------
    constants : ClusterConstants
        Of third order, by the sites of the primitive cell, as `on_crystal` brings them there.
    structure : CrystalStructure
        That cell.
    supercell, primitive : phonopy's Supercell and Primitive

    Raises
    ------
    InputError
        The constants are not of third order, or the array would not fit in memory.
    """
    if constants.order != 3:
        raise InputError(
            "phono3py takes force constants of third order",
            key="third",
            found=f"order {constants.order}",
            expected="FORCE_CONSTANTS_3RD",
        )
    n, p = len(supercell.positions), len(structure.positions)
    if p * n * n * 27 * 8 > _MOST_BYTES:
        raise InputError(
            "the supercell is too large for its third-order constants",
            key="supercell",
            found=f"{n} atoms: {p * n * n * 27 * 8 / 1e9:.0f} GB",
            expected=f"below {_MOST_BYTES / 1e9:.0f} GB",
            hint="a smaller one",
        )
    values = constants.in_supercell(supercell, primitive)
    shared, far = _images(constants, structure, np.asarray(supercell.cell))
    sums = (np.abs(values.sum(axis=axis)).max() for axis in (1, 2))
    return SupercellThirdOrder(
        values=values,
        home=np.asarray(primitive.p2s_map),
        sum_rule=float(max(sums)),
        shared=shared,
        far=far,
    )


def smallest_supercell(constants: ClusterConstants, structure: CrystalStructure) -> IntArray:
    """(3,) repeats of the primitive cell in which all atoms of a block are at nearest images."""
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.vectors), axis=0)
    widest = float(block_spans(constants, structure).max())
    return np.maximum(np.floor(2 * widest / heights + 1e-6).astype(np.int64) + 1, 1)


def write_third_order(path: str | Path, third: SupercellThirdOrder) -> None:
    """Write fc3.hdf5, which `phono3py.load` takes.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as h5:
        h5.create_dataset(
            "fc3",
            data=third.values,
            compression="gzip",
            compression_opts=1,
            chunks=(1, 1, *third.values.shape[2:]),
        )
        h5["p2s_map"] = third.home


def _images(
    constants: ClusterConstants, structure: CrystalStructure, supercell: FloatArray
) -> tuple[int, int]:
    """How many blocks have an atom with equally near images, and with a nearer one."""
    reduced, _ = minkowski_reduce(supercell)
    steps = _STEPS @ reduced
    home = np.zeros((len(constants), 1, 3), dtype=np.int64)
    cells = np.concatenate([home, constants.cells], axis=1)
    places = (cells + structure.positions[constants.atoms]) @ structure.vectors
    is_shared = np.zeros(len(constants), dtype=bool)
    is_far = np.zeros(len(constants), dtype=bool)
    for a, b in combinations(range(constants.order), 2):
        apart = places[:, b] - places[:, a]
        length = np.linalg.norm(apart, axis=1)
        wrapped = apart - np.rint(apart @ np.linalg.inv(reduced)) @ reduced
        images = np.linalg.norm(wrapped[:, None] + steps, axis=-1)
        nearest = images.min(axis=1)
        is_far |= length > nearest + PLACE_ANGSTROM
        is_shared |= (images < nearest[:, None] + PLACE_ANGSTROM).sum(axis=1) > 1
    return int(is_shared.sum()), int(is_far.sum())
