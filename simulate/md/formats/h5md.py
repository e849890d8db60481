"""H5MD files, such as `dump h5md` of LAMMPS writes.

P. de Buyl, P. H. Colberg & F. Höfling, Comput. Phys. Commun. 185, 1546 (2014).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from simulate.md.formats.elements import TypeMap, elements_of_types, symbol_of
from simulate.md.formats.hdf5_frames import Hdf5Frames, open_hdf5
from simulate.md.formats.raw_trajectory import RawTrajectory

_LENGTHS = {"": 1.0, "angstrom": 1.0, "a": 1.0, "å": 1.0, "nm": 10.0}
_TIMES = {"fs": 1.0, "ps": 1000.0}
_UNITS = {"metal": "ps", "real": "fs"}


def is_h5md(h5: h5py.File) -> bool:
    """Whether the file is H5MD with positions of particles."""
    return "particles" in h5 and any("position" in group for group in _groups(h5))


def read_h5md(
    path: Path, *, type_map: TypeMap | None = None, units: str | None = None
) -> RawTrajectory:
    """Describe an H5MD file; its frames are read when they are needed.

    Parameters
    ----------
    type_map : mapping, optional
        Element of each species number, where the file does not name them.
    units : "metal" (times in ps) or "real" (fs), optional
        Where the file does not say; LAMMPS does not. Metal by default.

    Raises
    ------
    InputError
        There are no elements, the units are not known, or datasets do not fit.
    """
    if units not in (None, *_UNITS):
        raise InputError("these units are not known", key="units", found=units, expected="metal")
    notes: list[str] = []
    with open_hdf5(path) as h5:
        group = next(group for group in _groups(h5) if "position" in group)
        position = group["position/value"]
        shape = position.shape
        if len(shape) != 3 or shape[2] != 3:
            raise InputError(
                "positions are not (frames, atoms, 3)", file=path, key=position.name, found=shape
            )
        periodic = _periodic(group)
        time_unit = _unit(group["position/time"]) if "time" in group["position"] else ""
        if time_unit not in _TIMES:
            time_unit = _UNITS[units or "metal"]
            notes += [] if units else ["times are taken as ps (LAMMPS units metal)"]
        has_velocities = _has_velocities(group, notes)
        images = "image/value" in group and group["image/value"].shape == shape
        source = Hdf5Frames(
            path=path,
            positions=position.name,
            velocities=group["velocity/value"].name if has_velocities else "",
            cells=_cells(group, shape[0], path),
            images=group["image/value"].name if images else "",
            position_scale=_length(position, path),
            velocity_scale=_speed(group, time_unit, path) if has_velocities else 1.0,
        )
        species = _species(group, type_map, path, shape[1])
        dt_fs, interval = _interval(group["position"], shape[0], path)
    return RawTrajectory(
        species=species,
        source=source,
        n_frames=shape[0],
        cells=source.cells,
        wrapped=not images,
        has_velocities=has_velocities,
        dt_fs=None if dt_fs is None else dt_fs * _TIMES[time_unit],
        interval=interval,
        periodic=periodic,
        sha256=sha256_of(path),
        notes=tuple(notes),
    )


def _groups(h5: h5py.File) -> list[h5py.Group]:
    return [group for group in h5["particles"].values() if isinstance(group, h5py.Group)]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _unit(dataset: h5py.Dataset) -> str:
    return _text(dataset.attrs.get("unit", "")).strip().lower()


def _length(dataset: h5py.Dataset, path: Path) -> float:
    unit = _unit(dataset)
    if unit not in _LENGTHS:
        raise InputError("the unit of length is not known", file=path, key=dataset.name, found=unit)
    return _LENGTHS[unit]


def _speed(group: h5py.Group, time_unit: str, path: Path) -> float:
    """Å/ps per unit of the velocities ("Angstrom ps-1"; without one, as lengths and times are)."""
    dataset = group["velocity/value"]
    words = _unit(dataset).replace("/", " ").replace("-1", "").split()
    if not words:
        return _length(group["position/value"], path) * 1000.0 / _TIMES[time_unit]
    if len(words) != 2 or words[0] not in _LENGTHS or words[1] not in _TIMES:
        raise InputError(
            "the unit of velocity is not known", file=path, key=dataset.name, found=_unit(dataset)
        )
    return _LENGTHS[words[0]] * 1000.0 / _TIMES[words[1]]


def _has_velocities(group: h5py.Group, notes: list[str]) -> bool:
    """Whether there are velocities of the same frames as the positions."""
    if "velocity/value" not in group:
        return False
    if group["velocity/value"].shape == group["position/value"].shape:
        return True
    notes.append("velocities are of other frames than the positions and were left out")
    return False


def _periodic(group: h5py.Group) -> tuple[bool, bool, bool]:
    flags = [_text(flag) == "periodic" for flag in group["box"].attrs.get("boundary", ())]
    return (flags[0], flags[1], flags[2]) if len(flags) == 3 else (True, True, True)


def _cells(group: h5py.Group, n_frames: int, path: Path) -> FloatArray:
    """Cells (f or 1, 3, 3) in Å from the edges: lengths or vectors, constant or by frame."""
    edges = group.get("box/edges")
    if edges is None:
        raise InputError("the file has no box", file=path, key=f"{group.name}/box/edges")
    dataset = edges["value"] if isinstance(edges, h5py.Group) else edges
    values = np.asarray(dataset[()], dtype=float) * _length(group["position/value"], path)
    if dataset is edges:
        values = values[None]
    if values.ndim == 2:
        values = values[:, :, None] * np.eye(3)
    if values.shape[1:] != (3, 3) or len(values) not in (1, n_frames):
        raise InputError(
            "the box does not fit the frames",
            file=path,
            key=dataset.name,
            found=dataset.shape,
            expected=f"one box, or {n_frames} of them",
        )
    return values[:1] if np.all(values == values[0]) else values


def _species(
    group: h5py.Group, type_map: TypeMap | None, path: Path, n_atoms: int
) -> tuple[str, ...]:
    item = group.get("species")
    if item is None:
        raise InputError(
            "the file names neither elements nor types",
            file=path,
            key=f"{group.name}/species",
            hint="dump the species too (dump h5md … species)",
        )
    dataset = item["value"] if isinstance(item, h5py.Group) else item
    values = dataset[()] if dataset.ndim == 1 else dataset[0]
    if len(values) != n_atoms:
        raise InputError("species do not fit the positions", file=path, key=dataset.name)
    kinds = h5py.check_enum_dtype(dataset.dtype)
    if kinds and not type_map:
        names = {number: name for name, number in kinds.items()}
        return tuple(symbol_of(names[int(value)]) or names[int(value)] for value in values)
    if dataset.dtype.kind in "SO":
        return tuple(symbol_of(_text(value)) or _text(value) for value in values)
    return elements_of_types([int(value) for value in values], type_map, path)


def _interval(position: h5py.Group, n_frames: int, path: Path) -> tuple[float | None, str]:
    """Time between frames in the file's unit, and the distance in steps in words."""
    if n_frames < 2:
        return None, ""
    found: dict[str, float] = {}
    for name in ("step", "time"):
        if name not in position:
            continue
        values = np.asarray(position[name][()], dtype=float)
        if values.ndim == 0:
            found[name] = float(values)
            continue
        gaps = np.diff(values[:n_frames])
        if gaps.min() <= 0 or np.ptp(gaps) > 1e-3 * gaps.mean():
            raise InputError(
                "frames are not equally far apart",
                file=path,
                key=position[name].name,
                found=f"{gaps.min():g} to {gaps.max():g}",
            )
        found[name] = float(gaps.mean())
    text = f"frames are {found['step']:g} steps apart" if "step" in found else ""
    return found.get("time") or None, text
