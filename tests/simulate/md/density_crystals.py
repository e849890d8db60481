"""Crystals and trajectories whose density is known, for the tests of densities of simulations."""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

from ixs_core.arrays import FloatArray
from ixs_core.crystal import Crystal, Site, cell_vectors, u_to_cartesian
from ixs_core.lattice import Lattice
from ixs_core.symmetry import Symmetry
from simulate.md.trajectory import Trajectory
from tests.simulate.md.memory_trajectory import memory_trajectory

TRICLINIC = Lattice(4.2, 5.1, 4.7, 83.0, 97.0, 105.0)
ALONE = Symmetry.from_triplets(["x,y,z"])


def site(element: str, position: tuple[float, float, float], u: float | FloatArray) -> Site:
    """A site with U^{ij} in Å², or the same number on the diagonal."""
    tensor = u * np.eye(3) if isinstance(u, float) else np.asarray(u)
    return Site(f"{element}1", element, element, np.array(position), u=tensor)


def two_atoms(u_cu: float | FloatArray = 0.0, u_i: float | FloatArray = 0.0) -> Crystal:
    """Cu and I in a triclinic cell without symmetry."""
    sites = (site("Cu", (0.12, 0.31, 0.83), u_cu), site("I", (0.55, 0.72, 0.37), u_i))
    return Crystal(TRICLINIC, sites, ALONE, source="two.cif")


def rock_salt(u: float = 0.02) -> Crystal:
    """CuI as rock salt, one of each on its special position."""
    lattice = Lattice.cubic(5.6)
    sites = (site("Cu", (0.0, 0.0, 0.0), u), site("I", (0.5, 0.5, 0.5), u))
    return Crystal(lattice, sites, Symmetry.from_name("F m -3 m"), source="salt.cif")


def resting(
    crystal: Crystal, repeats: tuple[int, int, int] = (1, 1, 1), frames: int = 2
) -> Trajectory:
    """All atoms of some cells at rest."""
    places, species = _sites(crystal, repeats)
    rows = cell_vectors(crystal.lattice) * np.array(repeats)[:, None]
    return memory_trajectory(np.broadcast_to(places, (frames, *places.shape)), species, rows)


def vibrating(
    crystal: Crystal, repeats: tuple[int, int, int], frames: int, seed: int, *, evenly: bool = False
) -> Trajectory:
    """Gaussian displacements with the U of the sites, in a frame opposite for pairs of cells.

    So the centre of mass stays where it is, and taking its drift off changes no displacement.

    Parameters
    ----------
    evenly : bool
        Spread over the Gaussian (Sobol's points) instead of at random: with far less scatter.
    """
    places, species = _sites(crystal, repeats)
    rng = np.random.default_rng(seed)
    per_cell = len(crystal.atoms)
    u = crystal.atoms.u
    half = len(places) // per_cell // 2
    assert 2 * half * per_cell == len(places)
    moved = np.empty((frames, len(places), 3))
    for atom in range(per_cell):
        if evenly:
            points = qmc.MultivariateNormalQMC(np.zeros(3), u[atom], seed=seed + atom)
            steps = rng.permutation(points.random(frames * half)).reshape(frames, half, 3)
        else:
            steps = rng.multivariate_normal(np.zeros(3), u[atom], size=(frames, half))
        moved[:, atom::per_cell] = np.concatenate([steps, -steps], axis=1)
    rows = cell_vectors(crystal.lattice) * np.array(repeats)[:, None]
    return memory_trajectory(places + moved, species, rows)


def cartesian_u(crystal: Crystal, number: int) -> FloatArray:
    """⟨u u⟩ of a site along Cartesian axes."""
    tensor = crystal.sites[number].u
    assert tensor is not None
    return u_to_cartesian(tensor, crystal.lattice)


def _sites(crystal: Crystal, repeats: tuple[int, int, int]) -> tuple[FloatArray, tuple[str, ...]]:
    """Cartesian positions, those of a cell together, and their elements."""
    atoms, vectors = crystal.atoms, cell_vectors(crystal.lattice)
    cells = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1).reshape(-1, 3)
    places = (cells[:, None] + atoms.position).reshape(-1, 3) @ vectors
    return places, atoms.elements * len(cells)
