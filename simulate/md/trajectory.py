"""A trajectory of any length: what it holds, and frames read from it as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ixs_core.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class FrameBlock:
    """Consecutive frames.

    Parameters
    ----------
    start : int
        Number of the first frame, from 0.
    positions : (f, n, 3) array
        Cartesian in Å, unwrapped: continuous from frame to frame, in the order of the species.
    velocities : (f, n, 3) array or None
        Å/ps.
    cells : (f, 3, 3) array
        Rows a, b, c in Å of every frame.
    """

    start: int
    positions: FloatArray
    velocities: FloatArray | None
    cells: FloatArray

    def __len__(self) -> int:
        return len(self.positions)


class FrameSource(Protocol):
    """Where frames come from: a store, or a text file with an index of its frames."""

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all."""
        ...


@dataclass(frozen=True)
class Trajectory:
    """A trajectory; its frames stay in the file until they are read.

    Parameters
    ----------
    species : tuple of str
        Element of every atom, in the order of all arrays.
    cell : (3, 3) array
        Rows a, b, c in Å; the mean where it varies.
    n_frames : int
    dt_fs : float
        Time from frame to frame.
    source : FrameSource
    has_velocities : bool
    varying_cell : bool
    reference : (n, 3) array or None
        Ideal sites, Cartesian in Å, where the file has them.
    temperature_k : float or None
        Where the file states it.
    name, sha256 : str
        Of the file.
    notes : tuple of str
        What was repaired, dropped or assumed, with counts.
    """

    species: tuple[str, ...]
    cell: FloatArray
    n_frames: int
    dt_fs: float
    source: FrameSource
    has_velocities: bool = False
    varying_cell: bool = False
    reference: FloatArray | None = None
    temperature_k: float | None = None
    name: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.species)

    @property
    def duration_ps(self) -> float:
        """Time from the first to the last frame."""
        return (self.n_frames - 1) * self.dt_fs / 1000.0

    def atoms_of(self, element: str) -> IntArray:
        """Indices of the atoms of an element."""
        return np.flatnonzero(np.array(self.species) == element)

    def read(
        self, start: int = 0, stop: int | None = None, atoms: IntArray | None = None
    ) -> FrameBlock:
        """Frames start … stop - 1 (None: to the end), of some atoms or of all."""
        end = self.n_frames if stop is None else min(stop, self.n_frames)
        return self.source.read(start, end, atoms)

    def blocks(self, frames: int = 256, atoms: IntArray | None = None) -> Iterator[FrameBlock]:
        """All frames in blocks, so that memory stays flat."""
        for start in range(0, self.n_frames, frames):
            yield self.read(start, start + frames, atoms)
