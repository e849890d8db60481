"""Single ions: how far each one moves, and where it is at every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress, parallel_map
from simulate.md.atom_series import (
    atom_blocks,
    chosen_atoms,
    components_along,
    directions_matrix,
    displacement_series,
    drift_of,
    elements_of,
    first_positions,
)
from simulate.md.trajectory import Trajectory


@dataclass(frozen=True)
class IonMotion:
    """How far each of some ions moves, the drift of the framework taken off.

    Parameters
    ----------
    atoms : (n,) array of int
    elements : tuple of str
        Of each atom.
    mean_A : (n, 3) array
        Mean position along each direction.
    mean_square_A2 : (n, 3) array
        ⟨u_α²⟩ about the mean position.
    reach_A : (n,) array
        Largest distance from the first position.
    net_A : (n, 3) array
        From the first to the last position.
    directions : (3, 3) array
        Unit vectors in rows.
    """

    atoms: IntArray
    elements: tuple[str, ...]
    mean_A: FloatArray
    mean_square_A2: FloatArray
    reach_A: FloatArray
    net_A: FloatArray
    directions: FloatArray

    def mean_square_of(self, element: str) -> FloatArray:
        """⟨u_α²⟩ in Å² (3,), the mean over the ions of an element.

        Raises
        ------
        InputError
            It is not among them.
        """
        chosen = np.array(self.elements) == element
        if not chosen.any():
            raise InputError(
                "no ion of this element was followed",
                key="element",
                found=element,
                expected=f"one of {', '.join(dict.fromkeys(self.elements))}",
            )
        return np.asarray(self.mean_square_A2[chosen].mean(axis=0))

    def farthest(self, number: int = 5) -> IntArray:
        """Atoms that go farthest from where they began, farthest first."""
        return self.atoms[np.argsort(-self.reach_A, kind="stable")[:number]]


@dataclass(frozen=True)
class IonPaths:
    """Where some ions are at every time.

    Parameters
    ----------
    atoms : (n,) array of int
    time_ps : (t,) array
    position_A : (n, 3, t) array
        Along each direction, from the origin of each ion.
    origin_A : (n, 3) array
        Cartesian: the reference site, or else the first position.
    directions : (3, 3) array
        Unit vectors in rows.
    """

    atoms: IntArray
    time_ps: FloatArray
    position_A: FloatArray
    origin_A: FloatArray
    directions: FloatArray


def ion_motion(
    trajectory: Trajectory,
    elements: Sequence[str] | None = None,
    *,
    framework: Sequence[str] | None = None,
    directions: FloatArray | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> IonMotion:
    """How far each ion moves, atoms in blocks so that memory is flat.

    Parameters
    ----------
    trajectory : Trajectory
        In a varying cell, fractional displacements times the mean cell count.
    elements : sequence of str, optional
        All by default.
    framework : sequence of str, optional
        Elements whose centre of mass is held at its first position; see `drift_of` for the default.
    directions : (3, 3) array, optional
        Orthonormal rows; the Cartesian axes by default.

    Raises
    ------
    InputError
        An element that does not occur.
    Cancelled
    """
    axes = directions_matrix(directions)
    atoms = chosen_atoms(trajectory, elements or elements_of(trajectory))
    drift = drift_of(trajectory, framework, cancel=cancel)
    parts = parallel_map(
        partial(_motion, trajectory, drift, axes),
        atom_blocks(trajectory, atoms),
        workers=workers,
        scheduler=scheduler,
        progress=progress,
        cancel=cancel,
    )
    mean, squares, reach, net = (np.concatenate(column) for column in zip(*parts, strict=True))
    return IonMotion(
        atoms, tuple(trajectory.species[atom] for atom in atoms), mean, squares, reach, net, axes
    )


def ion_paths(
    trajectory: Trajectory,
    atoms: Sequence[int] | IntArray,
    *,
    every: int = 1,
    framework: Sequence[str] | None = None,
    directions: FloatArray | None = None,
    cancel: CancelToken | None = None,
) -> IonPaths:
    """Positions of chosen ions against time, from their ideal sites.

    Parameters
    ----------
    trajectory : Trajectory
        In a varying cell, fractional displacements times the mean cell count.
    atoms : sequence of int
        As from `IonMotion.farthest`.
    every : int
        Take every so many frames, from the first on.
    framework, directions
        As for `ion_motion`.

    Raises
    ------
    InputError
        A number that is no atom, or `every` below 1.
    Cancelled
    """
    chosen = np.asarray(atoms, dtype=int)
    if not chosen.size or chosen.min() < 0 or chosen.max() >= trajectory.n_atoms:
        raise InputError(
            "no such atom",
            file=trajectory.name or None,
            key="atoms",
            found=chosen.tolist(),
            expected=f"numbers 0 … {trajectory.n_atoms - 1}",
        )
    if every < 1:
        raise InputError("no frames are chosen", key="every", found=every, expected="1 or more")
    axes = directions_matrix(directions)
    drift = drift_of(trajectory, framework, cancel=cancel)
    first = first_positions(trajectory, chosen)
    origin = first if trajectory.reference is None else trajectory.reference[chosen]
    moved = displacement_series(trajectory, chosen, drift, cancel)[:, :, ::every]
    return IonPaths(
        atoms=chosen,
        time_ps=np.arange(moved.shape[2]) * every * trajectory.dt_fs / 1000.0,
        position_A=components_along(axes, moved + (first - origin)[:, :, None]),
        origin_A=origin,
        directions=axes,
    )


def _motion(
    trajectory: Trajectory, drift: FloatArray, axes: FloatArray, atoms: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean, mean square, reach and net displacement of a block of atoms."""
    first = first_positions(trajectory, atoms)
    moved = components_along(axes, displacement_series(trajectory, atoms, drift))
    reach = np.sqrt((moved**2).sum(axis=1).max(axis=1))
    return moved.mean(axis=2) + first @ axes.T, moved.var(axis=2), reach, moved[:, :, -1]
