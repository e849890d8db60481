"""ASE's own .traj, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from simulate.md.formats.raw_trajectory import RawTrajectory, check_finite
from simulate.md.trajectory import FrameBlock

# What ASE raises on files that it does not understand.
_FAILURES = (OSError, ValueError, KeyError, IndexError, TypeError, SyntaxError, RuntimeError)


@dataclass(frozen=True)
class AseFrames:
    """A FrameSource on a .traj file of ASE."""

    path: Path
    has_velocities: bool

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all."""
        from ase.io.trajectory import Trajectory as AseTrajectory

        try:
            with AseTrajectory(self.path, "r") as frames:
                block = _block((frames[index] for index in range(start, stop)), start)
        except _FAILURES as error:
            raise _unreadable(self.path, error) from error
        chosen = slice(None) if atoms is None else atoms
        positions = block.positions[:, chosen]
        velocities = None
        if self.has_velocities and block.velocities is not None:
            velocities = block.velocities[:, chosen]
            check_finite(velocities, "velocities", self.path, start)
        check_finite(positions, "positions", self.path, start)
        return FrameBlock(start, positions, velocities, block.cells)


def read_ase_trajectory(path: Path) -> RawTrajectory:
    """Describe a .traj file; it says nothing of the time between frames.

    Raises
    ------
    InputError
        ASE cannot read it, or the atoms change.
    """
    from ase.io.trajectory import Trajectory as AseTrajectory

    try:
        with AseTrajectory(path, "r") as frames:
            first, count = frames[0], len(frames)
            cells = np.empty((count, 3, 3))
            for index in range(count):
                atoms = frames[index]
                cells[index] = atoms.cell
                _check_same(first, atoms, index, path)
    except _FAILURES as error:
        raise _unreadable(path, error) from error
    speeds = bool(np.any(first.get_velocities()))
    a, b, c = (bool(flag) for flag in first.pbc)
    return RawTrajectory(
        species=tuple(first.get_chemical_symbols()),
        source=AseFrames(path, speeds),
        n_frames=count,
        cells=cells,
        wrapped=True,
        has_velocities=speeds,
        periodic=(a, b, c),
        sha256=sha256_of(path),
    )


def _check_same(first: Any, now: Any, frame: int, path: Path) -> None:
    if len(now) != len(first) or np.any(now.numbers != first.numbers):
        raise InputError(
            "the atoms change",
            file=path,
            found=f"{now.get_chemical_formula()} in frame {frame}",
            expected=first.get_chemical_formula(),
        )


def _block(frames: Iterable[Any], start: int) -> FrameBlock:
    from ase.units import fs

    positions: list[FloatArray] = []
    velocities: list[FloatArray] = []
    cells: list[FloatArray] = []
    for atoms in frames:
        positions.append(atoms.get_positions())
        velocities.append(atoms.get_velocities() * (1000.0 * fs))  # per ASE's time -> Å/ps
        cells.append(np.array(atoms.cell))
    return FrameBlock(start, np.array(positions), np.array(velocities), np.array(cells))


def _unreadable(path: Path, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    return InputError("ASE cannot read the file", file=path, found=str(error)[:120] or None)
