"""The store of a trajectory: one HDF5 file in the manner of H5MD, quick by frames and by atoms.

`particles/all` holds species, ids, box, the sites that displacements are counted from, and in
single precision the displacements and velocities, in chunks of 256 frames and 1024 atoms: a
block of frames and the whole life of some atoms are both read without touching much else.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, Protocol

import h5py
import numpy as np

from ixs_core.arrays import FloatArray
from ixs_core.atomic import atomic_write
from ixs_core.enduring_file import EnduringFile
from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from ixs_core.provenance import versions_of
from simulate.md.formats.hdf5_frames import Hdf5Frames, open_hdf5
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.trajectory import Trajectory
from simulate.md.unwrapping import LARGE_STEP, UnwrappedFrames

CHUNK_FRAMES, CHUNK_ATOMS = 256, 1024
FORMAT = "ixs trajectory 1"

_ATOMS = "particles/all"
_NUMBERS_AT_ONCE = 1 << 20  # atoms times frames read in one piece


class Observable(NamedTuple):
    """A quantity of every frame.

    Parameters
    ----------
    values : (f, ...) array
    unit : str
    """

    values: FloatArray
    unit: str


def write_store(
    trajectory: Trajectory,
    path: str | Path,
    *,
    observables: Mapping[str, Observable] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Write a trajectory to a store, in flat memory, whole or not at all.

    Displacements are counted from the reference of the trajectory, else from its first frame.
    Single precision keeps a displacement of 10 Å to 5e-7 Å.

    Parameters
    ----------
    trajectory : Trajectory
    path : path
        An earlier store is replaced; any other file is not.
    observables : mapping of str to Observable, optional
        What else is known of every frame.
    progress : callable, optional
        Called with (frames done, frames, text).
    cancel : CancelToken, optional

    Raises
    ------
    InputError
        The file is something else than a store, the disk is full or not writable, or a frame
        cannot be read.
    Cancelled
    """
    target = Path(path)
    refuse_other_file(target)
    _check_room(trajectory, target)
    with atomic_write(target) as temporary, closing(EnduringFile(temporary, target)) as stream:
        with h5py.File(stream, "w", libver="latest") as h5:
            base = _describe(h5, trajectory)
            for name, observable in (observables or {}).items():
                _write_observable(h5, name, observable, trajectory.dt_fs)
            digest = hashlib.sha256(trajectory.sha256.encode())
            for chunk in _chunks(trajectory, base, cancel):
                _write_chunk(h5[_ATOMS], chunk, digest)
                # A write that failed lives on in memory: stop before it grows.
                if stream.failure is not None:
                    break
                if progress is not None:
                    progress(chunk.stop, trajectory.n_frames, target.name)
            h5.attrs["content_sha256"] = digest.hexdigest()
            h5.attrs["notes"] = json.dumps([*trajectory.notes, *_unsure_steps(trajectory)])
        if stream.failure is not None:
            raise stream.failure


def refuse_other_file(path: Path) -> None:
    """Raise an InputError where a file exists that is no store: a project, somebody's data."""
    if not path.exists():
        return
    try:
        with h5py.File(path, "r", locking=False) as h5:
            known = is_store(h5)
    except OSError:
        known = False
    if not known:
        raise InputError(
            "this file exists and is no store of a trajectory",
            file=path,
            hint="choose another name: nothing is written over it",
        )


def is_store(h5: h5py.File) -> bool:
    """Whether the file is a store."""
    return h5.attrs.get("format") == FORMAT


def read_store(path: Path) -> RawTrajectory:
    """Describe a store; its frames are read when they are needed.

    Raises
    ------
    InputError
        A part is missing.
    """
    with open_hdf5(path) as h5:
        try:
            atoms = h5[_ATOMS]
            kinds = h5py.check_enum_dtype(atoms["species"].dtype)
            symbols = {number: symbol for symbol, number in kinds.items()}
            edges = atoms["box/edges"]
            varying = isinstance(edges, h5py.Group)
            cells = edges["value"][()] if varying else edges[()][None]
            sites = atoms["reference"][()]
            displacement = atoms["displacement/value"]
            kelvin = h5.attrs.get("temperature_k")
            return RawTrajectory(
                species=tuple(symbols[number] for number in atoms["species"][()]),
                source=Hdf5Frames(
                    path=path,
                    positions=displacement.name,
                    velocities=atoms["velocity/value"].name if "velocity" in atoms else "",
                    cells=cells,
                    base=sites @ np.linalg.inv(cells.mean(axis=0)),
                ),
                n_frames=len(displacement),
                cells=cells,
                wrapped=False,
                has_velocities="velocity" in atoms,
                dt_fs=float(atoms["displacement/time"][()]),
                reference=sites if atoms["reference"].attrs["kind"] == "sites" else None,
                temperature_k=None if kelvin is None else float(kelvin),
                sha256=str(h5.attrs["content_sha256"]),
                notes=tuple(json.loads(h5.attrs["notes"])),
            )
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise InputError(
                "the store is damaged", file=path, found=str(error), hint="convert again"
            ) from error


def _check_room(trajectory: Trajectory, target: Path) -> None:
    numbers = trajectory.n_frames * trajectory.n_atoms * 3 * (1 + trajectory.has_velocities)
    folder = target.resolve().parent
    if not folder.is_dir():
        return  # the write says so
    free = shutil.disk_usage(folder).free
    if 4 * numbers > free:
        raise InputError(
            "the disk has too little room",
            file=target,
            found=f"{free / 1e9:.1f} GB",
            expected=f"{4 * numbers / 1e9:.1f} GB",
        )


def _describe(h5: h5py.File, trajectory: Trajectory) -> FloatArray:
    """Write all but the frames; the base of the displacements as fractions of the mean cell."""
    from ase.data import atomic_numbers

    versions = versions_of(("ixs-suite",))
    h5.attrs.update(
        {"format": FORMAT, "source_name": trajectory.name, "source_sha256": trajectory.sha256}
    )
    if trajectory.temperature_k is not None:
        h5.attrs["temperature_k"] = trajectory.temperature_k
    h5.create_group("h5md").attrs["version"] = np.array([1, 1])
    h5.create_group("h5md/author").attrs["name"] = "ixs-suite"
    h5.create_group("h5md/creator").attrs.update(
        {"name": "ixs-suite", "version": versions.get("ixs-suite", "")}
    )
    atoms = h5.create_group(_ATOMS)
    names = {symbol: atomic_numbers[symbol] for symbol in sorted(set(trajectory.species))}
    numbers = np.array([names[symbol] for symbol in trajectory.species], dtype=np.uint8)
    kinds = h5py.enum_dtype(names, basetype=np.uint8)
    atoms.create_dataset("species", data=numbers, dtype=kinds)
    atoms["id"] = np.arange(1, trajectory.n_atoms + 1)
    sites = trajectory.reference
    first = trajectory.read(0, 1)
    if sites is None:
        sites = first.positions[0] @ np.linalg.inv(first.cells[0]) @ trajectory.cell
    atoms["reference"] = sites
    atoms["reference"].attrs["kind"] = "sites" if trajectory.reference is not None else "frame 0"
    atoms["reference"].attrs["unit"] = "Angstrom"
    box = atoms.create_group("box")
    box.attrs.update({"dimension": 3, "boundary": ["periodic"] * 3})
    _create_frames(atoms, trajectory)
    return np.asarray(sites @ np.linalg.inv(trajectory.cell))


def _create_frames(atoms: h5py.Group, trajectory: Trajectory) -> None:
    shape = (trajectory.n_frames, trajectory.n_atoms, 3)
    chunks = (min(CHUNK_FRAMES, shape[0]), min(CHUNK_ATOMS, shape[1]), 3)
    names = {"displacement": "Angstrom"}
    if trajectory.has_velocities:
        names["velocity"] = "Angstrom ps-1"
    for name, unit in names.items():
        group = atoms.create_group(name)
        group["step"] = 1
        group["time"] = trajectory.dt_fs
        group["time"].attrs["unit"] = "fs"
        data = group.create_dataset("value", shape, dtype=np.float32, chunks=chunks)
        data.attrs["unit"] = unit
    if trajectory.varying_cell:
        edges = atoms.create_group("box/edges")
        edges.create_dataset("value", (trajectory.n_frames, 3, 3), dtype=np.float64)
    else:
        atoms["box/edges"] = trajectory.cell


def _write_observable(h5: h5py.File, name: str, observable: Observable, dt_fs: float) -> None:
    group = h5.create_group(f"observables/{name}")
    group["step"] = 1
    group["time"] = dt_fs
    group["time"].attrs["unit"] = "fs"
    group["value"] = observable.values
    group["value"].attrs["unit"] = observable.unit


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


class _Chunk(NamedTuple):
    """Frames of one row of chunks, in the precision of the store."""

    start: int
    displacements: FloatArray
    velocities: FloatArray | None
    cells: FloatArray

    @property
    def stop(self) -> int:
        return self.start + len(self.displacements)


def _chunks(
    trajectory: Trajectory, base: FloatArray, cancel: CancelToken | None
) -> Iterator[_Chunk]:
    """Frames for the store, read in pieces so small that double precision costs little memory."""
    piece = max(1, min(CHUNK_FRAMES, _NUMBERS_AT_ONCE // trajectory.n_atoms))
    for start in range(0, trajectory.n_frames, CHUNK_FRAMES):
        stop = min(start + CHUNK_FRAMES, trajectory.n_frames)
        displacements = np.empty((stop - start, trajectory.n_atoms, 3), dtype=np.float32)
        velocities = np.empty_like(displacements) if trajectory.has_velocities else None
        cells = np.empty((stop - start, 3, 3))
        for at in range(start, stop, piece):
            if cancel is not None:
                cancel.check()
            block = trajectory.read(at, min(at + piece, stop))
            here = slice(at - start, at - start + len(block))
            displacements[here] = block.positions - np.matmul(base, block.cells)
            cells[here] = block.cells
            if velocities is not None and block.velocities is not None:
                velocities[here] = block.velocities
        yield _Chunk(start, displacements, velocities, cells)


def _write_chunk(atoms: h5py.Group, chunk: _Chunk, digest: _Digest) -> None:
    here = slice(chunk.start, chunk.stop)
    atoms["displacement/value"][here] = chunk.displacements
    digest.update(chunk.displacements.tobytes())
    if chunk.velocities is not None:
        atoms["velocity/value"][here] = chunk.velocities
        digest.update(chunk.velocities.tobytes())
    if isinstance(atoms["box/edges"], h5py.Group):
        atoms["box/edges/value"][here] = chunk.cells


def _unsure_steps(trajectory: Trajectory) -> tuple[str, ...]:
    source = trajectory.source
    if not isinstance(source, UnwrappedFrames) or not source.large_steps:
        return ()
    return (
        f"unwrapped by minimum image: {source.large_steps} steps exceed {LARGE_STEP} of the cell",
    )
