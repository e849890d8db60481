"""All other formats, through MDAnalysis (optional extra `md`)."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ixs_core.arrays import FloatArray, IntArray
from ixs_core.errors import InputError
from ixs_core.provenance import sha256_of
from simulate.md.formats.elements import TypeMap, check_elements, elements_of_types
from simulate.md.formats.raw_trajectory import RawTrajectory, check_finite
from simulate.md.trajectory import FrameBlock

# What its many readers raise on files that they do not understand.
_FAILURES = (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError, AttributeError)


@dataclass
class MdAnalysisFrames:
    """A FrameSource on a universe of MDAnalysis: Å, Å/ps."""

    path: Path
    topology: Path | None
    has_velocities: bool = False
    _universe: Any = field(default=None, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (MdAnalysisFrames, (self.path, self.topology, self.has_velocities))

    def read(self, start: int, stop: int, atoms: IntArray | None = None) -> FrameBlock:
        """Frames start … stop - 1, of some atoms or (None) of all."""
        chosen = slice(None) if atoms is None else atoms
        positions: list[FloatArray] = []
        velocities: list[FloatArray] = []
        cells: list[FloatArray] = []
        with self._lock:
            if self._universe is None:
                self._universe = _universe(self.path, self.topology)
            for index in range(start, stop):
                frame = self._universe.trajectory[index]
                positions.append(frame.positions[chosen].astype(float))
                cells.append(_cell(frame, self.path))
                if self.has_velocities:
                    velocities.append(frame.velocities[chosen].astype(float))
        block = FrameBlock(
            start,
            np.array(positions),
            np.array(velocities) if self.has_velocities else None,
            np.array(cells),
        )
        check_finite(block.positions, "positions", self.path, start)
        return block


def read_with_mdanalysis(
    path: Path, *, topology: Path | None = None, type_map: TypeMap | None = None
) -> RawTrajectory:
    """Open a file of any format that MDAnalysis knows.

    Parameters
    ----------
    topology : Path, optional
        A file that names the atoms, for formats that do not.

    Raises
    ------
    InputError
        MDAnalysis is not installed or cannot read the file.
    """
    universe = _universe(path, topology)
    trajectory = universe.trajectory
    cells = np.array([_cell(frame, path) for frame in trajectory])
    speeds = bool(trajectory[0].has_velocities)
    interval = float(trajectory.dt) * 1000.0
    # Without a time in the file MDAnalysis takes 1 ps, which is no statement of the file.
    stated = "dt" in trajectory.ts.data or interval != 1000.0
    return RawTrajectory(
        species=_species(universe, type_map, path),
        source=MdAnalysisFrames(path, topology, speeds),
        n_frames=len(trajectory),
        cells=cells,
        wrapped=True,
        has_velocities=speeds,
        dt_fs=interval if stated else None,
        sha256=sha256_of(path),
        notes=("read through MDAnalysis (single precision)",),
    )


def _universe(path: Path, topology: Path | None) -> Any:
    try:
        import MDAnalysis  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            "this format is none of those read here",
            file=path,
            expected="LAMMPS dump, extended XYZ, H5MD, XDATCAR, vasprun.xml or ASE .traj",
            hint="others are read through MDAnalysis: pip install 'ixs-suite[md]'",
        ) from error
    files = [str(path)] if topology is None else [str(topology), str(path)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of masses and charges that are not needed
            return MDAnalysis.Universe(*files, to_guess=())
    except _FAILURES as error:
        raise InputError(
            "neither a format read here nor one that MDAnalysis reads",
            file=path,
            found=str(error).strip().splitlines()[0][:120] if str(error).strip() else None,
            expected="LAMMPS dump, extended XYZ, H5MD, XDATCAR, vasprun.xml, ASE .traj, …",
            hint=None if topology else "formats without atom names need topology= (--topology)",
        ) from error


def _cell(frame: Any, path: Path) -> FloatArray:
    cell = frame.triclinic_dimensions
    if cell is None or not np.all(np.isfinite(cell)) or abs(np.linalg.det(cell)) < 1e-9:
        raise InputError("the frames have no cell", file=path, found=f"frame {frame.frame}")
    return np.asarray(cell, dtype=float)


def _species(universe: Any, type_map: TypeMap | None, path: Path) -> tuple[str, ...]:
    atoms = universe.atoms
    if type_map and hasattr(atoms, "types"):
        return elements_of_types([str(kind) for kind in atoms.types], type_map, path)
    for label in ("elements", "names"):
        if hasattr(atoms, label):
            return check_elements([str(name) for name in getattr(atoms, label)], path)
    if hasattr(atoms, "types"):
        return elements_of_types([str(kind) for kind in atoms.types], type_map, path)
    raise InputError("the file does not name its atoms", file=path, hint="give a topology")
