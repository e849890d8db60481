"""Frames on demand out of HDF5 files: positions or displacements in a dataset (f, n, 3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from simulate.md.formats.raw_trajectory import check_finite
from simulate.md.trajectory import FrameBlock

_ATOMS_AT_ONCE = 1024


@dataclass(frozen=True)
class Hdf5Frames:
    """A FrameSource on an HDF5 file: position = base + scale × dataset + images · cell.

    Parameters
    ----------
    path : Path
    positions, velocities, images : str
        Names of datasets (f, n, 3); "" where there are none.
    cells : (f, 3, 3) array, or (1, 3, 3) where the cell is constant
        Rows a, b, c in Å.
    base : (n, 3) array or None
        Sites that displacements are counted from, as fractions of the cell.
    position_scale, velocity_scale : float
        Å and Å/ps per unit of the datasets.
    """

    path: Path
    positions: str
    velocities: str
    cells: FloatArray
    images: str = ""
    base: FloatArray | None = None
    position_scale: float = 1.0
    velocity_scale: float = 1.0

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all.

        Raises
        ------
        InputError
            A number is not finite, or the file cannot be read.
        """
        cells = np.asarray(
            self.cells[start:stop]
            if len(self.cells) > 1
            else np.broadcast_to(self.cells[0], (stop - start, 3, 3))
        )
        with open_hdf5(self.path) as h5:
            positions = _rows(h5[self.positions], start, stop, atoms, self.position_scale)
            velocities = None
            if self.velocities:
                velocities = _rows(h5[self.velocities], start, stop, atoms, self.velocity_scale)
            if self.images:
                images = _rows(h5[self.images], start, stop, atoms, 1.0)
                positions += np.matmul(images, cells)
        if self.base is not None:
            base = self.base if atoms is None else self.base[atoms]
            for index in range(len(positions)):
                positions[index] += base @ cells[index]
        check_finite(positions, "positions", self.path, start)
        if velocities is not None:
            check_finite(velocities, "velocities", self.path, start)
        return FrameBlock(start, positions, velocities, cells)


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """The file for reading, also while another program writes it.

    Raises
    ------
    InputError
        It cannot be read; also when it breaks off within a dataset.
    """
    try:
        with h5py.File(path, "r", locking=False) as h5:
            yield h5
    except OSError as error:
        raise InputError("the HDF5 file is broken or cannot be read", file=path) from error


def _rows(
    dataset: h5py.Dataset, start: int, stop: int, atoms: IntArray | None, scale: float
) -> FloatArray:
    """Frames and atoms of a dataset in double precision, times a scale."""
    if atoms is None:
        values = dataset[start:stop].astype(np.float64)
    else:
        values = _some_atoms(dataset, start, stop, np.asarray(atoms))
    if scale != 1.0:
        values *= scale
    return np.asarray(values)


def _some_atoms(dataset: h5py.Dataset, start: int, stop: int, atoms: IntArray) -> FloatArray:
    """Block by block of atoms, because HDF5 picks single atoms very slowly."""
    values = np.empty((stop - start, len(atoms), 3))
    blocks = atoms // _ATOMS_AT_ONCE
    for block in np.unique(blocks):
        wanted = np.flatnonzero(blocks == block)
        low, high = int(atoms[wanted].min()), int(atoms[wanted].max()) + 1
        values[:, wanted] = dataset[start:stop, low:high][:, atoms[wanted] - low]
    return values
