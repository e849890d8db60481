"""HDF5 files with `positions` or `displacement_i16` beside `ideal_positions`, cell and numbers.

Two layouts: positions (Å, unwrapped) and velocities (Å/ps) in single precision; and
displacements from the ideal sites and velocities in 16-bit integers with a scale each.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from simulate.md.formats.hdf5_frames import Hdf5Frames, open_hdf5
from simulate.md.formats.raw_trajectory import RawTrajectory

_LAYOUTS = (  # positions, their scale, velocities, their scale
    ("positions", "", "velocities", ""),
    ("displacement_i16", "scale_angstrom", "velocity_i16", "scale_angstrom_per_ps"),
)


def is_plain_hdf5(h5: h5py.File) -> bool:
    """Whether the file has one of the two layouts."""
    return "numbers" in h5 and "cell" in h5 and any(layout[0] in h5 for layout in _LAYOUTS)


def read_plain_hdf5(path: Path) -> RawTrajectory:
    """Describe such a file; its frames are read when they are needed.

    Raises
    ------
    InputError
        A dataset is missing or does not fit the others.
    """
    from ase.data import chemical_symbols

    with open_hdf5(path) as h5:
        layout = next(layout for layout in _LAYOUTS if layout[0] in h5)
        positions, scale, velocities, velocity_scale = layout
        shape = h5[positions].shape
        numbers = h5["numbers"][()]
        ideal = h5["ideal_positions"][()] if "ideal_positions" in h5 else None
        cell = np.asarray(h5["cell"][()], dtype=float)
        if scale and (ideal is None or scale not in h5[positions].attrs):
            raise InputError(
                "displacements need their sites and their scale",
                file=path,
                key=positions,
                expected=f"dataset ideal_positions and attribute {scale}",
            )
        fits = len(shape) == 3 and shape[1:] == (len(numbers), 3) and cell.shape == (3, 3)
        if not fits or (ideal is not None and ideal.shape != shape[1:]):
            raise InputError(
                "the datasets do not fit each other",
                file=path,
                key=positions,
                found=f"{positions} {shape}, numbers {numbers.shape}, cell {cell.shape}",
                expected="(frames, atoms, 3), (atoms,), (3, 3)",
            )
        has_velocities = velocities in h5 and h5[velocities].shape == shape
        source = Hdf5Frames(
            path=path,
            positions=positions,
            velocities=velocities if has_velocities else "",
            cells=cell[None],
            base=ideal @ np.linalg.inv(cell) if scale else None,
            position_scale=float(h5[positions].attrs[scale]) if scale else 1.0,
            velocity_scale=float(h5[velocities].attrs.get(velocity_scale, 1.0))
            if has_velocities and velocity_scale
            else 1.0,
        )
        interval = h5.attrs.get("frame_interval_fs")
        kelvin = h5.attrs.get("target_T")
    return RawTrajectory(
        species=tuple(chemical_symbols[number] for number in numbers),
        source=source,
        n_frames=shape[0],
        cells=source.cells,
        wrapped=False,
        has_velocities=has_velocities,
        dt_fs=None if interval is None else float(interval),
        reference=ideal,
        temperature_k=None if kelvin is None else float(kelvin),
        sha256=sha256_of(path),
    )
