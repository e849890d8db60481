"""Trajectories from files of any format, recognised by their content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ixs_core.errors import InputError
from ixs_core.jobs import CancelToken, Progress
from simulate.md.formats.elements import TypeMap, check_elements
from simulate.md.formats.raw_trajectory import RawTrajectory
from simulate.md.time_step import settle_time_step
from simulate.md.trajectory import FrameSource, Trajectory
from simulate.md.unwrapping import UnwrappedFrames

_HEAD = 1 << 16
_HDF5 = b"\x89HDF\r\n\x1a\n"
_MARKS = (
    (b"ITEM: TIMESTEP", "lammps"),
    (b"configuration=", "xdatcar"),
    (b"<modeling>", "vasprun"),
)


def read_trajectory(
    path: str | Path,
    type_map: TypeMap | None = None,
    dt_fs: float | None = None,
    *,
    units: str | None = None,
    topology: str | Path | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Trajectory:
    """Open a trajectory; its frames stay in the file until they are read.

    LAMMPS text dumps, extended XYZ, H5MD, XDATCAR (all also compressed, where they are text),
    vasprun.xml, ASE .traj, the store of `ixs md convert`, and what MDAnalysis reads. Positions
    are unwrapped by minimum image where the file has neither unwrapped ones nor image flags.

    Parameters
    ----------
    path : path
    type_map : mapping, optional
        Element of each type, {1: "Cs", 2: "Cu"}, where the file does not name elements.
    dt_fs : float, optional
        Time from frame to frame in fs (not the MD step); counts more than what the file says.
    units : "metal" or "real", optional
        Of a LAMMPS run (velocities in Å/ps or Å/fs), where the file does not say.
    topology : path, optional
        A file that names the atoms, for formats read through MDAnalysis.

    Returns
    -------
    Trajectory
        `notes` say what was dropped or assumed.

    Raises
    ------
    InputError
        The file is none of these or broken, elements or the time step are missing, or the time
        step contradicts the velocities.
    """
    file = Path(path)
    raw = open_trajectory(
        file, type_map, units=units, topology=topology, progress=progress, cancel=cancel
    )
    source: FrameSource = raw.source
    if raw.wrapped:
        source = UnwrappedFrames(raw.source, raw.periodic, file.name)
    step, notes = settle_time_step(raw, source, dt_fs, file)
    cell = raw.cells.mean(axis=0)
    change = float(np.abs(raw.cells - cell).max() / np.abs(cell).max())
    if change > 0:
        notes += (f"the cell varies by up to {100 * change:.2g} %: the mean is given",)
    return Trajectory(
        species=raw.species,
        cell=cell,
        n_frames=raw.n_frames,
        dt_fs=step,
        source=source,
        has_velocities=raw.has_velocities,
        varying_cell=change > 0,
        reference=raw.reference,
        temperature_k=raw.temperature_k,
        name=file.name,
        sha256=raw.sha256,
        notes=raw.notes + notes,
    )


def open_trajectory(
    path: str | Path,
    type_map: TypeMap | None = None,
    *,
    units: str | None = None,
    topology: str | Path | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> RawTrajectory:
    """Open a trajectory as its file has it: wrapped, and perhaps without a time step.

    Parameters and errors as for `read_trajectory`.
    """
    file = Path(path)
    named = None if topology is None else Path(topology)
    raw = _open(file, type_map, units, named, progress, cancel)
    check_elements(raw.species, file)
    if not raw.species or raw.n_frames < 1:
        raise InputError("the file has no atoms", file=file)
    if np.any(np.abs(np.linalg.det(raw.cells)) < 1e-9) or not np.all(np.isfinite(raw.cells)):
        raise InputError("the frames have no cell", file=file, expected="three vectors in Å")
    if len(raw.cells) > 1 and np.all(raw.cells == raw.cells[0]):
        raw = replace(raw, cells=raw.cells[:1])
    return raw


def is_trajectory(path: str | Path) -> bool:
    """Whether a file is a trajectory by its content; formats of MDAnalysis are not told.

    Raises
    ------
    InputError
        It cannot be read.
    """
    file = Path(path)
    if file.is_dir():
        return False
    head = _head_of(file)
    kind = _kind_of(head)
    if kind == "hdf5":
        return any(_hdf5_kinds(file))
    if kind == "xyz":  # other tables begin with a number as well
        return b"lattice=" in head[:4096].lower()
    return kind != ""


def _head_of(path: Path) -> bytes:
    from simulate.md.formats.file_bytes import FileBytes

    return FileBytes(path).read(0, _HEAD).tobytes()


def _kind_of(head: bytes) -> str:
    """The format that the first bytes of a file show; empty where they show none."""
    if head.startswith(_HDF5):
        return "hdf5"
    if head.startswith(b"- of Ulm"):
        return "ase"
    for mark, kind in _MARKS:
        if mark in head:
            return kind
    words = head.split(None, 1)
    return "xyz" if words and words[0].isdigit() and head.count(b"\n") > 1 else ""


def _open(
    path: Path,
    type_map: TypeMap | None,
    units: str | None,
    topology: Path | None,
    progress: Progress | None,
    cancel: CancelToken | None,
) -> RawTrajectory:
    if path.is_dir():
        raise InputError("this is a folder", file=path, hint="give the file of the trajectory")
    head = _head_of(path)
    if not head.strip():
        raise InputError("the file is empty", file=path)
    kind = _kind_of(head)
    if kind == "hdf5":
        return _open_hdf5(path, type_map, units)
    if kind == "lammps":
        from simulate.md.formats.lammps_dump import read_lammps_dump

        return read_lammps_dump(
            path, type_map=type_map, units=units, progress=progress, cancel=cancel
        )
    if kind == "xdatcar":
        from simulate.md.formats.xdatcar import read_xdatcar

        return read_xdatcar(path, progress=progress, cancel=cancel)
    if kind == "vasprun":
        from simulate.md.formats.vasprun import read_vasprun

        return read_vasprun(path)
    if kind == "ase":
        from simulate.md.formats.ase_trajectory import read_ase_trajectory

        return read_ase_trajectory(path)
    if kind == "xyz" and topology is None:
        from simulate.md.formats.extended_xyz import read_extended_xyz

        return read_extended_xyz(
            path, type_map=type_map, units=units, progress=progress, cancel=cancel
        )
    from simulate.md.formats.mdanalysis_trajectory import read_with_mdanalysis

    return read_with_mdanalysis(path, topology=topology, type_map=type_map)


def _hdf5_kinds(path: Path) -> tuple[bool, bool, bool]:
    """Whether it is our store, one of the CsCu2I3 layouts, H5MD."""
    from simulate.md.formats.h5md import is_h5md
    from simulate.md.formats.hdf5_frames import open_hdf5
    from simulate.md.formats.plain_hdf5 import is_plain_hdf5
    from simulate.md.store import is_store

    with open_hdf5(path) as h5:
        return is_store(h5), is_plain_hdf5(h5), is_h5md(h5)


def _open_hdf5(path: Path, type_map: TypeMap | None, units: str | None) -> RawTrajectory:
    from simulate.md.formats.h5md import read_h5md
    from simulate.md.formats.plain_hdf5 import read_plain_hdf5
    from simulate.md.store import read_store

    kinds = _hdf5_kinds(path)
    if kinds[0]:
        return read_store(path)
    if kinds[1]:
        return read_plain_hdf5(path)
    if kinds[2]:
        return read_h5md(path, type_map=type_map, units=units)
    raise InputError(
        "this HDF5 file holds no trajectory",
        file=path,
        expected="H5MD (particles/…/position), or positions with cell and numbers",
    )
