"""Small made-up crystals with everything a structure factor depends on, for several tests."""

from __future__ import annotations

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, Site, u_to_cartesian
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry

CELLS = {
    "P 1": (5.1, 6.3, 7.2, 81.0, 95.0, 104.0),
    "P -1": (5.1, 6.3, 7.2, 81.0, 95.0, 104.0),
    "P 21 21 21": (6.1, 7.3, 8.2, 90.0, 90.0, 90.0),
    "C m c m": (10.0, 12.9, 6.05, 90.0, 90.0, 90.0),
    "C 1 c 1": (9.1, 6.3, 7.2, 90.0, 105.0, 90.0),
    "P 21/n": (6.1, 7.3, 8.2, 90.0, 98.0, 90.0),
    "R -3 m:R": (6.2, 6.2, 6.2, 62.0, 62.0, 62.0),
    "P 61 2 2": (6.2, 6.2, 11.0, 90.0, 90.0, 120.0),
    "F -4 3 m": (6.1, 6.1, 6.1, 90.0, 90.0, 90.0),
}
"""A cell for each of several groups: triclinic to cubic, centred, acentric, oblique."""

_POSITIONS = ((0.07, 0.19, 0.36), (0.12, 0.28, 0.45), (0.05, 0.34, 0.19))  # off all mirrors


def random_u(rng: np.random.Generator, lattice: Lattice, size: float = 0.02) -> FloatArray:
    """U^{ij} of a CIF, positive, with principal values around `size` Å²."""
    half = rng.normal(size=(3, 3))
    wanted = size * (np.eye(3) + 0.3 * half @ half.T)
    # u_to_cartesian is linear: its inverse from what it makes of the nine unit tensors.
    unit = [u_to_cartesian(e.reshape(3, 3), lattice).ravel() for e in np.eye(9)]
    u = np.linalg.solve(np.array(unit).T, wanted.ravel()).reshape(3, 3)
    return np.asarray((u + u.T) / 2)


def random_crystal(group: str, seed: int = 0, *, anharmonic: bool = True) -> Crystal:
    """Three general sites in a group of `CELLS`, one partly occupied, one isotropic in spirit."""
    rng = np.random.default_rng(seed)
    lattice = Lattice.from_cell(CELLS[group])
    symmetry = Symmetry.from_name(group, lattice)
    sites = tuple(
        Site(
            label=f"{element}{i}",
            element=element,
            ion=ion,
            position=np.array(_POSITIONS[i]) + rng.uniform(-0.01, 0.01, 3),
            occupancy=occupancy,
            u=random_u(rng, lattice),
            gram_charlier=rng.normal(size=10) * 0.02 if anharmonic else None,
        )
        for i, (element, ion, occupancy) in enumerate(
            [("Cu", "Cu1+", 1.0), ("I", "I1-", 0.7), ("O", "O", 1.0)]
        )
    )
    return Crystal(
        lattice=lattice,
        sites=sites,
        symmetry=symmetry,
        dispersion={"Cu": 0.3 + 1.2j, "I": -0.5 + 2.0j, "O": 0.01 + 0.02j},
    )
