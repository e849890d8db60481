"""Positions with the forces that belong to them, from which force constants are fitted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.trajectory import Trajectory

_EVERY_TENTH = "forces_every_10th_frame"
_FIRST, _STEP = 9, 10  # entry i of these forces belongs to frame 10 i + 9
_HDF5 = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class ForceSnapshots:
    """Snapshots of a supercell.

    Parameters
    ----------
    species : tuple of str
        Element of every atom.
    cell : (3, 3) array
        Rows in Å.
    positions : (f, n, 3) array
        Å, unwrapped.
    forces : (f, n, 3) array
        eV/Å.
    mean_positions : (n, 3) array
        Å, over all frames of the trajectory, also those without forces.
    ideal_positions : (n, 3) array or None
        Sites of the perfect crystal, where they are known: they tell the symmetry.
    name : str
        Of the file.
    """

    species: tuple[str, ...]
    cell: FloatArray
    positions: FloatArray
    forces: FloatArray
    mean_positions: FloatArray
    ideal_positions: FloatArray | None = None
    name: str = ""

    def __len__(self) -> int:
        return len(self.positions)


def read_force_snapshots(path: str | Path) -> ForceSnapshots:
    """Snapshots from a file that holds forces.

    An HDF5 file with `positions`, `cell`, `numbers` and `forces` of every frame (or
    `forces_every_10th_frame`, whose entry i belongs to frame 10 i + 9), or what ASE reads:
    extended XYZ, vasprun.xml, OUTCAR, .traj.

    Raises
    ------
    InputError
        No forces in it, arrays that do not fit each other, frames of different atoms.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            hdf5 = stream.read(8) == _HDF5
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error
    return _from_hdf5(file) if hdf5 else _from_ase(file)


def snapshots_of_trajectory(
    trajectory: Trajectory,
    calculator: Any,
    every: int = 10,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ForceSnapshots:
    """Forces of every n-th frame of a trajectory, by an ASE calculator.

    Raises
    ------
    InputError
        Fewer than two frames, or a cell that varies.
    """
    if trajectory.varying_cell or trajectory.n_frames < 2:
        raise InputError(
            "force constants need a trajectory of one cell and two frames or more",
            file=trajectory.name or None,
            hint="run at constant volume",
        )
    from ase import Atoms

    frames = range(every - 1 if trajectory.n_frames >= every else 0, trajectory.n_frames, every)
    atoms = Atoms(trajectory.species, cell=trajectory.cell, pbc=True)
    positions, forces = [], []
    for done, frame in enumerate(frames):
        if cancel is not None:
            cancel.check()
        found = np.asarray(trajectory.read(frame, frame + 1).positions[0], dtype=float)
        atoms.positions = found
        positions.append(found)
        forces.append(calculator.get_forces(atoms))
        if progress is not None:
            progress(done + 1, len(frames), "forces")
    mean = np.zeros((trajectory.n_atoms, 3))
    for block in trajectory.blocks():
        mean += np.asarray(block.positions, dtype=float).sum(axis=0)
    return ForceSnapshots(
        trajectory.species,
        np.asarray(trajectory.cell, dtype=float),
        np.array(positions),
        np.array(forces),
        mean / trajectory.n_frames,
        trajectory.reference,
        trajectory.name,
    )


def _from_hdf5(file: Path) -> ForceSnapshots:
    from ase.data import chemical_symbols

    try:
        with h5py.File(file, "r", locking=False) as h5:
            missing = [key for key in ("positions", "cell", "numbers") if key not in h5]
            if missing or not {"forces", _EVERY_TENTH} & set(h5):
                raise InputError(
                    "no forces with their positions",
                    file=file,
                    found=", ".join(list(h5)[:12]),
                    expected="positions, cell, numbers and forces",
                    hint="or compute forces with a calculator",
                )
            positions = np.asarray(h5["positions"][()], dtype=float)
            sparse = "forces" not in h5
            forces = np.asarray(h5[_EVERY_TENTH if sparse else "forces"][()], dtype=float)
            cell, numbers = np.asarray(h5["cell"][()], dtype=float), np.asarray(h5["numbers"][()])
            ideal = np.asarray(h5["ideal_positions"][()]) if "ideal_positions" in h5 else None
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", file=file) from error
    mean = positions.mean(axis=0)
    if sparse:
        positions = positions[_FIRST::_STEP]
    if np.any(numbers < 1) or np.any(numbers >= len(chemical_symbols)):
        raise InputError("no atomic numbers", file=file, key="numbers")
    species = tuple(chemical_symbols[int(number)] for number in numbers)
    return checked_snapshots(
        ForceSnapshots(species, cell, positions[: len(forces)], forces, mean, ideal, file.name)
    )


def _from_ase(file: Path) -> ForceSnapshots:
    from ase.io import read

    try:
        images: Any = read(file, index=":")
        forces = np.array([image.get_forces() for image in images])
    except Exception as error:  # ASE's readers raise anything
        raise InputError(
            f"no snapshots with forces: {error}", file=file, expected="positions and forces"
        ) from error
    first = images[0]
    if any(str(image.symbols) != str(first.symbols) for image in images):
        raise InputError("frames of different atoms", file=file)
    if any(np.abs(image.cell[:] - first.cell[:]).max() > 1e-6 for image in images):
        raise InputError("the cell varies", file=file, hint="run at constant volume")
    steps = np.array([image.get_scaled_positions(wrap=False) for image in images])
    # Each frame beside the one before it: what was wrapped is continuous again.
    steps[1:] -= np.cumsum(np.round(np.diff(steps, axis=0)), axis=0)
    positions = steps @ first.cell[:]
    return checked_snapshots(
        ForceSnapshots(
            tuple(first.get_chemical_symbols()),
            np.array(first.cell[:]),
            positions,
            forces,
            positions.mean(axis=0),
            None,
            file.name,
        )
    )


def checked_snapshots(snapshots: ForceSnapshots) -> ForceSnapshots:
    """The same, when its arrays fit each other and are finite; InputError when not."""
    shape = (len(snapshots.forces), len(snapshots.species), 3)
    found = (snapshots.positions.shape, snapshots.forces.shape)
    if found != (shape, shape) or snapshots.cell.shape != (3, 3) or not len(snapshots):
        raise InputError(
            "positions and forces do not fit each other",
            file=snapshots.name or None,
            found=f"positions {found[0]}, forces {found[1]}",
            expected="(frames, atoms, 3) twice",
        )
    if not (np.isfinite(snapshots.positions).all() and np.isfinite(snapshots.forces).all()):
        raise InputError("positions or forces that are not finite", file=snapshots.name or None)
    return snapshots
