"""A trajectory held in memory, for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ixs_core.arrays import FloatArray, IntArray
from simulate.md.trajectory import FrameBlock, Trajectory


@dataclass(frozen=True)
class MemorySource:
    """Frames from arrays."""

    positions: FloatArray
    velocities: FloatArray | None
    cell: FloatArray

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1."""
        chosen = slice(None) if atoms is None else atoms
        return FrameBlock(
            start=start,
            positions=self.positions[start:stop][:, chosen],
            velocities=None if self.velocities is None else self.velocities[start:stop][:, chosen],
            cells=np.broadcast_to(self.cell, (len(self.positions[start:stop]), 3, 3)),
        )


def memory_trajectory(
    positions: ArrayLike,
    species: tuple[str, ...],
    cell: ArrayLike,
    dt_fs: float = 1.0,
    velocities: ArrayLike | None = None,
) -> Trajectory:
    """A trajectory of (f, n, 3) positions in Å and, if given, velocities in Å/ps."""
    moved = np.asarray(positions, dtype=float)
    box = np.asarray(cell, dtype=float)
    speeds = None if velocities is None else np.asarray(velocities, dtype=float)
    return Trajectory(
        species=species,
        cell=box,
        n_frames=len(moved),
        dt_fs=dt_fs,
        source=MemorySource(moved, speeds, box),
        has_velocities=speeds is not None,
    )
