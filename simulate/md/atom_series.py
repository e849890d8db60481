"""The time series of some atoms at a time, with the drift of the framework taken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken
from simulate.md.trajectory import FrameBlock, Trajectory

BLOCK_BYTES = 96 * 2**20
"""Size of the series of one block of atoms, in float64."""

_FRAMES = 256  # read at once

_MOBILE = ("Li", "Na", "Cu", "Ag")

Weight = Literal["mass", "equal"]


def elements_of(trajectory: Trajectory) -> tuple[str, ...]:
    """The elements, in the order in which they first occur."""
    return tuple(dict.fromkeys(trajectory.species))


def masses_of(trajectory: Trajectory) -> FloatArray:
    """Standard atomic masses (n,) in u.

    Raises
    ------
    InputError
        A species is no element.
    """
    from ase.data import atomic_masses, atomic_numbers

    unknown = sorted(set(trajectory.species) - atomic_numbers.keys())
    if unknown:
        raise InputError(
            "no mass is known for a species",
            file=trajectory.name or None,
            key="species",
            found=", ".join(unknown),
            expected="symbols of elements",
            hint="give a type map when the trajectory is read",
        )
    return np.array([atomic_masses[atomic_numbers[symbol]] for symbol in trajectory.species])


def chosen_atoms(trajectory: Trajectory, elements: Sequence[str]) -> IntArray:
    """Indices of the atoms of some elements.

    Raises
    ------
    InputError
        An element does not occur.
    """
    missing = sorted(set(elements) - set(trajectory.species))
    if missing or not elements:
        raise InputError(
            "the trajectory has no atom of an element",
            file=trajectory.name or None,
            key="elements",
            found=", ".join(missing) or "none",
            expected=f"some of {', '.join(elements_of(trajectory))}",
        )
    return np.flatnonzero(np.isin(np.array(trajectory.species), list(elements)))


def mobile_element(trajectory: Trajectory, element: str | None) -> str:
    """The element asked for, or else the only one, or the only one of the usual mobile ions.

    Raises
    ------
    InputError
        None is named, and there are several or none of Li, Na, Cu, Ag.
    """
    if element is not None:
        return element
    elements = elements_of(trajectory)
    candidates = [name for name in elements if len(elements) == 1 or name in _MOBILE]
    if len(candidates) != 1:
        raise InputError(
            "it is not clear which ions are the mobile ones",
            file=trajectory.name or None,
            key="element",
            found="none named",
            expected=f"one of {', '.join(elements)}",
        )
    return candidates[0]


def element_numbers(trajectory: Trajectory, elements: Sequence[str]) -> IntArray:
    """For each atom the place of its element in the list, -1 where it is not in it."""
    place = {element: number for number, element in enumerate(elements)}
    return np.array([place.get(symbol, -1) for symbol in trajectory.species])


def atom_blocks(
    trajectory: Trajectory, atoms: IntArray, block_bytes: int = BLOCK_BYTES
) -> list[IntArray]:
    """The atoms in blocks whose series over all frames have at most the given size."""
    per_atom = trajectory.n_frames * 3 * np.dtype(np.float64).itemsize
    size = max(block_bytes // max(per_atom, 1), 1)
    return [atoms[start : start + size] for start in range(0, len(atoms), size)]


def first_positions(trajectory: Trajectory, atoms: IntArray) -> FloatArray:
    """Positions (n, 3) in Å of some atoms in the first frame, in the mean cell."""
    return _positions(trajectory, trajectory.read(0, 1, atoms))[0]


def _positions(trajectory: Trajectory, block: FrameBlock) -> FloatArray:
    """Positions in double precision; fractions of a varying cell times the mean one."""
    positions = block.positions.astype(np.float64)
    if trajectory.varying_cell:
        return np.asarray(positions @ np.linalg.inv(block.cells) @ trajectory.cell)
    return positions


def drift_of(
    trajectory: Trajectory,
    framework: Sequence[str] | None = None,
    weight: Weight = "mass",
    cancel: CancelToken | None = None,
) -> FloatArray:
    """Motion of the centre of the framework since the first frame, in Å.

    Parameters
    ----------
    framework : sequence of str, optional
        Elements whose centre is held. By default all atoms; but in a trajectory of one element,
        which has no framework, nothing: the centre of ions that walk at random walks, too.
    weight : {"mass", "equal"}
        Centre of mass, or of the positions.

    Returns
    -------
    (f, 3) array
    """
    elements = elements_of(trajectory)
    if framework is None and len(elements) == 1:
        return np.zeros((trajectory.n_frames, 3))
    atoms = chosen_atoms(trajectory, elements if framework is None else framework)
    weights = masses_of(trajectory)[atoms] if weight == "mass" else np.ones(len(atoms))
    weights = weights / weights.sum()
    centre = np.empty((trajectory.n_frames, 3))
    first = first_positions(trajectory, atoms)
    for block in trajectory.blocks(_FRAMES, atoms):
        if cancel is not None:
            cancel.check()
        # Differences first: far from the origin the mean of positions would lose digits.
        centre[block.start : block.start + len(block)] = np.einsum(
            "a,fai->fi", weights, _positions(trajectory, block) - first
        )
    return centre


def displacement_series(
    trajectory: Trajectory,
    atoms: IntArray,
    drift: FloatArray | None = None,
    cancel: CancelToken | None = None,
) -> FloatArray:
    """Displacements since the first frame in Å, less the drift: (n, 3, f) in float64.

    Where the cell varies, fractional displacements times the mean cell: an even strain is none.
    """
    series = np.empty((len(atoms), 3, trajectory.n_frames))
    first = first_positions(trajectory, atoms)
    for block in trajectory.blocks(_FRAMES, atoms):
        if cancel is not None:
            cancel.check()
        moved = _positions(trajectory, block) - first
        stop = block.start + len(block)
        if drift is not None:
            moved = moved - drift[block.start : stop, None]
        series[:, :, block.start : stop] = moved.transpose(1, 2, 0)
    return series


def velocity_series(
    trajectory: Trajectory,
    atoms: IntArray,
    common: FloatArray | None = None,
    cancel: CancelToken | None = None,
) -> FloatArray:
    """Velocities of the file in Å/ps, less a common one (f, 3): (n, 3, f) in float64.

    Raises
    ------
    InputError
        The trajectory has no velocities.
    """
    series = np.empty((len(atoms), 3, trajectory.n_frames))
    for start, velocities in _velocities(trajectory, atoms, cancel):
        stop = start + len(velocities)
        if common is not None:
            velocities = velocities - common[start:stop, None]
        series[:, :, start:stop] = velocities.transpose(1, 2, 0)
    return series


def centre_velocity(trajectory: Trajectory, cancel: CancelToken | None = None) -> FloatArray:
    """Velocity of the centre of mass of all atoms in Å/ps, (f, 3)."""
    weights = masses_of(trajectory)
    weights = weights / weights.sum()
    centre = np.empty((trajectory.n_frames, 3))
    for start, velocities in _velocities(trajectory, np.arange(trajectory.n_atoms), cancel):
        centre[start : start + len(velocities)] = np.einsum("a,fai->fi", weights, velocities)
    return centre


def _velocities(
    trajectory: Trajectory, atoms: IntArray, cancel: CancelToken | None
) -> Iterator[tuple[int, FloatArray]]:
    for block in trajectory.blocks(_FRAMES, atoms):
        if cancel is not None:
            cancel.check()
        if block.velocities is None:
            raise InputError(
                "the trajectory has no velocities",
                file=trajectory.name or None,
                found="positions only",
                expected="velocities in every frame",
                hint="take them from the positions",
            )
        yield block.start, block.velocities


def directions_matrix(directions: FloatArray | None) -> FloatArray:
    """(3, 3) unit vectors in rows along which motion is told apart; x, y, z by default.

    Raises
    ------
    InputError
        They are not orthonormal, so that the three parts would not add up to the whole.
    """
    rows = np.eye(3) if directions is None else np.asarray(directions, dtype=float)
    if rows.shape != (3, 3) or not np.allclose(rows @ rows.T, np.eye(3), atol=1e-6):
        raise InputError(
            "the directions are not three perpendicular unit vectors",
            key="directions",
            found=rows.tolist(),
            expected="an orthonormal (3, 3) array",
        )
    return rows


def components_along(directions: FloatArray, series: FloatArray) -> FloatArray:
    """Components of Cartesian series (n, 3, f) along three directions."""
    if np.array_equal(directions, np.eye(3)):
        return series
    return np.asarray(np.einsum("ai,nit->nat", directions, series))


def require_fixed_cell(trajectory: Trajectory, quantity: str) -> None:
    """Refuse a trajectory whose cell varies.

    Raises
    ------
    InputError
    """
    if trajectory.varying_cell:
        raise InputError(
            f"{quantity} needs a fixed cell",
            file=trajectory.name or None,
            found="a cell that varies from frame to frame",
            expected="a run at constant volume",
        )


def require_frames(trajectory: Trajectory, frames: int, quantity: str) -> None:
    """Refuse a trajectory that is too short.

    Raises
    ------
    InputError
    """
    if trajectory.n_frames < frames:
        raise InputError(
            f"too few frames for {quantity}",
            file=trajectory.name or None,
            found=trajectory.n_frames,
            expected=f"at least {frames}",
        )
