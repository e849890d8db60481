"""What a reader of one format hands on: frames as the file has them, and what it says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.trajectory import FrameBlock, FrameSource


@dataclass(frozen=True)
class RawTrajectory:
    """A trajectory before unwrapping and before its time step is settled.

    Parameters
    ----------
    species : tuple of str
        Element of every atom.
    source : FrameSource
        Cartesian positions in Å from the corner of the cell, velocities in Å/ps.
    n_frames : int
    cells : (f, 3, 3) array, or (1, 3, 3) where the cell is constant
        Rows a, b, c in Å.
    wrapped : bool
        Whether atoms that leave the cell come back on the other side. Also where the file does
        not say so: atoms that move less than half the cell between frames are left as they are.
    has_velocities : bool
    dt_fs : float or None
        Time between frames, where the file states it.
    interval : str
        What the file says of that time otherwise ("frames are 50 steps apart").
    periodic : tuple of bool
        Along a, b, c.
    reference : (n, 3) array or None
        Ideal sites in Å.
    temperature_k : float or None
    sha256 : str
    notes : tuple of str
    """

    species: tuple[str, ...]
    source: FrameSource
    n_frames: int
    cells: FloatArray
    wrapped: bool
    has_velocities: bool
    dt_fs: float | None = None
    interval: str = ""
    periodic: tuple[bool, bool, bool] = (True, True, True)
    reference: FloatArray | None = None
    temperature_k: float | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeldFrames:
    """Frames held in memory, for formats that are read at once.

    Parameters
    ----------
    positions : (f, n, 3) array
    velocities : (f, n, 3) array or None
    cells : (f, 3, 3) array
    """

    positions: FloatArray
    velocities: FloatArray | None
    cells: FloatArray

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all."""
        chosen = slice(None) if atoms is None else atoms
        speeds = self.velocities
        return FrameBlock(
            start=start,
            positions=np.array(self.positions[start:stop][:, chosen], dtype=float),
            velocities=None if speeds is None else np.array(speeds[start:stop][:, chosen], float),
            cells=self.cells[start:stop],
        )


def check_finite(values: FloatArray, what: str, path: object, first: int) -> None:
    """InputError naming frame (from 0) and atom (from 1) of the first number that is not one.

    Parameters
    ----------
    values : (f, n, 3) array
    first : int
        Number of its first frame.
    """
    # The sum is finite where all are: one pass, and no array of flags.
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad) == 0:
        return
    frame, atom, axis = bad[0]
    raise InputError(
        f"{what} are not finite",
        file=str(path),
        found=f"{values[frame, atom, axis]} in frame {first + frame} (from 0), atom {atom + 1}",
        expected="numbers",
        hint="the run may have blown up there",
    )
