"""A density with symmetry that the tests of files write and read."""

from __future__ import annotations

import numpy as np

from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from mem.density import Density
from tests.mem.analytic_densities import atom_density, crystal

CMCM = crystal(
    Lattice(10.617, 13.3609, 6.1538),
    Symmetry.from_name("C m c m"),
    Cs1=(0.5, 0.8253, 0.75),
    Cu1=(0.3478, 0.5, 0.0),
)


def cmcm_density() -> Density:
    return atom_density((24, 30, 16), CMCM, {"Cs": 54.0, "Cu": 28.0}, width=0.7)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one.astype(np.float32), other.astype(np.float32))
