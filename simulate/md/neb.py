"""Barriers of one ion in a crystal, by direction: relax, take out the neighbour, find the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from ixs_core.jobs import CancelToken, Progress
from simulate.md.barriers import Barrier, energy_barrier
from simulate.md.ion_jumps import IonJump, vacancy_ends
from simulate.md.relaxation import RelaxedCrystal, relaxed_crystal

_MOVED = 0.1  # Å, that a crystal at its minimum may differ from the given sites
_DIP = 5.0  # meV below its ends: the path passes another minimum
_UNEVEN = 5.0  # meV between ends of which one symmetry would make equals
_ROOM = 8.0  # Å between images of the vacancy


@dataclass(frozen=True)
class JumpBarriers:
    """Barriers by direction.

    Parameters
    ----------
    jumps : tuple of IonJump
    barriers : dict of str to Barrier
        By the names of the jumps.
    crystal : RelaxedCrystal or None
        Where the paths start from; None where the given sites do.
    notes : tuple of str
        What the user should know.
    """

    jumps: tuple[IonJump, ...]
    barriers: dict[str, Barrier]
    crystal: RelaxedCrystal | None
    notes: tuple[str, ...]


def jump_barriers(
    atoms: Atoms,
    calculator: Any,
    jumps: Sequence[IonJump],
    images: int = 7,
    *,
    relax_crystal: bool = True,
    seed: int = 0,
    force_ev_a: float = 0.02,
    max_steps: int = 500,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> JumpBarriers:
    """The barrier of each jump into an empty site.

    Parameters
    ----------
    atoms : Atoms
        The supercell in which the jumps were found.
    calculator : ASE calculator
    jumps : sequence of IonJump
        Of different names.
    images : int
        Between the two ends.
    relax_crystal : bool
        Start from the minimum near the given sites, off their symmetry.
    seed : int
        Of the displacements that break it.
    force_ev_a : float
        Largest force left.
    max_steps : int
        Of each relaxation.

    Raises
    ------
    InputError
        As `relaxed_crystal` and `energy_barrier` do.
    Cancelled
    """
    crystal = None
    if relax_crystal:
        crystal = relaxed_crystal(
            atoms,
            calculator,
            force_ev_a=force_ev_a,
            seed=seed,
            max_steps=max_steps,
            progress=progress,
            cancel=cancel,
        )
    barriers, notes = {}, _crystal_notes(atoms, crystal)
    for jump in jumps:
        found = energy_barrier(
            *vacancy_ends(atoms if crystal is None else crystal.atoms, jump),
            calculator,
            images,
            force_ev_a=force_ev_a,
            max_steps=max_steps,
            progress=_named(progress, jump.name),
            cancel=cancel,
        )
        barriers[jump.name] = found
        notes += _path_notes(jump, found)
    return JumpBarriers(tuple(jumps), barriers, crystal, tuple(notes))


def _named(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None

    def show(done: int, total: int, text: str) -> None:
        progress(done, total, f"{name}, {text}")

    return show


def _crystal_notes(atoms: Atoms, crystal: RelaxedCrystal | None) -> list[str]:
    notes = []
    if crystal is not None and crystal.moved_a > _MOVED:
        notes.append(
            f"the crystal relaxes up to {crystal.moved_a:.2f} Å off the sites given, by "
            f"{crystal.gain_mev_atom:.1f} meV per atom: they are no minimum of this potential at "
            "this cell, and barriers depend on the minimum found (--seed)"
        )
    if crystal is not None and not crystal.converged:
        notes.append("the relaxation of the crystal has not converged")
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell[:]), axis=0)
    if heights.min() < _ROOM:
        notes.append(
            f"vacancies are {heights.min():.1f} Å from their images: a larger supercell parts them"
        )
    return notes


def _path_notes(jump: IonJump, found: Barrier) -> list[str]:
    notes = []
    if not found.converged:
        notes.append(f"{jump.name}: the path has not converged, {found.force_ev_a:.3f} eV/Å left")
    elif not found.climbed:
        notes.append(
            f"{jump.name}: no image could climb to the saddle; the barrier is that of the "
            "interpolation"
        )
    if found.dip_mev > _DIP:
        notes.append(
            f"{jump.name}: the path goes {found.dip_mev:.0f} meV below its ends: they are not the "
            "lowest minima, and the barrier from those is higher"
        )
    apart = abs(found.barrier_mev - found.reverse_mev)
    if found.converged and apart > max(_UNEVEN, found.error_mev):
        notes.append(
            f"{jump.name}: the ends differ by {apart:.0f} meV; where symmetry makes them equal, "
            "the crystal around has relaxed into different minima"
        )
    return notes
