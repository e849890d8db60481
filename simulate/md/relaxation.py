"""Structures moved to where the forces of a potential are small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.mep import NEB
from ase.optimize import FIRE

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress

_FARTHEST = 3.0  # Å: an atom that went farther has left its site for another one


@dataclass(frozen=True)
class RelaxedCrystal:
    """A crystal at the nearest minimum of a potential, in its given cell.

    Parameters
    ----------
    atoms : Atoms
    moved_a : float
        Å, how far the farthest atom is from its given place.
    gain_mev_atom : float
        meV per atom that the given places were above the minimum.
    converged : bool
    """

    atoms: Atoms
    moved_a: float
    gain_mev_atom: float
    converged: bool


class Band(NEB):
    """ASE's band, which keeps the largest force across it: to compute it again costs a step."""

    largest = 0.0

    def get_forces(self) -> FloatArray:
        """Forces across the path and along its springs, (images · atoms, 3) in eV/Å."""
        forces = np.asarray(super().get_forces())
        self.largest = float(np.linalg.norm(forces, axis=1).max())
        return forces


def relaxed_crystal(
    atoms: Atoms,
    calculator: Any,
    *,
    force_ev_a: float = 0.02,
    rattle_a: float = 0.02,
    seed: int = 0,
    max_steps: int = 1000,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RelaxedCrystal:
    """Relax a crystal off its symmetry: a saddle that symmetry holds is no start of a path.

    Parameters
    ----------
    atoms : Atoms
    calculator : ASE calculator
    force_ev_a : float
        Largest force left.
    rattle_a : float
        Å, standard deviation of the random displacements that break the symmetry.
    seed : int
        Of these.
    max_steps : int

    Raises
    ------
    InputError
        Atoms that leave their sites.
    Cancelled
    """
    moving = atoms.copy()
    moving.calc = calculator
    before = moving.get_potential_energy()
    rattle = np.random.default_rng(seed).normal(0, rattle_a, moving.positions.shape)
    moving.positions += rattle - rattle.mean(axis=0)
    _, converged = relax(
        moving, force_ev_a, max_steps, "crystal", progress, cancel or CancelToken()
    )
    farthest = float(np.linalg.norm(moving.positions - atoms.positions, axis=1).max())
    if farthest > _FARTHEST:
        raise InputError(
            "the crystal falls apart in this potential",
            found=f"an atom goes {farthest:.2f} Å from its site",
            expected=f"less than {_FARTHEST:g} Å",
            hint="another potential or order of species, or a cell nearer to the potential's own",
        )
    gain = 1000 * (before - moving.get_potential_energy()) / len(atoms)
    moving.calc = None
    return RelaxedCrystal(moving, farthest, float(gain), converged)


def relax(
    moving: Atoms | Band,
    force_ev_a: float,
    max_steps: int,
    text: str,
    progress: Progress | None,
    cancel: CancelToken,
    astray: Callable[[], bool] = lambda: False,
) -> tuple[int, bool]:
    """Relax by FIRE (E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)).

    Parameters
    ----------
    moving : Atoms or Band
    force_ev_a : float
        Largest force left.
    max_steps : int
    text : str
        What it is, for the progress.
    astray : callable
        Asked in every step whether to give up.

    Returns
    -------
    steps : int
    converged : bool
    """
    steps = 0
    for converged in FIRE(moving, logfile=None).irun(fmax=force_ev_a, steps=max_steps):
        cancel.check()
        if progress is not None:
            progress(steps, max_steps, f"{text}: {_left(moving):.3f} eV/Å, to {force_ev_a:g}")
        if converged:
            return steps, True
        if astray():
            return steps, False
        steps += 1
    return steps, False


def _left(moving: Atoms | Band) -> float:
    if isinstance(moving, Band):
        return moving.largest
    return float(np.linalg.norm(moving.get_forces(), axis=1).max())
