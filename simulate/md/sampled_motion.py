"""What a few frames tell of a trajectory: how far atoms vibrate, and whether a cell repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from simulate.md.trajectory import Trajectory

_FRAMES = 64
_ATOMS = 200
_LEAST_SHARE = 5  # percentile of the atoms: a stiff site counts, the chance of one atom does not
_SAME_PLACE_A = 0.5
_REPEATED = 0.5  # of the copies of an atom that stand where it does, in the other cells


def sampled_positions(trajectory: Trajectory) -> FloatArray:
    """(f, n, 3) in Å, of frames spread over the trajectory, less the drift of the whole.

    In a cell that varies, fractions of it times the mean cell. Frames with a position that is no
    number are left out here.

    Raises
    ------
    InputError
        All of them have one.
    """
    frames = np.unique(np.linspace(0, trajectory.n_frames - 1, _FRAMES).astype(int))
    blocks = [trajectory.read(frame, frame + 1) for frame in frames.tolist()]
    places = np.array(
        [block.positions[0] @ np.linalg.inv(block.cells[0]) @ trajectory.cell for block in blocks]
    )
    places = places[np.isfinite(places).all(axis=(1, 2))]
    if not len(places):
        raise InputError(
            "every frame has positions that are no numbers", file=trajectory.name or None
        )
    return np.asarray(places - (places - places[0]).mean(axis=1, keepdims=True))


def least_displacements(
    positions: FloatArray, trajectory: Trajectory, elements: Sequence[str]
) -> FloatArray:
    """(ns,) ⟨u²⟩ in Å² along the stiffest direction of the stiffest atoms of each element.

    Parameters
    ----------
    positions : (f, n, 3) array
        Of `sampled_positions`.
    """
    apart = positions - positions.mean(axis=0)
    u = np.einsum("fai,faj->aij", apart, apart) / max(len(positions) - 1, 1)
    least = np.linalg.eigvalsh(u)[:, 0]
    return np.array(
        [np.percentile(least[trajectory.atoms_of(name)], _LEAST_SHARE) for name in elements]
    )


def require_repetition(
    positions: FloatArray, trajectory: Trajectory, conventional: FloatArray
) -> None:
    """Refuse a conventional cell that is no period of the crystal.

    Half of the atoms at least must have half of their copies within 0.5 Å of where the cell says,
    by the ideal sites or else the mean positions: so ions that move and vacancies are no matter.

    Parameters
    ----------
    positions : (f, n, 3) array
        Of `sampled_positions`.
    conventional : (3, 3) array
        Rows a, b, c in Å.

    Raises
    ------
    InputError
    """
    cells = abs(np.linalg.det(trajectory.cell) / np.linalg.det(conventional))
    places = positions.mean(axis=0) if trajectory.reference is None else trajectory.reference
    fractions = places @ np.linalg.inv(conventional)
    species = np.array(trajectory.species)
    some = np.unique(np.linspace(0, len(species) - 1, _ATOMS).astype(int))
    share = np.median([_copies(fractions, species, atom, conventional) for atom in some]) / cells
    if share < _REPEATED:
        raise InputError(
            "the simulated crystal does not repeat with the conventional cell",
            file=trajectory.name or None,
            key="lattice",
            found=f"{100 * share:.0f} % of the copies of an atom where they should be, with edges "
            f"{np.round(np.linalg.norm(conventional, axis=1), 4).tolist()} Å",
            expected="a cell of which the simulation is made up",
        )


def _copies(fractions: FloatArray, species: FloatArray, atom: int, rows: FloatArray) -> int:
    """Atoms of the element of one that are at its place of any cell, itself among them."""
    apart = fractions[species == species[atom]] - fractions[atom]
    distance = np.linalg.norm((apart - np.round(apart)) @ rows, axis=1)
    return int(np.count_nonzero(distance < _SAME_PLACE_A))
